"""What it is worth that a bundle finds how the electrodes are placed."""

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

RUN = [sys.executable, "-c", "from rtpipe.cli import main; main()"]


def compare(bundle: Path, data: Path) -> None:
    """Print the accuracy on each folder with the placement found, and without."""
    with tempfile.TemporaryDirectory() as name:
        fixed = without_placements(bundle, Path(name) / "fixed.pt")
        for said, tried in (("found", bundle), ("as in training", fixed)):
            each, smoothed = accuracies(tried, data)
            figures = each.mean(), np.median(each), each.min()
            told = ", ".join(f"{figure:.3f}" for figure in figures)
            print(f"placement {said}: mean, median, worst {told}; ", end="")
            print(f"of all decisions {smoothed:.3f}")


def without_placements(bundle: Path, to: Path) -> Path:
    """Write the same bundle with a card that knows of one placement only."""
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("extra/card.json"):
                content = json.dumps(
                    {**json.loads(content), "placements": None}
                ).encode()
            new.writestr(name, content)
    return to


def accuracies(bundle: Path, data: Path) -> tuple[np.ndarray, float]:
    """Return the accuracy on each folder's recordings, and of all decisions."""
    command = [*RUN, "evaluate", bundle, "--data", data, "--json"]
    done = subprocess.run(
        [str(each) for each in command], stdout=subprocess.PIPE, check=True
    )
    found = json.loads(done.stdout)
    return np.array(list(found["per_group"].values())), found["accuracy_smoothed"]

"""The walk of docs/own-gestures.md: two cued recordings, a model, a live run.

``python benchmarks/own_gestures.py [--quick] [--seed 0]`` runs its five commands on the
synthetic armband, whose cues follow its true gestures, in a folder of its own. Live
runs and recordings are of seeds that are never trained on and differ from each other.
It prints what they gave, and ends with status 1 where the live run's decisions have a
balanced accuracy below .90. The quick form records less, and nothing in its own time.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rtpipe.training import scores

WANTED = 0.90
FIRST = 1_000_000  # of the seeds that nothing is trained on but by its user
RUN = [sys.executable, "-c", "from rtpipe.cli import main; main()"]


def rtpipe(folder: Path, *arguments: object) -> str:
    """Run a command of rtpipe in a folder, and return what it printed."""
    command = [*RUN, *map(str, arguments)]
    print("$ rtpipe", *arguments, flush=True)
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    return done.stdout


def walk(folder: Path, quick: bool, seed: int) -> dict[str, float]:
    """Run the five commands; return the balanced accuracies they gave."""
    device = ["--device", "synthetic:emg", "--set"]
    repeat, seconds = (5, 30) if quick else (8, 60)
    for k in (1, 2):
        named = f"device.seed={FIRST + 10 * seed + k}"
        cued = [f"own-{k}.xdf", "--cues", "truth", "--repeat", repeat, "--ui", "none"]
        rtpipe(folder, "record", *device, named, "--set", "device.paced=false", *cued)
    print(rtpipe(folder, "train", "gesture", "--data", ".", "--out", "trained"))
    pace = f"device.duration={seconds}" if quick else "device.paced=true"
    live = [*device, f"device.seed={FIRST + 10 * seed + 3}", "--set", pace]
    live += ["--set", "device.paced=false"] if quick else ["--duration", str(seconds)]
    model = "trained/gesture.pt"
    live += ["--model", model, "--json", "--record", "live.xdf"]
    lines = rtpipe(folder, "live", *live)
    judged = [each for each in map(json.loads, lines.splitlines()) if each.get("truth")]
    told = rtpipe(folder, "evaluate", model, "--data", "live.xdf", "--json")
    return figures(folder, judged, json.loads(told))


def figures(
    folder: Path, judged: list[dict[str, Any]], evaluated: dict[str, Any]
) -> dict[str, float]:
    """Return what the live run, its recording and the training say of the model."""
    card = json.loads((folder / "trained" / "card.json").read_text(encoding="utf-8"))
    truth = [each["truth"] for each in judged]
    given = {
        "live, decisions": [each["label"] for each in judged],
        "live, single windows": [
            max(each["probabilities"], key=each["probabilities"].get) for each in judged
        ],
    }
    found = {
        name: scores.balanced_accuracy(truth, labels, card["labels"]) or 0.0
        for name, labels in given.items()
    }
    found["live, accuracy"] = scores.accuracy(truth, given["live, decisions"]) or 0.0
    for name in ("recordings left out", "repetitions left out"):
        found[name] = card["scores"][name]["smoothed"]["mean"]
    found["evaluate, decisions (accuracy)"] = evaluated["accuracy_smoothed"]
    return found


def main() -> int:
    """Run the walk, and tell whether it was good enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = walk(Path(folder), given.quick, given.seed)
    for name, figure in found.items():
        print(f"{name:32} {figure:.3f}")
    return int(found["live, decisions"] < WANTED)


if __name__ == "__main__":
    sys.exit(main())

"""The gesture model on people of another laboratory, who wore the armband otherwise.

``python benchmarks/other_armband.py trained/gesture.pt MYO_DIR`` with the recordings of
Cote-Allard et al. 2019, a folder a person in PreTrainingDataset and EvaluationDataset.
Their armband is mirrored as against UCI's, and 200 Hz: every second sample is taken,
and held as UCI's are. Prints the accuracy with the placement found in the run, and with
the placement of the training; people who are in both datasets are scored once. Nothing
of these people is trained on.

References
----------
.. [1] Cote-Allard U. et al. (2019). Deep learning for electromyographic hand gesture
   signal classification using transfer learning. IEEE Trans. Neural Syst. Rehabil.
   Eng. 27 760-771. https://doi.org/10.1109/TNSRE.2019.2896269
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks.placements import compare

CLASSES = (1, 5, 3, 6, 4, 2, 0)  # UCI's, by theirs: neutral, radial, flexion, ...
HELD = 10  # rows a sample
ONSET = 500  # rows at the start of a gesture that are not labelled
HEADER = "\t".join(["time", *(f"channel{k}" for k in range(1, 9)), "class"])


def write_recordings(data: Path, folder: Path) -> int:
    """Write each person's first recording in UCI's layout; return how many."""
    known = {_content(each) for each in data.glob("EvaluationDataset/*/*")}
    people = 0
    for training in sorted(data.glob("*Dataset/*/training0")):
        content = _content(training)
        if training.parts[-3] == "PreTrainingDataset" and content in known:
            continue
        people += 1
        rows, labels = [], []
        for k, raw in enumerate(content):
            x = np.frombuffer(raw, "<i2").reshape(-1, 8)[::2].repeat(HELD, axis=0)
            label = np.full(len(x), CLASSES[k % len(CLASSES)])
            label[:ONSET] = 0
            rows.append(x)
            labels.append(label)
        x, label = np.concatenate(rows), np.concatenate(labels)
        person = folder / f"{training.parent.parent.name}-{training.parent.name}"
        person.mkdir()
        table = np.column_stack((np.arange(len(x)), x * 1e-5, label))
        np.savetxt(person / "1.txt", table, "%g", "\t", header=HEADER, comments="")
    return people


def _content(recording: Path) -> tuple[bytes, ...]:
    """Return what the files of a recording hold, a gesture each, in their order."""
    files = sorted(recording.glob("classe_*.dat"), key=lambda p: int(p.stem[7:]))
    return tuple(each.read_bytes() for each in files)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("data", type=Path, help="holds PreTrainingDataset, ...")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        people = Path(name)
        print(f"{write_recordings(given.data, people)} people")
        compare(given.bundle, people)


if __name__ == "__main__":
    main()

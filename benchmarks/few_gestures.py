"""The gesture model on people who make two gestures only, turn and turn about.

``python benchmarks/few_gestures.py trained/gesture.pt UCI_DIR``: the stretches of two
gestures of each person's second recording follow one another, over and over for a
minute: every pair of the six, a recording each. Who opens and closes a prosthesis does
nothing else. Prints the accuracy with the placement found in the run, and with the
placement of the training, of the pairs with rest and of the others.
"""

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks.placements import compare
from rtpipe.recording import constant

REST, GESTURES = 1, range(1, 7)  # UCI's classes
ROWS = 60_000  # a recording


def second_recordings(data: Path) -> list[Path]:
    """Return the second recording of everyone who has two."""
    folders = sorted({each.parent for each in data.rglob("*.txt")})
    everyone = [sorted(folder.glob("*_raw_data_*.txt")) for folder in folders]
    return [recordings[1] for recordings in everyone if len(recordings) == 2]


def write_pairs(recording: Path, folder: Path, rows: int = ROWS) -> None:
    """Write each pair of a recording's gestures, in turn, a folder each."""
    with recording.open() as file:
        header = file.readline().strip()
        table = np.loadtxt(file, ndmin=2)
    stretches: dict[int, list[np.ndarray]] = {}
    for start, stop in constant(table[:, -1]):
        stretches.setdefault(int(table[start, -1]), []).append(table[start:stop])
    pairs = [
        pair
        for pair in itertools.combinations(GESTURES, 2)
        if all(each in stretches for each in pair)
    ]
    for pair in pairs:
        turns = itertools.chain.from_iterable(
            zip(*(itertools.cycle(stretches[each]) for each in pair), strict=True)
        )
        parts: list[np.ndarray] = []
        while sum(map(len, parts)) < rows:
            parts.append(next(turns))
        made = np.concatenate(parts)[:rows]
        made[:, 0] = np.arange(len(made))
        kind = "rest" if REST in pair else "two"
        place = folder / kind / f"{recording.parent.name}-{pair[0]}-{pair[1]}"
        place.mkdir(parents=True)
        np.savetxt(place / "1.txt", made, "%g", "\t", header=header, comments="")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("data", type=Path, help="a folder a person, as UCI's")
    given = parser.parse_args()
    recordings = second_recordings(given.data)
    if not recordings:
        parser.error(f"nobody in {given.data} has two recordings, as UCI's people have")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for recording in recordings:
            write_pairs(recording, folder)
        for kind, said in (("rest", "rest and another"), ("two", "two others")):
            print(f"{said}: {len(list((folder / kind).iterdir()))} recordings")
            compare(given.bundle, folder / kind)


if __name__ == "__main__":
    main()

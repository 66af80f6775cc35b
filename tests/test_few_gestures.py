"""Recordings in which two gestures take turns: benchmarks/few_gestures.py."""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import few_gestures
from rtpipe.recording import read

HEADER = "\t".join(["time", *(f"channel{k}" for k in range(1, 9)), "class"])
CLASSES = (0, 1, 0, 3, 0, 2, 0, 1, 2, 0)
EACH = 30  # rows a stretch


def write_recording(path: Path) -> None:
    """Write stretches whose first channel holds the number of their row."""
    label = np.repeat(CLASSES, EACH)
    x = np.zeros((len(label), 8))
    x[:, 0] = np.arange(len(label))
    table = np.column_stack((np.arange(len(label)), x * 1e-5, label))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, table, "%g", "\t", header=HEADER, comments="")


def test_the_second_recording_of_who_has_two(tmp_path: Path) -> None:
    for name in ("01/1_raw_data_a.txt", "01/2_raw_data_b.txt", "02/2_raw_data_c.txt"):
        write_recording(tmp_path / "deeper" / name)
    (tmp_path / "README.txt").write_text("of the data")
    found = few_gestures.second_recordings(tmp_path)
    assert found == [tmp_path / "deeper" / "01" / "2_raw_data_b.txt"]


def test_two_gestures_take_turns(tmp_path: Path) -> None:
    recording = tmp_path / "07" / "2.txt"
    write_recording(recording)
    few_gestures.write_pairs(recording, tmp_path / "pairs", rows=200)
    written = sorted((tmp_path / "pairs").glob("*/*/*"))
    names = [path.relative_to(tmp_path / "pairs").as_posix() for path in written]
    assert names == ["rest/07-1-2/1.txt", "rest/07-1-3/1.txt", "two/07-2-3/1.txt"]
    stretches = {1: (30, 210), 2: (150, 240), 3: (90,)}  # by their first row
    for path, (one, other) in zip(written, ((1, 2), (1, 3), (2, 3)), strict=True):
        wanted: list[int] = []
        for turn in range(8):
            rows = stretches[other if turn % 2 else one]
            start = rows[turn // 2 % len(rows)]
            wanted.extend(range(start, start + EACH))
        (found,) = read(path)
        np.testing.assert_array_equal(found.data[:, 0], wanted[:200])
        told = [each.index for each in found.events if each.kind == "truth"]
        assert told[:7] == list(range(0, 200, EACH))

"""How fast our reader of XDF is, and what memory it takes, beside pyxdf.

``python benchmarks/xdf.py [--minutes 10] [--quick]`` writes a recording of 8 channels
at 1 kHz in chunks of a radio's size, then in a recorder's, and reads each with both, in
turns. It prints seconds (the best of three), their ratio, and how much memory was taken
at most, in bytes for each byte of the file. It ends with status 1 where the two differ.
"""

import argparse
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyxdf

from rtpipe.xdf.clocks import lines, synchronised
from rtpipe.xdf.encode import (
    boundary,
    clock_offset,
    file_header,
    samples,
    stream_header,
)
from rtpipe.xdf.header import Channel, Header
from rtpipe.xdf.read import read

SFREQ, N_CHANNELS = 1000, 8
CHUNKS = {"20 samples": 20, "250 samples": 250}
TURNS = 3


def write(path: Path, minutes: float, size: int) -> None:
    """Write a recording with chunks of some samples, and an offset each 5 s."""
    n = int(minutes * 60 * SFREQ)
    values = np.random.default_rng(0).normal(0, 20, (n, N_CHANNELS)).astype(np.float32)
    stamps = 100 + np.arange(n) / SFREQ
    channels = (Channel("A", "microvolts", "EEG"),) * N_CHANNELS
    with path.open("wb") as file:
        file.write(file_header({}))
        header = Header("EEG", "EEG", "float32", SFREQ, channels)
        file.write(stream_header(1, header))
        for k in range(0, n, size):
            if k % (5 * SFREQ) == 0:
                file.write(clock_offset(1, float(stamps[k]), 3 + 1e-5 * k / SFREQ))
                file.write(boundary())
            file.write(samples(1, stamps[k : k + size], values[k : k + size]))


def ours(path: Path) -> tuple[Any, Any]:
    """Return values and times, read by us."""
    (stream,) = read(path).streams
    return stream.values, synchronised(stream.stamps, lines(stream.offsets))


def theirs(path: Path) -> tuple[Any, Any]:
    """Return values and times, read by pyxdf."""
    (stream,), _ = pyxdf.load_xdf(path, dejitter_timestamps=False)
    return stream["time_series"], stream["time_stamps"]


def taken(reader: Callable[[Path], object], path: Path) -> float:
    """Return how many seconds a reader takes."""
    begun = time.perf_counter()
    reader(path)
    return time.perf_counter() - begun


def memory(reader: Callable[[Path], object], path: Path) -> float:
    """Return how many bytes a reader has at most, for each of the file."""
    tracemalloc.start()
    reader(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / path.stat().st_size


def main(given: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--quick", action="store_true", help="ten seconds of signal")
    asked = parser.parse_args(given)
    minutes = 1 / 6 if asked.quick else asked.minutes
    print(f"{minutes:g} minutes of {N_CHANNELS} channels at {SFREQ} Hz")
    print("| chunks of | file | rtpipe | pyxdf | ratio | memory | of pyxdf |")
    print("|---|---|---|---|---|---|---|")
    same = True
    for name, size in CHUNKS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.xdf"
            write(path, minutes, size)
            turns = [(taken(ours, path), taken(theirs, path)) for _ in range(TURNS)]
            mine, other = (min(each) for each in zip(*turns, strict=True))
            (values, times), (known, stamps) = ours(path), theirs(path)
            same &= values.tobytes() == known.tobytes()
            same &= bool(np.abs(times - stamps).max() < 1e-7)
            print(
                f"| {name} | {path.stat().st_size / 1e6:.0f} MB | {mine:.2f} s | "
                f"{other:.2f} s | {other / mine:.1f} | {memory(ours, path):.1f} | "
                f"{memory(theirs, path):.1f} |"
            )
    print("bit for bit the same" if same else "THEY DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())

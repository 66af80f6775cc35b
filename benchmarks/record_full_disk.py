"""What a recording keeps when the disk is full: all that was written, and it is told.

``python benchmarks/record_full_disk.py [--times 20] [--quick]`` sends two streams and
markers whose samples hold their own number (`numbered.py`), and records them into small
disks in memory, so often, each of another size, until they are full. The run must go on
and tell it once; the file must open in pyxdf; at most a second may be missing at its
end, no sample and no marker before that may be missing, wrong or twice; and what is
not in the file must be what the run counts as not recorded. It prints a table, and ends
with status 1 where something is not so. To mount the disks it has to be run by root.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks.numbered import SKETCH, Kept, kept, record, sender

LEAST, MOST = 100, 500  # kilobytes of a disk: two to ten seconds
QUICK = 150  # ... where it is to be quick
AFTER = 1.0  # seconds for which the run goes on
PATIENCE = 120.0  # seconds for the disk to be full
AT_ONCE = 2  # runs


@dataclass
class Filled:
    """One run whose disk became full.

    Parameters
    ----------
    size : int
        Of the disk, in kilobytes.
    missing : float
        Seconds between the last sample in the file and the word that it stopped.
    unrecorded : int
        Samples that the run counts as not recorded.
    """

    size: int
    kept: Kept | None = None
    missing: float = 0.0
    unrecorded: int = 0
    faults: list[str] = field(default_factory=list)


@contextmanager
def disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a disk of so many kilobytes in memory."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(name: str, zero: float, folder: Path, size: int) -> Filled:
    """Record until the disk is full and a moment longer, and look at what is there."""
    found = Filled(size)
    with disk(folder, size) as place:
        log = folder.with_suffix(".log")
        process = record(name, place / "a.xdf", log, lines=True)
        lines: list[dict[str, Any]] = []
        assert process.stdout is not None
        end = time.monotonic() + PATIENCE
        for line in process.stdout:
            lines.append(json.loads(line))
            if lines[-1].get("state") == "stopped" or time.monotonic() > end:
                break
        time.sleep(AFTER)
        process.terminate()  # not SIGINT, which is ignored in a script's background
        lines += map(json.loads, process.stdout)
        process.wait()
        try:
            found.kept = kept(place / "a.xdf", zero)
        except Exception as error:
            found.faults = [f"pyxdf cannot read it: {error!r}", log.read_text()]
            return found
    found.faults = list(found.kept.faults)
    stopped = [each for each in lines if each.get("state") == "stopped"]
    if len(stopped) != 1 or "No space left" not in stopped[0]["error"]:
        found.faults.append(f"it was told so: {stopped}")
        return found
    found.missing = stopped[0]["time"] - found.kept.newest
    if found.missing > SKETCH:
        found.faults.append(f"{found.missing:.2f} s are missing at the end")
    if process.returncode != 130:
        found.faults.append(f"the run ended with status {process.returncode}")
    summary = lines[-1]
    found.unrecorded = sum(summary["unrecorded"].values())
    for stream, n in found.kept.streams.items():
        received = summary["streams"][stream]["received"]
        if received - n != summary["unrecorded"].get(stream, 0):
            found.faults.append(
                f"{stream}: {received} received, {n} in the file, and "
                f"{summary['unrecorded']} counted as not recorded"
            )
    return found


def series(times: int, seed: int, most: int = MOST) -> list[Filled]:
    """Fill so many disks, whose sizes the seed decides."""
    sizes = [random.Random(seed + k).randint(LEAST, most) for k in range(times)]
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / str(k) for k in range(times)]
        with sender(Path(name)) as sent, ThreadPoolExecutor(AT_ONCE) as pool:
            jobs = [
                pool.submit(fill, *sent, *each)
                for each in zip(folders, sizes, strict=True)
            ]
            return [job.result() for job in jobs]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the series and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="two small disks")
    given = parser.parse_args(arguments)
    times, most = (2, QUICK) if given.quick else (given.times, MOST)
    found = series(times, given.seed, most)
    faults = [(each.size, fault) for each in found for fault in each.faults]
    for size, fault in faults:
        print(f"a disk of {size} kB: {fault}")
    held = [each.kept for each in found if each.kept is not None]
    rows: dict[str, float] = {
        "disks filled": len(found),
        "files that pyxdf opens": len(held),
        "samples in them": sum(each.samples for each in held),
        "markers in them": sum(each.markers for each in held),
        "counted as not recorded": sum(each.unrecorded for each in found),
        "missing at the end, most (s)": round(max(e.missing for e in found), 3),
        "faults": len(faults),
    }
    for what, value in rows.items():
        print(f"{what:<32} {value:>10,}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

"""What a recording keeps when its run is killed: nothing but its last second is lost.

``python benchmarks/record_kill.py [--times 200] [--quick]`` sends two streams and
markers whose samples hold their own number (`numbered.py`), starts ``rtpipe record``
so often, and kills it (SIGKILL) at a random moment: of its start, or of the seconds
after the file has appeared. Each file must open in pyxdf, or not be there because the
run was killed before it had one; at most a second may be missing at its end, and no
sample and no marker before that may be missing, wrong or twice.
It prints a table, and ends with status 1 where something is not so.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks.numbered import SKETCH, Kept, kept, record, sender

LONGEST = 4.0  # seconds from the first sight of the file to the end by force
START = 8.0  # seconds in which a run has begun; on a busy machine
EARLY = 0.2  # share of the runs that are killed at a moment of their start
AT_ONCE = 2  # runs


@dataclass
class Killed:
    """One run that was killed.

    Parameters
    ----------
    after : float
        Seconds from its start, or from the first sight of its file where `seen`.
    seen : bool
    missing, silent : float
        Seconds between the last sample, or marker, that is in the file and the kill.
    """

    after: float
    seen: bool
    kept: Kept | None = None
    size: int = 0
    missing: float = 0.0
    silent: float = 0.0
    fault: str = ""


def kill(name: str, zero: float, file: Path, after: float, seen: bool) -> Killed:
    """Record, kill, and look at what is there."""
    found = Killed(after, seen)
    process = record(name, file, file.with_suffix(".log"))
    while seen and not file.exists() and process.poll() is None:
        time.sleep(0.001)
    time.sleep(after)
    at = time.monotonic()
    process.kill()
    if process.wait() != -9:
        log = file.with_suffix(".log").read_text()
        found.fault = f"it had ended before: {log.strip()[-200:]}"
    elif left := [each for each in file.parent.glob(f".{file.name}*")]:
        found.fault = f"it left {left}"
    elif file.exists():
        found.size = file.stat().st_size
        try:
            found.kept = kept(file, zero)
        except Exception as error:
            found.fault = f"pyxdf cannot read it: {error!r}"
            return found
        found.missing = at - found.kept.newest
        found.silent = at - max(found.kept.said, found.kept.begun)
        late = max(found.missing, found.silent) > SKETCH
        ended = [f"{found.missing:.2f} s are missing at the end"] if late else []
        found.fault = "; ".join(found.kept.faults + ended)
    return found


def series(
    times: int, seed: int, longest: float = LONGEST, at_once: int = AT_ONCE
) -> list[Killed]:
    """Kill so many runs, at moments that the seed decides."""
    moments = random.Random(seed)
    seen = [moments.random() >= EARLY for _ in range(times)]
    after = [moments.uniform(0, longest if each else START) for each in seen]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{k}.xdf" for k in range(times)]
        with sender(Path(folder)) as (name, zero), ThreadPoolExecutor(at_once) as pool:
            jobs = [
                pool.submit(kill, name, zero, *each)
                for each in zip(files, after, seen, strict=True)
            ]
            found = []
            for job in jobs:
                found.append(job.result())
                if found[-1].fault:
                    print(f"after {found[-1].after:.2f} s: {found[-1].fault}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the series and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="four runs")
    given = parser.parse_args(arguments)
    times, at_once = (4, 4) if given.quick else (given.times, AT_ONCE)
    found = series(times, given.seed, at_once=at_once)
    there = [each for each in found if each.kept is not None]
    held = [each.kept for each in there if each.kept is not None]
    faults = [each for each in found if each.fault]
    rows: dict[str, float] = {
        "runs killed": len(found),
        "before there was a file": len(found) - len(there),
        "files that pyxdf opens": len(there),
        "samples in them": sum(each.samples for each in held),
        "markers in them": sum(each.markers for each in held),
        "faults": len(faults),
    }
    if there:
        ends = np.array([each.missing for each in there])
        rows["missing at the end, median (s)"] = round(float(np.median(ends)), 3)
        rows["missing at the end, most (s)"] = round(float(ends.max()), 3)
        silent = max(each.silent for each in there)
        rows["the same of markers, most (s)"] = round(silent, 3)
    for what, value in rows.items():
        print(f"{what:<32} {value:>10,}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

"""What a run makes of every fault of the faulty device alone, and of random pairs.

``python benchmarks/faults.py [--quick] [--seed 0] [--pairs 20] [--seconds 600]`` runs a
signal as fast as possible whose every sample is known, through a faulty device and a
bundle that answers with the window it was shown. What the device hands over is noted on
the way; from that alone it is reckoned, sample by sample, what the run must count and
which windows it must answer with what. It prints a line a run, and ends with status 1
where one differs. A run that hangs ends all, with the stacks of its threads.

What exact means. The device counts its samples, so every counter is exact: received,
expected, lost, filled, late, malformed, missing, gaps, outages. After a disconnect the
run has only the stamps to go by: what it takes for lost is then exactly what the stamps
say, and off from the truth by what a fault of the clock did meanwhile: the last column,
in samples. Windows are compared by every sample that came and that no fault spoilt, and
their times never decrease.
"""

import argparse
import faulthandler
import itertools
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from rtpipe.devices.faulty import FaultyDevice
from torch import Tensor, nn

from rtpipe.bundle import Bundle, Exported, Standardised, save
from rtpipe.card import Card, Training
from rtpipe.decide import Decision
from rtpipe.device import Device
from rtpipe.errors import DeviceLost
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import StreamStatus
from rtpipe.sinks.collect import Collect
from rtpipe.types import Chunk, Event, Prediction, StreamInfo

SFREQ, N_TIMES, HOP = 200.0, 40, 10
LONGEST = 20  # samples of a gap that is filled: 100 ms
LIMIT = 120.0  # seconds in which a run must be over, for each ten minutes of signal
INFO = StreamInfo(
    "known", SFREQ, ("A", "B"), ("emg",) * 2, ("uV",) * 2, rails=(-1.0, 20_000.0)
)
ALONE = (
    "nan 2%",
    "nan 1 every 7",
    "rails 2%",
    "flood 0.5 every 17",
    "jitter 0.05",
    "drift 500",
    "jump 0.5 every 11",
    "jump -0.5 every 11",
    "drop 2%",
    "drop 0.5 0.3%",
    "drop 3 every 19",
    "channels 2%",
    "duplicate 2%",
    "reorder 2%",
    "stall 2 every 9",
    "disconnect 3 every 13",
)
Numbers = NDArray[np.int64]
Named = tuple[str, Bundle, Decision]


def clean(number: Numbers) -> NDArray[np.float32]:
    """Return the sample of each number; no straight line gives it."""
    return (number * 7919 % 10_007).astype(np.float32)


class Known:
    """A device whose samples are known, as fast as they are read."""

    paced = False
    clock: Literal["run", "recording"] = "recording"

    def __init__(self, seconds: float, chunk: int = 100) -> None:
        self.n_times, self.chunk, self.at = round(seconds * SFREQ), chunk, 0

    def open(self) -> Sequence[StreamInfo]:
        """Begin with sample 0."""
        self.at = 0
        return [INFO]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        """Return the next samples."""
        if self.at >= self.n_times:
            return None
        index = np.arange(self.at, min(self.at + self.chunk, self.n_times))
        self.at += len(index)
        data = np.repeat(clean(index)[:, None], 2, axis=1)
        return [Chunk(INFO.name, int(index[0]), index / SFREQ, data, time.monotonic())]

    def close(self) -> None:
        """Nothing to release."""


class Noted:
    """A device that notes what another hands over; None stands for an outage."""

    paced = False
    clock: Literal["run", "recording"] = "recording"

    def __init__(self, device: Device) -> None:
        self.device = device
        self.handed: list[Chunk | None] = []

    def open(self) -> Sequence[StreamInfo]:
        """Open the other one."""
        return self.device.open()

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        """Read, and note."""
        try:
            chunks = self.device.read(timeout)
        except DeviceLost:
            self.handed.append(None)
            raise
        self.handed += chunks or ()
        return chunks

    def close(self) -> None:
        """Close the other one."""
        self.device.close()


class First(nn.Module):
    """The first channel."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, n_times) of (batch, n_channels, n_times)."""
        return x[:, 0]


class Shown(Exported):
    """The first channel of a window where others have probabilities."""

    @torch.jit.export
    def probabilities(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """Return the window, shape (batch, n_times)."""
        return features


def bundle(folder: Path) -> Named:
    """Return a bundle that answers with what it was shown, one label a sample."""
    card = Card(
        name="shown",
        task="none",
        labels=tuple(str(k) for k in range(N_TIMES)),
        sfreq=SFREQ,
        ch_names=INFO.ch_names,
        units=INFO.units,
        n_times=N_TIMES,
        hop=HOP,
        training=Training(recipe="none", protocol="none", seed=0, simulated=True),
    )
    path = folder / "shown.pt"
    zeros, ones = torch.zeros(N_TIMES), torch.ones(N_TIMES)
    save(path, Shown(First(), Standardised(nn.Identity()), zeros, ones), card)
    return card.name, Bundle.load(path), card.decision


COUNTED = (
    "received",
    "expected",
    "lost",
    "filled",
    "late",
    "malformed",
    "missing",
    "gaps",
    "outages",
)


@dataclass
class Account:
    """What a run must count, and know, of what a device handed over.

    The arrays are per sample of the run's index.
    """

    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    number: list[Numbers] = field(default_factory=list)  # of the clean signal; -1 lost
    newest: int = -1
    latest: float = -np.inf  # time of the newest sample
    off: int = 0  # most by which a gap after an outage was estimated wrongly


def account(handed: Sequence[Chunk | None]) -> Account:
    """Reckon with what a device handed over, in its order."""
    found = Account()
    count = found.counters
    events = [e for c in handed if c is not None for e in c.events]
    floods = [e for e in events if e.data.get("fault") == "flood"]
    shift, anew = 0, False
    for chunk in handed:
        if chunk is None:
            count["outages"] += 1
            anew = True
        elif len(chunk) and chunk.data.shape[1:] != INFO.sample_shape:
            count["malformed"] += len(chunk)
        elif len(chunk):
            times = np.maximum.accumulate(np.maximum(chunk.times, found.latest))
            if anew:
                steps = round((float(times[0]) - found.latest) * SFREQ)
                estimate = found.newest + max(1, steps) - chunk.index
                found.off = max(found.off, abs(estimate - shift))
                shift, anew = estimate, False
            found.latest = float(times[-1])
            _take(found, chunk, shift, _numbers(chunk, floods))
    count["expected"] = found.newest + 1
    return found


def _numbers(chunk: Chunk, floods: Sequence[Event]) -> Numbers:
    """Return the numbers that a chunk's samples have in the clean signal."""
    index = np.arange(chunk.index, chunk.stop)
    number = index.copy()
    for flood in floods:
        start, more = flood.index or 0, int(flood.data["samples"])
        into = np.clip(index - start, 0, more // 9 * 10)
        number -= into - into // 10
    return number


def _take(found: Account, chunk: Chunk, shift: int, number: Numbers) -> None:
    count = found.counters
    count["received"] += len(chunk)
    fresh = np.arange(chunk.index, chunk.stop) + shift > found.newest
    count["late"] += int((~fresh).sum())
    if not fresh.any():
        return
    gap = chunk.index + shift + int(np.argmax(fresh)) - found.newest - 1
    count["lost"] += gap
    if gap > LONGEST:
        count["gaps"] += 1
    else:
        count["filled"] += gap
    data = chunk.data[fresh]
    bad = ~(np.isfinite(data) & (data < 20_000.0))
    count["missing"] += int(bad.any(axis=1).sum())
    found.number.append(np.full(gap, -1 if gap <= LONGEST else -2))
    # Of a sample that is spoilt nothing is known but that it came.
    found.number.append(np.where(bad[:, 0], -1, number[fresh]))
    found.newest = chunk.stop - 1 + shift


def deviations(
    found: Account, status: StreamStatus, predictions: Sequence[Prediction]
) -> list[str]:
    """Return where a run differs from what it must be."""
    told = []
    for name, must in found.counters.items():
        if (counted := getattr(status.counters, name)) != must:
            told.append(f"{name} is {counted}, not {must}")
    number = np.concatenate(found.number)
    hole = np.concatenate(([0], np.cumsum(number == -2)))
    ends = np.arange(N_TIMES, len(number) + 1, HOP)
    due = ends[hole[ends] == hole[ends - N_TIMES]] - 1
    answered = np.array([each.index for each in predictions])
    if not np.array_equal(answered, due):
        only = sorted({*answered.tolist()} ^ {*due.tolist()})
        told.append(f"{len(only)} windows are not due or not answered, at {only[:5]}")
        return told
    shown = np.array([list(each.probabilities.values()) for each in predictions])
    known = number[due[:, None] - N_TIMES + 1 + np.arange(N_TIMES)]
    wrong = (known >= 0) & (shown != clean(known))
    if wrong.any():
        told.append(f"{int(wrong.any(axis=1).sum())} windows are wrong")
    if not (np.diff([each.end for each in predictions]) >= 0).all():
        told.append("the times of windows decrease")
    return told


@dataclass
class Result:
    """What a run under faults gave."""

    faults: str
    counters: dict[str, int]
    injected: dict[str, int]  # samples by fault, as the device told them
    windows: int
    off: int
    took: float
    deviations: list[str]

    def __str__(self) -> str:
        c = self.counters
        cells = [c[k] for k in ("expected", "lost", "late", "malformed", "missing")]
        numbers = "".join(f"{each:>10}" for each in (*cells, c["outages"]))
        verdict = "; ".join(self.deviations) or "exact"
        return (
            f"{self.faults:<46}{numbers}{self.windows:>9}{self.off:>6}  {verdict}"
            f"  ({self.took:.1f} s)"
        )


HEAD = (
    f"{'faults':<46}{'expected':>10}{'lost':>10}{'late':>10}{'malformed':>10}"
    f"{'missing':>10}{'outages':>10}{'windows':>9}{'off':>6}"
)


def attempt(faults: str, seconds: float, seed: int, shown: Named) -> Result:
    """Run the signal through some faults.

    Parameters
    ----------
    faults : str
    seconds : float
        Of signal.
    seed : int
    shown : (str, Bundle, Decision)
        See `bundle`.
    """
    begun = time.monotonic()
    device = Noted(FaultyDevice(Known(seconds), faults, seed=seed))
    sink = Collect()
    with Runtime([device], [shown], [sink], shared=False) as runtime:
        runtime.wait()
    found = account(device.handed)
    status = runtime.run.streams[INFO.name]
    injected: dict[str, int] = {}
    for event in sink.events:
        if event.kind == "fault":
            name = event.data["fault"]
            injected[name] = injected.get(name, 0) + event.data.get("samples", 1)
    return Result(
        faults=faults,
        counters={name: getattr(status.counters, name) for name in COUNTED},
        injected=injected,
        windows=len(sink.predictions),
        off=found.off,
        took=time.monotonic() - begun,
        deviations=deviations(found, status, sink.predictions),
    )


def pairs(n: int, seed: int) -> list[str]:
    """Return random pairs of faults of different names, each pair once."""
    every = [
        f"{one}; {other}"
        for one, other in itertools.combinations(ALONE, 2)
        if one.split()[0] != other.split()[0]
    ]
    chosen = np.random.default_rng(seed).choice(len(every), n, replace=False)
    return [every[k] for k in chosen]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all, print a line each, and return 1 where one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="of signal")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--quick", action="store_true", help="six pairs, 40 s of signal"
    )
    given = parser.parse_args(arguments)
    if given.quick:
        given.seconds, given.pairs = 40.0, 6
    torch.set_num_threads(1)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        shown = bundle(Path(folder))
        print(HEAD)
        for faults in (*ALONE, *pairs(given.pairs, given.seed)):
            faulthandler.dump_traceback_later(
                LIMIT * max(1.0, given.seconds / 600), exit=True
            )
            results.append(attempt(faults, given.seconds, given.seed, shown))
            faulthandler.cancel_dump_traceback_later()
            print(results[-1], flush=True)
    differ = sum(bool(each.deviations) for each in results)
    windows = sum(each.windows for each in results)
    print(f"{len(results)} runs, {windows} windows, {differ} not as they must be")
    return bool(differ)


if __name__ == "__main__":
    sys.exit(main())

"""Runs of made signals through small bundles, recorded, and their checks."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from rtpipe import clock
from rtpipe.bundle import Bundle, Exported, Standardised, save
from rtpipe.card import StageCard
from rtpipe.decide import Decision
from rtpipe.features.placement import Placement
from rtpipe.features.timedomain import LogRms
from rtpipe.replaycheck.check import Checked, check
from rtpipe.runtime.runtime import Runtime
from rtpipe.types import Chunk, Float32, StreamInfo

from .cards import small_card

SFREQ, N_TIMES, HOP = 200.0, 40, 10
INFO = StreamInfo(
    "arm", SFREQ, ("A", "B"), ("emg",) * 2, ("uV",) * 2, rails=(-500.0, 500.0)
)
Piece = tuple[int, Float32]  # index of the first sample, samples
Named = tuple[str, Bundle, Decision]
Make = Callable[..., Named]
Recorded = Callable[..., Path]


class Scripted:
    """A device that gives pieces of signal, each as a chunk."""

    def __init__(self, pieces: Sequence[Piece], paced: bool = False) -> None:
        self.pieces, self.paced = pieces, paced
        self.clock: Literal["run", "recording"] = "run" if paced else "recording"
        self.hold: Callable[[int], object] = lambda at: None

    def open(self) -> Sequence[StreamInfo]:
        self.at, self.start = 0, clock.now()
        return [INFO]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        self.hold(self.at)
        if self.at == len(self.pieces):
            return None
        index, data = self.pieces[self.at]
        self.at += 1
        times = (index + np.arange(len(data))) / SFREQ
        if self.paced:
            time.sleep(max(0.0, self.start + times[-1] - clock.now()))
            times = times + self.start
        return [Chunk("arm", index, times, data.copy(), clock.now())]

    def close(self) -> None:
        pass


def noise(n: int, seed: int = 0) -> Float32:
    """Return a signal whose strength goes up and down, slowly and by leaps."""
    rng = np.random.default_rng(seed)
    strength = rng.uniform(5, 80, (n // 150 + 1, 2)).repeat(150, axis=0)[:n]
    signal: Float32 = (strength * rng.standard_normal((n, 2))).astype(np.float32)
    return signal


def cut(data: Float32, *, first: int = 0, most: int = 37) -> list[Piece]:
    """Return samples in pieces of many sizes."""
    rng = np.random.default_rng(1)
    found, at = [], 0
    while at < len(data):
        n = int(rng.integers(1, most))
        found.append((first + at, data[at : at + n]))
        at += n
    return found


ADAPTS: dict[str, Any] = {
    "adapts": 20,
    "stages": (
        StageCard(kind="channel_scale", settings={"prior": [20, 20], "worth": 400}),
        StageCard(kind="filter", settings={"low": 20, "notch": 1}),
    ),
}


def make_bundle(folder: Path, name: str = "plain", **changes: Any) -> Named:
    """Return a bundle whose labels are how strong the signal is, saved in a folder."""
    torch.manual_seed(len(name))
    told = {
        "task": "strength",
        "labels": ("low", "middle", "high"),
        "sfreq": SFREQ,
        "n_times": N_TIMES,
        "hop": HOP,
        "stages": (StageCard(kind="filter", settings={"low": 20, "notch": 1}),),
    }
    path = folder / f"{name}.pt"
    head = Standardised(nn.Linear(2, 3))
    parts = (LogRms(), head, torch.full((2,), 3.0), torch.ones(2))
    place = None
    if "placements" in changes:
        centres = np.array([[0.2, -0.2], [-0.2, 0.3]])
        place = Placement([[0, 1], [1, 0]], centres, 0.01 * np.eye(2), np.ones(2), 0.0)
    exported = Exported(*parts, place=place)
    card = save(path, exported, small_card(name=name, **told | changes))
    loaded = Bundle.load(path)
    loaded.path = str(path)
    return name, loaded, card.decision


def record(folder: Path, device: Scripted, *bundles: Named) -> Path:
    """Run a device through bundles, recorded."""
    path = folder / "run.xdf"
    with Runtime([device], bundles, record=path, shared=False) as runtime:
        runtime.wait()
    return path


def record_gap(folder: Path) -> Path:
    """Record a run with a gap, in which a window is due at each 10th sample."""
    pieces = [each for each in cut(noise(3000)) if not 1000 <= each[0] < 1200]
    named = make_bundle(folder), make_bundle(folder, "adapting", **ADAPTS)
    return record(folder, Scripted(pieces), *named)


def checked(path: Path) -> Checked:
    return check(path, (), "cpu")


def assert_equal(found: Checked) -> None:
    assert found.equal is True, [each.first for each in found.comparisons]
    for each in found.comparisons:
        assert each.n_different == each.labels_differ == 0
        assert each.compared > 0


def whole(found: Checked) -> None:
    """Every answer was compared and has the same bits."""
    assert_equal(found)
    for each in found.comparisons:
        n = len(each.stored.index)
        assert (each.compared, each.equal_bits, each.labels_compared) == (n, n, n)
        assert (each.unsettled, each.largest) == (0, 0.0)

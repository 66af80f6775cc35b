"""Recordings of gestures as runs of features, for the recipe `gesture`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from rtpipe.errors import RecordingError
from rtpipe.moments import RunningMoments
from rtpipe.recording import Recording, constant, file_hash, read, recordings_in
from rtpipe.recordings.uci import CHANNELS
from rtpipe.training.copies import Fingerprint, refuse_copies
from rtpipe.training.fit import described
from rtpipe.training.report import tracked
from rtpipe.training.windows import windows
from rtpipe.types import Float32, Float64

N_CHANNELS = len(CHANNELS)
N_TIMES, HOP, STEP = 200, 50, 10  # rows; training also uses grids shifted by STEP
PHASES = HOP // STEP
Order = NDArray[np.int64]  # of a run's windows


@dataclass(frozen=True, slots=True, eq=False)
class GestureRun:
    """One recording's windows, every `STEP` rows; every fifth makes a grid.

    Parameters
    ----------
    path : Path
    hash : str
        SHA-256 of the file.
    person : str
    number : int
        1 or 2: which of the person's recordings.
    features : ndarray of float32, shape (n_windows, n_features)
    label : ndarray of int64, shape (n_windows,)
        Place among the labels; -1 where the window is not wholly in one.
    segment : ndarray of int64, shape (n_windows,)
        The labelled stretch each window is nearest to.
    """

    path: Path
    hash: str
    person: str
    number: int
    features: Float32
    label: NDArray[np.int64]
    segment: NDArray[np.int64]


def read_runs(
    data: Path, describe: nn.Module, labels: Sequence[str]
) -> list[GestureRun]:
    """Return the runs below a folder laid out as UCI 481 is.

    Raises
    ------
    RecordingError
        If there is no folder of a person, or not two people with two recordings; or a
        recording is of another device, has no signal or windows of fewer than two
        labels, or is another one's copy.
    """
    if not data.is_dir():
        raise RecordingError(f"{data} is not a folder of recordings")
    folders: dict[Path, list[Path]] = {}
    for path in recordings_in(data):
        folders.setdefault(path.parent, []).append(path)
    files = [
        (path, folder.name, number)
        for folder, paths in folders.items()
        for number, path in enumerate(paths, start=1)
    ]
    twice = {person for _, person, number in files if number == 2}
    if len(twice) < 2 or any(number > 2 for _, _, number in files):
        raise RecordingError(
            f"{data} is not laid out as UCI's EMG data for gestures: a folder a "
            "person, named 01, 02, ..., each with one or two recordings"
        )
    runs: list[GestureRun] = []
    known: list[tuple[Fingerprint, Path]] = []
    for path, person, number in tracked("reading")(files):
        recording = _read(path)
        known.append((Fingerprint(recording.data), path))
        runs.append(_run(path, person, number, recording, describe, labels))
    refuse_copies(known)
    return runs


def _read(path: Path) -> Recording:
    recordings = read(path)
    mine = [each for each in recordings if each.info.ch_names == CHANNELS]
    if not mine:
        names = dict.fromkeys(n for each in recordings for n in each.info.ch_names)
        raise RecordingError(
            f"{path} is not of the armband: its channels are {', '.join(names)}"
        )
    return mine[0]


def _run(
    path: Path,
    person: str,
    number: int,
    recording: Recording,
    describe: nn.Module,
    labels: Sequence[str],
) -> GestureRun:
    cut = windows(recording, (), N_TIMES, STEP, "gesture")
    if not len(cut.x):
        raise RecordingError(f"{path} is shorter than a window of {N_TIMES} rows")
    place = {label: k for k, label in enumerate(labels)}
    label = np.array([place.get(each or "", -1) for each in cut.truth])
    if len(set(label[label >= 0])) < 2:
        raise RecordingError(
            f"{path} has no two gestures that last a window of {N_TIMES} rows"
        )
    if (recording.data == recording.data[0]).all():
        raise RecordingError(f"{path} holds no signal: no channel ever changes")
    return GestureRun(
        path=path,
        hash=file_hash(path),
        person=person,
        number=number,
        features=described(describe, cut.x).numpy(),
        label=label,
        segment=_segments(label),
    )


def _segments(label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the labelled stretch each window is in, cut half way to the next."""
    middle = [
        (start + stop) // 2
        for start, stop in constant(label)
        if label[start] < 0 and start > 0 and stop < len(label)
    ]
    segments: NDArray[np.int64] = np.searchsorted(
        middle, np.arange(len(label)), "right"
    )
    return segments


def weights(run: GestureRun, weigh: nn.Module) -> Float32:
    """Return how much each window of a run counts in the moments, (n_windows,)."""
    with torch.inference_mode():
        found: Float32 = weigh(torch.from_numpy(run.features)).numpy()
    return found


@dataclass(frozen=True, eq=False)
class Prior:
    """What running moments of the features begin with, and how windows weigh in them.

    Parameters
    ----------
    mean, scale : ndarray of float64, shape (n_features,)
    worth : float
        How many windows they count as.
    weigh : Module
    """

    mean: Float64
    scale: Float64
    worth: float
    weigh: nn.Module

    @classmethod
    def of(
        cls,
        runs: Sequence[GestureRun],
        weigh: nn.Module,
        worth: float,
        orders: NDArray[np.int64],
    ) -> Self:
        """Return the moments of runs, every run counting the same.

        And every placement, `orders` of the features: what is the same in all of them
        is no evidence for one.
        """
        means, squares = [], []
        for run in runs:
            wide, w = run.features.astype(np.float64), weights(run, weigh)
            means.append(np.average(wide, axis=0, weights=w)[orders].mean(0))
            squares.append(np.average(wide**2, axis=0, weights=w)[orders].mean(0))
        mean = np.mean(means, axis=0)
        scale = np.sqrt(np.mean(squares, axis=0) - mean**2 + 1e-4)
        return cls(mean, scale, worth, weigh)

    def seen(self, run: GestureRun, order: Order) -> tuple[Float32, Float32, Float32]:
        """Return features, running mean and running scale of windows in an order.

        Each has the shape (n_windows, n_features).
        """
        moments = RunningMoments(self.mean, self.scale, self.worth)
        features = run.features[order]
        return features, *moments.advance(features, weights(run, self.weigh)[order])


def recorded_order(run: GestureRun, phase: int = 0) -> Order:
    """Return the windows of one grid as they were recorded; 0 is the protocol's."""
    return np.arange(len(run.label))[phase::PHASES]


def random_order(run: GestureRun, rng: np.random.Generator, phase: int = 0) -> Order:
    """Return the windows of one grid, the labelled stretches in random order.

    The run also begins anywhere in a stretch, and ends where it began.
    """
    grid = recorded_order(run, phase)
    segment = run.segment[grid]
    stretches = rng.permutation(int(segment.max()) + 1)
    order = np.concatenate([grid[segment == each] for each in stretches])
    return np.roll(order, -int(rng.integers(len(order))))

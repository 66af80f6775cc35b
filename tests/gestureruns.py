"""Runs of gestures whose features are made, and how well they are told apart."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.training.gesturefit import Settings
from rtpipe.training.gestureruns import GestureRun, Order

N_FEATURES = 104


def made_run(
    person: str,
    number: int = 1,
    seed: int = 0,
    sequence: Sequence[int] = (0, 1, 2, 3, 4, 5) * 2,
    looks: Sequence[int] = range(6),
    each: int = 20,
) -> GestureRun:
    """Return a run whose features have a mean for each gesture's looks."""
    rng = np.random.default_rng(seed)
    label: list[int] = []
    segment: list[int] = []
    for k, made in enumerate(sequence):
        label += [-1] * 6 + [made] * each + [-1] * 6
        segment += [k] * (each + 12)
    y = np.array(label)
    means = np.random.default_rng(5).standard_normal((7, N_FEATURES))
    means = means[[*looks, -1]]  # the last one where there is no gesture
    features = means[y] + 0.5 * rng.standard_normal((len(y), N_FEATURES)) + 2
    path = Path(person) / f"{number}.txt"
    return GestureRun(
        path, "", person, number, features.astype(np.float32), y, np.array(segment)
    )


def accuracy(found: NDArray[np.float64], run: GestureRun, order: Order) -> float:
    label = run.label[order]
    right = found.argmax(1) == label
    return float(right[label >= 0].mean())


def few(**changes: Any) -> Settings:
    return replace(Settings(n_heads=2, n_hidden=32, n_epochs=6, batch=64), **changes)

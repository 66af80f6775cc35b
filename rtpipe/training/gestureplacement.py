"""How the armband is placed: found by labels to train, and without them in a run."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import shrunk_covariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn

from rtpipe.features.armband import ArmbandFeatures
from rtpipe.features.placement import Placement, ring
from rtpipe.training.gestureruns import (
    N_CHANNELS,
    PHASES,
    GestureRun,
    Prior,
    weights,
)
from rtpipe.types import Float32, Float64

_RING = ring(N_CHANNELS)
NAMES = tuple(_RING)
ORDERS = np.array([ArmbandFeatures(N_CHANNELS).reordered(o) for o in _RING.values()])
# Of evidence: chosen on recordings 1, docs/gesture.md.
LEAD, DEPTH = 160.0, 600.0
LEAST = 0.82  # of the scale of training, that several gestures have been made
_BETTER = 0.05  # in accuracy: another placement than most must be so much better
_ROUNDS = 3
_SHRINKAGE = 0.2
_FAR = 5.0  # standard deviations, as far as the heads and the placement look

_Labelled = tuple[Float32, NDArray[np.int64]]


def as_most(runs: Sequence[GestureRun], weigh: nn.Module) -> list[GestureRun]:
    """Return runs with the features as if everyone had placed the armband as most do.

    A person's placement is the one in which discriminant analysis, trained on the
    others as they are placed so far, answers the labelled windows best.

    Parameters
    ----------
    runs : sequence of GestureRun
        To train on: labels are looked at.
    weigh : Module
        How much a window counts in the mean that features are seen against.
    """
    found = _placements(runs, weigh)
    return [
        replace(run, features=run.features[:, ORDERS[found[run.person]]])
        for run in runs
    ]


def fit_placement(
    seen: Sequence[tuple[Float32, Float32, Float32]],
    labels: Sequence[NDArray[np.int64]],
    prior: Prior,
) -> Placement:
    """Fit what tells a placement, on runs in the placement of most.

    Parameters
    ----------
    seen : sequence of (features, mean, scale)
        Of each run, in the order of its windows, with the running moments these are
        seen with.
    labels : sequence of ndarray
        Of each run's windows, as `GestureRun.label`; only labelled ones are used.
    prior : Prior
        Of the running moments.
    """
    z = np.concatenate([(f - mean) / scale for f, mean, scale in seen])
    label = np.concatenate(labels)
    z, label = z[label >= 0].clip(-_FAR, _FAR).astype(np.float64), label[label >= 0]
    kinds = np.unique(label)
    centres = np.array([z[label == kind].mean(0) for kind in kinds])
    rest = z - centres[np.searchsorted(kinds, label)]
    spread = rest.std(0) + 1e-6
    correlation = shrunk_covariance(np.cov((rest / spread).T, bias=True), _SHRINKAGE)
    covariance = correlation * np.outer(spread, spread)
    return Placement(ORDERS.tolist(), centres, covariance, prior.scale, LEAST)


def _placements(runs: Sequence[GestureRun], weigh: nn.Module) -> dict[str, int]:
    """Return the placement of each person of the runs."""
    people = sorted({run.person for run in runs})
    labelled = {
        person: [_labelled(run, weigh) for run in runs if run.person == person]
        for person in people
    }
    found = dict.fromkeys(people, 0)
    for _ in range(_ROUNDS if len(people) > 2 else 0):  # two only contradict each other
        better = {}
        for person in people:
            others = [
                (x[:, ORDERS[found[other]]], y)
                for other in people
                if other != person
                for x, y in labelled[other]
            ]
            score = _scores(others, labelled[person])
            best = int(score.argmax())
            better[person] = best if score[best] > score[0] + _BETTER else 0
        if better == found:
            break
        found = better
    return found


def _labelled(run: GestureRun, weigh: nn.Module) -> _Labelled:
    """Return the labelled windows of a grid of a run, less the run's mean."""
    mean = np.average(run.features, axis=0, weights=weights(run, weigh))
    grid = np.flatnonzero(run.label >= 0)[::PHASES]
    return (run.features[grid] - mean).astype(np.float32), run.label[grid]


def _scores(others: Sequence[_Labelled], mine: Sequence[_Labelled]) -> Float64:
    """Return the accuracy on one person's runs in each placement."""
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
    x, y = (np.concatenate(each) for each in zip(*others, strict=True))
    lda.fit(x, y)
    return np.array(
        [np.mean([lda.score(x[:, order], y) for x, y in mine]) for order in ORDERS]
    )

"""What is computed from a person's own recordings, and fitted on them."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn

from rtpipe.bundle import Exported, Standardised
from rtpipe.card import StageCard
from rtpipe.errors import ConfigError, RecordingError
from rtpipe.features.armband import ArmbandFeatures
from rtpipe.features.concat import Concat
from rtpipe.features.covariance import LogCovariance
from rtpipe.features.difference import OfDifference
from rtpipe.features.spectrum import BANDS, BandPower
from rtpipe.features.timedomain import Hudgins
from rtpipe.types import Float64, StreamInfo
from rtpipe.unit import NONE

BRAIN = frozenset({"eeg", "ecog", "seeg", "dbs"})
_LOW, _HIGH = 4.0, 45.0  # hertz: below are blinks and movement, above are the mains
_MUSCLE = 20.0  # hertz, from which on surface EMG is more than cables that move
_HARMONICS = 4  # of the mains


@dataclass(frozen=True, eq=False)
class Method:
    """From a stream to the features of its windows.

    Parameters
    ----------
    ch_names, units : tuple of str
        Of the channels that are used: those of the commonest type.
    n_times, hop : int
        In samples.
    stages : tuple of StageCard
    features : Module
    """

    ch_names: tuple[str, ...]
    units: tuple[str, ...]
    n_times: int
    hop: int
    stages: tuple[StageCard, ...]
    features: nn.Module


def method(info: StreamInfo, window: float | None) -> Method:
    """Return what suits the type of most of a stream's channels.

    Parameters
    ----------
    info : StreamInfo
    window : float or None
        Seconds; None is 1 s for what comes from the brain, else 0.2 s. A window comes
        each quarter of it.

    Raises
    ------
    ConfigError
        If the window is too short for the stream's rate.
    """
    kind = Counter(info.ch_types).most_common(1)[0][0]
    kept = [k for k, each in enumerate(info.ch_types) if each == kind]
    ch_names = tuple(info.ch_names[k] for k in kept)
    units = tuple(info.units[k] for k in kept)
    brain = kind in BRAIN
    seconds = window or (1.0 if brain else 0.2)
    n_times = round(seconds * info.sfreq)
    if n_times < 8:
        raise ConfigError(
            f"a window of {seconds:g} s has {n_times} samples of {info.name}, and at "
            "least 8 are needed: say --set window=SECONDS"
        )
    counts = set(units) == {NONE}
    if brain:
        stages, features = _of_brain(info.sfreq, n_times)
    elif kind == "emg" and counts:  # of an armband, which filters by itself
        stages, features = (), ArmbandFeatures(len(kept), shrinkage=0.005)
    else:
        stages = _of_muscle(info.sfreq) if kind == "emg" else ()
        features = Concat(
            Hudgins(log=True),
            LogCovariance(shrinkage=0.2),
            OfDifference(LogCovariance(shrinkage=0.2)),
        )
    return Method(ch_names, units, n_times, max(1, n_times // 4), stages, features)


def _of_muscle(sfreq: float) -> tuple[StageCard, ...]:
    if sfreq <= 4 * _MUSCLE:  # there would be nothing left: it is an envelope
        return ()
    return (StageCard(kind="filter", settings={"low": _MUSCLE, "notch": _HARMONICS}),)


def _of_brain(sfreq: float, n_times: int) -> tuple[tuple[StageCard, ...], nn.Module]:
    top = min(_HIGH, sfreq / 2)
    settings = {"low": _LOW} if top < _HIGH else {"low": _LOW, "high": _HIGH}
    spacing = sfreq / n_times
    bands = {
        name: (low, min(high, top))
        for name, (low, high) in BANDS.items()
        if low >= _LOW and min(high, top) - low >= spacing
    }
    parts: list[nn.Module] = [LogCovariance(shrinkage=0.001)]
    if bands:
        parts.append(BandPower(sfreq=sfreq, n_times=n_times, bands=bands, log=True))
    return (StageCard(kind="filter", settings=settings),), Concat(*parts)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Linear discriminant analysis on standardised features.

    Parameters
    ----------
    mean, scale : ndarray of float64, shape (n_features,)
    weight : ndarray of float64, shape (n_labels, n_features)
    bias : ndarray of float64, shape (n_labels,)
        Minus infinity for a label that was not among what it was fitted on.
    """

    mean: Float64
    scale: Float64
    weight: Float64
    bias: Float64

    def probabilities(self, x: Float64) -> Float64:
        """Return probabilities, shape (n_windows, n_labels), of features."""
        logits = ((x - self.mean) / self.scale) @ self.weight.T + self.bias
        odds = np.exp(logits - logits.max(1, keepdims=True))
        shares: Float64 = odds / odds.sum(1, keepdims=True)
        return shares

    def exported(self, features: nn.Module) -> Exported:
        """Return what the bundle contains."""
        head = nn.Linear(self.weight.shape[1], len(self.bias))
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(self.weight))
            head.bias.copy_(torch.from_numpy(self.bias))
        mean, scale = torch.from_numpy(self.mean), torch.from_numpy(self.scale)
        return Exported(features, Standardised(head), mean, scale).eval()


def fit(x: Float64, y: NDArray[np.int64], n_labels: int) -> Fitted:
    """Fit on windows; every label that occurs counts the same.

    The covariance is shrunk as Ledoit and Wolf say, so that it has an inverse where
    there are more features than a few minutes of windows can tell apart.

    Parameters
    ----------
    x : ndarray of float64, shape (n_windows, n_features)
    y : ndarray of int64, shape (n_windows,)
        At least two different labels.
    n_labels : int

    Raises
    ------
    RecordingError
        If there are not more windows than labels.
    """
    mean, scale = x.mean(0), x.std(0)
    scale = np.where(scale > 1e-6, scale, 1.0)
    known = np.unique(y)
    if len(y) <= len(known):
        raise RecordingError(
            f"{len(y)} windows are too few to learn {len(known)} labels from: record "
            "more cues or longer ones, or take a shorter window (--set window=SECONDS)"
        )
    lda = LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage="auto", priors=np.full(len(known), 1 / len(known))
    )
    lda.fit((x - mean) / scale, y)
    weight = np.zeros((n_labels, x.shape[1]))
    bias = np.full(n_labels, -np.inf)
    if len(known) == 2:  # it gives the second against the first
        weight[known[1]], bias[known] = lda.coef_[0], (0.0, lda.intercept_[0])
    else:
        weight[known], bias[known] = lda.coef_, lda.intercept_
    return Fitted(mean, scale, weight, bias)

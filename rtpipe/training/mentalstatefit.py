"""Fit the model of mental states, on one band of frequencies or on all."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rtpipe.card import StageCard
from rtpipe.features.concat import Concat
from rtpipe.features.covariance import LogCovariance
from rtpipe.features.difference import OfDifference
from rtpipe.features.spectrum import BandPower
from rtpipe.registry import find
from rtpipe.training.fit import described, fit_head
from rtpipe.training.mentalstateruns import (
    HOP,
    LABELS,
    N_TIMES,
    SFREQ,
    StateRecording,
)
from rtpipe.types import Float64

_SLOW = (1, 2, 4, 6, 8, 10, 13, 16, 20, 25, 30, 36, 42, 48)
_FAST = (52, 57, 63, 70, 77, 84, 91, 98, 102, 110, 118, 126)
BANDS = tuple(pairwise(_SLOW + _FAST))
MAINS = ((48, 52), (98, 102))  # of the recordings, and their harmonic
SHRINKAGE = 0.01
N_HIDDEN, DROPOUT, N_EPOCHS = 64, 0.5, 20


@dataclass(frozen=True)
class Spectrum:
    """The part of the spectrum a model may see.

    Parameters
    ----------
    bands : tuple of (float, float)
        In hertz.
    stages : tuple of StageCard
        That keep the rest out of the covariances.
    """

    bands: tuple[tuple[float, float], ...]
    stages: tuple[StageCard, ...]

    def features(self) -> Concat:
        """Return log powers in the bands, and two log-covariances."""
        bands = {f"{low:g}-{high:g}Hz": (low, high) for low, high in self.bands}
        return Concat(
            BandPower(sfreq=SFREQ, n_times=N_TIMES, bands=bands, log=True),
            LogCovariance(shrinkage=SHRINKAGE),
            OfDifference(LogCovariance(shrinkage=SHRINKAGE)),
        )


def _filter(**settings: float) -> StageCard:
    return StageCard(kind="filter", settings=settings)


# A second-order high-pass takes the electrode's offset and drift, and is quiet soon.
ALL = Spectrum(BANDS, (_filter(low=1.0, order=2),))
# Mains beside a band would leak through its edge and fill the covariances.
CONTROLS = {
    "52-126 Hz alone": Spectrum(
        tuple(band for band in BANDS if band[0] >= 52),
        (_filter(low=52.0, order=8, notch=1, quality=10.0),),
    ),
    "1-30 Hz alone": Spectrum(
        tuple(band for band in BANDS if band[1] <= 30),
        (
            _filter(low=1.0, order=2),
            _filter(high=30.0, order=8, notch=2, quality=10.0),
        ),
    ),
    "mains taken out": Spectrum(
        tuple(band for band in BANDS if band not in MAINS),
        (_filter(low=1.0, order=2, notch=2, quality=10.0),),
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class StateRun:
    """One recording's windows as features.

    Parameters
    ----------
    source : StateRecording
    features : Tensor of float32, shape (n_windows, n_features)
    mirrored : Tensor of float32, shape (n_windows, n_features)
        Of the same windows, left and right electrodes exchanged.
    starts : ndarray of bool, shape (n_windows,)
        Whether a window is the first one, or the first after a gap.
    """

    source: StateRecording
    features: Tensor
    mirrored: Tensor
    starts: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A head, and how the features it takes are standardised.

    Parameters
    ----------
    head : Module
        Standardised features to logits.
    mean, scale : Tensor, shape (n_features,)
    """

    head: nn.Module
    mean: Tensor
    scale: Tensor

    def probabilities(self, run: StateRun) -> Float64:
        """Return what a live run would have answered, shape (n_windows, n_labels)."""
        with torch.inference_mode():
            logits = self.head((run.features - self.mean) / self.scale)
            found: Float64 = logits.softmax(1).double().numpy()
        return found


def run_of(source: StateRecording, spectrum: Spectrum, describe: nn.Module) -> StateRun:
    """Describe the windows of a recording.

    Parameters
    ----------
    source : StateRecording
    spectrum : Spectrum
    describe : Module
        Its features.
    """
    x, index = source.cut(spectrum.stages)
    return StateRun(
        source,
        described(describe, x),
        described(describe, x[:, ::-1]),  # the channels go from ear to ear
        np.diff(index, prepend=index[0]) != HOP,
    )


def fit_runs(runs: Sequence[StateRun], seed: int) -> Fitted:
    """Fit a head on every window of some runs, and on its mirror image.

    Nothing says on which side of the head an electrode comes loose.
    """
    torch.manual_seed(seed)
    recorded = torch.cat([run.features for run in runs])
    mean, scale = recorded.mean(0), recorded.std(0).clamp(min=1e-6)
    x = torch.cat([recorded, *(run.mirrored for run in runs)])
    y = torch.cat([torch.full((len(r.features),), r.source.label) for r in runs])
    target = torch.cat([y, y])
    head = find("models", "perceptron")(
        n_features=x.shape[1],
        n_hidden=N_HIDDEN,
        n_outputs=len(LABELS),
        dropout=DROPOUT,
    )
    epochs = range(N_EPOCHS)
    x = (x - mean) / scale
    fit_head(head, x, target, len(LABELS), epochs, n_epochs=N_EPOCHS)
    return Fitted(head, mean, scale)

"""Features of a window's waveform: the Hudgins set.

Each module maps float32 (batch, n_channels, n_times), in the signal's unit, to
float32 (batch, n_features): all channels of the first feature, then all channels of
the second. Below, x[0] ... x[N-1] are one channel's samples, d[k] = x[k+1] - x[k].

References
----------
.. [1] Hudgins B., Parker P., Scott R. N. (1993). A new strategy for multifunction
   myoelectric control. IEEE Trans. Biomed. Eng. 40 82-94.
   https://doi.org/10.1109/10.204774
.. [2] Phinyomark A., Phukpattaranont P., Limsakul C. (2012). Feature reduction and
   selection for EMG signal classification. Expert Syst. Appl. 39 7420-7431.
   https://doi.org/10.1016/j.eswa.2012.01.102
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# So that one module offers everything computed without a spectrum.
from rtpipe.features.moments import Hjorth as Hjorth
from rtpipe.features.moments import LogRms as LogRms
from rtpipe.features.moments import Rms as Rms


class MeanAbsoluteValue(nn.Module):
    """Mean of abs(x[k]), in the signal's unit [1]_; (batch, n_channels)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return one value a channel."""
        return x.abs().mean(-1)

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order."""
        return [f"mav_{ch}" for ch in ch_names]


class ZeroCrossings(nn.Module):
    """Number of zero crossings of the window [1]_; (batch, n_channels).

    Counts the k for which exactly one of x[k], x[k+1] is negative and
    abs(d[k]) >= threshold.

    Parameters
    ----------
    threshold : float
        Smallest step that counts, in the signal's unit; set it above the noise of a
        resting channel. 0 counts every change of sign.

    Notes
    -----
    A sample of exactly zero is taken as positive, so a signal of integers that steps
    on zero while it crosses is counted once; [1]_ would not count it. Without exact
    zeros the two definitions are the same.
    """

    def __init__(self, *, threshold: float = 0.0) -> None:
        super().__init__()
        self.threshold = float(threshold)

    def forward(self, x: Tensor) -> Tensor:
        """Return one count a channel."""
        return _crossings(x, torch.diff(x), self.threshold)

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order."""
        return [f"zc_{ch}" for ch in ch_names]


class SlopeSignChanges(nn.Module):
    """Number of turning points of the window [1]_; (batch, n_channels).

    Counts the samples strictly above both neighbours, or strictly below both, that
    differ from at least one neighbour by threshold or more.

    Parameters
    ----------
    threshold : float
        Smallest step that counts, in the signal's unit ([2]_ has it in that unit
        squared, which is another rule). 0 counts every turning point.
    """

    def __init__(self, *, threshold: float = 0.0) -> None:
        super().__init__()
        self.threshold = float(threshold)

    def forward(self, x: Tensor) -> Tensor:
        """Return one count a channel."""
        return _turns(torch.diff(x), self.threshold)

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order."""
        return [f"ssc_{ch}" for ch in ch_names]


class WaveformLength(nn.Module):
    """Sum of abs(d[k]), in the signal's unit [1]_; (batch, n_channels)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return one value a channel."""
        return torch.diff(x).abs().sum(-1)

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order."""
        return [f"wl_{ch}" for ch in ch_names]


class Hudgins(nn.Module):
    """The four features of [1]_ side by side; (batch, 4 * n_channels).

    Mean absolute value, zero crossings, slope sign changes, waveform length, each as
    the module of that name gives it.

    Parameters
    ----------
    zc_threshold, ssc_threshold : float
        As in `ZeroCrossings` and `SlopeSignChanges`, in the signal's unit.
    log : bool
        Natural logarithm of mean absolute value and waveform length, which makes a
        change of gain an offset.
    floor : float
        Smallest value before the logarithm, in the signal's unit; a dead channel gives
        log(floor).

    Notes
    -----
    Left out of [1]_: the mean absolute value slope, which compares segments.
    """

    def __init__(
        self,
        *,
        zc_threshold: float = 0.0,
        ssc_threshold: float = 0.0,
        log: bool = False,
        floor: float = 1e-3,
    ) -> None:
        super().__init__()
        self.zc_threshold = float(zc_threshold)
        self.ssc_threshold = float(ssc_threshold)
        self.log = log
        self.floor = float(floor)

    def forward(self, x: Tensor) -> Tensor:
        """Return the four features, each of all channels."""
        mav = x.abs().mean(-1)
        step = torch.diff(x)
        wl = step.abs().sum(-1)
        if self.log:
            mav = mav.clamp_min(self.floor).log()
            wl = wl.clamp_min(self.floor).log()
        zc = _crossings(x, step, self.zc_threshold)
        ssc = _turns(step, self.ssc_threshold)
        return torch.cat([mav, zc, ssc, wl], dim=-1)

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order."""
        log = "log_" if self.log else ""
        features = (f"{log}mav", "zc", "ssc", f"{log}wl")
        return [f"{feature}_{ch}" for feature in features for ch in ch_names]


def _crossings(x: Tensor, step: Tensor, threshold: float) -> Tensor:
    """Count changes of sign; step is diff(x)."""
    negative = x < 0
    counted = negative[..., 1:] != negative[..., :-1]
    if threshold > 0:
        counted = counted & (step.abs() >= threshold)
    # On a CPU, adding up in int32 is about 3 times as fast as count_nonzero.
    return counted.sum(-1, dtype=torch.int32).to(x.dtype)


def _turns(step: Tensor, threshold: float) -> Tensor:
    """Count changes of slope; step is diff(x)."""
    # Signs, since a product of the steps themselves could underflow; floats, since on
    # a CPU one comparison into a mask takes as long as all of this.
    sign = torch.sign(step)
    turned = (sign[..., 1:] * sign[..., :-1]).clamp_max_(0)  # -1 at a turn, else 0
    if threshold > 0:
        large = step.abs() >= threshold
        turned *= large[..., 1:] | large[..., :-1]
    return turned.sum(-1).abs()

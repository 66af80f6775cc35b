"""Features of a window's second moments: root mean square, and Hjorth's three.

Each module maps float32 (batch, n_channels, n_times), in the signal's unit, to
float32 (batch, n_features): all channels of the first feature, then all channels of
the second. Below, x[0] ... x[N-1] are one channel's samples, d[k] = x[k+1] - x[k].

References
----------
.. [1] Phinyomark A., Phukpattaranont P., Limsakul C. (2012). Feature reduction and
   selection for EMG signal classification. Expert Syst. Appl. 39 7420-7431.
   https://doi.org/10.1016/j.eswa.2012.01.102
.. [2] Hjorth B. (1970). EEG analysis based on time domain properties.
   Electroencephalogr. Clin. Neurophysiol. 29 306-310.
   https://doi.org/10.1016/0013-4694(70)90143-4
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Rms(nn.Module):
    """Root of the mean of x[k]^2, in the signal's unit [1]_; (batch, n_channels)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return one value a channel; the mean is not removed."""
        return _rms(x)

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order."""
        return [f"rms_{ch}" for ch in ch_names]


class LogRms(nn.Module):
    """Natural logarithm of the root mean square; (batch, n_channels).

    Parameters
    ----------
    floor : float
        Smallest root mean square told apart, in the signal's unit: a flat channel
        gives log(floor). The default, 1 nV for a signal in microvolts, is below the
        noise of any amplifier.
    """

    def __init__(self, *, floor: float = 1e-3) -> None:
        super().__init__()
        self.floor = float(floor)

    def forward(self, x: Tensor) -> Tensor:
        """Return one value a channel."""
        return _rms(x).clamp_min(self.floor).log()

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order."""
        return [f"log_rms_{ch}" for ch in ch_names]


class Hjorth(nn.Module):
    """Activity, mobility and complexity of [2]_; (batch, 3 * n_channels).

    activity = var(x), in the signal's unit squared; mobility = sqrt(var(d) / var(x));
    complexity = mobility(d) / mobility(x), which is 1 for a pure sine.

    Notes
    -----
    var divides by the number of values. Mobility is per sample: times sfreq it is
    the 1/s of [2]_. A channel that does not move has mobility and complexity 0.
    Needs three samples or more.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the three features, each of all channels."""
        step = torch.diff(x)
        activity, speed, bend = _var(x), _var(step), _var(torch.diff(step))
        # The least normal float32 stands for 0: 0 / 0 must give 0, not nan.
        mobility2 = speed / activity.clamp_min(1.2e-38)
        complexity2 = bend / speed.clamp_min(1.2e-38) / mobility2.clamp_min(1.2e-38)
        return torch.cat([activity, mobility2.sqrt(), complexity2.sqrt()], dim=-1)

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order."""
        features = ("activity", "mobility", "complexity")
        return [f"{feature}_{ch}" for feature in features for ch in ch_names]


def _rms(x: Tensor) -> Tensor:
    # The norm squares and sums in one pass, without a copy of the window.
    norm: Tensor = torch.linalg.vector_norm(x, dim=-1)
    return norm / math.sqrt(x.shape[-1])


def _var(x: Tensor) -> Tensor:
    # On a CPU torch.var is an order slower: it runs Welford's recursion.
    return _rms(x - x.mean(-1, keepdim=True)).square()

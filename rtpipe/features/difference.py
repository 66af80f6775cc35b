"""A feature of how fast the signal changes, instead of the signal."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from rtpipe.features.concat import Named


class OfDifference(nn.Module):
    """Another feature of x[k+1] - x[k]; as many outputs as that one has.

    A difference multiplies the amplitude at a frequency f by 2 sin(pi f / sfreq): where
    slow waves fill the signal's covariance, that of the difference shows what is fast.

    Parameters
    ----------
    feature : nn.Module
        (batch, n_channels, n_times - 1) to (batch, n_features), with `names`.
    """

    def __init__(self, feature: nn.Module) -> None:
        super().__init__()
        self.feature = feature

    def forward(self, x: Tensor) -> Tensor:
        """Return the feature of the differences."""
        found: Tensor = self.feature(torch.diff(x))
        return found

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order: "diff_logm_TP9_AF7"."""
        return [f"diff_{name}" for name in cast("Named", self.feature).names(ch_names)]

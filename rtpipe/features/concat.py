"""Several features as one."""

from collections.abc import Sequence
from typing import Protocol, cast

import torch
from torch import Tensor, nn


class Named(Protocol):
    """What a feature is beside a torch module: it can name its outputs."""

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order, for these channels."""


class Concat(nn.Module):
    """Join features of the same windows; (batch, sum of their n_features).

    Parameters
    ----------
    *features : nn.Module
        Each maps (batch, n_channels, n_times) to (batch, n_features), and has
        `names`. A `Concat` is one too.

    Raises
    ------
    ValueError
        Without features; in `names`, if two outputs have the same name.
    """

    def __init__(self, *features: nn.Module) -> None:
        super().__init__()
        if not features:
            raise ValueError("Concat needs at least one feature")
        self.features = nn.ModuleList(features)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features in the order given."""
        joined: list[Tensor] = []
        for feature in self.features:  # TorchScript unrolls this, no comprehension
            joined.append(feature(x))
        return torch.cat(joined, dim=-1)

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order."""
        parts = [cast("Named", feature).names(ch_names) for feature in self.features]
        names = [name for part in parts for name in part]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two features give the same name: {', '.join(twice)}")
        return names

"""A feature that keeps the laws, and two that break them."""

from collections.abc import Sequence

from torch import Tensor, nn


class Power(nn.Module):
    """Logarithm of each channel's power: the feature to be broken."""

    def forward(self, x: Tensor) -> Tensor:
        return x.square().mean(2).clamp_min(1e-6).log()

    def names(self, ch_names: Sequence[str]) -> list[str]:
        return [f"power_{name}" for name in ch_names]


class OfTheBatch(Power):
    def forward(self, x: Tensor) -> Tensor:
        return x.square().mean(2).log1p() - x.square().mean().log1p()


class NanOfZeros(Power):
    def forward(self, x: Tensor) -> Tensor:
        power = x.square().mean(2)
        return power / power

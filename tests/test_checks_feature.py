"""Each law of a feature is seen broken: a check that cannot fail proves nothing."""

from collections.abc import Sequence

import pytest
from torch import Tensor, nn
from torch.jit import is_scripting  # type: ignore[attr-defined]

from rtpipe.checks import check_feature

from .powers import NanOfZeros, OfTheBatch, Power


class Unscriptable(Power):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + len({*range(3)})


class Modifies(Power):
    def forward(self, x: Tensor) -> Tensor:
        x *= 2
        return x.mean(2)


class InDouble(Power):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(2).double()


class Cube(Power):
    def forward(self, x: Tensor) -> Tensor:
        return x


class OtherWhenScripted(Power):
    def forward(self, x: Tensor) -> Tensor:
        if is_scripting():
            return x.mean(2)
        return x.std(2)


class FewNames(Power):
    def names(self, ch_names: Sequence[str]) -> list[str]:
        return ["power"]


class OneName(Power):
    def names(self, ch_names: Sequence[str]) -> list[str]:
        return ["power"] * len(ch_names)


class InfiniteOfNoise(Power):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(2) / 0


def test_a_feature_that_keeps_the_laws() -> None:
    check_feature(Power(), 4, 64)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (Unscriptable(), "it cannot be scripted"),
        (Modifies(), "the windows are modified"),
        (InDouble(), "features are torch.float64, not float32"),
        (Cube(), r"features are shaped \(64, 4, 64\)"),
        (OfTheBatch(), "in a batch of 2 is described otherwise than alone"),
        (OtherWhenScripted(), "scripted, it describes a window otherwise"),
        (InfiniteOfNoise(), "a feature of noise is not finite"),
        (NanOfZeros(), "a feature of zeros is not finite"),
        (FewNames(), "1 names for 4 features"),
        (OneName(), "two features have the same name"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, nn.Module) else "",
)
def test_a_feature_that_breaks_a_law(module: nn.Module, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_feature(module, 4, 64)

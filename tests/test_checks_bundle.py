"""Each law of a bundle is seen broken: a check that cannot fail proves nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rtpipe.bundle import Exported, Standardised, save
from rtpipe.card import Placements
from rtpipe.checks import check_bundle
from rtpipe.features.placement import Placement
from rtpipe.types import StreamInfo

from .cards import small_card
from .powers import NanOfZeros, OfTheBatch, Power


class Logits(nn.Module):
    """Answers with logits, not with probabilities."""

    def __init__(self, describe: nn.Module) -> None:
        super().__init__()
        self.describe = describe
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("scale", torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.probabilities(self.features(x), self.mean, self.scale)

    @torch.jit.export
    def features(self, x: Tensor) -> Tensor:
        described: Tensor = self.describe(x)
        return described

    @torch.jit.export
    def probabilities(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return features[:, :3]

    @torch.jit.export
    def weights(self, features: Tensor) -> Tensor:
        return torch.ones(features.shape[0])


class Overflows(Power):
    def forward(self, x: Tensor) -> Tensor:
        power = x.square().mean(2).square().square()
        return power - power


class ForThreeChannels(Power):
    def forward(self, x: Tensor) -> Tensor:
        return (x.transpose(1, 2) @ torch.ones(3, 4)).mean(1)


class TwoAnswers(Logits):
    def forward(self, x: Tensor) -> Tensor:
        return torch.full((x.shape[0], 3), 1 / 3)

    @torch.jit.export
    def probabilities(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return torch.softmax(features[:, :3], 1)


class Negative(Logits):
    @torch.jit.export
    def probabilities(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return torch.tensor([[2.0, -2.0, 1.0]]).repeat(features.shape[0], 1)


class Wide(Logits):
    @torch.jit.export
    def probabilities(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return torch.softmax(features[:, :3].double(), 1)


class HeavyWindows(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return torch.full((features.shape[0],), 1.1)


class WeightPerFeature(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return features.sigmoid()


class WeightOfTheBatch(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return torch.softmax(features[:, 0], 0)


def exported(
    describe: nn.Module,
    n_labels: int = 3,
    weigh: nn.Module | None = None,
    place: nn.Module | None = None,
) -> nn.Module:
    torch.manual_seed(0)
    head = Standardised(nn.Linear(4, n_labels))
    return Exported(describe, head, torch.zeros(4), torch.ones(4), weigh, place)


def placed(*orders: Sequence[int]) -> Placement:
    return Placement(orders, np.ones((1, 4)), np.eye(4), np.ones(4), 0.0)


class AgainstTheFirst(Placement):
    def forward(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return features[:, :2]


class OfTheWholeBatch(Placement):
    def forward(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        likely = features[:, :2].mean(0).abs() * torch.tensor([0.0, 1.0])
        return likely.expand(len(features), 2)


class DoublesValues(Placement):
    @torch.jit.export
    def placed(self, values: Tensor, placement: Tensor) -> Tensor:
        return values * (1 + placement[:, None])


class InfinitelySure(Placement):
    def forward(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return features[:, :2].square() * torch.tensor([0.0, float("inf")])


TWO = [range(4), range(3, -1, -1)], np.ones((1, 4)), np.eye(4), np.ones(4), 0.0
WORN = Placements(names=("as in training", "mirrored"), lead=20.0, depth=50.0)


@pytest.fixture
def saved(muse: StreamInfo, tmp_path: Path) -> Callable[..., Path]:
    def saved(module: Any, placements: Placements | None = None) -> Path:
        card = small_card(
            labels=("calm", "glad", "sad"),
            sfreq=muse.sfreq,
            ch_names=muse.ch_names,
            units=muse.units,
            n_times=64,
            adapts=None if placements is None else 9.0,
            placements=placements,
        )
        path = tmp_path / "made.pt"
        save(path, module, card)
        return path

    return saved


def test_a_bundle_that_keeps_its_promise(saved: Callable[..., Path]) -> None:
    check_bundle(saved(exported(Power())))
    check_bundle(saved(exported(Power(), place=Placement(*TWO)), WORN))


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (exported(OfTheBatch()), "in a batch of 2 is answered otherwise than alone"),
        (exported(NanOfZeros()), "the answer to zeros is not finite"),
        (exported(Overflows()), "the answer to a large offset is not finite"),
        (exported(ForThreeChannels()), "does not take the 4 channels of 64 samples"),
        (exported(Power(), 5), r"1 windows give \(1, 5\), the card has 3 labels"),
        (Logits(Power()), "a probability is negative|do not sum to one"),
        (Negative(Power()), "a probability is negative"),
        (Wide(Power()), "probabilities are float64"),
        (TwoAnswers(Power()), "another answer than both in one"),
        (exported(Power(), weigh=HeavyWindows()), "a weight is not within 0 and 1"),
        (exported(Power(), weigh=WeightPerFeature()), r"weights shaped \(64, 4\)"),
        (exported(Power(), weigh=WeightOfTheBatch()), "weighs otherwise than alone"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, nn.Module) else "",
)
def test_a_bundle_that_breaks_its_promise(
    module: nn.Module, said: str, saved: Callable[..., Path]
) -> None:
    path = saved(module)
    with pytest.raises(AssertionError, match=said):
        check_bundle(path)


def test_a_card_of_placements_on_a_module_that_knows_of_none(
    saved: Callable[..., Path],
) -> None:
    class Older(nn.Module):
        """Has no method that tells of placements."""

        def __init__(self, made: Any) -> None:
            super().__init__()
            self.made = made
            self.mean, self.scale = made.mean, made.scale

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.made(x)
            return answer

        @torch.jit.export
        def features(self, x: Tensor) -> Tensor:
            found: Tensor = self.made.features(x)
            return found

        @torch.jit.export
        def probabilities(self, f: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
            found: Tensor = self.made.probabilities(f, mean, scale)
            return found

        @torch.jit.export
        def weights(self, f: Tensor) -> Tensor:
            found: Tensor = self.made.weights(f)
            return found

    path = saved(Older(exported(Power())), WORN)
    with pytest.raises(AssertionError, match="and it has no method evidence"):
        check_bundle(path)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (None, r"evidence is shaped \(64, 1\), the card has 2 placements"),
        (AgainstTheFirst(*TWO), "there is evidence against the first placement"),
        (InfinitelySure(*TWO), "evidence is not finite"),
        (OfTheWholeBatch(*TWO), "a window in a batch is other evidence than alone"),
        (placed(range(3, -1, -1), range(4)), "the first placement changes features"),
        (DoublesValues(*TWO), "placement 1 is no other order of the features"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, nn.Module) else "",
)
def test_placements_that_break_their_promise(
    place: nn.Module | None, said: str, saved: Callable[..., Path]
) -> None:
    path = saved(exported(Power(), place=place), WORN)
    with pytest.raises(AssertionError, match=said):
        check_bundle(path)

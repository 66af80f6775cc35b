"""The classifier by itself: what is compiled before the first window is due."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rtpipe.bundle import Bundle, Exported, Standardised
from rtpipe.card import Placements
from rtpipe.classify import SIZES, Classifier
from rtpipe.counters import WindowCounters
from rtpipe.decide import Decision
from rtpipe.errors import BundleError
from rtpipe.features.placement import Placement
from rtpipe.features.timedomain import LogRms
from rtpipe.latency import Histogram
from rtpipe.pipeline import Due
from rtpipe.ring import Ring
from rtpipe.sink import ModelStatus
from rtpipe.types import Chunk, Event, Prediction

from .cards import small_card

WORN = Placements(names=("as in training", "mirrored"), lead=20.0, depth=50.0)


class Watched:
    """A bundle's module that keeps the batch sizes each of its methods is given."""

    def __init__(self) -> None:
        head = Standardised(nn.Linear(2, 2))
        place = Placement(
            [[0, 1], [1, 0]], np.zeros((1, 2)), np.eye(2), np.ones(2), 0.0
        )
        self._module = Exported(
            LogRms(), head, torch.zeros(2), torch.ones(2), place=place
        )
        self.sizes: dict[str, set[int]] = {}

    def __getattr__(self, method: str) -> Any:
        told = getattr(self._module, method)
        if isinstance(told, torch.Tensor):
            return told

        def watched(batch: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
            self.sizes.setdefault(method, set()).add(len(batch))
            answer: torch.Tensor = told(batch, *more)
            return answer

        return watched


@pytest.mark.parametrize(
    ("adapts", "placements", "more"),
    [
        (None, None, set()),
        (10.0, None, {"weights"}),
        (10.0, WORN, {"weights", "evidence", "placed"}),
    ],
)
def test_every_method_that_is_used_is_warmed_up(
    adapts: float | None, placements: Placements | None, more: set[str]
) -> None:
    methods = {"features", "probabilities"} | more
    assert warmed_up(adapts, placements) == {method: set(SIZES) for method in methods}


def warmed_up(
    adapts: float | None, placements: Placements | None
) -> dict[str, set[int]]:
    """Return the batch sizes each method was given."""
    card = small_card(adapts=adapts, placements=placements)
    status = ModelStatus(card.name, card.task, card.labels, (), {}, Histogram())
    module = Watched()
    Classifier(Bundle(card, module), status, Decision()).warm_up()
    return module.sizes


def test_evidence_of_other_placements_than_the_card_names() -> None:
    three = Placements(
        names=("as in training", "turned", "mirrored"), lead=20.0, depth=50.0
    )
    with pytest.raises(BundleError, match="evidence of 2 placements, not 3"):
        warmed_up(10.0, three)


@pytest.mark.parametrize("adapts", [None, 10.0])
def test_a_window_alone_is_answered_as_in_its_batch(adapts: float | None) -> None:
    """To the last bit, though both size and place change the last digits."""
    torch.manual_seed(0)
    status = ModelStatus(
        "m", "t", ("x", "y"), (), {"emg": WindowCounters()}, Histogram()
    )
    card = small_card(n_times=512, adapts=adapts)
    head = Standardised(nn.Linear(514, 2))
    module = Exported(Spectrum(), head, torch.zeros(514), torch.ones(514))
    ring = Ring((2,), 2048)
    noise = np.random.default_rng(0).standard_normal((1000, 2)).astype(np.float32)
    ring.write(Chunk("emg", 0, np.arange(1000) / 200, noise, missing=noise[:, 0] * 0))
    due = [
        Due("emg", "m", ring, stop - 512, stop, 0, 0.0, 0.0, 0.0, 0.0, 0.0, None)
        for stop in range(600, 900, 7)
    ]

    def fresh() -> Classifier:
        return Classifier(Bundle(card, module), status, Decision())

    live, again, plain = fresh(), fresh(), fresh()
    wanted: list[Prediction | Event] = []
    for part in (due[:2], due[2:5], due[5:6], due[6:13], due[13:]):
        wanted += live.answer(part)
    told = [each for each in wanted if isinstance(each, Prediction)]
    assert [each.place for each in told[:6]] == [0, 1, 0, 1, 2, 0]
    found = [
        prediction
        for each, was in zip(due, told, strict=True)
        for prediction in again.answer([each], was.batch, was.place)
        if isinstance(prediction, Prediction)
    ]
    assert [each.probabilities for each in found] == [e.probabilities for e in told]
    assert [(e.batch, e.place) for e in found] == [(e.batch, e.place) for e in told]
    alone = [each for one in due for each in plain.answer([one])]
    assert [e.probabilities for e in alone if isinstance(e, Prediction)] != [
        e.probabilities for e in told
    ], "the last digits depend on the batch"
    ring.close()


class Spectrum(nn.Module):
    """The power of each frequency."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        power: torch.Tensor = torch.fft.rfft(x).abs().square()
        return power.add(1e-9).log().flatten(1)

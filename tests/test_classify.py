"""The classifier by itself: what is compiled before the first window is due."""

from typing import Any

import pytest
import torch
from torch import nn

from rtpipe.bundle import Bundle, Exported, Standardised
from rtpipe.card import Card, Training
from rtpipe.classify import SIZES, Classifier
from rtpipe.decide import Decision
from rtpipe.features.timedomain import LogRms
from rtpipe.latency import Histogram
from rtpipe.sink import ModelStatus


class Watched:
    """A bundle's module that keeps the batch sizes each of its methods is given."""

    def __init__(self) -> None:
        head = Standardised(nn.Linear(2, 2))
        self._module = Exported(LogRms(), head, torch.zeros(2), torch.ones(2))
        self.sizes: dict[str, set[int]] = {}

    def __getattr__(self, method: str) -> Any:
        def watched(batch: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
            self.sizes.setdefault(method, set()).add(len(batch))
            answer: torch.Tensor = getattr(self._module, method)(batch, *more)
            return answer

        return watched


@pytest.mark.parametrize("adapts", [None, 10.0])
def test_every_method_that_is_used_is_warmed_up(adapts: float | None) -> None:
    card = Card(
        name="gesture",
        task="gesture",
        labels=("rest", "fist"),
        sfreq=200,
        ch_names=("A", "B"),
        units=("none", "none"),
        n_times=40,
        hop=10,
        adapts=adapts,
        training=Training(recipe="none", protocol="none", seed=0, simulated=True),
    )
    status = ModelStatus(card.name, card.task, card.labels, (), {}, Histogram())
    module = Watched()
    Classifier(Bundle(card, module), status, Decision()).warm_up()
    methods = {"features", "probabilities"} | ({"weights"} if adapts else set())
    assert module.sizes == {method: set(SIZES) for method in methods}

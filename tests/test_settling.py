"""How long until what came before is forgotten, and that it is forgotten by then."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rtpipe.card import Card, StageCard
from rtpipe.decide import Decider, Decision
from rtpipe.settling import FORGOTTEN, settling
from rtpipe.stage import Stage
from rtpipe.stages.adapt import ChannelScale
from rtpipe.stages.filter import Filter
from rtpipe.stages.pick import Pick
from rtpipe.stages.rereference import Rereference
from rtpipe.types import Chunk, Float32, StreamInfo

from .cards import small_card

INFO = StreamInfo("emg", 200.0, ("A", "B"), ("emg",) * 2, ("uV",) * 2)
FILTERS = [
    Filter(low=15.0, high=95.0, notch=1),
    Filter(low=0.5, high=45.0, order=2),
    Filter(high=40.0, order=8),
    Filter(low=1.0),
    Filter(notch=2, quality=60.0),
]


def card(*stages: StageCard, **changes: Any) -> Card:
    told = {"sfreq": INFO.sfreq, "n_times": 50, "hop": 10, "stages": stages}
    return small_card(**told | changes)


def through(stage: Stage, data: Float32, first: int) -> Float32:
    """Return what a stage makes of samples, the first of which has this index."""
    stage.prepare(INFO)
    chunk = Chunk("emg", first, np.arange(len(data)) / INFO.sfreq, data)
    return np.concatenate([each.data for each in stage.process(chunk)])


def takes(stage: Filter | Pick | Rereference) -> int:
    """Return how many samples a stage that forgets takes for it."""
    found = stage.settling(INFO, FORGOTTEN)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "stage",
    [*FILTERS, Pick(ch_names=("B", "A")), Rereference()],
    ids=lambda s: type(s).__name__,
)
def test_a_stage_forgets_by_then(stage: Filter | Pick | Rereference) -> None:
    settled = takes(stage)
    rng = np.random.default_rng(0)
    n = 1000
    data = rng.standard_normal((n + settled + 2000, 2)).astype(np.float32)
    data[:n] += np.float32(30)  # the past is louder than what follows
    late = data[n:].copy()
    off = np.abs(through(stage, data, 0)[n:] - through(stage, late, n))
    # float32 holds seven digits; what is left of the past is below its last ones.
    assert off[settled:].max() <= 100 * FORGOTTEN
    if isinstance(stage, Filter):
        assert settled > 10
        assert off[:10].max() > 0.01
        assert off[: settled // 3].max() > 100 * FORGOTTEN, "it is not needlessly long"


def test_a_lower_edge_takes_longer() -> None:
    slow, fast = (takes(Filter(low=low)) for low in (0.5, 5.0))
    assert 8 < slow / fast < 12


def test_what_takes_minutes_is_never() -> None:
    assert takes(Filter(low=0.1)) < 150 * INFO.sfreq
    assert Filter(low=1e-4).settling(INFO, FORGOTTEN) is None
    slow = StageCard(kind="filter", settings={"low": 1e-4})
    assert "filter" in settling(card(slow), INFO, Decision()).never


def test_adaptation_never_forgets() -> None:
    scale = ChannelScale(prior=(1.0, 1.0), worth=10.0)
    assert scale.settling(INFO, FORGOTTEN) is None
    kind = StageCard(kind="channel_scale", settings={"prior": [1, 1], "worth": 10})
    assert "channel_scale" in settling(card(kind), INFO, Decision()).never
    assert "features" in settling(card(adapts=40), INFO, Decision()).never


def test_stages_in_a_row_add_up() -> None:
    stages = [
        StageCard(kind="filter", settings={"low": 0.5}),
        StageCard(kind="filter", settings={"low": 1.0}),
    ]
    one, other, both = (
        settling(card(*some), INFO, Decision()).samples
        for some in (stages[:1], stages[1:], stages)
    )
    assert both == one + other
    turned = replace(INFO, ch_names=("B", "A"))
    assert settling(card(*stages), turned, Decision()).samples == both


def test_without_a_filter_a_verdict_on_the_channels_is_waited_for() -> None:
    found = settling(card(), INFO, Decision(smoothing="none"))
    assert (found.never, found.samples, found.windows) == ("", 500, 0)


@pytest.mark.parametrize("smoothing", ["none", "mean", "majority", "exponential"])
@pytest.mark.parametrize("windows", [1, 2, 7])
def test_decisions_forget_by_then(smoothing: str, windows: int) -> None:
    decision = Decision.model_validate(
        {"smoothing": smoothing, "windows": windows, "confidence": 0.6}
    )
    takes = settling(card(), INFO, decision).windows
    answers = np.random.default_rng(windows).dirichlet((1.0, 1.0), 400)
    whole = Decider(decision, ("x", "y"))
    all_of_them = [whole.decide(each) for each in answers]
    differed = False
    for first in range(0, 100, 5):
        late = Decider(decision, ("x", "y"))
        found = [late.decide(each) for each in answers[first:]]
        assert found[takes:] == all_of_them[first + takes :]
        differed |= found[:takes] != all_of_them[first : first + takes]
    assert differed == (takes > 0), "it is not needlessly long"

"""`rtpipe replay --check` of a recording that began later than its run."""

from functools import partial
from pathlib import Path

import pytest

from rtpipe.card import StageCard
from rtpipe.decide import Decision
from rtpipe.replaycheck.check import Checked
from rtpipe.runtime.runtime import Runtime

from .checkedruns import (
    ADAPTS,
    HOP,
    N_TIMES,
    Make,
    Scripted,
    checked,
    cut,
    make_bundle,
    noise,
)


@pytest.fixture
def bundle(tmp_path: Path) -> Make:
    return partial(make_bundle, tmp_path)


@pytest.mark.parametrize("smoothing", ["mean", "exponential", "majority"])
@pytest.mark.parametrize("dwell", [1, 3])
def test_a_recording_that_began_later(
    bundle: Make, tmp_path: Path, smoothing: str, dwell: int
) -> None:
    decision = Decision.model_validate(
        {"smoothing": smoothing, "dwell": dwell, "windows": 4, "confidence": 0.4}
    )
    device = Scripted(cut(noise(8000)))
    path = tmp_path / "later.xdf"

    def hold(at: int) -> None:
        if at == 40:
            runtime.record(str(path))

    device.hold = hold
    named = bundle(decision=decision), bundle("adapting", **ADAPTS)
    with Runtime([device], named, shared=False) as runtime:
        runtime.wait()
    found = checked(path)
    assert_equal_where_settled(found)
    plain, adapting = sorted(found.comparisons, key=lambda e: e.never)
    began = device.pieces[40][0]
    assert found.begun == {"arm": began}
    assert plain.settling is not None
    first = plain.stored.index[plain.unsettled] - N_TIMES + 1
    assert 0 <= first - began - plain.settling.samples < HOP
    assert plain.compared == len(plain.stored.index) - plain.unsettled > 500
    assert adapting.compared == 0
    assert adapting.labels_compared > 500


def assert_equal_where_settled(found: Checked) -> None:
    plain, adapting = sorted(found.comparisons, key=lambda e: e.never)
    assert (plain.verdict, adapting.verdict) == (True, None), plain.first
    assert found.equal is True
    assert plain.n_different == 0
    assert 0 < plain.labels_compared <= plain.compared


def test_without_settling_it_would_be_found(
    bundle: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.stages.filter.Filter.settling", lambda *_: 0)
    monkeypatch.setattr("rtpipe.settling.SPAN", -0.5)
    device = Scripted(cut(noise(3000)))
    path = tmp_path / "later.xdf"
    device.hold = lambda at: runtime.record(str(path)) if at == 40 else None
    low = StageCard(kind="filter", settings={"low": 2.0})
    with Runtime([device], [bundle(stages=(low,))], shared=False) as runtime:
        runtime.wait()
    assert checked(path).equal is False

"""`rtpipe replay --check`: a replay answers as the run did, whatever came."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtpipe.card import Placements
from rtpipe.decide import Decision

from .checkedruns import (
    ADAPTS,
    HOP,
    INFO,
    N_TIMES,
    Make,
    Recorded,
    Scripted,
    checked,
    cut,
    make_bundle,
    noise,
    record,
    whole,
)

PLACES: dict[str, Any] = {
    "adapts": 20,
    "placements": Placements(names=("as in training", "mirrored"), lead=5, depth=9),
    "stages": (),
}


@pytest.fixture
def bundle(tmp_path: Path) -> Make:
    return partial(make_bundle, tmp_path)


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return partial(record, tmp_path)


def test_two_bundles_of_which_one_adapts(bundle: Make, recorded: Recorded) -> None:
    named = bundle(), bundle("adapting", **ADAPTS)
    path = recorded(Scripted(cut(noise(4000), most=700)), *named)
    found = checked(path)
    whole(found)
    assert {each.stored.model for each in found.comparisons} == {"plain", "adapting"}
    batches = [set(each.stored.batch.tolist()) for each in found.comparisons]
    assert all(len(sizes) > 2 for sizes in batches), "bits do not rest on one size"


def test_placements_that_change(bundle: Make, recorded: Recorded) -> None:
    """In batches of several windows, and where some have no answer."""
    data = noise(6000)
    for k in range(0, 6000, 750):  # the louder channel is now the one, now the other
        data[k : k + 750, (k // 750) % 2] *= 1.5
    data[2500] = np.nan
    path = recorded(Scripted(cut(data, most=700)), bundle("placing", **PLACES))
    told = path.read_bytes()
    for name in PLACES["placements"].names:
        assert f'"placement": "{name}"'.encode() in told
    found = checked(path)
    whole(found)
    (each,) = found.comparisons
    assert len(set(each.stored.batch.tolist())) > 2


def test_gaps_that_are_filled_and_long_ones_and_impossible_values(
    bundle: Make, recorded: Recorded
) -> None:
    data = noise(4000)
    data[500:520, 0] = np.nan
    data[900:960] = np.inf
    data[1000:1100, 1] = 500.0  # at the rail
    data[1200:1210, 0] = 1e9
    data[1500:1900] = 7.0  # flat
    pieces = [each for each in cut(data) if not 2000 <= each[0] < 2010]
    pieces = [each for each in pieces if not 2300 <= each[0] < 2600]
    late = 2700, data[2600:2700]  # comes a second time, as index 2600 and following
    pieces.insert(len(pieces) - 10, (2600, late[1]))
    named = bundle(decision=Decision(missing=0.1, dwell=2)), bundle("other", **ADAPTS)
    found = checked(recorded(Scripted(pieces), *named))
    whole(found)
    reasons = {
        reason and " ".join(reason.split()[1:])
        for each in found.comparisons
        for _, reason in each.stored.decisions.values()
    }
    assert {"of the window is missing", "of the channels carry no signal"} <= reasons


def test_windows_without_an_answer(bundle: Make, recorded: Recorded) -> None:
    data = noise(2000)
    data[700:720] = 3e38  # a filter makes infinity of it
    info = replace(INFO, rails=None)
    device = Scripted(cut(data))
    device.open = lambda: (Scripted.open(device), [info])[1]  # type: ignore[method-assign]
    found = checked(recorded(device, bundle(adapts=20)))
    whole(found)
    (each,) = found.comparisons
    assert len(each.stored.index) < (2000 - N_TIMES) // HOP


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of windows that come together only the newest is answered."""
    monkeypatch.setattr("rtpipe.runtime.runtime.PATIENCE", -1.0)


@pytest.mark.usefixtures("hasty")
def test_skipped_windows_are_skipped_again(bundle: Make, recorded: Recorded) -> None:
    device = Scripted(cut(noise(600), most=90), paced=True)
    found = checked(recorded(device, bundle("adapting", **ADAPTS), bundle()))
    whole(found)
    for each in found.comparisons:
        assert len(each.stored.skipped) > 10
        assert each.obeyed + each.beyond >= len(each.stored.skipped)
        assert each.obeyed > 10


def test_decisions_are_those_the_run_was_set_to(
    bundle: Make, recorded: Recorded
) -> None:
    name, loaded, _ = bundle()
    set_otherwise = Decision(smoothing="exponential", windows=9, confidence=0.5)
    found = checked(recorded(Scripted(cut(noise(2000))), (name, loaded, set_otherwise)))
    whole(found)

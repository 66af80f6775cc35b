"""`rtpipe replay --check` finds what was changed in a recording."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rtpipe.xdf.read import read

from .checkedruns import (
    HOP,
    N_TIMES,
    Make,
    Recorded,
    Scripted,
    assert_equal,
    checked,
    cut,
    make_bundle,
    noise,
    record,
    record_gap,
    whole,
)
from .rewritten import Content, a_decision, an_index_entry_less, rewritten


@pytest.fixture
def bundle(tmp_path: Path) -> Make:
    return partial(make_bundle, tmp_path)


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return partial(record, tmp_path)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return record_gap(tmp_path)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of windows that come together only the newest is answered."""
    monkeypatch.setattr("rtpipe.runtime.runtime.PATIENCE", -1.0)


def nothing(held: dict[str, Content]) -> None:
    pass


def a_sample(held: dict[str, Content]) -> None:
    held["arm"].values[1500, 1] += np.float32(0.01)


def an_answer(held: dict[str, Content]) -> None:
    held["plain arm probabilities"].values[100, 0] += 1e-9


def a_missing_share(held: dict[str, Content]) -> None:
    content = held["plain arm probabilities"]
    labels = [each.label for each in content.stream.header.channels]
    content.values[100, labels.index("missing")] += 0.025


def a_decision_less(held: dict[str, Content]) -> None:
    content = held["plain arm decisions"]
    del content.rows[100]
    content.stamps = np.delete(content.stamps, 100)


def an_answer_less(held: dict[str, Content]) -> None:
    content = held["plain arm probabilities"]
    content.stamps = np.delete(content.stamps, 100)
    content.values = np.delete(content.values, 100, axis=0)


def a_sample_less(held: dict[str, Content]) -> None:
    content = held["arm"]
    content.stamps = np.delete(content.stamps, 1500)
    content.values = np.delete(content.values, 1500, axis=0)


def the_last_samples(held: dict[str, Content]) -> None:
    content = held["arm"]
    content.stamps, content.values = content.stamps[:-50], content.values[:-50]


def test_what_is_rewritten_unchanged_is_equal(made: Path) -> None:
    whole(checked(rewritten(made, nothing)))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (a_sample, "the probabilities differ"),
        (an_answer, "the probabilities differ"),
        (a_missing_share, "what is missing differs"),
        (a_decision, "the decisions differ"),
        (a_decision_less, "the recording has no decision"),
        (an_answer_less, "the recording has no answer"),
        (an_index_entry_less, "the recording has no answer"),
        (a_sample_less, "the probabilities differ"),
        (the_last_samples, "the window does not come in the replay"),
    ],
)
def test_what_was_changed_is_found(
    change: Callable[[dict[str, Content]], None], what: str, made: Path
) -> None:
    before = {each.stored.model: each for each in checked(made).comparisons}
    stored = before["plain"].stored
    found = checked(rewritten(made, change))
    assert found.equal is False
    (plain,) = (each for each in found.comparisons if each.stored.model == "plain")
    assert plain.first is not None
    assert plain.first.what == what
    index = plain.first.index
    entries = next(e for e in read(made).streams if e.header.name == "arm index").values
    jump = int(entries[1, 0])  # the row before which samples were lost
    if change is a_sample:
        at = 1500 + int(entries[1, 1] - jump)
        assert index == min(each for each in stored.index if each >= at)
    elif change is an_index_entry_less:
        assert index > jump
        assert index - HOP <= jump + N_TIMES
    elif change is the_last_samples:
        assert index > 3000 - 50 - 1
        assert plain.n_different == 5
    elif change is not a_sample_less:
        assert index == stored.index[100]
        assert plain.n_different == 1


@pytest.mark.usefixtures("hasty")
def test_a_skip_that_is_not_told_is_found(bundle: Make, recorded: Recorded) -> None:
    device = Scripted(cut(noise(400), most=90), paced=True)
    path = recorded(device, bundle())

    def untold(held: dict[str, Content]) -> None:
        content = held["plain arm skipped"]
        content.stamps, content.values = content.stamps[1:], content.values[1:]

    found = checked(rewritten(path, untold))
    assert found.equal is False
    (each,) = found.comparisons
    assert each.first is not None
    assert each.first.what == "the recording has no answer"


def test_on_another_engine_the_last_digits_may_differ(made: Path) -> None:
    def elsewhere(held: dict[str, Content]) -> None:
        about = held["events"].stream.header.about
        run = json.loads(about["run"])
        for model in run["models"].values():
            model["engine"] = "an abacus"
        told = {**about, "run": json.dumps(run)}
        stream = held["events"].stream
        held["events"].stream = replace(
            stream, header=replace(stream.header, about=told)
        )
        held["plain arm probabilities"].values[100, 0] += 5e-6

    path = rewritten(made, elsewhere)
    found = checked(path)
    assert_equal(found)
    assert 4e-6 < max(each.largest for each in found.comparisons) < 6e-6

    def beyond(held: dict[str, Content]) -> None:
        held["plain arm probabilities"].values[100, 0] += 2e-5

    assert checked(rewritten(path, beyond)).equal is False

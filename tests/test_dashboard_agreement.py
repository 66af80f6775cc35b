"""How often a model was right, as its panel tells it."""

import numpy as np
import pytest

from rtpipe.dashboard.agreement import Agreement, agreement
from rtpipe.dashboard.model import Answers
from rtpipe.sinks.jsonl import as_json
from rtpipe.terminal.tally import Tally
from rtpipe.types import Prediction


def test_how_often_it_is_right_is_what_the_end_of_a_run_tells() -> None:
    rng = np.random.default_rng(5)
    answers, tally = Answers(("a", "b", "c"), 0.1), Tally()
    shares = dict.fromkeys("abc", 1 / 3)
    assert not agreement(answers).short()
    for k in range(400):
        truth = (None, "a", "a", "a", "b")[rng.integers(5)]
        label = (None, "a", "b", "c")[rng.integers(4)]
        one = Prediction("s", "m", k, k / 10, label, shares, 0.01, 0.0, truth, None)
        answers.take(as_json(one), 0.0)
        tally.add(one)
    counted = agreement(answers)
    assert (counted.judged, counted.correct) == (tally.judged, tally.correct)
    balanced = tally.balanced_accuracy
    assert balanced is not None
    assert counted.balanced_accuracy == pytest.approx(balanced)
    shown = f"{np.floor(1000 * balanced) / 10:.1f}%"
    assert counted.short() == f"balanced accuracy {shown}, 2 of 3 labels"
    for label, n in tally.judged.items():
        assert f"{label}: " in counted.long()
        assert f"of {n:,} windows" in counted.long()


def test_all_is_only_said_where_it_is_all() -> None:
    assert "100.0%" in Agreement({"a": 9999}, {"a": 9999}, 1).short()
    assert "99.9%" in Agreement({"a": 9999}, {"a": 9998}, 1).short()

"""Each smoothing against a plain loop; rejection, dwell, and forgetting."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rtpipe.decide import Decider, Decision
from rtpipe.types import Float64

LABELS = ("rest", "fist", "open")
Answer = tuple[str | None, str | None]


def answers(n: int = 300, seed: int = 0) -> Float64:
    """Return probabilities that wander, shape (n, 3)."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet((0.7, 0.8, 0.9), n)


def decided(p: Float64, **settings: Any) -> list[Answer]:
    decider = Decider(Decision(**settings), LABELS)
    return [decider.decide(each) for each in p]


# Smoothing --------------------------------------------------------------------------


def none(p: Float64, k: int, windows: int) -> list[float]:
    return [float(each) for each in p[k]]


def mean(p: Float64, k: int, windows: int) -> list[float]:
    past = [p[i] for i in range(k + 1) if i > k - windows]
    return [sum(float(each[j]) for each in past) / len(past) for j in range(3)]


def exponential(p: Float64, k: int, windows: int) -> list[float]:
    value = [float(each) for each in p[0]]
    weight = 2 / (windows + 1)
    for i in range(1, k + 1):
        value = [(1 - weight) * value[j] + weight * p[i, j] for j in range(3)]
    return value


def majority(p: Float64, k: int, windows: int) -> list[float]:
    past = [int(np.argmax(p[i])) for i in range(k + 1) if i > k - windows]
    return [past.count(j) / len(past) for j in range(3)]


@pytest.mark.parametrize("smooth", [none, mean, exponential, majority])
@pytest.mark.parametrize("windows", [1, 2, 5])
def test_smoothing_is_that_of_a_loop(
    smooth: Callable[[Float64, int, int], list[float]], windows: int
) -> None:
    p = answers()
    found = decided(p, smoothing=smooth.__name__, windows=windows)
    for k, (label, reason) in enumerate(found):
        shares = smooth(p, k, windows)
        best = [j for j in range(3) if shares[j] == max(shares)]
        newest = int(np.argmax(p[k]))  # wins a tie of votes
        if len(best) > 1 and newest not in best:
            assert label in [LABELS[j] for j in best]
        else:
            assert label == LABELS[newest if newest in best else best[0]]
        assert reason is None


@pytest.mark.parametrize("smooth", [none, mean, exponential, majority])
def test_confidence_is_that_of_the_smoothed(
    smooth: Callable[[Float64, int, int], list[float]],
) -> None:
    p = answers()
    found = decided(p, smoothing=smooth.__name__, windows=5, confidence=0.55)
    rejected = 0
    for k, (label, reason) in enumerate(found):
        best = max(smooth(p, k, 5))
        if abs(best - 0.55) < 1e-6:
            continue
        assert (label is None) == (best < 0.55)
        if label is None:
            assert reason == f"confidence {best:.2f} is below the limit"
            rejected += 1
    assert 0 < rejected < len(found)


def test_a_vote_is_a_vote_however_sure() -> None:
    p = np.array([[0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0.01, 0.98, 0.01]])
    assert decided(p, smoothing="majority", windows=3)[-1] == ("rest", None)
    assert decided(p, smoothing="mean", windows=3)[-1] == ("fist", None)


def test_the_newest_wins_a_tie_of_votes() -> None:
    p = np.eye(3)[[0, 0, 1, 1, 0]]
    found = decided(p, smoothing="majority", windows=4)
    assert [label for label, _ in found] == ["rest", "rest", "rest", "fist", "rest"]


# Rejection --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"missing": 0.2}, None),
        ({"missing": 0.21}, "21% of the window is missing"),
        ({"bad": 0.5}, None),
        ({"bad": 0.75}, "75% of the channels carry no signal"),
        ({"missing": 0.5, "bad": 1.0}, "50% of the window is missing"),
    ],
)
def test_a_window_that_is_rejected_has_a_reason(
    given: dict[str, float], reason: str | None
) -> None:
    decider = Decider(Decision(), LABELS)
    label, said = decider.decide(np.array([0.1, 0.8, 0.1]), **given)
    assert (label, said) == (None if reason else "fist", reason)


def test_rejected_windows_are_averaged_too() -> None:
    decider = Decider(Decision(smoothing="mean", windows=2), LABELS)
    label, _ = decider.decide(np.array([0.0, 1.0, 0.0]), missing=1.0)
    assert label is None
    assert decider.decide(np.array([0.6, 0.0, 0.4])) == ("fist", None)


# Dwell ------------------------------------------------------------------------------


def test_a_new_label_has_to_come_some_times_in_a_row() -> None:
    labels = [0, 0, 0, 1, 0, 1, 1, 2, 1, 1, 1, 2, 2, 2, 0, 2]
    found = decided(np.eye(3)[labels], smoothing="none", dwell=3)
    names = [LABELS.index(label) for label, _ in found if label]
    assert names == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_the_first_label_too_has_to_come_some_times_in_a_row() -> None:
    decider = Decider(Decision(smoothing="none", dwell=3), LABELS)
    for _ in range(2):
        found = [decider.decide(p) for p in np.eye(3)[[0, 0, 1, 1, 1, 0]]]
        assert found == [
            (None, "rest has come 1 of 3 times in a row"),
            (None, "rest has come 2 of 3 times in a row"),
            (None, "fist has come 1 of 3 times in a row"),
            (None, "fist has come 2 of 3 times in a row"),
            ("fist", None),
            ("fist", None),
        ]
        decider.forget()


@pytest.mark.parametrize("rejected", [(0.9, 1.0, 0.0), (0.9, 0.0, 1.0), (0.4, 0, 0)])
def test_a_rejected_window_breaks_a_row(rejected: tuple[float, float, float]) -> None:
    settings = Decision(smoothing="none", dwell=2, confidence=0.5)
    rest, fist, _ = np.eye(3)

    def labels(decider: Decider, *given: Float64 | None) -> list[str | None]:
        sure, missing, bad = rejected
        broken = (np.array([0.0, sure, 0.0]), missing, bad)
        answers = [decider.decide(*broken if p is None else (p,)) for p in given]
        return [label for label, _ in answers]

    first = labels(Decider(settings, LABELS), rest, None, rest, rest)
    assert first == [None, None, None, "rest"]
    later = labels(Decider(settings, LABELS), rest, rest, fist, None, fist, fist)
    assert later == [None, "rest", "rest", None, "rest", "fist"]


@pytest.mark.parametrize("dwell", [1, 2, 4])
def test_dwell_is_that_of_a_loop(dwell: int) -> None:
    p = answers()
    plain = [label for label, _ in decided(p, smoothing="mean", windows=3)]
    held = None
    for k, (label, _) in enumerate(
        decided(p, smoothing="mean", windows=3, dwell=dwell)
    ):
        since = k
        while since > 0 and plain[since - 1] == plain[k]:
            since -= 1
        if k - since + 1 >= dwell:
            held = plain[k]
        assert label == held


@pytest.mark.parametrize("smoothing", ["none", "mean", "exponential", "majority"])
def test_after_forgetting_it_is_a_new_one(smoothing: str) -> None:
    p = answers()
    settings = {"smoothing": smoothing, "windows": 7, "dwell": 3}
    decider = Decider(Decision.model_validate(settings), LABELS)
    for each in p:
        decider.decide(each)
    went_on = [decider.decide(each) for each in p]
    decider.forget()
    anew = [decider.decide(each) for each in p]
    assert anew == decided(p, **settings)
    assert anew != went_on, "state was dropped, and shows"


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"smoothing": "median"}, "smoothing"),
        ({"windows": 0}, "windows"),
        ({"windows": 10**21}, "windows"),
        ({"confidence": 1.1}, "confidence"),
        ({"missing": -0.1}, "missing"),
        ({"bad": -0.1}, "bad"),
        ({"dwell": 0}, "dwell"),
        ({"dwell": 10**21}, "dwell"),
        ({"smoothness": 1}, "smoothness"),
    ],
)
def test_a_decision_that_cannot_be(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        Decision(**settings)

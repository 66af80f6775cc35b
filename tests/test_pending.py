"""Which windows wait, which are answered and which are given up."""

from math import inf

import pytest

from rtpipe.pending import PATIENCE, Pending
from rtpipe.pipeline import Due
from rtpipe.ring import Ring
from rtpipe.types import Event

RING = Ring((1,), 1)


def due(stop: int, arrived: float, stream: str = "s") -> Due:
    return Due(
        stream=stream,
        model="m",
        ring=RING,
        start=stop - 10,
        stop=stop,
        segment=0,
        end=arrived,
        since=arrived,
        arrived=arrived,
        missing=0.0,
        bad=0.0,
        truth=None,
    )


def stops(windows: list[Due]) -> list[tuple[str, int]]:
    return [(each.stream, each.stop) for each in windows]


def test_what_is_fresh_is_answered_in_order() -> None:
    pending = Pending()
    pending.put([due(10, 0.0), due(20, 0.01)])
    pending.put([due(30, 0.02)])
    assert len(pending) == 3
    take, skip, _ = pending.take(now=0.03)
    assert (stops(take), skip) == ([("s", 10), ("s", 20), ("s", 30)], [])
    assert len(pending) == 0
    assert pending.take(now=9.0) == ([], [], [])


def test_the_old_are_given_up_for_the_newest() -> None:
    pending = Pending(patience=0.1)
    pending.put([due(10, 0.0), due(20, 0.04), due(30, 0.08)])
    take, skip, _ = pending.take(now=0.13)
    assert stops(take) == [("s", 20), ("s", 30)]
    assert stops(skip) == [("s", 10)]


def test_the_newest_of_each_stream_is_never_given_up() -> None:
    pending = Pending()
    pending.put([due(10, 0.0), due(20, 0.0), due(5, 0.0, "t")])
    take, skip, _ = pending.take(now=60.0)
    assert stops(take) == [("s", 20), ("t", 5)]
    assert stops(skip) == [("s", 10)]


def test_no_more_are_taken_than_asked_for() -> None:
    pending = Pending()
    pending.put([due(stop, 0.0) for stop in range(10, 60, 10)])
    take, skip, _ = pending.take(now=0.0, most=2)
    assert (stops(take), skip) == ([("s", 10), ("s", 20)], [])
    assert len(pending) == 3
    take, skip, _ = pending.take(now=1.0, most=2)  # those left have waited too long
    assert stops(take) == [("s", 50)]
    assert stops(skip) == [("s", 30), ("s", 40)]


def test_who_waits_for_the_answers_loses_none() -> None:
    pending = Pending(patience=inf)
    pending.put([due(stop, 0.0) for stop in range(10, 60, 10)])
    take, skip, _ = pending.take(now=1e6)
    assert (len(take), skip) == (5, [])


@pytest.mark.parametrize(("waited", "given_up"), [(0.99, 0), (1.01, 1)])
def test_patience_is_that_of_a_hiccup(waited: float, given_up: int) -> None:
    pending = Pending()
    pending.put([due(10, 0.0), due(20, 0.0)])
    _, skip, _ = pending.take(now=waited * PATIENCE)
    assert len(skip) == given_up


def test_an_end_follows_the_windows_before_it_and_no_others() -> None:
    pending = Pending()
    first, second = Event("s", 1.0, "none"), Event("t", 2.0, "none")
    pending.put([due(10, 0.0), due(10, 0.0, "t"), due(20, 0.0)])
    pending.put([first])
    pending.put([second])
    pending.put([due(30, 0.0)])
    assert len(pending) == 6
    take, skip, ends = pending.take(now=0.0, most=2)
    assert (stops(take), skip, ends) == ([("s", 10), ("t", 10)], [], [])
    take, skip, ends = pending.take(now=0.0, most=2)
    assert (stops(take), skip, ends) == ([("s", 20)], [], [first, second])
    take, skip, ends = pending.take(now=0.0)
    assert (stops(take), skip, ends) == ([("s", 30)], [], [])


def test_windows_before_an_end_may_be_given_up_for_one_after_it() -> None:
    pending = Pending()
    event = Event("s", 1.0, "none")
    pending.put([due(10, 0.0)])
    pending.put([event])
    pending.put([due(30, 1.0)])
    take, skip, ends = pending.take(now=1.0)
    assert (take, stops(skip), ends) == ([], [("s", 10)], [event])

"""The lane of a sink: every item is handed on or counted as dropped."""

import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest

from rtpipe.runtime.lane import QUEUE, Lane
from rtpipe.sink import Item, Run, SamplesLost, Taken
from rtpipe.sinks.collect import Collect
from rtpipe.types import Chunk, Event


def events(n: int) -> list[Item]:
    return [Event("s", float(at), "marker", at) for at in range(n)]


class Ending(Collect):
    """Puts an item of its own into its lane with the last items and at the end."""

    lane: Lane

    def take(self, items: Sequence[Item]) -> None:
        super().take(items)
        self.lane.put(events(1))

    def close(self) -> None:
        self.lane.put(events(1))


@pytest.mark.parametrize("wait", [True, False])
def test_what_comes_after_the_end_is_counted_as_dropped(wait: bool) -> None:
    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    sink = Collect()
    lane = Lane(sink, run, wait, lambda *_: None)
    lane.start()
    lane.put(events(3))
    lane.close()
    lane.put(events(2))
    assert len(sink.events) == 3
    assert run.dropped == {"collect": 2}


@pytest.mark.parametrize("wait", [True, False])
def test_what_comes_while_it_ends_is_handed_on_or_counted(wait: bool) -> None:
    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    sink = Ending()
    sink.period = 1e6  # so that the first look at the items is the last
    sink.lane = Lane(sink, run, wait, lambda *_: None)
    sink.lane.start()
    sink.lane.close()
    assert len(sink.events) == 0
    assert run.dropped == {"collect": 2}


class Samples:
    """Takes chunks too, and keeps all it was given."""

    name = "samples"
    period = 1.0
    samples = True

    def __init__(self) -> None:
        self.taken: list[Taken] = []

    def open(self, run: Run) -> None:
        pass

    def take(self, items: Sequence[Taken]) -> None:
        self.taken += items

    def close(self) -> None:
        pass


class Broken(Samples):
    """Has no room for anything."""

    def take(self, items: Sequence[Taken]) -> None:
        raise OSError("no space left")


def chunk(index: int, n: int) -> Chunk:
    return Chunk("s", index, np.arange(n) / 100, np.zeros((n, 2), np.float32))


def test_samples_a_slow_sink_had_no_room_for_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rtpipe.runtime.lane.BYTES", 10 * (1024 + 24 * 100))
    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    slow = threading.Event()
    sink = Samples()
    keep = sink.take

    def take(items: Sequence[Taken]) -> None:
        assert slow.wait(60)
        keep(items)

    monkeypatch.setattr(sink, "take", take)
    lane = Lane(sink, run, False, lambda *_: None)
    lane.start()
    for k in range(30):
        lane.put([chunk(100 * k, 100)])
        lane.put(events(1))
    slow.set()
    lane.close()
    kept = [each for each in sink.taken if isinstance(each, Chunk)]
    assert run.unrecorded["s"] > 0
    assert sum(map(len, kept)) + run.unrecorded["s"] == 3000
    assert [each.index for each in kept] == sorted(each.index for each in kept)
    assert kept[-1].stop == 3000  # the oldest made room
    assert len(sink.taken) - len(kept) + run.dropped["samples"] == 30


def test_where_nothing_may_be_lost_samples_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rtpipe.runtime.lane.BYTES", 16 * 100)
    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    sink = Samples()
    lane = Lane(sink, run, True, lambda *_: None)
    lane.start()
    for k in range(200):
        lane.put([chunk(100 * k, 100)])
    lane.close()
    assert len(sink.taken) == 200
    assert not run.unrecorded


def test_what_is_put_before_the_start_is_handed_on() -> None:
    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    sink = Samples()
    lane = Lane(sink, run, False, lambda *_: None)
    lane.put([chunk(0, 5), *events(2)])
    lane.start()
    lane.close()
    assert len(sink.taken) == 3


def test_nobody_waits_for_room_before_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who starts it may have something to say first."""
    monkeypatch.setattr("rtpipe.runtime.lane.BYTES", 1)
    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    sink = Samples()
    lane = Lane(sink, run, True, lambda *_: None)

    def begin() -> None:
        lane.put([chunk(0, 5)])
        lane.put(events(1))
        lane.start()

    person = threading.Thread(target=begin, daemon=True)
    person.start()
    person.join(60)
    assert not person.is_alive()
    lane.close()
    assert len(sink.taken) == 2


def test_a_lane_that_was_not_started_leaves_its_sink_alone() -> None:
    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    lane = Lane(Broken(), run, True, lambda *_: None)
    lane.close()
    lane.put([chunk(0, 5)])
    assert run.unrecorded == {"s": 5}


def test_what_comes_after_it_was_finished_is_for_others() -> None:
    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    sink = Samples()
    lane = Lane(sink, run, False, lambda *_: None)
    lane.start()
    lane.put([chunk(0, 5)])
    lane.finish()
    lane.put([chunk(5, 5), *events(1)])
    lane.close()
    assert len(sink.taken) == 1
    assert not run.unrecorded
    assert run.dropped == {"samples": 0}


def test_a_sink_of_samples_is_bounded_in_bytes_and_not_in_items() -> None:
    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    sink = Samples()
    lane = Lane(sink, run, False, lambda *_: None)
    for k in range(3 * QUEUE):
        lane.put([chunk(k, 1)])
    lane.start()
    lane.close()
    assert len(sink.taken) == 3 * QUEUE
    assert not run.unrecorded


def test_samples_a_sink_had_not_kept_when_it_failed_are_counted() -> None:
    class Gathers(Samples):
        """Keeps nothing before it fails with the second call."""

        def take(self, items: Sequence[Taken]) -> None:
            if self.taken:
                raise SamplesLost("no space left", {"s": 7})
            super().take(items)

    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    failed = threading.Event()
    sink = Gathers()
    lane = Lane(sink, run, False, lambda *_: failed.set())
    lane.start()
    lane.put([chunk(0, 7)])
    end = time.monotonic() + 60
    while not sink.taken and time.monotonic() < end:
        time.sleep(0.001)
    lane.put([chunk(7, 5)])
    assert failed.wait(60)
    lane.close()
    assert run.unrecorded == {"s": 12}


def test_samples_for_a_sink_that_failed_are_counted() -> None:
    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    failed = threading.Event()
    lane = Lane(Broken(), run, False, lambda *_: failed.set())
    lane.start()
    lane.put([chunk(0, 7)])
    assert failed.wait(60)
    lane.put([chunk(7, 5)])
    lane.close()
    assert run.unrecorded["s"] == 12
    assert list(run.failed) == ["samples"]


class Closing(Broken):
    """Fails, and fails again when it is closed."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run, self.closed = run, 0

    def close(self) -> None:
        assert self.run.failed, "it is told before, that it may know"
        self.closed += 1
        raise ValueError("not open")


def test_a_sink_that_failed_is_closed_and_its_first_error_told() -> None:
    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    told: list[BaseException] = []
    sink = Closing(run)
    lane = Lane(sink, run, False, lambda _, error: told.append(error))
    lane.start()
    lane.put([chunk(0, 7)])
    lane.close()
    assert sink.closed == 1
    assert run.failed == {"samples": "no space left"}
    assert [str(each) for each in told] == ["no space left"]


def test_what_cannot_be_closed_is_not_closed_again() -> None:
    class Once(Samples):
        closed = 0

        def close(self) -> None:
            self.closed += 1
            raise ValueError("not open")

    run = Run("run", 0.0, {}, {}, lambda: None, lambda _: None)
    sink = Once()
    lane = Lane(sink, run, False, lambda *_: None)
    lane.start()
    lane.close()
    assert sink.closed == 1
    assert run.failed == {"samples": "not open"}

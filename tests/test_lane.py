"""The lane of a sink: every item is handed on or counted as dropped."""

from collections.abc import Sequence

import pytest

from rtpipe.runtime.lane import Lane
from rtpipe.sink import Item, Run
from rtpipe.sinks.collect import Collect
from rtpipe.types import Event


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
    sink.lane.close()
    assert len(sink.events) == 0
    assert run.dropped == {"collect": 2}

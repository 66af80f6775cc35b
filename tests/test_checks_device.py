"""Each law of a device is seen broken: a check that cannot fail proves nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from rtpipe import clock
from rtpipe.checks import check_device
from rtpipe.errors import DeviceNotFound
from rtpipe.types import Chunk, Event, StreamInfo


class Made:
    """A device of two chunks; each may be changed before it is read."""

    clock: Literal["run", "recording"] = "run"
    paced = False

    def __init__(
        self,
        info: StreamInfo,
        change: Callable[[Chunk], Chunk] = lambda chunk: chunk,
        **attributes: Any,
    ) -> None:
        self.info, self.change, self.closed = info, change, 0
        for name, value in attributes.items():
            setattr(self, name, value)

    def open(self) -> Sequence[StreamInfo]:
        self.left = [0, 10]
        return [self.info]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        if not self.left:
            return None
        index = self.left.pop(0)
        now = clock.now()
        times = now - np.arange(10)[::-1] / 1e6
        shape = (10, *self.info.sample_shape)
        data = np.zeros(shape, np.float32)
        chunk = Chunk(self.info.name, index, times, data, arrived=now)
        return [self.change(chunk) if index else chunk]

    def close(self) -> None:
        self.closed += 1


class Silent(Made):
    def read(self, timeout: float) -> Sequence[Chunk] | None:
        return None


class Twins(Made):
    def open(self) -> Sequence[StreamInfo]:
        return [self.info, self.info]


class Nameless(Made):
    def open(self) -> Sequence[StreamInfo]:
        return [replace(self.info, name="")]


class Streamless(Made):
    def open(self) -> Sequence[StreamInfo]:
        return []


class Absent(Made):
    said = "nothing answers"

    def open(self) -> Sequence[StreamInfo]:
        raise DeviceNotFound(self.said)


def test_a_device_that_keeps_the_laws(muse: StreamInfo) -> None:
    device = Made(muse)
    absent = Absent(muse)
    check_device(device, failing=absent)
    assert device.closed == absent.closed == 2


def test_a_device_is_closed_when_it_breaks_a_law(muse: StreamInfo) -> None:
    device = Silent(muse)
    with pytest.raises(AssertionError, match=r"muse: not one sample came in 0.5 s"):
        check_device(device, 0.5)
    assert device.closed == 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Twins, "two streams have the same name"),
        (Nameless, "a stream without a name"),
        (Streamless, "`open` returns no stream"),
    ],
)
def test_a_device_whose_streams_are_wrong(
    make: type[Made], said: str, muse: StreamInfo
) -> None:
    with pytest.raises(AssertionError, match=said):
        check_device(make(muse))


def event(chunk: Chunk, **changes: Any) -> Chunk:
    fine = Event("muse", 0.0, "marker", chunk.index)
    return replace(chunk, events=(replace(fine, **changes),))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: replace(c, stream="x"), "of 'x', which `open` did not name"),
        (lambda c: replace(c, data=c.data.astype("f8")), "are float64, not float32"),
        (lambda c: replace(c, data=c.data[:, :1]), r"\(1,\), `open` announced \(4,\)"),
        (lambda c: replace(c, times=c.times.astype("f4")), "are float32, not float64"),
        (lambda c: replace(c, missing=c.data[:, 0]), "for the gap stage to say"),
        (lambda c: replace(c, arrived=0.0), "arrived at 0.000 s by its own account"),
        (lambda c: replace(c, arrived=c.arrived + 9), "by its own account"),
        (lambda c: replace(c, index=9), "begins with sample 9, 10 was to come"),
        (lambda c: replace(c, times=c.times[::-1]), "times decrease"),
        (lambda c: replace(c, times=c.times - 9), "times decrease"),
        (lambda c: replace(c, times=c.times * np.nan), "a time is not a number"),
        (lambda c: replace(c, times=c.times + 9), r"a sample is \d\.\d+ s in the fut"),
        (lambda c: event(c, stream="x"), "an event is of the stream 'x'"),
        (lambda c: event(c, index=20), "an event is of sample 20, which comes later"),
        (lambda c: event(c, data={"x": {1}}), "event's data cannot be written: Obj"),
    ],
)
def test_a_device_that_breaks_a_law(
    change: Callable[[Chunk], Chunk], said: str, muse: StreamInfo
) -> None:
    with pytest.raises(AssertionError, match=said):
        check_device(Made(muse, change))


def test_events_that_a_device_may_tell(muse: StreamInfo) -> None:
    check_device(Made(muse, lambda c: event(c, data={"text": "a"})))
    check_device(Made(muse, lambda c: event(c, index=None)))


def test_times_of_a_recording_may_be_any(muse: StreamInfo) -> None:
    later = Made(muse, lambda c: replace(c, times=c.times + 9), clock="recording")
    check_device(later)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"paced": None}, "paced is None: say True, False"),
        ({"clock": "wall"}, "clock is 'wall': say 'run' or 'recording'"),
    ],
)
def test_a_device_that_says_nonsense(
    attributes: dict[str, Any], said: str, muse: StreamInfo
) -> None:
    with pytest.raises(AssertionError, match=said):
        check_device(Made(muse, **attributes))


def test_a_failing_device_has_to_fail_with_a_sentence(muse: StreamInfo) -> None:
    with pytest.raises(AssertionError, match="that was to fail was opened"):
        check_device(Made(muse), failing=Made(muse))
    with pytest.raises(AssertionError, match="fails without a sentence"):
        check_device(Made(muse), failing=Absent(muse, said=""))


def test_a_paced_device_is_read_for_its_time(muse: StreamInfo) -> None:
    class Steady(Made):
        def read(self, timeout: float) -> Sequence[Chunk] | None:
            self.left = [*self.left, self.left[-1] + 10]
            return super().read(timeout)

    check_device(Steady(muse, paced=True), 0.05)
    check_device(Steady(muse), 0.05)

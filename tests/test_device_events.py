"""What a device's events must say, for the run reads it."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pytest

from rtpipe import clock
from rtpipe.checks import check_device
from rtpipe.errors import DeviceError
from rtpipe.runtime.runtime import Runtime
from rtpipe.types import Chunk, Event, StreamInfo

WHOLE: dict[str, dict[str, Any]] = {
    "gap": {"lost": 3, "filled": False, "estimated": True},
    "late": {"samples": 3},
    "malformed": {"samples": 3},
    "truth": {"task": "mood", "label": None},
}
WITHOUT = [(kind, key) for kind, told in WHOLE.items() for key in told]


class Telling:
    """A device of one chunk, with an event."""

    clock: Literal["run", "recording"] = "run"
    paced = False

    def __init__(self, info: StreamInfo, kind: str, told: dict[str, Any]) -> None:
        self.info, self.event = info, Event(info.name, 0.0, kind, 0, told)

    def open(self) -> Sequence[StreamInfo]:
        self.left = 1
        return [self.info]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        if not self.left:
            return None
        self.left = 0
        now = clock.now()
        data = np.zeros((9, *self.info.sample_shape), np.float32)
        events = (self.event,)
        return [Chunk(self.info.name, 0, np.full(9, now), data, now, events=events)]

    def close(self) -> None:
        """Nothing to release."""


@pytest.mark.parametrize("kind", [*WHOLE, "marker", "anything"])
def test_one_that_says_all(kind: str, muse: StreamInfo) -> None:
    device = Telling(muse, kind, WHOLE.get(kind, {}))
    check_device(device)
    with Runtime([device], shared=False) as runtime:
        runtime.wait()


@pytest.mark.parametrize(("kind", "key"), WITHOUT)
def test_one_that_does_not(kind: str, key: str, muse: StreamInfo) -> None:
    told = {each: value for each, value in WHOLE[kind].items() if each != key}
    device = Telling(muse, kind, told)
    with pytest.raises(AssertionError, match=f"muse: an event '{kind}' lacks {key}"):
        check_device(device)
    said = f"muse: its device tells an event '{kind}' without {key}"
    with (
        pytest.raises(DeviceError, match=said),
        Runtime([device], shared=False) as runtime,
    ):
        runtime.wait()

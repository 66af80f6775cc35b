"""Markers of a run in its recording: each once, in order, as late as it was set."""

import time
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal

import numpy as np
import pytest
import pyxdf

from rtpipe import clock
from rtpipe.cues import BROKEN, ON
from rtpipe.runtime.runtime import Runtime
from rtpipe.sinks.collect import Collect
from rtpipe.sinks.truthcues import TruthCues
from rtpipe.types import Chunk, Event, StreamInfo

RATES = {"fast": 100, "slow": 5}
PATIENCE = 60.0  # seconds, only for a test that fails


class Two:
    """A device with two streams, of which it gives a second when it is told to."""

    paced = True
    clock: Literal["run", "recording"] = "recording"

    def __init__(self, *names: str) -> None:
        self.names = names
        self.due: SimpleQueue[Chunk] = SimpleQueue()
        self.at = dict.fromkeys(names, 0)

    def open(self) -> Sequence[StreamInfo]:
        return [
            StreamInfo(name, float(RATES[name]), ("A",), ("misc",), ("none",))
            for name in self.names
        ]

    def read(self, timeout: float) -> Sequence[Chunk]:
        try:
            return [self.due.get(timeout=timeout)]
        except Empty:
            return []

    def close(self) -> None:
        pass

    def give(self, runtime: Runtime, name: str, *events: Event) -> None:
        """Give the next second of a stream, and return when the run has it."""
        index = np.arange(RATES[name]) + self.at[name]
        self.at[name] += RATES[name]
        data = np.zeros((len(index), 1), np.float32)
        times = index / RATES[name]
        first = int(index[0])
        self.due.put(Chunk(name, first, times, data, clock.now(), events=events))
        end = time.monotonic() + PATIENCE
        while runtime.run.streams[name].raw.stop < self.at[name]:
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.001)


def markers(sink: Collect) -> list[tuple[str, str, int | None]]:
    return [
        (each.data["text"], each.stream, each.index)
        for each in sink.events
        if each.kind == "marker"
    ]


def in_file(path: Path) -> tuple[list[str], list[float]]:
    """Return what pyxdf finds: the texts, and their stamps."""
    (stream,) = [
        each for each in pyxdf.load_xdf(path)[0] if each["info"]["name"] == ["markers"]
    ]
    texts = [text for (text,) in stream["time_series"]]
    return texts, [float(each) for each in stream["time_stamps"]]


@pytest.mark.parametrize("names", [("fast", "slow"), ("slow", "fast")])
def test_a_marker_of_the_run_is_once_in_its_file(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    device, sink = Two(*names), Collect()
    with Runtime(
        [device], sinks=[sink], shared=False, record=tmp_path / "a.xdf"
    ) as runtime:
        for k in range(3):
            device.give(runtime, "fast")
            device.give(runtime, "slow")
            runtime.run.mark(f"both {k}")
        for _ in range(2):  # one stream is silent, and a text comes again
            device.give(runtime, "fast")
            runtime.run.mark("again")
    texts, stamps = in_file(tmp_path / "a.xdf")
    assert texts == ["both 0", "both 1", "both 2", "again", "again"]
    assert stamps == pytest.approx([0.99, 1.99, 2.99, 3.99, 4.99])
    assert [each for each in markers(sink) if each[1] == "slow"] == [
        ("both 0", "slow", 4),
        ("both 1", "slow", 9),
        ("both 2", "slow", 14),
        ("again", "slow", 14),
        ("again", "slow", 14),
    ]


def test_a_marker_before_the_first_sample_is_the_runs(tmp_path: Path) -> None:
    device, sink = Two("fast", "slow"), Collect()
    with Runtime(
        [device], sinks=[sink], shared=False, record=tmp_path / "a.xdf"
    ) as runtime:
        runtime.run.mark("first")
        device.give(runtime, "slow")
        runtime.run.mark("second")
        device.give(runtime, "fast")
    assert markers(sink) == [("first", "", None), ("second", "slow", 4)]
    texts, stamps = in_file(tmp_path / "a.xdf")
    assert texts == ["first", "second"]
    assert stamps == pytest.approx([0.0, 0.8])  # on the clock of the samples


def test_a_truth_that_is_cut_off_is_broken_on_its_own_stream_alone() -> None:
    device, sink = Two("slow", "fast"), Collect()
    with Runtime(
        [device], sinks=[sink], shared=False, asking=TruthCues(1, 1.0)
    ) as runtime:
        device.give(runtime, "slow")
        told = {"task": "hand", "label": "fist"}
        device.give(runtime, "fast", Event("fast", 0.5, "truth", 50, told))
    assert markers(sink) == [(ON + "fist", "fast", 50), (BROKEN + "fist", "fast", 99)]

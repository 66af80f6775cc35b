"""What a run tells of a device's silence, from its chunks to what is published."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import pytest

from rtpipe import clock
from rtpipe.card import Card, Training
from rtpipe.connection import Connection
from rtpipe.decide import Decision
from rtpipe.pipeline import Pipeline
from rtpipe.runtime.reader import Reader, Route
from rtpipe.types import Chunk, Event, StreamInfo
from rtpipe.watchdog import Watchdog

from .scripted import Time

SFREQ, N_TIMES, HOP = 200.0, 60, 10


class Bursts:
    """A device that hands over what `interval` brought, in so many chunks a read.

    It falls silent after `sends` seconds, and is over after `lasts`.
    """

    paced = True
    clock: Literal["run", "recording"] = "run"

    def __init__(
        self, time: Time, interval: float, chunks: int, sends: float, lasts: float
    ) -> None:
        self.time, self.interval, self.chunks = time, interval, chunks
        self.sends, self.lasts = sends, lasts
        self.begun, self.sent = time.now, 0

    def open(self) -> Sequence[StreamInfo]:
        return [StreamInfo("emg", SFREQ, ("A",), ("emg",), ("uV",))]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        self.time.sleep(timeout)
        since = self.time.now - self.begun
        if since > self.lasts:
            return None
        bursts = int((min(since, self.sends) + 1e-9) / self.interval)
        number = np.arange(self.sent, round(bursts * self.interval * SFREQ))
        self.sent += len(number)
        return [
            Chunk(
                "emg",
                int(part[0]),
                self.begun + part / SFREQ,
                np.sin(part)[:, None].astype(np.float32),
                self.time.now,
            )
            for part in np.array_split(number, self.chunks)
            if len(part)
        ]

    def close(self) -> None:
        pass


@dataclass
class Counting:
    """Stands where a bundle is, and counts the windows that it is given."""

    windows: int = 0
    ends: list[Event] = field(default_factory=list)

    def put(self, due: list[Any], stale: list[Any]) -> None:
        self.windows += len(due) + len(stale)

    def end(self, event: Event) -> None:
        self.ends.append(event)


def run(device: Bursts, bundle: Counting) -> list[Event]:
    """Read the device until it is over; return how its connection did."""
    card = Card(
        name="count",
        task="count",
        labels=("high", "low"),
        sfreq=SFREQ,
        ch_names=("A",),
        units=("uV",),
        n_times=N_TIMES,
        hop=HOP,
        stages=(),
        decision=Decision(),
        training=Training(recipe="none", protocol="none", seed=0, simulated=True),
    )
    connection = Connection(device)
    (info,) = connection.open()
    pipeline = Pipeline(info, {"count": card})
    status, link = pipeline.status, connection.links["emg"]
    status.link = link
    watchdog = Watchdog("emg", SFREQ, link, status.counters, {"count": HOP / SFREQ})
    published: list[Any] = []
    failed: list[BaseException] = []
    reader = Reader(
        connection,
        {"emg": Route(pipeline, watchdog)},
        {"count": cast(Any, bundle)},
        published.extend,
        lambda chunk: None,
        failed.append,
        threading.Event(),
    )
    reader.join()
    pipeline.close()
    assert not failed
    kinds = ("degraded", "steady", "lost", "recovered")
    return [each for each in published if each.kind in kinds]


@pytest.fixture
def scripted(time: Time, monkeypatch: pytest.MonkeyPatch) -> Time:
    """The clock of connections, and of all else."""
    monkeypatch.setattr(clock, "now", lambda: time.now)
    return time


@pytest.mark.parametrize("chunks", [1, 2, 5])
def test_bursts_of_any_number_of_chunks_are_no_silence(
    scripted: Time, chunks: int
) -> None:
    bundle = Counting()
    told = run(Bursts(scripted, 0.2, chunks, sends=10.0, lasts=10.1), bundle)
    assert not told
    assert bundle.windows == (2000 - N_TIMES) // HOP + 1
    (end,) = bundle.ends
    assert end.data["reason"] == "it is over"


@pytest.mark.parametrize("chunks", [1, 5])
def test_what_sends_once_and_stops_is_told_lost(scripted: Time, chunks: int) -> None:
    begun, bundle = scripted.now, Counting()
    told = run(Bursts(scripted, 0.5, chunks, sends=0.5, lasts=4.0), bundle)
    (lost,) = told
    assert (lost.kind, lost.stream) == ("lost", "emg")
    assert 2.5 <= lost.time - begun <= 2.6
    assert bundle.windows > 0
    (end,) = bundle.ends  # a decision does not wait for that
    assert end.time - begun <= 0.7
    assert "no data for" in end.data["reason"]

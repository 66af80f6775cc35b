"""A device that does what a test tells it, on a clock of its own."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from rtpipe.connection import Connection
from rtpipe.types import Chunk, Event, StreamInfo

SFREQ = 100.0


class Time:
    """A clock that moves when somebody waits, and only then."""

    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Scripted:
    """A device that sends one sample each 10 ms, except when it is told not to.

    Its samples hold the truth: the number of the 10 ms since `begun`.
    """

    paced = True
    clock: Literal["run", "recording"] = "run"

    def __init__(self, time: Time, names: Sequence[str] = ("emg",)) -> None:
        self.time, self.names = time, names
        self.begun = time.now
        self.silent = False
        self.error: Exception | None = None
        self.not_found: Exception | None = None
        self.opened = self.closed = 0
        self.ch_names: tuple[str, ...] = ("A",)

    def open(self) -> Sequence[StreamInfo]:
        if self.not_found:
            raise self.not_found
        self.opened += 1
        self.first = self.sent = self._due()
        n = len(self.ch_names)
        return [
            StreamInfo(name, SFREQ, self.ch_names, ("emg",) * n, ("uV",) * n)
            for name in self.names
        ]

    def _due(self) -> int:
        return round((self.time.now - self.begun) * SFREQ)

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        self.time.sleep(timeout)
        if self.error:
            raise self.error
        if self.silent:
            self.sent = self._due()
            return []
        truth = np.arange(self.sent, self._due())
        chunks = [
            Chunk(
                name,
                self.sent - self.first,  # it counts from 0 whenever it is opened
                self.begun + truth / SFREQ,
                truth[:, None].astype(np.float32),
                self.time.now,
                events=(Event(name, self.time.now, "truth", self.sent - self.first),),
            )
            for name in self.names
        ]
        self.sent = self._due()
        return chunks

    def close(self) -> None:
        self.closed += 1


class Reading:
    """Reads a connection, and keeps what came."""

    def __init__(self, connection: Connection, time: Time) -> None:
        self.connection, self.time = connection, time
        self.chunks: list[Chunk] = []
        connection.open()

    def until(self, seconds: float, and_: Callable[[], bool] = lambda: True) -> None:
        end = self.time.now + seconds
        while self.time.now < end - 1e-9 or not and_():
            self.chunks += self.connection.read(0.05) or []

    def events(self, kind: str) -> list[Event]:
        return [e for chunk in self.chunks for e in chunk.events if e.kind == kind]

    @property
    def state(self) -> str:
        (link,) = {each.state for each in self.connection.links.values()}
        return link


def tells(chunk: Chunk, kind: str) -> bool:
    return any(event.kind == kind for event in chunk.events)

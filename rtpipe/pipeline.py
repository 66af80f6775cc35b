"""One stream's way from chunks to windows that are due. No thread of its own."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, prod
from pathlib import Path
from typing import Literal

import numpy as np

from rtpipe import fit
from rtpipe.card import Card
from rtpipe.counters import StreamCounters
from rtpipe.errors import BundleError, DeviceError
from rtpipe.grid import Grid
from rtpipe.ring import Ring
from rtpipe.sink import StreamStatus
from rtpipe.stage import Chain
from rtpipe.stages.gaps import Gaps
from rtpipe.stages.quality import BAD, EVERY, SPAN, early, judge
from rtpipe.truth import Truth
from rtpipe.types import Chunk, Event, StreamInfo

PAST = 60.0  # seconds of signal the rings keep for those who look at it ...
MOST = 16 << 20  # ... unless a ring had more bytes than this: /dev/shm may be small
LONGEST = 4096  # samples that are written at once; a longer chunk comes in pieces
# What the run reads of an event that a device tells, by its kind.
KEYS = {
    "gap": ("lost", "filled", "estimated"),
    "late": ("samples",),
    "malformed": ("samples",),
    "truth": ("task", "label"),
}


@dataclass(frozen=True, slots=True)
class Due:
    """A window whose last sample has come, and what is known of it.

    Parameters
    ----------
    stream, model : str
    ring : Ring
        Where its samples start..stop-1 are.
    start, stop : int
    segment : int
        First sample of the unbroken stretch the window lies in.
    end : float
        Time of its last sample, in seconds.
    since : float
        When its latency starts to count, on the run's clock: `end` in a live run,
        the hand-over of the chunk in a replay.
    arrived : float
        The hand-over of the chunk that completed it, on the run's clock.
    missing : float
        Share of its values that were lost, filled or at a rail.
    bad : float
        Share of the channels that were flat or railed at the last verdict.
    truth : str or None
    """

    stream: str
    model: str
    ring: Ring
    start: int
    stop: int
    segment: int
    end: float
    since: float
    arrived: float
    missing: float
    bad: float
    truth: str | None


class Pipeline:
    """Gap stage, raw ring, quality, and a branch per distinct chain of stages.

    Parameters
    ----------
    info : StreamInfo
    cards : dict of str to Card
        Of the bundles that run on the stream, by their names.
    clock : "run" or "recording"
        Of the device.
    path : callable or None
        Gives the path of a ring's file for a name; None keeps the rings private.

    Attributes
    ----------
    status : StreamStatus

    Raises
    ------
    BundleError
        If a stage of a bundle does not fit the stream.
    OSError
        If there is no room for the rings; none of them is left.
    """

    def __init__(
        self,
        info: StreamInfo,
        cards: dict[str, Card],
        clock: Literal["run", "recording"] = "run",
        path: Callable[[str], Path] | None = None,
    ) -> None:
        self.clock = clock
        self._gaps = Gaps()
        info = self._gaps.prepare(info)
        self._span = ceil(SPAN * info.sfreq)
        longest = max([self._span, *(card.n_times for card in cards.values())])
        # Twice a piece, or the fill of a short gap, may stand between two looks.
        piece = max(_longest(info.sample_shape), ceil(self._gaps.longest * info.sfreq))
        self._room = 2 * min(LONGEST, piece)
        ring = _ring(info, self._room + longest, path and path("raw"))
        self.status = StreamStatus(
            info, ring, StreamCounters(), ("?",) * info.n_channels, clock=clock
        )
        self._cards = cards
        self._branches: dict[str, _Branch] = {}
        try:
            for name, card in cards.items():
                self._join(name, card, path)
        except (ValueError, ArithmeticError, BundleError) as error:
            self.close()
            raise BundleError(f"bundle {name}: {error}") from None
        except BaseException:
            self.close()
            raise
        self._truths: dict[str, Truth] = {}
        self._first: int | None = None  # index of the first sample
        self._judged = 0
        self._bad = [(0, 0.0)]  # from which stop on, the share of bad channels

    def _join(self, name: str, card: Card, path: Callable[[str], Path] | None) -> None:
        info = self.status.info
        stages = fit.stages(card, info)
        key = json.dumps([stage.model_dump() for stage in stages])
        if key not in self._branches:
            chain = fit.chain(stages)
            after = chain.prepare(info)
            place = path and path(f"filtered-{len(self._branches)}")
            longest = max(each.n_times for each in self._cards.values())
            ring = _ring(after, self._room + longest, place)
            self._branches[key] = _Branch(chain, ring, info.origin)
            self.status.filtered[key], self.status.behind[key] = ring, after
        self._branches[key].cards[name] = card
        self.status.chains[name] = key

    def process(self, chunk: Chunk) -> tuple[list[Due], list[Event]]:
        """Take in a chunk, and return the windows that are due and what happened.

        The windows' samples are promised only until the next call.
        Long chunks must come in pieces, see `pieces`.

        Raises
        ------
        DeviceError
            If the device tells an event without what belongs to its kind.
        """
        for event in chunk.events:
            if without := lacking(event):
                raise DeviceError(
                    f"{chunk.stream}: its device tells an event {event.kind!r} without "
                    f"{' and '.join(without)}: its adapter is to be mended"
                )
        due: list[Due] = []
        events: list[Event] = []
        late = [e.data["samples"] for e in chunk.events if e.kind == "late"]
        self.status.counters.received += len(chunk) + sum(late)
        if self.clock == "run" and len(chunk):
            self.status.delays.add(chunk.arrived - float(chunk.times[-1]))
        del self._bad[:-1]
        for whole in self._gaps.process(chunk):
            for event in whole.events:
                self._note(event)
            self.status.raw.write(whole)
            self._count(whole)
            events += (*whole.events, *self._judge())
            for branch in self._branches.values():
                due += self._due(branch, whole)
        return due, events

    def _note(self, event: Event) -> None:
        counters, told = self.status.counters, event.data
        if event.kind == "gap":
            if told["estimated"]:
                counters.lost_transport += told["lost"]
            else:
                counters.lost_device += told["lost"]
            if told["filled"]:
                counters.filled += told["lost"]
            else:
                counters.gaps += 1
        elif event.kind == "late":
            counters.late += told["samples"]
        elif event.kind == "malformed":
            counters.malformed += told["samples"]
        elif event.kind == "lost":
            counters.outages += 1
        elif event.kind == "truth" and event.index is not None:
            self._truths.setdefault(told["task"], Truth()).tell(
                event.index, told["label"]
            )
            self.status.truth[told["task"]] = told["label"]

    def _count(self, whole: Chunk) -> None:
        """Count what was written: the index so far, and received samples of no use."""
        if not len(whole):
            return
        if self._first is None:
            self._first = whole.index
        counters = self.status.counters
        counters.expected = whole.stop - self._first
        if whole.missing is not None:
            bad = int(np.count_nonzero(whole.missing))
            # What fills a gap was not received.
            told = [each.data for each in whole.events if each.kind == "gap"]
            counters.missing += bad - sum(gap["lost"] for gap in told if gap["filled"])

    def _judge(self) -> list[Event]:
        """Judge the channels at each half second of the index that has come."""
        raw, info = self.status.raw, self.status.info
        every = ceil(EVERY * info.sfreq)
        events = []
        first = max(self._judged // every + 1, -(-raw.first // every) + 1)
        for stop in range(first * every, raw.stop + 1, every):
            start = max(raw.first, stop - self._span)
            words = judge(raw.view(start, stop), info)
            if stop - start < self._span:
                words = early(words, self.status.quality)
            self._judged = stop
            if words != self.status.quality:
                self.status.quality = words
                bad = sum(word in BAD for word in words) / len(words)
                self._bad.append((stop, bad))
                time = float(raw.times(stop - 1, stop)[0])
                told = dict(zip(info.ch_names, words, strict=True))
                events.append(
                    Event(info.name, time, "quality", stop - 1, {"channels": told})
                )
        return events

    def _due(self, branch: "_Branch", chunk: Chunk) -> list[Due]:
        due = []
        ring, raw, stream = branch.ring, self.status.raw, self.status.info.name
        for name, stop in branch.advance(chunk):
            card = branch.cards[name]
            start = stop - card.n_times
            truth = self._truths.get(card.task)
            label = truth.of(start, stop) if truth else None
            end = float(ring.times(stop - 1, stop)[0])
            due.append(
                Due(
                    stream=stream,
                    model=name,
                    ring=ring,
                    start=start,
                    stop=stop,
                    segment=branch.segment,
                    end=end,
                    since=end if self.clock == "run" else chunk.arrived,
                    arrived=chunk.arrived,
                    missing=float(raw.missing(start, stop).mean()),
                    bad=next(bad for at, bad in reversed(self._bad) if at <= stop),
                    truth=label if label in card.labels else None,
                )
            )
        for truth in self._truths.values():
            truth.forget(ring.first)
        return due

    def close(self) -> None:
        """Remove the rings. Safe to call twice."""
        self.status.raw.close()
        for branch in self._branches.values():
            branch.ring.close()


class _Branch:
    """One chain of stages, the ring behind it, and the grids of its bundles."""

    def __init__(self, chain: Chain, ring: Ring, origin: int | None) -> None:
        self.chain, self.ring, self._origin = chain, ring, origin
        self.cards: dict[str, Card] = {}
        self.segment = 0

    def advance(self, chunk: Chunk) -> Sequence[tuple[str, int]]:
        """Take in a chunk; return a name and a stop for each window now complete."""
        if not len(chunk):  # it brought an event only
            return []
        if self._origin is None:
            self._origin = chunk.index
        found = []
        for out in self.chain.process(chunk):
            done = self.ring.stop
            if out.index != done:
                self.segment = done = out.index
            self.ring.write(out)
            for name, card in self.cards.items():
                grid = Grid(self._origin, card.n_times, card.hop)
                stops = grid.stops(self.segment, done, self.ring.stop)
                found += [(name, stop) for stop in stops]
        return found


def lacking(event: Event) -> list[str]:
    """Return what an event that a device tells should say, and does not."""
    return [key for key in KEYS.get(event.kind, ()) if key not in event.data]


def pieces(chunk: Chunk) -> list[Chunk]:
    """Cut a chunk into ones that `Pipeline.process` takes; events go with the first."""
    longest = _longest(chunk.data.shape[1:])
    if len(chunk) <= longest:
        return [chunk]
    cut = []
    for at in range(0, len(chunk), longest):
        rows = slice(at, at + longest)
        device_times = chunk.device_times
        cut.append(
            replace(
                chunk,
                index=chunk.index + at,
                times=chunk.times[rows],
                data=chunk.data[rows],
                device_times=None if device_times is None else device_times[rows],
                events=chunk.events if at == 0 else (),
            )
        )
    return cut


def _ring(info: StreamInfo, least: int, path: Path | None) -> Ring:
    """Make a ring that holds the past, and so many samples at least."""
    past = min(PAST * info.sfreq, MOST / _bytes(info.sample_shape))
    return Ring(info.sample_shape, max(ceil(past), least), path)


def _longest(sample_shape: tuple[int, ...]) -> int:
    """Return how many samples are written at once; of frames they fit in `MOST`."""
    if len(sample_shape) == 1:
        return LONGEST
    return max(1, min(LONGEST, MOST // _bytes(sample_shape)))


def _bytes(sample_shape: tuple[int, ...]) -> int:
    """Return the bytes of a sample in a ring, where it stands twice."""
    return 2 * (4 * prod(sample_shape) + 12)

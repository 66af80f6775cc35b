"""Cues of a device that tells what it does: they follow it, and nobody is asked."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rtpipe.clock import now
from rtpipe.cues import BROKEN, OFF, ON, Cue
from rtpipe.sink import Item, Run
from rtpipe.sinks.cues import breaks
from rtpipe.types import Event

_PATIENCE = 10.0  # seconds of samples without a truth after which a person is told
_ALMOST = 1e-6  # seconds that a span may be too short by, for times are not exact
NO_TRUTH = (
    "the device told no truth in 10 s of samples, so there is nothing to mark: end the "
    "run, or ask a person with --cues rest,fist,open"
)
logger = logging.getLogger(__name__)


class TruthCues:
    """Marks each span of the first task that is told; ends the run when it has enough.

    That is when each label that was seen has had its spans, and one begins again.

    Parameters
    ----------
    repeat : int
        Spans of each label, at least.
    seconds : float
        A span that is shorter does not count, and is marked as broken.
    """

    name = "cues"
    period = 0.05
    samples = False

    def __init__(self, repeat: int, seconds: float) -> None:
        self.repeat, self.seconds = repeat, seconds

    def open(self, run: Run) -> None:
        """Wait for the first truth."""
        self._run = run
        self._task: tuple[str, str] | None = None  # stream and task
        self._on: Event | None = None
        self._broken = self._over = self._told_so = False
        self._n_broken = 0
        self._counts: Counter[str] = Counter()
        run.cue = Cue(None, None, 0.0, 0.0, 0, 0, "waiting for the device's truth")

    def take(self, items: Sequence[Item]) -> None:
        """Mark what the device tells, and say so where it tells nothing."""
        for item in items:
            if self._over or not isinstance(item, Event):
                continue
            if item.kind == "truth":
                self._told(item)
            elif self._task and item.stream == self._task[0]:
                self._broken |= breaks(item)
        if self._task is None and not self._told_so:
            self._look()

    def close(self) -> None:
        """Mark what goes on as broken, and tell how many spans are done."""
        if self._on is not None:
            self._n_broken += 1
            on = self._on
            time, index = self._run.streams[on.stream].newest or (on.time, on.index)
            last = replace(on, time=time, index=index)
            self._mark(BROKEN + on.data["label"], last)
        if self._task is not None:
            self._show(None)
        told = {"done": self._counts.total(), "broken": self._n_broken}
        self._run.tell(Event("", now(), "cues", None, told))

    def _look(self) -> None:
        """Say once that nothing has been told for long, though samples come."""
        if any(
            stream.counters.received >= _PATIENCE * stream.info.sfreq
            for stream in self._run.streams.values()
        ):
            self._told_so = True
            logger.warning(NO_TRUTH)
            self._run.cue = Cue(None, None, 0.0, 0.0, 0, 0, NO_TRUTH)

    def _told(self, event: Event) -> None:
        task = event.stream, str(event.data["task"])
        self._task = self._task or task
        if task != self._task:
            return
        if self._on is not None:
            self._end(self._on, event)
        label = event.data["label"]
        self._over = label is not None and self._enough(label)
        self._on, self._broken = None, False
        if self._over:
            self._run.stop()
        elif label is not None:
            self._on = event
            self._mark(ON + label, event)
        self._show(label)

    def _end(self, on: Event, event: Event) -> None:
        label = on.data["label"]
        long = event.time - on.time >= self.seconds - _ALMOST
        counts = long and not self._broken
        self._counts[label] += counts
        self._n_broken += not counts
        self._mark((OFF if counts else BROKEN) + label, event)

    def _enough(self, label: str) -> bool:
        counts = {**self._counts, label: self._counts[label]}
        return min(counts.values()) >= self.repeat

    def _mark(self, text: str, event: Event) -> None:
        self._run.tell(replace(event, kind="marker", data={"text": text}))

    def _show(self, label: str | None) -> None:
        done = self._counts.total()
        total = done if self._over else 0  # how many labels there are is not known
        shown = None if self._over else label
        self._run.cue = Cue(shown, None, 0.0, 0.0, done, total, broken=self._n_broken)

"""What happened last, without repeating it."""

from dataclasses import dataclass

from rich.style import Style

from rtpipe.duration import clock
from rtpipe.printable import clean
from rtpipe.terminal.canvas import (
    ACCENT,
    BAD,
    PLAIN,
    QUIET,
    TIMES,
    WARN,
    Line,
    cell,
    fit,
)
from rtpipe.types import Event

_KEPT = 32  # different things; more than any screen shows
_ORIGIN = 20  # cells the name of a stream may take
# Told beside the signal or the answer.
_ELSEWHERE = frozenset({"truth", "quality", "none", "steady", "cues"})
# Told on several streams at once, by a person or because they have one device.
_SHARED = frozenset({"marker", "lost"})
_SIGNS: dict[str, tuple[str, Style]] = {
    "marker": ("▸", ACCENT),
    "recovered": ("✓", ACCENT),
    "lost": ("✕", BAD),
    "degraded": ("▲", WARN),
    "gap": ("▲", WARN),
    "overrun": ("▲", WARN),
    "skipped": ("▲", WARN),
    "late": ("▲", WARN),
    "malformed": ("▲", WARN),
    "sink": ("▲", WARN),
    "disk": ("▲", WARN),
    "recording": ("●", ACCENT),
}


@dataclass(slots=True)
class _Story:
    event: Event
    time: float
    counts: dict[str, int]  # per stream

    @property
    def count(self) -> int:
        return max(self.counts.values())

    @property
    def origin(self) -> str:
        if self.event.kind == "marker":
            return "run"
        if len(self.counts) > 1:
            return f"{len(self.counts)} streams"
        return clean(self.event.stream) or "run"


class News:
    """The newest events; those of one kind and origin are one, with a count."""

    def __init__(self) -> None:
        self._stories: dict[tuple[str, ...], _Story] = {}

    def add(self, event: Event, time: float) -> None:
        """Note an event that came at `time`, in seconds since the run's start."""
        if event.kind in _ELSEWHERE:
            return
        if event.kind in _SHARED:
            key: tuple[str, ...] = (event.kind, words(event))
        else:
            # Why windows were given up is one of a few reasons.
            why = event.data.get("reason", "") if event.kind == "skipped" else ""
            key = (event.stream, event.kind, str(event.data.get("model", "")), why)
        story = self._stories.pop(key, None)
        counts = {} if story is None else story.counts
        counts[event.stream] = counts.get(event.stream, 0) + weight(event)
        self._stories[key] = _Story(event, time, counts)
        if len(self._stories) > _KEPT:
            del self._stories[next(iter(self._stories))]

    def lines(self, width: int, count: int) -> list[Line]:
        """Return at most `count` lines, the newest first."""
        newest = list(self._stories.values())[::-1][:count]
        origins = [story.origin for story in newest]
        longest = min(_ORIGIN, max(map(len, origins), default=0))
        lines = []
        for story, origin in zip(newest, origins, strict=True):
            event = story.event
            sign, style = _SIGNS.get(event.kind, ("·", QUIET))
            often = f" {TIMES}{story.count:,}" if story.count > 1 else ""
            line = [
                cell(f" {clock(story.time):>7}  ", QUIET),
                *fit([cell(origin, QUIET)], longest),
                cell(f"  {sign} {clean(event.kind)}{often}", style),
                cell(f"  {words(event)}", PLAIN),
            ]
            lines.append(fit(line, width))
        return lines


def weight(event: Event) -> int:
    """Return how many things an event tells of: it may list the windows it is about."""
    indices = event.data.get("indices")
    return len(indices) if isinstance(indices, list) else 1


def words(event: Event) -> str:
    """Return what an event carries, as words on one line; lists are left out."""
    parts = []
    for key, value in event.data.items():
        if value is True:
            parts.append(key)
        elif key in ("text", "message", "model", "reason"):
            parts.append(str(value))
        elif key == "after":
            parts.append(f"after {value:.1f} s")
        elif isinstance(value, float):
            parts.append(f"{key} {value:.4g}")
        elif isinstance(value, dict):  # of channels: only those that are not well
            told = [f"{each} {word}" for each, word in value.items() if word != "good"]
            parts.append(", ".join(told) or f"all {key} good")
        elif value not in (None, False) and not isinstance(value, list):
            parts.append(f"{key} {value}")
    return clean(" · ".join(parts))

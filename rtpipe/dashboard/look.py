"""How a person wants a stream to be seen: by names, so that it outlives the lanes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rtpipe.dashboard.scale import LARGEST, LEAST
from rtpipe.dashboard.sheet import Source


@dataclass(slots=True)
class Look:
    """What hands have set of a stream's lanes.

    Parameters
    ----------
    hidden, bright : set of str
        Names of the channels that have no lane, and of those that are highlighted.
    ranges : dict of str to dict of str to float
        By the view (see `rtpipe.dashboard.signals.Signals`), for a filtered signal
        needs another: the ranges that do not follow the signal, by channel.
    """

    hidden: set[str] = field(default_factory=set)
    bright: set[str] = field(default_factory=set)
    ranges: dict[str, dict[str, float]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.hidden or self.bright or self.ranges)

    def note(self, source: Source, view: str) -> None:
        """Take over how a source is seen; what it has no channel of stays noted."""
        names, scale = source.history.info.ch_names, source.scale
        self.hidden -= set(names)
        self.bright -= set(names)
        ranges = dict(self.ranges.pop(view, {}))
        for k, name in enumerate(names):
            ranges.pop(name, None)
            if k not in source.shown:
                self.hidden.add(name)
            if k in source.bright:
                self.bright.add(name)
            if not scale.auto[k] and np.isfinite(scale.range[k]):
                ranges[name] = float(scale.range[k])
        if ranges:
            self.ranges[view] = ranges

    def give(self, source: Source, view: str) -> None:
        """Let a source, which is new, be seen so; one lane is shown at least."""
        names, ranges = source.history.info.ch_names, self.ranges.get(view, {})
        shown = [k for k, name in enumerate(names) if name not in self.hidden]
        source.shown = shown or source.shown
        source.bright = {k for k, name in enumerate(names) if name in self.bright}
        for k, name in enumerate(names):
            if name in ranges:
                source.scale.hold(k, ranges[name])

    def as_json(self) -> dict[str, Any]:
        """Return it as what JSON can write."""
        return {
            "hidden": sorted(self.hidden),
            "bright": sorted(self.bright),
            "ranges": self.ranges,
        }

    @classmethod
    def from_json(cls, told: object) -> "Look":
        """Return what is told, as far as it can be read."""
        look = cls(_names(told, "hidden"), _names(told, "bright"))
        for view, ranges in _items(told, "ranges"):
            good = {
                name: float(value)
                for name, value in (ranges.items() if isinstance(ranges, dict) else ())
                if _is_range(value)
            }
            if good:
                look.ranges[view] = good
        return look


def _names(told: object, key: str) -> set[str]:
    found = told.get(key) if isinstance(told, dict) else None
    if not isinstance(found, list):
        return set()
    return {each for each in found if isinstance(each, str)}


def _items(told: object, key: str) -> list[tuple[str, Any]]:
    found = told.get(key) if isinstance(told, dict) else None
    return list(found.items()) if isinstance(found, dict) else []


def _is_range(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return LEAST <= value <= LARGEST

"""Probabilities and decisions as streams of the Lab Streaming Layer."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rtpipe import lsl
from rtpipe.errors import ConfigError
from rtpipe.sink import Item, ModelStatus, Run
from rtpipe.types import Prediction

NONE = "none"  # the decision where there is none
_LAST = 0.1  # seconds for the last sample to get away before its outlet goes


@dataclass(slots=True)
class _Out:
    """An outlet, and the newest stamp that was given to it."""

    outlet: Any
    newest: float = 0.0

    def push(self, values: list[Any], stamp: float) -> None:
        """Send a sample, not before the one sent last: listeners count on that."""
        self.newest = max(stamp, self.newest)
        self.outlet.push_sample(values, self.newest)


@dataclass(slots=True)
class _Pair:
    """The two outlets of a model on a stream."""

    probabilities: _Out
    decisions: _Out
    labels: tuple[str, ...]
    live: bool  # whether the windows' ends are times of the run's clock


class LslOut:
    """Sends each model's answers on each stream as two LSL streams.

    One of type ``"Probabilities"`` has a channel a label, and a sample a window; one of
    type ``"Markers"`` has each window's decision as a text, ``"none"`` where there is
    none, which is also sent when the data stop and when the run ends. Where one model
    answers on one stream they are called NAME and NAME-decisions; else
    NAME-MODEL-STREAM and NAME-MODEL-STREAM-decisions.

    Parameters
    ----------
    title : str
        NAME.

    Notes
    -----
    Live, a sample is stamped with the end of its window, on LSL's clock, or with the
    stamp before it where that is later: that the data have stopped is stamped when it
    is noticed, and windows that ended earlier may follow. What a replay
    answers is stamped with the moment it is sent: its windows ended in the past, and to
    a listener a replay looks as if it were live. liblsl queues what is pushed for each
    listener, and drops the oldest for one that does not read: nothing here waits.
    """

    name = "lsl_out"
    period = 0.25
    samples = False

    def __init__(self, title: str) -> None:
        self.title = title

    def open(self, run: Run) -> None:
        """Offer the streams.

        Raises
        ------
        ConfigError
            If no model runs, or LSL is not there.
        """
        pylsl = lsl.load()
        self._clock, self._offset = pylsl.local_clock, lsl.offset()
        pairs = [
            (model, stream) for model in run.models.values() for stream in model.windows
        ]
        if not pairs:
            raise ConfigError(
                f"lsl_out = {self.title}: no model runs, so there is nothing to send: "
                "name one that fits with --model"
            )
        self._pairs: dict[tuple[str, str], _Pair] = {}
        for model, stream in pairs:
            called = self.title
            if len(pairs) > 1:
                called = f"{self.title}-{model.name}-{stream}"
            source = f"rtpipe {self.title} {model.name} {stream}"
            try:
                self._pairs[model.name, stream] = _Pair(
                    _Out(_probabilities(called, source, model, stream)),
                    _Out(_decisions(f"{called}-decisions", source, model, stream)),
                    model.labels,
                    run.streams[stream].clock == "run",
                )
            except RuntimeError as error:
                raise ConfigError(
                    f"lsl_out = {self.title}: LSL cannot offer a stream: {error}"
                ) from None

    def take(self, items: Sequence[Item]) -> None:
        """Send what came."""
        for item in items:
            if isinstance(item, Prediction):
                pair = self._pairs[item.model, item.stream]
                stamp = self._stamp(pair, item.end)
                values = [item.probabilities[label] for label in pair.labels]
                pair.probabilities.push(values, stamp)
                pair.decisions.push([item.label or NONE], stamp)
            elif item.kind == "none":
                pair = self._pairs[item.data["model"], item.stream]
                pair.decisions.push([NONE], self._stamp(pair, item.time))

    def close(self) -> None:
        """End each decision, and withdraw the streams."""
        heard = False
        try:
            for pair in self._pairs.values():
                pair.decisions.push([NONE], self._clock())
                heard |= pair.decisions.outlet.have_consumers()
            if heard:
                time.sleep(_LAST)
        finally:
            self._pairs = {}

    def _stamp(self, pair: _Pair, moment: float) -> float:
        """Return the stamp on LSL's clock of what belongs to a moment of the run."""
        return moment - self._offset if pair.live else float(self._clock())


def _probabilities(called: str, source: str, model: ModelStatus, stream: str) -> Any:
    pylsl = lsl.load()
    rate = 1 / model.hop if model.hop else pylsl.IRREGULAR_RATE
    info = pylsl.StreamInfo(
        called, "Probabilities", len(model.labels), rate, "float32", source
    )
    channels = _about(info, model, stream).append_child("channels")
    for label in model.labels:
        channel = channels.append_child("channel")
        for key, value in (("label", label), ("unit", NONE), ("type", "misc")):
            channel.append_child_value(key, value)
    with lsl.offering():
        return pylsl.StreamOutlet(info)


def _decisions(called: str, source: str, model: ModelStatus, stream: str) -> Any:
    pylsl = lsl.load()
    source = f"{source} decisions"
    info = pylsl.StreamInfo(called, "Markers", 1, 0.0, "string", source)
    _about(info, model, stream)
    with lsl.offering():
        return pylsl.StreamOutlet(info)


def _about(info: Any, model: ModelStatus, stream: str) -> Any:
    """Say in a stream's description where it comes from; return the description."""
    about = info.desc()
    told = {"manufacturer": "rtpipe", "model": model.name, "stream": stream}
    for key, value in {**told, "notes": " · ".join(model.notes)}.items():
        about.append_child_value(key, value)
    return about

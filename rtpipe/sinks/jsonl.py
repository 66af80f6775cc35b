"""One JSON object a line: what `--json` prints, the socket sends, evaluate stores."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from math import isfinite
from typing import Any, TextIO

from rtpipe.sink import Item, Run
from rtpipe.types import Event, Prediction


class JsonLines:
    """Writes each prediction and event as one line, and at the end a summary.

    Parameters
    ----------
    file : TextIO
        Open for writing; it is flushed after each batch and never closed.

    Notes
    -----
    When the reader of a pipe goes away (``| head``) nobody is left who wants the
    answers, and the run is asked to stop. That is an end, not an error: nothing more
    is written, and the file's descriptor is pointed at the null device, because what
    is still buffered would fail once more, with a message, when Python exits. The
    descriptor leads nowhere by then, so nobody else loses anything by it.
    """

    name = "jsonl"
    period = 0.05
    samples = False

    def __init__(self, file: TextIO) -> None:
        self.file = file

    def open(self, run: Run) -> None:
        """Remember the run, for its summary."""
        self._run = run
        self._broken = False

    def take(self, items: Sequence[Item]) -> None:
        """Write a line for each item, and flush."""
        self._write([as_json(item) for item in items])

    def close(self) -> None:
        """Write the summary, where every line before it was written."""
        if self.name not in self._run.failed:
            self._write([summary_json(self._run)])

    def _write(self, objects: Sequence[dict[str, Any]]) -> None:
        if self._broken or not objects:
            return
        try:
            self.file.write("".join(line(each) for each in objects))
            self.file.flush()
        except BrokenPipeError:
            self._broken = True
            _discard(self.file)
            self._run.stop()


def as_json(item: Item) -> dict[str, Any]:
    """Return a prediction or an event as the object that stands for it in JSON.

    Values that are not finite become None: JSON has no word for them.
    """
    return _prediction(item) if isinstance(item, Prediction) else _event(item)


def summary_json(run: Run) -> dict[str, Any]:
    """Return the object that ends a run's lines: its counters and latencies."""
    summary: dict[str, Any] = finite({"type": "summary", **run.summary()})
    return summary


def line(value: dict[str, Any]) -> str:
    """Return the object as one line of strict JSON, in ASCII, with its line end.

    What JSON has no word for is told as well as can be: a device that forgot to make
    a number of NumPy's a plain one is no reason to lose a recording.
    """
    return json.dumps(value, allow_nan=False, default=_plain) + "\n"


def finite(value: Any) -> Any:
    """Return the value with None in place of every number that is not finite."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {
            key if isinstance(key, str) else str(key): finite(each)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return value


def _plain(value: Any) -> Any:
    """Return numbers and arrays of NumPy as Python's own, all else as a text."""
    tolist = getattr(value, "tolist", None)
    return str(value) if tolist is None else finite(tolist())


def _prediction(prediction: Prediction) -> dict[str, Any]:
    value = {
        "type": "prediction",
        "stream": prediction.stream,
        "model": prediction.model,
        "index": prediction.index,
        "end": finite(prediction.end),
        "label": prediction.label,
        "probabilities": finite(prediction.probabilities),
        "latency": finite(prediction.latency),
        "missing": finite(prediction.missing),
        "truth": prediction.truth,
    }
    if prediction.label is None:
        value["reason"] = prediction.reason
    return value


def _event(event: Event) -> dict[str, Any]:
    value: dict[str, Any] = {
        "type": "event",
        "stream": event.stream,
        "time": finite(event.time),
        "kind": event.kind,
    }
    if event.index is not None:
        value["index"] = event.index
    for key, each in event.data.items():
        # What an event carries never hides what every event has.
        value.setdefault(str(key), finite(each))
    return value


def _discard(file: TextIO) -> None:
    """Let what is still buffered vanish, where the file has a descriptor."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, file.fileno())
        finally:
            os.close(null)

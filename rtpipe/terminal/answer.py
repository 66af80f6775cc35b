"""The newest answer of a bundle about a stream, and whether it still stands."""

from rtpipe.sink import ModelStatus, StreamStatus
from rtpipe.terminal.standing import ENDED
from rtpipe.types import Event, Prediction

_OLD = 1.0  # seconds without another after which an answer stands for nothing, ...
_HOPS = 3  # ... or, where that is longer, as many windows that should have had one


class Answer:
    """Keeps an answer until it ends.

    It ends when the run says so (an event ``"none"``: the data stopped), when the
    stream's connection is lost, whichever is first, or when no other has followed for
    so long that it speaks of a window that is past.

    Parameters
    ----------
    model : ModelStatus
    stream : StreamStatus
    """

    def __init__(self, model: ModelStatus, stream: StreamStatus) -> None:
        self._model, self._stream = model, stream
        self._newest: Prediction | None = None
        self._came = 0.0
        self._ended = ""  # why, as the run said it

    def add(self, item: Prediction | Event, time: float) -> None:
        """Note an answer, or the event that ended the last one."""
        if isinstance(item, Prediction):
            self._newest, self._came, self._ended = item, time, ""
        else:
            self._ended = str(item.data.get("reason", "no data"))

    def current(self, time: float) -> Prediction | None:
        """Return the answer, if it stands at `time`, on the run's clock."""
        if self._ended or self._stream.link.state in ENDED:
            return None
        old = time - self._came > max(_OLD, _HOPS * self._model.hop)
        return None if old else self._newest

    def why(self, time: float) -> tuple[str, bool]:
        """Return why none stands, and whether that is something to worry about."""
        link, raw = self._stream.link, self._stream.raw
        if link.state in ENDED:
            return "no data: the connection is lost", True
        if self._ended and link.state == "degraded":
            return self._ended, True
        filled = (raw.stop - raw.first) / self._stream.info.sfreq
        if filled < self._model.window:
            which = "first" if self._newest is None else "next"
            progress = f"{filled:.1f} of {self._model.window:.1f} s"
            return f"filling the {which} window: {progress}", False
        if self._ended:
            return self._ended, True
        if self._newest is None:
            return "waiting for the first answer", False
        return f"no answer for {time - self._came:.1f} s", True

"""A run as a person sees it on a terminal, read back from what is written there."""

import io
import re
from collections.abc import Sequence

import numpy as np
from rich.cells import cell_len
from rich.console import Console

from rtpipe.clock import now
from rtpipe.counters import StreamCounters, WindowCounters
from rtpipe.latency import Histogram
from rtpipe.ring import Ring
from rtpipe.sink import Item, ModelStatus, Run, StreamStatus
from rtpipe.terminal.view import TerminalView
from rtpipe.types import Chunk, Event, Prediction, StreamInfo

SFREQ = 200.0
NOW = "rtpipe.terminal.view.now"
LABELS = ("rest", "fist", "open", "pinch")
NOTES = ("DEMO: trained on simulated signals", "Not a medical device")


def make_stream(name: str = "arm", n: int = 8, seconds: float = 5.0) -> StreamStatus:
    names = tuple(f"EMG{k}" for k in range(n))
    info = StreamInfo(name, SFREQ, names, ("emg",) * n, ("uV",) * n)
    ring = Ring((n,), round(5 * SFREQ))
    n_times = round(seconds * SFREQ)
    data = np.random.default_rng(0).normal(0, 20, (n_times, n)).astype(np.float32)
    ring.write(Chunk(name, 0, np.arange(n_times) / SFREQ, data))
    counters = StreamCounters(received=n_times, expected=n_times)
    status = StreamStatus(info, ring, counters, ("good",) * n)
    if n_times:
        status.link.become("streaming", 0.0)
    return status


def make_run(streams: Sequence[StreamStatus], n_models: int = 1) -> Run:
    models = {}
    for k in range(n_models):
        stream = streams[k % len(streams)].info.name
        name = f"model-{k}"
        windows = {stream: WindowCounters(due=9, answered=8, skipped=1)}
        models[name] = ModelStatus(
            name, "gesture", LABELS, NOTES, windows, Histogram(), 2.0
        )
        models[name].latency.add(0.012)
    by_name = {each.info.name: each for each in streams}
    return Run("bench", now(), by_name, models, lambda: None, print)


def answer(
    label: str | None = "fist",
    probabilities: Sequence[float] = (0.05, 0.85, 0.07, 0.03),
    truth: str | None = None,
    model: str = "model-0",
    stream: str = "arm",
) -> Prediction:
    shares = dict(zip(LABELS, probabilities, strict=True))
    reason = "low confidence" if label is None else None
    return Prediction(stream, model, 9, 1.0, label, shares, 0.01, 0.0, truth, reason)


def ended(kind: str = "none", model: str = "model-0") -> Event:
    told = {"model": model, "reason": "no data for 0.16 s"}
    return Event("arm", 0.0, kind, 9, told)


class Glass:
    """What a person sees of what was written to a terminal of this size."""

    def __init__(self, width: int, height: int) -> None:
        self.rows = [[" "] * width for _ in range(height)]

    def feed(self, written: str) -> None:
        _, *placed = re.split(r"\x1b\[(\d+;\d+)H", written)
        for place, text in zip(placed[::2], placed[1::2], strict=True):
            row, column = (int(each) - 1 for each in place.split(";"))
            for character in re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", text):
                # Beyond the edge, or on another line, is an error of the view.
                self.rows[row][column] = character
                column += cell_len(character)

    @property
    def text(self) -> str:
        return "\n".join("".join(row) for row in self.rows)


def shown(run: Run, *batches: Sequence[Item], size: tuple[int, int] = (80, 24)) -> str:
    """Return what stands on the screen after the batches."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=size[0], height=size[1])
    view = TerminalView(console, period=0)
    view.open(run)
    for items in batches:
        view.take(items)
    glass = Glass(*size)
    glass.feed(file.getvalue())
    view.close()
    return glass.text


def row(frame: str, word: str) -> str:
    """Return the one line that contains a word."""
    (found,) = [each for each in frame.splitlines() if word in each]
    return found

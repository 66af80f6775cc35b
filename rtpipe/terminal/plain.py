"""The terminal view where there is no terminal: a line a second, no colour."""

from rich.console import Console

from rtpipe.sink import Item, Run
from rtpipe.terminal.bars import percent
from rtpipe.terminal.canvas import TIMES, clean, letters
from rtpipe.terminal.modelpanel import milliseconds
from rtpipe.terminal.news import clock, weight, words
from rtpipe.types import Event, Prediction

_EVERY = 1.0  # seconds between two lines about the same thing


class PlainLog:
    """Prints, for each model and stream, the newest decision once a second.

    Events are printed too; those of one kind and stream at most once a second, with
    the number of those that came in between.

    Parameters
    ----------
    console : Console
    run : Run
    """

    def __init__(self, console: Console, run: Run) -> None:
        self._console, self._run = console, run
        self._printed: dict[tuple[str, str], float] = {}
        self._waiting: dict[tuple[str, str], tuple[Item, int]] = {}
        for stream in run.streams.values():
            info = stream.info
            self._print(f"{info.name}: {info.n_channels} channels, {info.sfreq:g} Hz")
        for model in run.models.values():
            told = [f"{model.name}: {', '.join(model.labels)}", *model.notes]
            self._print(" · ".join(told))

    def add(self, item: Item, time: float) -> None:
        """Note a prediction or an event; the newest of its kind is printed."""
        if isinstance(item, Prediction):
            key, count = (item.model, item.stream), 1
        elif item.kind == "truth":
            return
        else:
            key, count = (f"event {item.kind}", item.stream), weight(item)
        _, before = self._waiting.get(key, (item, 0))
        self._waiting[key] = (item, before + count)

    def show(self, time: float) -> None:
        """Print what waits, where a second has passed since the last such line."""
        for key, (item, count) in list(self._waiting.items()):
            if time - self._printed.get(key, -_EVERY) >= _EVERY:
                del self._waiting[key]
                self._printed[key] = time
                passed = clock(time - self._run.started)
                self._print(f"{passed:>7}  {_told(item, count)}")

    def close(self) -> None:
        """Nothing was taken over, so nothing is given back."""

    def _print(self, text: str) -> None:
        safe = clean(text)
        if self._console.options.ascii_only:
            safe = letters(safe)
        self._console.out(safe, highlight=False)


def _told(item: Item, count: int) -> str:
    if isinstance(item, Event):
        often = f" {TIMES}{count:,}" if count > 1 else ""
        return f"{item.stream or 'run'}  {item.kind}{often}  {words(item)}"
    if item.label is None:
        said = f"none: {item.reason or 'no decision'}"
    else:
        said = f"{item.label} {percent(item.probabilities.get(item.label)).strip()}"
    truth = "" if item.truth is None else f"  truth {item.truth}"
    late = milliseconds(item.latency)
    return f"{item.stream}  {item.model}  {said}  {late}{truth}"

"""The terminal view where there is no terminal: a line a second, no colour."""

from rich.console import Console

from rtpipe.duration import clock, milliseconds
from rtpipe.percent import percent
from rtpipe.printable import clean
from rtpipe.sink import Item, Run
from rtpipe.terminal.canvas import TIMES, letters
from rtpipe.terminal.cuepanel import place, sentence
from rtpipe.terminal.news import weight, words
from rtpipe.types import Event, Prediction

_EVERY = 1.0  # seconds between two lines about the same thing
_AT_ONCE = frozenset(
    {"lost", "recovered", "degraded", "steady", "none", "recording", "disk"}
)


class PlainLog:
    """Prints, for each model and stream, the newest decision once a second.

    Events are printed too; those of one kind and stream at most once a second, with
    the number of those that came in between. How the connection stands, and that a
    decision has ended, is printed at once; each text of a marker is. A line begins with
    the time since the run's start; what is of a recording, with the recording's time.

    Parameters
    ----------
    console : Console
    run : Run
    """

    def __init__(self, console: Console, run: Run) -> None:
        self._console, self._run = console, run
        self._time = run.started
        self._printed: dict[tuple[str, str], float] = {}
        self._waiting: dict[tuple[str, str], tuple[Item, int]] = {}
        self._asked: tuple[str | None, ...] = ()  # of the cue that was printed last
        for stream in run.streams.values():
            info = stream.info
            n = info.n_channels
            self._print(f"{info.name}: {n} channel{'s' * (n != 1)}, {info.sfreq:g} Hz")
        for model in run.models.values():
            told = [f"{model.name}: {', '.join(model.labels)}", *model.notes]
            self._print(" · ".join(told))

    def add(self, item: Item, time: float) -> None:
        """Note a prediction or an event; the newest of its kind is printed."""
        self._time = time
        if isinstance(item, Prediction):
            key, count = (item.model, item.stream), 1
        elif item.kind in ("truth", "cues"):  # said elsewhere, and at the end
            return
        elif item.kind in _AT_ONCE:
            self._forget(item)
            self._tell(item, 1, time)
            return
        elif item.kind == "marker":  # on every stream at once; its text is what matters
            key, count = ("event marker", words(item)), 1
            if key in self._waiting and item.stream != self._waiting[key][0].stream:
                return
        else:
            of = f"event {item.kind} {item.data.get('model', '')}"
            key, count = (of, item.stream), weight(item)
        _, before = self._waiting.get(key, (item, 0))
        self._waiting[key] = (item, before + count)

    def show(self, time: float) -> None:
        """Print what waits, where a second has passed since the last such line."""
        self._ask(time)
        due = [
            key
            for key in self._waiting
            if time - self._printed.get(key, -_EVERY) >= _EVERY
        ]
        self._printed.update(dict.fromkeys(due, time))
        self._tell_all(due, time)
        # Else each text of a marker would be kept for as long as the run goes on.
        for key, printed in list(self._printed.items()):
            if time - printed >= _EVERY:
                del self._printed[key]

    def close(self) -> None:
        """Print what still waits."""
        self._tell_all(list(self._waiting), self._time)

    def _ask(self, time: float) -> None:
        """Print what a person is to do, once."""
        if (cue := self._run.cue) is None:
            return
        asked = (cue.label, cue.next, cue.waits)
        if asked != self._asked:
            self._asked = asked
            passed = clock(time - self._run.started)
            self._print(f"{passed:>7}  {place(cue)}  {sentence(cue)}")

    def _forget(self, event: Event) -> None:
        """Drop the decisions that are over, which are not to be printed after it."""
        for key, (item, _) in list(self._waiting.items()):
            if isinstance(item, Prediction) and item.stream == event.stream:
                if event.kind == "lost" or item.model == event.data.get("model"):
                    del self._waiting[key]

    def _tell_all(self, keys: list[tuple[str, str]], time: float) -> None:
        """Print what waits under these keys, in the order of its times."""
        told = [self._waiting.pop(key) for key in keys]
        for item, count in sorted(told, key=lambda each: self._passed(each[0], time)):
            self._tell(item, count, time)

    def _tell(self, item: Item, count: int, time: float) -> None:
        passed = clock(self._passed(item, time))
        self._print(f"{passed:>7}  {_told(item, count)}")

    def _passed(self, item: Item, time: float) -> float:
        """Return the seconds since the run's or the recording's start."""
        stream = self._run.streams.get(item.stream)
        if stream is None or stream.clock == "run":
            return time - self._run.started
        return item.end if isinstance(item, Prediction) else item.time

    def _print(self, text: str) -> None:
        safe = clean(text)
        if self._console.options.ascii_only:
            safe = letters(safe)
        self._console.out(safe, highlight=False)


def _told(item: Item, count: int) -> str:
    if isinstance(item, Event):
        often = f" {TIMES}{count:,}" if count > 1 else ""
        origin = "run" if item.kind == "marker" else item.stream or "run"
        return f"{origin}  {item.kind}{often}  {words(item)}".rstrip()
    if item.label is None:
        said = f"none: {item.reason or 'no decision'}"
    else:
        said = f"{item.label} {percent(item.probabilities.get(item.label)).strip()}"
    truth = "" if item.truth is None else f"  truth {item.truth}"
    late = milliseconds(item.latency)
    return f"{item.stream}  {item.model}  {said}  {late}{truth}"

"""The terminal view while a run goes on: the whole screen, drawn again and again."""

from collections.abc import Iterable

from rich.console import Console

from rtpipe.duration import clock
from rtpipe.printable import clean
from rtpipe.sink import Item, Run
from rtpipe.terminal.canvas import (
    BAD,
    BOLD,
    PAUSED,
    QUIET,
    STRONG,
    WARN,
    Line,
    Picture,
    cell,
    joined,
    spread,
    width_of,
)
from rtpipe.terminal.cuepanel import cue_lines
from rtpipe.terminal.layout import arrange
from rtpipe.terminal.modelpanel import ModelPanel
from rtpipe.terminal.news import News
from rtpipe.terminal.recordingline import not_recorded, recording_line, refusal
from rtpipe.terminal.screen import Screen
from rtpipe.terminal.streampanel import StreamPanel
from rtpipe.terminal.tally import Tally
from rtpipe.types import Event

_ROOMY = 30  # lines from which there is air
_NAME = (8, 64)  # cells that the name of a recording's file takes, as there is room
_KEYS = (
    ("q", "quit"),
    ("m", "marker"),
    ("p", "pause"),
    ("r", "record"),
    ("h", "help"),
)
_EXPLAINED = (
    ("q", "or Ctrl-C quits"),
    ("m", "marks every stream"),
    ("p", "holds the picture"),
    ("r", "records, or ends that"),
    ("h", "hides this"),
)
# What a stream without a model is shown in full for, in MNE's words.
_SIGNALS = frozenset({"eeg", "emg", "ecg", "eog", "ecog", "seeg", "dbs"})


class Drawing:
    """Takes over the screen, and gives it back as it was.

    Parameters
    ----------
    console : Console
        A terminal.
    run : Run
    tallies : dict
        Per model and stream.

    Attributes
    ----------
    has_keys : bool
        Whether keys can be pressed, and are to be shown.
    explained : bool
        Whether a line of its own says what they do.
    """

    def __init__(
        self, console: Console, run: Run, tallies: dict[tuple[str, str], Tally]
    ) -> None:
        self._console, self._run = console, run
        self.has_keys = self.explained = False
        self._paused: float | None = None
        self._panels: list[Line] = []  # as they were drawn last
        self._streams = {
            name: StreamPanel(each, run.started) for name, each in run.streams.items()
        }
        longest = max(map(len, self._streams), default=0)
        for panel in self._streams.values():
            panel.name_width = longest
        self._models = {
            (model, stream): ModelPanel(run.models[model], run.streams[stream], tally)
            for (model, stream), tally in tallies.items()
        }
        self._looked_at = {stream for _, stream in tallies} or _signals(run)
        self._news = News()
        self._screen = Screen(console)
        self._screen.open()

    @property
    def picture(self) -> Picture:
        """What was drawn last."""
        return Picture(self._screen.lines)

    def add(self, item: Item, time: float) -> None:
        """Note a prediction or an event that came at `time`, on the run's clock."""
        if not isinstance(item, Event):
            self._models[item.model, item.stream].add(item, time)
            return
        self._news.add(item, time - self._run.started)
        if item.kind in ("sink", "recording"):  # which the log may write of, over this
            self._screen.renew()
        if item.kind == "none":
            self._models[item.data["model"], item.stream].add(item, time)
        elif item.kind == "marker" and item.stream in self._streams:
            self._streams[item.stream].mark(item)

    def show(self, time: float) -> None:
        """Draw everything as it stands at `time`."""
        width, height = self._console.size
        self._screen.show(self._lines(width, height, time))

    def pause(self, time: float) -> None:
        """Keep the picture as it is, or let it go on."""
        self._paused = time if self._paused is None else None

    def close(self) -> None:
        """Give the screen back."""
        self._screen.close()

    def reopen(self) -> None:
        """Take the screen again, after `close`."""
        self._screen.open()

    def _lines(self, width: int, height: int, time: float) -> list[Line]:
        foot = _explanation(width) if self.explained else []
        room = max(0, height - 1 - len(foot))
        # A person is asked on, also while the picture is held.
        cue = self._run.cue
        asked = cue_lines(cue, width, room) if cue else []
        if cue:
            asked = [*not_recorded(self._run.recording), *asked]
        asked = [*refusal(self._run), *asked][:room]
        room -= len(asked)
        if self._paused is None:
            self._look(time)
            self._panels = self._body(width, room, time)
        # The picture of a pause may be of another size than the screen has by now.
        kept = self._panels[:room]
        return [self._header(width, time), *asked, *kept, *foot]

    def _look(self, time: float) -> None:
        for stream in self._streams.values():
            stream.look(time)
        for model in self._models.values():
            model.look(time)
        told = {""}
        ranked = sorted(self._streams, key=lambda name: name not in self._looked_at)
        for stream in map(self._streams.__getitem__, ranked):
            # One device's streams are lost for one reason, which is said once.
            stream.repeated = stream.trouble in told
            told.add(stream.trouble)
        for name, stream in self._streams.items():
            stream.prominent = name in self._looked_at or not stream.repeated

    def _body(self, width: int, height: int, time: float) -> list[Line]:
        roomy = height + 1 >= _ROOMY
        count = 4 if roomy else 2
        air: list[Line] = [[]] if roomy else []
        room = max(0, height - count - 2 * len(air))
        streams, models = [*self._streams.values()], [*self._models.values()]
        panels = arrange(width, room, streams, models)
        below: list[Line] = [[] for _ in range(room - len(panels))]
        news = self._news.lines(width, count)
        return [*air, *panels, *below, *air, *news]

    def _header(self, width: int, time: float) -> Line:
        title = [cell(" rtpipe ", STRONG), cell(clean(self._run.name), BOLD)]
        if self._paused is not None:
            title = [cell(f" PAUSED {clock(time - self._paused)} ", PAUSED), *title]
        least, most = _NAME
        left = joined([title, recording_line(self._run, time, least)], "  ")
        dropped = sum(self._run.dropped.values())
        slow = [cell(f"too slow for {dropped:,} items", WARN)] if dropped else []
        lacking = sum(self._run.unrecorded.values())
        if lacking:
            slow = joined([[cell(f"{lacking:,} samples not recorded", BAD)], slow])
        elapsed = [cell(clock(time - self._run.started), BOLD)]
        for hints in self._hints():
            right = joined([slow, elapsed, [*hints, cell(" ")]])
            room = width - width_of(left) - width_of(right) - 2
            if room >= 0:
                longest = min(most, least + room)
                named = recording_line(self._run, time, longest)
                return spread(joined([title, named], "  "), right, width)
        return spread(left, elapsed, width)

    def _hints(self) -> list[Line]:
        """Return what is said of the keys, from the longest to the shortest."""
        if not self.has_keys:
            return [[cell("Ctrl-C stops", QUIET)]]
        return [_named(_KEYS), _named(_KEYS[::4])]


def _explanation(width: int) -> list[Line]:
    """Return what the keys do, in as many lines as that takes."""
    lines: list[Line] = []
    for key in _EXPLAINED:
        longer = joined([lines[-1] if lines else [], _named([key])])
        if lines and width_of(longer) < width:
            lines[-1] = longer
        else:
            lines.append([cell(" "), *_named([key])])
    return lines


def _named(keys: Iterable[tuple[str, str]]) -> Line:
    return joined([[cell(key, STRONG), cell(f" {word}", QUIET)] for key, word in keys])


def _signals(run: Run) -> set[str]:
    """Return the streams of the body's own signals, or all where there is none."""
    infos = [stream.info for stream in run.streams.values()]
    found = {info.name for info in infos if _SIGNALS & set(info.ch_types)}
    return found or set(run.streams)

"""The terminal view while a run goes on: the whole screen, drawn again and again."""

from rich.console import Console
from rich.live import Live

from rtpipe.sink import Item, Run
from rtpipe.terminal.canvas import (
    BOLD,
    QUIET,
    STRONG,
    WARN,
    Line,
    Picture,
    cell,
    clean,
    joined,
    spread,
)
from rtpipe.terminal.layout import arrange
from rtpipe.terminal.modelpanel import ModelPanel
from rtpipe.terminal.news import News, clock
from rtpipe.terminal.streampanel import StreamPanel
from rtpipe.terminal.tally import Tally
from rtpipe.types import Event


class Drawing:
    """Takes over the screen, and gives it back as it was.

    Parameters
    ----------
    console : Console
        A terminal.
    run : Run
    tallies : dict
        Per model and stream.
    """

    def __init__(
        self, console: Console, run: Run, tallies: dict[tuple[str, str], Tally]
    ) -> None:
        self._console, self._run = console, run
        self._streams = [StreamPanel(each) for each in run.streams.values()]
        self._models = {
            (model, stream): ModelPanel(run.models[model], run.streams[stream], tally)
            for (model, stream), tally in tallies.items()
        }
        self._news = News()
        # No thread of its own draws, and nothing printed elsewhere is held back.
        self._live = Live(
            console=console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def add(self, item: Item, time: float) -> None:
        """Note a prediction or an event that came at `time`, on the run's clock."""
        if isinstance(item, Event):
            self._news.add(item, time - self._run.started)
        else:
            self._models[item.model, item.stream].add(item, time)

    def show(self, time: float) -> None:
        """Draw everything as it stands at `time`."""
        width, height = self._console.size
        self._live.update(Picture(self._lines(width, height, time)), refresh=True)

    def close(self) -> None:
        """Give the screen back."""
        self._live.stop()

    def _lines(self, width: int, height: int, time: float) -> list[Line]:
        roomy = height >= 30
        count = 4 if roomy else 2
        air: list[Line] = [[]] if roomy else []
        room = height - 1 - count - 2 * len(air)
        streams, models = self._streams, list(self._models.values())
        panels = arrange(width, room, streams, models, time)
        news = self._news.lines(width, count)
        return [self._header(width, time), *air, *panels, *air, *news]

    def _header(self, width: int, time: float) -> Line:
        left = [cell(" rtpipe ", STRONG), cell(clean(self._run.name), BOLD)]
        dropped = sum(self._run.dropped.values())
        slow = [cell(f"too slow for {dropped:,} items", WARN)] if dropped else []
        elapsed = [cell(clock(time - self._run.started), BOLD)]
        right = joined([slow, elapsed, [cell("Ctrl-C stops ", QUIET)]])
        return spread(left, right, width)

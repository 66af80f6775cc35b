"""The view in a terminal: signals, their quality, and decisions as they come."""

from collections.abc import Sequence

from rich.console import Console

from rtpipe.clock import now
from rtpipe.sink import Item, Run
from rtpipe.terminal.canvas import Portable
from rtpipe.terminal.drawing import Drawing
from rtpipe.terminal.ending import ending
from rtpipe.terminal.plain import PlainLog
from rtpipe.terminal.tally import Tally
from rtpipe.types import Prediction


class TerminalView:
    """Shows a run on a console, and at the end prints a summary.

    Parameters
    ----------
    console : Console
        Where it is no terminal (a pipe, a file), lines of plain text take the place
        of the drawing, one a second for each model and stream.
    period : float
        Seconds between two drawings.

    Notes
    -----
    The drawing uses the terminal's second screen, so what stood there before is there
    again afterwards. It reads the streams' rings, counters and latencies as they are
    at that moment; an answer that is too old is never shown as the current one.
    """

    name = "terminal"

    def __init__(self, console: Console, period: float = 0.125) -> None:
        self.console, self.period = console, period

    def open(self, run: Run) -> None:
        """Take over the screen, if it is one."""
        self._run, self._drawn = run, -self.period
        self._tallies = {
            (name, stream): Tally()
            for name, model in run.models.items()
            for stream in model.windows
        }
        drawn = self.console.is_terminal and not self.console.is_dumb_terminal
        self._view: Drawing | PlainLog = (
            Drawing(self.console, run, self._tallies)
            if drawn
            else PlainLog(self.console, run)
        )

    def take(self, items: Sequence[Item]) -> None:
        """Note what came, and draw if it is time."""
        try:
            self._take(items, now())
        except Exception:
            self._view.close()  # nobody will: a sink that failed is left alone
            raise

    def close(self) -> None:
        """Give the screen back and print what there is to say about the run."""
        self._view.close()
        self.console.print(Portable(ending(self._run, self._tallies)))

    def _take(self, items: Sequence[Item], time: float) -> None:
        for item in items:
            if isinstance(item, Prediction):
                self._tallies[item.model, item.stream].add(item)
            self._view.add(item, time)
        # Calls come a little early or late; one that is only a little early draws, or
        # every second drawing would be left out.
        if time - self._drawn >= 0.8 * self.period:
            self._drawn = time
            self._view.show(time)

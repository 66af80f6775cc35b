"""The view in a terminal: signals, their quality, and decisions as they come."""

import logging
from collections.abc import Sequence

from rich.console import Console

from rtpipe.clock import now
from rtpipe.errors import RtpipeError
from rtpipe.sink import Item, Run
from rtpipe.terminal.canvas import Picture, Portable
from rtpipe.terminal.drawing import Drawing
from rtpipe.terminal.ending import ending
from rtpipe.terminal.keys import SUSPEND, Keys, available, in_front, suspend
from rtpipe.terminal.plain import PlainLog
from rtpipe.terminal.tally import Tally
from rtpipe.types import Event, Prediction

logger = logging.getLogger(__name__)
NEW = "rtpipe-{date}-{run}.xdf"  # where a recording goes that a key has begun


class TerminalView:
    """Shows a run on a console, and at the end prints a summary.

    Parameters
    ----------
    console : Console
        Where it is no terminal (a pipe, a file), lines of plain text take the place
        of the drawing, one a second for each model and stream.
    period : float
        Seconds between two drawings.
    beside : bool
        Whether a window shows the run: then there are lines of plain text, for events
        only.
    lacking : str
        Why no window shows it, where one was wanted: told when the run has begun.

    Notes
    -----
    The drawing uses the terminal's second screen, so what stood there before is there
    again afterwards. It reads the streams' rings, counters and latencies as they are
    at that moment; an answer that is too old is never shown as the current one.
    Keys are read between two drawings, where input and output are terminals.
    """

    name = "terminal"
    samples = False

    def __init__(
        self,
        console: Console,
        period: float = 0.125,
        beside: bool = False,
        lacking: str = "",
    ) -> None:
        self.console, self.period = console, period
        self.beside, self.lacking = beside, lacking
        self._keys = Keys()

    def open(self, run: Run) -> None:
        """Take over the screen, if it is one."""
        self._run, self._drawn, self._markers = run, -self.period, 0
        self._has_keys = self._away = False
        self._tallies = {
            (name, stream): Tally()
            for name, model in run.models.items()
            for stream in model.windows
        }
        self._view: Drawing | PlainLog
        drawn = self.console.is_terminal and not self.console.is_dumb_terminal
        if self.lacking:
            told = "no window: %s; the terminal shows the run"
            logger.warning(told, self.lacking)
        if self.beside:
            self.console.out("a window shows this run; Ctrl-C here ends both")
        if self.beside or not drawn:
            self._view = PlainLog(self.console, run)
            return
        self._view = Drawing(self.console, run, self._tallies)
        self._has_keys = available(self.console.file)
        self._return()

    def take(self, items: Sequence[Item]) -> None:
        """Note what came, do what was asked for by a key, and draw if it is time."""
        try:
            self._take(items, now())
        except BaseException:
            self._give_back()  # now, for the error is told on the terminal next
            raise

    def close(self) -> None:
        """Give the screen back and print what there is to say about the run.

        Where `take` failed there is nothing to say yet, for the run goes on.
        """
        self._give_back()
        if self.name not in self._run.failed:
            self.console.print(Portable(ending(self._run, self._tallies)))

    @property
    def picture(self) -> Picture:
        """What was drawn last; nothing where lines are printed."""
        return self._view.picture if isinstance(self._view, Drawing) else Picture([])

    def _take(self, items: Sequence[Item], time: float) -> None:
        for item in items:
            if isinstance(item, Prediction):
                self._tallies[item.model, item.stream].add(item)
                if self.beside:
                    continue
            self._view.add(item, time)
        self._return()
        for key in self._keys.pressed():
            self._press(key.lower(), time)
            self._drawn = -self.period  # what a key does is seen at once
        # Calls come a little early or late; one that is only a little early draws, or
        # every second drawing would be left out.
        if not self._away and time - self._drawn >= 0.8 * self.period:
            self._drawn = time
            self._view.show(time)

    def _press(self, key: str, time: float) -> None:
        assert isinstance(self._view, Drawing)
        if key == "q":
            self._run.stop()
        elif key == "m":
            self._markers += 1
            self._run.mark(f"marker {self._markers}")
        elif key == "r":
            self._record(time)
        elif key == "p":
            self._view.pause(time)
        elif key in ("h", "?"):
            self._view.explained = not self._view.explained
        elif key == SUSPEND:
            self._give_back()
            suspend()
            self._away = True
            self._return()

    def _record(self, time: float) -> None:
        """Begin a recording, or end the one there is; say where that cannot be."""
        going = self._run.recording
        if going is not None and going.state == "recording":
            self._run.stop_recording()
            return
        try:
            self._run.record(NEW)
        except (RtpipeError, OSError) as error:
            told = {"state": "refused", "error": str(error)}
            self._view.add(Event("", time, "recording", None, told), time)

    def _return(self) -> None:
        """Take the screen and the keys again, once no other job has the terminal.

        A job that was stopped may go on in the background, where the terminal is the
        shell's, and be brought back later; one may also begin there.
        """
        if not isinstance(self._view, Drawing):
            return
        if self._away and in_front():
            self._away = False
            self._view.reopen()
        if self._has_keys and not self._away and not self._keys.taken:
            self._keys.open()
            self._view.has_keys = self._keys.taken

    def _give_back(self) -> None:
        """Leave the terminal as it was found; where the screen fails, its mode."""
        try:
            self._view.close()
        finally:
            self._keys.close()

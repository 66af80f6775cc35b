"""The dashboard's process: started, told which run to show, and watched. No Qt here.

The process says on its standard output, in one line, that its window is open, or why it
cannot be. On its standard input it is told the run's folder; when that input ends, the
process that started it is over, whatever became of it, and the window closes.
"""

import logging
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from rtpipe.clock import now
from rtpipe.errors import RtpipeError
from rtpipe.runfolder import folder_of_runs
from rtpipe.sink import Item, Run
from rtpipe.sinks.socket import available

logger = logging.getLogger(__name__)
OPEN = "open"  # what the process says when its window is open
_START = 30.0  # seconds a window may take: on a busy computer Qt is read from disk
_END = 3.0  # seconds the process may take to end, before it is made to
_NEEDED = ("PyQt6", "pyqtgraph")
_ABORTED = (-signal.SIGABRT, 2)  # what Qt does, and we do, where there is no window
_UNSEEN = ("offscreen", "minimal", "minimalegl", "vnc")  # platforms of Qt


def obstacle(asked: bool) -> str:
    """Return why no window can be opened here, as far as can be seen without Qt.

    Parameters
    ----------
    asked : bool
        Whether a person asked for a window: then one that nobody sees, or one that is
        sent over a network, is opened too.
    """
    platform = os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if not available():
        return "this system has no local sockets"
    for name in _NEEDED:
        if find_spec(name) is None:
            return f"{name} is not installed (pip install {name})"
    if platform in _UNSEEN:
        return "" if asked else f"QT_QPA_PLATFORM={platform} shows none"
    if sys.platform != "linux":
        return ""
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if not display:
        return "there is no display here"
    if not asked and "SSH_CONNECTION" in os.environ and not display.startswith(":"):
        return "this is a remote shell (--ui qt opens one through it)"
    return ""


class Dashboard:
    """The process of a dashboard.

    It is in a process group of its own: Ctrl-C is for the run, which then closes it.

    Parameters
    ----------
    owner : bool
        Whether closing its window ends the run.
    """

    def __init__(self, owner: bool) -> None:
        self._said = tempfile.TemporaryFile()
        # -P: what lies in the folder one is in is not imported.
        command = [sys.executable, "-P", "-m", "rtpipe.dashboard"]
        self._process = subprocess.Popen(
            [*command, "--owner"] if owner else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            process_group=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Exit status: None while it is there, 0 when a person closed the window."""
        return self._process.poll()

    def refusal(self) -> str:
        """Wait for the window to be open; return why it is not, or nothing."""
        told = self._process.stdout
        assert told is not None
        heard, deadline = b"", now() + _START
        while not heard.endswith(b"\n"):
            if not select.select([told], [], [], max(0.0, deadline - now()))[0]:
                return f"it has not opened within {_START:g} s"
            if not (part := os.read(told.fileno(), 1 << 12)):
                self._process.wait()
                return self.last_words() or "its process ended"
            heard += part
        line = heard.decode(errors="replace").strip()
        return "" if line == OPEN else line

    def tell(self, folder: Path) -> None:
        """Tell which run to show."""
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended: `status` tells
            self._process.stdin.write(os.fsencode(folder) + b"\n")
            self._process.stdin.flush()

    def wait(self) -> int:
        """Wait until it has ended; return its status."""
        while True:  # in slices, for on Windows a wait cannot be interrupted
            with suppress(subprocess.TimeoutExpired):
                return self._process.wait(0.2)

    def last_words(self) -> str:
        """Return the line of what it wrote that says most of why it ended."""
        self._said.seek(0)
        text = self._said.read().decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if "Traceback" in text:
            return lines[-1]
        if self.status is not None and self.status not in _ABORTED:
            return ""  # what Qt remarked was not why it ended
        # Qt tells what is missing, among a page of what there is.
        first = lines[0] if lines else ""
        line = next((line for line in lines if "needed" in line), first)
        return line.removeprefix("qt.qpa.plugin: ").removesuffix(".")

    def close(self) -> None:
        """Close the window, and return when the process is gone. Safe to call twice."""
        process = self._process
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        for end in (None, process.terminate, process.kill):
            if end is not None:
                end()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END)
                break
        self._said.close()


class Watch:
    """The sink that shows a run in a dashboard's window, and says if that ended.

    Parameters
    ----------
    dashboard : Dashboard
        Its window closes with the run.
    """

    name = "dashboard"
    period = 0.25
    samples = False

    def __init__(self, dashboard: Dashboard) -> None:
        self.dashboard = dashboard

    def open(self, run: Run) -> None:
        """Tell the window which run it shows."""
        self._run, self._ended = run, False
        self.dashboard.tell(folder_of_runs() / run.name)

    def take(self, items: Sequence[Item]) -> None:
        """Look for the window: the run ends when a person closed it."""
        if self._ended or (status := self.dashboard.status) is None:
            return
        self._ended = True
        if status == 0:
            self._run.stop()
        else:
            logger.warning("%s", ended(self.dashboard))

    def close(self) -> None:
        """Close the window."""
        self.dashboard.close()


def look(folder: Path) -> None:
    """Show a run that goes on in a window, and return when that was closed.

    Raises
    ------
    RtpipeError
        If no window can be opened, or it ended by itself.
    """
    why = obstacle(asked=True)
    if why:
        raise RtpipeError(f"no window can be opened: {why}")
    with Dashboard(owner=False) as dashboard:
        dashboard.tell(folder)
        if why := dashboard.refusal():
            raise RtpipeError(f"no window can be opened: {why}")
        if dashboard.wait() != 0:
            raise RtpipeError(ended(dashboard))


def ended(dashboard: Dashboard) -> str:
    """Return the sentence about a dashboard that ended by itself."""
    words = dashboard.last_words()
    return f"the dashboard ended{words and f' ({words})'}; rtpipe view opens it again"

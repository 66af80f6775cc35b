"""The application: one timer that looks at the run and refreshes the window."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PyQt6.QtCore import QObject, QSettings, QSocketNotifier, Qt, QTimer
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication

from rtpipe.attach import Attachment
from rtpipe.clock import now
from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.theme import DARK, LIGHT, choose, paint
from rtpipe.dashboard.window import Window
from rtpipe.errors import RtpipeError

PERIOD = 34  # milliseconds between two frames: less than 30 a second
LOWER = 5  # by how much the process gives way to the run's
FAREWELL = 5.0  # seconds that a run which was asked to end may take, or be silent
_ENDED = {
    "over": "the run is over: this is its last picture",
    "gone": "the run has vanished: this is its last picture",
}
_ENDING = "ending the run, and finishing its recording ..."
_AGAIN = 0.25  # seconds between two attempts to reach a run


class Dashboard(QObject):
    """A window on a run.

    Parameters
    ----------
    owner : bool
        Whether closing the window ends the run, and the end of the run closes it.
    settings : QSettings or None
        Where layout and colours are remembered; None is the user's own place.

    Attributes
    ----------
    window : Window
    """

    def __init__(self, owner: bool = False, settings: QSettings | None = None) -> None:
        super().__init__()
        settings = settings or QSettings("rtpipe", "dashboard")
        choose({"light": LIGHT, "dark": DARK}.get(str(settings.value("theme"))))
        if (hints := QGuiApplication.styleHints()) is not None:
            hints.colorSchemeChanged.connect(paint)
        self.window = Window(settings, owner)
        self._owner = owner
        self._folder: Path | None = None
        self._tried = 0.0
        self._present = now()  # of what is shown
        self._attachment: Attachment | None = None
        self._run: RunModel | None = None
        self._until: float | None = None  # when it no longer waits for the run's end
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._frame)
        self.window.closing.connect(self._closing)

    def show(self) -> None:
        """Open the window, and keep it up to date."""
        self.window.show()
        self._timer.start(PERIOD)

    def watch(self, folder: Path) -> None:
        """Show the run of a folder, as soon as it answers."""
        self._folder = folder

    def close(self) -> None:
        """Close the window, and let go of the run."""
        self._timer.stop()
        if self._attachment is not None:
            self._attachment.close()
        self.window.release()
        QApplication.quit()

    def _frame(self) -> None:
        time = now()
        if self._run is None:
            self._reach(time)
        elif self._run.state == "running":
            self._run.poll(time)
            if self._run.state != "running" and not self._owner:
                self.window.say(_ENDED[self._run.state])
        if self._run is None or self._run.state == "running":
            self._present = time
        self.window.refresh(self._present)  # a run's last picture stands still
        if self._over(time):
            self.close()

    def _reach(self, time: float) -> None:
        if self._folder is None or time - self._tried < _AGAIN:
            return
        self._tried = time
        attachment = None
        try:
            attachment = Attachment(self._folder)
            self._run = RunModel(attachment)
        except RtpipeError as error:
            if attachment is not None:
                attachment.close()
            if not self._owner:  # an owner's run is about to answer
                self.window.say(str(error))
            return
        self._attachment = attachment
        self.window.show_run(self._run, attachment.send)

    def _over(self, time: float) -> bool:
        """Tell whether there is nothing left to stay open for."""
        if self._until is not None and time >= self._until:
            return not self._finishing(time)
        ended = self._run is not None and self._run.state != "running"
        return self._owner and ended

    def _finishing(self, time: float) -> bool:
        """Tell whether the run says that it still writes its recording."""
        run = self._run
        if run is None or run.recording is None:
            return False
        going = run.state == "running" and run.recording["state"] == "recording"
        return going and time - run.told < FAREWELL

    def _closing(self) -> None:
        """Let a person close the window; an owner's ends the run first.

        Who closes it a second time does not want to wait: the run ends all the same.
        """
        if not self._owner or self._attachment is None or self._until is not None:
            self.close()
        else:
            self._until = now() + FAREWELL
            self._attachment.send({"command": "quit"})
            self.window.say(_ENDING)


class Orders(QObject):
    """What is told on standard input: the run's folder, and by its end to close.

    Parameters
    ----------
    dashboard : Dashboard
    """

    def __init__(self, dashboard: Dashboard) -> None:
        super().__init__(dashboard)
        self._dashboard, self._heard = dashboard, b""
        # The stubs know no descriptor but a pointer.
        self._notifier = QSocketNotifier(  # type: ignore[call-overload]
            0, QSocketNotifier.Type.Read, self
        )
        self._notifier.activated.connect(self._hear)

    def _hear(self) -> None:
        part = os.read(0, 1 << 12)
        if not part:
            self._notifier.setEnabled(False)
            self._dashboard.close()
            return
        *lines, self._heard = (self._heard + part).split(b"\n")
        for line in lines:
            self._dashboard.watch(Path(os.fsdecode(line)))


def run(owner: bool, opened: Callable[[], None]) -> int:
    """Open a window for the run that standard input tells of.

    Parameters
    ----------
    owner : bool
    opened : callable
        Called once the window is there.

    Returns
    -------
    int
        The exit status: 0 when the window was closed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us decides
    sys.excepthook = _crash
    application = QApplication(sys.argv[:1])
    application.setApplicationName("rtpipe")
    dashboard = Dashboard(owner)
    dashboard.show()
    orders = Orders(dashboard)
    QTimer.singleShot(0, opened)
    status = application.exec()
    del orders
    return status


def _crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """End the process, with the error's own words last: Qt would add its own."""
    traceback.print_exception(kind, error, trace)
    sys.stderr.flush()
    os._exit(1)

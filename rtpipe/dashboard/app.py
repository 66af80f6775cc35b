"""The application: one timer that looks at the run and refreshes the window."""

from PyQt6.QtCore import QObject, QSettings, QTimer
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication

from rtpipe.attach import Attachment
from rtpipe.clock import now
from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.theme import DARK, LIGHT, choose, paint
from rtpipe.dashboard.window import Window

PERIOD = 33  # milliseconds between two frames: 30 a second at most
LOWER = 5  # by how much the process gives way to the run's
FAREWELL = 5.0  # seconds that a run which was asked to end may take


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
        self._attachment: Attachment | None = None
        self._run: RunModel | None = None
        self._until: float | None = None  # when it no longer waits for the run's end
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._frame)
        self.window.closing.connect(self._closing)

    def attach(self, attachment: Attachment) -> None:
        """Show a run."""
        self._attachment = attachment
        self._run = RunModel(attachment)
        self.window.show_run(self._run, attachment.send)

    def show(self) -> None:
        """Open the window, and keep it up to date."""
        self.window.show()
        self._timer.start(PERIOD)

    def close(self) -> None:
        """Close the window, and let go of the run."""
        self._timer.stop()
        if self._attachment is not None:
            self._attachment.close()
        self.window.release()
        QApplication.quit()

    def _frame(self) -> None:
        time = now()
        if self._run is not None and self._run.state == "running":
            self._run.poll(time)
        self.window.refresh(time)
        if self._over(time):
            self.close()

    def _over(self, time: float) -> bool:
        """Tell whether there is nothing left to stay open for."""
        if self._until is not None and time >= self._until:
            return True
        ended = self._run is not None and self._run.state != "running"
        return self._owner and ended

    def _closing(self) -> None:
        """Let a person close the window; an owner's ends the run first."""
        if not self._owner or self._attachment is None:
            self.close()
        elif self._until is None:
            self._until = now() + FAREWELL
            self._attachment.send({"command": "quit"})

"""What hands can do: mark, record, and look; each by a key, a button and the menu.

It is a bar above the panels. What is sent to the run goes through its socket; the
answer stands in the bar; if something is wrong, it stands in full above the panels.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QAction, QFontMetrics, QKeySequence
from PyQt6.QtWidgets import (
    QLineEdit,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QWidget,
)

from rtpipe.clock import now as present
from rtpipe.dashboard.keys import Keys
from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.picture import save_picture
from rtpipe.dashboard.plain import Plain, tip
from rtpipe.dashboard.theme import theme
from rtpipe.duration import clock

if TYPE_CHECKING:
    from rtpipe.dashboard.window import Window

MARKER = "marker"  # the text of one that was given none
TEMPLATE = "rtpipe-{date}-{run}.xdf"  # as `rtpipe.filename.recording_file` reads it
_LEAST = 12  # letters of a field that can be seen in a narrow window
_PATIENCE = 2.0  # seconds in which a marker that was sent is to come back
_TELLING = 6.0  # seconds that a sentence stands
_WARNING = 12.0  # seconds that one stands that tells what could not be done


class Commands(QToolBar):
    """The bar, and the entries of the menu.

    Parameters
    ----------
    window : Window
        Whose menu takes the entries.

    Attributes
    ----------
    text : QLineEdit
        Of the next marker.
    file : QLineEdit
        Of the next recording: a name or a template.
    message : QLabel
        What became of the last command, for a while.
    wrong : str
        Why it could not be done, for a while; the window shows it above the panels.
    recorded : QLabel
        How the recording stands.
    keys : Keys
        The list of all keys.
    """

    def __init__(self, window: "Window") -> None:
        super().__init__("Commands")
        self.setObjectName("commands")
        self.setMovable(False)
        self._window = window
        self._run: RunModel | None = None
        self._send: Callable[[dict[str, Any]], None] = lambda command: None
        self._marked: tuple[str, float] | None = None  # a marker on its way
        self.wrong = ""
        self._said = 0.0
        self._finished: tuple[str, float] = "", 0.0  # a recording, and seen so when
        self.keys = Keys(window, window.menu)
        self.text = _line("text of the marker", MARKER)
        self.text.returnPressed.connect(self._write_marker)
        self.file = _line("file of the recording", TEMPLATE)
        self.file.returnPressed.connect(self._window.setFocus)
        self.message = Plain()
        self.message.setSizePolicy(
            QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred
        )
        self.recorded = Plain()
        self.recorded.setMinimumWidth(_letters(self.recorded, _LEAST))
        self._make()
        self._paint()
        if (entry := self.toggleViewAction()) is not None:
            entry.setVisible(False)  # it cannot be lost by a click

    def show_run(self, run: RunModel, send: Callable[[dict[str, Any]], None]) -> None:
        """Let the commands go to a run."""
        self._run, self._send = run, send

    def refresh(self, now: float) -> None:
        """Show what became of the commands; also while the view is paused."""
        run = self._run
        going = run is not None and run.state == "running"
        self._mark.setEnabled(going)
        self._record.setEnabled(going)
        self._forget()
        if run is None:
            return
        self._tell_recording(run, now)
        if run.error:
            self.say(run.error, wrong=True)
            run.error, self._marked = "", None
        elif self._marked:
            self._look_for_marker(run, *self._marked, now)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Let the fields follow new colours."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._paint()

    def say(self, sentence: str, wrong: bool = False) -> None:
        """Show a sentence for a while."""
        self.wrong = sentence if wrong else ""
        self.message.setText("" if wrong else sentence)
        self.message.setToolTip("" if wrong else tip(sentence))
        self._said = present()

    def mark(self) -> None:
        """Put a marker with the text of the bar on every stream."""
        text = " ".join(self.text.text().split()) or MARKER  # a paste may have lines
        self._marked = text, present()
        self._send({"command": "marker", "text": text})

    def record(self) -> None:
        """Begin a recording, or end the one that goes on."""
        if self._recording():
            self._send({"command": "stop recording"})
        else:
            file = self.file.text().strip() or TEMPLATE
            self._send({"command": "record", "file": file})

    def pause(self) -> None:
        """Let the panels stand still, or go on; the run goes on either way."""
        self._window.pause()
        self._pause.setChecked(self._window.paused)
        self._name(self._pause, "▶ Go on" if self._window.paused else "‖ Pause")

    def save(self) -> None:
        """Save a picture of the window in the present folder."""
        try:
            file = save_picture(self._window, Path.cwd())
        except OSError as error:
            self.say(f"the picture could not be saved: {error}", wrong=True)
        else:
            self.say(f"saved {file.name}")
            self.message.setToolTip(tip(str(file)))

    def full_screen(self) -> None:
        """Fill the screen, or no longer."""
        self._window.setWindowState(
            self._window.windowState() ^ Qt.WindowState.WindowFullScreen
        )

    def _paint(self) -> None:
        """Set the fields off from the bar, which they would else vanish in."""
        colours = theme()
        sheet = (
            f"QLineEdit {{ background: {colours.raised}; border-radius: 4px;"
            f" border: 1px solid {colours.faint}; padding: 3px 6px }}"
            f"QLineEdit:focus {{ border-color: {colours.accent} }}"
        )
        for field in (self.text, self.file):
            field.setStyleSheet(sheet)

    def _make(self) -> None:
        add = self._window.add_action
        self._mark = add("Mark", "M", self.mark)
        add("Write a marker", "T", self._to_text)
        self._record = add("Record", "R", self.record)
        self._pause = add("Pause the view", "P", self.pause)
        self._pause.setCheckable(True)
        picture = add("Save a picture", "Ctrl+S", self.save)
        add("Full screen", "F11", self.full_screen)
        keys = add("All keys", "F1", self.keys.toggle)
        keys.setShortcuts([QKeySequence("F1"), QKeySequence("H")])
        self._button(self._mark, "◆ Mark")
        self._field(self.text)
        self.addSeparator()
        self._button(self._record, "● Record")
        self._file = self._field(self.file)
        self._status = self._field(self.recorded)
        self.addSeparator()
        self._field(self.message)
        self._button(self._pause, "‖ Pause")
        self._button(picture, "Picture")
        self._button(keys, "Keys")

    def _button(self, action: QAction, name: str) -> None:
        self._name(action, name)
        self.addAction(action)
        button = self.widgetForAction(action)
        assert isinstance(button, QToolButton)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _field(self, widget: QWidget) -> QAction:
        """Put a widget into the bar; return what shows or hides it."""
        action = self.addWidget(widget)
        assert action is not None
        return action

    def _name(self, action: QAction, name: str) -> None:
        """Write on an action's button, with its key."""
        key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setIconText(f"{name} ({key})")

    def _to_text(self) -> None:
        self.text.setFocus()
        self.text.selectAll()

    def _write_marker(self) -> None:
        """Mark, and give the keys back to the panels."""
        self._mark.trigger()
        self._window.setFocus()

    def _recording(self) -> dict[str, Any] | None:
        """Return the recording that goes on."""
        status = self._run.recording if self._run else None
        return status if status and status["state"] == "recording" else None

    def _tell_recording(self, run: RunModel, now: float) -> None:
        status = run.recording
        going = self._recording() if run.state == "running" else None
        self._name(self._record, "■ Stop" if going else "● Record")
        self._file.setVisible(not going)
        if status is None:
            self._status.setVisible(False)
            return
        if status["state"] != "finished":
            self._finished = "", now
        elif status["file"] != self._finished[0]:
            self._finished = status["file"], now
        # What is finished makes room again; after the run, it is the last picture.
        old = status["state"] == "finished" and now - self._finished[1] > _WARNING
        self._status.setVisible(not old or run.state != "running")
        self.recorded.setText(_told(status, run.state, now))
        self.recorded.setToolTip(tip(status["file"]))

    def _forget(self) -> None:
        """Take away what was said long enough, also after the run."""
        if present() - self._said > (_WARNING if self.wrong else _TELLING):
            self.message.clear()
            self.wrong = ""

    def _look_for_marker(
        self, run: RunModel, text: str, sent: float, now: float
    ) -> None:
        """Say that a marker has come back, or that it has not."""
        back = any(
            each.kind == "marker" and each.data.get("text") == text
            for each in run.events
            if each.came >= sent
        )
        if back:
            self.say(f"marked: {text}")
        elif now - sent > _PATIENCE:
            silent = not any(each.raw.stop for each in run.streams.values())
            why = "no stream has sent a sample" if silent else "the run does not answer"
            self.say(f"no marker yet: {why}", wrong=True)
        else:
            return
        self._marked = None


def _line(what: str, text: str) -> QLineEdit:
    field = QLineEdit()
    field.setPlaceholderText(text)
    field.setToolTip(what)
    field.setAccessibleName(what)
    field.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # else letters go there at first
    field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    field.setMinimumWidth(_letters(field, _LEAST))
    field.setMaximumWidth(_letters(field, max(20, len(text) + 4)))
    return field


def _letters(widget: QWidget, n: int) -> int:
    """Return the width of so many letters."""
    return QFontMetrics(widget.font()).horizontalAdvance("x") * n


def _told(status: dict[str, Any], run: str, now: float) -> str:
    """Return how a recording stands, in a few words; `run` is the run's state."""
    name = Path(status["file"]).name
    if status["state"] == "stopped":
        return "✕ recording stopped"  # why stands above the panels
    if status["state"] == "finished":
        return f"✓ {name}"
    if run != "running":
        return f"ended with the run: {name}" if run == "over" else f"✕ cut off: {name}"
    lasts = clock(now - status["started"])
    # The name may be cut; all of it is a tool tip, and in the line below.
    return f"● {lasts}  {status['bytes'] / 1e6:.1f} MB  {name}"

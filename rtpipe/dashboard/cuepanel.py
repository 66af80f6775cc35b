"""What a person is asked to do, as large as there is room, with the time left."""

from collections.abc import Sequence
from math import ceil
from typing import Any

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent

from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.theme import font, theme

_LEAST, _LARGEST = 2.0, 14.0  # size of the word
_SAID = 2.0  # size of the sentence above it
_BAR = 10.0  # pixels


class CuePanel(Panel):
    """The cue of a run that asks for some. It goes on while the view is paused."""

    title = "Cue"
    pauses = False

    def __init__(self, about: str, send: Any) -> None:
        super().__init__(about, send)
        self._cue: dict[str, Any] = {}

    @classmethod
    def subjects(cls, run: RunModel) -> Sequence[str]:
        """Return one where the run has cues."""
        return [""] if run.cue else []

    @property
    def told(self) -> tuple[str, str]:
        """The large word, and the sentence above it."""
        return word(self._cue), sentence(self._cue)

    def refresh(self, run: RunModel, now: float) -> None:
        """Show the cue as it stands."""
        if run.cue is not None and (cue := _of(run, run.cue)) != self._cue:
            self._cue = cue
            self.setAccessibleDescription(sentence(cue))
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return room for a word that can be read across a room."""
        return QSize(400, int(QFontMetricsF(font(7)).height()))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return room for the sentence and a small word."""
        return QSize(200, int(QFontMetricsF(font(_SAID + _LEAST)).height() * 1.4))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the sentence, the word and what is left of it."""
        if not self._cue:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw(painter)

    def _draw(self, painter: QPainter) -> None:
        colours, cue = theme(), self._cue
        wide, high = float(self.width()), float(self.height())
        painter.setFont(font(_SAID))
        line = QFontMetricsF(painter.font()).height()
        top = QRectF(12, 4, wide - 24, line)
        painter.setPen(QColor(colours.quiet))
        right = Qt.AlignmentFlag.AlignRight
        painter.drawText(top, right, place(cue))
        painter.setPen(QColor(colours.warn if cue["waits"] else colours.text))
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft, sentence(cue))
        middle = QRectF(12, line + 4, wide - 24, high - line - _BAR - 12)
        state = (
            colours.warn
            if cue["waits"]
            else colours.accent
            if cue["label"]
            else colours.quiet
        )
        painter.setPen(QColor(state))
        painter.setFont(_fitting(word(cue), middle))
        painter.drawText(middle, Qt.AlignmentFlag.AlignCenter, word(cue))
        bar = QRectF(12, high - _BAR - 4, wide - 24, _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.faint))
        painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)
        share = min(1.0, max(0.0, cue["left"] / cue["length"])) if cue["length"] else 0
        if share:
            bar.setWidth(max(_BAR, share * bar.width()))
            painter.setBrush(QColor(state))
            painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)


def _of(run: RunModel, cue: dict[str, Any]) -> dict[str, Any]:
    """Return a cue, unless nobody hears what is done: then nothing is asked for."""
    if run.silent:
        return cue | {"waits": "the run does not answer", "left": 0}
    if run.state != "running" and not _over(cue):
        return cue | {"waits": "the run is over", "left": 0}
    return cue


def word(cue: dict[str, Any]) -> str:
    """Return what is read across the room."""
    if cue["waits"]:
        return "wait"
    return str(cue["label"] or cue["next"] or ("done" if _over(cue) else ""))


def place(cue: dict[str, Any]) -> str:
    """Return which cue of how many it is."""
    if not cue["total"]:
        return ""
    return f"cue {min(cue['done'] + 1, cue['total'])} of {cue['total']}"


def sentence(cue: dict[str, Any]) -> str:
    """Return what is asked for, with the seconds left and what comes then."""
    left = f"{ceil(cue['left'])} s" if cue["left"] > 0 else ""
    if cue["waits"]:
        return str(cue["waits"])
    if cue["label"] is not None:
        then = f"then {cue['next']}" if cue["next"] else ""
        return ", ".join(each for each in ("now", left, then) if each)
    if cue["next"] is not None:
        again = ", once more: it was disturbed" if cue.get("again") else ""
        return f"get ready{left and f': {left}'}{again}"
    return "thank you, that was all" if _over(cue) else ""


def _over(cue: dict[str, Any]) -> bool:
    return bool(0 < cue["total"] == cue["done"])


def _fitting(text: str, room: QRectF) -> QFont:
    """Return the largest letters in which a text fits a room."""
    chosen = font(_LARGEST, bold=True)
    metrics = QFontMetricsF(chosen)
    share = min(
        1.0,
        room.width() / max(1.0, metrics.horizontalAdvance(text)),
        room.height() / metrics.height(),
    )
    return font(max(_LEAST, _LARGEST * share), bold=True)

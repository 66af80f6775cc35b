"""Signals as lanes: the picture, what stands beside and over it, and the mouse."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil, floor

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QFontMetrics,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QWidget

from rtpipe.dashboard.sheet import Sheet, Source
from rtpipe.dashboard.theme import font, state_colour, theme
from rtpipe.unit import NONE, UNKNOWN

_AHEAD = 0.02  # share of the width that is empty ahead of a sweep
_NOTCH = 120  # of a wheel, in Qt's eighths of a degree
_ANEW = 4  # lanes that are drawn anew with a frame, at most: it stays quick
_SMALL = 0.85  # letters beside lanes that are lower than a line of text
_HIGH, _LARGER_LETTERS = 4, 1.25  # those beside lanes higher than so many lines
_LINES = 500  # events that are drawn, of a stream
_LONGEST, _WIDEST = 30, 24  # letters of an event's label, of a channel's name
_TICKS = 10  # times that are named, at most
_ROOM = 6  # pixels between things that would touch
_UNITS = {"uV": "µV", NONE: "", UNKNOWN: "?"}
_LARGER = (("uV", "mV"), ("mV", "V"))  # a thousand of one is the other
_LARGE = 1e4  # of a unit of which the larger one is taken


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, at its place in time.

    Parameters
    ----------
    time : float
        On the stream's clock.
    text : str
    colour : str
        As ``#rrggbb``.
    line : bool
        Whether a line shows where; what has a band of its own needs none.
    """

    time: float
    text: str
    colour: str
    line: bool = True


@dataclass(slots=True, eq=False)
class Group:
    """The lanes of a stream, with what is told beside them.

    Parameters
    ----------
    name : str
        Of the stream.
    source : Source
    about : str
        What is shown of it: raw or filtered, its rate.
    view : str
        The model as whose filters leave it; empty where it is raw.
    state : str
        How its connection stands; empty while all is well.
    words : list of str
        A channel's quality in a word each; empty where it is good or not known.
    marks : list of Mark
        The newest first.
    """

    name: str
    source: Source
    about: str = ""
    view: str = ""
    state: str = ""
    words: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def hidden(self) -> int:
        """How many channels have no lane."""
        return self.source.history.info.n_channels - len(self.source.shown)

    def beside(self) -> tuple[object, ...]:
        """Return all that is written beside the lanes: changed, it is written anew."""
        source = self.source
        return (
            *(source.top, source.height, *source.shown, *self.words),
            *(*sorted(source.bright), *source.scale.range.tolist()),
            *(self.about, self.state),
        )


class Lanes(QWidget):
    """Lanes of any number of streams, over one axis of time.

    Attributes
    ----------
    groups : list of Group
        Set by `show_groups`.
    span : float
        Seconds from the left to the right; set by `show_span`.
    sweep : bool
        Whether what is new overwrites what is old in its place, or pushes it left.
    shown : QImage
        The picture of the lanes alone, without letters.
    lane_clicked : pyqtSignal(Group, int, bool)
        A channel was clicked; whether it is to be hidden.
    heading_clicked : pyqtSignal(Group)
    gain_turned : pyqtSignal(object, int, int)
        The wheel over a channel: Group, channel, and how many notches its range is to
        become larger.
    span_turned : pyqtSignal(int)
        The wheel with Ctrl, or over the axis.
    """

    lane_clicked = pyqtSignal(object, int, bool)
    heading_clicked = pyqtSignal(object)
    gain_turned = pyqtSignal(object, int, int)
    span_turned = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[Group] = []
        self.span, self.sweep = 10.0, True
        self._head = 0
        self._present = np.nan
        self._empty = True  # nothing has been drawn on the sheet
        self._turned = 0
        self._waiting: dict[tuple[Source, int], None] = {}  # lanes to be drawn anew
        self._beside: tuple[object, ...] = ()
        self._fonts()
        self._sheet = Sheet(16, 1, self.span)
        self.setMinimumSize(240, 120)

    @property
    def shown(self) -> QImage:
        """The picture of the lanes, in the pixels of the screen."""
        return self._sheet.image

    def sizeHint(self) -> QSize:  # noqa: N802
        """As large as there is room."""
        return QSize(900, 600)

    def show_groups(self, groups: Sequence[Group]) -> None:
        """Draw these streams from now on."""
        self.groups = list(groups)
        self.renew()

    def show_span(self, span: float, sweep: bool) -> None:
        """Change the seconds that are seen, and how they move."""
        self.span, self.sweep = span, sweep
        self.renew()

    def renew(self) -> None:
        """Begin the picture anew: with other lanes, colours or sizes."""
        self._fonts()
        ratio = self.devicePixelRatioF()
        plot = self._plot()
        size = round(plot.width() * ratio), round(plot.height() * ratio)
        self._sheet = Sheet(*size, self.span, ratio)
        self._place(ratio)
        self._empty = True
        self._waiting.clear()
        for group in self.groups:
            group.source.done = group.source.blank = None
        self._beside = ()
        self.update()

    def redraw(self, group: Group, channel: int) -> None:
        """Draw a lane anew with one of the next frames: its range has changed."""
        self._waiting[group.source, channel] = None
        self.update()

    def step(self, present: float) -> None:
        """Draw what is new.

        Parameters
        ----------
        present : float
            Seconds after zero; nan while nothing has come.
        """
        self._present = present
        self._advance()
        self.update(self._plot().adjusted(0, 0, _ROOM, self._axis))
        beside = tuple(part for group in self.groups for part in group.beside())
        if beside != self._beside:
            self._beside = beside
            self.update()

    def lane_at(self, y: float) -> tuple[Group, int] | None:
        """Return the group and the channel of a lane, by its place in the widget."""
        at = floor((y - self._plot().top()) * self.devicePixelRatioF())
        for group in self.groups:
            for place, channel in enumerate(group.source.shown):
                top, bottom = group.source.lane(place)
                if top <= at < bottom:
                    return group, channel
        return None

    # What Qt asks.

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Draw anew in the new size."""
        super().resizeEvent(event)
        self.renew()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Highlight or hide a channel."""
        assert event is not None
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        if (lane := self.lane_at(event.position().y())) is not None:
            held = event.modifiers()
            keys = Qt.KeyboardModifier
            hide = bool(held & (keys.ControlModifier | keys.ShiftModifier))
            self.lane_clicked.emit(*lane, hide)
        else:
            for group in self.groups:
                if self._heading(group).contains(event.position().toPoint()):
                    self.heading_clicked.emit(group)

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802
        """Change the range of a lane, or the span."""
        assert event is not None
        self._turned += event.angleDelta().y()
        notches = int(self._turned / _NOTCH)
        self._turned -= notches * _NOTCH
        lane = self.lane_at(event.position().y())
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if notches and (control or lane is None):
            self.span_turned.emit(-notches)
        elif notches and lane is not None:
            self.gain_turned.emit(*lane, -notches)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Show the picture, and what stands over and beside it."""
        assert event is not None
        self._catch_up()
        with QPainter(self) as painter:
            plot = self._plot()
            painter.fillRect(event.rect(), QColor(theme().ground))
            self._paint_sheet(painter, plot)
            self._paint_axis(painter, plot)
            for group in self.groups:
                self._paint_over(painter, plot, group)
            if event.rect().left() < plot.left():
                self._paint_beside(painter, plot)

    # What is drawn on the sheet.

    def _advance(self) -> None:
        sheet = self._sheet
        sources = [group.source for group in self.groups]
        columns = [sheet.column(each) for each in sources]
        known = [each for each in columns if each is not None]
        if np.isfinite(self._present):
            known.append(floor(self._present / sheet.step))
        if known:
            self._head = max(known)
            sheet.advance(sources, self._head, self._ahead)
            self._empty = False

    def _catch_up(self) -> None:
        """Draw what hands have changed: also while the view is paused."""
        if self._empty:
            self._advance()
        for key in list(self._waiting)[:_ANEW]:
            del self._waiting[key]
            self._sheet.redraw(*key)
        if self._waiting:
            self.update()

    # Where things are.

    def _fonts(self) -> None:
        self._plain, self._bold = font(1.0), font(1.1, bold=True)
        self._small = font(_SMALL)
        n_lanes = sum(len(group.source.shown) for group in self.groups)
        few = self.height() > _HIGH * n_lanes * QFontMetrics(self._plain).height()
        self._names = font(_LARGER_LETTERS) if few else self._plain
        metrics = QFontMetrics(self._bold)
        self._row = metrics.height() + _ROOM // 2  # of a heading, in pixels
        self._labels = QFontMetrics(self._plain).height()  # of the events under it
        self._axis = QFontMetrics(self._plain).height() + _ROOM
        infos = [group.source.history.info for group in self.groups]
        names = {name for info in infos for name in info.ch_names}
        ranges = {range_text(1000, unit) for info in infos for unit in info.units}
        self._gutter = self._widest(names) + self._widest(ranges) + 4 * _ROOM

    def _widest(self, words: Iterable[str]) -> int:
        """Return the room for the widest of some words, or for as much as is shown."""
        metrics = QFontMetrics(self._names)
        widest = max((metrics.horizontalAdvance(each) for each in words), default=0)
        return min(widest, _WIDEST * metrics.averageCharWidth())

    def _plot(self) -> QRect:
        """Return where the picture is."""
        room = self.width() - self._gutter - _ROOM, self.height() - self._axis
        return QRect(self._gutter, 0, max(room[0], 16), max(room[1], 1))

    def _place(self, ratio: float) -> None:
        """Share the height among the lanes; each stream has a heading and labels."""
        n_lanes = sum(len(group.source.shown) for group in self.groups)
        headings = round((self._row + self._labels) * ratio)
        room = max(0, self._sheet.height - headings * len(self.groups))
        y, before = 0, 0
        for group in self.groups:
            n = len(group.source.shown)
            y += headings
            first, before = room * before // max(n_lanes, 1), before + n
            group.source.top = y
            group.source.height = room * before // max(n_lanes, 1) - first
            y += group.source.height

    def _heading(self, group: Group) -> QRect:
        below = round(group.source.top / self.devicePixelRatioF()) - self._labels
        return QRect(0, below - self._row, self.width(), self._row)

    @property
    def _ahead(self) -> int:
        return ceil(_AHEAD * self._sheet.width) if self.sweep else 0

    def _x(self, time: float) -> float | None:
        """Return how far right a time stands; None where it cannot be seen."""
        if not np.isfinite(time):  # of a stream whose zero is not known yet
            return None
        sheet = self._sheet
        column = floor(time / sheet.step)
        if not self._head + self._ahead - sheet.width < column <= self._head:
            return None
        last = sheet.width - 1 - self._head
        x = column % sheet.width if self.sweep else column + last
        return x / self.devicePixelRatioF()

    # What is painted.

    def _paint_sheet(self, painter: QPainter, plot: QRect) -> None:
        sheet, ratio = self._sheet, self.devicePixelRatioF()
        cut = 0 if self.sweep else (self._head + 1) % sheet.width
        left = float(plot.left())
        for begin, end in ((cut, sheet.width), (0, cut)):
            part = QRectF(begin, 0, end - begin, sheet.height)
            size = part.width() / ratio, part.height() / ratio
            painter.drawImage(QRectF(left, 0, *size), sheet.image, part)
            left += size[0]

    def _paint_axis(self, painter: QPainter, plot: QRect) -> None:
        painter.setFont(self._plain)
        metrics = QFontMetrics(self._plain)
        free = _Free(plot.left(), self.width())
        top = plot.bottom() + 1
        for time in self._ticks():
            if (x := self._x(time)) is None:
                continue
            x += plot.left()
            painter.setPen(QColor(theme().quiet))
            painter.drawLine(QPointF(x, top), QPointF(x, top + 3))
            text = f"{time:.10g} s"
            width = metrics.horizontalAdvance(text)
            at = max(x - width / 2, plot.left()) - _ROOM / 2  # not beside the plot
            if (left := free.take(((at, width),))) is not None:
                painter.drawText(QPointF(left, top + 3 + metrics.ascent()), text)

    def _ticks(self) -> Iterator[float]:
        """Yield the times that are named, the newest first."""
        steps = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
        step = next((s for s in steps if self.span / s <= _TICKS), 20.0)
        last = (self._head + 1) * self._sheet.step
        first = max(floor((last - self.span) / step), -1)
        for k in range(floor(last / step), first, -1):
            yield round(k * step, 9)

    def _paint_over(self, painter: QPainter, plot: QRect, group: Group) -> None:
        """Write the heading, and the events at their places."""
        heading, colours = self._heading(group), theme()
        metrics = QFontMetrics(self._plain)
        base = heading.bottom() - metrics.descent()
        painter.setFont(self._bold)
        painter.setPen(QColor(colours.text))
        painter.drawText(QPointF(_ROOM, base), group.name)
        x = _ROOM + QFontMetrics(self._bold).horizontalAdvance(group.name) + 2 * _ROOM
        painter.setFont(self._plain)
        for text, colour in (
            (group.about, QColor(colours.quiet)),
            (f"{group.hidden} hidden" if group.hidden else "", QColor(colours.accent)),
            (group.state, state_colour(group.state.partition(":")[0])),
        ):
            room = max(0, self.width() - x - _ROOM)
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
            painter.setPen(colour)
            painter.drawText(QPointF(x, base), text)
            x += metrics.horizontalAdvance(text) + 2 * _ROOM * bool(text)
        self._paint_marks(painter, group)

    def _paint_marks(self, painter: QPainter, group: Group) -> None:
        """Write what happened where it did: what has a line first, what fits of it."""
        ratio, source = self.devicePixelRatioF(), group.source
        metrics, plot = QFontMetrics(self._plain), self._plot()
        free = _Free(plot.left(), self.width())
        top, bottom = source.top / ratio, (source.top + source.height) / ratio
        base = top - metrics.descent()
        letter, elide = metrics.averageCharWidth(), Qt.TextElideMode.ElideRight
        longest = _LONGEST * letter
        if self.sweep and self._head:
            at = plot.left() + self._head % self._sheet.width / ratio
            painter.setPen(QPen(QColor(theme().faint), 1))
            painter.drawLine(QPointF(at, top), QPointF(at, bottom))
        lines: dict[str, list[QLineF]] = {}
        for mark in sorted(group.marks[:_LINES], key=lambda each: not each.line):
            if (x := self._x(mark.time - source.zero)) is None:
                continue
            x += plot.left()
            beside, left = x - letter - _ROOM, None
            # Most of many have no room for a letter, and need not be measured.
            if mark.text and (free.fits(x, letter) or free.fits(beside, letter)):
                text = metrics.elidedText(mark.text, elide, longest)
                width = metrics.horizontalAdvance(text)
                left = free.take(((x, width), (x - width - _ROOM, width)))
            if left is not None:
                painter.setPen(QColor(mark.colour))
                painter.drawText(QPointF(left, base), text)
            if mark.line:
                begin = top if left is None else top - self._labels
                line = QLineF(x, begin, x, bottom)
                lines.setdefault(mark.colour, []).append(line)
        for colour, found in lines.items():
            painter.setPen(QPen(QColor(colour), 1, Qt.PenStyle.DotLine))
            painter.drawLines(*found)

    def _paint_beside(self, painter: QPainter, plot: QRect) -> None:
        """Write name and range of each lane; of low lanes only of those with room.

        What is highlighted comes first, then what has something to tell.
        """
        ratio = self.devicePixelRatioF()
        for group in self.groups:
            source = group.source
            n = len(source.shown)
            letters = QFontMetrics(self._names)
            painter.setFont(self._names)
            if source.height / ratio < n * letters.height():
                letters = QFontMetrics(self._small)
                painter.setFont(self._small)
            every = max(1, ceil(n * letters.height() * ratio / max(source.height, 1)))
            free = _Free(0, self.height(), room=0)
            for place in sorted(range(n), key=partial(_rank, group, every)):
                top, bottom = (each / ratio for each in source.lane(place))
                middle = (top + bottom) / 2
                # A pixel less, for lanes do not all have the same height.
                wanted = middle - letters.height() / 2 + 0.5, letters.height() - 1
                if free.take((wanted,)) is not None:
                    height = max(bottom - top, letters.height())
                    row = QRectF(_ROOM, 0, plot.left() - 2 * _ROOM, height)
                    row.moveTop(middle - height / 2)
                    self._paint_name(painter, row, group, source.shown[place])

    def _paint_name(
        self, painter: QPainter, row: QRectF, group: Group, channel: int
    ) -> None:
        colours, source = theme(), group.source
        bright = channel in source.bright
        info = source.history.info
        word = group.words[channel]
        right = range_text(source.scale.range[channel], info.units[channel])
        colour = QColor(colours.quiet)
        centre, end = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        metrics = painter.fontMetrics()
        if word and row.height() > 3 * metrics.height():
            painter.setPen(state_colour(word))
            below = row.translated(0, metrics.height())
            painter.drawText(below, centre | Qt.AlignmentFlag.AlignLeft, word)
        elif word:
            right, colour = word, state_colour(word)
        room = min(int(row.width()), _WIDEST * metrics.averageCharWidth())
        elide = Qt.TextElideMode.ElideMiddle
        name = metrics.elidedText(info.ch_names[channel], elide, room)
        painter.setPen(QColor(colours.accent if bright else colours.text))
        painter.drawText(row, centre | Qt.AlignmentFlag.AlignLeft, name)
        room = int(row.width()) - metrics.horizontalAdvance(name) - _ROOM
        if metrics.horizontalAdvance(right) <= room:
            painter.setPen(colour)
            painter.drawText(row, centre | end, right)


class _Free:
    """What is left of a row of text: nothing is written over something else."""

    def __init__(self, begin: float, end: float, room: float = _ROOM) -> None:
        self._begin, self._end, self._room = begin, end, room
        self._taken: list[tuple[float, float]] = []

    def take(self, places: Sequence[tuple[float, float]]) -> float | None:
        """Return where to write: the first left and width that are free, if any."""
        for x, width in places:
            if self.fits(x, width):
                left = x + self._room / 2
                self._taken.append((left - self._room, left + width + self._room))
                return left
        return None

    def fits(self, x: float, width: float) -> bool:
        """Tell whether there is room for so much."""
        left, right = x + self._room / 2, x + width + self._room / 2
        inside = self._begin <= left and right <= self._end
        return inside and all(right <= a or b <= left for a, b in self._taken)


def _rank(group: Group, every: int, place: int) -> tuple[bool, bool, bool, int]:
    """Return how soon a lane is named where not all can be: the least first."""
    channel = group.source.shown[place]
    bright, told = channel in group.source.bright, bool(group.words[channel])
    return not bright, not told, place % every != 0, place


def range_text(value: float, unit: str) -> str:
    """Return what the height of a lane stands for."""
    if np.isnan(value):
        return ""
    for small, large in _LARGER:
        if unit == small and value >= _LARGE:
            value, unit = value / 1000, large
    return f"{value:g} {_UNITS.get(unit, unit)}".strip()

"""The picture of all lanes, drawn column by column and never as a whole when it moves.

A column stands for a fixed piece of time: column k begins k * step seconds after zero
and stands at x = k % width for ever. Sweeping shows the picture as it is; scrolling
shows it in two pieces, the older one first. Either way only the columns that are new
are drawn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6 import sip
from PyQt6.QtCore import QRect, Qt
from PyQt6.QtGui import QBrush, QColor, QImage, QPainter, QPen, QPolygonF

from rtpipe.dashboard.decimate import peaks
from rtpipe.dashboard.history import History
from rtpipe.dashboard.scale import Scale
from rtpipe.dashboard.theme import theme
from rtpipe.types import Float64

_DENSE = 2.0  # samples a column, from which on its lowest and highest are drawn
_TOUCHED = 2  # columns before the newest, which the line on from it may touch
_MARGIN = 1  # pixels of a lane, above and below, that stay empty ...
_LOW = 4  # ... unless it has no more than this


@dataclass(slots=True, eq=False)
class Source:
    """One stream, as far as it is drawn.

    Parameters
    ----------
    history : History
    scale : Scale
    shown : list of int
        Channels that have a lane, from top to bottom.
    top, height : int
        Of all its lanes together, in pixels of the picture.
    bright, dim : set of int
        Channels that are highlighted, and those that carry no good signal.
    zero : float
        Where time is 0, on the stream's clock; nan before that is known.
    """

    history: History
    scale: Scale
    shown: list[int]
    top: int = 0
    height: int = 0
    bright: set[int] = field(default_factory=set)
    dim: set[int] = field(default_factory=set)
    zero: float = np.nan
    done: int | None = None  # last column that is drawn
    blank: int | None = None  # last column that is empty on purpose

    def lane(self, place: int) -> tuple[int, int]:
        """Return where a lane begins and ends, from top to bottom."""
        n = len(self.shown)
        return (
            self.top + self.height * place // n,
            self.top + self.height * (place + 1) // n,
        )


class Sheet:
    """What is seen of the sources, `width` columns of it.

    Parameters
    ----------
    width, height : int
        In pixels.
    span : float
        Seconds that the whole width stands for.
    line : float
        Width of a signal's line, in pixels: a screen may have fine ones.

    Attributes
    ----------
    image : QImage
    step : float
        Seconds a column.
    """

    def __init__(self, width: int, height: int, span: float, line: float = 1.0) -> None:
        self.width, self.height = max(width, 16), max(height, 1)
        self.step = span / self.width
        self._pens = _pens(max(line, 1.0))
        self.image = QImage(self.width, self.height, QImage.Format.Format_RGB32)
        self.image.fill(QColor(theme().ground))

    def column(self, source: Source) -> int | None:
        """Return the column of a source's newest sample; None before there is one."""
        history = source.history
        if not len(history) or np.isnan(source.zero):
            return None
        return floor((float(history.times[-1]) - source.zero) / self.step)

    def advance(self, sources: Sequence[Source], head: int, ahead: int) -> None:
        """Draw what is new, and empty what has not come.

        Parameters
        ----------
        sources : sequence of Source
        head : int
            The column of the present; that of no source is later.
        ahead : int
            Columns after it that are emptied, so that the old ones keep away.
        """
        with QPainter(self.image) as painter:
            oldest = head + ahead - self.width + 1
            for source in sources:
                newest = self.column(source)
                begin = oldest
                if source.done is not None:
                    begin = max(source.done - _TOUCHED, oldest)
                if newest is not None and newest >= begin:
                    self._draw(painter, source, begin, newest + 1)
                    source.done = newest
                after = oldest if newest is None else max(newest + 1, oldest)
                if source.blank is not None:
                    after = max(after, source.blank + 1)
                self._empty(painter, source, after, head + ahead + 1)
                source.blank = head + ahead

    def redraw(self, source: Source, channel: int) -> None:
        """Draw one lane anew, as far back as it goes."""
        if source.done is None or source.blank is None or channel not in source.shown:
            return
        place = source.shown.index(channel)
        with QPainter(self.image) as painter:
            first = source.blank - self.width + 1
            self._draw(painter, source, first, source.done + 1, place)

    def _parts(self, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield begin and end of each piece that is one in the picture, and its x."""
        while begin < end:
            x = begin % self.width
            stop = min(end, begin + self.width - x)
            yield begin, stop, x
            begin = stop

    def _empty(self, painter: QPainter, source: Source, begin: int, end: int) -> None:
        for first, stop, x in self._parts(begin, end):
            area = QRect(x, source.top, stop - first, source.height)
            painter.fillRect(area, QColor(theme().ground))

    def _draw(
        self,
        painter: QPainter,
        source: Source,
        begin: int,
        end: int,
        place: int | None = None,
    ) -> None:
        """Draw the columns begin..end-1, of all lanes or of one."""
        for first, stop, x in self._parts(begin, end):
            top, bottom = source.top, source.top + source.height
            if place is not None:
                top, bottom = source.lane(place)
            area = QRect(x, top, stop - first, bottom - top)
            painter.setClipRect(area)
            painter.fillRect(area, QColor(theme().ground))
            rows = self._rows(source, first, stop)
            if source.history.times[rows][0] - source.zero >= stop * self.step:
                continue  # what there is begins later: a line's end would stick out
            self._bands(painter, source, rows, area, x - first)
            places = range(len(source.shown)) if place is None else (place,)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._lines(painter, source, rows, places, x - first)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setClipping(False)

    def _rows(self, source: Source, begin: int, end: int) -> slice:
        """Return the samples of the columns, of two before, and one more each side.

        Whole columns, so that what is drawn a second time looks the same.
        """
        times, step = source.history.times, self.step
        edges = source.zero + np.array((begin - 2, end + 1)) * step
        start, stop = np.searchsorted(times, edges)
        return slice(max(0, int(start) - 1), int(stop) + 1)

    def _bands(
        self, painter: QPainter, source: Source, rows: slice, area: QRect, shift: int
    ) -> None:
        """Mark where samples were lost, and where they were filled."""
        history = source.history
        places = (history.times[rows] - source.zero) / self.step + shift
        for k in np.flatnonzero(history.resumed[rows][1:]):
            colour = QColor(theme().bad)
            colour.setAlpha(110)
            band = _between(area, places[k] + 1, places[k + 1])
            painter.fillRect(band, QBrush(colour, Qt.BrushStyle.BDiagPattern))
        filled = history.filled[rows]
        if filled.any():
            edges = np.flatnonzero(np.diff(filled, prepend=False, append=False))
            colour = QColor(theme().warn)
            colour.setAlpha(70)
            for start, stop in zip(edges[::2], edges[1::2], strict=True):
                to = places[min(stop, len(places) - 1)]
                painter.fillRect(_between(area, places[max(start - 1, 0)], to), colour)

    def _lines(
        self,
        painter: QPainter,
        source: Source,
        rows: slice,
        places: Sequence[int],
        shift: int,
    ) -> None:
        history, scale = source.history, source.scale
        channels = [source.shown[each] for each in places]
        edges = np.array([source.lane(each) for each in places])
        margin = _MARGIN * (edges[:, 1] - edges[:, 0] > _LOW)
        top, bottom = edges[:, 0] + margin, edges[:, 1] - margin
        height = scale.range[channels] / np.maximum(bottom - top, 1)
        pens = [self._pens[_kind(source, each)] for each in channels]
        index = history.index[rows]
        cuts = [0, *(np.flatnonzero(np.diff(index) != 1) + 1), len(index)]
        for start, stop in pairwise(cuts):
            piece = slice(rows.start + start, rows.start + stop)
            x, values = self._points(source, piece, channels)
            x = x + shift
            y = (top + bottom) / 2 - (values - scale.middle[channels]) / height
            np.clip(y, top, bottom, out=y)
            broken = np.isnan(y).any(axis=0)
            for pen, line, cut in zip(pens, y.T, broken, strict=True):
                painter.setPen(pen)
                for part in _whole(line) if cut else (slice(None),):
                    painter.drawPolyline(_polygon(x[part], line[part]))

    def _points(
        self, source: Source, rows: slice, channels: list[int]
    ) -> tuple[Float64, Float64]:
        """Return places, and the values of each channel there: all, or the peaks."""
        history = source.history
        data = history.data[rows]
        if len(channels) < history.info.n_channels:
            data = data[:, channels]
        places = (history.times[rows] - source.zero) / self.step
        if history.info.sfreq * self.step > _DENSE:
            columns = np.floor(places).astype(np.int64)
            columns, low, high = peaks(data, columns)
            return np.repeat(columns + 0.5, 2), _zigzag(columns, low, high)
        if len(places) == 1:  # a single sample is a short dash
            places, data = places[0] + np.array((-0.5, 0.5)), data.repeat(2, axis=0)
        return places, data.astype(np.float64)


def _zigzag(
    columns: NDArray[np.int64], low: NDArray[np.float32], high: NDArray[np.float32]
) -> Float64:
    """Return low and high of each column in turn, every other one upside down."""
    odd = (columns % 2 == 1)[:, None]
    values = np.empty((len(columns), 2, low.shape[1]))
    values[:, 0] = np.where(odd, high, low)
    values[:, 1] = np.where(odd, low, high)
    return values.reshape(-1, low.shape[1])


def _polygon(x: Float64, y: Float64) -> QPolygonF:
    polygon = QPolygonF()
    polygon.resize(len(x))
    memory: Any = sip.voidptr(polygon.data(), 16 * len(x), True)
    points = np.frombuffer(memory, np.float64).reshape(-1, 2)
    points[:, 0], points[:, 1] = x, y
    return polygon


def _whole(line: Float64) -> list[slice]:
    """Return the pieces of a line that are numbers: what is none is not bridged."""
    edges = np.flatnonzero(np.diff(np.isfinite(line), prepend=False, append=False))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _pens(width: float) -> dict[str, QPen]:
    """Return the pens of a signal, by its kind."""
    colours = theme()
    return {
        "bright": QPen(QColor(colours.accent), 2 * width),
        "dim": QPen(QColor(colours.quiet), width),
        "plain": QPen(QColor(colours.signal), width),
    }


def _kind(source: Source, channel: int) -> str:
    if channel in source.bright:
        return "bright"
    return "dim" if channel in source.dim else "plain"


def _between(area: QRect, start: float, stop: float) -> QRect:
    """Return the piece of an area from one x to another, a pixel wide at least."""
    left, right = floor(max(start, -1e6)), floor(min(stop, 1e6))
    return QRect(left, area.top(), max(right - left, 1), area.height())

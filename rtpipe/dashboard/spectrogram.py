"""A spectrogram: what frequencies a channel had in the last ten minutes."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QImage, QPixmap
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from rtpipe.dashboard.spectra import LEAST, Spectra, shown_unit
from rtpipe.dashboard.theme import font, theme

_SPANS = (60.0, 120.0, 300.0, 600.0)  # seconds that are shown: the first that suffices
_TICKS = {60.0: 15.0, 120.0: 30.0, 300.0: 60.0, 600.0: 120.0}
_SHADES = 255  # besides 0, which is empty
_SHARES = (2.0, 99.5)  # percent of the values that are darker than all colours, or not
_STEP = 5.0  # decibels in which the limits of the colours change, so that they stay
_WIDTH = 20.0  # decibels from one limit to the other, at least


class Spectrogram(QWidget):
    """Draws one channel of `Spectra`: time to the right, frequency upwards.

    The colours are viridis', which grow evenly for every eye. They say decibels of unit
    squared per hertz.

    Attributes
    ----------
    image : ndarray of uint8, shape (n_columns, n_bins)
        Shades, 0 where it is empty, the newest spectrum last; (0, 0) before the first.
    span : float
        Seconds from its left edge to now.
    limits : tuple of float
        Decibels of the darkest and of the brightest colour.
    legend : QLabel
        What the colours mean, in words.
    """

    def __init__(self) -> None:
        super().__init__()
        self.image: NDArray[np.uint8] = np.zeros((0, 0), np.uint8)
        self.span, self.limits = _SPANS[0], (0.0, _WIDTH)
        self._decibels = np.zeros((0, 0), np.float32)
        self._drawn: tuple[Spectra, int, int] | None = None
        self._axes = {"left": pg.AxisItem("left"), "bottom": _Ago(self)}
        self._plot = pg.PlotWidget(axisItems=self._axes)
        self._plot.setMouseEnabled(False, False)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        # So that the words at both ends of an axis have room.
        self._plot.getPlotItem().layout.setContentsMargins(0, 8, 28, 0)
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._picture = pg.ImageItem()
        colours = pg.colormap.get("viridis").getLookupTable(nPts=_SHADES, alpha=True)
        self._picture.setLookupTable(np.vstack([np.zeros((1, 4), np.uint8), colours]))
        self._plot.addItem(self._picture)
        self._plot.setLabel("left", "Hz")
        self.legend, shades = QLabel(), QLabel()
        shades.setPixmap(_strip(colours))
        above = QHBoxLayout()
        above.setSpacing(8)
        above.addStretch(1)
        above.addWidget(shades)
        above.addWidget(self.legend)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addLayout(above)
        box.addWidget(self._plot, 1)
        self.retheme()

    def show_channel(self, spectra: Spectra, channel: int, now: float) -> None:
        """Draw a channel, as far as it has changed.

        Parameters
        ----------
        spectra : Spectra
        channel : int
        now : float
            The present on the stream's clock.
        """
        if spectra.newest is None:
            return
        drawn = (spectra, channel, spectra.newest)
        if drawn != self._drawn:
            self._make_room(spectra)
            same = self._drawn is not None and self._drawn[:2] == drawn[:2]
            self._draw(spectra, channel, same)
            self._drawn = drawn
        self._place(spectra, now)

    def retheme(self) -> None:
        """Take colours and letters anew."""
        self._plot.setBackground(theme().ground)
        for axis in self._axes.values():
            axis.setPen(theme().faint)
            axis.setTextPen(theme().quiet)
            axis.setStyle(tickFont=font(0.9), tickLength=4, hideOverlappingLabels=False)
        self._plot.setLabel("left", "Hz", color=theme().quiet)
        self.legend.setStyleSheet(f"color: {theme().quiet}")

    def _make_room(self, spectra: Spectra) -> None:
        shape = spectra.n_columns, len(spectra.freqs)
        if self.image.shape != shape:
            self.image = np.zeros(shape, np.uint8)
            self._decibels = np.empty(shape, np.float32)

    def _draw(self, spectra: Spectra, channel: int, same: bool) -> None:
        spectra.copy(channel, self._decibels)
        come = self._decibels[-max(1, spectra.come) :, 1:]
        known = come[come > LEAST]  # where it was flat, nothing is to be told apart
        if len(known):
            self.limits = _limits(known, self.limits if same else None)
        low, high = self.limits
        unit = shown_unit(spectra.info.units[channel])
        unit = f"({unit})" if "/" in unit else unit
        self.legend.setText(
            f"{low:.0f} to {high:.0f} dB" + (f" ({unit}²/Hz)" * bool(unit))
        )
        decibels = self._decibels
        decibels -= low
        decibels *= (_SHADES - 1) / (high - low)
        np.clip(decibels, 0, _SHADES - 1, out=decibels)
        decibels += 1
        np.nan_to_num(decibels, copy=False, nan=0)
        self.image[:] = decibels
        self._picture.setImage(self.image, autoLevels=False, levels=(0, _SHADES))
        self._plot.setYRange(0, float(spectra.freqs[-1]), padding=0)

    def _place(self, spectra: Spectra, now: float) -> None:
        """Put the image where it belongs: 0 is now, what is past is negative."""
        behind = max(0.0, now - spectra.end) if np.isfinite(spectra.end) else 0.0
        length = spectra.n_columns * spectra.step
        half = spectra.freqs[1] / 2  # a bin's colour is around its frequency
        high = spectra.freqs[-1] + 2 * half
        self._picture.setRect(QRectF(-behind - length, -half, length, high))
        known = spectra.come * spectra.step + behind
        self.span = next((each for each in _SPANS if each >= known), _SPANS[-1])
        self._plot.setXRange(-self.span, 0, padding=0)


class _Ago(pg.AxisItem):  # type: ignore[misc]
    """An axis of the past: how long ago, in words."""

    def __init__(self, of: Spectrogram) -> None:
        super().__init__("bottom")
        self._of = of

    def tickSpacing(  # noqa: N802
        self, low: float, high: float, size: float
    ) -> list[tuple[float, float]]:
        """Return the distance between two ticks."""
        return [(_TICKS[self._of.span], 0)]

    def tickStrings(  # noqa: N802
        self, values: Sequence[float], scale: float, spacing: float
    ) -> list[str]:
        """Return a text a tick."""
        return [ago(each) for each in values]


def _strip(colours: NDArray[np.uint8]) -> QPixmap:
    """Return the colours beside each other, the darkest first."""
    wide, high = 64, 8
    at = np.linspace(0, len(colours) - 1, wide).astype(int)
    rows = np.repeat(colours[np.newaxis, at], high, axis=0).astype(np.uint8)
    shape = (wide, high, 4 * wide, QImage.Format.Format_RGBA8888)
    return QPixmap.fromImage(QImage(rows.tobytes(), *shape))


def ago(seconds: float) -> str:
    """Return how long ago something was, in words; `seconds` is negative."""
    if seconds > -0.5:
        return "now"
    if seconds % 60 == 0:
        return f"\N{MINUS SIGN}{-seconds / 60:.0f} min"
    return f"\N{MINUS SIGN}{-seconds:.0f} s"


def _limits(
    known: NDArray[np.float32], before: tuple[float, float] | None
) -> tuple[float, float]:
    """Return the limits of the colours; those before, while they nearly fit."""
    few = known[:: max(1, len(known) // 20_000)]
    low, high = (float(each) for each in np.percentile(few, _SHARES))
    if before and max(abs(low - before[0]), abs(high - before[1])) < _STEP:
        return before
    low, high = np.floor(low / _STEP) * _STEP, np.ceil(high / _STEP) * _STEP
    return float(low), float(max(high, low + _WIDTH))

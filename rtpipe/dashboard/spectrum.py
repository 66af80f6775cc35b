"""The panel of the spectrum: how strong which rhythms are, now and in the past."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PyQt6.QtCore import QSize
from PyQt6.QtGui import QAction, QKeySequence, QResizeEvent
from PyQt6.QtWidgets import QBoxLayout, QComboBox, QHBoxLayout, QLabel, QVBoxLayout

from rtpipe.dashboard.bands import BANDS, amplitudes, band_powers, bands_below, newest
from rtpipe.dashboard.levelbars import Level, LevelBars
from rtpipe.dashboard.model import RunModel, StreamModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.sign import ENDED
from rtpipe.dashboard.spectra import (
    Spectra,
    has_spectra,
    is_brain,
    shown_unit,
    spectra_of,
)
from rtpipe.dashboard.spectrogram import Spectrogram
from rtpipe.dashboard.theme import theme
from rtpipe.types import Float32, Float64, StreamInfo

_EVERY = 0.25  # seconds between two pictures
_RHYTHM, _STRENGTH = 4.0, 0.5  # seconds of which band powers and amplitudes are
_HELD = 30.0  # seconds for which a bar's full length is kept
_WIDE = 1.7  # times as wide as high, from which on the bars stand beside the picture


class SpectrumPanel(Panel):
    """Band powers, or amplitudes, and the spectrogram of a channel that is chosen.

    Attributes
    ----------
    choice : QComboBox
        Of every channel that has a spectrum.
    bars : LevelBars
        A bar a band for a brain's channel; else a bar a channel of its stream, any of
        which may be clicked; those that count in one unit can be compared.
    spectrogram : Spectrogram
    """

    title = "Spectrum"

    def __init__(self, about: str, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(about, send)
        self.choice, self.bars = QComboBox(), LevelBars()
        self.spectrogram = Spectrogram()
        self._spectra: dict[str, Spectra] = {}
        self._places: list[tuple[str, int]] = []  # stream and channel of each choice
        self._shown = -_EVERY
        self._full: dict[tuple[str, str], _Full] = {}  # by stream and unit
        self._wanted: tuple[Any, Any] = ("", "")  # stream and channel of last time
        self._last: tuple[RunModel, float] | None = None  # what was shown, and when
        self._told = QLabel()
        grow = QComboBox.SizeAdjustPolicy.AdjustToContents
        self.choice.setSizeAdjustPolicy(grow)
        self.choice.currentIndexChanged.connect(self._show_at_once)
        self.bars.clicked.connect(self._choose_beside)
        above = QHBoxLayout()
        above.addWidget(self.choice)
        above.addStretch(1)
        left = QVBoxLayout()
        left.addLayout(above)
        left.addWidget(self._told)
        left.addWidget(self.bars, 1)
        self._both = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._both.setContentsMargins(12, 8, 12, 8)
        self._both.setSpacing(12)
        self._both.addLayout(left, 2)
        self._both.addWidget(self.spectrogram, 3)
        for text, key, step in (
            ("Spectrum: next channel", "Ctrl+.", 1),
            ("Spectrum: channel before", "Ctrl+,", -1),
        ):
            action = QAction(text, self)
            action.setShortcut(QKeySequence(key))
            action.triggered.connect(lambda _, step=step: self.step(step))
            self.addAction(action)

    @classmethod
    def subjects(cls, run: RunModel) -> Sequence[str]:
        """Return one, where any stream has spectra."""
        fast = any(has_spectra(each.info) for each in run.streams.values())
        return [""] if fast else []

    def follow(self, run: RunModel, now: float) -> None:
        """Take in the newest samples, seen or not: the past is of all channels."""
        for name, stream in run.streams.items():
            if name not in self._spectra and has_spectra(stream.info):
                self._spectra[name] = spectra_of(stream)
                self._offer(name, stream.info.ch_names)
        for each in self._spectra.values():
            each.follow()

    def refresh(self, run: RunModel, now: float) -> None:
        """Show the chosen channel."""
        if now - self._shown < _EVERY:
            return
        self._shown, self._last = now, (run, now)
        name, channel = self._places[self.choice.currentIndex()]
        stream = run.streams[name]
        self.bars.show_levels(self._levels(stream, channel, now))
        self.spectrogram.show_channel(self._spectra[name], channel, stream.now(now))

    def keep(self) -> dict[str, Any]:
        """Return the channel that is chosen."""
        if not self._places:
            return {}
        name, channel = self._places[self.choice.currentIndex()]
        return {"stream": name, "channel": self._spectra[name].info.ch_names[channel]}

    def restore(self, kept: dict[str, Any]) -> None:
        """Choose the channel of last time, where it is there again."""
        self._wanted = kept.get("stream"), kept.get("channel")

    def step(self, by: int) -> None:
        """Choose the next channel, or the one before."""
        at = self.choice.currentIndex() + by
        self.choice.setCurrentIndex(at % max(1, self.choice.count()))

    def retheme(self) -> None:
        """Take the colours anew."""
        self.spectrogram.retheme()
        self._told.setStyleSheet(f"color: {theme().quiet}")
        self.bars.update()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return less than it would need: where it is low, signals come first."""
        least = self.bars.minimumSizeHint()
        return QSize(least.width() + 24, 4 * self.fontMetrics().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Put the bars above the picture, or beside it where there is room."""
        super().resizeEvent(event)
        wide = self.width() > _WIDE * self.height()
        ways = QBoxLayout.Direction
        self._both.setDirection(ways.LeftToRight if wide else ways.TopToBottom)

    def _offer(self, stream: str, ch_names: Sequence[str]) -> None:
        for channel, name in enumerate(ch_names):
            self._places.append((stream, channel))
            self.choice.addItem(f"{name}   {stream}")
            if (stream, name) == self._wanted:
                self.choice.setCurrentIndex(self.choice.count() - 1)

    def _choose_beside(self, channel: int) -> None:
        """Choose a channel of the same stream, where bars are channels."""
        name, _ = self._places[self.choice.currentIndex()]
        if len(self.bars.levels) and not self.bars.levels[0].note:
            self.choice.setCurrentIndex(self._places.index((name, channel)))

    def _show_at_once(self) -> None:
        """Show what was chosen, also while the view is paused."""
        self._shown = -_EVERY
        if self._last is not None:
            self.refresh(*self._last)

    def _levels(self, stream: StreamModel, channel: int, now: float) -> list[Level]:
        info = stream.info
        unit = shown_unit(info.units[channel])
        if is_brain(info.ch_types[channel]):
            top = max(high for _, high in bands_below(info.sfreq / 2).values())
            self._told.setText(f"share of 1 to {top:g} Hz")
            data = _newest(stream, _RHYTHM)
            return _bands(None if data is None else data[:, channel], info.sfreq, unit)
        data = _newest(stream, _STRENGTH)
        sizes = np.full(info.n_channels, np.nan) if data is None else amplitudes(data)
        full = self._lengths(info, sizes, now)
        said = f"root mean square, up to {full[info.units[channel]]:g} {unit}"
        self._told.setText(said.strip())
        return [
            Level(
                name,
                "",
                "—" if np.isnan(size) else f"{size:.3g} {shown_unit(of)}".strip(),
                0.0 if np.isnan(size) else size / full[of],
                k == channel,
            )
            for k, (name, of, size) in enumerate(
                zip(info.ch_names, info.units, sizes.tolist(), strict=True)
            )
        ]

    def _lengths(
        self, info: StreamInfo, sizes: Float64, now: float
    ) -> dict[str, float]:
        """Return what a bar's full length means for each unit: no two compare."""
        found, units = {}, np.array(info.units)
        for unit in set(info.units):
            full = self._full.setdefault((info.name, unit), _Full())
            found[unit] = full.of(sizes[units == unit], now)
        return found


def _newest(stream: StreamModel, seconds: float) -> Float32 | None:
    """Return the last samples; None where there are too few, or none come now."""
    if stream.state in ENDED:
        return None
    return newest(stream.raw, round(seconds * stream.info.sfreq))


class _Full:
    """What a bar of full length means: a round number that seldom changes."""

    def __init__(self) -> None:
        self._value, self._needed = 0.0, 0.0  # and when so much was needed last

    def of(self, sizes: Float64, now: float) -> float:
        """Return it for these sizes; nan counts for nothing."""
        most = _round(float(np.nan_to_num(sizes).max(initial=0.0)))
        if most >= self._value or now - self._needed > _HELD:
            self._value, self._needed = most, now
        return self._value


def _round(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, ... that is not less."""
    if value <= 0:
        return 1.0
    ten = 10.0 ** np.floor(np.log10(value))
    return float(next(ten * k for k in (1, 2, 5, 10, 20) if ten * k >= value))


def _bands(data: Float32 | None, sfreq: float, unit: str) -> list[Level]:
    """Return a bar a band: its share of all, and its power."""
    powers = dict.fromkeys(bands_below(sfreq / 2), np.nan)
    if data is not None:
        powers = band_powers(data, sfreq)
    total = sum(powers.values())
    levels = []
    for name, power in powers.items():
        low, high = BANDS[name]
        known = bool(np.isfinite(total) and total > 0)
        share = power / total if known else 0.0
        size = f"{share:.0%}  {power:,.3g} {unit}²" if unit else f"{share:.0%}"
        figure = size if known else "—"
        levels.append(Level(name, f"{low:g}-{high:g} Hz", figure, share, True))
    return levels

"""Spectra of a stream's channels, one after another, as its samples come. No Qt."""

from contextlib import suppress
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from rtpipe.dashboard.model import StreamModel
from rtpipe.errors import Overrun
from rtpipe.ring import Ring
from rtpipe.types import Float32, Float64, StreamInfo

PAST = 600.0  # seconds that are kept
EVERY = 0.5  # seconds from one spectrum to the next
_BRAIN = frozenset({"eeg", "seeg", "ecog", "dbs"})
_SLOWEST = 32.0  # hertz; below, half a second has too few samples to tell anything of
_MISSING = 0.1  # share of a window that may have been filled in
_AT_ONCE = 4  # spectra in one call, so that the window does not stand still for long
LEAST = -300.0  # decibels: what is flat has a logarithm, too; brains in volts have -130

Float16 = NDArray[np.float16]


def has_spectra(info: StreamInfo) -> bool:
    """Tell whether a stream is of signals, and fast enough to have spectra."""
    return info.sample_shape == (info.n_channels,) and info.sfreq >= _SLOWEST


def is_brain(ch_type: str) -> bool:
    """Tell whether a type of channel has the rhythms of a brain."""
    return ch_type in _BRAIN


def shown_unit(unit: str) -> str:
    """Return a unit as a person reads it; empty where there is none."""
    return {"uV": "µV", "none": "", "unknown": ""}.get(unit, unit)


def density(data: Float32 | Float64, sfreq: float) -> Float64:
    """Return the one-sided power spectral density of one segment.

    Its mean is removed, and it is tapered by a periodic Hann window: what
    ``scipy.signal.welch`` gives with ``nperseg=n_times``.

    Parameters
    ----------
    data : ndarray, shape (n_times, n_channels)
    sfreq : float

    Returns
    -------
    ndarray of float64, shape (n_times // 2 + 1, n_channels)
        Unit squared per hertz; bin k is at k sfreq / n_times hertz.
    """
    n = len(data)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi / n * np.arange(n))
    # In double precision, for in single a large value's square would be infinite.
    centred = data - data.mean(0, np.float64)
    power = np.abs(np.fft.rfft(centred * taper[:, None], axis=0)) ** 2
    power *= 2 / (sfreq * (taper @ taper))
    power[0] /= 2  # 0 hertz, and half the rate, have no negative twin
    if n % 2 == 0:
        power[-1] /= 2
    return np.asarray(power, np.float64)


class Spectra:
    """The spectra of the last ten minutes, of every channel of a stream.

    Spectrum k is of the samples that end with index (k + 1) * hop - 1: two seconds of
    a brain's signal, half a second of anything else. It is empty where samples of it
    were lost, and more than few were filled in, or nobody called in time.

    Parameters
    ----------
    info : StreamInfo
        One that `has_spectra`.
    ring : Ring
        What of it the spectra are of.

    Attributes
    ----------
    info : StreamInfo
    freqs : ndarray, shape (n_bins,)
        Hertz. A brain's signal is shown up to the mains' hum, others up to 500 Hz, none
        beyond half its rate.
    n_columns : int
        Spectra that are kept.
    step : float
        Seconds from one to the next.
    newest : int or None
        Number of the newest one; None before the first.
    come : int
        How many there are, empty ones between them too.
    end : float
        When the newest one ends, on the stream's clock.
    """

    def __init__(self, info: StreamInfo, ring: Ring) -> None:
        brain = any(is_brain(each) for each in info.ch_types)
        self.info, self._ring = info, ring
        self._hop = max(1, round(EVERY * info.sfreq))
        self._n = round((2.0 if brain else 0.5) * info.sfreq)
        freqs = np.arange(self._n // 2 + 1) * info.sfreq / self._n
        top = max(60.0, info.mains + 5) if brain else 500.0
        self.freqs: Float64 = freqs[freqs <= top]
        self.step = self._hop / info.sfreq
        self.n_columns = round(PAST / self.step)
        self.newest: int | None = None
        self.come = 0
        self.end = np.nan
        shape = info.n_channels, self.n_columns, len(self.freqs)
        self._decibels: Float16 = np.full(shape, np.nan, np.float16)

    def follow(self) -> None:
        """Take in what came since the last call; call it some times a minute at least.

        What is behind by much is made up for in several calls.
        """
        stop = self._ring.stop
        due = stop // self._hop - 1
        if self.newest is None:
            begin = -((self._ring.first + self._n) // -self._hop) - 1
            if due < begin:
                return
            self.newest = begin - 1
        held = (stop - self._ring.capacity) // self._hop
        if self.newest < held - 1:
            self._leave_out(held - 1)
        for number in range(self.newest + 1, min(due, self.newest + _AT_ONCE) + 1):
            self._add(number)
        with suppress(Overrun):
            last = float(self._ring.times(stop - 1, stop)[0])
            behind = stop - (self.newest + 1) * self._hop
            self.end = last - behind / self.info.sfreq

    def copy(self, channel: int, out: Float32) -> None:
        """Write a channel's spectra to `out`, the newest last.

        Parameters
        ----------
        channel : int
        out : ndarray of float32, shape (n_columns, n_bins)
            Decibels, of unit squared per hertz; nan where a spectrum is empty.
        """
        at = 0 if self.newest is None else (self.newest + 1) % self.n_columns
        out[: self.n_columns - at] = self._decibels[channel, at:]
        out[self.n_columns - at :] = self._decibels[channel, :at]

    def _add(self, number: int) -> None:
        column = self._decibels[:, number % self.n_columns]
        column[:] = np.nan
        with suppress(Overrun):
            power = self._power((number + 1) * self._hop)
            column[:] = 10 * np.log10(np.maximum(power, 10 ** (LEAST / 10))).T
        self.newest = number
        self.come = min(self.come + 1, self.n_columns)

    def _power(self, stop: int) -> Float64:
        """Return the density of the window that ends there; nan where it is empty."""
        start = stop - self._n
        data = self._ring.view(start, stop).astype(np.float64)
        filled = float((self._ring.missing(start, stop) >= 1).mean())
        self._ring.check(start)
        if filled > _MISSING or not np.isfinite(data).all():
            raise Overrun(f"the samples before {stop} are not whole")
        power = density(data, self.info.sfreq)[: len(self.freqs)]
        power[:, data.max(0) == data.min(0)] = 0  # not what rounding leaves of it
        return power

    def _leave_out(self, number: int) -> None:
        """Leave the spectra up to that number empty: their samples are gone."""
        assert self.newest is not None
        n = min(number - self.newest, self.n_columns)
        at = np.arange(number - n + 1, number + 1) % self.n_columns
        self._decibels[:, at] = np.nan
        self.newest = number
        self.come = min(self.come + n, self.n_columns)


_OF: WeakKeyDictionary[StreamModel, Spectra] = WeakKeyDictionary()


def spectra_of(stream: StreamModel) -> Spectra:
    """Return the spectra of a stream's raw signal: the same ones for every panel."""
    if stream not in _OF:
        _OF[stream] = Spectra(stream.info, stream.raw)
    return _OF[stream]

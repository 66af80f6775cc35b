"""Gaussian noise of any spectrum, block by block, from a seed alone."""

from collections.abc import Callable, Sequence

import numpy as np

from rtpipe.types import Float64

#: Frequencies in hertz, shape (n_freqs,), to amplitudes of any scale, same shape.
Spectrum = Callable[[Float64], Float64]


class Noise:
    """Independent noises with given spectra, of unit variance.

    Each block is the cross-fade of two segments twice its length, shaped in the
    frequency domain; the fade keeps the sum of squared weights at one, so that the
    variance is constant. A segment depends on the seed and its number only: there
    is no filter to settle, and no state that reading could disturb.

    Parameters
    ----------
    seed : tuple of int
        Names the noise; each different tuple is an independent noise.
    spectra : sequence of Spectrum
        One per noise. Zero frequency is left out: the mean is zero.
    sfreq : float
    n_times : int
        Samples in a block.
    """

    def __init__(
        self,
        seed: tuple[int, ...],
        spectra: Sequence[Spectrum],
        sfreq: float,
        n_times: int,
    ) -> None:
        freqs = np.linspace(0.0, sfreq / 2, n_times + 1)
        gains = np.zeros((len(freqs), len(spectra)))
        # Neither the mean nor the Nyquist frequency: both lack an imaginary part.
        for column, spectrum in enumerate(spectra):
            gains[1:-1, column] = spectrum(freqs[1:-1])
        # By Parseval, irfft of gains times complex unit normals has this variance.
        variance = 4 * np.sum(gains**2, axis=0) / (2 * n_times) ** 2
        self._gains = gains / np.sqrt(variance)
        self._seed = seed
        self._n_times = n_times
        self._fade_in = np.sin(np.pi * (np.arange(n_times) + 0.5) / (2 * n_times))
        self._last = (-1, np.empty(0))  # the segment that the next block shares

    def block(self, number: int) -> Float64:
        """Return one block, shape (n_times, n_noises)."""
        kept, old = self._last
        if kept != number:
            old = self._segment(number)
        new = self._segment(number + 1)
        self._last = (number + 1, new)
        fade_in = self._fade_in[:, np.newaxis]
        fading: Float64 = old[self._n_times :] * fade_in[::-1]
        return fading + new[: self._n_times] * fade_in

    def _segment(self, number: int) -> Float64:
        rng = np.random.default_rng((*self._seed, number))
        parts = rng.standard_normal((2, *self._gains.shape))
        spectrum = (parts[0] + 1j * parts[1]) * self._gains
        return np.fft.irfft(spectrum, n=2 * self._n_times, axis=0)


def white(freqs: Float64) -> Float64:
    """Return the spectrum that is the same at all frequencies."""
    return np.ones(freqs.shape)


def band(low: float, high: float) -> Spectrum:
    """Return the spectrum of a band with edges a hertz wide, in hertz."""

    def spectrum(freqs: Float64) -> Float64:
        rise = np.clip(freqs - low + 0.5, 0.0, 1.0)
        return np.minimum(rise, np.clip(high + 0.5 - freqs, 0.0, 1.0))

    return spectrum

"""How strong a signal is just now: in the bands of the EEG, or as a whole. No Qt."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from rtpipe.dashboard.spectra import density
from rtpipe.errors import Overrun
from rtpipe.ring import Ring
from rtpipe.types import Float32, Float64

#: The same limits in hertz as `rtpipe.features.spectrum.BANDS`, which needs torch.
BANDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "delta": (1.0, 4.0),
        "theta": (4.0, 8.0),
        "alpha": (8.0, 13.0),
        "beta": (13.0, 30.0),
        "gamma": (30.0, 45.0),
    }
)
_SEGMENT = 2.0  # seconds: bins lie half a hertz apart


def newest(ring: Ring, n_times: int) -> Float32 | None:
    """Return a copy of the last samples; None where so many in a row are not there."""
    stop = ring.stop
    start = stop - n_times
    if start < ring.first:
        return None
    try:
        data = ring.view(start, stop).copy()
        ring.check(start)
    except Overrun:
        return None
    return data if np.isfinite(data).all() else None


def bands_below(hertz: float) -> dict[str, tuple[float, float]]:
    """Return the bands that do not reach beyond a frequency."""
    return {name: band for name, band in BANDS.items() if band[1] <= hertz}


def band_powers(data: Float32 | Float64, sfreq: float) -> dict[str, float]:
    """Return the power in each band that lies below half the rate.

    Welch's average over segments of two seconds that overlap by half, summed over the
    bins low <= frequency < high, times their spacing: a sine of amplitude a in the
    middle of a band has a^2 / 2.

    Parameters
    ----------
    data : ndarray, shape (n_times,)
        Two seconds at least.
    sfreq : float

    Returns
    -------
    dict of str to float
        Unit squared.
    """
    n = round(_SEGMENT * sfreq)
    starts = range(0, len(data) - n + 1, n - n // 2)
    segments = np.array([data[at : at + n] for at in starts], np.float64).T
    power = density(segments, sfreq).mean(1)
    freqs = np.fft.rfftfreq(n, 1 / sfreq)
    return {
        name: float(power[(freqs >= low) & (freqs < high)].sum() * sfreq / n)
        for name, (low, high) in bands_below(sfreq / 2).items()
    }


def amplitudes(data: Float32 | Float64) -> Float64:
    """Return the root mean square of each channel around its mean; (n_channels,)."""
    return np.asarray(data.std(0, dtype=np.float64))

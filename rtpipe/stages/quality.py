"""How good the signal of each channel is, in one word."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.types import StreamInfo

Real = NDArray[np.floating[Any]]
BAD = frozenset({"flat", "railed"})  # the words for a channel that carries no signal
SPAN, EVERY = 2.0, 0.5  # seconds judged, and between two verdicts
_RAILED = 0.05  # share of samples at a rail
_MAINS = 0.5  # share of the power above 1 Hz that lies at the mains frequency
_SHORT = 16  # samples, below which there is no spectrum to judge by
_LARGEST = float(np.sqrt(np.finfo(np.float32).max))
_NOISY = {"eeg": 30.0}  # uV root mean square above 30 Hz, mains left out


def judge(data: Real, info: StreamInfo) -> tuple[str, ...]:
    """Return a verdict a channel, the first of these that holds.

    ``"flat"``: the value never changes. ``"railed"``: over 5 % of the samples are at
    the device's lowest or highest value. ``"mains"``: over half of the power above
    1 Hz lies within 1 Hz of the mains frequency. ``"noisy"``: an EEG channel has over
    30 uV above 30 Hz, which is muscle or a loose electrode; or a channel of any kind
    has a value so large that float32 does not hold its square, which no bundle can
    answer. Else ``"good"``.

    Parameters
    ----------
    data : ndarray of float32, shape (n_times, n_channels)
        The unfiltered signal; two seconds of it tell mains from its neighbours.
    info : StreamInfo

    Notes
    -----
    The limits are ours, chosen on Muse recordings: an electrode on skin stays below
    20 uV in all [1]_, muscle goes well beyond.

    References
    ----------
    .. [1] muse-lsl, viewer: "should be below 20" on the standard deviation shown.
    """
    if data.ndim != 2:  # a camera frame has no mains
        return ("good",) * info.n_channels
    if len(data) < _SHORT:  # nor has a battery that tells its level once a second
        return ("good",) * info.n_channels
    data = data.astype(np.float64)  # in float32 a sum or a square may overflow
    flat = data.max(0) == data.min(0)
    railed = np.zeros(len(flat), bool)
    if info.rails is not None:
        # As the samples are stored: a rail that float32 rounds stays a rail.
        low, high = np.asarray(info.rails, np.float32)
        railed = ((data <= low) | (data >= high)).mean(0) > _RAILED
    power, hertz = _spectrum(data, info.sfreq)
    at_mains = np.abs(hertz - info.mains) <= 1
    share = power[at_mains].sum(0) / np.maximum(power[hertz >= 1].sum(0), 1e-30)
    above = np.sqrt(power[(hertz > 30) & ~at_mains].sum(0))
    limit = np.array([_NOISY.get(kind, np.inf) for kind in info.ch_types])
    in_microvolts = np.array([unit == "uV" for unit in info.units])
    noisy = (above > limit) & in_microvolts | (np.abs(data).max(0) > _LARGEST)
    words = np.select(
        [flat, railed, share > _MAINS, noisy],
        ["flat", "railed", "mains", "noisy"],
        "good",
    )
    return tuple(words.tolist())


def early(words: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a verdict on less than `SPAN` is worth: whether a channel is dead.

    Parameters
    ----------
    words : tuple of str
        The verdict, of half a second at least.
    before : tuple of str
        The words in force, which stand where a channel lives as it did.
    """
    return tuple(
        new if new in BAD else "?" if old in BAD else old
        for new, old in zip(words, before, strict=True)
    )


def _spectrum(data: Real, sfreq: float) -> tuple[Real, Real]:
    """Return the power per bin, in squared units, and the bins in hertz."""
    n = len(data)
    window = np.hanning(n)[:, None]
    # In double precision, for in single a large value's square would be infinite.
    lines = np.fft.rfft((data - data.mean(0, np.float64)) * window, axis=0)
    power = 2 * np.abs(lines) ** 2 / (n * (window**2).sum())
    return power, np.fft.rfftfreq(n, 1 / sfreq)

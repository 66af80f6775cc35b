"""The last seconds of a signal in one row of text per channel."""

import numpy as np

from rtpipe.errors import Overrun
from rtpipe.ring import Ring
from rtpipe.types import Float64

_BLOCKS = np.array([*" ▁▂▃▄▅▆▇█"])
_CALM = 0.995  # per drawing; how fast the scale forgets a large signal
_FEWEST = 24  # samples; of a slow stream that is further back


class Envelope:
    """Follows how strongly each channel of a ring moves, slice by slice.

    Parameters
    ----------
    ring : Ring
        Of samples shaped (n_channels,).
    sfreq : float
        In hertz.
    seconds : float
        How far back the drawing reaches, or 24 samples if that is further.

    Attributes
    ----------
    spread : ndarray of float64, shape (n_channels,)
        Standard deviation over those seconds, in the signal's units; not a number
        where there is none.

    Notes
    -----
    A row of blocks is too coarse for a waveform. A block's height is the peak-to-peak
    amplitude within its slice of time, so a muscle's burst, a blink or a loose
    electrode stands out, and so does silence. The slices lie on a grid of the sample
    index: the drawing moves to the left and never shimmers. Each channel has a scale
    of its own that grows at once and shrinks slowly, so rest after effort looks like
    rest. Where a slice is a single sample, its height is its value between the lowest
    and the highest that are drawn.
    """

    def __init__(self, ring: Ring, sfreq: float, seconds: float = 4.0) -> None:
        self.ring, self.n_times = ring, max(_FEWEST, round(seconds * sfreq))
        n_channels = ring.sample_shape[0]
        self.spread = np.full(n_channels, np.nan)
        self._scale = np.zeros(n_channels)

    def rows(self, width: int, tall: int = 1) -> list[list[str]]:
        """Return for each channel `tall` rows of at most `width` blocks.

        The upper row comes first, and the newest slice is at the right.
        """
        size = self._size(width)
        samples = self._newest(size, width)
        if not len(samples):
            return [[""] * tall for _ in self._scale]
        self.spread = _deviation(samples)
        edges = np.arange(0, len(samples), size)
        high = np.fmax.reduceat(samples, edges, axis=0)
        low = np.fmin.reduceat(samples, edges, axis=0)
        if size == 1:
            low = np.broadcast_to(np.fmin.reduce(samples, axis=0), high.shape)
        height = high - low
        known = np.nan_to_num(height)
        self._scale = np.maximum(known.max(axis=0), self._scale * _CALM)
        scale = np.where(self._scale > 0, self._scale, 1.0)
        steps = len(_BLOCKS) - 1
        level = 1 + np.ceil(known / scale * (steps * tall - 1)).astype(int)
        level[np.isnan(height)] = 0  # nothing is drawn where nothing is known
        parts = [
            _BLOCKS[np.clip(level.T - steps * row, 0, steps)]
            for row in reversed(range(tall))
        ]
        return [
            ["".join(part[channel]) for part in parts]
            for channel in range(level.shape[1])
        ]

    def place(self, width: int) -> tuple[int, int]:
        """Return the samples of a block, and the index behind the newest block."""
        size = self._size(width)
        return size, self.ring.stop // size * size

    def _size(self, width: int) -> int:
        return max(1, -(-self.n_times // width))

    def _newest(self, size: int, width: int) -> Float64:
        """Return a copy of whole slices that no write touched while it was made."""
        ring = self.ring
        stop = ring.stop // size * size
        start = stop - size * width
        while (start := max(start, -(-ring.first // size) * size)) < stop:
            try:
                samples = ring.view(start, stop).astype(np.float64)
                ring.check(start)
            except Overrun:
                # The writer is on our heels: half as much is further away from it.
                start += max(size, (stop - start) // size // 2 * size)
            else:
                return np.where(np.isfinite(samples), samples, np.nan)
        return np.empty((0, len(self._scale)))


def _deviation(samples: Float64) -> Float64:
    """Return each channel's standard deviation, of the values that are known."""
    known = ~np.isnan(samples)
    count = known.sum(axis=0)
    total = np.where(known, samples, 0).sum(axis=0)
    mean = total / np.maximum(count, 1)
    square = (np.where(known, samples - mean, 0) ** 2).sum(axis=0)
    return np.where(count > 0, np.sqrt(square / np.maximum(count, 1)), np.nan)

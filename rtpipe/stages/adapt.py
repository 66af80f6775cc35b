"""Running adaptation: learn a person's channels from the run itself, causally."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rtpipe.types import Chunk, Float64, StreamInfo

_MOST = 1000.0  # times the prior that a sample may be, to be learnt from


class ChannelScale:
    """Divide each channel by its root mean square over the run so far.

    The mean square at a sample takes in every sample from the run's first one up to
    itself, and a prior: ``(worth * prior**2 + sum of squares) / (worth + n)``.
    It survives gaps, and is forgotten only by `prepare`. A sample beyond a thousand
    times the prior, which no body gives, is scaled but not taken in: it would spoil all
    that follow. So is what is not finite.

    Parameters
    ----------
    prior : tuple of float
        Root mean square expected of each channel, in the stream's unit: the one of
        the training recordings.
    worth : float
        How many samples the prior counts as.
    """

    def __init__(self, *, prior: tuple[float, ...], worth: float) -> None:
        self.prior, self.worth = prior, worth

    def prepare(self, info: StreamInfo) -> StreamInfo:
        """Forget the run before.

        Raises
        ------
        ValueError
            If the prior has another number of channels, or is not positive.
        """
        if len(self.prior) != info.n_channels:
            raise ValueError(
                f"{info.name}: a prior of {len(self.prior)} channels does not fit "
                f"{info.n_channels}"
            )
        if not (min(self.prior) > 0 and self.worth > 0):
            raise ValueError(f"{info.name}: the prior and its worth must be positive")
        self._most = _MOST * np.array(self.prior, np.float64)
        self._squares: Float64 = self.worth * np.square(self.prior, dtype=np.float64)
        # Samples taken in; whole numbers, for their sum has no rounding.
        self._taken = np.zeros(info.n_channels, np.int64)
        return replace(info, units=("none",) * info.n_channels)

    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        """Yield the chunk, scaled; about 1 where a channel is as strong as usual."""
        if not len(chunk):
            return
        usual = np.abs(chunk.data) <= self._most  # NaN is not
        squares = np.square(np.where(usual, chunk.data, 0), dtype=np.float64)
        # Summed one sample after the other, so that cuts change no bit of it.
        sums = np.cumsum(np.concatenate((self._squares[None], squares)), axis=0)[1:]
        taken = self._taken + np.cumsum(usual, axis=0)
        self._squares, self._taken = sums[-1], taken[-1]
        data = chunk.data / np.sqrt(sums / (self.worth + taken))
        with np.errstate(over="ignore"):  # infinite: its windows have no answer
            scaled = data.astype(np.float32)
        yield replace(chunk, data=scaled)

    def settling(self, info: StreamInfo, share: float) -> int | None:
        """Return None: the first sample counts as much as the last one for ever."""
        return None

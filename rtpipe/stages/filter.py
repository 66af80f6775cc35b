"""Keep a band of frequencies and drop the mains, causally."""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil, log
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.signal import butter, iirnotch, sosfilt, sosfilt_zi, tf2sos

from rtpipe.types import Chunk, Float64, StreamInfo

_LONG = 600.0  # seconds of traces, four times what a filter takes, looked at at most


class Filter:
    """One cascade of second-order sections, run forward, its state carried on.

    Parameters
    ----------
    low : float or None
        Lower edge of the pass band at -3 dB, in hertz; None keeps all below `high`.
    high : float or None
        Upper edge of the pass band at -3 dB, in hertz; None keeps all above `low`.
    order : int
        Of the Butterworth prototype; a band-pass has twice as many poles.
    notch : int
        How many harmonics of the stream's mains frequency to remove; those at or
        above half the sampling rate are left out.
    quality : float
        Of each notch: its frequency over its width at -3 dB.

    Notes
    -----
    The state starts as if the first sample had lasted for ever, which keeps an
    electrode's offset (tens of millivolts) from ringing through the first seconds.
    After a gap that was not filled it starts so again.
    """

    def __init__(
        self,
        *,
        low: float | None = None,
        high: float | None = None,
        order: Annotated[int, Field(ge=1, le=20)] = 4,
        notch: Annotated[int, Field(ge=0, le=100)] = 0,
        quality: Annotated[float, Field(gt=0)] = 30.0,
    ) -> None:
        self.low, self.high, self.order = low, high, order
        self.notch, self.quality = notch, quality

    def prepare(self, info: StreamInfo) -> StreamInfo:
        """Design the cascade for the stream's rate and mains frequency.

        Raises
        ------
        ValueError
            If the band does not fit below half the rate, nothing is filtered, or the
            filter is not stable: its edge is too low for its order and the rate.
        """
        self._sos = self._design(info)
        shape = (len(self._sos), 2, *[1] * len(info.sample_shape))
        self._rest = sosfilt_zi(self._sos).reshape(shape)
        self._state: Float64 | None = None  # (n_sections, 2, *sample_shape)
        self._next = 0
        return info

    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        """Yield the chunk, filtered."""
        if not len(chunk):
            return
        if self._state is None or chunk.index != self._next:
            self._state = self._rest * chunk.data[0]
        data, self._state = sosfilt(self._sos, chunk.data, axis=0, zi=self._state)
        self._next = chunk.stop
        with np.errstate(over="ignore"):  # infinite: its windows have no answer
            filtered = data.astype(np.float32)
        yield replace(chunk, data=filtered)

    def settling(self, info: StreamInfo, share: float) -> int | None:
        """Return after how many samples what came before is forgotten.

        None where that takes minutes.

        Parameters
        ----------
        info : StreamInfo
        share : float
            Of the largest trace that any state leaves in the output.

        Notes
        -----
        The slowest pole p tells roughly, for its trace decays as abs(p)**n; the traces
        of all states, each alone, tell exactly, for poles close together add theirs.
        """
        sos = self._design(info)
        n = ceil(4 * log(share) / log(_slowest(sos)))
        if n > _LONG * info.sfreq:
            return None
        states = np.eye(2 * len(sos)).reshape(len(sos), 2, -1)
        silence = np.zeros((n, states.shape[2]))
        trace = np.abs(sosfilt(sos, silence, axis=0, zi=states)[0])
        seen = np.flatnonzero((trace > share * trace.max(axis=0)).any(axis=1))
        return int(seen[-1]) + 1

    def _design(self, info: StreamInfo) -> Float64:
        sfreq, half = info.sfreq, info.sfreq / 2
        low, high = self.low, self.high
        if not 0 < (low or 1e-9) < (high or half - 1e-9) < half:
            raise ValueError(
                f"{info.name}: a pass band from {low} to {high} Hz does not fit "
                f"a rate of {sfreq:g} Hz"
            )
        sections = []
        if low and high:
            sections.append(
                butter(self.order, (low, high), "bp", fs=sfreq, output="sos")
            )
        elif low:
            sections.append(butter(self.order, low, "hp", fs=sfreq, output="sos"))
        elif high:
            sections.append(butter(self.order, high, "lp", fs=sfreq, output="sos"))
        for harmonic in range(1, self.notch + 1):
            if (hertz := harmonic * info.mains) < half:
                sections.append(tf2sos(*iirnotch(hertz, self.quality, sfreq)))
        if not sections:
            raise ValueError(f"{info.name}: a filter with no edge and no notch")
        sos = np.concatenate(sections)
        if not _slowest(sos) < 1:
            raise ValueError(
                f"{info.name}: a filter of order {self.order} from {low} to {high} Hz "
                f"is not stable at {sfreq:g} Hz"
            )
        return sos


def _slowest(sos: Float64) -> float:
    """Return the largest magnitude of a pole, of which 1 never decays."""
    return float(max(np.abs(np.roots(each[3:])).max() for each in sos))

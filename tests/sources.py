"""What the panel of signals draws: a ring, with its past and its scale."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.dashboard.history import History
from rtpipe.dashboard.scale import Scale
from rtpipe.dashboard.sheet import Source
from rtpipe.ring import Ring
from rtpipe.types import Chunk, Float32, StreamInfo

SFREQ = 200.0


def info(n_channels: int = 2, sfreq: float = SFREQ, name: str = "arm") -> StreamInfo:
    names = tuple(f"E{k + 1}" for k in range(n_channels))
    return StreamInfo(name, sfreq, names, ("emg",) * n_channels, ("uV",) * n_channels)


def chunk(index: int, data: NDArray[Any], missing: Float32 | None = None) -> Chunk:
    times = (index + np.arange(len(data))) / SFREQ
    return Chunk("arm", index, times, data.astype(np.float32), missing=missing)


def source(ring: Ring, n_channels: int = 2, *, height: int = 200) -> Source:
    made = Source(
        History(info(n_channels), ring), Scale(n_channels), list(range(n_channels))
    )
    made.height, made.zero = height, 0.0
    made.scale.range[:], made.scale.middle[:] = 10.0, 0.0
    return made

"""Chunks for a stage, and what a stage makes of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.stage import Stage
from rtpipe.types import Chunk, Float32, StreamInfo

Array = NDArray[np.float64]


def run(stage: Stage, chunks: Sequence[Chunk]) -> list[Chunk]:
    """Pass chunks through a prepared stage."""
    return [out for chunk in chunks for out in stage.process(chunk)]


def joined(chunks: Sequence[Chunk]) -> Float32:
    return np.concatenate([chunk.data for chunk in chunks])


def chunk_of(info: StreamInfo, data: Any, index: int = 0) -> Chunk:
    rows = np.array(data, np.float32).reshape(-1, *info.sample_shape)
    times = (index + np.arange(len(rows))) / info.sfreq
    return Chunk(info.name, index, times, rows)

"""Signals that stages, bundles and features are tried on, and ways to cut them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from rtpipe.types import Chunk, Float32, StreamInfo

BATCHES = (1, 2, 3, 8, 64, 3)  # of windows; the last one again, after others


def noise(info: StreamInfo, n_times: int, seed: int = 0) -> Chunk:
    """Return reproducible noise of 20 units rms around 5, from sample 0 on.

    Parameters
    ----------
    info : StreamInfo
    n_times : int
    seed : int
    """
    rng = np.random.default_rng(seed)
    data = 20 * rng.standard_normal((n_times, *info.sample_shape), np.float32) + 5
    times = np.arange(n_times) / info.sfreq
    missing = np.zeros(n_times, np.float32)
    return Chunk(info.name, 0, times, data, missing=missing)


def cut(chunk: Chunk, sizes: Sequence[int]) -> list[Chunk]:
    """Cut a chunk after each size in turn; the rest comes last, events come first."""
    bounds = [0, *np.cumsum(sizes, dtype=int).tolist(), len(chunk)]
    parts = [rows(chunk, start, stop) for start, stop in pairwise(bounds)]
    return [replace(parts[0], events=chunk.events), *parts[1:]]


def rows(chunk: Chunk, start: int, stop: int) -> Chunk:
    """Return samples start..stop-1 of a chunk, without its events."""

    def part(values: Any) -> Any:
        return None if values is None else values[start:stop]

    return replace(
        chunk,
        index=chunk.index + min(start, len(chunk)),
        times=part(chunk.times),
        data=part(chunk.data),
        device_times=part(chunk.device_times),
        missing=part(chunk.missing),
        events=(),
    )


def windows_of_noise(n: int, n_channels: int, n_times: int) -> Float32:
    """Return windows of noise, some stronger than others, shape (n, ...)."""
    rng = np.random.default_rng(0)
    strength = 2 ** rng.uniform(0, 6, (n, n_channels, 1))
    noise = rng.standard_normal((n, n_channels, n_times))
    return (strength * noise).astype(np.float32)

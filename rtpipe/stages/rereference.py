"""Measure every channel against another reference."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rtpipe.types import Chunk, StreamInfo


class Rereference:
    """Subtract from each sample the mean of the reference channels.

    Parameters
    ----------
    ref_channels : tuple of str
        As in `mne.set_eeg_reference`: the channels whose mean becomes zero. Empty
        means all of them, the common average.
    """

    def __init__(self, *, ref_channels: tuple[str, ...] = ()) -> None:
        self.ref_channels = ref_channels

    def prepare(self, info: StreamInfo) -> StreamInfo:
        """Find the reference channels.

        Raises
        ------
        ValueError
            If the stream lacks one of them.
        """
        names = self.ref_channels or info.ch_names
        if lacking := [name for name in names if name not in info.ch_names]:
            raise ValueError(f"{info.name} has no channel {', '.join(lacking)}")
        self._picks = [info.ch_names.index(name) for name in names]
        return info

    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        """Yield the chunk, re-referenced."""
        reference = chunk.data[:, self._picks].mean(1, np.float64, keepdims=True)
        with np.errstate(over="ignore"):  # infinite: its windows have no answer
            data = (chunk.data - reference).astype(np.float32)
        yield replace(chunk, data=data)

    def settling(self, info: StreamInfo, share: float) -> int:
        """Return 0: no sample depends on one before it."""
        return 0

"""Choose channels, in the order a bundle wants them."""

from collections.abc import Iterator
from dataclasses import replace

from rtpipe.types import Chunk, StreamInfo


class Pick:
    """Keep the named channels, in the order given.

    Parameters
    ----------
    ch_names : sequence of str
    """

    def __init__(self, *, ch_names: tuple[str, ...]) -> None:
        self.ch_names = ch_names

    def prepare(self, info: StreamInfo) -> StreamInfo:
        """Find the channels.

        Raises
        ------
        ValueError
            If the stream lacks one of them.
        """
        if lacking := [name for name in self.ch_names if name not in info.ch_names]:
            raise ValueError(f"{info.name} has no channel {', '.join(lacking)}")
        self._picks = [info.ch_names.index(name) for name in self.ch_names]
        return replace(
            info,
            ch_names=tuple(self.ch_names),
            ch_types=tuple(info.ch_types[k] for k in self._picks),
            units=tuple(info.units[k] for k in self._picks),
            sample_shape=(len(self._picks), *info.sample_shape[1:]),
        )

    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        """Yield the chunk with the picked channels only."""
        yield replace(chunk, data=chunk.data[:, self._picks])

    def settling(self, info: StreamInfo, share: float) -> int:
        """Return 0: no sample depends on one before it."""
        return 0

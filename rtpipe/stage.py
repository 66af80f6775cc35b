"""What a stage promises, and how stages are joined."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from rtpipe.types import Chunk, StreamInfo


class Stage(Protocol):
    """A causal step that turns a stream into another stream of the same rate.

    The constructor takes settings and nothing else, and keeps them unchanged; all
    that is learnt from the stream is set in `prepare`. The laws that bind every
    stage are stated as tests in `rtpipe.checks`:

    1. how the input is cut into chunks does not change the output;
    2. `prepare` forgets: a prepared stage behaves like a new one;
    3. the output at a sample depends on no later sample, and has its index;
    4. the input is not modified.

    A chunk whose index is not the one expected next tells that the samples between
    are lost for good: what rings (a filter) starts anew there, what is learnt about
    the person (adaptation) stays.
    """

    def prepare(self, info: StreamInfo) -> StreamInfo:
        """Allocate for a stream, forget any past one, and describe the output.

        Raises
        ------
        ValueError
            If the settings do not fit the stream; the text names the stream.
        """
        ...

    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        """Yield what this chunk completes: nothing, one chunk, or several."""
        ...


class Chain:
    """Stages in a row, seen as one stage.

    Parameters
    ----------
    stages : sequence of Stage
        In the order of the signal. May be empty.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)

    def prepare(self, info: StreamInfo) -> StreamInfo:
        """Prepare each stage with the description its predecessor gave."""
        for stage in self.stages:
            info = stage.prepare(info)
        return info

    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        """Yield the last stage's output for one chunk given to the first."""
        chunks: Iterator[Chunk] = iter((chunk,))
        for stage in self.stages:
            chunks = _through(stage, chunks)
        return chunks


def _through(stage: Stage, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    for chunk in chunks:
        yield from stage.process(chunk)

"""Each law of a stage is seen broken: a check that cannot fail proves nothing."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rtpipe.checks import check_stage, cut, noise
from rtpipe.types import Chunk, Event, StreamInfo


class Fine:
    """Gives a chunk on; what it announces can be changed."""

    def __init__(self, **announced: Any) -> None:
        self.announced = announced

    def prepare(self, info: StreamInfo) -> StreamInfo:
        self.n = 0
        return replace(info, **self.announced)

    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        self.n += 1
        yield replace(chunk, data=self.changed(chunk))

    def changed(self, chunk: Chunk) -> Any:
        return chunk.data


class OffsetPerChunk(Fine):
    def changed(self, chunk: Chunk) -> Any:
        return chunk.data + np.float32(self.n)


class NeverForgets(Fine):
    total = 0

    def changed(self, chunk: Chunk) -> Any:
        steps = np.arange(1, len(chunk) + 1) + self.total
        self.total += len(chunk)
        return chunk.data + steps.astype(np.float32)[:, None]


class ForgetsCutsOnly(NeverForgets):
    """Forgets, except that it has once seen a jump."""

    jumped = 0

    def prepare(self, info: StreamInfo) -> StreamInfo:
        self.total = 0
        return super().prepare(info)

    def changed(self, chunk: Chunk) -> Any:
        self.jumped = max(self.jumped, chunk.index // 10**6)
        return chunk.data + np.float32(self.jumped)


class MinusMeanOfChunk(Fine):
    """Looks ahead as far as the chunk goes; of no cut, and so seen as not causal."""

    def changed(self, chunk: Chunk) -> Any:
        return chunk.data - chunk.data[-1:]


class Ahead(Fine):
    """Each sample is the next one: one late, and told to be on time."""

    def prepare(self, info: StreamInfo) -> StreamInfo:
        self.kept: Chunk | None = None
        return info

    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        for k in range(len(chunk)):
            row = slice(k, k + 1)
            one = replace(
                chunk,
                index=chunk.index + k,
                times=chunk.times[row],
                data=chunk.data[row],
                missing=None,
            )
            if self.kept is not None and one.index == self.kept.stop:
                yield replace(self.kept, data=one.data)
            self.kept = one


class InPlace(Fine):
    def changed(self, chunk: Chunk) -> Any:
        chunk.data.flags.writeable = True
        chunk.data[...] *= 2
        return chunk.data


class ShiftsTimes(Fine):
    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        yield replace(chunk, times=chunk.times + 1)


class EditsTimes(Fine):
    def changed(self, chunk: Chunk) -> Any:
        chunk.times.flags.writeable = True
        chunk.times[...] += 1
        return chunk.data


class ShiftsIndex(Fine):
    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        yield replace(chunk, index=chunk.index + 1)


class Nothing(Fine):
    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        yield from ()


class Double(Fine):
    def changed(self, chunk: Chunk) -> Any:
        return chunk.data.astype(np.float64)


class Infinite(Fine):
    def changed(self, chunk: Chunk) -> Any:
        return chunk.data / np.float32(np.inf) + np.float32(np.inf)


class NanAfterJump(Fine):
    def changed(self, chunk: Chunk) -> Any:
        return chunk.data + np.float32(np.nan if chunk.index >= 10**6 else 0)


class MuteAfterJump(Fine):
    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        if chunk.index < 10**6:
            yield chunk


class BackAfterJump(Fine):
    def process(self, chunk: Chunk) -> Iterator[Chunk]:
        if chunk.index >= 10**6:
            yield chunk
        yield chunk


class CountsChunksAfterJump(Fine):
    def changed(self, chunk: Chunk) -> Any:
        late = chunk.index >= 10**6
        return chunk.data + np.float32(self.n if late else 0)


def test_a_stage_that_keeps_the_laws(muse: StreamInfo) -> None:
    check_stage(Fine(), muse)
    check_stage(Fine(), replace(muse, sample_shape=(4, 2, 3)), n_times=300)


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (OffsetPerChunk(), "how the input is cut .*: its data at sample "),
        (NeverForgets(), "`prepare` does not forget the run before"),
        (ForgetsCutsOnly(), "`prepare` does not forget the run before"),
        (MinusMeanOfChunk(), "how the input is cut into chunks changes the output"),
        (Ahead(), "depends on later samples: its data at sample 749"),
        (InPlace(), "the input's data are modified"),
        (EditsTimes(), "the input's times are modified"),
        (ShiftsTimes(), "has not the times of the input"),
        (ShiftsIndex(), "has not the index of the input"),
        (Nothing(), "gave nothing at all: try a longer signal"),
        (Double(), "the output is float64, not float32"),
        (Infinite(), "a finite input gives an output that is not"),
        (Fine(sfreq=128.0), "announced at 128 Hz where the input has 256 Hz"),
        (Fine(name="other"), "are of .'muse'., the stream is 'other'"),
        (Fine(sample_shape=(2,)), r"shaped \(4,\), `prepare` announced \(2,\)"),
        (NanAfterJump(), "after a jump of the index it is not finite"),
        (MuteAfterJump(), "after a jump of the index nothing comes"),
        (BackAfterJump(), "after a jump the index runs backward"),
        (CountsChunksAfterJump(), "after a jump .*, how the input is cut changes"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, Fine) else "",
)
def test_a_stage_that_breaks_a_law(stage: Fine, said: str, muse: StreamInfo) -> None:
    with pytest.raises(AssertionError, match=said):
        check_stage(stage, muse)


def test_noise_is_reproducible_and_cut_loses_nothing(muse: StreamInfo) -> None:
    whole = replace(noise(muse, 100), events=(Event("muse", 0.0, "marker", 0),))
    np.testing.assert_array_equal(whole.data, noise(muse, 100).data)
    assert not np.array_equal(whole.data, noise(muse, 100, seed=1).data)
    parts = cut(whole, [0, 1, 0, 60])
    assert [len(part) for part in parts] == [0, 1, 0, 60, 39]
    assert [part.index for part in parts] == [0, 0, 1, 1, 61]
    assert [len(part.events) for part in parts] == [1, 0, 0, 0, 0]
    np.testing.assert_array_equal(np.concatenate([p.data for p in parts]), whole.data)

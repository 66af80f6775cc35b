"""The laws of a stage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rtpipe.checks.signals import cut, noise, rows
from rtpipe.stage import Stage
from rtpipe.types import Chunk, Float32, Float64, StreamInfo


def check_stage(stage: Stage, info: StreamInfo, n_times: int = 1500) -> None:
    """Check the laws of `rtpipe.stage.Stage` on a stream.

    Parameters
    ----------
    stage : Stage
        With settings that fit the stream.
    info : StreamInfo
    n_times : int
        Length of the signal it is tried on, in samples. A stage that gives something
        only now and then needs a longer one.
    """
    whole = noise(info, n_times)
    half = n_times // 2
    after = stage.prepare(info)
    once = _Signal.of(stage, [whole])
    _check_output(once, whole, after, info)

    forgets = "`prepare` does not forget the run before"
    once.compare(_Signal.anew(stage, info, [whole]), forgets)
    for sizes in _cuttings(n_times):
        found = _Signal.anew(stage, info, cut(whole, sizes))
        once.compare(found, "how the input is cut into chunks changes the output")

    other = rows(noise(info, n_times, seed=1), half, n_times)
    found = _Signal.anew(stage, info, [rows(whole, 0, half), other])
    once.before(half).compare(
        found.before(half), "the output at a sample depends on later samples"
    )

    _Signal.anew(stage, info, _broken(whole, half))
    once.compare(_Signal.anew(stage, info, [whole]), forgets)
    _check_jump(stage, info, whole)


def _check_output(
    once: "_Signal", whole: Chunk, after: StreamInfo, info: StreamInfo
) -> None:
    untouched = noise(info, len(whole))
    assert np.array_equal(whole.data, untouched.data), "the input's data are modified"
    assert np.array_equal(whole.times, untouched.times), (
        "the input's times are modified"
    )
    assert len(once.index), "the stage gave nothing at all: try a longer signal"
    assert after.sfreq == info.sfreq, (
        f"the output is announced at {after.sfreq:g} Hz where the input has "
        f"{info.sfreq:g} Hz: a stage keeps the rate"
    )
    assert once.streams == {after.name}, (
        f"the chunks are of {sorted(once.streams)}, the stream is {after.name!r}"
    )
    assert once.data.dtype == np.float32, (
        f"the output is {once.data.dtype}, not float32"
    )
    assert once.data.shape[1:] == after.sample_shape, (
        f"samples are shaped {once.data.shape[1:]}, `prepare` announced "
        f"{after.sample_shape}"
    )
    assert np.isfinite(once.data).all(), "a finite input gives an output that is not"
    assert np.array_equal(once.index, np.arange(len(once.index))), (
        "the output has not the index of the input"
    )
    assert np.array_equal(once.times, whole.times[: len(once.times)]), (
        "the output has not the times of the input"
    )


def _check_jump(stage: Stage, info: StreamInfo, whole: Chunk) -> None:
    """Check that an index jump is survived, however the signal is cut."""
    n_times = len(whole)
    half = n_times // 2
    first, second = _broken(whole, half)
    once = _Signal.anew(stage, info, [first, second])
    assert np.isfinite(once.data).all(), "after a jump of the index it is not finite"
    assert once.index[-1] >= second.index, "after a jump of the index nothing comes"
    assert (np.diff(once.index) > 0).all(), "after a jump the index runs backward"
    for sizes in _cuttings(n_times - half):
        parts = [*cut(first, sizes[:3]), *cut(second, sizes)]
        found = _Signal.anew(stage, info, parts)
        once.compare(
            found, "after a jump of the index, how the input is cut changes the output"
        )


def _broken(whole: Chunk, at: int) -> tuple[Chunk, Chunk]:
    """Return the chunk as two, so far apart that no stage fills what is between."""
    lost = 10**6
    second = rows(whole, at, len(whole))
    step = float(whole.times[1] - whole.times[0])
    times = second.times + lost * step
    return rows(whole, 0, at), replace(second, index=second.index + lost, times=times)


def _cuttings(n_times: int) -> Iterator[list[int]]:
    """Yield ways to cut a signal: empty chunks, singles, a few, many, at random."""
    yield [0, 1, 1, 0, 7, n_times // 4, 64, 2, 0, 0, 1]
    yield [1] * min(n_times - 1, 200)
    rng = np.random.default_rng(n_times)
    sizes = rng.geometric(0.03, n_times) - 1
    yield sizes[np.cumsum(sizes) < n_times].tolist()


@dataclass(frozen=True, slots=True)
class _Signal:
    """What a stage gave, joined."""

    streams: set[str]
    index: NDArray[np.int64]
    times: Float64
    data: Float32
    missing: Float32

    @classmethod
    def of(cls, stage: Stage, chunks: Sequence[Chunk]) -> "_Signal":
        """Pass chunks through a prepared stage."""
        outs = [out for chunk in chunks for out in stage.process(chunk) if len(out)]
        if not outs:
            none = np.empty(0, np.float32)
            return cls(set(), none.astype(int), none.astype(float), none, none)
        return cls(
            {out.stream for out in outs},
            np.concatenate([np.arange(out.index, out.stop) for out in outs]),
            np.concatenate([out.times for out in outs]),
            np.concatenate([out.data for out in outs]),
            np.concatenate(
                [
                    np.full(len(out), -1) if out.missing is None else out.missing
                    for out in outs
                ]
            ),
        )

    @classmethod
    def anew(cls, stage: Stage, info: StreamInfo, chunks: Sequence[Chunk]) -> "_Signal":
        """Prepare a stage and pass chunks through it."""
        stage.prepare(info)
        return cls.of(stage, chunks)

    def before(self, stop: int) -> "_Signal":
        """Return what has an index below `stop`."""
        keep = self.index < stop
        return _Signal(
            self.streams,
            self.index[keep],
            self.times[keep],
            self.data[keep],
            self.missing[keep],
        )

    def compare(self, other: "_Signal", broken: str) -> None:
        """Raise AssertionError unless the other is the same, to the last bit."""
        for what in ("index", "times", "data", "missing"):
            mine, its = getattr(self, what), getattr(other, what)
            assert mine.shape == its.shape, (
                f"{broken}: {len(its)} samples instead of {len(mine)}"
            )
            differs = (mine != its).reshape(len(mine), -1).any(1)
            assert not differs.any(), (
                f"{broken}: its {what} at sample {self.index[differs.argmax()]}"
            )

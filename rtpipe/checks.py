"""The laws of stages, devices, bundles and features, as functions for any test suite.

What another package adds to rtpipe is held to the same laws::

    def test_my_stage():
        check_stage(MyStage(...), info)

Each function raises AssertionError, with a sentence, for the first law that is broken.
"""

import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe import clock
from rtpipe.card import read_card
from rtpipe.device import Device
from rtpipe.errors import RtpipeError
from rtpipe.stage import Stage
from rtpipe.types import Chunk, Float32, Float64, StreamInfo

_BATCHES = (1, 2, 3, 8, 64, 3)  # of windows; the last one again, after others
_CLOSE = 1e-5  # between a window's probabilities alone and in a batch


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
    parts = [_rows(chunk, start, stop) for start, stop in pairwise(bounds)]
    return [replace(parts[0], events=chunk.events), *parts[1:]]


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

    other = _rows(noise(info, n_times, seed=1), half, n_times)
    found = _Signal.anew(stage, info, [_rows(whole, 0, half), other])
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


def check_device(
    device: Device, seconds: float = 1.0, *, failing: Device | None = None
) -> None:
    """Check the laws of `rtpipe.device.Device` by running a device.

    Parameters
    ----------
    device : Device
        Not opened yet.
    seconds : float
        How much signal is read, at most: a paced device takes that long.
    failing : Device or None
        One like it that cannot be opened, to see that it fails with an error of
        `rtpipe.errors`, and can be closed all the same.
    """
    if failing is not None:
        _check_failing(failing)
    assert isinstance(device.paced, bool), f"paced is {device.paced!r}: say True, False"
    assert device.clock in ("run", "recording"), (
        f"clock is {device.clock!r}: say 'run' or 'recording'"
    )
    opened = clock.now()
    try:
        tracks = {info.name: _Track(info) for info in _opened(device)}
        while not _enough(tracks, seconds, device.paced, opened):
            chunks = device.read(0.1)
            if chunks is None:
                break
            for chunk in chunks:
                assert chunk.stream in tracks, (
                    f"a chunk is of {chunk.stream!r}, which `open` did not name"
                )
                tracks[chunk.stream].follow(chunk, opened, device.clock == "run")
        for name, track in tracks.items():
            assert track.received, f"{name}: not one sample came in {seconds:g} s"
    finally:
        device.close()
    device.close()  # twice is safe


def _check_failing(device: Device) -> None:
    said = None
    try:
        device.open()
    except RtpipeError as error:
        said = str(error)
    device.close()
    device.close()
    assert said is not None, "the device that was to fail was opened"
    assert said, "`open` fails without a sentence"


def _opened(device: Device) -> Sequence[StreamInfo]:
    infos = device.open()
    names = [info.name for info in infos]
    assert names, "`open` returns no stream"
    assert all(names), "`open` returns a stream without a name"
    assert len(set(names)) == len(names), f"two streams have the same name: {names}"
    return infos


def _enough(
    tracks: dict[str, "_Track"], seconds: float, paced: bool, opened: float
) -> bool:
    """Tell whether a device was read long enough, in its time or in that given it."""
    waited = clock.now() - opened
    if paced:
        return waited >= seconds
    full = all(each.received >= seconds * each.info.sfreq for each in tracks.values())
    return full or waited >= 10 + 10 * seconds


@dataclass(slots=True)
class _Track:
    """What one stream of a device has given so far."""

    info: StreamInfo
    stop: int | None = None  # index expected next
    received: int = 0
    last_time: float = -np.inf

    def follow(self, chunk: Chunk, opened: float, on_run_clock: bool) -> None:
        """Check a chunk against those before it."""
        now, name = clock.now(), self.info.name
        assert chunk.data.dtype == np.float32, (
            f"{name}: data are {chunk.data.dtype}, not float32"
        )
        assert chunk.data.shape[1:] == self.info.sample_shape, (
            f"{name}: samples are shaped {chunk.data.shape[1:]}, `open` announced "
            f"{self.info.sample_shape}"
        )
        assert chunk.times.dtype == np.float64, (
            f"{name}: times are {chunk.times.dtype}, not float64"
        )
        assert chunk.missing is None, f"{name}: `missing` is for the gap stage to say"
        assert opened <= chunk.arrived <= now, (
            f"{name}: a chunk arrived at {chunk.arrived:.3f} s by its own account, and "
            f"was read between {opened:.3f} and {now:.3f} s"
        )
        if self.stop is not None:
            assert chunk.index >= self.stop, (
                f"{name}: a chunk begins with sample {chunk.index}, "
                f"{self.stop} was to come"
            )
        times = np.concatenate(([self.last_time], chunk.times))
        assert np.isfinite(chunk.times).all(), f"{name}: a time is not a number"
        assert (times[1:] >= times[:-1]).all(), f"{name}: times decrease"
        if on_run_clock:
            assert times[-1] <= now, (
                f"{name}: a sample is {times[-1] - now:.3f} s in the future"
            )
        self._events(chunk)
        self.stop, self.last_time = chunk.stop, float(times[-1])
        self.received += len(chunk)

    def _events(self, chunk: Chunk) -> None:
        for event in chunk.events:
            assert event.stream == chunk.stream, (
                f"{chunk.stream}: an event is of the stream {event.stream!r}"
            )
            assert event.index is None or event.index < chunk.stop, (
                f"{chunk.stream}: an event is of sample {event.index}, "
                f"which comes later than its chunk"
            )
            try:
                json.dumps(event.data)
            except (TypeError, ValueError) as error:
                raise AssertionError(
                    f"{chunk.stream}: an event's data cannot be written: {error}"
                ) from None


def check_bundle(path: Path) -> None:
    """Check that a bundle does what `rtpipe.bundle` says, in torch alone.

    Parameters
    ----------
    path : Path
    """
    import torch

    from rtpipe.bundle import Bundle

    card = read_card(path)
    Bundle.load(path)  # is not refused, and has the weights its card was written for
    with _quiet():
        module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    n_labels, shape = len(card.labels), (len(card.ch_names), card.n_times)

    def answer(x: Float32) -> Float32:
        with torch.inference_mode():
            found: Float32 = module(torch.from_numpy(x)).numpy()
        return found

    windows = _windows(max(_BATCHES), *shape)
    try:
        alone = np.concatenate([answer(window[None]) for window in windows])
    except RuntimeError as error:
        last = str(error).strip().splitlines()[-1]
        raise AssertionError(
            f"it does not take the {shape[0]} channels of {shape[1]} samples that its "
            f"card names: {last}"
        ) from None
    for size in _BATCHES:
        found = answer(windows[:size])
        assert found.dtype == np.float32, f"probabilities are {found.dtype}"
        assert found.shape == (size, n_labels), (
            f"{size} windows give {found.shape}, the card has {n_labels} labels"
        )
        assert (found >= 0).all(), "a probability is negative"
        assert np.allclose(found.sum(1), 1, atol=_CLOSE), "they do not sum to one"
        assert np.allclose(found, alone[:size], rtol=0, atol=_CLOSE), (
            f"a window in a batch of {size} is answered otherwise than alone"
        )
    for what, x in {
        "zeros": np.zeros((2, *shape), np.float32),
        "a large offset": windows[:2] + np.float32(1e6),
        "large values": windows[:2] * np.float32(1e4),
    }.items():
        assert np.isfinite(answer(x)).all(), f"the answer to {what} is not finite"
    with torch.inference_mode():
        features = module.features(torch.from_numpy(windows))
        two_steps = module.probabilities(features, module.mean, module.scale).numpy()
        weights = module.weights(features).numpy()
        weights_alone = [module.weights(row[None]).numpy() for row in features]
    assert np.allclose(two_steps, alone, rtol=0, atol=_CLOSE), (
        "features and probabilities give another answer than both in one"
    )
    assert weights.shape == (len(windows),), (
        f"{len(windows)} windows have weights shaped {weights.shape}"
    )
    assert ((weights >= 0) & (weights <= 1)).all(), "a weight is not within 0 and 1"
    assert np.allclose(weights, np.concatenate(weights_alone), atol=_CLOSE), (
        "a window in a batch weighs otherwise than alone"
    )


def check_feature(module: Any, n_channels: int, n_times: int) -> None:
    """Check what training and bundles rely on in a feature.

    Parameters
    ----------
    module : Module
        (batch, n_channels, n_times) float32 to (batch, n_features) float32, with a
        method ``names(ch_names)``.
    n_channels, n_times : int
        Of the windows it is made for.
    """
    import torch

    x = torch.from_numpy(_windows(max(_BATCHES), n_channels, n_times))
    before = x.clone()
    with _quiet():
        try:
            scripted = torch.jit.script(module)
        except Exception as error:
            first = str(error).strip().splitlines()[0]
            raise AssertionError(f"it cannot be scripted: {first}") from None
    with torch.inference_mode():
        alone = torch.cat([module(window[None]) for window in x])
        assert torch.equal(x, before), "the windows are modified"
        assert alone.dtype == torch.float32, f"features are {alone.dtype}, not float32"
        assert alone.ndim == 2, f"features are shaped {tuple(alone.shape)}"
        for size in _BATCHES:
            assert _same(module(x[:size]), alone[:size]), (
                f"a window in a batch of {size} is described otherwise than alone"
            )
            assert _same(scripted(x[:size]), alone[:size]), (
                "scripted, it describes a window otherwise"
            )
        zeros = module(torch.zeros_like(x[:2]))
    assert torch.isfinite(alone).all(), "a feature of noise is not finite"
    assert torch.isfinite(zeros).all(), "a feature of zeros is not finite"
    names = module.names([f"channel{k}" for k in range(n_channels)])
    assert len(names) == alone.shape[1], (
        f"{len(names)} names for {alone.shape[1]} features"
    )
    assert len(set(names)) == len(names), "two features have the same name"


def _same(found: Any, wanted: Any) -> bool:
    return found.shape == wanted.shape and np.allclose(
        found.numpy(), wanted.numpy(), rtol=1e-4, atol=1e-5
    )


def _windows(n: int, n_channels: int, n_times: int) -> Float32:
    """Return windows of noise, some stronger than others, shape (n, ...)."""
    rng = np.random.default_rng(0)
    strength = 2 ** rng.uniform(0, 6, (n, n_channels, 1))
    noise = rng.standard_normal((n, n_channels, n_times))
    return (strength * noise).astype(np.float32)


def _rows(chunk: Chunk, start: int, stop: int) -> Chunk:
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


def _broken(whole: Chunk, at: int) -> tuple[Chunk, Chunk]:
    """Return the chunk as two, so far apart that no stage fills what is between."""
    lost = 10**6
    second = _rows(whole, at, len(whole))
    step = float(whole.times[1] - whole.times[0])
    times = second.times + lost * step
    return _rows(whole, 0, at), replace(second, index=second.index + lost, times=times)


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


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence torch's word that TorchScript is deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield

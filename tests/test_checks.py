"""Each law is seen to be broken: a check that cannot fail proves nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.jit import is_scripting  # type: ignore[attr-defined]

from rtpipe import clock
from rtpipe.bundle import Exported, Standardised, save
from rtpipe.card import Card, Placements, Training
from rtpipe.checks import (
    check_bundle,
    check_device,
    check_feature,
    check_stage,
    cut,
    noise,
)
from rtpipe.errors import DeviceNotFound
from rtpipe.features.placement import Placement
from rtpipe.types import Chunk, Event, StreamInfo

# Stages -----------------------------------------------------------------------------


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


# Devices ----------------------------------------------------------------------------


class Made:
    """A device of two chunks; each may be changed before it is read."""

    clock: Literal["run", "recording"] = "run"
    paced = False

    def __init__(
        self,
        info: StreamInfo,
        change: Callable[[Chunk], Chunk] = lambda chunk: chunk,
        **attributes: Any,
    ) -> None:
        self.info, self.change, self.closed = info, change, 0
        for name, value in attributes.items():
            setattr(self, name, value)

    def open(self) -> Sequence[StreamInfo]:
        self.left = [0, 10]
        return [self.info]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        if not self.left:
            return None
        index = self.left.pop(0)
        now = clock.now()
        times = now - np.arange(10)[::-1] / 1e6
        shape = (10, *self.info.sample_shape)
        data = np.zeros(shape, np.float32)
        chunk = Chunk(self.info.name, index, times, data, arrived=now)
        return [self.change(chunk) if index else chunk]

    def close(self) -> None:
        self.closed += 1


class Silent(Made):
    def read(self, timeout: float) -> Sequence[Chunk] | None:
        return None


class Twins(Made):
    def open(self) -> Sequence[StreamInfo]:
        return [self.info, self.info]


class Nameless(Made):
    def open(self) -> Sequence[StreamInfo]:
        return [replace(self.info, name="")]


class Streamless(Made):
    def open(self) -> Sequence[StreamInfo]:
        return []


class Absent(Made):
    said = "nothing answers"

    def open(self) -> Sequence[StreamInfo]:
        raise DeviceNotFound(self.said)


def test_a_device_that_keeps_the_laws(muse: StreamInfo) -> None:
    device = Made(muse)
    absent = Absent(muse)
    check_device(device, failing=absent)
    assert device.closed == absent.closed == 2


def test_a_device_is_closed_when_it_breaks_a_law(muse: StreamInfo) -> None:
    device = Silent(muse)
    with pytest.raises(AssertionError, match=r"muse: not one sample came in 0.5 s"):
        check_device(device, 0.5)
    assert device.closed == 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Twins, "two streams have the same name"),
        (Nameless, "a stream without a name"),
        (Streamless, "`open` returns no stream"),
    ],
)
def test_a_device_whose_streams_are_wrong(
    make: type[Made], said: str, muse: StreamInfo
) -> None:
    with pytest.raises(AssertionError, match=said):
        check_device(make(muse))


def event(chunk: Chunk, **changes: Any) -> Chunk:
    fine = Event("muse", 0.0, "marker", chunk.index)
    return replace(chunk, events=(replace(fine, **changes),))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: replace(c, stream="x"), "of 'x', which `open` did not name"),
        (lambda c: replace(c, data=c.data.astype("f8")), "are float64, not float32"),
        (lambda c: replace(c, data=c.data[:, :1]), r"\(1,\), `open` announced \(4,\)"),
        (lambda c: replace(c, times=c.times.astype("f4")), "are float32, not float64"),
        (lambda c: replace(c, missing=c.data[:, 0]), "for the gap stage to say"),
        (lambda c: replace(c, arrived=0.0), "arrived at 0.000 s by its own account"),
        (lambda c: replace(c, arrived=c.arrived + 9), "by its own account"),
        (lambda c: replace(c, index=9), "begins with sample 9, 10 was to come"),
        (lambda c: replace(c, times=c.times[::-1]), "times decrease"),
        (lambda c: replace(c, times=c.times - 9), "times decrease"),
        (lambda c: replace(c, times=c.times * np.nan), "a time is not a number"),
        (lambda c: replace(c, times=c.times + 9), r"a sample is \d\.\d+ s in the fut"),
        (lambda c: event(c, stream="x"), "an event is of the stream 'x'"),
        (lambda c: event(c, index=20), "an event is of sample 20, which comes later"),
        (lambda c: event(c, data={"x": {1}}), "event's data cannot be written: Obj"),
    ],
)
def test_a_device_that_breaks_a_law(
    change: Callable[[Chunk], Chunk], said: str, muse: StreamInfo
) -> None:
    with pytest.raises(AssertionError, match=said):
        check_device(Made(muse, change))


def test_events_that_a_device_may_tell(muse: StreamInfo) -> None:
    check_device(Made(muse, lambda c: event(c, data={"text": "a"})))
    check_device(Made(muse, lambda c: event(c, index=None)))


def test_times_of_a_recording_may_be_any(muse: StreamInfo) -> None:
    later = Made(muse, lambda c: replace(c, times=c.times + 9), clock="recording")
    check_device(later)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"paced": None}, "paced is None: say True, False"),
        ({"clock": "wall"}, "clock is 'wall': say 'run' or 'recording'"),
    ],
)
def test_a_device_that_says_nonsense(
    attributes: dict[str, Any], said: str, muse: StreamInfo
) -> None:
    with pytest.raises(AssertionError, match=said):
        check_device(Made(muse, **attributes))


def test_a_failing_device_has_to_fail_with_a_sentence(muse: StreamInfo) -> None:
    with pytest.raises(AssertionError, match="that was to fail was opened"):
        check_device(Made(muse), failing=Made(muse))
    with pytest.raises(AssertionError, match="fails without a sentence"):
        check_device(Made(muse), failing=Absent(muse, said=""))


def test_a_paced_device_is_read_for_its_time(muse: StreamInfo) -> None:
    class Steady(Made):
        def read(self, timeout: float) -> Sequence[Chunk] | None:
            self.left = [*self.left, self.left[-1] + 10]
            return super().read(timeout)

    check_device(Steady(muse, paced=True), 0.05)
    check_device(Steady(muse), 0.05)


# Bundles ----------------------------------------------------------------------------


class Power(nn.Module):
    """Logarithm of each channel's power: the feature to be broken."""

    def forward(self, x: Tensor) -> Tensor:
        return x.square().mean(2).clamp_min(1e-6).log()

    def names(self, ch_names: Sequence[str]) -> list[str]:
        return [f"power_{name}" for name in ch_names]


class Logits(nn.Module):
    """Answers with logits, not with probabilities."""

    def __init__(self, describe: nn.Module) -> None:
        super().__init__()
        self.describe = describe
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("scale", torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.probabilities(self.features(x), self.mean, self.scale)

    @torch.jit.export
    def features(self, x: Tensor) -> Tensor:
        described: Tensor = self.describe(x)
        return described

    @torch.jit.export
    def probabilities(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return features[:, :3]

    @torch.jit.export
    def weights(self, features: Tensor) -> Tensor:
        return torch.ones(features.shape[0])


class OfTheBatch(Power):
    def forward(self, x: Tensor) -> Tensor:
        return x.square().mean(2).log1p() - x.square().mean().log1p()


class NanOfZeros(Power):
    def forward(self, x: Tensor) -> Tensor:
        power = x.square().mean(2)
        return power / power


class Overflows(Power):
    def forward(self, x: Tensor) -> Tensor:
        power = x.square().mean(2).square().square()
        return power - power


class ForThreeChannels(Power):
    def forward(self, x: Tensor) -> Tensor:
        return (x.transpose(1, 2) @ torch.ones(3, 4)).mean(1)


class TwoAnswers(Logits):
    def forward(self, x: Tensor) -> Tensor:
        return torch.full((x.shape[0], 3), 1 / 3)

    @torch.jit.export
    def probabilities(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return torch.softmax(features[:, :3], 1)


class Negative(Logits):
    @torch.jit.export
    def probabilities(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return torch.tensor([[2.0, -2.0, 1.0]]).repeat(features.shape[0], 1)


class Wide(Logits):
    @torch.jit.export
    def probabilities(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return torch.softmax(features[:, :3].double(), 1)


class HeavyWindows(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return torch.full((features.shape[0],), 1.1)


class WeightPerFeature(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return features.sigmoid()


class WeightOfTheBatch(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return torch.softmax(features[:, 0], 0)


def exported(
    describe: nn.Module,
    n_labels: int = 3,
    weigh: nn.Module | None = None,
    place: nn.Module | None = None,
) -> nn.Module:
    torch.manual_seed(0)
    head = Standardised(nn.Linear(4, n_labels))
    return Exported(describe, head, torch.zeros(4), torch.ones(4), weigh, place)


def placed(*orders: Sequence[int]) -> Placement:
    return Placement(orders, np.ones((1, 4)), np.eye(4), np.ones(4), 0.0)


class AgainstTheFirst(Placement):
    def forward(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return features[:, :2]


class OfTheWholeBatch(Placement):
    def forward(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        likely = features[:, :2].mean(0).abs() * torch.tensor([0.0, 1.0])
        return likely.expand(len(features), 2)


class DoublesValues(Placement):
    @torch.jit.export
    def placed(self, values: Tensor, placement: Tensor) -> Tensor:
        return values * (1 + placement[:, None])


class InfinitelySure(Placement):
    def forward(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return features[:, :2].square() * torch.tensor([0.0, float("inf")])


TWO = [range(4), range(3, -1, -1)], np.ones((1, 4)), np.eye(4), np.ones(4), 0.0
WORN = Placements(names=("as in training", "mirrored"), lead=20.0, depth=50.0)


@pytest.fixture
def saved(muse: StreamInfo, tmp_path: Path) -> Callable[..., Path]:
    def saved(module: Any, placements: Placements | None = None) -> Path:
        card = Card(
            name="made",
            task="mood",
            labels=("calm", "glad", "sad"),
            sfreq=muse.sfreq,
            ch_names=muse.ch_names,
            units=muse.units,
            n_times=64,
            hop=16,
            adapts=None if placements is None else 9.0,
            placements=placements,
            training=Training(recipe="none", protocol="none", seed=0, simulated=True),
        )
        path = tmp_path / "made.pt"
        save(path, module, card)
        return path

    return saved


def test_a_bundle_that_keeps_its_promise(saved: Callable[..., Path]) -> None:
    check_bundle(saved(exported(Power())))
    check_bundle(saved(exported(Power(), place=Placement(*TWO)), WORN))


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (exported(OfTheBatch()), "in a batch of 2 is answered otherwise than alone"),
        (exported(NanOfZeros()), "the answer to zeros is not finite"),
        (exported(Overflows()), "the answer to a large offset is not finite"),
        (exported(ForThreeChannels()), "does not take the 4 channels of 64 samples"),
        (exported(Power(), 5), r"1 windows give \(1, 5\), the card has 3 labels"),
        (Logits(Power()), "a probability is negative|do not sum to one"),
        (Negative(Power()), "a probability is negative"),
        (Wide(Power()), "probabilities are float64"),
        (TwoAnswers(Power()), "another answer than both in one"),
        (exported(Power(), weigh=HeavyWindows()), "a weight is not within 0 and 1"),
        (exported(Power(), weigh=WeightPerFeature()), r"weights shaped \(64, 4\)"),
        (exported(Power(), weigh=WeightOfTheBatch()), "weighs otherwise than alone"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, nn.Module) else "",
)
def test_a_bundle_that_breaks_its_promise(
    module: nn.Module, said: str, saved: Callable[..., Path]
) -> None:
    path = saved(module)
    with pytest.raises(AssertionError, match=said):
        check_bundle(path)


def test_a_card_of_placements_on_a_module_that_knows_of_none(
    saved: Callable[..., Path],
) -> None:
    class Older(nn.Module):
        """Has no method that tells of placements."""

        def __init__(self, made: Any) -> None:
            super().__init__()
            self.made = made
            self.mean, self.scale = made.mean, made.scale

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.made(x)
            return answer

        @torch.jit.export
        def features(self, x: Tensor) -> Tensor:
            found: Tensor = self.made.features(x)
            return found

        @torch.jit.export
        def probabilities(self, f: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
            found: Tensor = self.made.probabilities(f, mean, scale)
            return found

        @torch.jit.export
        def weights(self, f: Tensor) -> Tensor:
            found: Tensor = self.made.weights(f)
            return found

    path = saved(Older(exported(Power())), WORN)
    with pytest.raises(AssertionError, match="and it has no method evidence"):
        check_bundle(path)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (None, r"evidence is shaped \(64, 1\), the card has 2 placements"),
        (AgainstTheFirst(*TWO), "there is evidence against the first placement"),
        (InfinitelySure(*TWO), "evidence is not finite"),
        (OfTheWholeBatch(*TWO), "a window in a batch is other evidence than alone"),
        (placed(range(3, -1, -1), range(4)), "the first placement changes features"),
        (DoublesValues(*TWO), "placement 1 is no other order of the features"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, nn.Module) else "",
)
def test_placements_that_break_their_promise(
    place: nn.Module | None, said: str, saved: Callable[..., Path]
) -> None:
    path = saved(exported(Power(), place=place), WORN)
    with pytest.raises(AssertionError, match=said):
        check_bundle(path)


# Features ---------------------------------------------------------------------------


class Unscriptable(Power):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + len({*range(3)})


class Modifies(Power):
    def forward(self, x: Tensor) -> Tensor:
        x *= 2
        return x.mean(2)


class InDouble(Power):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(2).double()


class Cube(Power):
    def forward(self, x: Tensor) -> Tensor:
        return x


class OtherWhenScripted(Power):
    def forward(self, x: Tensor) -> Tensor:
        if is_scripting():
            return x.mean(2)
        return x.std(2)


class FewNames(Power):
    def names(self, ch_names: Sequence[str]) -> list[str]:
        return ["power"]


class OneName(Power):
    def names(self, ch_names: Sequence[str]) -> list[str]:
        return ["power"] * len(ch_names)


class InfiniteOfNoise(Power):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(2) / 0


def test_a_feature_that_keeps_the_laws() -> None:
    check_feature(Power(), 4, 64)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (Unscriptable(), "it cannot be scripted"),
        (Modifies(), "the windows are modified"),
        (InDouble(), "features are torch.float64, not float32"),
        (Cube(), r"features are shaped \(64, 4, 64\)"),
        (OfTheBatch(), "in a batch of 2 is described otherwise than alone"),
        (OtherWhenScripted(), "scripted, it describes a window otherwise"),
        (InfiniteOfNoise(), "a feature of noise is not finite"),
        (NanOfZeros(), "a feature of zeros is not finite"),
        (FewNames(), "1 names for 4 features"),
        (OneName(), "two features have the same name"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, nn.Module) else "",
)
def test_a_feature_that_breaks_a_law(module: nn.Module, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_feature(module, 4, 64)

"""Every stage keeps the laws; test_stages_NAME.py compares with independent answers."""

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

import numpy as np
import pytest

from rtpipe.checks import check_stage
from rtpipe.registry import find
from rtpipe.stage import Chain, Stage
from rtpipe.stages.adapt import ChannelScale
from rtpipe.stages.filter import Filter
from rtpipe.stages.gaps import Gaps
from rtpipe.stages.pick import Pick
from rtpipe.stages.rereference import Rereference
from rtpipe.types import StreamInfo

from .chunks import chunk_of

# For each registered stage, settings that fit the streams `muse` and `armband`.
REGISTERED: dict[str, list[Callable[[StreamInfo], dict[str, Any]]]] = {
    "channel_scale": [
        lambda info: {"prior": (20.0,) * info.n_channels, "worth": 0.1},
        lambda info: {"prior": tuple(range(1, info.n_channels + 1)), "worth": 1e3},
    ],
    "filter": [
        lambda _: {"low": 1.0, "high": 40.0},
        lambda _: {"low": 20.0, "notch": 2},
        lambda _: {"high": 30.0, "order": 1},
        lambda _: {"notch": 1, "quality": 5.0},
    ],
    "pick": [lambda info: {"ch_names": info.ch_names[2::-1]}],
    "rereference": [lambda _: {}, lambda info: {"ref_channels": info.ch_names[:2]}],
}
MADE = [(name, make) for name, makes in REGISTERED.items() for make in makes]


def test_no_registered_stage_is_forgotten() -> None:
    declared = entry_points(group="rtpipe.stages")
    ours = {each.name for each in declared if each.module.startswith("rtpipe.")}
    assert ours == set(REGISTERED)


@pytest.mark.parametrize("stream", ["muse", "armband"])
@pytest.mark.parametrize(("name", "make"), MADE)
def test_registered_stages_keep_the_laws(
    name: str,
    make: Callable[[StreamInfo], dict[str, Any]],
    stream: str,
    request: pytest.FixtureRequest,
) -> None:
    info: StreamInfo = request.getfixturevalue(stream)
    check_stage(find("stages", name)(**make(info)), info)


def test_gaps_keep_the_laws(muse: StreamInfo, armband: StreamInfo) -> None:
    check_stage(Gaps(), muse)
    check_stage(Gaps(longest=0.0), armband)
    check_stage(Gaps(), replace(muse, sample_shape=(4, 2, 3)))


def test_a_chain_keeps_the_laws(muse: StreamInfo) -> None:
    stages = (
        Gaps(),
        Rereference(),
        Filter(low=1, high=40, notch=1),
        ChannelScale(prior=(20.0,) * 4, worth=100),
        Pick(ch_names=("AF8", "TP9")),
    )
    check_stage(Chain(stages), muse)
    check_stage(Chain(()), muse)
    after = Chain(stages).prepare(muse)
    assert after.ch_names == ("AF8", "TP9")
    assert after.units == ("none", "none")


def test_a_stage_keeps_its_settings() -> None:
    stage = Filter(low=1, high=40)
    before = vars(stage).copy()
    info = StreamInfo("s", 256.0, ("a",), ("eeg",), ("uV",))
    check_stage(stage, info)
    assert {key: vars(stage)[key] for key in before} == before


@pytest.mark.parametrize("stage", [Filter(low=1.0), Rereference()])
def test_what_float32_does_not_hold_is_infinite_and_no_warning(
    stage: Stage, muse: StreamInfo
) -> None:
    largest = np.finfo(np.float32).max
    rows = np.full((100, 4), largest)
    rows[:, 1:] *= -1
    rows[50:] *= -1
    stage.prepare(muse)
    (out,) = stage.process(chunk_of(muse, rows))
    assert np.isposinf(out.data[50:, 1]).any() or np.isposinf(out.data[:, 0]).any()
    assert not np.isnan(out.data).any()

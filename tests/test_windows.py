"""The windows of training are, to the last bit, those a run answers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rtpipe.card import Card, StageCard, Training
from rtpipe.checks import noise
from rtpipe.pipeline import Pipeline
from rtpipe.recording import Recording
from rtpipe.training.windows import windows
from rtpipe.types import Chunk, Event, StreamInfo

STAGES: dict[str, tuple[StageCard, ...]] = {
    "raw": (),
    "filter": (StageCard(kind="filter", settings={"low": 1.0, "high": 40.0}),),
    "all": (
        StageCard(kind="pick", settings={"ch_names": ["AF8", "TP9", "AF7"]}),
        StageCard(kind="rereference"),
        StageCard(kind="filter", settings={"low": 5.0, "notch": 2}),
        StageCard(kind="channel_scale", settings={"prior": [9.0] * 3, "worth": 77.7}),
    ),
}


def recorded(info: StreamInfo, n: int = 2000, lost: tuple[int, ...] = ()) -> Recording:
    """Return noise with NaN, labels of two tasks, and gaps, evenly apart."""
    rng = np.random.default_rng(0)
    data = noise(info, n).data.copy()
    data[rng.random(data.shape) < 0.01] = np.nan
    index = 11 + np.arange(n)
    for k, samples in enumerate(lost, 1):
        index[k * n // (len(lost) + 1) :] += samples
    labels = ["calm", "glad", None, "calm"]
    events = [
        Event("muse", 0.0, "truth", int(index[at]), {"task": task, "label": label})
        for at, label in zip(range(100, n, n // 4), labels, strict=False)
        for task in ("emotion", "other")
    ]
    events.append(Event("muse", 0.0, "marker", int(index[-1]), {"text": "end"}))
    return Recording(info, index, index / info.sfreq, data, tuple(events))


def of_a_run(
    recording: Recording, stages: tuple[StageCard, ...], n_times: int, hop: int
) -> tuple[Any, list[int], list[str | None]]:
    """Return what a pipeline gives, sample packet after sample packet."""
    info = recording.info
    card = Card(
        name="m",
        task="emotion",
        labels=("calm", "glad"),
        sfreq=info.sfreq,
        ch_names=info.ch_names,
        units=info.units,
        n_times=n_times,
        hop=hop,
        stages=stages,
        training=Training(recipe="r", protocol="p", seed=0, simulated=True),
    )
    pipeline = Pipeline(info, {"m": card}, "recording")
    found, index, truth = [], [], []
    jumps = np.flatnonzero(np.diff(recording.index) > 1) + 1
    packets = np.arange(0, len(recording.index), 12)
    for rows in np.split(
        np.arange(len(recording.index)), np.union1d(jumps, packets[1:])
    ):
        at = recording.index[rows]
        events = tuple(
            each
            for each in recording.events
            if each.index is not None and at[0] <= each.index <= at[-1]
        )
        chunk = Chunk(
            info.name,
            int(at[0]),
            recording.times[rows],
            recording.data[rows],
            events=events,
        )
        due, _ = pipeline.process(chunk)
        found += [each.ring.view(each.start, each.stop).T.copy() for each in due]
        index += [each.stop - 1 for each in due]
        truth += [each.truth for each in due]
    pipeline.close()
    return np.array(found), index, truth


@pytest.mark.parametrize("stages", STAGES.values(), ids=STAGES.keys())
@pytest.mark.parametrize("lost", [(), (5,), (26,), (300, 7, 40, 1000)], ids=str)
@pytest.mark.parametrize(("n_times", "hop"), [(128, 16), (50, 70)])
def test_windows_are_those_of_a_run(
    stages: tuple[StageCard, ...],
    lost: tuple[int, ...],
    n_times: int,
    hop: int,
    muse: StreamInfo,
) -> None:
    recording = recorded(muse, lost=lost)
    found = windows(recording, stages, n_times, hop, "emotion")
    x, index, truth = of_a_run(recording, stages, n_times, hop)
    np.testing.assert_array_equal(found.x, x)
    assert found.x.dtype == np.float32
    np.testing.assert_array_equal(found.index, index)
    assert list(found.truth) == truth
    assert {*found.truth} == {"calm", "glad", None}


def test_a_task_has_its_own_truth(muse: StreamInfo) -> None:
    found = windows(recorded(muse), (), 128, 16, "gesture")
    assert {*found.truth} == {None}
    assert {*windows(recorded(muse), (), 128, 16, "other").truth} > {"calm", "glad"}


def test_a_recording_without_gaps_is_not_copied(muse: StreamInfo) -> None:
    found = windows(recorded(muse), (), 128, 1, "emotion")
    assert found.x.shape == (2000 - 128 + 1, 4, 128)
    assert np.shares_memory(found.x[0], found.x[127])


@pytest.mark.parametrize("stages", STAGES.values(), ids=STAGES.keys())
def test_a_recording_shorter_than_a_window_has_none(
    stages: tuple[StageCard, ...], muse: StreamInfo
) -> None:
    n_channels = 3 if len(stages) > 1 else 4
    for lost in ((), (500,)):
        found = windows(recorded(muse, 100, lost), stages, 101, 10, "emotion")
        assert found.x.shape == (0, n_channels, 101)
        assert found.x.dtype == np.float32
        assert found.index.shape == (0,)
        assert found.index.dtype == np.int64
        assert found.truth == ()
    one = windows(recorded(muse, 101), stages, 101, 10, "emotion")
    assert len(one.x) == 1


def test_a_stage_that_does_not_fit_is_told(muse: StreamInfo) -> None:
    stage = StageCard(kind="filter", settings={"low": 1.0, "high": 40.0})
    slow = recorded(replace(muse, sfreq=50.0), 300)
    with pytest.raises(ValueError, match="muse: a pass band from 1"):
        windows(slow, (stage,), 50, 10, "emotion")

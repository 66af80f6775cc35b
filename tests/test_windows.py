"""The windows of training are, to the last bit, those a run answers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rtpipe.devices.replay import ReplayDevice
from torch import Tensor, nn

from rtpipe.bundle import Bundle, Exported, Standardised, save
from rtpipe.card import Card, StageCard, Training
from rtpipe.checks import noise
from rtpipe.counters import StreamCounters
from rtpipe.decide import Decision
from rtpipe.pipeline import Pipeline
from rtpipe.recording import Recording, read
from rtpipe.ring import Ring
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Run, StreamStatus
from rtpipe.sinks.collect import Collect
from rtpipe.sinks.recorder import Recorder
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


def recorded(
    info: StreamInfo,
    n: int = 2000,
    lost: tuple[int, ...] = (),
    late: tuple[int, ...] = (),
) -> Recording:
    """Return noise with NaN, labels of two tasks, and gaps, evenly apart.

    At each row of `late` the index steps back to what has been, for thirty samples.
    """
    rng = np.random.default_rng(0)
    data = noise(info, n).data.copy()
    data[rng.random(data.shape) < 0.01] = np.nan
    index = 11 + np.arange(n)
    for k, samples in enumerate(lost, 1):
        index[k * n // (len(lost) + 1) :] += samples
    for row in late:
        index[row : row + 30] = index[row] - 500 + np.arange(30)
        index[row + 30 :] -= 30
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
    card = card_of(recording.info, stages, n_times, hop)
    pipeline = Pipeline(recording.info, {"m": card}, "recording")
    found, index, truth = [], [], []
    for chunk in packets(recording):
        due, _ = pipeline.process(chunk)
        found += [each.ring.view(each.start, each.stop).T.copy() for each in due]
        index += [each.stop - 1 for each in due]
        truth += [each.truth for each in due]
    pipeline.close()
    return np.array(found), index, truth


def card_of(
    info: StreamInfo, stages: tuple[StageCard, ...], n_times: int, hop: int
) -> Card:
    return Card(
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


def packets(recording: Recording) -> Iterator[Chunk]:
    """Yield a recording as a device would, with what it told."""
    jumps = np.flatnonzero(np.diff(recording.index) != 1) + 1
    begins = np.arange(12, len(recording.index), 12)
    for rows in np.split(np.arange(len(recording.index)), np.union1d(jumps, begins)):
        at = recording.index[rows]
        events = tuple(
            each
            for each in recording.events
            if each.index is not None and at[0] <= each.index <= at[-1]
        )
        yield Chunk(
            recording.info.name,
            int(at[0]),
            recording.times[rows],
            recording.data[rows],
            events=events,
        )


def write(path: Path, recording: Recording, origin: int | None) -> None:
    """Record it, as if the run had begun with the sample `origin`."""
    info = recording.info
    ring = Ring(info.sample_shape, 10)
    status = StreamStatus(info, ring, StreamCounters(), ("?",) * 4, clock="recording")
    run = Run("bench", 0.0, {info.name: status}, {}, lambda: None, print)
    origins = None if origin is None else {info.name: origin}
    recorder = Recorder(path, lambda events: None, origins)
    recorder.open(run)
    for chunk in packets(recording):
        recorder.take([chunk, *chunk.events])
    recorder.close()


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


@pytest.mark.parametrize("late", [(), (700,), (640, 670, 1200)], ids=str)
@pytest.mark.parametrize("origin", [None, -100, 4])
@pytest.mark.parametrize("stages", STAGES.values(), ids=STAGES.keys())
def test_late_samples_and_the_origin_count_as_in_a_run(
    stages: tuple[StageCard, ...],
    late: tuple[int, ...],
    origin: int | None,
    muse: StreamInfo,
) -> None:
    recording = recorded(replace(muse, origin=origin), lost=(300, 7), late=late)
    found = windows(recording, stages, 128, 16, "emotion")
    x, index, truth = of_a_run(recording, stages, 128, 16)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_array_equal(found.x, x)
    assert list(found.truth) == truth
    begun = 11 if origin is None else origin
    assert {(each - begun - 127) % 16 for each in index} == {0}


class Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(-1)


@pytest.mark.parametrize("origin", [None, 4])
def test_they_are_those_that_the_replay_of_a_recording_answers(
    origin: int | None, muse: StreamInfo, tmp_path: Path
) -> None:
    whole = recorded(muse, lost=(300, 7), late=(640, 670, 1200))
    write(tmp_path / "x.xdf", whole, origin)
    (recording,) = read(tmp_path / "x.xdf")
    np.testing.assert_array_equal(recording.index, whole.index)
    card = card_of(recording.info, STAGES["filter"], 128, 16)
    path = tmp_path / "m.pt"
    parts = Mean(), Standardised(nn.Linear(4, 2)), torch.zeros(4), torch.ones(4)
    save(path, Exported(*parts), card)
    bundle = Bundle.load(path)
    sink = Collect()
    device = ReplayDevice(tmp_path / "x.xdf", speed="max", chunk=61)
    bundles = [("m", bundle, Decision())]
    copy = tmp_path / "y.xdf"
    with Runtime([device], bundles, [sink], shared=False, record=copy) as runtime:
        runtime.wait()
    found = windows(recording, card.stages, 128, 16, "emotion")
    answers = sink.predictions
    assert [each.index for each in answers] == found.index.tolist()
    assert [each.truth for each in answers] == list(found.truth)
    with torch.no_grad():
        expected = bundle.module(torch.from_numpy(found.x.copy())).numpy()
    shares = [list(each.probabilities.values()) for each in answers]
    np.testing.assert_allclose(shares, expected, rtol=1e-4, atol=1e-6)
    (again,) = read(copy)
    assert again.info == recording.info
    np.testing.assert_array_equal(
        windows(again, card.stages, 128, 16, "emotion").x, found.x
    )


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

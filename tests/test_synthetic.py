"""The synthetic device: laws, truths, spectra, difficulty."""

import time
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from rtpipe.devices.synthetic import FIRST_LIVE_SEED, SyntheticDevice
from rtpipe.devices.synthetic_eeg import EMOTIONS
from rtpipe.devices.synthetic_emg import GESTURES
from rtpipe.devices.synthetic_noise import Noise, band, white
from rtpipe.devices.synthetic_script import Script, State, Truth

from rtpipe import clock
from rtpipe.errors import ConfigError
from rtpipe.types import Chunk, Event, Float32, Float64

SFREQ = {"emg": 200.0, "eeg": 256.0}
LABELS = {
    "gesture": set(GESTURES),
    "emotion": set(EMOTIONS),
    "seizure": {"seizure", "background"},
}
Signal = Literal["emg", "eeg"]
TASKS: dict[Signal, set[str]] = {"emg": {"gesture"}, "eeg": {"emotion", "seizure"}}

Labels = NDArray[np.object_]


def record(
    signal: Signal,
    seed: int,
    *,
    mains: float = 50.0,
    chunk: float = 0.5,
    n: float = 60.0,
) -> tuple[Float32, list[Event]]:
    device = SyntheticDevice(
        signal,
        seed=seed,
        paced=False,
        mains=mains,
        chunk=chunk,
        duration=n,
    )
    device.open()
    data, events = [], []
    while (chunks := device.read(0.0)) is not None:
        for part in chunks:
            data.append(part.data)
            events += part.events
    device.close()
    return np.concatenate(data), events


def truth(events: list[Event], task: str, n_times: int) -> Labels:
    """Return the label of each sample."""
    labels = np.full(n_times, None, dtype=object)
    for event in events:
        if event.kind == "truth" and event.data["task"] == task:
            assert event.index is not None
            labels[event.index :] = event.data["label"]
    return labels


def windows(
    data: Float32, labels: Labels, n_times: int, hop: int
) -> tuple[Float64, Labels]:
    """Return the windows that lie in one label, (n, n_channels, n_times)."""
    found = [
        (data[stop - n_times : stop].T, labels[stop - 1])
        for stop in range(n_times, len(data) + 1, hop)
        if labels[stop - 1] is not None
        and (labels[stop - n_times : stop] == labels[stop - 1]).all()
    ]
    return (
        np.array([window for window, _ in found], dtype=np.float64),
        np.array([label for _, label in found], dtype=object),
    )


def power(windows: Float64, sfreq: float, low: float, high: float) -> Float64:
    """Return the power of each window and channel in a band, (n, n_channels)."""
    n_times = windows.shape[-1]
    centred = windows - windows.mean(-1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centred * np.hanning(n_times))) ** 2
    freqs = np.fft.rfftfreq(n_times, 1 / sfreq)
    total: Float64 = spectrum[..., (freqs >= low) & (freqs < high)].sum(-1)
    return total


# What the device says of itself


def test_both_streams_are_described() -> None:
    emg, eeg = SyntheticDevice(mains=60.0).open()
    assert (emg.name, emg.sfreq, emg.n_channels) == ("synthetic:emg", 200.0, 8)
    assert emg.ch_names[0] == "EMG1"
    assert set(emg.ch_types) == {"emg"}
    assert (eeg.name, eeg.sfreq) == ("synthetic:eeg", 256.0)
    assert eeg.ch_names == ("TP9", "AF7", "AF8", "TP10")
    assert set(eeg.ch_types) == {"eeg"}
    assert eeg.rails == (-1000.0, 1000.0)
    for info in (emg, eeg):
        assert set(info.units) == {"uV"}
        assert info.mains == 60.0


@pytest.mark.parametrize("signal", ["emg", "eeg"])
def test_one_stream_on_its_own_is_the_same_signal(signal: Signal) -> None:
    device = SyntheticDevice("both", seed=8, paced=False)
    device.open()
    chunks = device.read(0.0)
    assert chunks is not None
    (both,) = (chunk for chunk in chunks if chunk.stream == f"synthetic:{signal}")
    alone, _ = record(signal, 8, n=0.5)
    np.testing.assert_array_equal(both.data, alone)


def test_settings_that_cannot_be() -> None:
    other: Any = "ecg"
    with pytest.raises(ConfigError, match=r"no signal 'ecg': choose one of \['both'"):
        SyntheticDevice(other)
    with pytest.raises(ConfigError, match="seed must not be negative, got -1"):
        SyntheticDevice(seed=-1)
    with pytest.raises(ConfigError, match="mains must lie between 0 and 100 Hz"):
        SyntheticDevice(mains=400.0)
    with pytest.raises(ConfigError, match="chunk must be positive, got 0"):
        SyntheticDevice(chunk=0.0)
    with pytest.raises(ConfigError, match="duration must be positive, got -2"):
        SyntheticDevice(duration=-2.0)


# A function of the seed, however it is read


@pytest.mark.parametrize("signal", ["emg", "eeg"])
@pytest.mark.parametrize("chunk", [0.013, 0.02, 0.3, 1.0, 7.0])
def test_chunks_do_not_change_the_signal(signal: Signal, chunk: float) -> None:
    data, events = record(signal, 4, n=10.0)
    other, other_events = record(signal, 4, chunk=chunk, n=10.0)
    np.testing.assert_array_equal(other, data)
    assert other_events == events
    assert len(data) == 10 * SFREQ[signal]


@pytest.mark.parametrize("signal", ["emg", "eeg"])
def test_another_seed_is_another_signal(signal: Signal) -> None:
    data, _ = record(signal, 4, n=2.0)
    other, _ = record(signal, 6, n=2.0)
    assert abs(np.corrcoef(data[:, 0], other[:, 0])[0, 1]) < 0.3


@pytest.mark.parametrize("signal", ["emg", "eeg"])
def test_opening_again_starts_anew(signal: Signal) -> None:
    device = SyntheticDevice(signal, seed=2, paced=False)
    answers = []
    for _ in range(2):
        device.open()
        device.read(0.0)
        chunks = device.read(0.0)
        assert chunks is not None
        answers.append(chunks[0])
        device.close()
        device.close()
    assert answers[0].index == answers[1].index == SFREQ[signal] / 2
    np.testing.assert_array_equal(answers[0].data, answers[1].data)


def test_live_seeds_are_fresh_told_and_none_of_training() -> None:
    seeds = set()
    for _ in range(3):
        _, events = record("emg", 12, n=0.5)
        assert [e.data for e in events if e.kind == "seed"] == [{"seed": 12}]
        device = SyntheticDevice("emg", paced=False)
        device.open()
        chunks = device.read(0.0)
        assert chunks is not None
        (seed,) = (e.data["seed"] for e in chunks[0].events if e.kind == "seed")
        assert seed >= FIRST_LIVE_SEED > 10_000
        again, _ = record("emg", seed, n=0.5)
        np.testing.assert_array_equal(again, chunks[0].data)
        seeds.add(seed)
    assert len(seeds) == 3


# Time


def test_unpaced_times_count_from_zero_and_end() -> None:
    device = SyntheticDevice("eeg", seed=0, paced=False, chunk=0.25, duration=0.6)
    assert device.clock == "recording"
    device.open()
    chunks: list[Chunk] = []
    while (answer := device.read(0.0)) is not None:
        chunks += answer
    assert [len(chunk) for chunk in chunks] == [64, 64, 25]
    times = np.concatenate([chunk.times for chunk in chunks])
    np.testing.assert_array_equal(times, np.arange(153) / 256.0)
    assert device.read(0.0) is None


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the clock by one that only sleeping moves."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        assert seconds >= 0
        slept.append(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(clock, "now", lambda: 1e6 + sum(slept))
    return slept


def test_paced_samples_come_when_they_are_due(sleeps: list[float]) -> None:
    device = SyntheticDevice("both", seed=0)
    assert device.paced
    assert device.clock == "run"
    device.open()
    expected = {"synthetic:emg": 0, "synthetic:eeg": 0}
    for _ in range(200):
        chunks = device.read(0.1)
        assert chunks is not None
        for chunk in chunks:
            assert chunk.index == expected[chunk.stream]
            assert chunk.times[-1] <= clock.now()
            assert chunk.arrived == clock.now()
            expected[chunk.stream] = chunk.stop
            sfreq = SFREQ[chunk.stream.removeprefix("synthetic:")]
            np.testing.assert_allclose(
                chunk.times, 1e6 + np.arange(chunk.index, chunk.stop) / sfreq
            )
    assert max(sleeps) <= 0.02 + 1e-6
    seconds = sum(sleeps)
    assert expected["synthetic:emg"] == pytest.approx(seconds * 200.0, abs=5)
    assert expected["synthetic:eeg"] == pytest.approx(seconds * 256.0, abs=6)


def test_paced_read_never_waits_longer_than_it_may(sleeps: list[float]) -> None:
    device = SyntheticDevice("emg", seed=0, chunk=0.1)
    device.open()
    assert device.read(0.03) == []
    assert device.read(0.0) == []
    assert sleeps == [0.03, 0.0]
    chunks = device.read(0.5)
    assert chunks is not None
    assert [len(chunk) for chunk in chunks] in ([20], [])  # woken a hair too early


def test_paced_reader_that_slept_gets_a_second_at_a_time(sleeps: list[float]) -> None:
    device = SyntheticDevice("emg", seed=0)
    device.open()
    sleeps.append(100.0)
    chunks = device.read(0.1)
    assert chunks is not None
    assert len(chunks[0]) == 200
    again = device.read(0.1)
    assert again is not None
    assert again[0].index == 200
    assert sum(sleeps) == 100.0


def test_paced_on_the_real_clock() -> None:
    device = SyntheticDevice("eeg", seed=0, duration=0.1)
    device.open()
    n_times = 0
    while (chunks := device.read(0.05)) is not None:
        for chunk in chunks:
            assert chunk.times[-1] <= clock.now()
            n_times += len(chunk)
    assert n_times == 25


# Truth


@pytest.mark.parametrize("signal", ["emg", "eeg"])
def test_every_state_within_a_minute(signal: Signal) -> None:
    for seed in [*range(0, 10, 2), *range(FIRST_LIVE_SEED, FIRST_LIVE_SEED + 6)]:
        data, events = record(signal, seed)
        for task in TASKS[signal]:
            labels = truth(events, task, len(data))
            for label in LABELS[task]:
                assert (labels == label).sum() > 6 * SFREQ[signal], (seed, label)


@pytest.mark.parametrize("signal", ["emg", "eeg"])
def test_truth_is_consistent(signal: Signal) -> None:
    data, events = record(signal, 20, n=120.0)
    sfreq = SFREQ[signal]
    assert all(event.stream == f"synthetic:{signal}" for event in events)
    assert all(
        event.index is not None and event.time == event.index / sfreq
        for event in events
    )
    indices = [event.index or 0 for event in events]
    assert indices == sorted(indices)
    truths = [event for event in events if event.kind == "truth"]
    assert {event.data["task"] for event in truths} == TASKS[signal]
    for task in TASKS[signal]:
        own = [event for event in truths if event.data["task"] == task]
        assert own[0].index == 0
        assert own[0].data["label"] in LABELS[task]
        names = [event.data["label"] for event in own]
        assert set(names) - {None} <= LABELS[task]
        # A change goes through None, and is a change.
        assert all((a is None) != (b is None) for a, b in pairwise(names))
        known = [name for name in names if name is not None]
        if task != "emotion":  # the same one may follow a movement or a seizure
            assert all(a != b for a, b in pairwise(known))
    assert len(data) == 120 * sfreq


def test_gestures_hold_for_two_or_three_seconds() -> None:
    _, events = record("emg", 30)
    truths = [event for event in events if event.kind == "truth"]
    assert {event.data["label"] for event in truths if event.time < 20} > LABELS[
        "gesture"
    ]
    for before, after in pairwise(truths):
        lasts = after.time - before.time
        if before.data["label"] is None:
            assert lasts == pytest.approx(0.3)
        else:
            assert 2.0 < lasts < 3.0


def test_seizures_are_seconds_long_and_hide_the_emotion() -> None:
    for seed in range(FIRST_LIVE_SEED, FIRST_LIVE_SEED + 5):
        data, events = record("eeg", seed)
        seizing = truth(events, "seizure", len(data)) == "seizure"
        emotions = truth(events, "emotion", len(data))
        edges = np.flatnonzero(np.diff(seizing.astype(int)))
        assert 15 * 256 < edges[0] < 40 * 256
        assert len(edges) >= 2
        assert 5 * 256 < edges[1] - edges[0] < 10 * 256
        assert all(label is None for label in emotions[seizing])


def test_blinks_are_told_and_seen_in_front() -> None:
    data, events = record("eeg", 40)
    blinks = [event for event in events if event.kind == "blink"]
    assert 14 <= len(blinks) <= 15
    height = []
    for blink in blinks:
        assert blink.index is not None
        assert 0.2 <= blink.data["duration"] <= 0.4
        middle = blink.index + round(blink.data["duration"] * 256 / 2)
        height.append(data[middle] - data[blink.index])
    front = np.mean(height, axis=0)
    assert (front[1:3] > 60).all()
    assert (abs(front[[0, 3]]) < 30).all()


# Signal


@pytest.mark.parametrize("signal", ["emg", "eeg"])
def test_amplitudes_are_those_of_a_body(signal: Signal) -> None:
    data, _ = record(signal, 50)
    assert data.dtype == np.float32
    assert np.isfinite(data).all()
    assert abs(data).max() < 1000
    assert (data.std(0) > 10).all()
    assert (data.std(0) < 150).all()


@pytest.mark.parametrize("signal", ["emg", "eeg"])
@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_hum_is_at_the_frequency_of_the_mains(signal: Signal, mains: float) -> None:
    data, events = record(signal, 52, mains=mains)
    labels = truth(events, "gesture" if signal == "emg" else "emotion", len(data))
    labels[~np.isin(labels, ["rest", "neutral"])] = None
    found, _ = windows(data, labels, 400, 20)
    hum = power(found, SFREQ[signal], mains - 0.6, mains + 0.6).sum(0)
    other = 110.0 - mains
    without = power(found, SFREQ[signal], other - 0.6, other + 0.6).sum(0)
    assert (hum > 2 * without).all()


def test_background_falls_with_frequency() -> None:
    data, _ = record("eeg", 54)
    whole = data.T[np.newaxis].astype(np.float64)
    density = [power(whole, 256.0, f, f + 0.5).mean() for f in (1.0, 5.0, 32.0, 64.0)]
    assert density == sorted(density, reverse=True)


def test_a_contraction_is_louder_than_rest_and_where_its_muscles_are() -> None:
    data, events = record("emg", 56)
    labels = truth(events, "gesture", len(data))
    loud = {label: data[labels == label].std(0) for label in GESTURES}
    assert loud["rest"].max() < 30
    assert loud["wrist flexion"].argmax() in (1, 2, 3)
    assert loud["wrist extension"].argmax() in (5, 6, 7)
    assert all(loud[label].max() > 40 for label in GESTURES[1:])


def test_frontal_alpha_leans_with_the_emotion() -> None:
    leaning: dict[str, list[float]] = {label: [] for label in EMOTIONS}
    for seed in range(60, 68, 2):
        data, events = record("eeg", seed)
        found, labels = windows(data, truth(events, "emotion", len(data)), 512, 256)
        alpha = np.log(power(found, 256.0, 8.0, 13.0))
        for label in EMOTIONS:
            leaning[label] += list((alpha[:, 2] - alpha[:, 1])[labels == label])
    negative, neutral, positive = (np.mean(leaning[label]) for label in EMOTIONS)
    assert negative + 0.5 < neutral < positive - 0.5


def test_a_seizure_is_a_spike_and_a_wave_three_times_a_second() -> None:
    data, events = record("eeg", 70)
    seizing = truth(events, "seizure", len(data)) == "seizure"
    part = np.asarray(data[seizing][: 5 * 256], dtype=np.float64).T[np.newaxis]
    assert 2.7 <= _peak(part[0, 1]) <= 3.4
    calm = np.asarray(data[: 5 * 256], dtype=np.float64).T[np.newaxis]
    for harmonic in (6.0, 9.0, 12.0, 15.0):  # what a spike is made of
        low, high = harmonic - 0.8, harmonic + 0.8
        found, usual = (power(x, 256.0, low, high).sum() for x in (part, calm))
        assert found > usual


def _peak(channel: Float64) -> float:
    spectrum = np.abs(np.fft.rfft(channel * np.hanning(len(channel))))
    freqs = np.fft.rfftfreq(len(channel), 1 / 256.0)
    spectrum[freqs < 1.5] = 0
    return float(freqs[spectrum.argmax()])


# Hard enough: a linear model on the powers does not do


@pytest.mark.parametrize("task", ["gesture", "emotion", "seizure"])
def test_powers_and_a_plane_are_not_enough(task: str) -> None:
    train = _powers(task, range(0, 16, 2))
    test = _powers(task, range(FIRST_LIVE_SEED, FIRST_LIVE_SEED + 5))
    names = sorted(LABELS[task])
    mean, scale = train[0].mean(0), train[0].std(0)
    targets = np.array([[label == name for name in names] for label in train[1]])
    weights, *_ = np.linalg.lstsq(_plane(train[0], mean, scale), targets.astype(float))
    scores = _plane(test[0], mean, scale) @ weights
    correct = np.array(names, dtype=object)[scores.argmax(1)] == test[1]
    # Above what the most frequent label would give, below what the shapes can.
    chance = max(np.mean(test[1] == name) for name in names)
    assert chance + 0.03 < correct.mean() < 0.97


def _plane(features: Float64, mean: Float64, scale: Float64) -> Float64:
    return np.column_stack([(features - mean) / scale, np.ones(len(features))])


def _powers(task: str, seeds: range) -> tuple[Float64, Labels]:
    signal: Signal = "emg" if task == "gesture" else "eeg"
    bands = [(15, 95)] if signal == "emg" else [(1, 4), (4, 8), (8, 13), (13, 30)]
    n_times, hop = (50, 25) if signal == "emg" else (512, 128)
    features, answers = [], []
    for seed in seeds:
        data, events = record(signal, seed)
        found, labels = windows(data, truth(events, task, len(data)), n_times, hop)
        powers = [power(found, SFREQ[signal], low, high) for low, high in bands]
        features.append(np.log(np.concatenate(powers, axis=1)))
        answers.append(labels)
    return np.concatenate(features), np.concatenate(answers)


# The two parts it is made of


def test_noise_has_unit_variance_everywhere_and_only_its_band() -> None:
    noise = Noise((3, 1), [white, band(8.0, 13.0)], 128.0, 128)
    blocks = np.array([noise.block(number) for number in range(300)])
    assert blocks.shape == (300, 128, 2)
    # 300 blocks: the standard error of a variance is sqrt(2 / 300) = 0.08.
    np.testing.assert_allclose(blocks.var(0), 1.0, atol=0.4)
    np.testing.assert_allclose(blocks.var((0, 1)), 1.0, atol=0.05)
    joined = blocks[:, :, 1].reshape(1, 1, -1)
    inside = power(joined, 128.0, 7.0, 14.0)
    assert inside > 0.99 * power(joined, 128.0, 0.0, 65.0)


def test_noise_does_not_depend_on_which_block_is_asked_first() -> None:
    first = Noise((3, 1), [white], 128.0, 128)
    other = Noise((3, 1), [white], 128.0, 128)
    first.block(4)
    np.testing.assert_array_equal(first.block(5), other.block(5))
    another = Noise((3, 2), [white], 128.0, 128).block(5)
    assert not np.any(first.block(5) == another)


def test_script_goes_smoothly_and_names_the_change() -> None:
    states = [
        State(0, 0, {"a": "x", "b": "u"}, np.array([0.0])),
        State(10, 4, {"a": "y", "b": "u"}, np.array([1.0])),
        State(20, 4, {"a": None, "b": "v"}, np.array([3.0])),
        State(1000, 0, {"a": "x", "b": "u"}, np.array([0.0])),
    ]
    script = Script(iter(states))
    parts = [script.block(start, start + 5) for start in range(0, 30, 5)]
    gains = np.concatenate([part for part, _ in parts])[:, 0]
    np.testing.assert_allclose(
        gains[[0, 10, 12, 14, 20, 22, 24, 29]], [0, 0, 0.5, 1, 1, 2, 3, 3]
    )
    assert (np.diff(gains) >= 0).all()
    assert [truth for _, truths in parts for truth in truths] == [
        Truth(0, "a", "x"),
        Truth(0, "b", "u"),
        Truth(10, "a", None),
        Truth(14, "a", "y"),
        Truth(20, "a", None),
        Truth(20, "b", None),
        Truth(24, "b", "v"),
    ]

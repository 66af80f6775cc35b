"""What is said of a channel's signal: the made ones get the word they were made for."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from rtpipe.stages.quality import judge
from rtpipe.types import StreamInfo

from .chunks import Array

SPAN = 2  # seconds, as the pipeline judges


def brain(info: StreamInfo, seed: int = 0) -> Array:
    """Return two seconds of what an electrode on skin gives: slow, 15 uV."""
    n = round(SPAN * info.sfreq)
    rng = np.random.default_rng(seed)
    slow = signal.butter(2, 12, fs=info.sfreq, output="sos")
    data: Array = signal.sosfilt(slow, rng.standard_normal((n + 500, 4)), axis=0)[500:]
    data *= 15 / data.std(0)
    return data


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_each_verdict(mains: float, muse: StreamInfo) -> None:
    info = replace(muse, mains=mains)
    time = np.arange(round(SPAN * info.sfreq)) / info.sfreq
    good = brain(info)
    rng = np.random.default_rng(1)
    hum = 40 * np.sin(2 * np.pi * mains * time)
    other = 40 * np.sin(2 * np.pi * (110 - mains) * time)
    muscle = 60 * rng.standard_normal(len(time))
    railed = np.where(np.arange(len(time)) % 10 == 0, 999.5, good[:, 2])

    def words(*channels: Array | float) -> tuple[str, ...]:
        columns = [np.broadcast_to(channel, time.shape) for channel in channels]
        return judge(np.column_stack(columns).astype(np.float32), info)

    assert words(*good.T) == ("good",) * 4
    assert words(good[:, 0] + 400, good[:, 1] - 400, good[:, 2], good[:, 3]) == (
        ("good",) * 4
    )
    assert words(3.0, railed, good[:, 2] + hum, good[:, 3] + muscle) == (
        "flat",
        "railed",
        "mains",
        "noisy",
    )
    assert words(-1000.0, 0.0, good[:, 2] + other / 2, hum) == (
        "flat",  # at its rail, too
        "flat",
        "good",
        "mains",
    )


def test_little_at_the_rails_is_no_verdict(muse: StreamInfo) -> None:
    data = brain(muse).astype(np.float32)
    data[:20] = 999.5  # 20 of 512 are 3.9 %
    assert "railed" not in judge(data, muse)
    data[:30] = 999.5  # 5.9 %
    assert judge(data, muse) == ("railed",) * 4
    assert "railed" not in judge(data, replace(muse, rails=None))


def test_muscle_is_noise_to_an_eeg_alone(muse: StreamInfo) -> None:
    rng = np.random.default_rng(0)
    data = (60 * rng.standard_normal((512, 4))).astype(np.float32)
    assert judge(data, muse) == ("noisy",) * 4
    assert judge(data, replace(muse, ch_types=("emg",) * 4)) == ("good",) * 4
    assert judge(data, replace(muse, units=("none",) * 4)) == ("good",) * 4


@pytest.mark.parametrize("kind", ["eeg", "emg", "misc"])
def test_a_value_that_no_electrode_has_is_noise_to_all(
    kind: str, muse: StreamInfo
) -> None:
    """And no warning of an overflow reaches a person: here it would be an error."""
    largest = np.finfo(np.float32).max
    rng = np.random.default_rng(0)
    data = brain(muse).astype(np.float32)
    data[:, 0] = largest
    data[:, 1] = rng.choice([-largest, largest], len(data))
    data[7, 2] = -1e20
    info = replace(muse, ch_types=(kind,) * 4, rails=None, units=("V",) * 4)
    assert judge(data, info) == ("flat", "noisy", "noisy", "good")
    rails = (-float(largest), float(largest))
    assert judge(data, replace(info, rails=rails))[1] == "railed"


def test_frames_are_not_judged(muse: StreamInfo) -> None:
    frames = replace(muse, sample_shape=(4, 2, 3))
    assert judge(np.zeros((10, 4, 2, 3), np.float32), frames) == ("good",) * 4


@pytest.mark.parametrize("n_times", [1, 2, 3, 15])
def test_a_stream_too_slow_for_a_spectrum_is_not_judged(
    muse: StreamInfo, n_times: int
) -> None:
    slow = replace(muse, sfreq=n_times / 2)
    assert judge(np.ones((n_times, 4), np.float32), slow) == ("good",) * 4

"""The filter against SciPy's over the whole, and against what its settings say."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import signal

from rtpipe.checks import check_stage, cut, noise
from rtpipe.stage import Stage
from rtpipe.stages.filter import Filter
from rtpipe.types import StreamInfo

from .chunks import Array, chunk_of, joined, run


@pytest.mark.parametrize(
    ("settings", "design"),
    [
        (
            {"low": 1.0, "high": 40.0},
            [signal.butter(4, (1, 40), "bandpass", fs=256, output="sos")],
        ),
        (
            {"low": 20.0, "order": 2},
            [signal.butter(2, 20, "highpass", fs=256, output="sos")],
        ),
        (
            {"high": 30.0, "notch": 3},
            [
                signal.butter(4, 30, "lowpass", fs=256, output="sos"),
                signal.tf2sos(*signal.iirnotch(50, 30, 256)),
                signal.tf2sos(*signal.iirnotch(100, 30, 256)),
            ],  # 150 Hz is above half the rate
        ),
    ],
)
def test_filter_is_scipys_over_the_whole(
    settings: dict[str, Any], design: list[Array], muse: StreamInfo
) -> None:
    whole, stage = noise(muse, 3000), Filter(**settings)
    assert stage.prepare(muse) == muse
    found = joined(run(stage, cut(whole, [1, 0, 30, 700, 2])))
    sos = np.concatenate(design)
    for k in range(4):
        x = whole.data[:, k].astype(float)
        want, _ = signal.sosfilt(sos, x, zi=signal.sosfilt_zi(sos) * x[0])
        # float32 once, at the end: half a unit in the last place.
        np.testing.assert_allclose(found[:, k], want, rtol=1e-6, atol=1e-6)


def response(stage: Stage, info: StreamInfo, seconds: int = 40) -> tuple[Array, Array]:
    """Return the frequencies and the gain, measured with an impulse."""
    n = round(seconds * info.sfreq)
    data = np.zeros((n, *info.sample_shape))
    data[1] = 1e4  # not the first sample: the filter starts from rest there
    after = stage.prepare(info)
    out = joined(run(stage, [chunk_of(after, data)]))[1:, 0].astype(float) / 1e4
    freqs: Array = np.fft.rfftfreq(n - 1, 1 / info.sfreq).astype(np.float64)
    return freqs, np.abs(np.fft.rfft(out)).astype(np.float64)


def gain_at(hertz: float, measured: tuple[Array, Array]) -> float:
    return float(20 * np.log10(np.interp(hertz, *measured)))


@pytest.mark.parametrize(
    ("low", "high", "order"),
    [(1.0, 40.0, 4), (8.0, 13.0, 2), (20.0, None, 4), (None, 30.0, 3)],
)
def test_the_edges_of_the_band_are_at_half_the_power(
    low: float | None, high: float | None, order: int, muse: StreamInfo
) -> None:
    measured = response(Filter(low=low, high=high, order=order), muse)
    for edge in (low, high):
        if edge is not None:
            assert gain_at(edge, measured) == pytest.approx(-3.01, abs=0.05)
    middle = math.sqrt(low * high) if low and high else 100.0 if low else 1.0
    assert gain_at(middle, measured) == pytest.approx(0, abs=0.01)
    if high:
        assert gain_at(2 * high, measured) < -6 * order
    if low:
        assert gain_at(low / 2, measured) < -6 * order


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_notches_are_where_the_mains_are(mains: float, muse: StreamInfo) -> None:
    measured = response(Filter(notch=2, quality=30), replace(muse, mains=mains))
    for hertz in (mains, 2 * mains):
        assert gain_at(hertz, measured) < -30
        freqs, gain = measured
        inside = (np.abs(freqs - hertz) < 6) & (gain < math.sqrt(0.5))
        width = inside.sum() * freqs[1]
        assert width == pytest.approx(hertz / 30, abs=2 * freqs[1])
    assert gain_at(mains * 0.8, measured) == pytest.approx(0, abs=0.1)
    other = 110 - mains
    assert gain_at(other, measured) == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize(
    "settings", [{"low": 1.0, "high": 40.0}, {"low": 20.0, "notch": 1}, {"high": 9.0}]
)
def test_an_offset_does_not_ring(settings: dict[str, Any], muse: StreamInfo) -> None:
    stage = Filter(**settings)
    stage.prepare(muse)
    constant = np.full((500, 4), 50_000.0)  # an electrode's offset, in uV
    out = joined(run(stage, [chunk_of(muse, constant)]))
    want = 0 if "low" in settings else 50_000
    # Sections in a row round a large offset to 1e-10 of itself.
    np.testing.assert_allclose(out, want, rtol=1e-6, atol=1e-4)


def test_after_a_gap_the_filter_starts_anew(muse: StreamInfo) -> None:
    whole, stage = noise(muse, 600), Filter(low=1, high=40)
    stage.prepare(muse)
    later = chunk_of(muse, whole.data[300:] + 700, index=900)
    after = joined(run(stage, [chunk_of(muse, whole.data[:300]), later])[1:])
    stage.prepare(muse)
    alone = joined(run(stage, [later]))
    np.testing.assert_array_equal(after, alone)
    stage.prepare(muse)
    carried = joined(run(stage, [whole])[:])[300:]
    assert not np.allclose(after, carried, atol=1), "state was dropped, and shows"


def test_a_filter_of_frames(muse: StreamInfo) -> None:
    frames = replace(muse, sample_shape=(4, 2, 3))
    stage = Filter(low=1, high=40)
    check_stage(stage, frames, 300)
    whole = noise(frames, 300)
    stage.prepare(frames)
    found = joined(run(stage, [whole]))
    stage.prepare(replace(muse, ch_names=("a",), ch_types=("misc",), units=("none",)))
    flat = Filter(low=1, high=40)
    flat.prepare(muse)
    one = joined(run(flat, [chunk_of(muse, whole.data[:, :, 1, 2])]))
    np.testing.assert_array_equal(found[:, :, 1, 2], one)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"low": 1.0, "high": 128.0}, r"muse: a pass band from 1.0 to 128.0 Hz .* 256"),
        ({"low": 40.0, "high": 30.0}, "muse: a pass band from 40.0 to 30.0 Hz does"),
        ({"low": 130.0}, "muse: a pass band from 130.0 to None Hz does not fit a rate"),
        ({"low": -1.0}, "muse: a pass band from -1.0 to None Hz does not fit"),
        ({}, "muse: a filter with no edge and no notch"),
        ({"low": 1e-9, "order": 12}, "muse: .* order 12 .* is not stable at 256 Hz"),
    ],
)
def test_a_filter_that_does_not_fit(
    settings: dict[str, Any], said: str, muse: StreamInfo
) -> None:
    with pytest.raises(ValueError, match=said):
        Filter(**settings).prepare(muse)

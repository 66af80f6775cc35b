"""Times on the recorder's clock, against pyxdf."""

from pathlib import Path

import numpy as np
import pytest
import pyxdf

from rtpipe.types import Float64
from rtpipe.xdf.clocks import lines, synchronised
from rtpipe.xdf.encode import clock_offset, file_header, samples, stream_header
from rtpipe.xdf.header import Channel, Header
from rtpipe.xdf.read import read

DATA = Path(__file__).parents[2] / "shared" / "data" / "recordings"
# Both minimise the same sum; pyxdf's way there ends after a thousand steps.
CLOSE = 1e-7
AT = 1000 + 5.0 * np.arange(120)
STAMPS = 1000 + np.arange(60_000) / 100


def same_as_pyxdf(path: Path) -> None:
    theirs, _ = pyxdf.load_xdf(path, dejitter_timestamps=False)
    for ours, other in zip(read(path).streams, theirs, strict=True):
        found = synchronised(ours.stamps, lines(ours.offsets))
        np.testing.assert_allclose(found, other["time_stamps"], rtol=0, atol=CLOSE)


def recorded(path: Path, stamps: Float64, offsets: Float64) -> Path:
    header = Header("A", "EEG", "float32", 100.0, (Channel(),))
    path.write_bytes(
        file_header({})
        + stream_header(1, header)
        + samples(1, stamps, np.zeros((len(stamps), 1), np.float32))
        + b"".join(clock_offset(1, *each) for each in offsets.tolist())
    )
    return path


@pytest.mark.parametrize("name", ["minimal", "empty_streams", "clock_resets"])
def test_published_files(name: str) -> None:
    path = DATA / f"{name}.xdf"
    if not path.exists():
        pytest.skip("the folder of real recordings is missing")
    same_as_pyxdf(path)


def drifting(spread: float, outliers: float) -> Float64:
    rng = np.random.default_rng(1)
    values = 3 + 50e-6 * (AT - 1000) + rng.normal(0, spread, len(AT))
    values[::9] += rng.exponential(outliers, len(values[::9]))
    return np.stack([AT, values], 1)


@pytest.mark.parametrize(
    "offsets",
    [
        np.empty((0, 2)),
        drifting(0, 0)[:1],
        drifting(0, 0)[:2],
        drifting(2e-5, 0),
        drifting(3e-4, 0),
        drifting(2e-5, 0.05),
    ],
    ids=["none", "one", "two", "quiet", "noisy", "outliers"],
)
def test_one_clock(offsets: Float64, tmp_path: Path) -> None:
    same_as_pyxdf(recorded(tmp_path / "x.xdf", STAMPS, offsets))


@pytest.mark.parametrize("step", [-5000.0, 40_000.0])
@pytest.mark.parametrize("at", [1, 60, 119])
def test_a_clock_that_was_set_anew(step: float, at: int, tmp_path: Path) -> None:
    offsets = drifting(2e-5, 0)
    offsets[at:, 0] += step
    offsets[at:, 1] -= step
    stamps = STAMPS + np.where(STAMPS < AT[at] - 2.5, 0, step)
    path = recorded(tmp_path / "x.xdf", stamps, offsets)
    same_as_pyxdf(path)
    (stream,) = read(path).streams
    found = lines(stream.offsets)
    assert len(found) == 2
    times = synchronised(stamps, found)
    assert np.abs(np.diff(times) - 0.01).max() < 1e-3


@pytest.mark.parametrize("late", [0.05, 5.0])
def test_single_measurements_may_be_late(late: float) -> None:
    """By seconds too, where a thousand steps do not bring pyxdf to the least sum."""
    (line,) = lines(drifting(2e-5, late))
    assert line.slope == pytest.approx(50e-6, abs=1e-7)
    truth = 3 + 50e-6 * (STAMPS - 1000)
    np.testing.assert_allclose(line.of(STAMPS), truth, rtol=0, atol=5e-5)


def test_what_is_no_measurement_does_not_count() -> None:
    offsets = drifting(2e-5, 0)
    spoilt = np.insert(offsets, 50, [[np.nan, 1], [1250, np.inf], [1e300, 1e300]], 0)
    assert lines(spoilt) == lines(offsets)


def test_measurements_of_one_moment_give_their_median() -> None:
    (line,) = lines(np.array([[5.0, 1.0], [5.0, 2.0], [5.0, 30.0]]))
    assert (line.slope, line.offset) == (0.0, 2.0)

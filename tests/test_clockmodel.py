"""Times of samples against the truth of made radios, whose delays are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rtpipe.clockmodel import ClockModel

SFREQ, PACKET = 256.0, 12
SECONDS = 120
N_PACKETS = int(SECONDS * SFREQ / PACKET)
Float64 = NDArray[np.float64]


def radio(seed: int) -> Float64:
    """Return a delay a packet: 20 ms that all share, bursts, and sometimes a stall."""
    rng = np.random.default_rng(seed)
    stalls = (rng.random(N_PACKETS) < 0.01) * rng.uniform(0.05, 0.3, N_PACKETS)
    return 0.02 + rng.exponential(0.008, N_PACKETS) + stalls


def received(
    delay: Float64, drift: float = 0.0, step: float = 0.0, lost: slice = slice(0, 0)
) -> tuple[Float64, Float64, Float64, ClockModel]:
    """Return the true times, the model's, the arrival of each sample, and the model."""
    model = ClockModel(SFREQ)
    rows = []
    latest = 0.0
    gone = range(N_PACKETS)[lost]
    for k, late in enumerate(delay):
        if k in gone:
            continue
        index = k * PACKET
        true = 500 + np.arange(index, index + PACKET) / SFREQ * (1 + drift)
        true += step * (k >= N_PACKETS // 2)
        latest = max(latest, float(true[-1] + late))
        found = model.times(index, PACKET, latest, latest)
        rows.append(np.stack([true, found, np.full(PACKET, latest)]))
    true, found, arrived = np.concatenate(rows, axis=1)
    return true, found, arrived, model


@pytest.mark.parametrize("drift", [0.0, 50e-6, -300e-6])
@pytest.mark.parametrize("seed", range(3))
def test_bursts_and_drift_are_removed(drift: float, seed: int) -> None:
    true, found, arrived, model = received(radio(seed), drift)
    settled = true > 500 + 30
    off = (found - true)[settled]
    assert off.std() < 0.5e-3
    assert (arrived - true)[settled].std() > 10e-3  # which arrivals would give
    assert off.mean() == pytest.approx(0.02, abs=1.5e-3)  # the delay that all share
    assert model.drift == pytest.approx(drift, abs=60e-6)
    assert model.steps == 0


def test_it_is_good_from_the_first_seconds_on() -> None:
    true, found, _, _ = received(radio(5))
    early = (true > 502) & (true < 530)
    assert (found - true)[early].std() < 2e-3


@pytest.mark.parametrize("step", [0.02, -0.02])
def test_a_clock_that_is_set_is_followed(step: float) -> None:
    true, found, _, model = received(radio(1), 50e-6, step)
    assert model.steps == 1
    half = 500 + SECONDS / 2
    after = true > half + 5  # seconds in which it may be congestion
    assert (found - true)[after].mean() == pytest.approx(0.02, abs=1.5e-3)
    assert (found - true)[after].std() < 1e-3


def test_exact_stamps_stay_what_they_are() -> None:
    model = ClockModel(1000.0)
    for k in range(0, 60_000, 20):
        seen = 100 + (k + 19) / 1000
        times = model.times(k, 20, seen, seen + 0.01)
        np.testing.assert_allclose(times, 100 + np.arange(k, k + 20) / 1000, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_times_never_decrease_and_are_never_in_the_future(seed: int) -> None:
    true, found, arrived, _ = received(radio(seed), -200e-6, -0.05)
    assert (np.diff(found) >= 0).all()
    assert (found <= arrived).all()
    assert len(found) == len(true)


def test_lost_packets_do_not_bend_the_line() -> None:
    true, found, _, model = received(radio(2), 50e-6, lost=slice(1000, 1300))
    settled = true > 530
    assert (found - true)[settled].std() < 0.5e-3
    assert model.steps == 0


def test_a_sender_that_stamps_the_future_is_not_believed() -> None:
    model = ClockModel(100.0)
    times = model.times(0, 10, observed=1000.0, arrived=5.0)
    assert times.max() == 5.0


def test_no_samples_have_no_times() -> None:
    model = ClockModel(100.0)
    assert model.times(0, 0, 1.0, 1.0).shape == (0,)
    assert model.times(0, 1, 1.0, 1.0).tolist() == [1.0]


@pytest.mark.parametrize("off", [-0.5, -0.05, -0.004, -0.0015, 0.002, 0.05, 1.0])
def test_a_rate_that_is_not_the_nominal_one_is_followed(off: float) -> None:
    """As of senders that declare 200 Hz and send 190, or 100."""
    true, found, _, model = received(radio(3), off)
    settled = true > 500 + 40
    assert (found - true)[settled].std() < 2e-3
    assert (found - true)[settled].mean() == pytest.approx(0.02, abs=2e-3)
    assert model.drift == pytest.approx(off, abs=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_stamp_that_is_no_number_does_no_harm(bad: float) -> None:
    model, whole = ClockModel(256.0), ClockModel(256.0)
    for k in range(1000):
        seen = (k + 1) * 12 / 256
        times = model.times(12 * k, 12, bad if k % 10 == 3 else seen, seen)
        np.testing.assert_array_equal(times, whole.times(12 * k, 12, seen, seen))

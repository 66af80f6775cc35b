"""The index of samples that nobody counted, against an account of what was lost."""

import numpy as np
import pytest

from rtpipe.estimate import IndexEstimate, stretches


@pytest.mark.parametrize("sfreq", [10.0, 100.0, 256.0, 1000.0])
@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_what_was_lost_is_found(sfreq: float, cut: int) -> None:
    rng = np.random.default_rng(0)
    kept = np.ones(3000, bool)
    least = int(max(4, np.ceil(0.1 * sfreq))) + 1
    for start in 300, 1000, 2500:
        kept[start : start + least + int(rng.integers(50))] = False
    true = np.flatnonzero(kept)
    times = 1e9 + true / sfreq + rng.uniform(-0.3, 0.3, len(true)) / sfreq
    estimate = IndexEstimate(sfreq)
    parts = [estimate.indices(times[k : k + cut]) for k in range(0, len(times), cut)]
    np.testing.assert_array_equal(np.concatenate(parts), true)


def test_jitter_and_steps_back_lose_nothing() -> None:
    times = np.arange(1000) / 256
    times[500:520] -= 0.027  # as some Muse files have it
    times[700:] += 0.05
    found = IndexEstimate(256.0).indices(times)
    np.testing.assert_array_equal(found, np.arange(1000))


def test_a_slow_stream_needs_four_samples() -> None:
    times = np.array([0.0, 1.0, 4.9, 9.1])
    np.testing.assert_array_equal(IndexEstimate(1.0).indices(times), [0, 1, 2, 6])


def test_nothing_has_no_number() -> None:
    estimate = IndexEstimate(100.0)
    assert len(estimate.indices(np.empty(0))) == 0
    assert estimate.indices(np.array([5.0])).tolist() == [0]
    assert len(estimate.indices(np.empty(0))) == 0
    assert estimate.indices(np.array([5.01])).tolist() == [1]


def test_stretches_are_between_the_jumps() -> None:
    index = np.array([0, 1, 2, 7, 8, 20])
    assert stretches(index) == [slice(0, 3), slice(3, 5), slice(5, 6)]
    assert stretches(index[:0]) == []
    assert stretches(index[:3]) == [slice(0, 3)]


def test_a_clock_that_is_set_back_does_not_hide_what_is_lost() -> None:
    true = np.r_[0:1000, 1000:2000, 4500:5000]  # 10 s are lost at 250 Hz
    times = 1e9 + true / 250
    times[1000:] -= 60
    found = IndexEstimate(250.0).indices(times)
    np.testing.assert_array_equal(found, true)


@pytest.mark.parametrize("cut", [1, 50])
def test_a_clock_that_is_set_on_loses_nothing(cut: int) -> None:
    true = np.r_[0:1000, 1000:2000, 4500:5000]
    times = 1e9 + true / 250
    times[1000:] += 3600
    estimate = IndexEstimate(250.0)
    parts = [
        estimate.indices(times[k : k + cut], arrived=50 + true[k : k + cut][-1] / 250)
        for k in range(0, len(times), cut)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), true)


def test_jitter_after_a_step_back_is_still_jitter() -> None:
    times = 1e9 + np.arange(1000) / 256
    times[300:] -= 60
    times[500:520] -= 0.027
    found = IndexEstimate(256.0).indices(times)
    np.testing.assert_array_equal(found, np.arange(1000))


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("rows", [[0], [50], list(range(40, 160)), list(range(300))])
def test_a_time_that_is_none_tells_of_no_loss(
    rows: list[int], bad: float, arrives: bool
) -> None:
    """Neither then, nor of one that comes later; which is still seen."""
    times = np.arange(400) / 200.0
    times[350:] += 2.0
    times[rows] = bad
    found = []
    estimate = IndexEstimate(200.0)
    for start in range(0, 400, 10):
        part = times[start : start + 10]
        arrived = 1000 + start / 200.0 + 2.0 * (start >= 350) if arrives else None
        found += estimate.indices(part, arrived).tolist()
    assert found == [*range(350), *range(750, 800)]

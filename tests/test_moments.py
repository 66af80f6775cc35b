"""Running moments against a plain loop, however the windows are put together."""

import numpy as np
import pytest

from rtpipe.moments import RunningMoments
from rtpipe.types import Float32

MEAN, SCALE = np.array([0.0, 5.0, -300.0]), np.array([1.0, 2.0, 40.0])
ONES = np.ones(200, np.float32)


def features(n: int = 200) -> Float32:
    rng = np.random.default_rng(0)
    made: Float32 = rng.normal(MEAN + 1, 2 * SCALE, (n, 3)).astype(np.float32)
    return made


def some_weights(n: int = 200) -> Float32:
    return np.random.default_rng(1).uniform(0, 1, n).astype(np.float32)


def looped(
    f: Float32, weights: Float32, worth: float
) -> tuple[list[list[float]], list[list[float]]]:
    """Return mean and scale per window, from all windows before it, by a loop."""
    means: list[list[float]] = []
    scales: list[list[float]] = []
    for k in range(len(f)):
        means.append([])
        scales.append([])
        w = [float(weight) for weight in weights[:k]]
        for j in range(3):
            values = [float(f[i, j]) for i in range(k)]
            m, s = float(MEAN[j]), float(SCALE[j])
            total = sum(a * b for a, b in zip(w, values, strict=True))
            mean = (worth * m + total) / (worth + sum(w))
            # Taken about the mean, so that it shares no rounding with the formula.
            spread = worth * (s**2 + (m - mean) ** 2)
            spread += sum(a * (b - mean) ** 2 for a, b in zip(w, values, strict=True))
            means[-1].append(mean)
            scales[-1].append((spread / (worth + sum(w))) ** 0.5)
    return means, scales


@pytest.mark.parametrize("worth", [0.3, 10.0, 1e4])
@pytest.mark.parametrize("weights", [ONES, some_weights()], ids=["alike", "weighed"])
def test_moments_are_those_of_a_loop(weights: Float32, worth: float) -> None:
    f = features()
    mean, scale = RunningMoments(MEAN, SCALE, worth).advance(f, weights)
    assert mean.dtype == scale.dtype == np.float32
    want_mean, want_scale = looped(f, weights, worth)
    np.testing.assert_allclose(mean, want_mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scale, want_scale, rtol=1e-5)


def test_the_first_window_is_seen_with_the_prior() -> None:
    mean, scale = RunningMoments(MEAN, SCALE, 10).advance(features(1), ONES[:1])
    np.testing.assert_allclose(mean[0], MEAN)
    np.testing.assert_allclose(scale[0], SCALE, rtol=1e-6)


@pytest.mark.parametrize("worth", [0.1, 10.0])
def test_how_windows_are_put_together_changes_no_bit(worth: float) -> None:
    f, weights = features(), some_weights()
    whole = RunningMoments(MEAN, SCALE, worth).advance(f, weights)
    for at in ([1, 2, 3], [7, 7, 100], list(range(1, 200))):
        moments = RunningMoments(MEAN, SCALE, worth)
        cut = zip(np.split(f, at), np.split(weights, at), strict=True)
        parts = [moments.advance(*part) for part in cut]
        for k in range(2):
            joined = np.concatenate([part[k] for part in parts])
            np.testing.assert_array_equal(joined, whole[k])


@pytest.mark.parametrize("scale", [0.0, 2.0])
def test_a_feature_that_never_changes_has_a_scale(scale: float) -> None:
    constant = np.full((50, 1), 3.0, np.float32)
    moments = RunningMoments(np.array([3.0]), np.array([scale]), 1e-3)
    _, found = moments.advance(constant, ONES[:50])
    assert (found > 0).all()
    assert found[-1] >= scale / 100


def test_a_window_that_is_not_finite_spoils_no_other() -> None:
    f, weights = features(), some_weights()
    broken = f.copy()
    broken[[3, 50], [0, 2]] = np.nan, np.inf
    fine = np.delete(np.arange(len(f)), [3, 50])
    mean, scale = RunningMoments(MEAN, SCALE, 10).advance(broken, weights)
    want = RunningMoments(MEAN, SCALE, 10).advance(f[fine], weights[fine])
    np.testing.assert_array_equal(mean[fine], want[0])
    np.testing.assert_array_equal(scale[fine], want[1])

"""Scales: the range that each channel is drawn in."""

import numpy as np
import pytest

from rtpipe.dashboard.lanes import range_text
from rtpipe.dashboard.scale import Scale, rounded


@pytest.mark.parametrize("value", [3e-7, 0.3, 1, 1.01, 2, 4.9, 5, 7, 99, 101, 2.5e9])
def test_a_round_number_is_the_least_that_is_not_less(value: float) -> None:
    numbers = [m * 10.0**e for e in range(-9, 12) for m in (1, 2, 5)]
    at = next(k for k, each in enumerate(numbers) if each >= value * (1 - 1e-12))
    for steps in (-2, -1, 0, 1, 2):
        assert rounded(value, steps) == pytest.approx(numbers[at + steps], rel=1e-12)


def test_ranges_follow_the_signal_until_a_hand_sets_them() -> None:
    rng = np.random.default_rng(0)
    noise = rng.uniform(-1, 1, (2000, 2)).astype(np.float32)
    scale = Scale(2)
    assert scale.fit(noise[:0]) == []
    assert scale.fit(noise * (1, 100) + (0, 5000)) == [0, 1]
    assert (scale.range == (5, 500)).all()
    assert scale.middle == pytest.approx((0, 5000), abs=2)
    assert scale.fit(noise * (0.9, 110) + (0, 5000)) == []
    assert scale.fit(noise * (1, 1000) + (0, 5000)) == [1]
    assert scale.range[1] == 5000
    assert scale.fit(noise * (0.1, 1000) + (0, 5000)) == [0]
    assert scale.range[0] == 0.5
    scale.step(0, 2)
    assert scale.range[0] == 2
    assert scale.fit(noise * (0.001, 1000) + (0, 5000)) == []
    assert scale.fit(noise * (1, 1000) + (30, 5000)) == [0]  # its middle always follows
    assert scale.range[0] == 2
    assert scale.middle[0] == pytest.approx(30, abs=0.1)


def test_channels_that_are_alike_have_the_range_that_the_largest_needs() -> None:
    rng = np.random.default_rng(0)
    noise = rng.uniform(-1, 1, (2000, 4)).astype(np.float32)
    scale = Scale(4)
    scale.fit(noise * (1, 10, 100, 1000))
    scale.step(3, 1)
    assert scale.range.tolist() == [5, 50, 500, 10000]
    assert scale.fit(noise * (1, 10, 100, 1000), [[0, 1, 3]]) == [0]
    assert scale.range.tolist() == [50, 50, 500, 10000]
    assert scale.fit(noise * (1, 60, 100, 1000), [[0, 1, 3]]) == [0, 1]
    assert scale.range.tolist() == [200, 200, 500, 10000]
    assert scale.fit(noise * (1, 60, 100, 1000), [[0, 1, 3]]) == []
    assert scale.fit(noise * (1, 60, 100, 1000)) == [0]
    assert scale.range.tolist() == [5, 200, 500, 10000]


def test_a_channel_that_never_changes_has_a_range() -> None:
    scale = Scale(1)
    scale.fit(np.full((50, 1), 7, np.float32))
    assert (scale.range[0], scale.middle[0]) == (1, 7)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (200, "uV", "200 µV"),
        (5000, "uV", "5000 µV"),
        (20_000, "uV", "20 mV"),
        (2e8, "uV", "200 V"),
        (50, "none", "50"),
        (50, "unknown", "50 ?"),
        (50_000, "g", "50000 g"),
        (np.nan, "uV", ""),
    ],
)
def test_a_range_is_a_number_and_a_unit(value: float, unit: str, text: str) -> None:
    assert range_text(value, unit) == text

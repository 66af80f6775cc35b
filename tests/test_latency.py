"""Percentiles of the histogram against those of NumPy."""

import numpy as np
import pytest

from rtpipe.latency import Histogram


@pytest.mark.parametrize("median", [3e-5, 0.004, 0.7])
@pytest.mark.parametrize("q", [5, 50, 95, 99])
def test_percentiles_are_right_within_three_percent(median: float, q: float) -> None:
    rng = np.random.default_rng(0)
    durations = median * rng.lognormal(0, 0.8, 2001)
    histogram = Histogram()
    for each in durations.tolist():
        histogram.add(each)
    want = np.percentile(durations, q, method="inverted_cdf")
    assert histogram.percentile(q) == pytest.approx(want, rel=0.03)


def test_without_a_duration_there_is_no_percentile() -> None:
    assert Histogram().percentile(50) is None


def test_one_duration_is_every_percentile() -> None:
    histogram = Histogram()
    histogram.add(0.01)
    assert [histogram.percentile(q) for q in (1, 50, 100)] == [
        pytest.approx(0.01, rel=0.03)
    ] * 3


def test_what_lies_outside_counts_at_the_edge() -> None:
    histogram = Histogram()
    for seconds in (-1.0, 0.0, 1e-9):
        histogram.add(seconds)
    assert histogram.percentile(100) == pytest.approx(1e-6, rel=0.03)
    for _ in range(3):
        histogram.add(1e5)
    assert histogram.percentile(100) == pytest.approx(1e3, rel=0.03)
    assert histogram.percentile(50) == pytest.approx(1e-6, rel=0.03)


def test_what_was_added_is_summed_and_counted_at_the_edges_of_bins() -> None:
    histogram = Histogram()
    durations = [-1.0, 0.00009, 0.0003, 0.02, 0.021, 99.0, 3000.0]
    for each in durations:
        histogram.add(each)
    assert histogram.seconds == pytest.approx(sum(durations) + 1)
    found = dict(histogram.at_most())
    counts = {edge: sum(each <= edge for each in durations) for edge in found}
    assert found == counts
    edges = list(found)
    assert edges[:-1] == pytest.approx([10 ** (k / 5) for k in range(-20, 11)])
    assert edges[-1] == float("inf")

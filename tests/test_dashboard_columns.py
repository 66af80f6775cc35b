"""Columns of a picture: which answer stands in which."""

from itertools import pairwise

import numpy as np
import pytest

from rtpipe.dashboard.columns import edges, greatest, newest, stretches


def test_a_column_has_the_newest_answer_that_still_holds() -> None:
    rng = np.random.default_rng(1)
    hop = 0.2
    for n_columns in (1, 7, 60, 400):
        end = np.cumsum(rng.choice([hop, hop, hop, 1.5], 80))
        between = edges(end[-1] + 0.3, 12.0, n_columns)
        assert np.diff(between) == pytest.approx(12.0 / n_columns)
        assert between[-2] <= end[-1] + 0.3 < between[-1]
        values = rng.random(len(end))
        found = newest(end, between, hop)
        peaks = greatest(end, values, between, hop)
        for column in range(n_columns):
            low, high = between[column : column + 2]
            inside = np.flatnonzero((end >= low) & (end < high))
            before = np.flatnonzero((end < low) & (low - end <= 1.6 * hop))
            plain = inside if len(inside) else before[-1:]
            assert found[column] == (plain[-1] if len(plain) else -1)
            held = [*inside, *(before[-1:] if not len(inside) else [])]
            if held:
                assert peaks[column] == max(values[k] for k in held)
            else:
                assert np.isnan(peaks[column]), "a gap is never bridged"


def test_no_answer_fills_no_column() -> None:
    between = edges(5.0, 2.0, 10)
    assert (newest(np.empty(0), between, 0.1) == -1).all()
    assert np.isnan(greatest(np.empty(0), np.empty(0), between, 0.1)).all()


def test_a_picture_stays_while_no_column_is_over() -> None:
    first = edges(100.21, 60.0, 200)
    np.testing.assert_array_equal(edges(100.49, 60.0, 200), first)
    np.testing.assert_allclose(edges(100.51, 60.0, 200)[:-1], first[1:])


def test_stretches_are_all_of_it_and_each_of_one_value() -> None:
    rng = np.random.default_rng(2)
    values = rng.integers(0, 3, 200)
    found = stretches(values)
    assert [k for a, b in found for k in range(a, b)] == list(range(200))
    for (_, stop), (start, _) in pairwise(found):
        assert stop == start
        assert values[stop - 1] != values[start]
    assert all(len(set(values[a:b].tolist())) == 1 for a, b in found)
    assert stretches(np.empty(0)) == []

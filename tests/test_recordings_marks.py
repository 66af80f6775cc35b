"""Codes in a column of a recording are markers that say which code it is."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpipe.recordings.marks import coded


def marks(*codes: float) -> list[tuple[int, str]]:
    """Return the row and the text of each marker."""
    n = len(codes)
    column, times = np.array(codes, float), np.arange(n) / 100
    found = coded(Path("a.csv"), "eeg", column, np.arange(n), times)
    return [(each.index or 0, each.data["text"]) for each in found]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (3, "3"),
        (-1, "-1"),
        (0.5, "0.5"),
        (1234567, "1234567"),
        (1234568, "1234568"),
        (2**53 - 1, "9007199254740991"),
    ],
)
def test_a_code_is_told_in_full(code: float, text: str) -> None:
    assert marks(0, code, code, 0) == [(1, text)]


@given(st.floats(allow_nan=False, allow_infinity=False).filter(bool))
def test_no_two_codes_have_the_same_text(code: float) -> None:
    ((_, text),) = marks(code)
    assert float(text) == code


@pytest.mark.parametrize("none", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_no_code(none: float) -> None:
    assert marks(none, none, 5, 5, none, 0, none, 7, none) == [(2, "5"), (7, "7")]
    assert marks(*[none] * 200_000) == []

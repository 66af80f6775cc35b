"""Answers laid on a picture's columns of pixels: held for a hop, never over a gap."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rtpipe.types import Float64

_HELD = 1.6  # hops for which an answer fills the columns behind it


def edges(now: float, span: float, n_columns: int) -> Float64:
    """Return the times between columns, so that a picture moves by whole ones.

    Parameters
    ----------
    now : float
        The last column holds it.
    span : float
        Seconds from the left to the right.
    n_columns : int

    Returns
    -------
    ndarray, shape (n_columns + 1,)
    """
    width = span / n_columns
    last = np.floor(now / width) + 1
    times: Float64 = (last - np.arange(n_columns, -1, -1)) * width
    return times


def newest(end: Float64, between: Float64, hop: float) -> NDArray[np.intp]:
    """Return the newest answer of each column: its place in `end`, -1 where none is.

    Parameters
    ----------
    end : ndarray, shape (n,)
        When the answers' windows ended, in order.
    between : ndarray, shape (n_columns + 1,)
    hop : float
        Seconds from one answer to the next.
    """
    found = np.searchsorted(end, between[1:]) - 1
    held = end[found] if len(end) else np.full(len(found), -np.inf)
    found[(found < 0) | (between[:-1] - held > _HELD * hop)] = -1
    return found


def greatest(end: Float64, values: Float64, between: Float64, hop: float) -> Float64:
    """Return the greatest value of each column, so that none is too short to be seen.

    Parameters
    ----------
    end, values : ndarray, shape (n,)
    between : ndarray, shape (n_columns + 1,)
    hop : float

    Returns
    -------
    ndarray, shape (n_columns,)
        nan where there is no answer.
    """
    found = newest(end, between, hop)
    drawn = np.where(found < 0, np.nan, np.append(values, np.nan)[found])
    inside = slice(*np.searchsorted(end, between[[0, -1]]))
    column = np.searchsorted(between, end[inside], side="right") - 1
    np.fmax.at(drawn, column, values[inside])
    return drawn


def stretches(values: NDArray[np.generic]) -> list[tuple[int, int]]:
    """Return the first and last but one of each run of equal neighbours.

    Parameters
    ----------
    values : ndarray, shape (n,)

    Returns
    -------
    list of (start, stop)
        Together they are all of it.
    """
    cuts = np.flatnonzero(values[1:] != values[:-1]) + 1
    bounds = [0, *cuts.tolist(), len(values)]
    return [(a, b) for a, b in pairwise(bounds) if b > a]

"""Many samples in few columns, without losing a peak."""

import numpy as np
from numpy.typing import NDArray

from rtpipe.types import Float32


def peaks(
    data: Float32, columns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Float32, Float32]:
    """Return the lowest and the highest value of each channel in each column.

    Parameters
    ----------
    data : ndarray of float32, shape (n_times, n_channels)
        Finite.
    columns : ndarray of int, shape (n_times,)
        The column each sample falls into; never decreases.

    Returns
    -------
    columns : ndarray of int, shape (n_columns,)
        Those into which samples fall; each once, in order.
    low, high : ndarray of float32, shape (n_columns, n_channels)
    """
    if not len(data):
        none = np.empty((0, data.shape[1]), np.float32)
        return columns[:0], none, none
    begins = np.flatnonzero(np.diff(columns, prepend=columns[0] - 1))
    low = np.minimum.reduceat(data, begins, axis=0)
    return columns[begins], low, np.maximum.reduceat(data, begins, axis=0)

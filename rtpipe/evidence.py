"""How the electrodes of one stream are placed, from the evidence of its windows."""

import numpy as np
from numpy.typing import NDArray

from rtpipe.types import Float32, Float64


class RunningEvidence:
    """Evidence for each placement, summed over the windows answered so far.

    Parameters
    ----------
    n_placements : int
        The first is that of training.
    lead : float
        By how much the evidence for another one must exceed that for the first.

    Notes
    -----
    For a window only those before it count, each by its weight, as in
    `rtpipe.moments.RunningMoments`; one whose evidence is not finite counts nothing.
    """

    def __init__(self, n_placements: int, lead: float) -> None:
        self._sum = np.zeros(n_placements)
        self._handicap = np.full(n_placements, lead)
        self._handicap[0] = 0.0

    @property
    def placement(self) -> int:
        """The placement the next window is seen in."""
        return int(np.argmax(self._sum - self._handicap))

    def advance(self, evidence: Float64, weights: Float32) -> NDArray[np.int64]:
        """Take in windows and return the placement each of them is seen in.

        Parameters
        ----------
        evidence : ndarray, shape (n_windows, n_placements)
            In the order of the windows.
        weights : ndarray, shape (n_windows,)

        Returns
        -------
        ndarray of int64, shape (n_windows,)
        """
        finite = np.isfinite(evidence).all(axis=1) & np.isfinite(weights)
        told = np.where(finite[:, None], evidence, 0) * np.where(finite, weights, 0)[
            :, None
        ].astype(np.float64)
        sums = np.cumsum(np.concatenate((self._sum[None], told)), axis=0)
        self._sum = sums[-1]
        placements: NDArray[np.int64] = (sums[:-1] - self._handicap).argmax(axis=1)
        return placements

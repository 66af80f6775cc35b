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
    depth : float
        No sum falls further behind the greatest, so that electrodes that are placed
        anew are found however long they had been placed otherwise.

    Notes
    -----
    For a window only those before it count, each by its weight, as in
    `rtpipe.moments.RunningMoments`; one whose evidence is not finite counts nothing.
    Sums go window by window, so that batches change no bit of them.
    """

    def __init__(self, n_placements: int, lead: float, depth: float) -> None:
        self._sum = np.zeros(n_placements)
        self._handicap = np.full(n_placements, lead)
        self._handicap[0] = 0.0
        self._depth = depth

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
        placements = np.zeros(len(evidence), np.int64)
        for k, (row, weight) in enumerate(zip(evidence, weights, strict=True)):
            placements[k] = np.argmax(self._sum - self._handicap)
            told = float(weight) * row
            if np.isfinite(told).all():
                self._sum = self._sum + told
                np.maximum(self._sum, self._sum.max() - self._depth, out=self._sum)
        return placements

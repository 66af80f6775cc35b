"""The ledger's figures of a recorded index."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 1 << 16  # samples, so that what is made on the way stays small


@dataclass(frozen=True, slots=True)
class Losses:
    """What a run counts of the same samples: see docs/ledger.md.

    Parameters
    ----------
    gaps : int
        Jumps of the index, of whatever length.
    lost : int
        Samples missing when the next one came. One that comes late is among them.
    late : int
        Samples that had come before, or others after them had.
    """

    gaps: int = 0
    lost: int = 0
    late: int = 0


def losses(index: NDArray[np.int64]) -> Losses:
    """Return what was lost and what came late, from the index in order of arrival.

    Parameters
    ----------
    index : ndarray of int64, shape (n_times,)
    """
    if not len(index):
        return Losses()
    gaps = lost = late = 0
    newest = index[0]
    for k in range(1, len(index), _AT_ONCE):
        reached = np.maximum.accumulate(np.append(newest, index[k : k + _AT_ONCE]))
        steps, newest = np.diff(reached), reached[-1]
        gaps += int((steps > 1).sum())
        lost += int((steps[steps > 1] - 1).sum())
        late += int((steps == 0).sum())
    return Losses(gaps, lost, late)

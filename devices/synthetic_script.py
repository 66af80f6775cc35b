"""The script of a synthetic person: which state holds when, with smooth changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rtpipe.types import Float64


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One state of the person, from its onset to the onset of the next.

    Parameters
    ----------
    onset : int
        Sample at which the change to this state begins.
    ramp : int
        Samples the change takes; from ``onset + ramp`` on the state is reached.
    labels : mapping of str to (str or None)
        The true label of every task in this state; None where there is none.
    gains : ndarray of float64, shape (n_gains,)
        What the generator of the signal is to do in this state.
    """

    onset: int
    ramp: int
    labels: Mapping[str, str | None]
    gains: Float64


class Truth(NamedTuple):
    """From sample `onset` on, the label of `task` is `label` (None: undefined)."""

    onset: int
    task: str
    label: str | None


class Script:
    """States in a row, read block by block.

    Parameters
    ----------
    states : iterator of State
        In the order of their onsets, the first at sample 0 without a ramp, each
        ramp over before the next onset, without end.
    """

    def __init__(self, states: Iterator[State]) -> None:
        self._states = states
        first = next(states)
        self._kept = [first]  # the states that still matter, oldest first
        self._truths = [Truth(0, task, label) for task, label in first.labels.items()]

    def block(self, start: int, stop: int) -> tuple[Float64, list[Truth]]:
        """Return gains and changes of truth; blocks are asked for in order.

        Parameters
        ----------
        start, stop : int
            First sample of the block, and first of the next.

        Returns
        -------
        gains : ndarray of float64, shape (stop - start, n_gains)
            Going from one state's to the next's along a raised cosine.
        truths : list of Truth
            Those that begin in the block. While a label changes it is None, so that
            a window whose truth is one label holds nothing of another.
        """
        while self._kept[-1].onset < stop:
            self._append(next(self._states))
        while self._kept[1].onset + self._kept[1].ramp <= start:
            del self._kept[0]
        index = np.arange(start, stop, dtype=np.float64)
        gains = np.tile(self._kept[0].gains, (stop - start, 1))
        for before, after in zip(self._kept, self._kept[1:], strict=False):
            done = np.clip((index - after.onset) / max(after.ramp, 1), 0.0, 1.0)
            weight = 0.5 - 0.5 * np.cos(np.pi * done)
            gains += weight[:, np.newaxis] * (after.gains - before.gains)
        truths = [truth for truth in self._truths if truth.onset < stop]
        self._truths = [truth for truth in self._truths if truth.onset >= stop]
        return gains, truths

    def _append(self, state: State) -> None:
        before = self._kept[-1].labels
        reached = state.onset + state.ramp
        for task, label in state.labels.items():
            if label == before[task]:
                continue
            if before[task] is not None:
                self._truths.append(Truth(state.onset, task, None))
            if label is not None:
                self._truths.append(Truth(reached, task, label))
        self._truths.sort(key=lambda truth: truth.onset)
        self._kept.append(state)

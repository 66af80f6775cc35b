"""Cues: what a person is asked to do and when, and the markers that tell of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: What the markers of a cue begin with; its label follows. One that was disturbed, by
#: a stream that was lost say, ends as broken and is not to be learnt from.
ON, OFF, BROKEN = "cue on: ", "cue off: ", "cue broken: "
TRUTH = "truth"  # in place of labels: what the device tells of itself
READY = 2.0  # seconds before each cue, in which it is named
_LONGEST = 40  # letters of a label


@dataclass(frozen=True, slots=True)
class Cue:
    """What a person is asked to do, as it stands now.

    Parameters
    ----------
    label : str or None
        What to do now; None between two cues.
    next : str or None
        What comes next, where that is known.
    left : float
        Seconds until that changes; 0 where it is not known.
    length : float
        Seconds that what goes on takes in all; 0 where it is not known.
    done, total : int
        How many cues are over, of how many; a total of 0 is not known.
    waits : str
        Why it does not go on; empty where it does.
    broken : int
        How many were disturbed.
    again : bool
        Whether what is asked for now, or next, was disturbed before.
    """

    label: str | None
    next: str | None
    left: float
    length: float
    done: int
    total: int
    waits: str = ""
    broken: int = 0
    again: bool = False


class Prompter:
    """Asks for each label once a repetition, in an order drawn from a seed.

    Parameters
    ----------
    labels : sequence of str
    repeat : int
        Repetitions.
    seconds : float
        Length of a cue.
    seed : int

    Attributes
    ----------
    cue : Cue
    """

    def __init__(
        self, labels: Sequence[str], repeat: int, seconds: float, seed: int
    ) -> None:
        self._order = order(labels, repeat, seed)
        self._seconds = seconds
        self._done = self._broken = 0
        self._on = self._again = False
        self._until: float | None = None  # None: it waits
        self.cue = self._cue(0.0)

    @property
    def over(self) -> bool:
        """Whether the last cue has ended."""
        return self._done == len(self._order)

    def step(self, now: float, obstacle: str = "") -> list[str]:
        """Go on to a moment, and return the texts of the markers that are due.

        Parameters
        ----------
        now : float
            Seconds, never less than before.
        obstacle : str
            Why it cannot go on; a cue that it breaks is asked for again.
        """
        texts = [] if self.over else self._texts(now, obstacle)
        self.cue = self._cue(now, obstacle)
        return texts

    def end(self) -> list[str]:
        """Return the text of the marker that is due where it ends now."""
        texts = self._disturbed()
        self.cue = self._cue(0.0)
        return texts

    def _disturbed(self) -> list[str]:
        if not self._on:
            return []
        self._on, self._again = False, True
        self._broken += 1
        return [BROKEN + self._order[self._done]]

    def _texts(self, now: float, obstacle: str) -> list[str]:
        label = self._order[self._done]
        if obstacle:
            self._until = None
            return self._disturbed()
        if self._until is None:
            self._until = now + READY
        if now < self._until:
            return []
        if self._on:
            self._on, self._again, self._until = False, False, now + READY
            self._done += 1
            return [OFF + label]
        self._on, self._until = True, now + self._seconds
        return [ON + label]

    def _cue(self, now: float, waits: str = "") -> Cue:
        coming = self._order[self._done :]
        label = coming[0] if self._on else None
        if self._on:
            coming = coming[1:]
        left = 0.0 if self._until is None or self.over else self._until - now
        return Cue(
            label=label,
            next=coming[0] if coming else None,
            left=left,
            length=self._seconds if self._on else READY,
            done=self._done,
            total=len(self._order),
            waits=waits,
            broken=self._broken,
            again=self._again,
        )


def labels(told: object) -> tuple[str, ...]:
    """Return the labels of cues, from a list or from a text with commas.

    Raises
    ------
    ValueError
        If one is empty, occurs twice, or could not be shown.
    """
    parts = told.split(",") if isinstance(told, str) else told
    if not isinstance(parts, Sequence) or not all(isinstance(p, str) for p in parts):
        raise ValueError("cues are labels with commas between: rest,fist,open")
    found = tuple(str(each).strip() for each in parts)
    for each in found:
        refuse_unshown(each)
        if found.count(each) > 1:
            raise ValueError(f"the cue {each} occurs twice")
    if TRUTH in found and len(found) > 1:
        raise ValueError(f"{TRUTH} stands alone, or is no label")
    return found


def refuse_unshown(label: str) -> None:
    """Raise ValueError where a label could not be shown to a person."""
    if not label or not label.isprintable() or len(label) > _LONGEST:
        raise ValueError(
            f"a cue is a word that can be shown, of at most {_LONGEST} letters, "
            f"not {label!r}"
        )


def order(labels: Sequence[str], repeat: int, seed: int) -> list[str]:
    """Return the labels of all cues: each once a repetition, none twice in a row."""
    rng = np.random.default_rng(seed)
    found: list[str] = []
    for _ in range(repeat):
        each = [str(label) for label in rng.permutation(np.array(labels))]
        if found and len(each) > 1 and each[0] == found[-1]:
            each.reverse()
        found += each
    return found


def length(n_labels: int, repeat: int, seconds: float) -> str:
    """Return how many cues there are, and how long they take, in words."""
    minutes, rest = divmod(round(n_labels * repeat * (READY + seconds)), 60)
    both = [f"{minutes} min"] * (minutes > 0) + [f"{rest} s"] * (rest > 0)
    return f"{repeat} x {n_labels} cues of {seconds:g} s: {' '.join(both)}"

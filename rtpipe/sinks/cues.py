"""Asks a person, cue by cue, and marks what was asked for on every stream."""

from collections.abc import Sequence

import numpy as np

from rtpipe.clock import now
from rtpipe.cues import Prompter, length
from rtpipe.errors import ConfigError
from rtpipe.sink import Item, Run
from rtpipe.types import Event


class Cues:
    """Shows each label once a repetition, in random order; then ends the run.

    It begins when every stream has sent a sample. While one is lost it waits, and a
    cue in which samples were lost is asked for again. What is shown stands in
    `Run.cue`; the views draw it.

    Parameters
    ----------
    labels : sequence of str
    repeat : int
        Repetitions.
    seconds : float
        Length of a cue.
    seed : int or None
        Of the order; None draws one. The first marker tells which.
    """

    name = "cues"
    period = 0.05
    samples = False

    def __init__(
        self, labels: Sequence[str], repeat: int, seconds: float, seed: int | None
    ) -> None:
        self.labels, self.repeat, self.seconds = labels, repeat, seconds
        self.seed = seed

    def open(self, run: Run) -> None:
        """Draw the order.

        Raises
        ------
        ConfigError
            If what is played was recorded before: nobody could do what is asked for.
        """
        for name, stream in run.streams.items():
            if stream.clock != "run":
                raise ConfigError(
                    f"cues are for a person, and {name} does not come in its own time: "
                    "say --cues truth, where the device tells what is done"
                )
        seed = self.seed
        if seed is None:
            seed = int(np.random.default_rng().integers(1_000_000))
        self._prompter = Prompter(self.labels, self.repeat, self.seconds, seed)
        told = length(len(self.labels), self.repeat, self.seconds)
        self._first = f"cues: {told}, seed {seed}"
        self._run = run
        run.cue = self._prompter.cue

    def take(self, items: Sequence[Item]) -> None:
        """Go on with the cues, by the run's clock."""
        if self._prompter.over:
            return
        obstacle = self._obstacle(items)
        if self._first and not obstacle:
            self._run.mark(self._first)
            self._first = ""
        for text in self._prompter.step(now(), obstacle):
            self._run.mark(text)
        self._run.cue = self._prompter.cue
        if self._prompter.over:
            self._run.stop()

    def close(self) -> None:
        """Mark what goes on as broken, and tell how many cues are done."""
        for text in self._prompter.end():
            self._run.mark(text)
        cue = self._run.cue = self._prompter.cue
        left = cue.total - cue.done
        told = {"done": cue.done, "broken": cue.broken, "left": left}
        self._run.tell(Event("", now(), "cues", None, told))

    def _obstacle(self, items: Sequence[Item]) -> str:
        """Return why it cannot go on, or nothing."""
        for name, stream in self._run.streams.items():
            if not stream.raw.stop:
                return f"waiting for the first sample of {name}"
            if stream.link.state in ("lost", "recovering"):
                return f"{name} is lost: the cues wait for it"
        lost = [each for each in items if isinstance(each, Event) and breaks(each)]
        return f"samples of {lost[0].stream} were lost: once more" if lost else ""


def breaks(event: Event) -> bool:
    """Tell whether an event means that samples of a cue are missing."""
    return event.kind == "lost" or (event.kind == "gap" and not event.data["filled"])

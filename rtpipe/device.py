"""What a device adapter promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from rtpipe.types import Chunk, StreamInfo


@dataclass(frozen=True, slots=True)
class Offer:
    """Something a person could type after ``--device``, and whether it would work here.

    An adapter's class may have a static method ``look(seconds: float) ->
    Sequence[Offer]`` that searches for at most that long, never raises, and returns at
    least one of them; ``rtpipe devices`` shows what it says.

    Parameters
    ----------
    argument : str
        ``"lsl:Armband"``, ``"muse:2"``: what stands after ``--device``.
    what : str
        In a few words: ``"EMG, 8 channels, 200 Hz"``.
    state : "ready", "missing" or "unknown"
        Found or needing nothing; lacking something; not to be told without trying.
    hint : str
        What is missing and what to do about it, or what is known about it.
    """

    argument: str
    what: str
    state: Literal["ready", "missing", "unknown"]
    hint: str = ""


class Device(Protocol):
    """A source of samples: opened once, read in a loop, closed once.

    The code may block; an adapter holds no thread, no lock and no buffer of its own,
    for the runtime calls `read` from one thread only. The constructor takes settings
    and nothing else; its first parameter is what stands after the colon in
    ``--device KIND:ARG``. The laws are stated as tests in `rtpipe.checks`.

    Attributes
    ----------
    paced : bool
        True where the samples come in their own time and nothing may wait for the
        models; False where `read` is called as fast as the models answer.
    clock : "run" or "recording"
        What the chunks' times count on: the run's clock, or the recording's.
    """

    paced: bool
    clock: Literal["run", "recording"]

    def open(self) -> Sequence[StreamInfo]:
        """Connect, start streaming, and say what will come: one or more streams.

        After a `close` it may be opened again, which is how a run gets back a device
        that was lost: it returns to the very same source, within a few seconds, and
        says the same of its streams. Their index may begin anew; the run continues it.

        Raises
        ------
        DeviceNotFound
            If the device does not answer within its own time limit; the text says what
            is missing and what to try.
        """
        ...

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        """Return the samples that arrived since the last call, oldest first.

        Parameters
        ----------
        timeout : float
            Longest time to wait for a first sample, in seconds.

        Returns
        -------
        sequence of Chunk, or None
            Empty when nothing came in time; None when nothing will come any more (a
            recording is over). Per stream, indices and times never decrease.

        Raises
        ------
        DeviceLost
            If the device is gone; `close` is still to be called.
        """
        ...

    def close(self) -> None:
        """Stop streaming and release. Safe to call twice, or after a failed `open`."""
        ...

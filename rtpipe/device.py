"""What a device adapter promises."""

from collections.abc import Sequence
from typing import Literal, Protocol

from rtpipe.types import Chunk, StreamInfo


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

        Raises
        ------
        DeviceNotFound
            If the device does not answer within its own time limit.
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

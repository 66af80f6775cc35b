"""Single keys from the terminal, read without waiting and without a thread.

The terminal hands over each key at once and does not print it ("cbreak"). Ctrl-C still
interrupts. Ctrl-Z arrives as a key, for the screen has to be given back before the
process stops.
"""

import os
import sys
import time
from typing import IO, Any

SUSPEND = "\x1a"  # Ctrl-Z


def available(output: IO[str]) -> bool:
    """Return whether a person can press keys: input and output are terminals."""
    try:
        return sys.stdin is not None and sys.stdin.isatty() and output.isatty()
    except ValueError:  # a file that was closed
        return False


class Keys:
    """The keys pressed on standard input, a terminal."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None

    @property
    def taken(self) -> bool:
        """Whether keys come here at once; not while another job has the terminal."""
        return self._before is not None

    def open(self) -> None:
        """Take the keys, unless another job has the terminal."""
        if sys.platform == "win32":  # pragma: no cover
            self._before = []
        else:
            self._before = _cbreak()

    def pressed(self) -> str:
        """Return the keys pressed since the last call."""
        if self._before is None:
            return ""
        return _pending()

    def close(self) -> None:
        """Give the terminal's mode back. Safe to call twice."""
        if self._before:
            _restore(self._before)
        self._before = None


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _pending() -> str:
        keys = ""
        while msvcrt.kbhit():
            keys += msvcrt.getwch()
        return keys

    def _restore(mode: list[Any]) -> None:
        pass

    def in_front() -> bool:
        """Return True: Windows has no jobs that take turns at a terminal."""
        return True

    def suspend() -> None:
        """Windows stops no process by a key."""

else:
    import select
    import signal
    import termios

    _LOCAL, _CONTROL = 3, 6  # places in the mode: local flags, control characters

    def in_front() -> bool:
        """Return whether no other job has the terminal at the moment."""
        return _ours(sys.stdin.fileno())

    def _ours(number: int) -> bool:
        """Return whether this job may touch the terminal without being stopped."""
        try:
            return os.tcgetpgrp(number) == os.getpgrp()
        except OSError:  # not the terminal that jobs are controlled from
            return True

    def _cbreak() -> list[Any] | None:
        """Change the mode and return what it was; None where it is not ours."""
        number = sys.stdin.fileno()
        try:
            if not _ours(number):
                return None
            before = termios.tcgetattr(number)
            mode = termios.tcgetattr(number)
            mode[_LOCAL] &= ~(termios.ICANON | termios.ECHO)
            control = list(mode[_CONTROL])
            control[termios.VMIN], control[termios.VTIME] = 1, 0
            control[termios.VSUSP] = os.fpathconf(number, "PC_VDISABLE")
            mode[_CONTROL] = control
            termios.tcsetattr(number, termios.TCSADRAIN, mode)
        except (OSError, termios.error):  # it has gone
            return None
        return before

    def _pending() -> str:
        number = sys.stdin.fileno()
        try:
            if not _ours(number):
                return ""
            ready, _, _ = select.select([number], [], [], 0)
            # Bytes, not text: Python's own buffer would hide from select what it holds.
            return os.read(number, 1024).decode("ascii", "ignore") if ready else ""
        except OSError:  # it has gone; the run hears of that by a signal
            return ""

    def _restore(mode: list[Any]) -> None:
        try:
            if _ours(sys.stdin.fileno()):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, mode)
        except (OSError, termios.error):
            pass

    def suspend() -> None:
        """Stop this job, as Ctrl-Z does, and return when it is brought back."""
        os.kill(0, signal.SIGTSTP)
        # The signal goes to the main thread and stops all others a moment later.
        time.sleep(0.1)

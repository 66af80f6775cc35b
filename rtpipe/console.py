"""Consoles: standard output, whose reader may go, and a line for who waits."""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from errno import EPIPE

from rich.console import Console
from rich.text import Text

_UNBROKEN = 10_000  # cells of a line in a pipe or a file: nothing wraps


class Output(Console):
    """Rich's console, but the process is not ended from within when the reader goes.

    Where it is no terminal, lines are as long as they are, unless COLUMNS says how
    long: a command or a path that is broken in two cannot be copied. Text is shown as
    it is, also where it looks like rich's markup: names and labels come from outside.

    Parameters
    ----------
    gone : callable or None
        Called then, on the thread that printed; what is printed later goes nowhere.
        Without it BrokenPipeError is raised, as by `print`.
    """

    def __init__(self, gone: Callable[[], None] | None = None) -> None:
        super().__init__(markup=False, emoji=False)
        self._gone = gone
        if not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = _UNBROKEN

    def on_broken_pipe(self) -> None:
        """Rich calls this where it has caught the BrokenPipeError."""
        if self._gone is None:
            raise BrokenPipeError(EPIPE, "the reader has gone")
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())  # or Python's flush at the end would fail
        os.close(nowhere)
        self._gone()


def waiting(what: str) -> AbstractContextManager[object]:
    """Show on standard error what is waited for; nothing where it is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():  # None: it was closed
        return nullcontext()
    return Console(stderr=True).status(Text(what))

"""What Ctrl-C, SIGTERM and the closing of a terminal do, from the first line on.

All three mean the same. While nothing is there yet to put in order, the process ends at
once: an exception amid imports may come out as another one, or vanish. While a run is
there, each is a KeyboardInterrupt in the main thread, so that all is closed in order.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

STATUS = 130  # of a process that was interrupted
_AGAIN = 0.01  # seconds after which an interrupt that vanished comes again
_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)
)


def end_at_once() -> None:
    """Let each signal end the process, silently."""
    for each in _SIGNALS:
        signal.signal(each, _end)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let each signal be a KeyboardInterrupt, where `end_at_once` was called before.

    Python lets exceptions vanish that come amid a callback of its own, with some lines
    about it. Such an interrupt comes again a moment later, and nothing is said of it.
    """
    if signal.getsignal(signal.SIGINT) is not _end:
        yield
        return
    said = sys.unraisablehook
    sys.unraisablehook = _vanished
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, signal.default_int_handler)
    for each in _SIGNALS:
        signal.signal(each, signal.default_int_handler)
    try:
        yield
    finally:
        end_at_once()
        sys.unraisablehook = said


def _end(*_: object) -> NoReturn:
    os._exit(STATUS)


def _vanished(what: Any) -> None:
    if not issubclass(what.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(what)
    elif hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

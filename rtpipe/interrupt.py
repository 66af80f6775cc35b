"""What Ctrl-C, SIGTERM and the closing of a terminal do, from the first line on.

All three mean the same. While nothing is there yet to put in order, the process ends at
once: an exception amid imports may come out as another one, or vanish. While a run is
there, each is a KeyboardInterrupt in the main thread, so that all is closed in order.

A signal that whoever started the process lets it ignore stays ignored: `nohup` does so
with SIGHUP, and a shell with SIGINT for what it runs in the background.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

STATUS = 130  # of a process that was interrupted
_AGAIN = 0.01  # seconds after which an interrupt that vanished comes again
_CLOSING = 3.0  # seconds in which a further one changes nothing: all is being closed
_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)
)


def end_at_once() -> None:
    """Let each signal end the process, silently."""
    for each in _SIGNALS:
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, _end)


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Let each signal be a KeyboardInterrupt, where `end_at_once` was called before.

    Python lets exceptions vanish that come amid a callback of its own, with some lines
    about it. Such an interrupt comes again a moment later, and nothing is said of it.
    Some libraries catch all there is while they load: what this gives raises the
    interrupt once more, if there was one.

    Who presses Ctrl-C twice loses nothing by it. After three seconds of closing another
    one gives up what is being waited for, and the rest is closed.
    """
    heard = [each for each in _SIGNALS if signal.getsignal(each) is _end]
    if not heard:
        yield lambda: None
        return
    came: list[float] = []

    def interrupt(*_: object) -> None:
        at = time.monotonic()
        if not came or at - came[-1] > _CLOSING:
            came.append(at)
            raise KeyboardInterrupt

    def again() -> None:
        if came:
            raise KeyboardInterrupt

    said = sys.unraisablehook
    sys.unraisablehook = _vanished
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, lambda *_: again())
    for each in heard:
        signal.signal(each, interrupt)
    try:
        yield again
    finally:
        end_at_once()
        sys.unraisablehook = said


def leave(status: object) -> None:
    """End the process here and now, if it was interrupted.

    Python's own way out takes a while, and was seen to end with the status of a SIGINT
    (2 of some 200 times) though the interrupt had been caught.
    """
    if status == STATUS:
        for each in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                each.flush()
        os._exit(STATUS)


def _end(*_: object) -> NoReturn:
    os._exit(STATUS)


def _vanished(what: Any) -> None:
    if not issubclass(what.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(what)
    elif hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

"""pyxdf, kept off the screen."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rtpipe.errors import RecordingError, last_line


def load(path: Path, *, synchronised: bool) -> tuple[list[dict[str, Any]], bool]:
    """Return every stream of a file, as pyxdf has them, times not smoothed.

    Parameters
    ----------
    path : Path
    synchronised : bool
        Whether the times are on the recorder's clock; else they are the senders'.

    Returns
    -------
    streams : list of dict
    damaged : bool
        Whether parts of the file could not be read.

    Raises
    ------
    RecordingError
        If pyxdf is missing, or cannot read the file.
    """
    with _quiet() as damage:
        try:
            from pyxdf import load_xdf

            streams, _ = load_xdf(
                path,
                synchronize_clocks=synchronised,
                dejitter_timestamps=False,
                handle_clock_resets=True,
            )
        except ModuleNotFoundError:
            raise RecordingError(
                f"{path} is read by the package 'pyxdf': install it"
            ) from None
        except Exception as error:  # whatever a broken file makes of a reader
            raise RecordingError(
                f"{path} is damaged: pyxdf says: {last_line(error)}"
            ) from None
    return list(streams), bool(damage)


class _Collect(logging.Handler):
    """Keeps the errors that are logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def _quiet() -> Iterator[list[logging.LogRecord]]:
    """Collect the errors that pyxdf logs, and let nothing of it through."""
    handler, theirs = _Collect(), logging.getLogger("pyxdf")
    before = theirs.propagate
    theirs.propagate = False
    theirs.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield handler.records
    finally:
        theirs.removeHandler(handler)
        theirs.propagate = before

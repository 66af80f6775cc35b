"""What `rtpipe inspect` tells of a recording, and its repair."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rtpipe.errors import RtpipeError
from rtpipe.recording import Answers, layout_of
from rtpipe.recordings.facts import Facts, facts
from rtpipe.xdf.repair import Repaired, repair


def inspected(path: Path, answers: Answers) -> Facts:
    """Look into a recording; what its reader warns of is among the notes.

    Parameters
    ----------
    path : Path
    answers : Answers
        What it does not say itself.

    Raises
    ------
    RecordingError
        If it cannot be read.
    """
    with _warnings() as said:
        found = facts(path, layout_of(path), answers)
    return replace(found, notes=(*found.notes, *said))


def repaired(found: Facts) -> tuple[Repaired, Path] | None:
    """Write a whole copy beside a recording; None where it is whole.

    Raises
    ------
    RtpipeError
        If it is no XDF, or there is a file of the copy's name.
    """
    path = Path(found.file)
    if found.whole is None:
        raise RtpipeError(f"{path} is {found.layout}: only XDF can be repaired")
    if found.whole:
        return None
    target = path.with_name(f"{path.stem}-repaired.xdf")
    return repair(path, target), target


def as_json(found: Facts, made: tuple[Repaired, Path] | None) -> dict[str, Any]:
    """Return what is known as one object that JSON can hold."""
    told = asdict(found)
    if made:
        told["repaired"] = {"file": str(made[1]), **asdict(made[0])}
    return told


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Collect what is logged meanwhile, rather than show it twice."""
    collected: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            collected.append(record.getMessage())

    handler, logger = Collect(logging.WARNING), logging.getLogger("rtpipe")
    logger.addHandler(handler)
    try:
        yield collected
    finally:
        logger.removeHandler(handler)

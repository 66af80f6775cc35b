"""A recorded stream, and how a file becomes one."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import ConfigError, RecordingError
from rtpipe.few import few
from rtpipe.registry import find, names
from rtpipe.types import Event, Float32, Float64, StreamInfo
from rtpipe.unit import UNKNOWN, unit

logger = logging.getLogger(__name__)

MOST = 10_000  # channels that a stream may have: the densest arrays have half
HEAD = 4096  # bytes a layout is recognised by
PARTS = (".eeg", ".vmrk")  # of a BrainVision recording, which is opened by its header
BESIDE = (  # what lies beside recordings: of BIDS, and of a training's results
    *("*.json", "participants.tsv", "*_channels.tsv", "*_electrodes.tsv"),
    *("*_events.tsv", "*_scans.tsv", "*_sessions.tsv", "*.pt", "confusion*.png"),
)
FIRST = 8  # files that are no recordings whose names are told


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One stream of a file, whole.

    Parameters
    ----------
    info : StreamInfo
    index : ndarray of int64, shape (n_times,)
        Running number of each sample; it jumps where samples were lost.
    times : ndarray of float64, shape (n_times,)
        Seconds since the file's first sample, which may be another stream's; never
        decreasing.
    data : ndarray of float32, shape (n_times, n_channels)
    events : tuple of Event
        Truth and markers, in the order of their index.
    device_times : ndarray of float64, shape (n_times,), or None
        The times as the file has them.
    estimated : tuple of int
        Rows before which a jump of the index is an estimate although the device
        counts.
    started : float or None
        Seconds since 1970 where `times` are 0; None where the file does not tell.
    """

    info: StreamInfo
    index: NDArray[np.int64]
    times: Float64
    data: Float32
    events: tuple[Event, ...] = ()
    device_times: Float64 | None = None
    estimated: tuple[int, ...] = ()
    started: float | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person says of a file that does not say it itself.

    Parameters
    ----------
    board : str, int or None
        Of which board a file of BrainFlow's is: a name or a number of BrainFlow's.
    units : str, sequence of str or None
        For the channels whose unit is not told: one for all, or one for each.
    option : str
        How an answer is typed, for advice: a name and a value are put in.
    """

    board: str | int | None = None
    units: str | Sequence[str] | None = None
    option: str = "--set device.{}={}"


class Layout(Protocol):
    """A published way to lay a recording out in a file; one a module in recordings/.

    Attributes
    ----------
    title : str
        What a person calls it.
    """

    title: str

    def matches(self, head: bytes) -> bool:
        """Tell from a file's first bytes whether it is laid out so."""
        ...

    def read(self, path: Path, answers: Answers) -> Sequence[Recording]:
        """Return the streams of a file; their names differ.

        A channel whose unit the file does not tell is in `rtpipe.unit.UNKNOWN`.

        Raises
        ------
        RecordingError
            If the file is not what its first bytes promised; the text says where.
        """
        ...


_NOTHING = Answers()


def read(path: Path, answers: Answers = _NOTHING) -> Sequence[Recording]:
    """Read a recording in any layout that is known.

    Raises
    ------
    RecordingError
        If it cannot be read, is laid out in no way that is known, or the units given
        are not those it lacks.
    """
    recordings = layout_of(path).read(path, answers)
    _refuse_many(path, recordings)
    if answers.units is None:
        return recordings
    return _with_units(path, recordings, answers.units)


def layout_of(path: Path) -> Layout:
    """Return how a recording is laid out.

    Raises
    ------
    RecordingError
        If it cannot be read, or is laid out in no way that is known.
    """
    head = _head(path)
    layouts, lacking = _layouts()
    for layout in layouts:
        if layout.matches(head):
            return layout
    if _ending(path) in PARTS:
        raise RecordingError(
            f"{path} is a part of a BrainVision recording: open "
            f"{path.with_suffix('.vhdr').name} instead"
        )
    known = _known(layouts, lacking)
    raise RecordingError(f"{path} is laid out in no way known here ({known})")


def recordings_in(path: Path) -> list[Path]:
    """Return a recording, or every file below a folder that is one, in order.

    The files that are none are told in the log, in one line; but not hidden ones, and
    not what belongs to a recording or a training.

    Raises
    ------
    RecordingError
        If there is none.
    """
    if not path.is_dir():
        return [path]
    layouts, lacking = _layouts()
    files = sorted(each for each in path.rglob("*") if each.is_file())
    found = [file for file in files if _is_recording(file, layouts)]
    if not found:
        known = _known(layouts, lacking)
        raise RecordingError(f"{path} holds no recording that is known ({known})")
    _tell_others(path, files, found)
    return found


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file: how a card names what it was trained on."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def constant(values: NDArray[np.generic]) -> list[tuple[int, int]]:
    """Return the stretches (start, stop) over which a sequence keeps its value."""
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    bounds = [0, *edges.tolist(), len(values)]
    return list(pairwise(bounds))


def _refuse_many(path: Path, recordings: Sequence[Recording]) -> None:
    """Raise where a file claims to have what no recording has."""
    for info in (each.info for each in recordings):
        if info.n_channels > MOST:
            raise RecordingError(
                f"{path}: {info.name} is said to have {info.n_channels} channels, more "
                f"than the {MOST} that are read: is the file damaged?"
            )


def _with_units(
    path: Path, recordings: Sequence[Recording], units: str | Sequence[str]
) -> list[Recording]:
    """Return the recordings with units where the file tells none."""
    lacking = [
        name
        for each in recordings
        for name, word in zip(each.info.ch_names, each.info.units, strict=True)
        if word == UNKNOWN
    ]
    told = [units] * len(lacking) if isinstance(units, str) else units
    words = [unit(each) or UNKNOWN for each in told]
    if not lacking:
        raise RecordingError(f"{path} tells every channel's unit: take units away")
    if len(words) != len(lacking):
        raise RecordingError(
            f"units has {len(words)} entries, and {path} lacks the units of "
            f"{len(lacking)} channels: {few(lacking)}"
        )
    left = iter(words)
    return [
        replace(
            each,
            info=replace(
                each.info,
                units=tuple(
                    next(left) if word == UNKNOWN else word for word in each.info.units
                ),
            ),
        )
        for each in recordings
    ]


def _layouts() -> tuple[list[Layout], list[str]]:
    """Return the layouts, and a sentence for each that cannot be loaded.

    Such a one, of another package perhaps, is no reason to refuse a file in the others.
    """
    layouts: list[Layout] = []
    lacking: list[str] = []
    for name in names("recordings"):
        try:
            layouts.append(find("recordings", name))
        except ConfigError as error:
            _warn_once(str(error))
            lacking.append(str(error))
    return layouts, lacking


def _is_recording(file: Path, layouts: Sequence[Layout]) -> bool:
    try:
        head = _start(file)
    except OSError as error:
        _warn_once(f"{file} cannot be read: {error.strerror}")
        return False
    return any(each.matches(head) for each in layouts)


def _tell_others(folder: Path, files: list[Path], found: list[Path]) -> None:
    """Say which files are no recordings, those first that are named as some are."""
    known = set(found)
    endings = {_ending(each) for each in found}
    headers = {each.with_suffix("") for each in found if _ending(each) == ".vhdr"}
    others = [
        each.relative_to(folder)
        for each in files
        if each not in known
        and not (_ending(each) in PARTS and each.with_suffix("") in headers)
        and not any(fnmatch(each.name.lower(), pattern) for pattern in BESIDE)
        and not any(part.startswith(".") for part in each.relative_to(folder).parts)
    ]
    if not others:
        return
    others.sort(key=lambda each: _ending(each) not in endings)
    names = [each.as_posix() for each in others[:FIRST]]
    names += ["..."] * (len(others) > FIRST)
    _warn_once(
        f"{len(others)} file{'s' * (len(others) > 1)} in {folder}, laid out in no way "
        f"known here: {', '.join(names)}"
    )


def _ending(path: Path) -> str:
    return path.suffix.lower()


def _known(layouts: list[Layout], lacking: list[str]) -> str:
    return "; ".join([", ".join(each.title for each in layouts), *lacking])


@cache
def _warn_once(sentence: str) -> None:
    logger.warning("left out: %s", sentence)


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _head(path: Path) -> bytes:
    try:
        head = _start(path)
    except FileNotFoundError:
        raise RecordingError(f"there is no recording {path}") from None
    except IsADirectoryError:
        raise RecordingError(
            f"{path} is a folder, not a recording; `rtpipe evaluate` takes folders"
        ) from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from None
    if not head.strip():
        raise RecordingError(f"{path} is empty")
    return head

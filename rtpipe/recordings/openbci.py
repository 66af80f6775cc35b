"""Text that the OpenBCI GUI records: ``OpenBCI-RAW-*.txt`` of its versions 4 to 6."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import RecordingError
from rtpipe.estimate import IndexEstimate
from rtpipe.recording import Answers, Recording
from rtpipe.recordings.marks import coded
from rtpipe.recordings.names import different
from rtpipe.recordings.table import LONGEST, read_table, refuse_large, steady
from rtpipe.types import Float64, StreamInfo

logger = logging.getLogger(__name__)

START = b"%OpenBCI Raw E"  # "EEG Data" once, then "EXG Data"
NAMES = "Sample Index"  # begins the line of names
CYCLE = 256  # the Cyton's counter is a byte
MILLISECONDS = 1e11  # a time above is in these: as seconds it would be the year 5138
SETTINGS = 1000  # lines above the rows, a few in truth


class OpenBciText:
    """Lines of settings, perhaps a line of names, then comma separated rows.

    Notes
    -----
    The electrodes are in uV, named as in the file (``EXG Channel 0``). The acceleration
    is a second stream, in g, at the rate of the rows: the board measures it less often
    and the file holds each value until the next. Digital, analog and other columns are
    not played. Markers other than 0 are events.

    A Cyton counts its samples from 0 to 255, with a Daisy the even ones: the index
    rests on that alone, for the times of the GUI come in bursts and repeat. (A loss of
    a whole number of cycles, of about a second each, no such counter can show.) A row
    with the number of the one before is a repeat and left out, which is told in the
    log. Where the first column counts in another way, as a Ganglion's does, lost
    samples are estimated from the times.
    """

    title = "OpenBCI GUI text"

    def matches(self, head: bytes) -> bool:
        """Compare the first line."""
        return head.startswith(START)

    def read(self, path: Path, answers: Answers) -> Sequence[Recording]:
        """Return the electrodes, and the acceleration where there is one.

        Raises
        ------
        RecordingError
            If the header lacks the rate or the number of channels, or a row is not of
            numbers; the text names the line.
        """
        header = _read_header(path)
        exg, acc = header.columns("EXG Channel"), header.columns("Accel Channel")
        time, marker = header.columns("Timestamp"), header.columns("Marker")
        columns = [0, *exg, *acc, *time[:1], *marker[:1]]
        lines = header.n_lines
        table = read_table(path, ",", len(columns), header=lines, columns=columns)
        place = {column: table[:, k] for k, column in enumerate(columns)}
        stamps = _seconds(place[time[0]]) if time else None
        index = _counted(table[:, 0])
        counted = index is not None
        if index is None and stamps is not None:
            times = steady(path, stamps, header.sfreq, lines)
            index = IndexEstimate(header.sfreq).indices(times)
        else:
            index = np.arange(len(table)) if index is None else index
            times = index / header.sfreq
        fresh = np.diff(index, prepend=-1) > 0
        if n_repeats := len(index) - int(fresh.sum()):
            logger.warning("%s: %d rows came twice: left out", path, n_repeats)
        index, times = index[fresh], times[fresh]
        stamps = None if stamps is None else stamps[fresh]
        codes = place[marker[0]][fresh] if marker else None
        found = []
        for name, kind, word, part in (
            ("eeg", "eeg", "uV", exg),
            ("accel", "misc", "g", acc),
        ):
            if not part:
                continue
            n = len(part)
            info = StreamInfo(
                name=name,
                sfreq=header.sfreq,
                ch_names=different([header.names[k] for k in part]),
                ch_types=(kind,) * n,
                units=(word,) * n,
                counted=counted,
            )
            values = np.column_stack([place[k] for k in part])
            refuse_large(path, values, header=lines, first=part[0] + 1)
            data = values[fresh].astype(np.float32)
            events = () if codes is None else coded(path, name, codes, index, times)
            found.append(Recording(info, index, times, data, events, stamps))
        return found


@dataclass(frozen=True, slots=True)
class _Header:
    n_lines: int
    sfreq: float
    names: tuple[str, ...]

    def columns(self, name: str) -> list[int]:
        """Return the columns whose name begins so."""
        return [k for k, each in enumerate(self.names) if each.startswith(name)]


def _read_header(path: Path) -> _Header:
    settings: dict[str, str] = {}
    names: list[str] = []
    n_lines = 0
    with path.open("rb") as file:
        for line in file:
            if len(line) > LONGEST or n_lines > SETTINGS:
                raise RecordingError(f"{path}: the header is longer than any is")
            text = line.decode("latin-1").strip()
            name, equals, value = text.removeprefix("%").partition("=")
            if text.startswith("%") and equals:
                settings[name.strip().lower()] = value.strip()
            elif text.startswith(NAMES):
                names = [name.strip() for name in text.split(",")]
            elif not text.startswith("%"):
                break
            n_lines += 1
        else:
            raise RecordingError(f"{path} has a header and no samples")
    sfreq = _number(path, settings, "Sample Rate")
    if not names:  # version 4 has no line of them
        n = _number(path, settings, "Number of channels")
        names = _names(n, len(text.split(",")))
    if not any(name.startswith("EXG Channel") for name in names):
        raise RecordingError(f"{path} names no EXG channel above its rows")
    return _Header(n_lines, sfreq, tuple(names))


def _names(n_channels: float, n_columns: int) -> list[str]:
    """Return the names of version 4's columns: the last one has the times."""
    n = int(min(n_channels, n_columns - 1))
    names = ["Sample Index", *(f"EXG Channel {k}" for k in range(n))]
    names += [f"Accel Channel {k}" for k in range(3)]
    names += ["Other"] * (n_columns - len(names))
    if n_columns > n + 4:
        names[-1] = "Timestamp"
    return names[:n_columns]


def _number(path: Path, settings: dict[str, str], name: str) -> float:
    said = settings.get(name.lower(), "")
    found = re.match(r"\d+(\.\d+)?", said)
    if not found or not float(found[0]) > 0:
        raise RecordingError(
            f"{path}: the header has to say the {name.lower()}, as `%{name} = ` and a "
            f"number; it says {said[:80]!r}"
        )
    return float(found[0])


def _seconds(stamps: Float64) -> Float64:
    """Return times since 1970 in seconds, for some versions write milliseconds."""
    return stamps / 1000 if (stamps > MILLISECONDS).any() else stamps


def _counted(counter: Float64) -> NDArray[np.int64] | None:
    """Return the index that a Cyton's counter makes, None where it is none.

    A repeated number has the index of the one before.
    """
    whole = np.isfinite(counter) & (counter == np.rint(counter))
    if not (whole & (counter >= 0) & (counter < CYCLE)).all():
        return None
    values = counter.astype(np.int64)
    steps = np.diff(values) % CYCLE
    for step in (1, 2):
        wraps = len(steps) > CYCLE // step
        usual = 2 * np.count_nonzero(steps == step) > len(steps) or not len(steps)
        if usual and (not wraps or values.max() >= CYCLE - step):
            ahead = np.where(steps, np.maximum(1, steps // step), 0)
            return np.concatenate(([0], np.cumsum(ahead))).astype(np.int64)
    return None


OPENBCI = OpenBciText()

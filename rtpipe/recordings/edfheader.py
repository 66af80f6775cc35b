"""The header of EDF and BDF files.

Kemp & Olivan (2003), Clin Neurophysiol 114(9):1755, https://www.edfplus.info/specs:
256 characters of text on the file, then as many on each signal, field by field.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rtpipe.errors import RecordingError

ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
NOT_TOLD = datetime(1985, 1, 1, tzinfo=UTC)  # as EDF+ has it
_FIXED = 256
_LARGEST = 1e30  # that float32 holds as uV, too, if it is in V
_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # of a signal's fields


@dataclass(frozen=True, slots=True)
class Signal:
    """What the header says of one signal.

    Parameters
    ----------
    label, unit : str
    gain, offset : float
        A stored number times `gain` plus `offset` is the value in `unit`; where the
        header gives a range of no width it counts as 1, as MNE has it.
    n_times : int
        Samples in a record.
    start : int
        Samples of a record before this signal's.
    """

    label: str
    unit: str
    gain: float
    offset: float
    n_times: int
    start: int


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says of a file.

    Parameters
    ----------
    size : int
        Of the header, in bytes.
    broken : bool
        Whether the records need not follow one another in time.
    n_records : int
        -1 where the recorder did not get to write it.
    duration : float
        Of a record, in seconds.
    signals : tuple of Signal
    started : float or None
        When the first record began, in whole seconds since 1970; None where that is
        not told, or is the first moment of 1985, which stands for it.
    """

    size: int
    broken: bool
    n_records: int
    duration: float
    signals: tuple[Signal, ...]
    started: float | None = None

    @property
    def n_times(self) -> int:
        """Numbers in a record, of all its signals."""
        return sum(signal.n_times for signal in self.signals)


def read_header(path: Path) -> Header:
    """Read and check the header of a file.

    Raises
    ------
    RecordingError
        If it is cut short, or what it says is no number or cannot be.
    """
    with path.open("rb") as file:
        fixed = file.read(_FIXED).decode("latin-1")
        n = _whole(path, fixed[252:256], "number of signals", 1)
        size = _whole(path, fixed[184:192], "length of the header", 1)
        if size != _FIXED * (n + 1):
            raise RecordingError(
                f"{path}: the header of {n} signals is {_FIXED * (n + 1)} bytes long, "
                f"and says that it is {size}"
            )
        rest = file.read(size - _FIXED).decode("latin-1")
    if len(rest) < size - _FIXED:
        raise RecordingError(f"{path} ends within its header")
    columns = []
    for width in _WIDTHS:
        columns.append([rest[k * width : (k + 1) * width].strip() for k in range(n)])
        rest = rest[n * width :]
    signals: list[Signal] = []
    start = 0
    for label, _, unit, low, high, lowest, highest, _, count, _ in zip(
        *columns, strict=True
    ):
        what = f"of {label or 'a signal'}"
        n_times = _whole(path, count, f"number of samples {what}", 1)
        bottom = _number(path, low, f"physical minimum {what}")
        range_ = _number(path, high, f"physical maximum {what}") - bottom
        least = _number(path, lowest, f"digital minimum {what}")
        codes = _number(path, highest, f"digital maximum {what}") - least
        gain = (range_ or 1.0) / (codes or 1.0)
        signals.append(Signal(label, unit, gain, bottom - least * gain, n_times, start))
        start += n_times
    return Header(
        size,
        fixed[192:197] in ("EDF+D", "BDF+D"),
        _whole(path, fixed[236:244], "number of records", -1),
        _number(path, fixed[244:252], "duration of a record"),
        tuple(signals),
        _begun(fixed[168:184]),
    )


def _begun(text: str) -> float | None:
    """Return when a file says that it begins, taking its clock for UTC."""
    try:
        when = datetime.strptime(text, "%d.%m.%y%H.%M.%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    if when.year < NOT_TOLD.year:  # of two digits, 85 and more are last century's
        when = when.replace(year=when.year + 100)
    return None if when == NOT_TOLD else when.timestamp()


def _number(path: Path, text: str, what: str) -> float:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        number = math.nan
    if not abs(number) < _LARGEST:
        raise RecordingError(f"{path}: the {what} is {text.strip()!r}, no number")
    return number


def _whole(path: Path, text: str, what: str, least: int) -> int:
    number = _number(path, text, what)
    if number != int(number) or number < least:
        raise RecordingError(f"{path}: the {what} cannot be {text.strip()}")
    return int(number)

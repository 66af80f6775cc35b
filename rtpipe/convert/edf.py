"""Streams as EDF+ and BDF+ files, written by edfio."""

from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import numpy as np

from rtpipe.convert.annotation import Annotation
from rtpipe.convert.grid import Grid
from rtpipe.convert.names import ascii_text, labels
from rtpipe.convert.physical import physical
from rtpipe.errors import RecordingError
from rtpipe.few import few
from rtpipe.recordings.edf import MICROVOLTS, TYPES

BITS = {"edf": 16, "bdf": 24}
PADDING = "BAD_padding"  # what fills the last record
LONGEST = 10.0  # seconds of a record
CLOSE = 1e-6  # how far from the nominal rate that of a file may be, relatively
_PREFIX = {kind: word for word, kind in reversed(TYPES.items())}


def write_edf(grid: Grid, file: Path, kind: str, typed: bool = True) -> list[str]:
    """Write a stream; return what a person should know of it, a line each.

    Parameters
    ----------
    grid : Grid
    file : Path
    kind : str
        ``"edf"`` or ``"bdf"``.
    typed : bool
        Whether a channel's name follows its type (``EEG Fz``), as EDF+ has it.

    Raises
    ------
    RecordingError
        If the format cannot hold the rate, or the values of a channel.

    Notes
    -----
    Voltages are in uV, the rest is in its own unit. A file consists of records of equal
    length: what the last one lacks is the last value of each channel, annotated with
    ``BAD_padding``. Values are whole numbers of 16 or 24 bits, from the least to the
    greatest of the channel; whole numbers that fit are written as they are.
    """
    import edfio

    signal_of, file_of = {
        "edf": (edfio.EdfSignal, edfio.Edf),
        "bdf": (edfio.BdfSignal, edfio.Bdf),
    }[kind]
    info = grid.info
    n_times = len(grid.data)
    count, duration = record(n_times, info.sfreq)
    padding = -n_times % count
    sfreq = info.sfreq if count == info.sfreq * duration else count / duration
    told = []
    if count != info.sfreq * duration:
        told.append(f"the rate in the file is {sfreq!r} Hz")
    names = [
        f"{_prefix(type_)} {name}" if typed else name
        for name, type_ in zip(info.ch_names, info.ch_types, strict=True)
    ]
    short = labels(names)
    if cut := [each for each, label in zip(names, short, strict=True) if each != label]:
        told.append(f"names that EDF has no room for are cut: {few(cut)}")
    signals, coarsest = [], 0.0
    for k, (label, word) in enumerate(zip(short, info.units, strict=True)):
        scale = MICROVOLTS.get(word, 1.0)
        values = np.pad(grid.held(k) * scale, (0, padding), "edge")
        range_ = physical(info.ch_names[k], values, BITS[kind])
        if not range_.exact and word in MICROVOLTS:
            coarsest = max(coarsest, range_.step / 2)
        signals.append(
            signal_of(
                values,
                sfreq,
                label=label,
                physical_dimension="uV" if word in MICROVOLTS else ascii_text(word, 8),
                physical_range=(range_.low, range_.high),
            )
        )
    if coarsest:
        told.append(f"{BITS[kind]} bits: at most {coarsest:.2g} uV off")
    noted = list(grid.annotations)
    if padding:
        noted.append(Annotation(n_times, padding / info.sfreq, PADDING))
    start = _start(grid)
    made = file_of(
        signals,
        starttime=start.time() if start else time(),
        recording=edfio.Recording(
            startdate=start.date() if start else None,
            equipment_code=ascii_text(info.name, 20).replace(" ", "_") or "X",
        ),
        data_record_duration=duration,
        annotations=[_noted(each, sfreq, edfio.EdfAnnotation) for each in noted],
    )
    made.write(file)
    return told


def record(n_times: int, sfreq: float) -> tuple[int, float]:
    """Return how many samples a record has, and its length in seconds.

    Records of eighths of seconds are tried first, for their times are exact; of those
    that suit the rate, the one that leaves least to fill, then that nearest to 1 s.

    Raises
    ------
    RecordingError
        If no length of a record gives the rate.
    """
    eighths = [k / 8 for k in range(1, int(LONGEST * 8) + 1)]
    whole = [
        (round(sfreq * each), each)
        for each in eighths
        if abs(sfreq * each - round(sfreq * each)) < 1e-9 and sfreq * each >= 1
    ]
    if not whole:
        most = max(1, int(LONGEST * sfreq))
        counts = range(1, most + 1)
        every = [(n, round(n / sfreq, 5)) for n in counts]
        whole = [
            (n, each)
            for n, each in every
            if each > 0 and abs(n / each / sfreq - 1) < CLOSE
        ]
    fitting = [each for each in whole if _divides(n_times, sfreq, *each)]
    if not fitting:
        raise RecordingError(
            f"EDF and BDF have no record whose samples make {sfreq:g} Hz: convert to "
            "fif or csv"
        )
    return min(fitting, key=lambda each: (-n_times % each[0], abs(each[1] - 1)))


def _divides(n_times: int, sfreq: float, count: int, duration: float) -> bool:
    """Tell whether edfio, which divides decimals, will find whole records."""
    rate = sfreq if count == sfreq * duration else count / duration
    total = round((n_times + -n_times % count) / rate, 12)
    records = Decimal(str(total)) / Decimal(str(duration))
    return records == int(records)


def _prefix(kind: str) -> str:
    return _PREFIX.get(kind, "MISC")


def _start(grid: Grid) -> datetime | None:
    if grid.started is None:
        return None
    return datetime.fromtimestamp(grid.started, UTC)


def _noted(each: Annotation, sfreq: float, make: type) -> object:
    onset = round(each.row / sfreq, 9)
    return make(onset, round(each.duration, 9) or None, each.text)

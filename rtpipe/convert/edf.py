"""Streams as EDF+ and BDF+ files, written by edfio."""

from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import numpy as np

from rtpipe.convert.annotation import Annotation
from rtpipe.convert.grid import Grid
from rtpipe.convert.names import LABEL, ascii_text, labels
from rtpipe.convert.physical import Physical, physical
from rtpipe.errors import RecordingError
from rtpipe.few import few
from rtpipe.recordings.edf import MICROVOLTS, TYPES
from rtpipe.recordings.mneraw import UNITS
from rtpipe.types import Float64, StreamInfo

BITS = {"edf": 16, "bdf": 24}
PADDING = "BAD_padding"  # what fills the last record
LONGEST = 10.0  # seconds of a record
CLOSE = 1e-6  # how far from the nominal rate that of a file may be, relatively
_SI = {word for number, word in UNITS.items() if number > 0}
_FRACTIONS = (("", 1.0), ("m", 1e3), ("u", 1e6), ("n", 1e9), ("p", 1e12), ("f", 1e15))
_MICRO = ("\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}")
_PREFIXES = {each: each for each, _ in _FRACTIONS[1:]} | dict.fromkeys(_MICRO, "u")
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
    Voltages are in uV, the rest is in its own unit, or in a thousandth of it and so on
    where the header has no room for the numbers. A file consists of records of equal
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
    names = _typed(info) if typed else info.ch_names
    short = labels(names)
    signals, off = [], 0.0
    for k, label in enumerate(short):
        held = np.pad(grid.held(k), (0, padding), "edge")
        values, dimension, range_ = _fitted(grid, k, held, BITS[kind])
        if dimension == "uV" and not range_.exact:
            off = max(off, range_.step / 2)
        signals.append(
            signal_of(
                values,
                sfreq,
                label=label,
                physical_dimension=ascii_text(dimension, 8),
                physical_range=(range_.low, range_.high),
            )
        )
    noted = list(grid.annotations)
    if padding:
        noted.append(Annotation(n_times, padding / info.sfreq, PADDING))
    start = None if grid.started is None else datetime.fromtimestamp(grid.started, UTC)
    made = file_of(
        signals,
        starttime=start.time() if start else time(),
        recording=edfio.Recording(
            startdate=start.date() if start else None,
            equipment_code=ascii_text(info.name, 20).replace(" ", "_") or "X",
        ),
        data_record_duration=duration,
        annotations=[
            edfio.EdfAnnotation(
                round(each.row / sfreq, 9), round(each.duration, 9) or None, each.text
            )
            for each in noted
        ],
    )
    made.write(file)
    told = [f"{BITS[kind]} bits: at most {off:.2g} uV off"] if off else []
    if sfreq != info.sfreq:
        told.append(f"the rate in the file is {sfreq!r} Hz")
    if cut := [each for each, label in zip(names, short, strict=True) if each != label]:
        told.append(f"names that EDF has no room for are cut: {few(cut)}")
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


def _typed(info: StreamInfo) -> list[str]:
    """Return names that say their type, but EEG's if that leaves no room for a name."""
    found = []
    for name, kind in zip(info.ch_names, info.ch_types, strict=True):
        label = f"{_PREFIX.get(kind, 'MISC')} {name}"
        found.append(name if kind == "eeg" and len(label) > LABEL else label)
    return found


def _fitted(
    grid: Grid, channel: int, values: Float64, bits: int
) -> tuple[Float64, str, Physical]:
    """Return values in a unit in which the header has room for their range."""
    word = grid.info.units[channel]
    if word in MICROVOLTS:
        tries = [("uV", MICROVOLTS[word])]
    elif word in _SI:
        tries = _finer("", word)
    elif word[1:] in _SI and word[0] in _PREFIXES:
        tries = _finer(_PREFIXES[word[0]], word[1:])
    else:
        tries = [(word, 1.0)]
    for dimension, factor in tries:
        scaled = values * factor
        if range_ := physical(scaled, bits):
            return scaled, dimension, range_
    raise RecordingError(
        f"{grid.info.ch_names[channel]} is from {values.min():g} to {values.max():g}, "
        "for which the header of EDF and BDF has too few characters: convert to fif "
        "or csv, or name the channels to write, without this one: --channels A,B,C"
    )


def _finer(prefix: str, word: str) -> list[tuple[str, float]]:
    """Return a unit and its fractions, with how many of each are one of it."""
    whole = dict(_FRACTIONS)[prefix]
    return [
        (each + word, factor / whole) for each, factor in _FRACTIONS if factor >= whole
    ]

"""European and BioSemi data format: EDF, EDF+, BDF, BDF+."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import RecordingError
from rtpipe.recording import Answers, Recording
from rtpipe.recordings.edfheader import ANNOTATIONS, Header, Signal, read_header
from rtpipe.recordings.edfmarks import read_annotations
from rtpipe.recordings.marks import MOST, Mark, marked, refuse_many, row_at
from rtpipe.recordings.names import different, named_apart
from rtpipe.types import Float64, StreamInfo
from rtpipe.unit import NONE, POTENTIALS, UNKNOWN, unit

logger = logging.getLogger(__name__)

# What may stand before a name, as EDF+ has it ("EEG Fpz-Cz"), in MNE's words.
TYPES = {
    "EEG": "eeg",
    "SEEG": "seeg",
    "ECOG": "ecog",
    "DBS": "dbs",
    "EOG": "eog",
    "ECG": "ecg",
    "EMG": "emg",
    "BIO": "bio",
    "RESP": "resp",
    "TEMP": "temperature",
    "MISC": "misc",
    "SAO2": "bio",
    "STIM": "stim",
}
MICROVOLTS = {"uV": 1.0, "mV": 1e3, "V": 1e6, "nV": 1e-3}
TRIGGERS = ("status", "trigger")  # names of channels that hold codes
BLOCK = 2**20  # numbers of a signal that are converted at once
CODE = 2**17 - 1  # the bits of a code; BioSemi's others tell of the amplifier
LONGEST = 1e9  # seconds, 30 years: no gap, but a broken time
Bytes = NDArray[np.uint8]


class Edf:
    """Signals of 16 bits (EDF) or 24 bits (BDF) in records, after a header of text.

    Parameters
    ----------
    title : str
    magic : bytes
        The first eight.
    width : int
        Bytes of a sample.

    Notes
    -----
    Signals of different rates are different streams: nothing is resampled. Names and
    types are those of MNE's readers with ``infer_types=True``, save that a signal
    without a type before its name whose unit is none of voltage is ``"misc"``, not
    ``"eeg"``. Potentials are in uV whatever the file has, other signals in the file's
    unit. Where the records of EDF+D are apart in time, the index jumps. A record that
    is not whole is dropped; that records are missing at the end is told in the log.
    """

    def __init__(self, title: str, magic: bytes, width: int) -> None:
        self.title, self.magic, self.width = title, magic, width

    def matches(self, head: bytes) -> bool:
        """Compare the first bytes, and see that a number of signals is told."""
        return head.startswith(self.magic) and head[252:256].strip().isdigit()

    def read(self, path: Path, answers: Answers) -> Sequence[Recording]:
        """Return a stream for each rate; annotations are markers of all of them.

        Raises
        ------
        RecordingError
            If the header is not whole or not possible, there are no samples, or a
            record of EDF+D does not tell its time.
        """
        header = read_header(path)
        records = _records(path, header, self.width)
        notes = [each for each in header.signals if each.label in ANNOTATIONS]
        parts = [_part(records, each) for each in notes]
        told = read_annotations(parts, len(records), MOST)
        starts = np.asarray(np.arange(len(records)) * header.duration, np.float64)
        if header.broken:
            _check(path, told.starts)
            starts = told.starts
        by_rate: dict[int, list[Signal]] = {}
        for each in header.signals:
            if each.label not in ANNOTATIONS:
                by_rate.setdefault(each.n_times, []).append(each)
        streams = [
            _recording(records, signals, header.duration, starts)
            for _, signals in sorted(by_rate.items(), reverse=True)
        ]
        refuse_many(path, len(told.texts) * len(streams))
        names = named_apart([stream.info.name for stream in streams])
        return [
            replace(
                stream,
                info=replace(stream.info, name=name),
                events=marked(name, stream.index, _marks(told.texts, stream)),
                started=header.started,
            )
            for stream, name in zip(streams, names, strict=True)
        ]


def _records(path: Path, header: Header, width: int) -> Bytes:
    """Return the records, shape (n_records, n_numbers, width), mapped from the file."""
    if all(each.label in ANNOTATIONS for each in header.signals):
        raise RecordingError(f"{path} holds annotations and no signal")
    if not header.duration > 0:
        raise RecordingError(f"{path}: a record lasts {header.duration:g} s")
    n_records = (path.stat().st_size - header.size) // (header.n_times * width)
    if not n_records:
        raise RecordingError(f"{path} has a header and no samples")
    if n_records < header.n_records:
        logger.warning(
            "%s is cut short: %d of its %d records of %g s are there",
            path,
            n_records,
            header.n_records,
            header.duration,
        )
    shape = (n_records, header.n_times, width)
    return np.memmap(path, np.uint8, "r", header.size, shape)


def _part(records: Bytes, signal: Signal) -> Bytes:
    """Return the bytes of one signal in each record, shape (n_records, n_bytes)."""
    stop = signal.start + signal.n_times
    return records[:, signal.start : stop].reshape(len(records), -1)


def _check(path: Path, starts: Float64) -> None:
    """Raise unless every record tells when it begins, in order."""
    steps = np.diff(starts, prepend=0.0)
    bad = np.flatnonzero(~((steps >= 0) & (steps < LONGEST)))
    if len(bad):
        raise RecordingError(
            f"{path} is not continuous, and its record {bad[0] + 1} does not tell a "
            "time soon after that of the one before"
        )


def _recording(
    records: Bytes, signals: Sequence[Signal], duration: float, starts: Float64
) -> Recording:
    """Return the signals of one rate; the stream is named after most of them."""
    n_times, width = signals[0].n_times, records.shape[2]
    sfreq = n_times / duration
    rows = np.arange(len(records)) * n_times
    lost = np.maximum.accumulate(np.rint(starts * sfreq).astype(np.int64) - rows)
    index = np.repeat(lost, n_times)
    index += np.arange(len(index))
    data = np.empty((len(index), len(signals)), np.float32)
    step = max(1, BLOCK // n_times)
    for first in range(0, len(records), step):
        block = records[first : first + step]
        place = slice(first * n_times, (first + len(block)) * n_times)
        for k, signal in enumerate(signals):
            numbers = _numbers(_part(block, signal).reshape(-1, width))
            data[place, k] = _values(signal, numbers, width)
    described = [_described(signal) for signal in signals]
    names, types, units, _ = zip(*described, strict=True)
    ((most, _),) = Counter(types).most_common(1)
    info = StreamInfo(most, sfreq, different(names), tuple(types), tuple(units))
    return Recording(info, index, index / sfreq, data)


def _values(signal: Signal, numbers: NDArray[np.int64], width: int) -> Any:
    """Return what numbers stand for, in the signal's unit here."""
    name, _, word, scale = _described(signal)
    if word == NONE and name.lower() in TRIGGERS:
        if width == 2:
            numbers = (numbers * signal.gain + signal.offset).astype(np.int64)
        return numbers & CODE
    return (numbers * signal.gain + signal.offset) * scale


def _described(signal: Signal) -> tuple[str, str, str, float]:
    """Return a signal's name, type, unit, and by what to multiply to have the unit."""
    stem, _, rest = signal.label.partition(" ")
    kind = TYPES.get(stem.upper()) if rest else None
    name = rest if kind else signal.label
    if kind == "stim" or name.lower() in TRIGGERS:
        return name, "stim", NONE, 1.0
    # The second is the sign for micro in a Japanese code of characters.
    word = unit(signal.unit.replace("\x83\xca", "u")) or UNKNOWN
    if kind is None:
        kind = "eeg" if word in MICROVOLTS or word == UNKNOWN else "misc"
    if kind in POTENTIALS and word in MICROVOLTS:
        return name, kind, "uV", MICROVOLTS[word]
    return name, kind, word, 1.0


def _numbers(stored: Bytes) -> NDArray[np.int64]:
    """Return whole numbers from their bytes, shape (n_times, 2 or 3)."""
    if stored.shape[1] == 2:
        return stored.view("<i2")[:, 0].astype(np.int64)
    whole = np.zeros((len(stored), 4), np.uint8)
    whole[:, 1:] = stored
    return (whole.view("<i4")[:, 0] >> 8).astype(np.int64)


def _marks(
    texts: Sequence[tuple[float, float, str]], stream: Recording
) -> Iterator[Mark]:
    for onset, duration, text in texts:
        row = row_at(stream.index, round(onset * stream.info.sfreq))
        yield Mark(onset, text, duration, row)


EDF = Edf("EDF", b"0       ", 2)
BDF = Edf("BDF", b"\xffBIOSEMI", 3)

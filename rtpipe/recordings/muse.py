"""Muse recordings as CSV, as muse-lsl writes them: times, electrodes, markers.

The states of mind of Bird et al. (2018), IEEE Intelligent Systems, pp. 795-800, stand
in the names of their files alone: ``subjecta-relaxed-1.csv``.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import RecordingError
from rtpipe.estimate import IndexEstimate
from rtpipe.recording import Answers, Recording, constant
from rtpipe.recordings.table import read_table, refuse_large
from rtpipe.types import Event, Float64, StreamInfo

SFREQ = 256.0
CHANNELS = ("TP9", "AF7", "AF8", "TP10", "Right AUX")
# uV: 12 bits of 125/256 uV around zero, so 999.51171875 at most, which the files have
# rounded to three decimals.
RAILS = (-1000.0, 999.512)
MARKER = "Marker0"
FARTHEST = 1e9  # samples between two rows, 45 days: no gap, but a broken time
_STATE = re.compile(r"[^-]+-(relaxed|neutral|concentrating)-\d+\.csv")


class MuseCsv:
    """``timestamps,TP9,AF7,AF8,TP10,Right AUX[,Marker0]``: seconds, then microvolts.

    Notes
    -----
    The file has no counter, so lost samples are estimated from the times: a step of
    more than four samples and 100 ms counts as round(step x sfreq) - 1 lost ones. Times
    that step backward, which some files have, count as the time before.

    A file named ``PERSON-STATE-N.csv``, STATE being relaxed, neutral or concentrating,
    is of that state from its first sample to its last.
    """

    title = "Muse CSV"

    def matches(self, head: bytes) -> bool:
        """Compare the header line."""
        return _names(head) in (_header(False), _header(True))

    def read(self, path: Path, answers: Answers) -> Sequence[Recording]:
        """Return the one stream; its events are the state and markers other than 0.

        Raises
        ------
        RecordingError
            If a row is not of numbers, a value is too large for float32, or a time is
            not finite or too far from the one before.
        """
        with path.open("rb") as file:
            marked = MARKER in _names(file.readline())
        table = read_table(path, ",", len(_header(marked)))
        if not np.isfinite(table[:, 0]).all():
            line = int(np.flatnonzero(~np.isfinite(table[:, 0]))[0]) + 2
            raise RecordingError(f"{path}: line {line}: the time is not a number")
        with np.errstate(over="ignore"):  # infinite is far, too
            far = np.flatnonzero(np.abs(np.diff(table[:, 0])) > FARTHEST / SFREQ)
        if len(far):
            raise RecordingError(
                f"{path}: line {far[0] + 3}: the time {table[far[0] + 1, 0]:g} is too "
                "far from the one before"
            )
        refuse_large(path, table[:, 1:6])
        times: Float64 = np.maximum.accumulate(table[:, 0]) - table[0, 0]
        info = StreamInfo(
            name="eeg",
            sfreq=SFREQ,
            ch_names=CHANNELS,
            ch_types=("eeg",) * 4 + ("misc",),
            units=("uV",) * 5,
            rails=RAILS,
            counted=False,
        )
        index = IndexEstimate(SFREQ).indices(times)
        events = _truth(path) + (_markers(table[:, 6], index, times) if marked else ())
        data = table[:, 1:6].astype(np.float32)
        return (Recording(info, index, times, data, events, table[:, 0]),)


def _truth(path: Path) -> tuple[Event, ...]:
    """Return the state of mind that a file's name tells, if it does."""
    if not (named := _STATE.fullmatch(path.name)):
        return ()
    return (Event("eeg", 0.0, "truth", 0, {"task": "mental-state", "label": named[1]}),)


def _markers(
    column: Float64, index: NDArray[np.int64], times: Float64
) -> tuple[Event, ...]:
    """Return an event where a marker begins."""
    starts = [start for start, _ in constant(column) if column[start]]
    return tuple(
        Event(
            "eeg", float(times[k]), "marker", int(index[k]), {"text": f"{column[k]:g}"}
        )
        for k in starts
    )


def _header(marked: bool) -> list[str]:
    return ["timestamps", *CHANNELS, *[MARKER] * marked]


def _names(head: bytes) -> list[str]:
    return head.split(b"\n", 1)[0].decode("latin-1").strip().split(",")


MUSE = MuseCsv()

"""Muse recordings as CSV, as muse-lsl writes them: times, electrodes, markers.

The states of mind of Bird et al. (2018), IEEE Intelligent Systems, pp. 795-800, stand
in the names of their files alone: ``subjecta-relaxed-1.csv``.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rtpipe.estimate import IndexEstimate
from rtpipe.recording import Answers, Recording
from rtpipe.recordings.marks import coded
from rtpipe.recordings.table import read_table, refuse_large, steady
from rtpipe.types import Event, StreamInfo

SFREQ = 256.0
CHANNELS = ("TP9", "AF7", "AF8", "TP10", "Right AUX")
# uV: 12 bits of 125/256 uV around zero, so 999.51171875 at most, which the files have
# rounded to three decimals.
RAILS = (-1000.0, 999.512)
MARKER = "Marker0"
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
        times = steady(path, table[:, 0], SFREQ)
        refuse_large(path, table[:, 1:6])
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
        events = _truth(path)
        if marked:
            events += coded(path, "eeg", table[:, 6], index, times)
        data = table[:, 1:6].astype(np.float32)
        return (Recording(info, index, times, data, events, table[:, 0]),)


def _truth(path: Path) -> tuple[Event, ...]:
    """Return the state of mind that a file's name tells, if it does."""
    if not (named := _STATE.fullmatch(path.name)):
        return ()
    return (Event("eeg", 0.0, "truth", 0, {"task": "mental-state", "label": named[1]}),)


def _header(marked: bool) -> list[str]:
    return ["timestamps", *CHANNELS, *[MARKER] * marked]


def _names(head: bytes) -> list[str]:
    return head.split(b"\n", 1)[0].decode("latin-1").strip().split(",")


MUSE = MuseCsv()

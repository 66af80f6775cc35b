"""EMG armband recordings of UCI 481 and Kaggle's single file of them.

Lobov et al. (2018), Sensors 18(4):1122, https://doi.org/10.3390/s18041122: a Myo
armband of 8 channels, int8 counts stored as counts x 1e-5, a row per millisecond. The
armband itself samples slower and each of its samples is held for some rows.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import RecordingError
from rtpipe.recording import Answers, Recording, constant
from rtpipe.recordings.marks import refuse_many
from rtpipe.recordings.table import read_table, refuse_large
from rtpipe.types import Event, Float64, StreamInfo

CHANNELS = tuple(f"EMG{k}" for k in range(1, 9))
SFREQ = 1000.0  # rows per second; the time column, in ms, has gaps and is ignored
PER_COUNT = 1e5  # the int8 counts are stored divided by this
GESTURES = {
    1: "rest",
    2: "fist",
    3: "wrist flexion",
    4: "wrist extension",
    5: "radial deviation",
    6: "ulnar deviation",
    7: "extended palm",
}  # class 0 is unmarked


class EmgTable:
    """The layout: a time, eight channels, a class, and for Kaggle's file the person.

    Parameters
    ----------
    title : str
    header : sequence of str
        Names of the columns.
    delimiter : str or None
        None means any white space.
    """

    def __init__(
        self, title: str, header: Sequence[str], delimiter: str | None
    ) -> None:
        self.title, self.header, self.delimiter = title, header, delimiter

    def matches(self, head: bytes) -> bool:
        """Compare the header line."""
        first = head.split(b"\n", 1)[0].decode("latin-1").strip()
        return [name.strip() for name in first.split(self.delimiter)] == self.header

    def read(self, path: Path, answers: Answers) -> Sequence[Recording]:
        """Return the one stream; the row number is the sample index.

        Raises
        ------
        RecordingError
            If a row is not of numbers, a value is too large for float32, or a class is
            not a whole number from 0 to 7.
        """
        table = read_table(path, self.delimiter, len(self.header))
        classes = table[:, 9]
        known = np.isin(classes, [0, *GESTURES])
        if not known.all():
            line = int(np.flatnonzero(~known)[0]) + 2
            raise RecordingError(
                f"{path}: line {line}: class {classes[line - 2]:g} is not one of 0 to 7"
            )
        refuse_large(path, table[:, 1:9], PER_COUNT)
        info = StreamInfo(
            name="emg",
            sfreq=SFREQ,
            ch_names=CHANNELS,
            ch_types=("emg",) * 8,
            units=("none",) * 8,
            rails=(-128.0, 127.0),
        )
        times: Float64 = np.arange(len(table)) / SFREQ
        # Rounded, for the counts are whole and 1e-5 is not a binary fraction.
        data = np.empty((len(table), 8), np.float32)
        for k in range(8):
            data[:, k] = np.rint(table[:, k + 1] * PER_COUNT)
        index = np.arange(len(table))
        device_times = table[:, 0] / 1000
        truth = _truth(path, classes)
        return (Recording(info, index, times, data, truth, device_times),)


def _truth(path: Path, classes: NDArray[np.float64]) -> tuple[Event, ...]:
    stretches = constant(classes)
    refuse_many(path, len(stretches))
    return tuple(
        Event(
            "emg",
            start / SFREQ,
            "truth",
            start,
            {"task": "gesture", "label": GESTURES.get(int(classes[start]))},
        )
        for start, _ in stretches
    )


_COLUMNS = ["time", *(f"channel{k}" for k in range(1, 9)), "class"]
UCI = EmgTable("UCI EMG gestures (text)", _COLUMNS, None)
KAGGLE = EmgTable("Kaggle EMG-data.csv", [*_COLUMNS, "label"], ",")

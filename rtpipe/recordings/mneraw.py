"""Recordings that MNE-Python reads: FIF and BrainVision."""

import logging
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from rtpipe.errors import RecordingError, last_line
from rtpipe.recording import Answers, Recording
from rtpipe.recordings.brainvisionguard import refuse_unsafe
from rtpipe.recordings.fifguard import refuse_impossible
from rtpipe.recordings.fiftags import START, is_cut
from rtpipe.recordings.marks import Mark, marked, refuse_many, row_at
from rtpipe.recordings.segments import pauses
from rtpipe.types import Float64, StreamInfo
from rtpipe.unit import NONE, POTENTIALS, UNKNOWN

logger = logging.getLogger(__name__)

BLOCK = 2**20  # values that MNE reads at once, in double precision: 8 MiB
SKIP = "BAD_ACQ_SKIP"  # what MNE calls a stretch that was not recorded and reads as 0
LONGEST = 200  # characters of an error of MNE's
CODES = ("stim", "syst")  # types whose values have no unit, whatever the file says
# The units of FIF files by their number there (fiff constants of MNE-CPP), which MNE
# uses for every file.
UNITS = {
    -1: NONE,
    0: NONE,
    1: "m",
    2: "kg",
    3: "s",
    4: "A",
    5: "K",
    6: "mol",
    7: "rad",
    101: "Hz",
    102: "N",
    103: "Pa",
    104: "J",
    105: "W",
    106: "C",
    107: "V",
    108: "F",
    109: "ohm",
    110: "S",
    111: "Wb",
    112: "T",
    113: "H",
    114: "Cel",
    201: "T/m",
    202: "Am",
}


class MneRaw:
    """A recording that MNE reads, whole and as MNE reads it.

    Parameters
    ----------
    title : str
    starts : tuple of bytes
        How such a file may begin.
    reader : str
        Name of the function in ``mne.io``.
    guard : callable
        Given the file, raises RecordingError where MNE is not to be let near it.
    pauses : callable or None
        Given the file and its rate, returns before which samples how many were not
        recorded, where MNE does not tell.

    Notes
    -----
    Names and types are MNE's. Potentials, which MNE has in V, are in uV; others are in
    MNE's unit. Where MNE says that nothing was recorded (``BAD_ACQ_SKIP``), and where
    the dates of a BrainVision recording's segments do, the index jumps. Other
    annotations are markers.
    """

    def __init__(
        self,
        title: str,
        starts: tuple[bytes, ...],
        reader: str,
        guard: Callable[[Path], None],
        pauses: Callable[[Path, float], list[tuple[int, int]]] | None = None,
    ) -> None:
        self.title, self.starts, self.reader = title, starts, reader
        self.guard, self.pauses = guard, pauses

    def matches(self, head: bytes) -> bool:
        """Compare the first bytes."""
        return head.startswith(self.starts)

    def read(self, path: Path, answers: Answers) -> Sequence[Recording]:
        """Return the one stream, named after the type of most of its channels.

        Raises
        ------
        RecordingError
            If MNE cannot read the file, or a file that belongs to it is missing; where
            it is not known to be cut short, the text is MNE's.
        """
        with _quiet(path):
            import mne

            self.guard(path)
            raw = getattr(mne.io, self.reader)(path)
            paused = self.pauses(path, raw.info["sfreq"]) if self.pauses else []
            found = _recording(path, raw, paused)
        if is_cut(path):
            logger.warning("%s is cut short: what is left of it is played", path)
        return (found,)


def _recording(path: Path, raw: Any, paused: list[tuple[int, int]]) -> Recording:
    """Return what MNE has opened."""
    info, scales = _described(raw)
    sfreq = info.sfreq
    skips, texts = [], []
    for each in raw.annotations:
        onset = float(each["onset"]) - raw.first_time
        duration, text = float(each["duration"]), str(each["description"])
        if text == SKIP:
            first = round(onset * sfreq)
            skips.append((first, round(first + duration * sfreq)))
        else:
            texts.append((onset, duration, text))
    recorded = _between(skips, raw.n_times)
    if not recorded:
        raise RecordingError(f"{path} holds no samples")
    rows = np.empty(sum(stop - start for start, stop in recorded), np.int64)
    data = np.empty((len(rows), info.n_channels), np.float32)
    step = max(1, BLOCK // info.n_channels)
    at = 0
    for first, last in recorded:
        rows[at : at + last - first] = np.arange(first, last)  # those that MNE has
        for start in range(first, last, step):
            block = raw.get_data(start=start, stop=min(start + step, last)).T
            data[at : at + len(block)] = block * scales
            at += len(block)
    places = [row_at(rows, round(onset * sfreq)) for onset, _, _ in texts]
    of_mne = [int(rows[row]) for row in places]
    index = rows
    starts = np.searchsorted(rows, [start for start, _ in paused])
    for at, (_, lost) in zip(starts.tolist(), paused, strict=True):
        index[at:] += lost
    marks = []
    for row, before, (onset, duration, text) in zip(places, of_mne, texts, strict=True):
        time = onset + float(index[row] - before) / sfreq
        marks.append(Mark(time, text, duration, row))
    if paused:
        info = replace(info, counted=False)
    refuse_many(path, len(marks))
    events = marked(info.name, index, marks)
    begun = raw.info["meas_date"]
    started = None if begun is None else begun.timestamp() + raw.first_time
    return Recording(info, index, index / sfreq, data, events, started=started)


def _between(skips: list[tuple[int, int]], n_times: int) -> list[tuple[int, int]]:
    """Return the stretches (start, stop) of the samples that no skip has."""
    found, at = [], 0
    for start, stop in [*sorted(skips), (n_times, n_times)]:
        if at < min(start, n_times):
            found.append((at, min(start, n_times)))
        at = max(at, stop)
    return found


def _described(raw: Any) -> tuple[StreamInfo, Float64]:
    """Return the stream, and by what to multiply each channel to have its unit."""
    types = raw.get_channel_types()
    units, scales = [], []
    for kind, channel in zip(types, raw.info["chs"], strict=True):
        word = NONE if kind in CODES else UNITS.get(int(channel["unit"]), UNKNOWN)
        potential = kind in POTENTIALS and word == "V"
        units.append("uV" if potential else word)
        scales.append(1e6 if potential else 1.0)
    ((most, _),) = Counter(types).most_common(1)
    names, sfreq = tuple(raw.ch_names), float(raw.info["sfreq"])
    return StreamInfo(most, sfreq, names, tuple(types), tuple(units)), np.array(scales)


@contextmanager
def _quiet(path: Path) -> Iterator[None]:
    """Keep MNE's words off the screen, and make its errors one sentence."""
    try:
        from mne.utils import use_log_level
    except ModuleNotFoundError:
        raise RecordingError(
            f"{path} is read by the package 'mne': install it"
        ) from None
    try:
        with use_log_level("CRITICAL"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except RecordingError:
        raise
    except Exception as error:  # whatever a broken file makes of a reader
        raise RecordingError(f"{path} {_fault(path, error)}") from None


def _fault(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"cannot be read: {Path(error.filename).name} is missing beside it"
    if is_cut(path):
        return "is cut short, and MNE cannot read what is left of it"
    said = shorten(last_line(error), LONGEST, placeholder=" ...")
    return f"cannot be read: MNE says: {said}"


FIF = MneRaw("FIF", (START,), "read_raw_fif", refuse_impossible)
BRAINVISION = MneRaw(
    "BrainVision",
    (
        b"Brain Vision Data Exchange Header File",
        b"BrainVision Data Exchange Header File",
    ),
    "read_raw_brainvision",
    refuse_unsafe,
    pauses,
)

"""A person's own recordings, cued, as runs of features and labels."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtpipe.card import StageCard
from rtpipe.cuespans import Span, spans, truth
from rtpipe.errors import RecordingError, RtpipeError
from rtpipe.few import few
from rtpipe.grid import Grid
from rtpipe.recording import Recording, file_hash, read, recordings_in
from rtpipe.training.copies import Fingerprint, refuse_copies
from rtpipe.training.fit import described
from rtpipe.training.recordedfit import Method
from rtpipe.training.report import tracked
from rtpipe.training.windows import windows
from rtpipe.types import Float64

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Cued:
    """A recording with cues.

    Parameters
    ----------
    path : Path
    recording : Recording
        The stream that is learnt from.
    cues : list of Span
    """

    path: Path
    recording: Recording
    cues: list[Span]

    @property
    def simulated(self) -> bool:
        """Whether a program made the signals, which then tells its seed."""
        return any(event.kind == "seed" for event in self.recording.events)


@dataclass(frozen=True, slots=True, eq=False)
class CuedRun:
    """The windows of a recording, in their order.

    Parameters
    ----------
    name : str
        Of its file.
    hash : str
        SHA-256 of the file.
    features : ndarray of float64, shape (n_windows, n_features)
    label : ndarray of int64, shape (n_windows,)
        Place among the labels; -1 where a window does not lie wholly in one cue.
    repetition : ndarray of int64, shape (n_windows,)
        How many cues of its label came before in the recording; -1 without a label.
    starts : ndarray of bool, shape (n_windows,)
        Whether the one before it on the grid is missing: decisions start anew.
    used : dict of str to int
        Cues learnt from, by label.
    left_out : dict of str to int
        The others, by reason.
    """

    name: str
    hash: str
    features: Float64
    label: NDArray[np.int64]
    repetition: NDArray[np.int64]
    starts: NDArray[np.bool_]
    used: dict[str, int]
    left_out: dict[str, int]


def read_cued(data: Path, stream: str | None) -> tuple[list[Cued], list[Path]]:
    """Return the recordings with cues, and the files without.

    A file that cannot be read is left out, which is told in the log.

    Parameters
    ----------
    data : Path
        A recording, or a folder of them.
    stream : str or None
        Which stream of them; None is the one of type emg, or the only one with cues.

    Raises
    ------
    RecordingError
        If no file can be read, or there are no cues, or it is not clear which stream is
        meant, or the streams differ in rate, channels or units, or two files are of one
        recording.
    """
    found: list[Cued] = []
    without: list[Path] = []
    unread: list[RtpipeError] = []
    for path in tracked("reading")(recordings_in(data)):
        try:
            recordings = read(path)
        except RtpipeError as error:
            unread.append(error)
            logger.warning("left out: %s", error)
            continue
        cued = [each for each in recordings if spans(each.events)]
        if not cued:
            without.append(path)
            continue
        recording = _chosen(path, cued, stream)
        found.append(Cued(path, recording, spans(recording.events)))
    if unread and not found and not without:
        raise unread[0]
    if not found:
        raise RecordingError(
            f"{data} holds no cues to learn from: record some with `rtpipe record "
            "--cues rest,fist,open FILE.xdf`, or send the markers 'cue on: LABEL' and "
            "'cue off: LABEL'"
        )
    for each in found[1:]:
        _refuse_other(found[0], each)
    refuse_copies([(Fingerprint(each.recording.data), each.path) for each in found])
    return found, without


def run_of(cued: Cued, way: Method, labels: Sequence[str], reaction: float) -> CuedRun:
    """Return a recording's windows, through the stages that a live run has.

    Parameters
    ----------
    cued : Cued
    way : Method
    labels : sequence of str
    reaction : float
        Seconds after the onset of a cue that are not learnt from.
    """
    info = cued.recording.info
    late = round(reaction * info.sfreq)
    stages = way.stages
    if way.ch_names != info.ch_names:
        pick = StageCard(kind="pick", settings={"ch_names": list(way.ch_names)})
        stages = (pick, *stages)
    cut = windows(cued.recording, stages, way.n_times, way.hop, "")
    finite = np.isfinite(cut.x).all((1, 2))
    if not finite.any():
        raise RecordingError(f"{cued.path} holds no window that can be learnt from")
    index = cut.index[finite]
    kept, reasons = _kept(cued.cues, index, way, late)
    told = truth(kept, late)
    label = np.full(len(index), -1)
    repetition = np.full(len(index), -1)
    before: Counter[str] = Counter()
    for span in kept:
        inside = (index - way.n_times + 1 >= span.start + late) & (index < span.stop)
        repetition[inside] = before[span.label]
        before[span.label] += 1
    for k, last in enumerate(index.tolist()):
        if (each := told.of(last + 1 - way.n_times, last + 1)) is not None:
            label[k] = labels.index(each)
    return CuedRun(
        name=cued.path.name,
        hash=file_hash(cued.path),
        features=described(way.features, cut.x[finite]).double().numpy(),
        label=label,
        repetition=repetition,
        starts=np.diff(index, prepend=index[0] - way.hop) != way.hop,
        used=dict(before),
        left_out=dict(reasons),
    )


def _kept(
    cues: Sequence[Span], index: NDArray[np.int64], way: Method, late: int
) -> tuple[list[Span], Counter[str]]:
    """Return the cues all of whose windows are there, and why the others are not."""
    origin = int(index[0]) + 1 - way.n_times
    before = origin - min(span.start for span in cues)  # in which windows are missing
    origin -= way.hop * max(0, -(-before // way.hop))
    grid = Grid(origin, way.n_times, way.hop)
    kept = []
    reasons: Counter[str] = Counter()
    for span in cues:
        first = span.start + late
        wanted = np.array(grid.stops(first, first, span.stop)) - 1
        if not span.whole:
            reasons["broken"] += 1
        elif not len(wanted):
            reasons["too short"] += 1
        elif not np.isin(wanted, index).all():
            reasons["with lost samples"] += 1
        else:
            kept.append(span)
    return kept, reasons


def _chosen(
    path: Path, recordings: Sequence[Recording], stream: str | None
) -> Recording:
    """Return the stream that is meant, of those with cues."""
    if stream is not None:
        found = [each for each in recordings if each.info.name == stream]
    elif len(recordings) == 1:
        found = list(recordings)
    else:
        found = [each for each in recordings if "emg" in each.info.ch_types]
    if len(found) == 1:
        return found[0]
    names = few([each.info.name for each in recordings])
    if stream is not None:
        raise RecordingError(f"{path} has cues on {names}, and none on {stream}")
    raise RecordingError(
        f"{path} has cues on {names}: say which to learn from with --set stream=NAME"
    )


def _refuse_other(first: Cued, other: Cued) -> None:
    """Raise where two recordings are not of the same kind of stream."""
    a, b = first.recording.info, other.recording.info
    for what, one, two in (
        ("at", f"{a.sfreq:g} Hz", f"{b.sfreq:g} Hz"),
        ("of the channels", few(a.ch_names), few(b.ch_names)),
        ("in", few(sorted(set(a.units))), few(sorted(set(b.units)))),
    ):
        if one != two:
            raise RecordingError(
                f"{other.path} is {what} {two}, and {first.path.name} {what} {one}: "
                "one model is trained on recordings of one device"
            )
    if (a.ch_names, a.units) != (b.ch_names, b.units):
        raise RecordingError(
            f"{other.path} has other channels than {first.path.name}: one model is "
            "trained on recordings of one device"
        )

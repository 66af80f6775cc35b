"""Recordings of mental states as runs of windows, for the recipe `mental-state`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtpipe.card import StageCard
from rtpipe.errors import RecordingError
from rtpipe.recording import Recording, file_hash, read, recordings_in
from rtpipe.training.copies import Fingerprint
from rtpipe.training.windows import windows
from rtpipe.types import Event, Float32

CHANNELS = ("TP9", "AF7", "AF8", "TP10")
LABELS = ("relaxed", "neutral", "concentrating")
SFREQ = 256.0
TASK = "mental-state"
N_TIMES, HOP = 256, 64  # samples: 1 s, four times a second
SHORT = 60.0  # seconds in which a headband is hardly handed on and fitted anew


@dataclass(frozen=True, slots=True, eq=False)
class StateRecording:
    """One recording: one person in one state.

    Parameters
    ----------
    path : Path
    name : str
        The path from the folder of all recordings.
    hash : str
        SHA-256 of the file.
    person : str
    label : int
        Place of the state among the labels.
    recording : Recording
    """

    path: Path
    name: str
    hash: str
    person: str
    label: int
    recording: Recording

    def cut(self, stages: Sequence[StageCard]) -> tuple[Float32, NDArray[np.int64]]:
        """Cut it into windows as a live run with these stages would.

        Returns
        -------
        x : ndarray of float32, shape (n_windows, 4, 256)
        index : ndarray of int64, shape (n_windows,)
            Of each window's last sample.
        """
        pick = StageCard(kind="pick", settings={"ch_names": CHANNELS})
        found = windows(self.recording, (pick, *stages), N_TIMES, HOP, TASK)
        return found.x, found.index


def read_recordings(
    data: Path,
) -> tuple[list[StateRecording], list[tuple[StateRecording, StateRecording]]]:
    """Return the recordings below a folder, each once; and the copies among them.

    The names tell whose they are, and the state: ``PERSON-STATE-NUMBER.csv``.

    Returns
    -------
    recordings : list of StateRecording
    copies : list of (StateRecording, StateRecording)
        A recording that is left out, and the one it repeats.

    Raises
    ------
    RecordingError
        If a file has another name, is of another device or is shorter than a window; a
        copy has another state; or not every state is there of two people.
    """
    if not data.is_dir():
        raise RecordingError(f"{data} is not a folder of recordings")
    found = [_read(path, data) for path in recordings_in(data)]
    copies = _copies(found)
    left_out = {copy.path for copy, _ in copies}
    kept = [each for each in found if each.path not in left_out]
    for k, label in enumerate(LABELS):
        if len({each.person for each in kept if each.label == k}) < 2:
            raise RecordingError(
                f"{data} does not hold {label!r} of two people: every state is needed "
                "of two or more, for one of them is left out"
            )
    return kept, copies


def circles(recordings: Sequence[StateRecording]) -> dict[str, str]:
    """Return for each person the names of all with whom they took turns, and their own.

    People took turns when a recording of the one lies less than a minute from one of
    the other, by the times in the files: they share sittings, and are perhaps one
    person.
    """
    circle = {each.person: {each.person} for each in recordings}
    for one, two in combinations(recordings, 2):
        if _apart(one, two) < SHORT:
            joined = circle[one.person] | circle[two.person]
            circle |= dict.fromkeys(joined, joined)
    return {person: " and ".join(sorted(each)) for person, each in circle.items()}


def _apart(one: StateRecording, two: StateRecording) -> float:
    """Return the seconds between two recordings, negative where they overlap."""
    spans = [each.recording.device_times for each in (one, two)]
    starts, ends = zip(*[(s[0], s[-1]) for s in spans if s is not None], strict=True)
    return float(max(starts) - min(ends))


def _read(path: Path, data: Path) -> StateRecording:
    for recording in read(path):
        info = recording.info
        told = {each.data["label"] for each in recording.events if _tells_state(each)}
        is_muse = info.sfreq == SFREQ and set(CHANNELS) <= set(info.ch_names)
        if len(told) == 1 and is_muse:
            break
    else:
        raise RecordingError(
            f"{path} is no recording of a Muse that is named PERSON-STATE-NUMBER.csv, "
            f"the state being one of {', '.join(LABELS)}"
        )
    person, label = path.name.split("-")[0], LABELS.index(told.pop())
    name = path.relative_to(data).as_posix()
    found = StateRecording(path, name, file_hash(path), person, label, recording)
    if not len(found.cut(())[0]):
        raise RecordingError(
            f"{path} is shorter than a window of {N_TIMES} samples without a gap"
        )
    return found


def _eeg(recording: Recording) -> Float32:
    """Return the samples of the four channels of EEG, shape (n_times, 4)."""
    names = recording.info.ch_names
    return recording.data[:, [names.index(each) for each in CHANNELS]]


def _tells_state(event: Event) -> bool:
    return event.kind == "truth" and event.data["task"] == TASK


def _copies(
    found: Sequence[StateRecording],
) -> list[tuple[StateRecording, StateRecording]]:
    """Return each recording whose signal another one has, and that other one.

    By their signals, for a copy can differ from its file in some digits, or be a part
    of it. It is taken to be of the person with more recordings.
    """
    n = Counter(each.person for each in found)
    known = {each.path: Fingerprint(_eeg(each.recording)) for each in found}
    copies: list[tuple[StateRecording, StateRecording]] = []
    gone: set[Path] = set()
    for pair in combinations(found, 2):
        if gone & {each.path for each in pair}:
            continue
        one, two = (known[each.path] for each in pair)
        if one.is_copy(two):
            copy, kept = sorted(pair, key=lambda each: n[each.person])
            if copy.label != kept.label:
                raise RecordingError(
                    f"{copy.path} has the signal of {kept.path} and the name of "
                    "another state: remove the wrong one"
                )
            copies.append((copy, kept))
            gone.add(copy.path)
    return copies

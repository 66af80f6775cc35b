"""Recordings with cues, written as a recorder of LSL streams writes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rtpipe.recording import Recording
from rtpipe.training.synthetic import record
from rtpipe.types import Float32
from rtpipe.xdf import encode
from rtpipe.xdf.header import Channel, Header

Marks = Sequence[tuple[int, str]]  # a row of the signal, and a text


def write(
    path: Path,
    data: Float32,
    marks: Marks,
    *,
    sfreq: float = 200.0,
    kind: str = "EMG",
    unit: str = "microvolts",
    name: str = "arm",
    start: float = 1000.0,
) -> Path:
    """Write a stream of signals, and one of markers.

    Parameters
    ----------
    path : Path
    data : ndarray of float32, shape (n_times, n_channels)
    marks : sequence of (int, str)
    sfreq, start : float
        Rate in hertz, and time of the first sample.
    kind, unit, name : str
        In LSL's words.
    """
    channels = tuple(Channel(f"C{k}", unit, kind) for k in range(data.shape[1]))
    stamps = start + np.arange(len(data)) / sfreq
    rows = np.array([row for row, _ in marks], np.int64)
    parts = [
        encode.file_header({}),
        encode.stream_header(1, Header(name, kind, "float32", sfreq, channels)),
        encode.stream_header(
            2, Header("cues", "Markers", "string", 0.0, (Channel(),), source_id="c")
        ),
        encode.samples(1, stamps, data),
        encode.texts(2, start + rows / sfreq, [[text] for _, text in marks]),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(parts))
    return path


def followed(recording: Recording, task: str, broken: Sequence[int] = ()) -> Marks:
    """Return cues that follow the truth of a task; those numbered `broken` break."""
    marks: list[tuple[int, str]] = []
    on, n = "", 0
    for event in recording.events:
        if event.kind != "truth" or event.data["task"] != task:
            continue
        if on:
            word = "broken" if n in broken else "off"
            marks.append((event.index or 0, f"cue {word}: {on}"))
            n += 1
        on = event.data["label"] or ""
        if on:
            marks.append((event.index or 0, f"cue on: {on}"))
    return marks


def write_synthetic(
    path: Path, seed: int, seconds: float = 36.0, signal: str = "emg"
) -> Path:
    """Write what the synthetic device sends, cued by its truth."""
    recording = record(signal, seed, seconds)
    task = {"emg": "gesture", "eeg": "emotion"}[signal]
    return write(
        path,
        recording.data,
        followed(recording, task),
        sfreq=recording.info.sfreq,
        kind=signal.upper(),
    )

"""Recordings of a person who follows cues, as files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from rtpipe.types import Float32, Float64
from rtpipe.xdf import encode
from rtpipe.xdf.header import Channel, Header

SFREQ = 200.0
CUE, PAUSE = 400, 200  # samples
LABELS = ("fist", "open", "rest")
LEVELS = {"fist": (30, 5, 5), "open": (5, 30, 5), "rest": (3, 3, 3)}
"""Root mean squares of the channels, in uV."""

START = 1000.0  # seconds, of the first sample on the sender's clock
Marks = Sequence[tuple[int, str]]  # a row of the signal, and a text


def write(
    path: Path,
    data: Float32,
    marks: Marks,
    *,
    sfreq: float = 200.0,
    kind: str = "EMG",
    unit: str = "microvolts",
    kinds: Sequence[str] = (),
    times: Float64 | None = None,
    more: Mapping[str, tuple[str, Float32]] = MappingProxyType({}),
) -> Path:
    """Write a stream of signals, named arm, and one of markers.

    Parameters
    ----------
    path : Path
    data : ndarray of float32, shape (n_times, n_channels)
    marks : sequence of (int, str)
    sfreq : float
        In hertz.
    kind, unit : str
        In LSL's words.
    kinds : sequence of str
        One a channel, where they differ.
    times : ndarray of float64, shape (n_times,), or None
        Seconds since the first sample, where some were lost.
    more : mapping of str to (str, ndarray)
        Other streams: the type and the samples of each, by name.
    """
    if times is None:
        times = np.arange(len(data)) / sfreq
    streams = {"arm": (kind, data), **more}
    marked = START + np.array([row for row, _ in marks]) / sfreq
    texts = Header("cues", "Markers", "string", 0.0, (Channel(),))
    parts = [
        encode.file_header({}),
        encode.stream_header(0, texts),
        encode.texts(0, marked, [[text] for _, text in marks]),
    ]
    for k, (name, (of, samples)) in enumerate(streams.items(), 1):
        each = kinds or [of] * samples.shape[1]
        channels = tuple(Channel(f"C{j}", unit, word) for j, word in enumerate(each))
        header = Header(name, of, "float32", sfreq, channels)
        parts += [
            encode.stream_header(k, header),
            encode.samples(k, START + times, samples),
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(parts))
    return path


def signal(did: Sequence[str], seed: int) -> Float32:
    """Return noise as loud as what was done, a label a sample, says."""
    rng = np.random.default_rng(seed)
    levels = np.array([LEVELS[each] for each in did], float)
    return (levels * rng.standard_normal(levels.shape)).astype(np.float32)


def script(
    labels: Sequence[str],
    *,
    late: int = 0,
    lag: int = 0,
    broken: Sequence[int] = (),
    done: Sequence[str] | None = None,
) -> tuple[list[str], list[tuple[int, str]]]:
    """Return what a person did, a label a sample, and the markers of the cues.

    Parameters
    ----------
    labels : sequence of str
        What was asked for.
    late, lag : int
        Samples that the person begins late, and goes on doing it after.
    broken : sequence of int
        Which cues are.
    done : sequence of str or None
        What was done; None is what was asked for.
    """
    did: list[str] = ["rest"] * PAUSE
    marks = []
    for k, (label, true) in enumerate(zip(labels, done or labels, strict=True)):
        start = len(did)
        marks.append((start, f"cue on: {label}"))
        did += [true] * CUE
        did[start : start + late] = ["rest" if true != "rest" else "fist"] * late
        marks.append((len(did), f"cue {'broken' if k in broken else 'off'}: {label}"))
        did += [true] * lag + ["rest"] * (PAUSE - lag)
    return did, marks


def write_own(path: Path, seed: int, n: int = 3, **how: Any) -> Path:
    did, marks = script(LABELS * n, **how)
    return write(path, signal(did, seed), marks)

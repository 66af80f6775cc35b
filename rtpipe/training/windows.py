"""The windows of a whole recording, through the very stages a live run has."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rtpipe import fit
from rtpipe.card import StageCard
from rtpipe.grid import Grid
from rtpipe.recording import Recording
from rtpipe.stage import Chain
from rtpipe.stages.gaps import Gaps
from rtpipe.truth import Truth
from rtpipe.types import Chunk, Float32


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Every window of one recording, in the order of its grid.

    Parameters
    ----------
    x : ndarray of float32, shape (n_windows, n_channels, n_times)
        A view on the filtered signal where it has no gap.
    index : ndarray of int64, shape (n_windows,)
        Of each window's last sample.
    truth : tuple of str or None
        The label of each window that lies wholly inside one.
    """

    x: Float32
    index: NDArray[np.int64]
    truth: tuple[str | None, ...]


def windows(
    recording: Recording,
    stages: Sequence[StageCard],
    n_times: int,
    hop: int,
    task: str,
) -> Windows:
    """Cut a recording into the windows that its replay would answer.

    Samples that came late are dropped, and the grid begins with the run, also where
    the recording began later.

    Parameters
    ----------
    recording : Recording
    stages : sequence of StageCard
        As in a card.
    n_times, hop : int
        In samples.
    task : str
        Whose truth is wanted.
    """
    info, gaps = recording.info, Gaps()
    chain = fit.chain(tuple(stages))
    after = chain.prepare(gaps.prepare(info))
    truth = Truth()
    for event in recording.events:
        if event.kind != "truth" or event.data["task"] != task or event.index is None:
            continue
        truth.tell(event.index, event.data["label"])
    origin = int(recording.index[0]) if info.origin is None else info.origin
    grid = Grid(origin, n_times, hop)
    parts: list[Float32] = []
    stops: list[int] = []
    for start, data in _segments(recording, gaps, chain):
        found = grid.stops(start, start, start + len(data))
        stops += found
        if found:
            cut = sliding_window_view(data, n_times, axis=0)
            parts.append(cut[found[0] - n_times - start :: hop][: len(found)])
    if not parts:  # the recording is shorter than a window
        parts = [np.empty((0, *after.sample_shape, n_times), np.float32)]
    x = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return Windows(
        x=x,
        index=np.array(stops, np.int64) - 1,
        truth=tuple(truth.of(stop - n_times, stop) for stop in stops),
    )


def _segments(
    recording: Recording, gaps: Gaps, chain: Chain
) -> list[tuple[int, Float32]]:
    """Return the unbroken stretches of the filtered signal, each with its index."""
    jumps = np.flatnonzero(np.diff(recording.index) != 1) + 1
    found: list[tuple[int, list[Float32]]] = []
    expected = None
    for rows in np.split(np.arange(len(recording.times)), jumps):
        part = slice(rows[0], rows[-1] + 1)
        chunk = Chunk(
            recording.info.name,
            int(recording.index[rows[0]]),
            recording.times[part],
            recording.data[part],
        )
        for whole in gaps.process(chunk):
            if not len(whole):  # all of it was late
                continue
            for out in chain.process(whole):
                if out.index != expected:
                    found.append((out.index, []))
                found[-1][1].append(out.data)
                expected = out.stop
    return [(start, np.concatenate(parts)) for start, parts in found]

"""Streams as FIF files, written by MNE-Python."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rtpipe.chtype import KNOWN, MISC
from rtpipe.convert.grid import Grid
from rtpipe.recordings.edf import MICROVOLTS
from rtpipe.recordings.mneraw import UNITS
from rtpipe.unit import NONE

_NUMBERS = {word: number for number, word in UNITS.items() if number > 0}
VOLT = _NUMBERS["V"]
COUNTS = -1


def write_fif(grid: Grid, file: Path) -> list[str]:
    """Write a stream; return what a person should know of it, a line each.

    Parameters
    ----------
    grid : Grid
    file : Path
        Ends with ``_raw.fif``, as MNE wants it; a recording of more than 2 GB goes on
        in ``_raw-1.fif``.

    Notes
    -----
    MNE has voltages in V. They are stored as the float32 numbers that they were, beside
    the factor that makes them V, so that not a bit is lost.
    """
    import mne

    info = mne.create_info(
        list(grid.info.ch_names),
        grid.info.sfreq,
        [each if each in KNOWN else MISC for each in grid.info.ch_types],
    )
    told = []
    factors = np.ones(grid.info.n_channels)
    for k, (channel, word) in enumerate(zip(info["chs"], grid.info.units, strict=True)):
        if word in MICROVOLTS:
            factors[k] = channel["cal"] = MICROVOLTS[word] / 1e6
            channel["unit"] = VOLT
        else:
            channel["unit"] = _NUMBERS.get(word, COUNTS)
            if word not in _NUMBERS and word != NONE:
                told.append(f"FIF has no {word!r}: {channel['ch_name']} has no unit")
    values = np.empty((grid.info.n_channels, len(grid.data)))
    for k, factor in enumerate(factors):
        values[k] = grid.held(k) * factor
    raw = mne.io.RawArray(values, info)
    raw.info["line_freq"] = grid.info.mains
    raw.info["bads"] = [grid.info.ch_names[k] for k in grid.dead]
    if grid.started is not None:
        raw.set_meas_date(datetime.fromtimestamp(grid.started, UTC))
    raw.set_annotations(_noted(grid, mne))
    raw.save(file)
    return told


def _noted(grid: Grid, mne: Any) -> Any:
    noted = grid.annotations
    return mne.Annotations(
        [grid.onset(each) for each in noted],
        [each.duration for each in noted],
        [each.text for each in noted],
    )

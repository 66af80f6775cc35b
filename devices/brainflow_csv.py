"""Files that BrainFlow writes: the rows of a board's table, without a header."""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.errors import ConfigError
from rtpipe.estimate import IndexEstimate
from rtpipe.recording import Answers, Recording
from rtpipe.recordings.marks import coded
from rtpipe.recordings.table import read_table, refuse_large, steady

from .brainflow_board import board_name, sources
from .brainflow_counter import COUNTINGS, Counter
from .brainflow_sdk import numbers, sdk

logger = logging.getLogger(__name__)

LEAST = 4  # columns: a number, a channel, a time and a marker
_NUMBER = re.compile(r"[+-]?(\d+\.\d*([eE][+-]?\d+)?|nan|inf)")


class BrainflowCsv:
    """A line a sample, a column for each row of the board's table, tabs or commas.

    Notes
    -----
    The file does not say which board it is of, and several have as many rows: a person
    has to. What the columns are is what BrainFlow says of that board; streams, channels
    and units are those the board has live. The index is counted where it is live. Rows
    that come late or twice are left out, which is told in the log. Markers other than 0
    are events.
    """

    title = "BrainFlow CSV"

    def matches(self, head: bytes) -> bool:
        """See whether the first line is of numbers with a decimal point."""
        values = _values(head)
        return len(values) >= LEAST and all(map(_NUMBER.fullmatch, values))

    def read(self, path: Path, answers: Answers) -> Sequence[Recording]:
        """Return the streams of the board.

        Raises
        ------
        ConfigError
            If the board is not named, is none, or has another number of rows.
        RecordingError
            If a row is not of numbers or its time is none; the text names the line.
        """
        with path.open("rb") as file:
            first = file.readline()
        n_columns = len(_values(first))
        board, preset, described = _board(path, answers, n_columns)
        delimiter = None if b"\t" in first else ","
        table = read_table(path, delimiter, n_columns, header=0)
        stamps = table[:, int(described["timestamp_channel"])]
        sfreq = float(described["sampling_rate"])
        counting = COUNTINGS.get((board, preset))
        times = steady(path, stamps, sfreq, 0)
        if counting:
            packages = np.nan_to_num(table[:, int(described["package_num_channel"])])
            counter = Counter(counting, sfreq)
            index = counter.indices(packages.tolist(), stamps.tolist())
        else:
            index = IndexEstimate(sfreq).indices(times)
        fresh = _fresh(path, index)
        table, stamps, index = table[fresh], stamps[fresh], index[fresh]
        times = index / sfreq if counting else times[fresh]
        codes = table[:, int(described["marker_channel"])]
        found = []
        for source in sources(board, {preset: described}):
            values = table[:, source.rows]
            refuse_large(path, values, header=0, first=source.rows[0] + 1)
            events = coded(path, source.info.name, codes, index, times)
            data = values.astype(np.float32)
            found.append(Recording(source.info, index, times, data, events, stamps))
        return found


def _board(
    path: Path, answers: Answers, n_columns: int
) -> tuple[str, int, Mapping[str, Any]]:
    """Return a board's name, the preset that has so many rows, and what it says."""
    known = numbers()
    alike = [name for name in known if n_columns in _presets(known[name])]
    boards = ", ".join(alike) or "none that this BrainFlow knows"
    if answers.board is None:
        option = answers.option.format("board", "SYNTHETIC_BOARD")
        raise ConfigError(
            f"{path} does not say which board it is of: name it, as with "
            f"{option}; with {n_columns} columns there are: {boards}"
        )
    name = board_name(answers.board, known)
    presets = _presets(known[name])
    if n_columns not in presets:
        have = " or ".join(map(str, presets)) or "no"
        raise ConfigError(
            f"{path} has {n_columns} columns where {name} has {have}; with "
            f"{n_columns} columns there are: {boards}"
        )
    preset = presets[n_columns]
    return name, preset, sdk().BoardShim.get_board_descr(known[name], preset)


def _presets(number: int) -> dict[int, int]:
    """Return the presets of a board by how many rows they have."""
    shim = sdk().BoardShim
    found: dict[int, int] = {}
    try:
        for preset in sorted(shim.get_board_presets(number)):
            described = shim.get_board_descr(number, preset)
            if "num_rows" in described:
                found.setdefault(int(described["num_rows"]), preset)
    except sdk().BrainFlowError:  # of one that is a board in name only
        return {}
    return found


def _fresh(path: Path, index: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows are not late; see `rtpipe.checks.check_device`."""
    newest = np.maximum.accumulate(np.concatenate(([-1], index)))[:-1]
    fresh: NDArray[np.bool_] = index > newest
    if n_late := len(index) - int(fresh.sum()):
        logger.warning("%s: %d rows came late or twice: left out", path, n_late)
    return fresh


def _values(head: bytes) -> list[str]:
    """Return the values of the first line."""
    line = head.split(b"\n", 1)[0].decode("latin-1").strip()
    return [value.strip() for value in line.split("\t" if "\t" in line else ",")]


BRAINFLOW = BrainflowCsv()

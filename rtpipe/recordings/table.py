"""Read a text table of numbers, and say where it is not one."""

import logging
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rtpipe.errors import RecordingError
from rtpipe.types import Float64

logger = logging.getLogger(__name__)

_AT = re.compile(r"convert string '(.*?)'? to float64 at row (\d+), column (\d+)")
_WIDTH = re.compile(r"columns changed from (\d+) to (\d+) at row (\d+)")
_SHORT = re.compile(r"column index (\d+) at row (\d+) with (\d+) columns")
LONGEST = 2**16  # bytes of a line; of the layouts known here none needs a tenth
FARTHEST = 1e9  # samples between two rows, 45 days at 256 Hz: a broken time, no gap


def read_table(
    path: Path,
    delimiter: str | None,
    n_columns: int,
    *,
    header: int = 1,
    columns: Sequence[int] | None = None,
) -> Float64:
    """Return the numbers below a table's header.

    Parameters
    ----------
    path : Path
    delimiter : str or None
        None means any white space.
    n_columns : int
        How many columns the layout has.
    header : int
        How many lines are above the first row.
    columns : sequence of int or None
        Which columns to read, where not all are numbers.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_columns or len(columns))

    Raises
    ------
    RecordingError
        If there is no row, a row has another number of columns, a value is no number,
        or a line between two rows is blank; the text names the line.

    Notes
    -----
    A last line that does not end was cut while it was written: where it cannot be read
    it is left out, which is told in the log. Half a number that is one stays unseen.
    """
    n_rows, is_cut = _rows(path, header)

    def parsed(most: int | None) -> Float64:
        return _parsed(path, delimiter, n_columns, header, columns, most)

    try:
        return parsed(None)
    except RecordingError:
        if not is_cut:
            raise
    table = parsed(n_rows)  # or the fault of another line, which came first
    logger.warning("%s is cut short: its last line is not whole and left out", path)
    return table


def steady(path: Path, times: Float64, sfreq: float, header: int = 1) -> Float64:
    """Return a column of times as seconds since the first one, never decreasing.

    Parameters
    ----------
    path : Path
    times : ndarray of float64, shape (n_rows,)
        Seconds.
    sfreq : float
        Rows in a second.
    header : int
        How many lines are above the first row.

    Raises
    ------
    RecordingError
        If one is not finite, or too far from the one before for a gap; the text names
        the line.
    """
    if not np.isfinite(times).all():
        line = int(np.flatnonzero(~np.isfinite(times))[0]) + 1 + header
        raise RecordingError(f"{path}: line {line}: the time is not a number")
    with np.errstate(over="ignore"):  # infinite is far, too
        far = np.flatnonzero(np.abs(np.diff(times)) > FARTHEST / sfreq)
    if len(far):
        raise RecordingError(
            f"{path}: line {far[0] + 2 + header}: the time {times[far[0] + 1]:g} is "
            "too far from the one before"
        )
    return np.asarray(np.maximum.accumulate(times) - times[0], np.float64)


def refuse_large(
    path: Path, values: Float64, scale: float = 1.0, *, header: int = 1, first: int = 2
) -> None:
    """Raise unless what is finite stays so, times `scale`, as float32.

    Parameters
    ----------
    path : Path
    values : ndarray of float64, shape (n_rows, n_columns)
        Columns that stand side by side in the file.
    scale : float
    header : int
        How many lines are above the first row.
    first : int
        Number of the first of these columns in the file, from 1 on.

    Raises
    ------
    RecordingError
        If a value is too large; the text names the line.
    """
    limit = float(np.finfo(np.float32).max) / scale
    large = []
    for column in range(values.shape[1]):  # a copy of all would be as large again
        one = values[:, column]
        rows = np.flatnonzero(np.isfinite(one) & (np.abs(one) > limit))
        large += [(int(row), column) for row in rows[:1]]
    if large:
        row, column = min(large)
        raise RecordingError(
            f"{path}: line {row + 1 + header}, column {column + first}: "
            f"{values[row, column]:g} is too large"
        )


def _parsed(
    path: Path,
    delimiter: str | None,
    n_columns: int,
    header: int,
    columns: Sequence[int] | None,
    most: int | None,
) -> Float64:
    """Return the numbers of all rows, or of the first ones, at `most` so many."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of no row, told below
            table = np.loadtxt(
                path,
                comments=None,
                delimiter=delimiter,
                skiprows=header,
                usecols=columns,
                ndmin=2,
                max_rows=most,
            )
    except UnicodeDecodeError:
        raise RecordingError(f"{path} is not a text file") from None
    except ValueError as error:
        raise RecordingError(f"{path}: {_where(str(error), header)}") from None
    if not table.size:
        raise RecordingError(f"{path} has a header and no samples")
    if columns is None and table.shape[1] != n_columns:
        raise RecordingError(
            f"{path} has {table.shape[1]} columns where its layout has {n_columns}"
        )
    return table


def _rows(path: Path, header: int) -> tuple[int, bool]:
    """Return how many rows end, and whether there is a last one that does not.

    Raises RecordingError at a blank line above a row: NumPy skips it, and miscounts;
    and at a line that is none of a table.
    """
    n_rows, blank, line = -header, 0, b""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if len(line) > LONGEST:
                raise RecordingError(
                    f"{path}: line {number} is longer than {LONGEST} bytes"
                )
            if not line.isspace():
                if blank:
                    raise RecordingError(f"{path}: line {blank} is blank")
                n_rows += line.endswith(b"\n")
            elif not blank:
                blank = number
    return max(0, n_rows), not (line.endswith(b"\n") or line.isspace())


def _where(error: str, header: int) -> str:
    if found := _AT.search(error):
        text, row, column = found[1], int(found[2]), int(found[3])
        return f"line {row + 1 + header}, column {column}: {text!r} is not a number"
    if found := _WIDTH.search(error):
        return (
            f"line {int(found[3]) + header} has {found[2]} columns where those before "
            f"it have {found[1]}"
        )
    if found := _SHORT.search(error):
        return (
            f"line {int(found[2]) + header} has {found[3]} columns, and column "
            f"{int(found[1]) + 1} is needed"
        )
    return error.split(";")[0].strip()

"""Read a text table of numbers, and say where it is not one."""

import re
import warnings
from pathlib import Path

import numpy as np

from rtpipe.errors import RecordingError
from rtpipe.types import Float64

_AT = re.compile(r"convert string '(.*)' to float64 at row (\d+), column (\d+)")
_WIDTH = re.compile(r"columns changed from (\d+) to (\d+) at row (\d+)")


def read_table(path: Path, delimiter: str | None, n_columns: int) -> Float64:
    """Return the numbers below a table's header line.

    Parameters
    ----------
    path : Path
    delimiter : str or None
        None means any white space.
    n_columns : int
        How many columns the layout has.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_columns)

    Raises
    ------
    RecordingError
        If there is no row, a row has another number of columns, a value is no number,
        or a line between two rows is blank; the text names the line.
    """
    _refuse_blank(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of no row, told below
            table = np.loadtxt(
                path, comments=None, delimiter=delimiter, skiprows=1, ndmin=2
            )
    except UnicodeDecodeError:
        raise RecordingError(f"{path} is not a text file") from None
    except ValueError as error:
        raise RecordingError(f"{path}: {_where(str(error))}") from None
    if not table.size:
        raise RecordingError(f"{path} has a header and no samples")
    if table.shape[1] != n_columns:
        raise RecordingError(
            f"{path} has {table.shape[1]} columns where its layout has {n_columns}"
        )
    return table


def refuse_large(path: Path, values: Float64, scale: float = 1.0) -> None:
    """Raise unless what is finite stays so, times `scale`, as float32.

    Parameters
    ----------
    path : Path
    values : ndarray of float64, shape (n_rows, n_columns)
        The table's columns from the second one on.
    scale : float

    Raises
    ------
    RecordingError
        If a value is too large; the text names the line.
    """
    limit = float(np.finfo(np.float32).max) / scale
    large = np.argwhere(np.isfinite(values) & (np.abs(values) > limit))
    if len(large):
        row, column = large[0]
        raise RecordingError(
            f"{path}: line {row + 2}, column {column + 2}: {values[row, column]:g} is "
            "too large"
        )


def _refuse_blank(path: Path) -> None:
    """Raise at a blank line above a row: NumPy skips it, and miscounts the lines."""
    blank = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.isspace():
                if blank:
                    raise RecordingError(f"{path}: line {blank} is blank")
            elif not blank:
                blank = number


def _where(error: str) -> str:
    if found := _AT.search(error):
        text, row, column = found[1], int(found[2]), int(found[3])
        return f"line {row + 2}, column {column}: {text!r} is not a number"
    if found := _WIDTH.search(error):
        return (
            f"line {int(found[3]) + 1} has {found[2]} columns where those before it "
            f"have {found[1]}"
        )
    return error.split(";")[0].strip()

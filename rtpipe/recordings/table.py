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
        If there is no row, a row has another number of columns, or a value is no
        number; the text names the line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of no row, told below
            table = np.loadtxt(path, delimiter=delimiter, skiprows=1, ndmin=2)
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

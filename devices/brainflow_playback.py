"""Whether a file can be played by BrainFlow, and how many rows it has.

BrainFlow's playback board passes over what it cannot read, without a word to the
program that plays it, and waits as long as two time stamps lie apart, even when it is
told to stop. So a file is read here first.
"""

from collections.abc import Iterator
from pathlib import Path

from rtpipe.errors import RecordingError

LONGEST_LINE = 8190  # characters; BrainFlow reads longer ones as two
# Seconds: after two of silence a run takes a device for lost, after five it closes it.
LONGEST_PAUSE = 4.0


def n_columns(path: Path) -> int:
    """Return how many values the first line of a file has.

    Raises
    ------
    RecordingError
        If it cannot be read, or is empty.
    """
    for _, values in _lines(path):
        return len(values)
    raise RecordingError(f"{path} is empty")


def n_rows(path: Path, columns: int, stamp: int, board: str) -> int:
    """Return how many rows of a board BrainFlow will play from a file.

    Parameters
    ----------
    path : Path
        Lines of values with tabs or commas between them, as BrainFlow writes them.
    columns : int
        How many values the board's lines have.
    stamp : int
        Which of them is the time stamp, in seconds.
    board : str
        Its name, for the error.

    Raises
    ------
    RecordingError
        If it cannot be read, a line has another number of values or one that is no
        number, or two time stamps lie too far apart; the text names the line.
    """
    n, before = 0, 0.0
    for line, values in _lines(path):
        if len(values) != columns:
            raise RecordingError(
                f"{path}: line {line} has {len(values)} columns where {board} has "
                f"{columns}; name the board that recorded it"
            )
        numbers = [_number(path, line, k, text) for k, text in enumerate(values, 1)]
        pause = numbers[stamp] - before
        if n and before > 0 and not pause <= LONGEST_PAUSE:
            raise RecordingError(
                f"{path}: line {line} comes {pause:.0f} s after the one before, and "
                f"BrainFlow cannot be stopped while it waits for it: cut the file there"
            )
        before = numbers[stamp]
        n += 1
    if not n:
        raise RecordingError(f"{path} is empty")
    return n


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the values of each line that has some, with the line's number."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if len(line) > LONGEST_LINE:
                    raise RecordingError(f"{path}: line {number} is too long")
                if not line.isspace():
                    between = "\t" if "\t" in line else ","
                    # BrainFlow takes a separator at a line's end for nothing.
                    yield (
                        number,
                        line.rstrip("\r\n").removesuffix(between).split(between),
                    )
    except FileNotFoundError:
        raise RecordingError(f"there is no recording {path}") from None
    except IsADirectoryError:
        raise RecordingError(f"{path} is a folder, not a recording") from None
    except UnicodeDecodeError:
        raise RecordingError(f"{path} is not a text file") from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from None


def _number(path: Path, line: int, column: int, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise RecordingError(
            f"{path}: line {line}, column {column}: {text.strip()!r} is not a number; "
            "BrainFlow's own files have no header"
        ) from None

"""A picture of the window, in a file that was not there before."""

from datetime import datetime
from itertools import count
from pathlib import Path

from PyQt6.QtCore import QBuffer, QIODevice
from PyQt6.QtWidgets import QWidget


def save_picture(widget: QWidget, folder: Path) -> Path:
    """Save what a widget shows as a PNG, named by the date and the time.

    Parameters
    ----------
    widget : QWidget
    folder : Path

    Returns
    -------
    Path
        Of the file, which was not there: where two fall into a second, they are
        numbered.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    widget.grab().save(buffer, "PNG")
    name = f"rtpipe-{datetime.now():%Y-%m-%d-%H%M%S}"
    for n in count(1):
        path = folder / (f"{name}.png" if n == 1 else f"{name}-{n}.png")
        try:
            file = path.open("xb")
        except FileExistsError:
            continue
        try:
            with file:
                file.write(buffer.data().data())
        except OSError:
            path.unlink()  # what is left is no picture
            raise
        return path
    raise AssertionError("unreachable")

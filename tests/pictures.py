"""Pictures of windows, as arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtGui import QColor, QImage

from rtpipe.dashboard.theme import theme


def pixels(image: QImage) -> NDArray[np.uint32]:
    """Return a picture's colours, shape (height, width)."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    bits = image.constBits()
    assert bits is not None
    memory: Any = bits.asarray(image.sizeInBytes())
    return np.frombuffer(memory, np.uint32).reshape(image.height(), -1).copy()


def where(image: QImage, colour: QColor) -> NDArray[np.bool_]:
    """Return where a picture has a colour, shape (height, width)."""
    return np.asarray(pixels(image) == colour.rgb())


def marked(image: QImage) -> NDArray[np.bool_]:
    """Return where a picture is not empty, shape (height, width)."""
    return ~where(image, QColor(theme().ground))

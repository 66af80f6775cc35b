"""What a bundle was made with."""

import platform

import numpy
import scipy
import torch

import rtpipe


def versions() -> dict[str, str]:
    """Return the versions that decide what a training gives."""
    return {
        "rtpipe": rtpipe.__version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "torch": torch.__version__,
    }

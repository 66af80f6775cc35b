"""BrainFlow, loaded when it is needed, and silent."""

import warnings
from functools import cache
from typing import Any

from rtpipe.errors import ConfigError
from rtpipe.registry import lacking


@cache
def sdk() -> Any:
    """Return the module ``brainflow.board_shim``, loaded and silent.

    Raises
    ------
    ConfigError
        If it is not installed, or its library cannot be loaded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pkg_resources, which it imports
            from brainflow import board_shim

            board_shim.BoardShim.disable_board_logger()  # loads the library
    except ModuleNotFoundError as error:
        if error.name == "pkg_resources":
            raise ConfigError(
                "BrainFlow needs the package 'setuptools' in a version that has "
                "pkg_resources: install it with `pip install 'setuptools<82'`"
            ) from error
        raise ConfigError(lacking("a BrainFlow device", error)) from error
    except OSError as error:
        raise ConfigError(
            f"BrainFlow's library cannot be loaded on this system: {error}"
        ) from error
    return board_shim


def numbers() -> dict[str, int]:
    """Return the number of every board that BrainFlow knows, by name."""
    return {each.name: each.value for each in sdk().BoardIds}

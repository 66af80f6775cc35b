"""From a name in a config or a card to the object behind it.

rtpipe never imports an adapter, a network or a recipe by name: it asks here. Another
package adds its own by declaring the same entry-point groups.
"""

from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any

from rtpipe.errors import ConfigError

TRAIN = {"matplotlib": "matplotlib", "sklearn": "scikit-learn"}  # modules of the extra


def find(group: str, name: str) -> Any:
    """Return the object registered under `name` in the group ``rtpipe.<group>``.

    Raises
    ------
    ConfigError
        If nothing has that name, or what has it needs a package that is missing.
    """
    known = _known(group)
    if name not in known.names:
        have = ", ".join(names(group)) or "none"
        raise ConfigError(f"no {group[:-1]} is named {name!r}; there are: {have}")
    try:
        return known[name].load()
    except ModuleNotFoundError as error:
        raise ConfigError(lacking(f"{group[:-1]} {name!r}", error)) from error
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{group[:-1]} {name!r} cannot be loaded: {error}") from error


def lacking(what: str, error: ModuleNotFoundError) -> str:
    """Return the sentence for a package that something needs and that is missing."""
    module = error.name or str(error)
    package = module.split(".")[0]
    if package == "rtpipe":
        return (
            f"{what} needs {module}, which this rtpipe lacks: it is not installed "
            "whole, or not in the version that declares it; install rtpipe again"
        )
    if package in TRAIN:
        return (
            f"{what} needs the package {TRAIN[package]!r}: install it with "
            "`pip install 'rtpipe[train]'`"
        )
    return f"{what} needs the package {package!r}: install it"


def names(group: str) -> list[str]:
    """Return every name registered in the group ``rtpipe.<group>``, sorted."""
    return sorted(_known(group).names)


@cache
def _known(group: str) -> EntryPoints:
    return entry_points(group=f"rtpipe.{group}")

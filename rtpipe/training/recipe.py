"""Find a recipe, give it what its parameters ask for, and run it."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rtpipe.config import scalar
from rtpipe.errors import ConfigError
from rtpipe.registry import find
from rtpipe.table import table_of


def train(name: str, data: Path | None, out: Path, assign: Sequence[str]) -> None:
    """Run a recipe.

    Parameters
    ----------
    name : str
    data : Path or None
        Folder of recordings, for a recipe that has a parameter ``data``.
    out : Path
        Folder for the results; made where it is missing.
    assign : sequence of str
        ``key=value`` for other parameters of the recipe.

    Raises
    ------
    ConfigError
        If there is no such recipe, or it lacks or does not know a parameter.
    """
    recipe = find("recipes", name)
    takes = inspect.signature(recipe).parameters
    given: dict[str, Any] = {"out": out}
    if data is not None:
        given["data"] = data
    for each in assign:
        key, equals, value = each.partition("=")
        if not equals:
            raise ConfigError(f"--set wants key=value, got {each!r}")
        if key.strip() in ("data", "out"):
            raise ConfigError(f"--set {each}: say --{key.strip()} instead")
        given[key.strip()] = scalar(value)
    if "data" in takes and data is None:
        raise ConfigError(f"recipe {name} needs --data, the folder of the recordings")
    if "data" not in takes and data is not None:
        raise ConfigError(f"recipe {name} makes its own signals and takes no --data")
    try:
        checked = table_of(recipe).model_validate(given)
    except ValidationError as error:
        fault = error.errors()[0]
        known = ", ".join(key for key in takes if key not in ("data", "out"))
        raise ConfigError(
            f"recipe {name}: {fault['loc'][0]}: {fault['msg']}; it has: {known}"
        ) from None
    out.mkdir(parents=True, exist_ok=True)
    recipe(**{key: getattr(checked, key) for key in takes})

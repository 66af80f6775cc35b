"""Find a recipe, give it what its parameters ask for, and run it."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rtpipe.config import scalar
from rtpipe.errors import ConfigError
from rtpipe.filename import refuse_unwritable
from rtpipe.registry import find
from rtpipe.table import table_of

SEEDS = 2**63  # so many does torch know


def train(name: str, data: Path | None, out: Path, assign: Sequence[str]) -> None:
    """Run a recipe.

    Parameters
    ----------
    name : str
    data : Path or None
        Folder of recordings, for a recipe that has a parameter ``data``.
    out : Path
        Folder for the results. It is made if only its parent is there, and removed
        again where the recipe fails and leaves nothing in it.
    assign : sequence of str
        ``key=value`` for other parameters of the recipe.

    Raises
    ------
    ConfigError
        If there is no such recipe, it lacks or does not know a parameter, or the folder
        cannot be made or written in.
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
    if not 0 <= (seed := getattr(checked, "seed", 0)) < SEEDS:
        raise ConfigError(f"a seed is a whole number from 0 on, below 2^63, got {seed}")
    with _folder(out):
        recipe(**{key: getattr(checked, key) for key in takes})


@contextmanager
def _folder(out: Path) -> Iterator[None]:
    """Let `out` be a folder, and take it away again if nothing comes into it."""
    if not out.parent.is_dir():
        raise ConfigError(
            f"there is no folder {out.parent} to make {out.name} in: make it, or mend "
            "the name"
        )
    made = not out.exists()
    if not made and not out.is_dir():
        raise ConfigError(f"{out} is a file: name a folder for the results")
    out.mkdir(exist_ok=True)
    try:
        refuse_unwritable(out, out)
        yield
    except BaseException:
        if made and not any(out.iterdir()):
            out.rmdir()
        raise

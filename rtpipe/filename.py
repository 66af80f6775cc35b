"""The file a recording goes into: a name, or a template for one."""

import os
from datetime import date
from itertools import count
from pathlib import Path
from string import Formatter
from tempfile import TemporaryFile

from rtpipe.errors import ConfigError

SUFFIX = ".xdf"
FIELDS = ("subject", "task", "date", "run")


def recording_file(
    template: str, *, subject: str | None = None, task: str | None = None
) -> Path:
    """Return the file that a template names, which is not there yet.

    Parameters
    ----------
    template : str
        A path in which ``{subject}``, ``{task}``, ``{date}`` (today, YYYY-MM-DD) and
        ``{run}`` (the first number that is free, two digits) may stand. ``~`` at its
        beginning is the user's own folder. ``.xdf`` is added where it has no suffix.
    subject, task : str or None

    Raises
    ------
    ConfigError
        If the file is there already, it or its folder cannot be made, the suffix is
        another one, or a field is unknown or has no value.
    """
    given = {"subject": subject, "task": task, "date": date.today().isoformat()}
    template = os.path.expanduser(template)  # what no shell has read has it still
    used = _fields(template)
    for field in used:
        if field != "run":
            _refuse(field, given[field])
    path = Path(template)
    if path.suffix.lower() not in ("", SUFFIX):
        raise ConfigError(
            f"{template} would not be XDF: record NAME{SUFFIX}, and make another "
            "format of it with rtpipe convert"
        )
    if path.is_dir():
        raise ConfigError(f"{template} is a folder: name a file in it")
    whole = template if path.suffix else template + SUFFIX
    if "run" not in used:
        return _free(Path(whole.format(**given)))
    paths = (Path(whole.format(**given, run=f"{n:02d}")) for n in count(1))
    return _free(next(each for each in paths if not _there(each)))


def refuse_unwritable(path: Path, folder: Path) -> None:
    """Raise ConfigError where nothing can be made in the folder that `path` is for."""
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}; choose another folder"
        ) from None


def _fields(template: str) -> list[str]:
    """Return the fields of a template."""
    if not template.isprintable():
        raise ConfigError(f"{template!r} cannot be the name of a file")
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ConfigError(f"{template} is no file name: {error}") from None
    fields = []
    for _, field, form, conversion in parts:
        if field is None:
            continue
        if field in FIELDS and (form or conversion):
            raise ConfigError(
                f"{template}: in the name of a recording {{{field}}} stands alone, "
                "without ! or : in its braces"
            )
        if field not in FIELDS:
            known = ", ".join(f"{{{each}}}" for each in FIELDS)
            raise ConfigError(
                f"{template}: there is no {{{field}}} in the name of a recording; "
                f"there are {known}"
            )
        fields.append(field)
    return fields


def _refuse(field: str, value: str | None) -> None:
    if not value:
        raise ConfigError(f"the file's name wants {{{field}}}: say --{field} NAME")
    if not value.isprintable() or set(value) & set("/\\") or value.startswith("."):
        raise ConfigError(
            f"{field} = {value!r} cannot be part of a file's name: use letters, "
            "digits, - and _"
        )


def _free(path: Path) -> Path:
    if _there(path):
        raise ConfigError(
            f"{path} is there already, and is not written over: choose another name, "
            "or put {run} into it"
        )
    folder = path.parent
    if not folder.is_dir() and not folder.parent.is_dir():
        raise ConfigError(
            f"there is no folder {folder.parent} to record in: make it, or mend the "
            "name"
        )
    refuse_unwritable(path, folder if folder.exists() else folder.parent)
    return path


def _there(path: Path) -> bool:
    return path.exists() or path.is_symlink()

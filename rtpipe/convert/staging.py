"""Files that appear whole, all of them, or not at all."""

import filecmp
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rtpipe.errors import RtpipeError


@contextmanager
def staged(folder: Path, known: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Give a folder to write in; what is there at the end moves into `folder`.

    Parameters
    ----------
    folder : Path
        Is made, if only its parent is there.
    known : frozenset of Path
        Files relative to the folder that the new ones replace. One that is there
        already with the same content stays; any other is refused, and nothing moves.

    Raises
    ------
    RtpipeError
        If a file is there already, or the folder's parent is not.
    """
    if not folder.parent.is_dir():
        raise RtpipeError(
            f"there is no folder {folder.parent} to make {folder.name} in"
        )
    if folder.exists() and not folder.is_dir():
        raise RtpipeError(f"{folder} is a file: name a folder for what is written")
    made = not folder.exists()
    folder.mkdir(exist_ok=True)
    try:
        with _beside(folder) as name:
            yield Path(name)
            _move(Path(name), folder, known)
    except BaseException:
        if made and not any(folder.iterdir()):
            folder.rmdir()
        raise


def _beside(folder: Path) -> TemporaryDirectory[str]:
    try:
        return TemporaryDirectory(prefix=".rtpipe-convert-", dir=folder)
    except OSError as error:
        raise RtpipeError(
            f"nothing can be written in {folder}: {error.strerror}; name another "
            "folder with --out"
        ) from None


def refuse_present(files: list[Path]) -> None:
    """Raise where a file is there that would be written: nothing is overwritten."""
    for file in files:
        if file.exists():
            raise RtpipeError(
                f"{file} is there already, and nothing is overwritten: remove it, or "
                "name another folder with --out"
            )


def _move(source: Path, folder: Path, known: frozenset[Path]) -> None:
    files = sorted(
        each.relative_to(source) for each in source.rglob("*") if each.is_file()
    )
    fresh = [
        each
        for each in files
        if each not in known and not _equal(source / each, folder / each)
    ]
    refuse_present([folder / each for each in fresh])
    moved: list[Path] = []
    try:
        for each in fresh:
            (folder / each).parent.mkdir(parents=True, exist_ok=True)
            _place(source / each, folder / each)
            moved.append(folder / each)
        for each in known.intersection(files):
            os.replace(source / each, folder / each)
    except BaseException:
        for each in moved:
            each.unlink(missing_ok=True)
        raise


def _equal(source: Path, target: Path) -> bool:
    return target.is_file() and filecmp.cmp(source, target, shallow=False)


def _place(source: Path, target: Path) -> None:
    """Give a file its name, unless another has it."""
    with source.open("rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(source, target)
    except FileExistsError:
        refuse_present([target])
    except OSError:  # a file system without links
        refuse_present([target])
        shutil.move(source, target)

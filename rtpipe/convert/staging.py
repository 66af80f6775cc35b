"""Files that appear whole, all of them, or not at all."""

import filecmp
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
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
    with ExitStack() as undone:
        for each in fresh:
            _make((folder / each).parent, undone)
            _place(source / each, folder / each)
            undone.callback((folder / each).unlink, missing_ok=True)
        for each in sorted(known.intersection(files)):
            _replace(source / each, folder / each, undone)
        undone.pop_all()  # for all of it is in its place


def _make(folder: Path, undone: ExitStack) -> None:
    """Make a folder and those it is in, where they are not there."""
    if not folder.is_dir():
        _make(folder.parent, undone)
        folder.mkdir(exist_ok=True)
        undone.callback(_remove_empty, folder)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # another program has put something into it
        folder.rmdir()


def _replace(source: Path, target: Path, undone: ExitStack) -> None:
    """Give a file the name of another, which is kept until all is in its place."""
    if not target.exists():
        _make(target.parent, undone)
        _place(source, target)
        undone.callback(target.unlink, missing_ok=True)
    else:
        kept = source.with_name(f"{source.name}.kept")
        shutil.copy2(target, kept)
        undone.callback(os.replace, kept, target)
        os.replace(source, target)


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

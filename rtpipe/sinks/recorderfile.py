"""A file that appears whole, only grows, and never ends inside a chunk."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from rtpipe.errors import ConfigError, RtpipeError


class RecorderFile:
    """Appends whole chunks to a file that nobody else writes.

    Parameters
    ----------
    path : Path
        In a folder that is there, or in one that can be made in one that is.
    again : callable or None
        Gives another name, where the file is there by now: two runs may number theirs
        at the same moment.

    Attributes
    ----------
    path : Path
    size : int
        Bytes in it.
    """

    def __init__(self, path: Path, again: Callable[[], Path] | None = None) -> None:
        self.path, self.size = path, 0
        self._again = again
        self._number = -1

    def create(self, beginning: bytes) -> None:
        """Make the file; it is under its name with all of its beginning, or not at all.

        Raises
        ------
        ConfigError
            If there is a file of that name, or it cannot be made or written.
        """
        while self._number < 0:
            try:
                self.path.parent.mkdir(exist_ok=True)
                self._number = _published(self.path, beginning)
            except FileExistsError:
                self.path = self._another()
            except OSError as error:
                raise ConfigError(
                    f"{self.path} cannot be made: {error.strerror or error}"
                ) from error
        self.size = len(beginning)

    def append(self, chunks: bytes) -> None:
        """Write behind what is there; on an error the file is as it was.

        Raises
        ------
        OSError
            If there is no room, or the disk fails.
        """
        try:
            _write(self._number, chunks)
        except OSError:
            with suppress(OSError):  # what is torn off then is known by its length
                os.ftruncate(self._number, self.size)
            raise
        self.size += len(chunks)

    def sync(self) -> None:
        """Wait until all of it is on the disk."""
        os.fsync(self._number)

    def look(self) -> None:
        """See that it is still there.

        Raises
        ------
        RtpipeError
            If it was removed, moved or replaced: writing on would fail no sooner.
        """
        mine = os.fstat(self._number)
        try:
            there = os.stat(self.path)
        except OSError:
            raise RtpipeError("the file or its folder was removed or moved") from None
        if (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino):
            raise RtpipeError("another file has taken its place")

    def _another(self) -> Path:
        """Return a name that is free, where there is one."""
        path = self._again() if self._again else self.path
        if path == self.path:
            raise ConfigError(f"{path} is there already, and is not written over")
        return path

    def room(self) -> int:
        """Return the bytes that its disk has left."""
        return shutil.disk_usage(self.path.parent).free

    def close(self) -> None:
        """Let go of it. Safe to call twice."""
        if self._number >= 0:
            os.close(self._number)
            self._number = -1


def _published(path: Path, beginning: bytes) -> int:
    """Write a file where nobody sees it, give it its name, and return its number."""
    try:
        number = _nameless(path, beginning)
    except FileExistsError:
        raise
    except (AttributeError, OSError):
        number = _beside(path, beginning)
    if os.name != "nt":  # where a folder is no file
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return number


def _nameless(path: Path, beginning: bytes) -> int:
    """Without a name there is nothing that a run that is killed could leave behind."""
    number = os.open(path.parent, os.O_TMPFILE | _FLAGS, 0o666)
    try:
        _write(number, beginning)
        os.fsync(number)
        here = f"/proc/self/fd/{number}"
        # Given `src_dir_fd`, Python follows the link that this is, as Linux asks.
        os.link(here, path, src_dir_fd=number, follow_symlinks=True)
    except BaseException:
        os.close(number)
        raise
    return number


def _beside(path: Path, beginning: bytes) -> int:
    """Do the same on a system or a disk where every file has a name."""
    # Numbers of processes come again: a run that was killed may have left its file.
    beside = path.with_name(f".{path.name}.{token_hex(4)}")
    number = os.open(beside, os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)
    try:
        _write(number, beginning)
        os.fsync(number)
        try:
            os.link(beside, path)
        except FileExistsError:
            raise
        except OSError:  # a disk without links
            if path.exists():
                raise FileExistsError from None
            beside.rename(path)
    except BaseException:
        os.close(number)
        raise
    finally:
        beside.unlink(missing_ok=True)
    return number


def _write(number: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(number, left) :]


_FLAGS = os.O_WRONLY | os.O_APPEND
_FLAGS |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

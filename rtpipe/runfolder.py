"""Where a run keeps what other processes attach to: its rings, its socket, its file.

The folder is ``<memory folder>/rtpipe-<user>/<run>/``, its owner's alone. ``run.json``
in it tells the streams with the paths of their rings, the models, and the socket.
``lock`` is locked as long as the run lives, so that what a killed run left is known.
"""

import errno
import getpass
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rtpipe.clock import wall_offset
from rtpipe.ring import no_room, shared_folder
from rtpipe.sink import Run
from rtpipe.sinks.socket import hello_json

try:
    import fcntl
except ImportError:  # Windows: leftovers are not known as such, and stay
    fcntl = None  # type: ignore[assignment]

FILE, LOCK, SOCKET = "run.json", "lock", "socket"


class RunFolder:
    """The folder of one run, made at once and removed by `close`.

    Attributes
    ----------
    path : Path
    name : str
        Of the run: ``run-<process>``, with a number where a process has several.
    """

    def __init__(self) -> None:
        home = folder_of_runs()
        home.mkdir(mode=0o700, exist_ok=True)
        refuse_foreign(home)
        with _alone(home):
            _remove_leftovers(home)
            self.path = _new_folder(home)
            self.name = self.path.name
            self._lock: IO[str] | None = (self.path / LOCK).open("a")
            _lock(self._lock)
        self._streams: dict[str, int] = {}

    def ring(self, stream: str, name: str) -> Path:
        """Return the path for a ring of a stream.

        What is no letter or digit, and what is long, is lost from the stream's name
        there, and to some file systems A is a: the number makes it the stream's own.
        """
        number = self._streams.setdefault(stream, len(self._streams))
        safe = "".join(c if c.isalnum() else "_" for c in stream[:40])
        return self.path / f"{number}-{safe}-{name}.ring"

    @property
    def socket(self) -> Path:
        """Path of the run's socket."""
        return self.path / SOCKET

    def publish(self, run: Run) -> None:
        """Write the run file: what the socket says first, and where the socket is.

        ``unix`` is the wall time of the start, for who looks for runs and has not
        their clock. The file comes whole: who reads it never finds half of one.

        Raises
        ------
        OSError
            If there is no room for it.
        """
        assert self._lock is not None, "publish after close"
        told = hello_json(run) | {
            "unix": run.started + wall_offset(),
            "pid": os.getpid(),
            "socket": str(self.socket),
        }
        beside = self.path / f"{FILE}.new"
        try:
            beside.write_text(json.dumps(told, indent=1), encoding="utf-8")
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise no_room(self.path) from error
            raise
        beside.replace(self.path / FILE)

    def close(self) -> None:
        """Remove the folder and all in it. Safe to call twice."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            self._lock.close()
            self._lock = None


def folder_of_runs() -> Path:
    """Return the folder that holds a folder for every run of this user."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # in a container a user may have a number only
        user = str(os.getuid())
    for each in "/\\":  # of a domain, before the name
        user = user.replace(each, "-")
    return shared_folder() / f"rtpipe-{user}"


def is_alive(folder: Path) -> bool:
    """Tell whether the run of a folder goes on; ask once its run file is there.

    Raises
    ------
    OSError
        If the folder is just being removed.
    """
    with (folder / LOCK).open() as file:
        return fcntl is None or not _lock(file, fcntl.LOCK_SH)


def refuse_foreign(home: Path) -> None:
    """Anyone may make a folder of that name there: trust it only if it is ours.

    Raises
    ------
    PermissionError
        If it is not.
    """
    found = home.lstat()
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    private = os.name == "nt" or not found.st_mode & 0o077
    if not (stat.S_ISDIR(found.st_mode) and mine and private):
        raise PermissionError(f"{home} is not this user's alone: remove it")


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Wait for others who make a folder: not locked yet, it looks like a leftover."""
    if fcntl is None:
        yield
        return
    folder = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _new_folder(home: Path) -> Path:
    n = 0
    while True:
        path = home / (f"run-{os.getpid()}" + (f"-{n}" if n else ""))
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            n += 1
        else:
            return path


def _lock(file: IO[str], how: int | None = None) -> bool:
    """Take a run's lock, alone unless told otherwise; False if its run holds it."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if how is None else how) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_leftovers(home: Path) -> None:
    for path in home.glob("run-*"):
        try:
            with (path / LOCK).open("a") as file:
                dead = _lock(file)
        except OSError:  # just being removed by its run
            continue
        if dead:
            shutil.rmtree(path, ignore_errors=True)

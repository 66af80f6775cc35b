"""Look at a run from another process: its rings, its socket, its end."""

import json
import select
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from rtpipe.clock import now
from rtpipe.errors import ConfigError, RtpipeError
from rtpipe.ring import Ring
from rtpipe.runfolder import FILE, SOCKET, folder_of_runs, is_alive, refuse_foreign
from rtpipe.types import StreamInfo

PATIENCE = 5.0  # seconds a run may take to say hello: it does twenty times a second
_AT_ONCE = 1 << 20  # bytes that are read in one call of `poll`
_INFO = StreamInfo.__dataclass_fields__

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A run that goes on.

    Parameters
    ----------
    folder : Path
    name : str
    started : float
        Unix time, in seconds.
    streams : tuple of str
    """

    folder: Path
    name: str
    started: float
    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rings:
    """What can be seen of a stream's recent past.

    Parameters
    ----------
    info : StreamInfo
    clock : "run" or "recording"
        What its times count on.
    raw : Ring
        As it came, short gaps filled.
    filtered : dict of str to (StreamInfo, Ring)
        What models are given, by the chain of stages before it: the same rate, but
        there may be fewer channels.
    chains : dict of str to str
        Which of these each model is given, by the model's name.
    """

    info: StreamInfo
    clock: Literal["run", "recording"]
    raw: Ring
    filtered: dict[str, tuple[StreamInfo, Ring]]
    chains: dict[str, str]


def runs() -> list[Found]:
    """Return the runs of this user that go on, the oldest first.

    Raises
    ------
    PermissionError
        If the folder of runs is not this user's alone.
    """
    home = folder_of_runs()
    if not home.exists():
        return []
    refuse_foreign(home)
    found = []
    for folder in home.glob("run-*"):
        # A run may end while one looks; what it told is then no longer there.
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads((folder / FILE).read_text(encoding="utf-8"))
            if is_alive(folder):
                names = tuple(str(each["name"]) for each in told["streams"])
                name, unix = str(told["run"]), float(told["unix"])
                found.append(Found(folder, name, unix, names))
    return sorted(found, key=lambda each: each.started)


def chosen(name: str | None) -> Found:
    """Return the run of that name, or the only one.

    Raises
    ------
    ConfigError
        If there is none; or several, which it lists.
    """
    found = runs()
    if not found:
        raise ConfigError("no run goes on here: start one, say rtpipe live")
    named = [each for each in found if name in (None, each.name)]
    if len(named) == 1:
        return named[0]
    told = "".join(
        f"\n  {each.name}  since {datetime.fromtimestamp(each.started):%H:%M:%S}  "
        f"{', '.join(each.streams)}"
        for each in found
    )
    if not named:
        raise ConfigError(f"no run is named {name}; there are:{told}")
    raise ConfigError(f"several runs go on: say which, rtpipe view NAME{told}")


class Attachment:
    """A connection to a run that goes on. Its run never waits for it.

    Parameters
    ----------
    folder : Path
        Of the run.

    Attributes
    ----------
    hello : dict
        What the run says first: see `rtpipe.sinks.socket.hello_json`.
    streams : dict of str to Rings
        They can be read for as long as somebody holds them, also when the run is over.
    ended : None, "over" or "gone"
        None while the run goes on; ``"over"`` when it has said so; ``"gone"`` when it
        vanished, or let go of a reader.
    summary : dict or None
        The counters it ended with, where it is over.

    Raises
    ------
    RtpipeError
        If no run answers there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ended: Literal["over", "gone"] | None = None
        self.summary: Line | None = None
        self._heard = b""
        self._saying = b""  # commands, of which not all bytes are out
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(str(folder / SOCKET))
            self._socket.setblocking(False)
            self.hello, self._early = self._greeting()
            if self.hello.get("type") == "error":
                raise RtpipeError(f"no place in {folder}: {self.hello['message']}")
            self.streams = _attached(self.hello)
        except OSError as error:
            self.close()
            why = error.strerror or error
            raise RtpipeError(f"no run answers in {folder}: {why}") from None
        except (KeyError, TypeError, ValueError, AttributeError):
            self.close()
            raise of_another_version(folder) from None
        except BaseException:
            self.close()
            raise

    def poll(self) -> list[Line]:
        """Return the lines that came since the last call; never waits.

        There may be more: what takes long to read comes with the next call. Where lines
        are missing because nobody called for long, there is a line ``dropped``. One
        that is no JSON object is empty.
        """
        self._say()
        lines, self._early = [*self._early, *self._read()], []
        for line in lines:
            if line.get("type") == "summary":
                self.summary, self.ended = line, "over"
        return lines

    def send(self, command: Mapping[str, Any]) -> None:
        """Ask something of the run, such as ``{"command": "quit"}``; never waits.

        What is wrong with it comes with `poll` as a line ``error``. A run that is over
        hears nothing.
        """
        self._saying += json.dumps(dict(command)).encode() + b"\n"
        self._say()

    def close(self) -> None:
        """Let go of the run. Safe to call twice."""
        self._socket.close()
        self.ended = self.ended or "gone"

    def _greeting(self) -> tuple[Line, list[Line]]:
        """Return the first line, and those that came with it."""
        deadline = now() + PATIENCE
        while (left := deadline - now()) > 0:
            select.select([self._socket], [], [], left)
            if lines := self._read():
                return lines[0], lines[1:]
            if self.ended:
                break
        raise RtpipeError(f"the run in {self.folder} does not answer: is it stopped?")

    def _say(self) -> None:
        while self._saying and self.ended is None:
            try:
                sent = self._socket.send(self._saying)
            except BlockingIOError:
                return
            except OSError:  # `_read` will see that it has gone, after its last lines
                return
            self._saying = self._saying[sent:]

    def _read(self) -> list[Line]:
        parts = [self._heard]
        size = 0
        while self.ended is None and size < _AT_ONCE:
            try:
                part = self._socket.recv(1 << 16)
            except BlockingIOError:
                break
            except OSError:
                part = b""
            if not part:
                self.ended = "gone"
            parts.append(part)
            size += len(part)
        *lines, self._heard = b"".join(parts).split(b"\n")
        return [_object(line) for line in lines]


def _object(line: bytes) -> Line:
    """Return what a line says; nothing where it is no JSON object."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def of_another_version(folder: Path) -> RtpipeError:
    """Return the error of a run that says what this version does not understand."""
    return RtpipeError(
        f"the run in {folder} is of another version of rtpipe: look at it with the "
        "rtpipe that it was started with"
    )


def _attached(hello: Line) -> dict[str, Rings]:
    """Open the rings of every stream."""
    found = {}
    for told in hello["streams"]:
        info, rings = _info(told), told["rings"]
        filtered = {}
        for chain, behind in rings["filtered"].items():
            after = _info(behind)
            ring = Ring.attach(Path(behind["file"]), after.sample_shape)
            filtered[chain] = after, ring
        raw = Ring.attach(Path(rings["raw"]), info.sample_shape)
        found[info.name] = Rings(info, told["clock"], raw, filtered, told["chains"])
    return found


def _info(told: Line) -> StreamInfo:
    """Return the stream that JSON tells of: its lists are our tuples."""
    keys: dict[str, Any] = {
        key: tuple(told[key]) if isinstance(told[key], list) else told[key]
        for key in _INFO
    }
    return StreamInfo(**keys)

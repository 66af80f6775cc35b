"""A local socket: predictions and events out, commands in."""

import json
import os
import select
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rtpipe.clock import now
from rtpipe.errors import RtpipeError
from rtpipe.ring import Ring
from rtpipe.sink import Item, ModelStatus, Run, StreamStatus
from rtpipe.sinks.decided import Decided
from rtpipe.sinks.jsonl import as_json, finite, line, summary_json
from rtpipe.sinks.socketclient import LONGEST, Client
from rtpipe.types import Prediction

_CLIENTS = 16  # more than anybody opens windows; each may hold a backlog
_STATUS = 0.25  # seconds between two lines that tell how things stand
_FAREWELL = 0.2  # seconds the last lines may take, all clients together


def available() -> bool:
    """Return whether this system has local sockets."""
    return hasattr(socket, "AF_UNIX")


class SocketServer:
    """Serves a run's predictions and events to other processes of the same user.

    A client too many is sent an ``error`` and let go. Each other one is sent one JSON
    object a line: ``hello`` (the run, its streams with the files of their rings, its
    models), then what `rtpipe.sinks.jsonl.as_json` makes of each prediction and event,
    four times a second how all of it stands (``status``, see `status_json`), and at the
    end the ``summary``. A client that reads too slowly loses its oldest lines, and is
    told how many, where they are missing, by ``{"type": "dropped", "n": 3}``.

    A client sends one JSON object a line: ``{"command": "marker", "text": "..."}``,
    ``{"command": "record", "file": "..."}``, ``{"command": "stop recording"}`` or
    ``{"command": "quit"}``. What is not understood, or cannot be done, is answered by
    ``{"type": "error", "message": "..."}``.

    Parameters
    ----------
    path : Path
        Where the socket is made, in an existing folder that only its owner may enter.
        Systems allow about 100 bytes.
    backlog : int
        Bytes of lines that may wait for one client.

    Notes
    -----
    Nothing here waits for a client, but for the last lines at the end of the run. When
    the connection closes inside a line, which can happen to a reader that was slow to
    the last, the line has no line end and is to be ignored.
    """

    name = "socket"
    period = 0.05
    samples = False

    def __init__(self, path: Path, backlog: int = 1 << 20) -> None:
        self.path, self.backlog = path, backlog

    def open(self, run: Run) -> None:
        """Make the socket; from now on clients can connect.

        Raises
        ------
        OSError
            If there is a file at the path already, or the path is too long.
        """
        self._run = run
        self._clients: list[Client] = []
        self._told = now()  # when the status was told last
        self._decided: dict[tuple[str, str], Decided] = {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        # Linux makes the file with the mode of the socket, so there is no moment in
        # which others may connect; elsewhere the folder alone keeps them out.
        with suppress(OSError):
            os.fchmod(self._listener.fileno(), 0o600)
        try:
            self._listener.bind(str(self.path))
        except OSError:
            self._listener.close()
            raise
        self.path.chmod(0o600)
        self._listener.listen()

    def take(self, items: Sequence[Item]) -> None:
        """Serve who is there: new clients, their commands, and the items."""
        self._accept()
        for item in items:
            if isinstance(item, Prediction):
                self._remember(item)
        if not self._clients:
            return
        lines = [_line(as_json(item)) for item in items]
        status = self._status()
        for client in self._clients:
            for said in client.hear():
                answer = self._obey(said)
                if answer is not None:
                    client.put(_line({"type": "error", "message": answer}))
            for each in lines:
                client.put(each)
            if status:
                client.tell(status)
            client.send()
            if not client.connected:
                client.close()
        self._clients = [each for each in self._clients if each.connected]

    def _remember(self, prediction: Prediction) -> None:
        """Note what was decided, for who comes later."""
        model, stream = prediction.model, prediction.stream
        if (model, stream) not in self._decided:
            self._decided[model, stream] = Decided(self._run.models[model].hop)
        self._decided[model, stream].add(prediction.label, prediction.end)

    def close(self) -> None:
        """Send how all stands and the summary, let all go, and remove the socket.

        Where `take` failed nothing is sent, for the run is not over.
        """
        try:
            if self.name not in self._run.failed:
                self._say_farewell()
        finally:
            for client in self._clients:
                client.close()
            self._clients = []
            self._listener.close()
            self.path.unlink(missing_ok=True)

    def _say_farewell(self) -> None:
        status = _line(status_json(self._run, now(), self._decided))
        last = _line(summary_json(self._run))
        for client in self._clients:
            client.tell(status)
            client.put(last)
            client.send()
        deadline = now() + _FAREWELL
        while waiting := [each for each in self._clients if each.pending]:
            remaining = deadline - now()
            if remaining <= 0:
                break
            for client in select.select([], waiting, [], remaining)[1]:
                client.send()

    def _status(self) -> bytes:
        """Return the line that tells how things stand, where it is time for one."""
        if now() - self._told < _STATUS:
            return b""
        self._told = now()
        return _line(status_json(self._run, self._told, self._decided))

    def _accept(self) -> None:
        for _ in range(2 * _CLIENTS):  # however many there are, the rest goes on
            try:
                connection, _ = self._listener.accept()
            except OSError:
                # Nobody waits; or there are no descriptors left, and those who are
                # connected are still served.
                return
            if len(self._clients) < _CLIENTS:
                hello = _line(hello_json(self._run))
                self._clients.append(Client(connection, hello, self.backlog))
            else:
                refused = Client(connection, _FULL, self.backlog)
                refused.send()
                refused.close()

    def _obey(self, said: bytes | None) -> str | None:
        """Do what a client asks; return what is wrong with it, if anything."""
        if said is None:
            return f"a command has at most {LONGEST} bytes"
        if not said.strip():
            return None
        try:
            asked = json.loads(said)
        except (ValueError, RecursionError):
            return "a command is one JSON object a line, in UTF-8"
        match asked:
            case {"command": "quit"}:
                self._run.stop()
            case {"command": "marker", "text": str(text)}:
                # JSON can spell half a surrogate pair, which no file can store.
                self._run.mark(text.encode(errors="replace").decode())
            case {"command": "marker"}:
                return 'a marker needs a text: {"command": "marker", "text": "..."}'
            case {"command": "record", "file": str(file)}:
                return self._record(file)
            case {"command": "record"}:
                return 'a recording needs a file: {"command": "record", "file": "..."}'
            case {"command": "stop recording"}:
                self._run.stop_recording()
            case {"command": str(command)}:
                known = "marker, record, stop recording and quit"
                return f"unknown command {command!r:.40}; there are {known}"
            case _:
                return 'a command looks so: {"command": "quit"}'
        return None

    def _record(self, file: str) -> str | None:
        """Begin a recording; return why that cannot be, if it cannot."""
        try:
            self._run.record(file)
        except (RtpipeError, OSError, ValueError) as error:
            return str(error)
        return None


def _line(value: dict[str, Any]) -> bytes:
    return line(value).encode()


_FULL = _line(
    {
        "type": "error",
        "message": f"{_CLIENTS} others look at this run already: close one of them",
    }
)


def hello_json(run: Run) -> dict[str, Any]:
    """Return the object a client is sent first: what there is to see, and where."""
    streams = [_stream(each) for each in run.streams.values()]
    models = [_model(each) for each in run.models.values()]
    hello = {
        "type": "hello",
        "run": run.name,
        "started": run.started,
        "streams": streams,
        "models": models,
        "cue": asdict(run.cue) if run.cue else None,
        "unfit": dict(run.unfit),
    }
    described: dict[str, Any] = finite(hello)
    return described


def status_json(
    run: Run, time: float, decided: Mapping[tuple[str, str], Decided]
) -> dict[str, Any]:
    """Return the object that tells how a run stands.

    ``streams``: of each its counters, ``link`` (state, reason, since), ``quality`` (a
    word a channel), ``truth`` (by task), ``delay`` and ``jitter`` (seconds, or None),
    ``first`` and ``stop`` of the raw ring. ``models``: of each ``windows`` (counters by
    stream), ``latency`` (percentiles in seconds), ``histogram`` (from, to and how many,
    for each bin that is not empty), ``placement`` (by stream, where it is otherwise
    than in training) and ``decided`` (by stream and label, a
    `rtpipe.sinks.decided.Spell` of each label that was ever decided).
    ``recording`` and ``cue``: an object or None.
    ``refused``, ``failed``, ``dropped``, ``unrecorded``: see `rtpipe.sink.Run`.
    """
    told: dict[str, Any] = {
        "type": "status",
        "time": time,
        "streams": {n: _stream_status(each) for n, each in run.streams.items()},
        "models": {
            name: each.summary()
            | {"histogram": each.latency.bars(), "decided": _decided(each, decided)}
            | {"placement": dict(each.placement)}
            for name, each in run.models.items()
        },
        "recording": asdict(run.recording) if run.recording else None,
        "cue": asdict(run.cue) if run.cue else None,
        "refused": run.refused,
        "failed": dict(run.failed),
        "dropped": dict(run.dropped),
        "unrecorded": dict(run.unrecorded),
    }
    status: dict[str, Any] = finite(told)
    return status


def _decided(
    model: ModelStatus, decided: Mapping[tuple[str, str], Decided]
) -> dict[str, Any]:
    """Return what a model has decided so far, by stream and label."""
    known = {name: decided.get((model.name, name)) for name in model.windows}
    return {name: each.labels if each else {} for name, each in known.items()}


def _stream_status(stream: StreamStatus) -> dict[str, Any]:
    return {
        "counters": stream.counters.summary(),
        "link": asdict(stream.link),
        "quality": stream.quality,
        "truth": dict(stream.truth),
        "delay": stream.delays.typical,
        "jitter": stream.delays.jitter,
        "first": stream.raw.first,
        "stop": stream.raw.stop,
    }


def _stream(stream: StreamStatus) -> dict[str, Any]:
    filtered = {
        chain: {"file": _place(ring), **asdict(stream.behind[chain])}
        for chain, ring in stream.filtered.items()
    }
    rings = {"raw": _place(stream.raw), "filtered": filtered}
    told = {"clock": stream.clock, "rings": rings, "chains": stream.chains}
    return asdict(stream.info) | told


def _place(ring: Ring) -> str | None:
    """Return the file another process attaches to; None for a private ring."""
    return None if ring.path is None else str(ring.path)


def _model(model: ModelStatus) -> dict[str, Any]:
    return {
        "name": model.name,
        "task": model.task,
        "labels": model.labels,
        "notes": model.notes,
        "window": model.window,
        "hop": model.hop,
        "decision": model.decision,
        "streams": list(model.windows),
    }

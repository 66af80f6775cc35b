"""The local socket: private, never blocked, never surprised by a client."""

import json
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from math import nan
from pathlib import Path
from typing import Any

import pytest

from rtpipe.counters import StreamCounters, WindowCounters
from rtpipe.latency import Histogram
from rtpipe.ring import Ring
from rtpipe.runtime.lane import Lane
from rtpipe.sink import ModelStatus, Run, StreamStatus
from rtpipe.sinks.jsonl import as_json
from rtpipe.sinks.socket import SocketServer, available
from rtpipe.types import Event, Prediction, StreamInfo

pytestmark = pytest.mark.skipif(not available(), reason="no local sockets here")

Line = dict[str, Any]


class Desk:
    """A run, the server of it, and what was asked of the run."""

    def __init__(self, folder: Path, backlog: int = 1 << 20) -> None:
        info = StreamInfo("arm", 200.0, ("a", "b"), ("emg",) * 2, ("uV",) * 2)
        self.ring = Ring((2,), 100, folder / "arm.ring")
        stream = StreamStatus(info, self.ring, StreamCounters(7), ("?", "?"))
        windows = {"arm": WindowCounters()}
        notes = ("Not a medical device",)
        labels = ("rest", "fist")
        model = ModelStatus("m", "gesture", labels, notes, windows, Histogram(), 0.25)
        self.asked: list[str] = []
        self.run = Run(
            name="bench",
            started=5.0,
            streams={"arm": stream},
            models={"m": model},
            stop=lambda: self.asked.append("stop"),
            mark=lambda text: self.asked.append(f"mark {text}"),
        )
        self.path = folder / "socket"
        self.server = SocketServer(self.path, backlog)
        self.server.open(self.run)

    def connect(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(str(self.path))
        client.setblocking(False)
        return client


@pytest.fixture
def folder() -> Iterator[Path]:
    # pytest's own folders can be too deep for a socket's path.
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    desk = Desk(folder)
    yield desk
    desk.server.close()
    desk.ring.close()


def received(client: socket.socket) -> bytes:
    """Return what has come; a local socket delivers before `send` returns."""
    heard = b""
    try:
        while part := client.recv(1 << 16):
            heard += part
    except BlockingIOError:
        pass
    return heard


def lines(client: socket.socket) -> list[Line]:
    heard = received(client)
    assert heard == b"" or heard.endswith(b"\n")
    return [json.loads(each) for each in heard.splitlines()]


def events(start: int, stop: int) -> list[Event]:
    return [
        Event("arm", 0.0, "marker", k, {"text": "x" * 50}) for k in range(start, stop)
    ]


def test_first_line_says_what_there_is_and_where(desk: Desk) -> None:
    with closing(desk.connect()) as client:
        desk.server.take([])
        (hello,) = lines(client)
    assert (hello["type"], hello["run"]) == ("hello", "bench")
    (stream,) = hello["streams"]
    assert (stream["name"], stream["sfreq"]) == ("arm", 200.0)
    assert stream["ch_names"] == ["a", "b"]
    ring = Ring.attach(Path(stream["rings"]["raw"]), tuple(stream["sample_shape"]))
    assert ring.capacity == desk.ring.capacity
    (model,) = hello["models"]
    assert (model["name"], model["labels"]) == ("m", ["rest", "fist"])
    assert (model["streams"], model["window"]) == (["arm"], 0.25)


def test_every_client_gets_every_item_from_its_first_take_on(desk: Desk) -> None:
    shares = {"rest": nan, "fist": 0.5}
    answer = Prediction("arm", "m", 3, 1.5, None, shares, 0.01, 0.0, None, "unsure")
    with closing(desk.connect()) as early, closing(desk.connect()) as other:
        desk.server.take(events(0, 2))
        with closing(desk.connect()) as late:
            desk.server.take([answer])
            assert lines(late)[1:] == [as_json(answer)]
        expected = [*map(as_json, events(0, 2)), as_json(answer)]
        assert lines(early)[1:] == lines(other)[1:] == expected
    assert as_json(answer)["probabilities"] == {"rest": None, "fist": 0.5}


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
def test_only_the_owner_may_connect_whatever_the_umask(folder: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        server = SocketServer(folder / "s")
        server.open(Run("r", 0.0, {}, {}, lambda: None, print))
    finally:
        os.umask(before)
    mode = (folder / "s").stat().st_mode
    server.close()
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


def test_commands_are_obeyed_however_they_are_cut(desk: Desk) -> None:
    said = b'{"command": "marker", "text": "blink \\u00b5"}\r\n\n{"command": "quit"}\n'
    with closing(desk.connect()) as client:
        for at in range(len(said)):
            client.send(said[at : at + 1])
            desk.server.take([])
        client.send(said)
        desk.server.take([])
        assert len(lines(client)) == 1  # the hello: nothing to complain about
    assert desk.asked == ["mark blink µ", "stop"] * 2


def test_a_marker_can_always_be_stored(desk: Desk) -> None:
    with closing(desk.connect()) as client:
        client.send(b'{"command": "marker", "text": "a\\ud800b"}\n')
        desk.server.take([])
    assert desk.asked == ["mark a?b"]


def test_a_command_counts_even_when_the_client_leaves_at_once(desk: Desk) -> None:
    with closing(desk.connect()) as client:
        client.send(b'{"command": "quit"}\n')
    desk.server.take([])
    desk.server.take([])
    assert desk.asked == ["stop"]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"hello\n", "one JSON object a line"),
        (b"\xff\xfe\n", "one JSON object a line"),
        (b"[" * 60_000 + b"\n", "one JSON object a line"),
        (b"[1]\n", "looks so"),
        (b'"quit"\n', "looks so"),
        (b'{"command": ["quit"]}\n', "looks so"),
        (b'{"text": "a"}\n', "looks so"),
        (b'{"command": "marker"}\n', "needs a text"),
        (b'{"command": "marker", "text": 3}\n', "needs a text"),
        (b'{"command": "dance"}\n', "unknown command 'dance'"),
        (b"x" * 70_000 + b"\n", "at most 65536 bytes"),
        (b"x" * 200_000 + b"\n", "at most 65536 bytes"),
    ],
)
def test_nonsense_is_answered_once_and_harms_nothing(
    desk: Desk, said: bytes, answer: str
) -> None:
    with closing(desk.connect()) as client:
        rest = said + b'{"command": "marker", "text": "still here"}\n'
        answers: list[Line] = []
        while not desk.asked:
            if rest:
                rest = rest[client.send(rest) :]
            desk.server.take([])
            answers += lines(client)
        errors = [each for each in answers if each["type"] == "error"]
    assert len(errors) == 1
    assert answer in errors[0]["message"]
    assert len(errors[0]["message"]) < 200
    assert desk.asked == ["mark still here"]


def test_a_slow_client_loses_whole_lines_and_is_told_where(folder: Path) -> None:
    desk = Desk(folder, backlog=10_000)
    total = 0
    with closing(desk.connect()) as slow, closing(desk.connect()) as quick:
        quick_heard, slow_heard = b"", b""
        for _ in range(3):
            for _ in range(100):
                desk.server.take(events(total, total + 50))
                total += 50
                quick_heard += received(quick)
            for _ in range(100):  # now it reads again, until nothing waits for it
                slow_heard += received(slow)
                desk.server.take([])
        desk.server.close()
        slow_heard += received(slow)
        quick_heard += received(quick)
    desk.ring.close()
    heard = [json.loads(each) for each in quick_heard.splitlines()]
    assert [e["index"] for e in heard if e["type"] == "event"] == [*range(total)]
    expected, holes = 0, 0
    hello, *told, summary = [json.loads(each) for each in slow_heard.splitlines()]
    assert (hello["type"], summary["type"]) == ("hello", "summary")
    for each in told:
        if each["type"] == "dropped":
            expected += each["n"]
            holes += 1
        elif each["type"] == "event":  # beside lines that tell how things stand
            assert each["index"] == expected
            expected += 1
    assert expected == total
    assert holes == 3


def test_a_client_that_vanished_is_forgotten(desk: Desk) -> None:
    with closing(desk.connect()) as stays:
        for _ in range(50):  # more than may be connected at a time
            with closing(desk.connect()):
                desk.server.take(events(0, 1))
            desk.server.take(events(1, 2))
        kinds = [each["type"] for each in lines(stays)]
    assert [k for k in kinds if k != "status"] == ["hello"] + ["event"] * 100


def test_who_comes_when_all_places_are_taken_is_told_so(desk: Desk) -> None:
    clients = [desk.connect() for _ in range(17)]
    desk.server.take([])
    (*served, (told,)) = [lines(each) for each in clients]
    assert [each[0]["type"] for each in served] == ["hello"] * 16
    assert told["type"] == "error"
    assert told["message"].startswith("16 others look at this run already")
    assert clients[-1].recv(1) == b""  # it was let go
    clients[0].close()
    desk.server.take([])
    with closing(desk.connect()) as again:
        desk.server.take([])
        assert lines(again)[0]["type"] == "hello"
    for each in clients:
        each.close()


def test_the_summary_is_the_last_line_and_the_socket_is_removed(desk: Desk) -> None:
    with closing(desk.connect()) as client, closing(desk.connect()) as deaf:
        for start in range(0, 30_000, 100):  # nobody reads: the end must come anyway
            desk.server.take(events(start, start + 100))
            received(client)
        desk.server.close()
        client.setblocking(True)
        last = b""
        while part := client.recv(1 << 16):
            last = part
        assert json.loads(last.splitlines()[-1])["streams"]["arm"]["received"] == 7
        deaf.close()
    assert not desk.path.exists()


def test_who_comes_late_is_told_what_was_decided_before(desk: Desk) -> None:
    shares = {"rest": 0.5, "fist": 0.5}
    come = ["rest", "fist", None, "fist", "rest", "fist", "fist"]
    for k, label in enumerate(come):
        answer = Prediction("arm", "m", k, k / 10, label, shares, 0.01, 0.0, None, None)
        desk.server.take([answer])
    with closing(desk.connect()) as client:
        desk.server.take([])
        desk.server.close()
        _, *status, _ = lines(client)
    assert status[-1]["models"]["m"]["decided"] == {
        "arm": {
            "rest": {"begin": 0.4, "end": 0.4, "times": 2},
            "fist": {"begin": 0.5, "end": 0.6, "times": 2},
        }
    }


def test_where_it_failed_nobody_is_told_that_the_run_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> Line:
        raise ValueError("no line")

    told: list[str] = []
    with closing(desk.connect()) as client:
        desk.server.take([])
        monkeypatch.setattr("rtpipe.sinks.socket.as_json", fail)
        lane = Lane(desk.server, desk.run, False, lambda *said: told.extend(said[:1]))
        lane.start()
        lane.put(events(0, 1))
        lane.close()
        client.settimeout(60)
        heard = b""
        while part := client.recv(1 << 16):
            heard += part
    kinds = {json.loads(each)["type"] for each in heard.splitlines()}
    assert kinds - {"status"} == {"hello"}
    assert told == ["socket"]
    assert not desk.path.exists()


def test_open_refuses_a_path_that_is_taken_or_too_long(folder: Path) -> None:
    run = Run("r", 0.0, {}, {}, lambda: None, print)
    (folder / "taken").touch()
    with pytest.raises(OSError, match="in use"):
        SocketServer(folder / "taken").open(run)
    with pytest.raises(OSError, match="too long"):
        SocketServer(folder / ("x" * 200)).open(run)
    assert (folder / "taken").is_file()

"""The run's socket and memory are its owner's, and no client of it stops the run."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpipe import runfolder
from rtpipe.runfolder import RunFolder
from rtpipe.sink import Run
from rtpipe.sinks.socket import SocketServer, available
from rtpipe.types import Event

pytestmark = pytest.mark.skipif(not available(), reason="no local sockets here")

STRANGER = 65534  # nobody's number
# What another person of this computer tries, at a run's folder.
REACH = """
import os, socket, sys
from pathlib import Path
folder, other = Path(sys.argv[1]), int(sys.argv[2])
os.setgroups([])
os.setgid(other)
os.setuid(other)
def connected():
    socket.socket(socket.AF_UNIX).connect(str(folder / "socket"))
for attempt in (
    connected,
    lambda: list(folder.iterdir()),
    lambda: list(folder.parent.iterdir()),
    lambda: (folder / "run.json").read_text(),
    lambda: (folder / "lock").open("a"),
    lambda: (folder / "x").touch(),
    lambda: folder.rename(folder.with_name("y")),
):
    try:
        attempt()
        print("reached")
    except PermissionError:
        print("refused")
"""


class Server:
    """A run's socket, and what was asked of the run."""

    def __init__(self, path: Path) -> None:
        self.asked: list[str] = []
        self.path = path
        self.server = SocketServer(path, backlog=100_000)
        stop = self.asked.append
        self.server.open(Run("r", 0.0, {}, {}, lambda: stop("stop"), stop))

    def connect(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        try:
            client.connect(str(self.path))
        except BlockingIOError:  # so many wait already
            client.close()
            raise
        return client


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)  # as /dev/shm: others may enter
        monkeypatch.setattr(runfolder, "shared_folder", lambda: Path(name))
        yield Path(name)


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    made = Server(home / "socket")
    yield made
    made.server.close()


# Who may reach it ---------------------------------------------------------------------


@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be another"
)
def test_another_person_reaches_nothing(home: Path) -> None:
    folder = RunFolder()
    made = Server(folder.socket)
    folder.publish(Run("r", 0.0, {}, {}, lambda: None, print))
    done = subprocess.run(
        [sys.executable, "-c", REACH, str(folder.path), str(STRANGER)],
        capture_output=True,
        text=True,
    )
    made.server.close()
    folder.close()
    assert (done.stdout.split(), done.stderr) == (["refused"] * 7, "")


@pytest.mark.parametrize("what", ["link", "file", "open to all"])
def test_a_folder_that_somebody_else_prepared(what: str, home: Path) -> None:
    """Links are not followed: what they lead to is neither used nor removed."""
    place, theirs = runfolder.folder_of_runs(), home / "theirs"
    theirs.mkdir(mode=0o700)
    (theirs / "run-1").mkdir()
    (theirs / "run-1" / "lock").touch()
    if what == "link":
        place.symlink_to(theirs)
    elif what == "file":
        place.touch(mode=0o600)
    else:
        place.mkdir()
        place.chmod(0o777)
    with pytest.raises((PermissionError, FileExistsError)):
        RunFolder()
    assert [each.name for each in theirs.iterdir()] == ["run-1"]


def test_links_within_the_folder_are_not_followed(home: Path) -> None:
    kept = home / "kept"
    kept.mkdir()
    (kept / "lock").touch()
    place = runfolder.folder_of_runs()
    place.mkdir(mode=0o700)
    (place / "run-9").symlink_to(kept)
    RunFolder().close()
    assert (kept / "lock").exists()


# What a client may send ---------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
LINES = st.one_of(
    st.binary(max_size=300),
    JSON.map(json.dumps).map(str.encode),
    st.fixed_dictionaries({"command": JSON, "text": JSON})
    .map(json.dumps)
    .map(str.encode),
)
REPEATED = st.sampled_from([b"[", b'{"a":', b"9", b"\0", b'{"command":'])
FEW = settings(max_examples=150, derandomize=True, database=None, deadline=None)


def test_whatever_is_sent(server: Server) -> None:
    @FEW
    @given(st.lists(LINES, max_size=4), REPEATED, st.integers(0, 80_000))
    def send(lines: list[bytes], piece: bytes, n: int) -> None:
        server.asked.clear()
        with closing(server.connect()) as client:
            last = b'{"command": "marker", "text": "last"}\n'
            said = b"\n".join([*lines, piece * n, last])
            while said:
                with suppress(BlockingIOError):
                    said = said[client.send(said) :]
                server.server.take([])
            for _ in range(20):  # each hears a part of what has come
                server.server.take([])
            assert server.asked[-1] == "last"
        server.server.take([])

    send()


def test_memory_stays_bounded_whatever_clients_do(server: Server) -> None:
    """Thousands connect; some send without end, none reads."""
    event = Event("arm", 0.0, "marker", 1, {"text": "x" * 500})
    clients = []
    tracemalloc.start()
    try:
        for _ in range(200):
            with suppress(BlockingIOError):
                clients.append(server.connect())
            for client in clients:
                with suppress(BlockingIOError, OSError):
                    client.send(b"x" * 100_000)
            server.server.take([event] * 50)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        for client in clients:
            client.close()
    assert len(clients) > 50
    assert peak < 16 * 2**20
    for _ in range(20):  # those who have gone make room
        server.server.take([])
    with closing(server.connect()) as late:
        server.server.take([])
        assert late.recv(1 << 16).startswith(b'{"type": "hello"')


def test_thousands_of_connections_one_after_the_other(server: Server) -> None:
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc").exists() else 0
    for _ in range(2000):
        server.connect().close()
        server.server.take([])
    server.server.take([])
    if before:
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1

"""A person at the keys, in front of the real command: its window is seen over VNC.

Qt itself serves the window; what stands below is as much of a VNC client (RFC 6143) as
presses keys and the mouse. What comes of it is told by the run's socket and its file.
For these seconds whoever reaches this computer could look, and press keys, too, and so
write recordings: Qt asks for no password. So it is done only where RTPIPE_VNC=1 is set.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import PyQt6
import pytest

from rtpipe.attach import Attachment, runs
from rtpipe.inspection import inspected
from rtpipe.recording import Answers, read

PLUGIN = Path(PyQt6.__file__).parent / "Qt6/plugins/platforms/libqvnc.so"
pytestmark = [
    pytest.mark.skipif(
        not PLUGIN.exists(), reason="this Qt cannot show its windows over VNC"
    ),
    pytest.mark.skipif(
        os.environ.get("RTPIPE_VNC") != "1",
        reason="RTPIPE_VNC=1 serves windows to the network, without a password",
    ),
]
PATIENCE = 60.0  # seconds, only for a test that fails
RTPIPE = (sys.executable, "-m", "rtpipe")
KEYS = {"Return": 0xFF0D, "Ctrl": 0xFFE3}  # others are their letters
MARK = 50, 44  # the first button of the bar


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


class Hands:
    """Keys and a mouse.

    Parameters
    ----------
    port : int
        Where Qt serves the window.
    """

    def __init__(self, port: int) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            self._socket = socket.socket()
            try:
                self._socket.connect(("127.0.0.1", port))
                break
            except ConnectionRefusedError:
                self._socket.close()
                assert time.monotonic() < end, "no window is served"
                time.sleep(0.05)
        self._socket.settimeout(PATIENCE)
        assert self._heard(12).startswith(b"RFB ")
        self._socket.sendall(b"RFB 003.003\n")
        assert self._heard(4) == struct.pack(">I", 1), "nobody asks for a password"
        self._socket.sendall(b"\1")  # others may look, too
        self._heard(20)
        self._heard(*struct.unpack(">I", self._heard(4)))

    def press(self, *keys: str) -> None:
        """Press keys at once, the last of them last, and let them go."""
        codes = [KEYS.get(key) or ord(key) for key in keys]
        moves = [(1, code) for code in codes] + [(0, code) for code in reversed(codes)]
        parts = [struct.pack(">BBHI", 4, down, 0, code) for down, code in moves]
        self._socket.sendall(b"".join(parts))  # before the window has gone of it

    def click(self, place: tuple[int, int]) -> None:
        """Press the left button at x, y."""
        for buttons in (0, 1, 0):
            self._socket.sendall(struct.pack(">BBHH", 5, buttons, *place))

    def close(self) -> None:
        """Let go."""
        self._socket.close()

    def _heard(self, n: int) -> bytes:
        heard = b""
        while len(heard) < n:
            part = self._socket.recv(n - len(heard))
            assert part, "the window has gone"
            heard += part
        return heard


class Told:
    """What a run tells of itself."""

    def __init__(self, pid: int) -> None:
        name = f"run-{pid}"
        until(lambda: name in [each.name for each in runs()])
        (found,) = [each for each in runs() if each.name == name]
        self.attachment = Attachment(found.folder)
        self.ring = self.attachment.streams["synthetic:emg"].raw
        self._markers: list[str] = []
        self._recording: dict[str, Any] | None = None

    def recording(self) -> str:
        """Return how the newest recording stands."""
        self._listen()
        return str(self._recording["state"]) if self._recording else "none"

    def markers(self) -> list[str]:
        """Return the texts of those that came."""
        self._listen()
        return self._markers

    def ended(self) -> str | None:
        """Return how it ended, once it has."""
        self._listen()
        return self.attachment.ended

    def _listen(self) -> None:
        for line in self.attachment.poll():
            if line["type"] == "status":
                self._recording = line["recording"]
            elif line.get("kind") == "marker":
                self._markers.append(line["text"])


@contextmanager
def window(folder: Path, *command: str) -> "Iterator[tuple[Any, Hands]]":
    """Start rtpipe with a window, and put hands to it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "QT_QPA_PLATFORM": f"vnc:size=1280x800:port={port}",
        "XDG_CONFIG_HOME": str(folder),  # no layout of a person's is read, or changed
    }
    with subprocess.Popen(
        [*RTPIPE, *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            hands = Hands(port)
            shows(process.pid)
            yield process, hands
        finally:
            process.kill()
    hands.close()


def shows(pid: int) -> None:
    """Wait until the window of a process shows a run: it looks at its memory."""
    children = Path(f"/proc/{pid}/task/{pid}/children")

    def looks(child: str) -> bool:
        try:
            return ".ring" in Path(f"/proc/{child}/maps").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False

    until(lambda: any(looks(each) for each in children.read_text().split()))


def test_a_marker_a_recording_and_the_end_by_keys(tmp_path: Path) -> None:
    live = ("live", "--device", "synthetic:emg", "--model", "demo:gesture")
    with window(tmp_path, *live, "--ui", "qt") as (process, hands):
        told = Told(process.pid)
        until(lambda: told.ring.stop)
        hands.press("r")
        until(lambda: told.recording() == "recording")
        hands.press("m")
        until(lambda: told.markers() == ["marker"])
        hands.press("t")
        for key in ("r", "p", "m", "Return"):  # letters there, no commands
            hands.press(key)
        until(lambda: told.markers() == ["marker", "rpm"])
        hands.click(MARK)
        until(lambda: told.markers() == ["marker", "rpm", "rpm"])
        assert told.recording() == "recording"
        stop = told.ring.stop
        until(lambda: told.ring.stop > stop + 20)
        hands.press("Ctrl", "q")
        out, err = process.communicate(timeout=PATIENCE)
        until(told.ended)
        told.attachment.close()
    assert (process.returncode, err) == (0, "")
    assert "nothing was lost" in out
    (path,) = tmp_path.glob("rtpipe-*-01.xdf")
    assert f"recorded in {path.name}" in out
    assert told.ended() == "over"
    facts = inspected(path, Answers())
    assert facts.whole
    (stream,) = [each for each in facts.streams if each.samples]
    assert (stream.name, stream.lost) == ("synthetic:emg", 0)
    (kept,) = read(path)
    texts = [each.data["text"] for each in kept.events if each.kind == "marker"]
    assert texts == ["marker", "rpm", "rpm"]


def test_the_window_of_a_recording_ends_it_whole(tmp_path: Path) -> None:
    record = ("record", "--device", "synthetic:emg", "day.xdf", "--ui", "qt")
    with window(tmp_path, *record) as (process, hands):
        told = Told(process.pid)
        until(lambda: told.ring.stop > 20)
        hands.press("m")
        until(lambda: "marker" in told.markers())
        hands.press("Ctrl", "q")
        _, err = process.communicate(timeout=PATIENCE)
        told.attachment.close()
    assert (process.returncode, err) == (0, "")
    assert inspected(tmp_path / "day.xdf", Answers()).whole
    (kept,) = read(tmp_path / "day.xdf")
    assert "marker" in [each.data.get("text") for each in kept.events]


def test_a_view_is_closed_by_a_key_and_the_run_goes_on(tmp_path: Path) -> None:
    live = (*RTPIPE, "live", "--device", "synthetic:emg", "--json")
    with subprocess.Popen(live, stdout=subprocess.DEVNULL) as run:
        try:
            told = Told(run.pid)
            with window(tmp_path, "view", f"run-{run.pid}") as (view, hands):
                until(lambda: told.ring.stop)
                hands.press("m")
                until(lambda: "marker" in told.markers())
                hands.press("Ctrl", "q")
                assert view.communicate(timeout=PATIENCE) == ("", "")
            assert view.returncode == 0
            stop = told.ring.stop
            until(lambda: told.ring.stop > stop + 20)
            assert told.recording() == "none"
            assert run.poll() is None
            told.attachment.close()
        finally:
            run.send_signal(signal.SIGTERM)

"""Keys in a real terminal, and that the terminal is given back as it was."""

import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rtpipe.counters import StreamCounters, WindowCounters
from rtpipe.latency import Histogram
from rtpipe.ring import Ring
from rtpipe.runtime.lane import QUEUE, Lane
from rtpipe.sink import Item, ModelStatus, Run, StreamStatus
from rtpipe.sinks.collect import Collect
from rtpipe.terminal.keys import Keys, available, suspend
from rtpipe.terminal.view import TerminalView
from rtpipe.types import Event, Prediction, StreamInfo

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
PATIENCE = 120.0  # seconds, only for a test that fails

# What rtpipe live does, less the models, which take long to load.
RUN = """
import signal, sys
from rtpipe.console import Output
from rtpipe.runtime.runtime import Runtime
from rtpipe.terminal.view import TerminalView
from rtpipe.devices.synthetic import SyntheticDevice
signal.signal(signal.SIGTERM, signal.default_int_handler)
runtime = Runtime([SyntheticDevice("emg")], [], [TerminalView(Output())], shared=False)
try:
    with runtime:
        runtime.wait()
except KeyboardInterrupt:
    sys.exit(130)
"""
# Makes the pseudo-terminal its own, as a login does, and then becomes the program.
LOGIN = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
# A shell with one job: says when it stops, and brings it back when told to.
SHELL = """
import os, signal, subprocess, sys, termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
before = termios.tcgetattr(0)[3]
job = subprocess.Popen([sys.executable, "-c", sys.argv[1]], process_group=0)
os.tcsetpgrp(0, job.pid)
while True:
    _, status = os.waitpid(job.pid, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpgrp())
    same = termios.tcgetattr(0)[3] == before
    if not os.WIFSTOPPED(status):
        break
    print("JOB STOPPED", same, flush=True)
    sys.stdin.readline()
    os.tcsetpgrp(0, job.pid)
    os.killpg(job.pid, signal.SIGCONT)
print("JOB ENDED", same, os.waitstatus_to_exitcode(status), flush=True)
"""


class Person:
    """Sits before a terminal: presses keys, and reads what comes."""

    def __init__(self) -> None:
        import pty

        self.hands, self.inside = pty.openpty()
        self.screen = os.fdopen(os.dup(self.inside), "w")
        self.seen = ""
        self.started: list[subprocess.Popen[bytes]] = []
        self.size(24, 80)
        self.before = self.mode

    def size(self, rows: int, columns: int) -> None:
        import termios

        termios.tcsetwinsize(self.inside, (rows, columns))

    @property
    def mode(self) -> list[Any]:
        import termios

        return termios.tcgetattr(self.inside)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        kept = {k: v for k, v in os.environ.items() if k not in ("LINES", "COLUMNS")}
        process = subprocess.Popen(
            [sys.executable, "-c", LOGIN, *arguments],
            stdin=self.inside,
            stdout=self.inside,
            stderr=self.inside,
            start_new_session=True,
            env={**kept, "TERM": "xterm-256color"},
        )
        self.started.append(process)
        return process

    def press(self, keys: str) -> None:
        os.write(self.hands, keys.encode())

    def read(self) -> str:
        """Return what has come since the last call."""
        came = b""
        while select.select([self.hands], [], [], 0)[0]:
            came += os.read(self.hands, 65536)
        self.seen += (text := came.decode(errors="replace"))
        return text

    def until(self, pattern: str) -> str:
        """Read until something is there, and return what came by then."""
        came, end = "", time.monotonic() + PATIENCE
        while not re.search(pattern, came):
            left = end - time.monotonic()
            assert left > 0, f"{pattern} did not come; this did: {came[-500:]!r}"
            select.select([self.hands], [], [], left)
            came += self.read()
        return came

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        """Read until a process ends, for what nobody reads it waits for ever to write.

        Returns its exit status.
        """
        end = time.monotonic() + PATIENCE
        while process.poll() is None:
            assert time.monotonic() < end, (
                f"it goes on; this came: {self.seen[-500:]!r}"
            )
            select.select([self.hands], [], [], 0.1)
            self.read()
        self.read()
        return process.returncode

    def leave(self) -> None:
        """End what still runs, and its jobs: they lose their terminal."""
        for process in self.started:
            process.kill()
            process.wait()
        self.screen.close()
        os.close(self.hands)
        os.close(self.inside)


@pytest.fixture
def person() -> Iterator[Person]:
    person = Person()
    yield person
    person.leave()


@pytest.fixture
def seat(person: Person, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    """Let this process read its keys from the person's terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    with os.fdopen(os.dup(person.inside)) as file:
        monkeypatch.setattr(sys, "stdin", file)
        yield person


def make_view(person: Person) -> tuple[TerminalView, Run, list[str]]:
    info = StreamInfo("arm", 200.0, ("EMG",), ("emg",), ("uV",))
    status = StreamStatus(info, Ring((1,), 100), StreamCounters(1), ("good",))
    status.link.become("streaming", 0.0)
    windows = {"arm": WindowCounters()}
    model = ModelStatus("m", "t", ("fist", "open"), (), windows, Histogram())
    done: list[str] = []
    run = Run(
        *("bench", 0.0, {"arm": status}, {"m": model}),
        *(lambda: done.append("stop"), done.append),
    )
    console = Console(file=person.screen, force_terminal=True)
    view = TerminalView(console, period=0)
    view.open(run)
    return view, run, done


def answer(label: str) -> Prediction:
    shares = {"fist": 0.1, "open": 0.1, label: 0.9}
    return Prediction("arm", "m", 9, 1.0, label, shares, 0.01, 0.0, "fist")


def test_a_key_comes_at_once_and_is_not_printed(seat: Person) -> None:
    keys = Keys()
    assert keys.pressed() == ""
    keys.open()
    assert keys.taken
    seat.press("mq")
    assert keys.pressed() == "mq"
    assert keys.pressed() == ""
    assert seat.read() == "", "no echo"
    keys.close()
    keys.close()
    assert seat.mode == seat.before
    assert keys.pressed() == ""


def test_a_terminal_that_has_gone_presses_nothing(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pty

    hands, inside = pty.openpty()
    with os.fdopen(inside) as file:
        monkeypatch.setattr(sys, "stdin", file)
        keys = Keys()
        keys.open()
        os.close(hands)
        assert keys.pressed() == ""
        keys.close()
        keys.open()
        keys.close()


def test_keys_need_a_person_at_both_ends(
    seat: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert available(seat.screen)
    with (tmp_path / "log").open("w+") as file:
        assert not available(file)
        monkeypatch.setattr(sys, "stdin", file)
        assert not available(seat.screen)
    assert not available(seat.screen), "a closed input"
    monkeypatch.setattr(sys, "stdin", None)
    assert not available(seat.screen)


def test_quit_and_marker(seat: Person) -> None:
    view, _, done = make_view(seat)
    assert re.search("q.* quit.*m.* marker.*p.* pause", take(view, seat))
    for key in "mMxq":
        seat.press(key)
        view.take([])
    assert done == ["marker 1", "marker 2", "stop"]
    view.close()


def test_help_is_a_line_that_stays_until_it_is_asked_again(seat: Person) -> None:
    view, *_ = make_view(seat)
    assert "or Ctrl-C quits" not in take(view, seat)
    assert "or Ctrl-C quits" in take(view, seat, "h")
    view.console.size = (100, 20)  # all is drawn again
    assert "or Ctrl-C quits" in take(view, seat)
    assert "or Ctrl-C quits" not in take(view, seat, "?")
    view.close()


def test_help_takes_the_lines_it_needs(seat: Person) -> None:
    view, *_ = make_view(seat)
    view.console.size = (120, 24)
    assert re.search("or Ctrl-C quits.*hides this", take(view, seat, "h"))
    view.console.size = (80, 24)
    shown = take(view, seat)
    for what in ("quits", "marks every stream", "holds the picture", "hides this"):
        assert what in shown
    lines = ["".join(each.text for each in line) for line in view.picture.lines]
    *_, first, last = [line for line in lines if line.strip()]
    assert "or Ctrl-C quits" in first
    assert "h hides this" in last
    view.close()


def test_a_pause_holds_the_picture_and_nothing_else(seat: Person) -> None:
    view, *_ = make_view(seat)
    assert "90 %" in take(view, seat, items=[answer("fist")])
    assert "PAUSED 0:00" in take(view, seat, "p")
    view.console.size = (100, 20)  # all is drawn again
    held = take(view, seat, items=[answer("open"), Event("arm", 0.0, "gap", 5)])
    assert "PAUSED" in held
    assert re.search("▸ .*fist", held)
    assert "gap" not in held
    went_on = take(view, seat, "p")
    assert "PAUSED" not in went_on
    assert re.search("▸ .*open", went_on)
    assert "gap" in went_on
    view.close()
    assert re.search("50 % of 2|fist 50 %", seat.read()), "the pause was counted too"


def take(
    view: TerminalView,
    person: Person,
    keys: str = "",
    items: Sequence[Item] = (),
) -> str:
    """Press keys, let the view take items, and return what it wrote."""
    person.press(keys)
    view.take(items)
    return person.read()


def test_a_view_that_fails_gives_the_terminal_back(seat: Person) -> None:
    view, *_ = make_view(seat)
    assert seat.mode != seat.before
    with pytest.raises(KeyError, match="nobody"):
        view.take([Event("arm", 0.0, "none", 1, {"model": "nobody"})])
    assert seat.mode == seat.before
    assert "\x1b[?1049l" in seat.read()


def test_while_another_job_has_the_terminal_no_key_is_taken(
    seat: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys()
    keys.open()
    taken = seat.mode
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: 1)
    seat.press("q")
    assert keys.pressed() == ""
    keys.close()
    assert seat.mode == taken, "which is the other job's by now"
    keys.open()
    assert not keys.taken


def test_the_terminal_is_given_back_while_the_job_is_stopped(
    seat: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, *_ = make_view(seat)
    modes = []
    monkeypatch.setattr(
        "rtpipe.terminal.view.suspend", lambda: modes.append(seat.mode == seat.before)
    )
    screen = take(view, seat, "\x1a")
    assert modes == [True]
    assert seat.mode != seat.before
    assert screen.index("\x1b[?1049l") < screen.rindex("\x1b[?1049h")
    assert "EMG" in screen.rpartition("\x1b[?1049h")[2], "all is drawn again"
    view.close()


def test_a_job_that_goes_on_in_the_background_leaves_the_terminal_alone(
    seat: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-Z, bg, and later fg."""
    view, _, done = make_view(seat)
    with monkeypatch.context() as shell:

        def suspend() -> None:
            shell.setattr(os, "tcgetpgrp", lambda _: 1)

        shell.setattr("rtpipe.terminal.view.suspend", suspend)
        left = take(view, seat, "\x1a")
        assert left.endswith("\x1b[?1049l"), "nothing is drawn"
        assert take(view, seat, items=[answer("open")]) == ""
        assert seat.mode == seat.before
    again = take(view, seat)
    assert "\x1b[?1049h" in again
    assert re.search("▸ .*open", again)
    assert re.search("q.* quit", again)
    assert seat.mode != seat.before
    take(view, seat, "q")
    assert done == ["stop"]
    view.close()
    assert seat.mode == seat.before


def test_a_job_that_began_in_the_background_takes_the_keys_later(
    seat: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as shell:
        shell.setattr(os, "tcgetpgrp", lambda _: 1)
        view, _, done = make_view(seat)
        assert "Ctrl-C stops" in take(view, seat)
        assert seat.mode == seat.before
    assert re.search("q.* quit", take(view, seat))
    take(view, seat, "m")
    assert done == ["marker 1"]
    view.close()
    assert seat.mode == seat.before


def test_a_stop_that_nobody_heeds_is_over_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *to: sent.append(to))
    suspend()
    assert sent == [(0, signal.SIGTSTP)], "the whole job, as the key itself would"


@pytest.mark.parametrize("way", ["q", "\x03", signal.SIGTERM], ids=["q", "^C", "TERM"])
def test_every_end_gives_the_terminal_back(
    person: Person, way: str | signal.Signals
) -> None:
    process = person.start("-c", RUN)
    person.until("quit")
    assert person.mode != person.before
    if isinstance(way, str):
        person.press(way)
    else:
        process.send_signal(way)
    person.until("samples of|lost on the way")  # what is said at the end
    assert person.wait(process) == (0 if way == "q" else 130)
    assert person.mode == person.before
    assert person.seen.rindex("\x1b[?1049l") > person.seen.rindex("\x1b[?1049h")
    assert person.seen.rindex("\x1b[?25h") > person.seen.rindex("\x1b[?25l")


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again(
    person: Person,
) -> None:
    shell = person.start("-c", SHELL, RUN)
    person.until("quit")
    person.press("\x1a")
    stopped = person.until("JOB STOPPED True")
    assert "\x1b[?1049l" in stopped
    person.press("fg\r")
    again = person.until("received.*quit|quit.*received")
    assert "\x1b[?1049h" in again
    person.press("q")
    person.until("JOB ENDED True 0")
    assert person.wait(shell) == 0


def test_a_job_in_the_background_leaves_the_keys_alone(person: Person) -> None:
    in_background = SHELL.replace("os.tcsetpgrp(0, job.pid)\nwhile", "while")
    shell = person.start("-c", in_background, RUN)
    person.until("Ctrl-C stops")
    assert person.mode == person.before
    person.press("\x03")  # goes to the shell, which has the terminal
    assert person.wait(shell) != 0


class Marking(Collect):
    """Puts a marker on the run while its own lane is full, as a key may do."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.marked = threading.Event()
        self.lane = Lane(self, run, True, lambda *_: None)
        self.lane.start()

    def take(self, items: Sequence[Item]) -> None:
        super().take(items)
        if items and not self.marked.is_set():
            self.lane.put([Event("s", 0.0, "gap", at) for at in range(QUEUE)])
            self.lane.put([Event("s", 0.0, "marker", 1)])
            self.marked.set()


def test_a_marker_does_not_wait_for_the_view_that_put_it() -> None:
    sink = Marking(Run("run", 0.0, {}, {}, lambda: None, lambda _: None))
    sink.lane.put([Event("s", 0.0, "gap", 0)])
    assert sink.marked.wait(PATIENCE)
    sink.lane.close()
    assert sink.events[-1].kind == "marker"

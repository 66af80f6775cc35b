"""What means an end: at once and silent before a run, in order during one."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# A signal that comes just before a sleep does not end it: so they sleep shortly.
BEFORE = """
import time
from rtpipe.interrupt import end_at_once
end_at_once()
print("ready", flush=True)
for _ in range(6000):
    time.sleep(0.01)
"""
DURING = """
import time, weakref
from rtpipe.interrupt import end_at_once, interruptible

class Thing:
    pass

def vanish(_):
    print("ready", flush=True)
    for _ in range(6000):
        time.sleep(0.01)

end_at_once()
try:
    with interruptible():
        thing = Thing()
        watched = weakref.ref(thing, vanish) if {callback} else None
        if watched is None:
            print("ready", flush=True)
        del thing  # what is raised in a callback of a reference vanishes
        for _ in range(6000):
            time.sleep(0.01)
except KeyboardInterrupt:
    print("in order")
"""
CAUGHT = """
import time
from rtpipe.interrupt import end_at_once, interruptible
end_at_once()
try:
    with interruptible() as again:
        again()
        try:
            print("ready", flush=True)
            for _ in range(6000):
                time.sleep(0.01)
        except:
            pass
        again()
except KeyboardInterrupt:
    print("in order")
"""
THROUGH_TEXT = """
import sys, time
from rtpipe.interrupt import end_at_once, interruptible, leave
end_at_once()
try:
    with interruptible():
        exec("print('ready', flush=True)\\nfor _ in range(6000): time.sleep(0.01)")
except KeyboardInterrupt:
    print("in order")
    leave(130)
"""
TWICE = """
import signal, time
from rtpipe.interrupt import end_at_once, interruptible
end_at_once()
try:
    with interruptible():
        try:
            print("ready", flush=True)
            for _ in range(6000):
                time.sleep(0.01)
        finally:
            signal.raise_signal(signal.{again})
            print("closed", flush=True)
except KeyboardInterrupt:
    print("in order")
"""
IGNORED = """
import signal
from rtpipe.interrupt import end_at_once, interruptible
end_at_once()
signal.raise_signal({number})
with interruptible() as again:
    signal.raise_signal({number})
    again()
signal.raise_signal({number})
print("ready", flush=True)
try:
    with interruptible():
        signal.raise_signal(signal.SIGTERM)
except KeyboardInterrupt:
    print("in order")
"""
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def ended(code: str, number: int) -> tuple[int, str, str]:
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    return process.returncode, out, err


@pytest.mark.parametrize("number", SIGNALS)
def test_before_a_run_the_process_ends_at_once(number: int) -> None:
    assert ended(BEFORE, number) == (130, "", "")


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("callback", [False, True])
def test_during_a_run_all_is_put_in_order(number: int, callback: bool) -> None:
    status, out, err = ended(DURING.format(callback=callback), number)
    assert (status, out, err) == (0, "in order\n", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_what_was_ignored_from_the_start_stays_ignored(number: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IGNORED.format(number=int(number))],
        preexec_fn=lambda: signal.signal(number, signal.SIG_IGN),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ready\nin order\n", "")


def test_an_interrupt_that_a_library_caught_comes_again() -> None:
    assert ended(CAUGHT, signal.SIGTERM) == (0, "in order\n", "")


@pytest.mark.parametrize("again", ["SIGINT", "SIGTERM"])
def test_another_one_while_all_is_closed_changes_nothing(again: str) -> None:
    found = ended(TWICE.format(again=again), signal.SIGINT)
    assert found == (0, "closed\nin order\n", "")


def test_the_status_is_ours_whatever_was_interrupted() -> None:
    assert ended(THROUGH_TEXT, signal.SIGTERM) == (130, "in order\n", "")


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("library", ["pydantic_core", "libtorch_cpu"])
def test_the_command_ends_silently_while_it_loads(
    number: int, library: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "rtpipe", "live", "--device", "synthetic"]
    options = ["--ui", "none", "--record", str(tmp_path / "run.xdf")]
    process = subprocess.Popen(command + options, stderr=subprocess.PIPE, text=True)
    maps = Path(f"/proc/{process.pid}/maps")
    if not maps.exists():
        pytest.skip("what a process has loaded is not told here")
    deadline = time.monotonic() + 60
    while library not in maps.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert not list(tmp_path.iterdir())

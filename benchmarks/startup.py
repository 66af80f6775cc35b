"""What is left of a run that is ended while it starts: nothing, or a whole recording.

``python benchmarks/startup.py [--step 0.05] [--quick]`` starts recorded runs of a real
LSL stream with a demo model and ends each at another moment, from before its first line
to two seconds after its recording began: by Ctrl-C, SIGTERM, closing its terminal,
SIGKILL, or by killing the sender. Afterwards there may be no process, no folder in
memory (after SIGKILL: none once the next run has begun), no file but the recording,
which is absent, or readable and complete up to a second, and no traceback. It ends
with status 1 where something is not as it should be.
"""

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SFREQ = 200.0
NAMES = tuple(f"EMG{k}" for k in range(1, 9))
LOOPBACK = """[multicast]
ResolveScope = machine
AddressesOverride = {127.0.0.1}
[ports]
IPv6 = disable
[log]
level = -3
"""
SIGNALS = {
    "Ctrl-C": signal.SIGINT,
    "SIGTERM": signal.SIGTERM,
    "terminal": signal.SIGHUP,
    "SIGKILL": signal.SIGKILL,
}
PULLED = "pulled"
INTERRUPTED, LOST = 130, 3  # exit status
MISSING = 1.0  # seconds that may be missing at the end of a recording
PATIENCE = 90.0  # seconds that a run may take to end
OWN = 0.3  # seconds in which Python itself may still be starting
ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "rtpipe"]


def send(name: str) -> None:
    """Push samples for ever, stamped with the clock of this machine."""
    import pylsl

    info = pylsl.StreamInfo(name, "EMG", len(NAMES), SFREQ, "float32", f"{name}-id")
    channels = info.desc().append_child("channels")
    for each in NAMES:
        channel = channels.append_child("channel")
        channel.append_child_value("label", each)
        channel.append_child_value("unit", "microvolts")
        channel.append_child_value("type", "EMG")
    outlet = pylsl.StreamOutlet(info)
    print("ready", flush=True)
    rng = np.random.default_rng(0)
    begun, sent = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - begun) * SFREQ)
        if due > sent:
            data = rng.normal(0, 20, (due - sent, len(NAMES))).astype(np.float32)
            outlet.push_chunk(data, begun + (due - 1) / SFREQ)
            sent = due
        time.sleep(0.02)


def sender(name: str) -> "subprocess.Popen[str]":
    """Start a sender, and return when it is there."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--send", name], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@dataclass
class Trial:
    """One run that was ended.

    Parameters
    ----------
    kind : str
        How.
    moment : float
        When, in seconds: see `tried`.
    status : int or None
        None where it did not end.
    took : float
        Seconds from then until it had ended.
    recorded : bool
        Whether there is a recording.
    missing : float
        Seconds of samples that are missing at its end.
    own : bool
        Whether Python itself was interrupted, before the first line of rtpipe's.
    faults : list of str
    """

    kind: str
    moment: float
    status: int | None = None
    took: float = 0.0
    recorded: bool = False
    missing: float = 0.0
    own: bool = False
    faults: list[str] = field(default_factory=list)


def tried(kind: str, moment: float, begins: float, name: str, home: Path) -> Trial:
    """Start a run, end it, and look at what is left.

    Parameters
    ----------
    kind : str
    moment : float
        When it is ended, in seconds after its start; or, beyond `begins`, after its
        recording began.
    begins : float
        When a run usually begins to record.
    name : str
        Of the stream.
    home : Path
        Where files may be put.
    """
    trial = Trial(kind, moment)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        here = Path(folder)
        errors = here / "errors"
        source = sender(name := f"{name}-{moment:g}") if kind == PULLED else None
        options = ["--ui", "terminal" if kind == "terminal" else "none"]
        options += ["--set", "reconnect=0.5", "--record", str(here / "run.xdf")]
        command = [*COMMAND, "live", "--device", f"lsl:{name}", *options]
        master, slave = os.openpty()
        with errors.open("w") as file:
            process = subprocess.Popen(
                [*command, "--model", "demo:gesture"],
                stdin=slave,
                stdout=slave,
                stderr=file,
                start_new_session=True,
                preexec_fn=_own_terminal,
            )
        os.close(slave)
        time.sleep(min(moment, begins))
        if moment > begins:
            _wait(here / "run.xdf")
            time.sleep(moment - begins)
        ended = time.monotonic()
        if source is not None:
            source.kill()
            source.wait()
        elif kind == "terminal":
            os.close(master)
        else:
            process.send_signal(SIGNALS[kind])
        try:
            trial.status = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            trial.faults.append("it does not end")
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        trial.took = time.monotonic() - ended
        if kind != "terminal":
            os.close(master)
        _judge(trial, process.pid, errors.read_text())
        _judge_recording(trial, here, ended)
    return trial


def _wait(path: Path) -> None:
    """Return when a file is there."""
    end = time.monotonic() + PATIENCE
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.01)


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _judge(trial: Trial, pid: int, said: str) -> None:
    """Look at the exit status, what was said, and what is left in memory."""
    from rtpipe.runfolder import RunFolder, folder_of_runs

    faults, kind = trial.faults, trial.kind
    if kind in SIGNALS and kind != "SIGKILL" and trial.status != INTERRUPTED:
        trial.own = trial.moment < OWN and str(ROOT / "rtpipe") not in said
    wanted = -signal.SIGKILL if kind == "SIGKILL" else INTERRUPTED
    if kind == PULLED:
        wanted = LOST
    if trial.status != wanted and not trial.own:
        faults.append(f"exit status {trial.status}, not {wanted}")
    told = said.startswith("rtpipe: ") and "Traceback" not in said
    if said and not trial.own and not (kind in (PULLED, "terminal") and told):
        faults.append(f"it said {said.strip()!r}")
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        pass
    else:
        faults.append("a process is left")
    if kind == "SIGKILL":
        RunFolder().close()  # what the next run does first
    if left := [each.name for each in folder_of_runs().glob(f"run-{pid}*")]:
        faults.append(f"{left} is left in memory")


def _judge_recording(trial: Trial, here: Path, ended: float) -> None:
    """Look at the recording, which may be absent."""
    from rtpipe.recordings.xdfrun import role
    from rtpipe.xdf.read import read

    path = here / "run.xdf"
    others = {each.name for each in here.iterdir()} - {"run.xdf", "errors"}
    if others:
        trial.faults.append(f"{sorted(others)} is left beside the recording")
    if not path.exists():
        return
    trial.recorded = True
    written = path.stat().st_mtime - time.time() + time.monotonic()
    file = read(path)
    signals = [each for each in file.streams if role(each) == "signal"]
    if not signals:
        trial.faults.append("the recording has not all of its headers")
        return
    if trial.kind != "SIGKILL" and not file.whole:
        trial.faults.append(f"the recording is not whole: {file.damage}")
    stamps = signals[0].stamps
    newest = float(stamps[-1]) if len(stamps) else written
    trial.missing = max(0.0, ended - newest)
    if trial.missing > MISSING:
        trial.faults.append(f"{trial.missing:.2f} s are missing at the end")
    if len(stamps) > 1 and np.diff(stamps).max() > 1.5 / SFREQ:
        trial.faults.append("samples are missing in between")


def sweep(
    kinds: Sequence[str], step: float, parts: int | None = None, at_once: int = 2
) -> list[Trial]:
    """Try every way to end a run at every moment.

    Parameters
    ----------
    kinds : sequence of str
    step : float
        Seconds from one moment to the next; ten times as many where the sender is
        killed, for which a run waits long.
    parts : int or None
        How many moments, instead.
    at_once : int
        Runs beside each other.
    """
    name = f"startup-{os.getpid()}"
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "lsl_api.cfg"
        config.write_text(LOOPBACK)
        os.environ["LSLAPICFG"] = str(config)
        source = sender(name)
        try:
            begins = _begins(name, Path(folder))
            last = begins + 2
            jobs = []
            for kind in kinds:
                apart = step * (10 if kind == PULLED else 1)
                n = parts or int(last / apart) + 1
                if parts and kind == PULLED:
                    n = 2
                jobs += [(kind, moment) for moment in np.linspace(0, last, n).tolist()]
            with ThreadPoolExecutor(at_once) as pool:
                found = {
                    (kind, moment): pool.submit(
                        tried, kind, moment, begins, name, Path(folder)
                    )
                    for kind, moment in sorted(jobs, key=lambda job: job[0] != PULLED)
                }  # first those that wait longest
                return [found[job].result() for job in jobs]
        finally:
            source.kill()
            source.wait()


def _begins(name: str, home: Path) -> float:
    """Return the seconds from the start of a run until it has a recording."""
    path = home / "first.xdf"
    begun = time.monotonic()
    command = ["live", "--device", f"lsl:{name}", "--ui", "none", "--record", str(path)]
    process = subprocess.Popen([*COMMAND, *command, "--model", "demo:gesture"])
    _wait(path)
    took = time.monotonic() - begun
    process.send_signal(signal.SIGINT)
    process.wait()
    print(f"a run begins to record {took:.2f} s after it was started")
    return took


def report(trials: Sequence[Trial]) -> list[str]:
    """Print what was found, a line for each way; return the faults."""
    print("ended by   runs  recordings  longest end  most missing  Python's own words")
    for kind in dict.fromkeys(each.kind for each in trials):
        mine = [each for each in trials if each.kind == kind]
        kept = [each for each in mine if each.recorded]
        print(
            f"{kind:9}  {len(mine):4}  {len(kept):10}  "
            f"{max(each.took for each in mine):9.2f} s  "
            f"{max((each.missing for each in kept), default=0):10.2f} s  "
            f"{sum(each.own for each in mine):18}"
        )
    return [
        f"{each.kind} at {each.moment:.2f} s: {fault}"
        for each in trials
        for fault in each.faults
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sweep and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=float, default=0.05, help="seconds")
    parser.add_argument("--kind", action="append", choices=[*SIGNALS, PULLED])
    parser.add_argument("--quick", action="store_true", help="four moments of each")
    parser.add_argument("--send", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.send:
        send(given.send)
    for each in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(each) == signal.SIG_IGN:  # as in a script's background
            signal.signal(each, signal.SIG_DFL)
    parts = 4 if given.quick else None
    at_once = 3 if given.quick else 2  # some wait while others start
    kinds = given.kind or [*SIGNALS, PULLED]
    faults = report(sweep(kinds, given.step, parts, at_once))
    for fault in faults:
        print("FAULT:", fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

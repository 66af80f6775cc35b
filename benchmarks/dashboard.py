"""What the dashboard needs, and what it takes from the run it looks at.

``python benchmarks/dashboard.py [--seconds 20] [--minutes 0] [--quick]`` prints, with
windows of 1280 x 800 that no screen shows (Qt's platform "offscreen"),

- frames a second, the share of a core and the memory of the whole window on 8 channels
  at 200 Hz, 32 at 500 Hz and 64 at 1000 Hz; beside mne-lsl's viewer on LSL streams of
  the same sizes, if that opens here;
- the latency of the gesture demo's decisions in one run, to which a dashboard is
  attached and from which it is taken in turn;
- with --minutes, a run that long of 64 channels at 1000 Hz with the window open: lost
  samples, delay, memory.

It ends with status 1 where samples were lost, or memory or delay grew.
"""

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rtpipe.attach import Attachment
from rtpipe.clock import now
from rtpipe.runfolder import folder_of_runs
from rtpipe.types import Chunk, Float32, StreamInfo

SIZES = ((8, 200.0), (32, 500.0), (64, 1000.0))
CHUNK = 0.02  # seconds
WARM = 5.0  # seconds that do not count: a window opens
GROWTH = 32 << 20  # bytes by which memory may grow from the first quarter to the last
LATER = 0.05  # seconds by which the delay may grow
TURNS = 4  # times a dashboard is attached
WINDOW = (1280, 800)
LOOPBACK = """[multicast]
ResolveScope = machine
AddressesOverride = {127.0.0.1}
[ports]
IPv6 = disable
[log]
level = -3
"""
Line = dict[str, Any]


class Waves:
    """A paced device: waves and noise, ten seconds of them over and over."""

    def __init__(self, n_channels: int, sfreq: float) -> None:
        self.n_channels, self.sfreq, self.paced = n_channels, sfreq, True
        self.clock: Literal["run", "recording"] = "run"

    def open(self) -> Sequence[StreamInfo]:
        """Begin."""
        n = self.n_channels
        self._table = waves(n, self.sfreq)
        self._done, self._begun = 0, now()
        names = tuple(f"C{k + 1}" for k in range(n))
        return [StreamInfo("waves", self.sfreq, names, ("eeg",) * n, ("uV",) * n)]

    def read(self, timeout: float) -> Sequence[Chunk]:
        """Return what is due."""
        time.sleep(min(CHUNK, timeout))
        index = np.arange(self._done, int((now() - self._begun) * self.sfreq))
        if not len(index):
            return []
        self._done += len(index)
        times = self._begun + index / self.sfreq
        data = self._table[index % len(self._table)]
        return [Chunk("waves", int(index[0]), times, data, now())]

    def close(self) -> None:
        """There is nothing to let go of."""


def waves(n_channels: int, sfreq: float) -> Float32:
    """Return ten seconds of signal, shape (n_times, n_channels), in uV."""
    rng = np.random.default_rng(0)
    seconds = np.arange(int(10 * sfreq))[:, None] / sfreq
    slow = np.sin(seconds * np.linspace(6, 60, n_channels))
    noise = rng.standard_normal(slow.shape)
    return (40 * slow + 10 * noise).astype(np.float32)


def serve(n_channels: int, sfreq: float) -> None:
    """Run until somebody quits; print the name of the run first."""
    from rtpipe.runtime.runtime import Runtime

    runtime = Runtime([Waves(n_channels, sfreq)])
    with runtime:
        print(runtime.run.name, flush=True)
        runtime.wait()


def send(n_channels: int, sfreq: float, name: str) -> None:
    """Be an LSL stream, until killed."""
    import pylsl

    info = pylsl.StreamInfo(name, "EEG", n_channels, sfreq, "float32", name)
    channels = info.desc().append_child("channels")
    for k in range(n_channels):
        channel = channels.append_child("channel")
        channel.append_child_value("label", f"C{k + 1}")
        channel.append_child_value("unit", "microvolts")
        channel.append_child_value("type", "EEG")
    outlet, device = pylsl.StreamOutlet(info), Waves(n_channels, sfreq)
    device.open()
    print(name, flush=True)
    while True:
        for chunk in device.read(1.0):
            outlet.push_chunk(np.ascontiguousarray(chunk.data))


# A window to look with.


def watched(widget: Any, seconds: float, look: Callable[[], object]) -> Line:
    """Keep a window going; return how often a widget in it was painted, and the cost.

    Parameters
    ----------
    widget : QWidget
    seconds : float
    look : callable
        What else is to be known at many moments: `looks`.

    Returns
    -------
    dict
        ``frames`` and ``cpu`` a second, ``memory`` in bytes, and ``looks``.
    """
    from PyQt6.QtCore import QEvent, QObject

    class Frames(QObject):
        n = 0

        def eventFilter(  # noqa: N802
            self, watched: QObject | None, event: QEvent | None
        ) -> bool:
            assert event is not None
            self.n += event.type() == QEvent.Type.Paint
            return False

    rest(WARM)
    frames, memory, looks = Frames(), [], []
    widget.installEventFilter(frames)
    begun, used = time.monotonic(), time.process_time()
    while (left := begun + seconds - time.monotonic()) > 0:
        memory.append(resident())
        looks.append(look())
        rest(min(left, max(0.5, seconds / 100)))
    elapsed = time.monotonic() - begun
    cpu = (time.process_time() - used) / elapsed
    widget.removeEventFilter(frames)
    return {
        "frames": frames.n / elapsed,
        "cpu": cpu,
        "memory": memory,
        "looks": looks,
    }


def rest(seconds: float) -> None:
    """Let Qt do what it has to for some time."""
    from PyQt6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()


def resident() -> int:
    """Return the bytes of memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def view(run: str, seconds: float) -> None:
    """Look at a run with the dashboard's window; print what that took, as JSON."""
    from PyQt6.QtCore import QSettings
    from PyQt6.QtWidgets import QApplication

    from rtpipe.dashboard.app import LOWER, Dashboard
    from rtpipe.dashboard.lanes import Lanes

    os.nice(LOWER)
    application = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder) / "settings.ini")
        dashboard = Dashboard(settings=QSettings(place, QSettings.Format.IniFormat))
        window = dashboard.window
        window.resize(*WINDOW)
        dashboard.watch(folder_of_runs() / run)
        dashboard.show()
        while window.run is None:
            rest(0.01)
        stream = next(iter(window.run.streams.values()))
        lanes = window.findChild(Lanes)
        found = watched(lanes, seconds, lambda: stream.status["delay"])
        print(json.dumps(found | {"lost": stream.counters["lost"]}), flush=True)
        dashboard.close()
    del application


def view_mne(name: str, seconds: float) -> None:
    """Look at an LSL stream with mne-lsl's viewer; print what that took, as JSON."""
    os.environ["QT_API"] = "pyqt6"
    from mne_lsl.lsl import StreamInlet, resolve_streams
    from mne_lsl.stream_viewer.control_gui.control_eeg import ControlGUI_EEG
    from mne_lsl.stream_viewer.scope.scope_eeg import ScopeEEG
    from PyQt6.QtCore import QTimer
    from PyQt6.QtWidgets import QApplication, QGraphicsView

    (found,) = resolve_streams(timeout=10, name=name)
    inlet = StreamInlet(found)
    inlet.open_stream()
    time.sleep(0.5)
    scope = ScopeEEG(inlet)
    application = QApplication([])
    controls = ControlGUI_EEG(scope)
    for window in application.topLevelWidgets():
        if window is not controls:
            window.resize(*WINDOW)
    plots = [w for w in application.allWidgets() if isinstance(w, QGraphicsView)]
    plot = max(plots, key=lambda each: each.width())
    print(json.dumps(watched(plot.viewport(), seconds, lambda: None)), flush=True)
    QTimer.singleShot(0, application.quit)
    os._exit(0)  # its own end waits for windows that nobody closes


# What is measured.


@contextmanager
def child(*arguments: object, **kwargs: Any) -> Iterator[subprocess.Popen[str]]:
    """Start this file in a process of its own, and end it."""
    command = [sys.executable, __file__, *map(str, arguments)]
    with subprocess.Popen(command, stdout=-1, text=True, **kwargs) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints; empty where it has ended."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def looked(n_channels: int, sfreq: float, seconds: float) -> Line:
    """Return what the dashboard needs for a stream of that size."""
    with child("serve", n_channels, sfreq) as serving:
        run = line(serving)
        with child("view", run, seconds) as viewing:
            found: Line = json.loads(line(viewing))
        attachment = Attachment(folder_of_runs() / run)
        attachment.send({"command": "quit"})
        serving.wait(30)
        attachment.close()
    return found


def looked_mne(n_channels: int, sfreq: float, seconds: float) -> Line | str:
    """Return the same of mne-lsl's viewer, or why it does not open."""
    name = f"waves-{os.getpid()}-{n_channels}"
    with child("send", n_channels, sfreq, name) as sending:
        line(sending)
        with child("view_mne", name, seconds, stderr=subprocess.PIPE) as viewing:
            heard = line(viewing)
            if heard:
                found: Line = json.loads(heard)
                return found
            assert viewing.stderr is not None
            return viewing.stderr.read().strip().splitlines()[-1]


def latencies(turn: float) -> tuple[list[float], list[float]]:
    """Return the latencies of decisions without and with a dashboard, in seconds.

    One run, to which a window is attached and from which it is taken, TURNS times.
    """
    command = [sys.executable, "-m", "rtpipe", "live", "--device", "synthetic:emg"]
    command += ["--json"]
    found: tuple[list[float], list[float]] = [], []
    with subprocess.Popen(command, stdout=-1) as process:
        listen(process, WARM)
        run = f"run-{process.pid}"
        for _ in range(TURNS):
            found[0].extend(listen(process, turn))
            with child("view", run, 2 * turn + WARM):
                listen(process, WARM)
                found[1].extend(listen(process, turn))
            listen(process, WARM / 2)
        process.terminate()
    return found


def listen(process: subprocess.Popen[bytes], seconds: float) -> list[float]:
    """Return the latencies that a run tells within some time."""
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    until, heard = time.monotonic() + seconds, b""
    while (left := until - time.monotonic()) > 0 or not heard.endswith(b"\n"):
        if select.select([pipe], [], [], max(left, 0.1))[0]:
            part = os.read(pipe, 1 << 16)
            if not part:
                sys.exit("the run has ended")
            heard += part
    told = [json.loads(each) for each in heard.splitlines()]
    return [each["latency"] for each in told if each["type"] == "prediction"]


# What is printed.


def tell(what: str, found: Line) -> None:
    """Print the cost of a window."""
    memory = max(found["memory"]) / (1 << 20)
    print(
        f"{what:<28} {found['frames']:5.1f} frames/s  {100 * found['cpu']:5.1f} % of a "
        f"core  {memory:5.0f} MiB",
        flush=True,
    )


def sizes(seconds: float) -> list[str]:
    """Print what windows cost; return what is not as it should be."""
    faults = []
    for n_channels, sfreq in SIZES:
        size = f"{n_channels} x {sfreq:g} Hz"
        found = looked(n_channels, sfreq, seconds)
        tell(f"{size}, dashboard", found)
        if found["lost"]:
            faults.append(f"{size}: {found['lost']} samples were lost")
        other = looked_mne(n_channels, sfreq, seconds)
        if isinstance(other, str):
            print(f"{size}, mne-lsl's viewer: does not open here: {other}", flush=True)
        else:
            tell(f"{size}, mne-lsl's viewer", other)
    return faults


def answers(turn: float) -> None:
    """Print what a dashboard does to the latency of decisions."""
    without, beside = latencies(turn)
    for percent in (50, 95, 99):
        a, b = np.percentile(without, percent), np.percentile(beside, percent)
        print(
            f"decision latency p{percent}: {1000 * a:.2f} ms without, "
            f"{1000 * b:.2f} ms with a dashboard, ratio {b / a:.2f}"
        )
    print(f"({len(without)} and {len(beside)} decisions)", flush=True)


def endurance(minutes: float) -> list[str]:
    """Print how a long run went; return what is not as it should be."""
    n_channels, sfreq = SIZES[-1]
    found = looked(n_channels, sfreq, 60 * minutes)
    tell(f"{minutes:g} minutes of {n_channels} x {sfreq:g} Hz", found)
    quarter = max(len(found["memory"]) // 4, 1)
    memory, delays = np.array(found["memory"]), np.array(found["looks"])
    growth = np.median(memory[-quarter:]) - np.median(memory[:quarter])
    later = np.median(delays[-quarter:]) - np.median(delays[:quarter])
    print(
        f"lost {found['lost']}; memory grew by {growth / (1 << 20):.1f} MiB and the "
        f"delay by {1000 * later:.2f} ms from the first quarter to the last",
        flush=True,
    )
    faults = []
    if found["lost"]:
        faults.append(f"{found['lost']} samples were lost")
    if growth > GROWTH:
        faults.append(f"memory grew by {growth / (1 << 20):.0f} MiB")
    if later > LATER:
        faults.append(f"the delay grew by {later:.2f} s")
    return faults


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--quick", action="store_true", help="5 seconds of each")
    chosen = parser.parse_args()
    seconds = 5.0 if chosen.quick else chosen.seconds
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "lsl_api.cfg"
        config.write_text(LOOPBACK)
        os.environ |= {"LSLAPICFG": str(config), "QT_QPA_PLATFORM": "offscreen"}
        faults = sizes(seconds)
        answers(seconds)
        if chosen.minutes:
            faults += endurance(chosen.minutes)
    for fault in faults:
        print(f"NOT AS IT SHOULD BE: {fault}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", n, sfreq]:
            serve(int(n), float(sfreq))
        case ["send", n, sfreq, name]:
            send(int(n), float(sfreq), name)
        case ["view", run, seconds]:
            view(run, float(seconds))
        case ["view_mne", name, seconds]:
            view_mne(name, float(seconds))
        case _:
            main()

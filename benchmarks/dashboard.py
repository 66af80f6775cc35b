"""What the dashboard needs, and what it takes from the run it looks at.

``python benchmarks/dashboard.py [PART ...]`` opens windows of 1280 x 800 that no screen
shows (Qt's platform "offscreen": all is painted, nothing is sent to a screen). Parts:

- ``sizes``: frames a second, the share of a core and the memory of the whole window on
  8 channels at 200 Hz, 32 at 500 Hz and 64 at 1000 Hz; beside mne-lsl's viewer on LSL
  streams of the same sizes, if that opens here;
- ``latency``: of the gesture demo's decisions, in one run to which a dashboard is
  attached and from which it is taken in turn;
- ``long``: 20 minutes of 64 channels at 1000 Hz: lost samples, delay, memory;
- ``replay``: 30 minutes of a recording (EEG, 5 channels at 256 Hz) at its own pace
  through the demos of emotion and seizure: memory of the window and of the run.

The first two without a PART. It ends with status 1 where something is not as the
constants below want it; ``--quick`` does a little of each part, and looks for lost
samples alone.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rtpipe.attach import Attachment
from rtpipe.clock import now
from rtpipe.runfolder import folder_of_runs
from rtpipe.types import Chunk, Float32, Float64, StreamInfo

CHUNK = 0.02  # seconds
GROWTH = 8 << 20  # bytes by which memory may grow from the second quarter to the last
LATER = 0.005  # seconds by which the delay may grow meanwhile
RATIO = 1.2  # by which a dashboard may make the slowest decisions slower
WINDOW = (1280, 800)
MUSE = ("TP9", "AF7", "AF8", "TP10", "Right AUX")
LOOPBACK = """[multicast]
ResolveScope = machine
AddressesOverride = {127.0.0.1}
[ports]
IPv6 = disable
[log]
level = -3
"""
LARGEST = (64, 1000.0)
PARTS = ("sizes", "latency", "long", "replay")
Line = dict[str, Any]


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Parameters
    ----------
    sizes : tuple of (int, float)
        Numbers of channels, and rates in Hz.
    seconds : float
        Of each size, and of each turn of the latency.
    turns : int
        How often a dashboard is attached.
    long, replay : float
        Minutes.
    warm : float
        Seconds that do not count: a window opens.
    judged : bool
        Whether memory and times are held against what is wanted.
    """

    sizes: tuple[tuple[int, float], ...] = ((8, 200.0), (32, 500.0), LARGEST)
    seconds: float = 20.0
    turns: int = 4
    long: float = 20.0
    replay: float = 30.0
    warm: float = 5.0
    judged: bool = True


QUICK = Extent(((8, 200.0),), 1.0, 1, 0.05, 0.05, 1.0, judged=False)


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


def watched(
    widget: Any, warm: float, seconds: float, look: Callable[[], object]
) -> Line:
    """Keep a window going; return how often a widget in it was painted, and the cost.

    Parameters
    ----------
    widget : QWidget
    warm, seconds : float
        That do not count, and that do.
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

    rest(warm)
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


def resident(process: str = "self") -> int:
    """Return the bytes of memory that a process holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def view(run: str, warm: float, seconds: float) -> None:
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
        found = watched(lanes, warm, seconds, lambda: stream.status["delay"])
        found["lost"] = stream.counters["lost"]
        found["state"] = window.run.state
        print(json.dumps(found), flush=True)
        dashboard.close()
    del application


def view_mne(name: str, warm: float, seconds: float) -> None:
    """Look at an LSL stream with mne-lsl's viewer; print what that took, as JSON."""
    os.environ["QT_API"] = "pyqt6"
    from mne_lsl.lsl import StreamInlet, resolve_streams
    from mne_lsl.stream_viewer.control_gui.control_eeg import ControlGUI_EEG
    from mne_lsl.stream_viewer.scope.scope_eeg import ScopeEEG
    from PyQt6.QtCore import QTimer
    from PyQt6.QtWidgets import QApplication, QGraphicsView

    (stream,) = resolve_streams(timeout=10, name=name)
    inlet = StreamInlet(stream)
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
    found = watched(plot.viewport(), warm, seconds, lambda: None)
    print(json.dumps(found), flush=True)
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


def looked(n_channels: int, sfreq: float, warm: float, seconds: float) -> Line:
    """Return what the dashboard needs for a stream of that size."""
    with child("serve", n_channels, sfreq) as serving:
        run = line(serving)
        with child("view", run, warm, seconds) as viewing:
            found: Line = json.loads(line(viewing))
        attachment = Attachment(folder_of_runs() / run)
        attachment.send({"command": "quit"})
        serving.wait(30)
        attachment.close()
    return found


def looked_mne(
    n_channels: int, sfreq: float, warm: float, seconds: float
) -> Line | str:
    """Return the same of mne-lsl's viewer, or why it does not open."""
    name = f"waves-{os.getpid()}-{n_channels}"
    with child("send", n_channels, sfreq, name) as sending:
        line(sending)
        with child("view_mne", name, warm, seconds, stderr=-1) as viewing:
            heard = line(viewing)
            if heard:
                found: Line = json.loads(heard)
                return found
            assert viewing.stderr is not None
            return viewing.stderr.read().strip().splitlines()[-1]


def replayed(warm: float, minutes: float, folder: str) -> tuple[Line, list[int]]:
    """Return what a window on a replay needs, and the memory of the run over time."""
    recording = Path(folder) / "recording.csv"
    record(recording, minutes + 1)
    models = ("--model", "demo:emotion", "--model", "demo:seizure")
    run = rtpipe("replay", recording, *models, "--ui", "none")
    memory: list[int] = []
    with child("view", f"run-{run.pid}", warm, 60 * minutes) as viewing:
        assert viewing.stdout is not None
        while not select.select([viewing.stdout], [], [], max(0.5, 0.6 * minutes))[0]:
            memory.append(resident(str(run.pid)))
        found: Line = json.loads(line(viewing))
    run.terminate()
    run.wait(30)
    return found, memory


def record(file: Path, minutes: float) -> None:
    """Write a recording as a Muse's is: seconds, and microvolts of five channels."""
    table = np.tile(waves(len(MUSE), 256.0), (int(6 * minutes) + 1, 1))
    times = 1.6e9 + np.arange(len(table)) / 256
    names = ",".join(("timestamps", *MUSE))
    rows = np.column_stack((times, table))
    np.savetxt(file, rows, "%.6f" + len(MUSE) * ",%.3f", header=names, comments="")


def rtpipe(*arguments: object) -> "subprocess.Popen[bytes]":
    """Start a run, whose words are not ours."""
    command = [sys.executable, "-P", "-m", "rtpipe", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def latencies(warm: float, turn: float, turns: int) -> tuple[list[float], list[float]]:
    """Return the latencies of decisions without and with a dashboard, in seconds.

    One run, to which a window is attached and from which it is taken, some times.
    """
    found: tuple[list[float], list[float]] = [], []
    with rtpipe("live", "--device", "synthetic:emg", "--json") as process:
        listen(process, warm)
        run = f"run-{process.pid}"
        for _ in range(turns):
            found[0].extend(listen(process, turn))
            with child("view", run, warm, 2 * turn):
                listen(process, warm)
                found[1].extend(listen(process, turn))
            listen(process, warm / 2)
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


def sizes(extent: Extent) -> list[str]:
    """Print what windows cost; return what is not as it should be."""
    faults = []
    for n_channels, sfreq in extent.sizes:
        size = f"{n_channels} x {sfreq:g} Hz"
        asked = n_channels, sfreq, extent.warm, extent.seconds
        found = looked(*asked)
        tell(f"{size}, dashboard", found)
        faults += whole(size, found)
        other = looked_mne(*asked)
        if isinstance(other, str):
            print(f"{size}, mne-lsl's viewer: does not open here: {other}", flush=True)
        else:
            tell(f"{size}, mne-lsl's viewer", other)
    return faults


def whole(what: str, found: Line) -> list[str]:
    """Return what was lost while a window was open."""
    faults = [f"{what}: {found['lost']} samples were lost"] if found["lost"] else []
    if found["state"] != "running":
        faults.append(f"{what}: the run is {found['state']}")
    return faults


def latency(extent: Extent) -> list[str]:
    """Print what a dashboard does to the latency of decisions."""
    without, beside = latencies(extent.warm, extent.seconds, extent.turns)
    ratio = np.nan
    for percent in (50, 95, 99):
        a, b = np.percentile(without, percent), np.percentile(beside, percent)
        ratio = b / a
        print(
            f"decision latency p{percent}: {1000 * a:.2f} ms without, "
            f"{1000 * b:.2f} ms with a dashboard, ratio {ratio:.2f}"
        )
    print(f"({len(without)} and {len(beside)} decisions)", flush=True)
    late = extent.judged and ratio > RATIO
    return [f"p99 is {ratio:.2f} times as late"] if late else []


def endurance(extent: Extent) -> list[str]:
    """Print how a long run went; return what is not as it should be."""
    n_channels, sfreq = LARGEST
    what = f"{extent.long:g} minutes of {n_channels} x {sfreq:g} Hz"
    found = looked(n_channels, sfreq, extent.warm, 60 * extent.long)
    tell(what, found)
    print(f"lost {found['lost']}")
    delays = np.array(found["looks"], np.float64)
    grown = grew("the delay", "ms", 1000 * delays, 1000 * LATER)
    grown += grew_in_memory("the window", found["memory"])
    return whole(what, found) + grown * extent.judged


def replay(extent: Extent, folder: str) -> list[str]:
    """Print what a window on a replay needed; return what is not as it should be."""
    found, run = replayed(extent.warm, extent.replay, folder)
    what = f"{extent.replay:g} minutes of a replay"
    tell(what, found)
    grown = grew_in_memory("the window", found["memory"])
    grown += grew_in_memory("the run", run)
    return whole(what, found) + grown * extent.judged


def grew_in_memory(what: str, memory: Sequence[int]) -> list[str]:
    """Print how much memory was used; return whether that grew."""
    mebibytes = np.array(memory, np.float64) / (1 << 20)
    return grew(f"memory of {what}", "MiB", mebibytes, GROWTH / (1 << 20))


def grew(what: str, unit: str, looks: Float64, most: float) -> list[str]:
    """Print the median of each quarter of the time; return whether it grew."""
    medians = [float(np.median(each)) for each in np.array_split(looks, 4)]
    told = ", ".join(f"{each:.2f}" for each in medians)
    print(f"{what}, median of each quarter of the time: {told} {unit}", flush=True)
    growth = medians[3] - medians[1]
    return [f"{what} grew by {growth:.2f} {unit}"] if growth > most else []


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="seconds of each part")
    chosen = parser.parse_args()
    parts = chosen.parts or (PARTS if chosen.quick else PARTS[:2])
    if unknown := {*parts} - {*PARTS}:
        parser.error(f"no such part: {', '.join(unknown)}")
    extent = QUICK if chosen.quick else Extent()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "lsl_api.cfg"
        config.write_text(LOOPBACK)
        os.environ |= {
            "LSLAPICFG": str(config),
            "QT_QPA_PLATFORM": "offscreen",
            "QT_LOGGING_RULES": "default.warning=false",  # what offscreen cannot do
        }
        faults = []
        if "sizes" in parts:
            faults += sizes(extent)
        if "latency" in parts:
            faults += latency(extent)
        if "long" in parts:
            faults += endurance(extent)
        if "replay" in parts:
            faults += replay(extent, folder)
    for fault in faults:
        print(f"NOT AS IT SHOULD BE: {fault}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", n, sfreq]:
            serve(int(n), float(sfreq))
        case ["send", n, sfreq, name]:
            send(int(n), float(sfreq), name)
        case ["view", run, warm, seconds]:
            view(run, float(warm), float(seconds))
        case ["view_mne", name, warm, seconds]:
            view_mne(name, float(warm), float(seconds))
        case _:
            main()

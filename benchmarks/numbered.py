"""LSL streams whose samples hold their own number, and what a recording kept of them.

``python benchmarks/numbered.py NAME`` sends, until it is ended, NAME-fast (8 channels,
1 kHz), NAME-slow (4 channels, 256 Hz) and NAME-markers (a text each 50 ms). Number k of
a stream is due at a moment that anybody can work out: that is its stamp.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

STREAMS = {"fast": (8, 1000.0), "slow": (4, 256.0)}
EVERY = 0.05  # seconds between two markers
SKETCH = 1.0  # seconds that may be missing at the end
COMMAND = "from rtpipe.cli import main; main()"
LOOPBACK = """[multicast]
ResolveScope = machine
AddressesOverride = {127.0.0.1}
[lab]
KnownPeers = {127.0.0.1}
[ports]
IPv6 = disable
[tuning]
MulticastMinRTT = 0.1
UnicastMinRTT = 0.1
[log]
level = -3
"""


def send(name: str) -> None:
    """Push what is due every 20 ms; print the zero of all stamps first."""
    import pylsl

    outlets = {}
    for stream, (n, sfreq) in STREAMS.items():
        info = pylsl.StreamInfo(f"{name}-{stream}", "EMG", n, sfreq, "float32", stream)
        channels = info.desc().append_child("channels")
        for k in range(n):
            channel = channels.append_child("channel")
            channel.append_child_value("label", f"E{k}")
            channel.append_child_value("unit", "microvolts")
            channel.append_child_value("type", "EMG")
        outlets[stream] = pylsl.StreamOutlet(info)
    info = pylsl.StreamInfo(f"{name}-markers", "Markers", 1, 0.0, "string", name)
    markers = pylsl.StreamOutlet(info)
    zero = pylsl.local_clock()
    print(repr(zero), flush=True)
    sent = dict.fromkeys([*STREAMS, "markers"], 0)
    while True:
        now = pylsl.local_clock() - zero
        for stream, (n, sfreq) in STREAMS.items():
            number = np.arange(sent[stream], int(now * sfreq))
            if len(number):
                data = np.repeat(number[:, None], n, axis=1).astype(np.float32)
                outlets[stream].push_chunk(data, (zero + number / sfreq).tolist())
                sent[stream] += len(number)
        while sent["markers"] * EVERY < now:
            text = str(sent["markers"])
            markers.push_sample([text], zero + sent["markers"] * EVERY)
            sent["markers"] += 1
        time.sleep(0.02)


@contextmanager
def sender(folder: Path) -> Iterator[tuple[str, float]]:
    """Keep a sender running; yield its streams' name and the zero of its stamps."""
    path = folder / "lsl_api.cfg"
    path.write_text(LOOPBACK)
    os.environ["LSLAPICFG"] = str(path)
    name = f"numbered-{os.getpid()}"
    command = [sys.executable, __file__, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield name, float(process.stdout.readline())
        finally:
            process.kill()


def record(
    name: str, file: Path, log: Path, lines: bool = False
) -> subprocess.Popen[str]:
    """Start to record all of it; what goes wrong stands in the log.

    With `lines`, the run's JSON lines come from the process.
    """
    arguments = ["record", str(file), *(["--json"] if lines else ["--ui", "none"])]
    for stream in STREAMS:
        arguments += ["--device", f"lsl:{name}-{stream}"]
    arguments += ["--set", f"device.markers={name}-markers"]
    with log.open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments],
            stdout=subprocess.PIPE if lines else None,
            stderr=errors,
            text=True,
        )


@dataclass
class Kept:
    """What a recording has.

    Parameters
    ----------
    faults : list of str
        What is missing, wrong or twice before its end.
    streams : dict of str to int
        Samples of each stream.
    samples, markers : int
    begun, newest : float
        When the file was made, and the stamp of the sample, of the stream that has the
        older one, that is the last: seconds on LSL's clock, which is the run's.
    said : float
        Stamp of the last marker; `begun` where there is none.
    """

    faults: list[str] = field(default_factory=list)
    streams: dict[str, int] = field(default_factory=dict)
    samples: int = 0
    markers: int = 0
    begun: float = 0.0
    newest: float = 0.0
    said: float = 0.0


def kept(file: Path, zero: float) -> Kept:
    """Read a recording with pyxdf and compare it with what was sent.

    Parameters
    ----------
    file : Path
    zero : float
        Of the sender's stamps.
    """
    import pyxdf

    streams, _ = pyxdf.load_xdf(
        file, synchronize_clocks=False, dejitter_timestamps=False
    )
    found = {each["info"]["name"][0]: each for each in streams}
    told = Kept(newest=np.inf)
    for name, stream in found.items():
        kind = name.rpartition("-")[2]
        if kind in STREAMS:
            told.begun = float(stream["info"]["created_at"][0])
            told.streams[name] = len(stream["time_stamps"])
            _compare(told, kind, stream, zero)
    texts = [int(text) for (text,) in found["markers"]["time_series"]]
    told.markers = len(texts)
    # Both devices listen to the markers, the first one since a moment earlier.
    ordered = sorted(texts)
    if texts and ordered != list(range(ordered[0], ordered[0] + len(texts))):
        told.faults.append(f"markers are missing or twice: {_odd(ordered)}")
    stamps = np.asarray(found["markers"]["time_stamps"])
    # Their times are on the run's clock, by LSL's estimate of how the clocks stand.
    if len(stamps) and np.abs(stamps - zero - np.array(texts) * EVERY).max() > EVERY:
        told.faults.append("a marker has another time")
    told.said = float(stamps.max()) if texts else told.begun
    return told


def _compare(told: Kept, kind: str, stream: dict[str, Any], zero: float) -> None:
    n, sfreq = STREAMS[kind]
    values = np.asarray(stream["time_series"]).reshape(-1, n)
    stamps = np.asarray(stream["time_stamps"])
    told.samples += len(values)
    if not len(values):
        told.newest = min(told.newest, told.begun)
        return
    number = values[:, 0].astype(int)
    if not (np.diff(number) == 1).all():
        told.faults.append(f"{kind}: missing or twice: {_odd(number.tolist())}")
    if not (values == number[:, None]).all():
        told.faults.append(f"{kind}: a value is wrong")
    if not np.array_equal(stamps, zero + number / sfreq):
        told.faults.append(f"{kind}: a device time is not the one that was sent")
    if stamps[0] - told.begun > SKETCH:
        told.faults.append(f"{kind}: begins {stamps[0] - told.begun:.2f} s late")
    told.newest = min(told.newest, float(stamps[-1]))


def _odd(numbers: Sequence[int]) -> str:
    """Return the first place where numbers do not go up by one."""
    return next(f"{b} after {a}" for a, b in pairwise(numbers) if b != a + 1)


if __name__ == "__main__":
    send(sys.argv[1])

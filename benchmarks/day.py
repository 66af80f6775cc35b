"""A whole day of signal, as fast as it goes: what a run needs, and what it answers.

``python benchmarks/day.py [--hours 24] [--quick] [--folder DIR]`` runs the three demo
models on synthetic EMG (200 Hz, 8 channels) and EEG (256 Hz, 4 channels) and records
the run. Meanwhile it looks at the memory, the open files and the threads of the
process. Afterwards every answer in the recording is compared with an independent one
(pyxdf reads the file, SciPy filters the whole day at once, ``torch.jit.load`` answers),
and ``rtpipe replay --check`` compares it with its replay. It ends with status 1 where
something is not as it should be.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 1_000_003
MODELS = ("gesture", "emotion", "seizure")
GROWTH = 32 << 20  # bytes by which memory may grow from the first quarter to the last
CHUNK = 5.0  # seconds of signal at once: half a second takes twice as long
AT_ONCE = 4096  # windows the reference answers at once
Array = NDArray[Any]


@dataclass(frozen=True)
class Look:
    """What the process needs at one moment: bytes, open files, threads."""

    time: float
    memory: int
    files: int
    threads: int


def look(begun: float) -> Look:
    """Look at this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    files = len(os.listdir("/proc/self/fd"))
    threads = len(os.listdir("/proc/self/task"))
    memory = pages * resource.getpagesize()
    return Look(time.monotonic() - begun, memory, files, threads)


def record(path: Path, seconds: float, every: float) -> tuple[list[Look], float]:
    """Run and record; return what was seen, and how long it took, in seconds."""
    import torch

    from rtpipe.build import bundles
    from rtpipe.config import ModelTable
    from rtpipe.registry import find
    from rtpipe.runtime.runtime import Runtime

    torch.set_num_threads(1)
    device = find("devices", "synthetic")(
        seed=SEED, paced=False, chunk=CHUNK, duration=seconds
    )
    named = bundles(tuple(ModelTable(path=f"demo:{each}") for each in MODELS), "cpu")
    begun = time.monotonic()
    looks: list[Look] = []
    with Runtime([device], named, record=path, shared=False) as runtime:
        streams = runtime.run.streams.values()
        while any(each.link.reason != "it is over" for each in streams):
            runtime.wait(every)
            looks.append(look(begun))
        runtime.wait()
    return looks, time.monotonic() - begun


def signals(seconds: float, folder: Path) -> dict[str, Path]:
    """Write the signals that the device gives, without a run; return where."""
    from rtpipe.registry import find

    device = find("devices", "synthetic")(
        seed=SEED, paced=False, chunk=60.0, duration=seconds
    )
    infos = device.open()
    paths = {info.name: folder / f"{k}.raw" for k, info in enumerate(infos)}
    files = {name: path.open("wb") for name, path in paths.items()}
    while (chunks := device.read(0.0)) is not None:
        for chunk in chunks:
            files[chunk.stream].write(chunk.data.tobytes())
    for file in files.values():
        file.close()
    return paths


def reference(bundle: Path, raw: Path) -> tuple[Array, Array, Array, list[str]]:
    """Work out a bundle's answers on a signal, without rtpipe.

    Returns
    -------
    index : ndarray of int64, shape (n_windows,)
    probabilities, smooth : ndarray of float64, shape (n_windows, n_labels)
    labels : list of str
    """
    import torch
    from scipy import signal

    with zipfile.ZipFile(bundle) as archive:
        inside = next(n for n in archive.namelist() if n.endswith("extra/card.json"))
        card = json.loads(archive.read(inside))
    x = np.fromfile(raw, np.float32).reshape(-1, len(card["ch_names"]))
    for stage in card["stages"]:
        assert stage["kind"] == "filter", "the demo models have filters only"
        keys: dict[str, Any] = {
            "low": None,
            "high": None,
            "order": 4,
            "notch": 0,
            "quality": 30.0,
        }
        keys |= stage["settings"]
        fs = card["sfreq"]
        sos = [signal.butter(keys["order"], [keys["low"], keys["high"]], "bp", fs=fs,
                             output="sos")]  # fmt: skip
        for k in range(1, keys["notch"] + 1):
            if 50 * k < fs / 2:
                b, a = signal.iirnotch(50 * k, keys["quality"], fs)
                sos.append(np.atleast_2d(np.concatenate((b, a))))
        cascade = np.concatenate(sos)
        for channel in x.T:  # one at a time: a day in float64 takes much memory
            rest = signal.sosfilt_zi(cascade) * channel[0]
            channel[:] = signal.sosfilt(cascade, channel.astype(float), zi=rest)[0]
    n, hop = card["n_times"], card["hop"]
    windows = np.lib.stride_tricks.sliding_window_view(x, n, axis=0)[::hop]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = torch.jit.load(str(bundle)).eval()  # type: ignore[no-untyped-call]
    found = []
    with torch.inference_mode():
        for at in range(0, len(windows), AT_ONCE):
            some = np.ascontiguousarray(windows[at : at + AT_ONCE])
            found.append(model(torch.from_numpy(some)).numpy().astype(np.float64))
    p = np.concatenate(found)
    decision = card["decision"]
    assert (decision["smoothing"], decision["dwell"]) == ("mean", 1)
    sums = np.cumsum(np.concatenate((np.zeros((1, p.shape[1])), p)), axis=0)
    ends = np.arange(1, len(p) + 1)
    begins = np.maximum(0, ends - decision["windows"])
    smooth = (sums[ends] - sums[begins]) / (ends - begins)[:, None]
    return n - 1 + hop * np.arange(len(p)), p, smooth, card["labels"]


def against_reference(path: Path, raw: dict[str, Path]) -> tuple[list[str], list[str]]:
    """Compare a recording's answers with the reference's; return facts and faults."""
    from importlib.resources import files

    import pyxdf

    wanted = [{"type": "Probabilities"}, {"type": "Decisions"}]
    streams, _ = pyxdf.load_xdf(
        str(path), wanted, dejitter_timestamps=False, verbose=False
    )
    by_name = {each["info"]["name"][0]: each for each in streams}
    facts, faults = [], []
    for model in MODELS:
        kind = "emg" if model == "gesture" else "eeg"
        (stream,) = (each for each in raw if each.endswith(kind))
        name = f"demo-{model} {stream}"
        bundle = Path(str(files("rtpipe.models") / f"demo-{model}.pt"))
        index, p, smooth, labels = reference(bundle, raw[stream])
        told = by_name[f"{name} probabilities"]["time_series"]
        if not np.array_equal(told[:, len(labels)], index):
            faults.append(f"{name}: other windows were answered than were due")
            continue
        off = float(np.abs(told[:, : len(labels)] - p).max())
        said = [row[0] for row in by_name[f"{name} decisions"]["time_series"]]
        best = [labels[k] for k in smooth.argmax(axis=1)]
        sure = np.diff(np.sort(smooth, axis=1))[:, -1] > 1e-4
        wrong = sum(a != b for a, b, s in zip(said, best, sure, strict=True) if s)
        facts.append(
            f"{name}: {len(index)} answers, off by {off:.1e} at most from the "
            f"reference, {wrong} labels differ"
        )
        if not off <= 1e-5:
            faults.append(f"{name}: a probability is off by {off:.1e}")
        if wrong:
            faults.append(f"{name}: {wrong} labels differ from the reference's")
    return facts, faults


def against_replay(path: Path) -> tuple[list[str], list[str]]:
    """Run ``rtpipe replay --check``; return facts and faults."""
    begun = time.monotonic()
    command = "import sys; from rtpipe.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command, "replay", str(path), "--check", "--json"],
        capture_output=True,
        text=True,
    )
    took = time.monotonic() - begun
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    if done.returncode not in (0, 1):
        return [], [f"replay --check ended with {done.returncode}: {done.stderr}"]
    told = json.loads(done.stdout)
    facts = [
        f"{each['model']}: {each['compared']} compared with the replay, "
        f"{each['equal_bits']} equal in every bit"
        for each in told["answers"]
    ]
    facts.append(f"replay --check: {took:.0f} s, {most:.2f} GiB at most")
    return facts, [] if done.returncode == 0 else ["the replay parts"]


def growth(looks: Sequence[Look]) -> tuple[list[str], list[str]]:
    """Compare the last quarter with the first; return facts and faults."""
    quarter = max(1, len(looks) // 4)
    first, last = looks[:quarter], looks[-quarter:]
    memory = [max(each.memory for each in some) for some in (first, last)]
    files = [max(each.files for each in some) for some in (first, last)]
    threads = sorted({each.threads for each in looks[:-1]})
    facts = [
        f"{len(looks)} looks: memory {memory[0] / 2**20:.0f} then "
        f"{memory[1] / 2**20:.0f} MiB, open files {files[0]} then {files[1]}, "
        f"threads {threads}"
    ]
    faults = []
    if memory[1] > memory[0] + GROWTH:
        faults.append("memory grows")
    if files[1] > files[0]:
        faults.append("open files grow")
    if len(threads) > 1:
        faults.append("the number of threads changes")
    return facts, faults


def day(hours: float, every: float, folder: Path) -> tuple[list[str], list[str]]:
    """Run, record and compare; return facts and faults.

    Parameters
    ----------
    hours : float
        Of signal.
    every : float
        Seconds of wall time between two looks.
    folder : Path
        For the recording and the signals: 2.5 GB for a day.
    """
    path = folder / "day.xdf"
    looks, took = record(path, hours * 3600, every)
    size = path.stat().st_size
    facts = [
        f"{hours:g} h of signal in {took:.0f} s, {hours * 3600 / took:.0f} times as "
        f"fast as it comes; {size / 1e6:.1f} MB recorded"
    ]
    faults = []
    parts = [growth(looks)]
    parts.append(against_reference(path, signals(hours * 3600, folder)))
    parts.append(against_replay(path))
    for more, wrong in parts:
        facts += more
        faults += wrong
    return facts, faults


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--quick", action="store_true", help="ten minutes of signal")
    parser.add_argument("--folder", type=Path, help="where there is room for 2.5 GB")
    given = parser.parse_args(arguments)
    hours, every = (1 / 6, 0.25) if given.quick else (given.hours, 60.0)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        facts, faults = day(hours, every, Path(folder))
    for fact in facts:
        print(fact)
    for fault in faults:
        print("FAULT:", fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

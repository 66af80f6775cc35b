"""`rtpipe record` and `--record`: from real senders to a file, and how it ends."""

import errno
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pylsl
import pytest
import pyxdf

from rtpipe import cli
from rtpipe.config import check
from rtpipe.errors import RecordingStopped
from rtpipe.runtime.runtime import Runtime
from rtpipe.start import start
from rtpipe.xdf.read import read

Outlet = Callable[..., Any]
COMMAND = "from rtpipe.cli import main; main()"
# A disk that is full at 40 kB, once the rings, which lie in files, have been made.
FULL = """
from resource import RLIMIT_FSIZE, setrlimit
from rtpipe.sinks.recorder import Recorder
opened = Recorder.open
def full(recorder, run):
    opened(recorder, run)
    setrlimit(RLIMIT_FSIZE, (40_000, 40_000))
Recorder.open = full
"""
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        cli.app(list(arguments))
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


def streams(path: Path) -> dict[str, dict[str, Any]]:
    found, _ = pyxdf.load_xdf(path, synchronize_clocks=False, dejitter_timestamps=False)
    return {each["info"]["name"][0]: each for each in found}


@pytest.mark.slow
@pytest.mark.parametrize("end", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_was_sent_is_in_the_file_bit_for_bit(
    tmp_path: Path, outlet: Outlet, lsl_name: str, end: str
) -> None:
    rng = np.random.default_rng(1)
    data = rng.normal(0, 1e4, (1000, 2)).astype(np.float32)
    data[::97] = np.nan
    sent = outlet(source_id=f"{lsl_name} 1", units="microvolts", types="emg")
    path = tmp_path / "a.xdf"
    arguments = ["record", "--device", f"lsl:{lsl_name}", "--json", str(path)]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    # Said when the file is there; the device has been open since a moment before.
    assert json.loads(process.stdout.readline())["state"] == "started"
    assert path.exists()
    now = pylsl.local_clock()
    stamps = now - 5 + np.arange(1000) / 200 + rng.normal(0, 1e-4, 1000)
    for rows in np.split(np.arange(1000), [1, 3, 500]):
        sent.push_chunk(data[rows], stamps[rows].tolist())
    deadline = time.monotonic() + 60
    while len(streams(path)[lsl_name]["time_stamps"]) < 1000:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(getattr(signal, end))
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    found = streams(path)
    arm = found[lsl_name]
    values = np.ascontiguousarray(arm["time_series"])
    assert np.array_equal(values.view(np.int32), data.view(np.int32))
    assert arm["time_stamps"].tolist() == stamps.tolist()
    channels = arm["info"]["desc"][0]["channels"][0]["channel"]
    assert [each["label"][0] for each in channels] == ["A", "B"]
    assert [each["unit"][0] for each in channels] == ["microvolts"] * 2
    for stream in found.values():
        told = stream["footer"]["info"]["sample_count"][0]
        assert int(told) == len(stream["time_stamps"])
    assert [*tmp_path.iterdir()] == [path]


def test_without_models_neither_torch_nor_scipy_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from rtpipe.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code\n"
        "print(*({'torch', 'scipy', 'mne', 'rtpipe.bundle'} & set(sys.modules)))\n"
    )
    options = ["--ui", "none", "--duration", "0.1", str(tmp_path / "a.xdf")]
    arguments = ["record", "--device", "synthetic:emg", *options]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "\n"
    assert (tmp_path / "a.xdf").exists()


def test_what_is_refused_before_anything_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    device = ("--device", "synthetic:emg")
    (tmp_path / "there.xdf").write_bytes(b"mine")
    for arguments, sentence in (
        (("record", *device), "no file is named"),
        (("record", "a.xdf"), "no device is named"),
        (("record", *device, "a.fif"), "rtpipe convert"),
        (("record", *device, "{subject}"), "say --subject NAME"),
        (("record", *device, "there"), "there.xdf is there already"),
        (("live", *device, "--record", "there.xdf"), "there.xdf is there already"),
        (("live", *device, "--record", ""), "record: String should have at least 1"),
    ):
        status, out, err = run(capsys, *arguments)
        assert (status, out) == (2, "")
        assert sentence in err
    assert [each.name for each in tmp_path.iterdir()] == ["there.xdf"]
    assert (tmp_path / "there.xdf").read_bytes() == b"mine"


def test_where_nothing_can_be_made_is_told_before_a_device_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    made = tempfile.TemporaryFile

    def refuse(dir: Path) -> Any:
        if dir == folder:
            raise PermissionError(errno.EACCES, "Permission denied", "tmp123")
        return made(dir=dir)

    monkeypatch.setattr("rtpipe.filename.TemporaryFile", refuse)
    for path in (folder / "a.xdf", folder / "new" / "a.xdf"):
        # It would take a minute to find that there is no such stream.
        status, out, err = run(capsys, "record", "--device", "lsl:none", str(path))
        assert (status, out) == (2, "")
        assert err.startswith(f"rtpipe: {path} cannot be written: Permission denied")
        assert "tmp123" not in err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no such folder")
def test_a_folder_that_takes_no_files(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "record", "--device", "lsl:none", "/proc/x.xdf")
    assert status == 2
    assert err.startswith("rtpipe: /proc/x.xdf cannot be written: ")


@pytest.mark.parametrize("ui", ["terminal", "none"])
def test_a_recording_that_stopped_is_the_status_of_its_run(
    tmp_path: Path, ui: str
) -> None:
    path = tmp_path / "a.xdf"
    options = ["--ui", ui, "--duration", "3", str(path)]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            FULL + COMMAND,
            "record",
            "--device",
            "synthetic",
            *options,
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 4
    assert (
        done.stderr.splitlines()[-1]
        == f"rtpipe: a recording stopped before its run: {path}: File too large"
    )
    assert "play it" in done.stdout or ui == "none"
    assert read(path).streams


def test_one_that_stopped_before_another_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the key r, twice."""
    wait = Runtime.wait

    def people(runtime: Runtime, duration: float | None = None) -> None:
        runtime.stop_recording()
        for name in ("b.xdf", "c.xdf"):
            runtime.record(name)
            Path("b.xdf").unlink(missing_ok=True)
            runtime.stop_recording()
        wait(runtime, 0.1)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Runtime, "wait", people)
    config = check(
        {"device": [{"kind": "synthetic"}], "record": "a.xdf", "ui": "none"}, "test"
    )
    with pytest.raises(RecordingStopped, match=r"run: b\.xdf: .* removed or") as error:
        start(config, optional=False)
    assert error.value.exit_status == 4
    assert "c.xdf" not in str(error.value)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.xdf", "c.xdf"]


def test_a_config_may_say_where_and_its_models_do_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text(
        'record = "new/{subject}_{task}_{run}"\nsubject = "S1"\nduration = 0.3\n'
        '[[device]]\nkind = "synthetic"\nsignal = "emg"\n'
        '[[model]]\npath = "demo:gesture"\n'
    )
    for n in ("01", "02"):
        said = run(capsys, "record", "--config", "run.toml", "--task", "grip")
        assert said[0] == 0
        path = Path("new") / f"S1_grip_{n}.xdf"
        assert f"recorded in {path}" in " ".join(said[1].split())
        assert f"play it: rtpipe replay {path}" in " ".join(said[1].split())
        assert not [name for name in streams(path) if "probabilities" in name]


def test_a_replay_is_recorded_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, again = tmp_path / "first.xdf", tmp_path / "again.xdf"
    device = ("--device", "synthetic:emg", "--set", "device.seed=3")
    fast = ("--set", "device.paced=false", "--json", "--duration", "1")
    assert run(capsys, "live", *device, *fast, "--record", str(first))[0] == 0
    played = ("replay", str(first), "--model", "demo:gesture", "--speed", "max")
    assert run(capsys, *played, "--json", "--record", str(again))[0] == 0
    before, after = streams(first), streams(again)
    (name,) = [name for name in before if name == "synthetic:emg"]
    assert len(before[name]["time_stamps"]) > 0
    assert np.array_equal(before[name]["time_series"], after[name]["time_series"])
    about = after[name]["info"]["desc"][0]["rtpipe"][0]
    assert about["clock"] == ["recording"]
    n_answers = [
        len(each[f"demo-gesture {name} probabilities"]["time_stamps"])
        for each in (before, after)
    ]
    assert n_answers[0] <= n_answers[1]  # the first was ended at some moment


@pytest.mark.slow
def test_killed_by_force() -> None:
    benchmark("record_kill.py")


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(tmp_path)]
    if (
        shutil.which("mount") is None
        or subprocess.run(mount, capture_output=True).returncode
    ):
        pytest.skip("no disk can be mounted here")
    subprocess.run(["umount", str(tmp_path)], check=True)
    benchmark("record_full_disk.py")


def benchmark(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / name), "--quick"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr

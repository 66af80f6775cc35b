"""What comes over LSL is answered as the file it was sent from."""

import json
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rtpipe.bundle import Exported, Standardised, save
from rtpipe.cli import app
from rtpipe.features.covariance import LogCovariance
from rtpipe.recording import read
from rtpipe.recordings.uci import CHANNELS

from .cards import CARRIED, gesture_card

DATA = Path(__file__).parents[2] / "shared" / "data" / "uci_emg_gestures.tar.xz"
REAL = "EMG_data_for_gestures-master/01/1_raw_data_13-12_22.03.16.txt"
N_TIMES, CHUNK, SPEED = 12_000, 20, 8
Line = dict[str, Any]

# As a run on a machine that is never busy: adaptation would show a skipped window.
LIVE = """
import signal, sys
from rtpipe.cli import main
from rtpipe.runtime import runtime
runtime.PATIENCE = 60.0
main()
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that uses all there is: two stages with state, features adapted."""
    torch.manual_seed(0)
    card = gesture_card(adapts=40, stages=CARRIED)
    path = tmp_path_factory.mktemp("bundle") / "gesture.pt"
    parts = (
        LogCovariance(),
        Standardised(nn.Linear(36, 6)),
        torch.zeros(36),
        torch.ones(36),
    )
    save(path, Exported(*parts), card)
    return path


@pytest.fixture(params=["made", "real"])
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The first seconds of a recording in UCI's layout."""
    path = tmp_path / "1.txt"
    header = "\t".join(["time", *(f"channel{k}" for k in range(1, 9)), "class"])
    if request.param == "real":
        if not DATA.exists():
            pytest.skip("the folder of real recordings is missing")
        with tarfile.open(DATA) as archive:
            member = archive.extractfile(REAL)
            assert member
            lines = member.read().decode().splitlines()[1 : N_TIMES + 1]
        path.write_text("\n".join([header, *lines]) + "\n")
        return path
    rng = np.random.default_rng(0)
    scale = rng.uniform(2, 30, (N_TIMES // 1500 + 1, 8)).repeat(1500, 0)[:N_TIMES]
    counts = np.clip(np.rint(rng.standard_normal((N_TIMES, 8)) * scale), -128, 127)
    table = np.column_stack((np.arange(N_TIMES), counts * 1e-5, np.zeros(N_TIMES)))
    np.savetxt(path, table, "%g", "\t", header=header, comments="")
    return path


def send(outlet: Any, data: Any) -> None:
    """Push samples in their order, in chunks, faster than they were recorded."""
    import pylsl

    start = pylsl.local_clock()
    for at in range(0, len(data), CHUNK):
        chunk = np.ascontiguousarray(data[at : at + CHUNK])
        end = (at + len(chunk)) / 1000
        time.sleep(max(0.0, start + end / SPEED - pylsl.local_clock()))
        outlet.push_chunk(chunk, start + end)


def lines_of(path: Path) -> list[Line]:
    whole = path.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines()]


def predictions(lines: list[Line]) -> dict[int, Line]:
    return {each["index"]: each for each in lines if each["type"] == "prediction"}


@pytest.mark.slow
def test_live_over_lsl_is_replay(
    recording: Path,
    bundle: Path,
    outlet: Any,
    lsl_name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (whole,) = read(recording)
    sender = outlet(labels=CHANNELS, units="counts", sfreq=1000.0)
    out = tmp_path / "live.jsonl"
    arguments = ["live", "--device", f"lsl:{lsl_name}", "--model", str(bundle)]
    with out.open("w") as file:
        live = subprocess.Popen(
            [sys.executable, "-c", LIVE, *arguments, "--json"],
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,  # a checkout's own metadata may be older than the install's
        )
    try:
        if not sender.wait_for_consumers(30):
            live.send_signal(signal.SIGINT)
            raise AssertionError(live.communicate(timeout=30)[1])
        send(sender, whole.data)
        last = (N_TIMES - 200) // 50 * 50 + 199
        deadline = time.monotonic() + 60
        while last not in predictions(lines_of(out)) and time.monotonic() < deadline:
            time.sleep(0.05)
        live.send_signal(signal.SIGINT)
        _, said = live.communicate(timeout=60)
    finally:
        live.kill()
        live.wait()
    assert (live.returncode, said) == (130, ""), "and nothing from liblsl"
    found = lines_of(out)

    capsys.readouterr()
    options = ["--speed", "max", "--model", str(bundle), "--json"]
    with pytest.raises(SystemExit) as end:
        app(["replay", str(recording), *options])
    assert end.value.code == 0
    replayed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    wanted, got = predictions(replayed), predictions(found)
    assert got.keys() == wanted.keys()
    for index, line in got.items():
        assert line["label"] == wanted[index]["label"]
        expected = pytest.approx(wanted[index]["probabilities"], abs=1e-6)
        assert line["probabilities"] == expected
    (stream,) = found[-1]["streams"].values()
    assert (stream["received"], stream["lost"]) == (N_TIMES, 0)

"""The command line: exit status, a sentence for each mistake, JSON and nothing else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from rtpipe import cli
from rtpipe.bundle import Exported, Standardised, save
from rtpipe.card import Card, Training
from rtpipe.features.timedomain import LogRms

HEADER = "\t".join(["time", *(f"channel{k}" for k in range(1, 9)), "class"])
ROW = "\t".join(["0"] * 9 + ["1"])
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle for recordings laid out as UCI's."""
    card = Card(
        name="gesture",
        task="gesture",
        labels=("rest", "fist"),
        sfreq=1000,
        ch_names=tuple(f"EMG{k}" for k in range(1, 9)),
        units=("none",) * 8,
        n_times=200,
        hop=50,
        notes=("For tests only",),
        training=Training(recipe="none", protocol="none", seed=0, simulated=True),
    )
    path = tmp_path / "bundle.pt"
    save(
        path,
        Exported(
            LogRms(), Standardised(nn.Linear(8, 2)), torch.zeros(8), torch.ones(8)
        ),
        card,
    )
    return path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recording.txt"
    path.write_text("\n".join([HEADER, *[ROW] * 400]) + "\n")
    return path


def run(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    """Run a command; return its exit status and what it printed."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        cli.app([str(each) for each in arguments])
    printed = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, printed.out, printed.err


def refused(capsys: Capture, *arguments: object) -> str:
    """Assert that a command ends with status 2 and one sentence; return it."""
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("rtpipe: ")
    assert err.count("\n") == 1, err
    return err.removeprefix("rtpipe: ").rstrip()


def test_help_is_light(capsys: Capture) -> None:
    code = (
        "import sys; from rtpipe import cli\n"
        "try: cli.app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'scipy', 'numpy', 'pydantic', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "rtpipe live --device synthetic" in done.stdout


@pytest.mark.parametrize("command", ["live", "replay", "train", "evaluate", "inspect"])
def test_every_command_shows_an_example(command: str, capsys: Capture) -> None:
    status, out, _ = run(capsys, command, "--help")
    assert status == 0
    assert f"  rtpipe {command} " in out


def test_unknown_device(capsys: Capture) -> None:
    said = refused(capsys, "live", "--device", "nosuch")
    assert said == "no device is named 'nosuch'; there are: replay, synthetic"


def test_no_device(capsys: Capture) -> None:
    assert "add --device" in refused(capsys, "live")


def test_unknown_signal(capsys: Capture) -> None:
    assert "device: signal" in refused(capsys, "live", "--device", "synthetic:ecg")


def test_model_that_is_no_bundle(
    tmp_path: Path, recording: Path, capsys: Capture
) -> None:
    path = tmp_path / "model.pt"
    path.write_text("not a model")
    said = refused(capsys, "replay", recording, "--model", path)
    assert said.startswith(f"{path} is no bundle: ")
    said = refused(capsys, "replay", recording, "--model", tmp_path / "none.pt")
    assert said == f"there is no bundle {tmp_path / 'none.pt'}"
    said = refused(capsys, "replay", recording, "--model", tmp_path)
    assert said == f"{tmp_path} is a folder, not a bundle"
    said = refused(capsys, "replay", recording, "--model", "demo:nosuch")
    assert said.startswith("no demo is named 'nosuch'; there are: gesture")


def test_bundle_that_does_not_fit(bundle: Path, capsys: Capture) -> None:
    said = refused(capsys, "live", "--device", "synthetic", "--model", bundle)
    assert "wants 1000 Hz and the stream has 200 Hz" in said  # rate
    assert "wants EMG1 in 'none', which is in 'uV'" in said  # units
    assert "wants the channels EMG1" in said  # channels


def test_config_with_an_unknown_key(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "run.toml"
    path.write_text('colour = "red"\n[[device]]\nkind = "synthetic"\nsped = 2\n')
    said = refused(capsys, "live", "--config", path)
    assert said.startswith(f"{path}: ")
    assert "colour: there is no such key" in said
    assert "sped: there is no such key" in said
    said = refused(capsys, "live", "--device", "synthetic", "--set", "colour=red")
    assert said == "command line: colour: there is no such key"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEADER}\n{ROW.replace('1', 'one')}\n", "line 2, column 10: 'one' is not a"),
        ("", "is empty"),
        ("a,b\n1,2\n", "is laid out in no way known here"),
        (f"{HEADER}\n", "has a header and no samples"),
    ],
    ids=["letters", "empty", "unknown", "header-only"],
)
def test_wrong_recordings(
    text: str, said: str, tmp_path: Path, bundle: Path, capsys: Capture
) -> None:
    path = tmp_path / "wrong.txt"
    path.write_text(text)
    assert said in refused(capsys, "replay", path, "--model", bundle)
    if text.startswith("time"):
        assert said in refused(capsys, "evaluate", bundle, "--data", path)


def test_folder_instead_of_a_file(
    tmp_path: Path, bundle: Path, recording: Path, capsys: Capture
) -> None:
    assert "is a folder" in refused(capsys, "replay", tmp_path, "--model", bundle)
    assert "there is no recording" in refused(capsys, "replay", tmp_path / "no")
    empty = tmp_path / "empty"
    empty.mkdir()
    said = refused(capsys, "evaluate", bundle, "--data", empty)
    assert "holds no recording" in said


def test_train_on_a_folder_of_another_layout(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "notes.txt").write_text("nothing of interest")
    out = tmp_path / "out"
    said = refused(capsys, "train", "gesture", "--data", tmp_path, "--out", out)
    assert str(tmp_path) in said
    assert "needs --data" in refused(capsys, "train", "gesture", "--out", out)
    assert "no recipe is named 'x'" in refused(capsys, "train", "x", "--out", out)


def test_json_is_lines_of_json_and_nothing_else(capsys: Capture) -> None:
    arguments = ["live", "--device", "synthetic:emg", "--json", "--duration", "1.5"]
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    lines: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert {line["type"] for line in lines} == {"prediction", "event", "summary"}
    keys = ["type", "stream", "model", "index", "end", "label", "probabilities"]
    keys += ["latency", "missing", "truth"]
    for line in lines:
        if line["type"] == "prediction":
            assert [key for key in line if key != "reason"] == keys
            assert ("reason" in line) == (line["label"] is None)
            assert sum(line["probabilities"].values()) == pytest.approx(1)
        if line["type"] == "event":
            assert list(line)[:4] == ["type", "stream", "time", "kind"]
    assert [line["type"] for line in lines].index("summary") == len(lines) - 1


def test_replay_shows_a_view_and_an_end(
    recording: Path, bundle: Path, capsys: Capture
) -> None:
    status, out, _ = run(
        capsys, "replay", recording, "--model", bundle, "--speed", "max"
    )
    assert status == 0
    assert "gesture" in out
    assert "\x1b" not in out  # not a terminal: no colour


def test_evaluate_prints_tables_and_marks_what_was_seen(
    recording: Path, bundle: Path, tmp_path: Path, capsys: Capture
) -> None:
    status, out, _ = run(capsys, "evaluate", bundle, "--data", recording)
    assert status == 0
    assert "5 windows" in out
    assert "For tests only" in out


def test_inspect_shows_the_card(bundle: Path, capsys: Capture) -> None:
    status, out, _ = run(capsys, "inspect", bundle)
    assert status == 0
    assert "n_times" in out
    status, out, _ = run(capsys, "inspect", bundle, "--json")
    assert json.loads(out)["n_times"] == 200


@pytest.mark.parametrize("speed", ["0", "-1", "fast"])
def test_wrong_speed(speed: str, recording: Path, capsys: Capture) -> None:
    assert "speed" in refused(capsys, "replay", recording, "--speed", speed)

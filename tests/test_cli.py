"""The command line: exit status, a sentence for each mistake, JSON and nothing else."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import rtpipe
from rtpipe import cli
from rtpipe.bundle import Bundle, Exported, Standardised, save
from rtpipe.features.timedomain import LogRms
from rtpipe.recording import file_hash
from rtpipe.xdf.encode import file_header

from .cards import gesture_card

HEADER = "\t".join(["time", *(f"channel{k}" for k in range(1, 9)), "class"])
ROW = "\t".join(["0"] * 9 + ["1"])
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle for recordings laid out as UCI's."""
    card = gesture_card(labels=("rest", "fist"), notes=("For tests only",))
    path = tmp_path / "bundle.pt"
    save(path, Exported(*parts()), card)
    return path


def parts() -> tuple[nn.Module, nn.Module, torch.Tensor, torch.Tensor]:
    head = Standardised(nn.Linear(8, 2))
    return LogRms(), head, torch.zeros(8), torch.ones(8)


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


@pytest.mark.parametrize(
    "command", ["live", "replay", "devices", "train", "evaluate", "inspect"]
)
def test_every_command_shows_an_example(command: str, capsys: Capture) -> None:
    status, out, _ = run(capsys, command, "--help")
    assert status == 0
    assert f"  rtpipe {command} " in out


def test_unknown_device(capsys: Capture) -> None:
    said = refused(capsys, "live", "--device", "nosuch")
    start, _, there = said.partition("; there are: ")
    assert start == "no device is named 'nosuch'"
    assert {"replay", "synthetic"} <= set(there.split(", ")), "and those of others"


def test_version(capsys: Capture) -> None:
    assert run(capsys, "--version") == (0, f"rtpipe {rtpipe.__version__}\n", "")


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
    path.write_text('colour = "red"\n')
    said = refused(capsys, "live", "--config", path)
    assert said == f"{path}: colour: there is no such key"
    path.write_text("")
    said = refused(capsys, "live", "--config", path)
    assert said == "no device is named: add --device, for example synthetic"


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
    assert not out.exists()
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


def test_evaluate_leaves_out_what_was_trained_on(
    recording: Path, bundle: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "data" / "01").mkdir(parents=True)
    seen = recording.rename(tmp_path / "data" / "01" / "1.txt")
    other = tmp_path / "data" / "02" / "2.txt"
    other.parent.mkdir()
    other.write_text(seen.read_text() + f"{ROW}\n" * 50)
    made = Bundle.load(bundle)
    training = made.card.training.model_copy(
        update={"recordings": {file_hash(seen): "1.txt"}}
    )
    retold = made.card.model_copy(update={"training": training})
    save(bundle, Exported(*parts()), retold)
    status, out, _ = run(capsys, "evaluate", bundle, "--data", seen)
    assert status == 0
    assert out.startswith("No window could be scored.\nRecordings not scored: 1 SEEN ")
    assert f"SEEN in training, left out: {seen}\n" in out

    status, out, _ = run(capsys, "evaluate", bundle, "--data", tmp_path / "data")
    assert f"gesture on {tmp_path / 'data'}: 6 windows\n" in out
    assert f"SEEN in training, left out: {seen}\n" in out
    assert str(other) not in out
    options = ("--json", "--compute", "cpu")
    status, out, _ = run(
        capsys, "evaluate", bundle, "--data", tmp_path / "data", *options
    )
    found = json.loads(out)
    assert (found["n_windows"], found["seen"]) == (6, [str(seen)])
    assert list(found["per_group"]) == ["02"]

    for file, marked in (seen, True), (other, False):
        at = ("--speed", "max")
        status, out, _ = run(capsys, "replay", file, "--model", bundle, *at)
        assert ("SEEN: it was trained on this recording" in out) == marked
        for device in f"faulty:replay:{file}", f"faulty:faulty:replay:file={file}":
            twice = device.startswith("faulty:faulty")
            fast = 'settings={speed="max"}' if twice else 'speed="max"'
            faults = ("--set", f"device.settings={{{fast}}}")
            status, out, err = run(
                capsys, "live", "--device", device, "--model", bundle, *faults
            )
            assert (status, err) == (0, "")
            assert ("SEEN: it was trained on this recording" in out) == marked


def test_evaluate_says_why_recordings_are_not_scored(
    recording: Path,
    bundle: Path,
    tmp_path: Path,
    capsys: Capture,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Rows of class 0 have no label, those of class 3 one that the model lacks."""
    made = {"0": 400, "3": 300, "1": 199}
    data = tmp_path / "data"
    data.mkdir()
    for label, n in made.items():
        rows = [f"{ROW[:-1]}{label}"] * n
        (data / f"{label}.txt").write_text("\n".join([HEADER, *rows]) + "\n")
    told = (
        "Recordings not scored: 2 without a window inside a label of the model, "
        "1 shorter than a window of 0.2 s\n"
    )
    command = ("evaluate", bundle, "--data", data)
    status, out, _ = run(capsys, *command)
    assert status == 0
    assert f"No window could be scored.\n{told}" in out

    recording.rename(data / "good.txt")
    (data / "licence.txt").write_text("yours")
    status, out, _ = run(capsys, *command)
    assert status == 0
    assert f"gesture on {data}: 5 windows\n" in out
    assert told in out
    (line,) = caplog.messages
    assert line.endswith(
        f" 1 file in {data}, laid out in no way known here: licence.txt"
    )
    found = json.loads(run(capsys, *command, "--json")[1])
    assert found["unscored"] == {
        "unlabelled": [str(data / "0.txt"), str(data / "3.txt")],
        "short": [str(data / "1.txt")],
        "unanswered": [],
    }


def test_evaluate_takes_no_unanswered_recording_for_a_short_one(
    recording: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("rtpipe.training.evaluate.replayed", lambda *_: [])
    _, out, _ = run(capsys, "evaluate", bundle, "--data", recording)
    assert "Recordings not scored: 1 without a window that could be answered\n" in out


def test_json_lines_need_somewhere_to_go(
    recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("rtpipe.start.sys", SimpleNamespace(stdout=None))
    assert "standard output is closed" in refused(
        capsys, "replay", recording, "--json", "--speed", "max"
    )


def test_a_torch_device_that_is_not_there(
    recording: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    said = "compute = cuda: torch finds no such device here"
    options = ("--compute", "cuda")
    found = refused(capsys, "evaluate", bundle, "--data", recording, *options)
    assert found == said
    assert refused(capsys, "live", "--device", "synthetic", *options) == said


# What the system does to us -----------------------------------------------------------


def test_a_run_without_a_view(capsys: Capture) -> None:
    arguments = ["live", "--device", "synthetic:emg", "--ui", "none"]
    assert run(capsys, *arguments, "--duration", "0.3") == (0, "", "")


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def interrupted(_: object, optional: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rtpipe.start.start", interrupted)
    assert run(capsys, "live", "--device", "synthetic") == (130, "", "")


def test_a_reader_of_our_output_that_has_gone(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """As in ``rtpipe inspect ... | head -1``."""
    for options in (["--json"], []):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as pipe, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", pipe)
            with pytest.raises(SystemExit) as end:
                cli.app(["inspect", str(bundle), *options])
            pipe.write("what is printed later goes nowhere, and fails no more")
        assert (end.value.code, capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize("options", [["--ui", "terminal"], ["--json"]])
def test_a_run_ends_when_nobody_reads_it(options: list[str]) -> None:
    live = ["live", "--device", "synthetic:emg", "--duration", "600", *options]
    code = "from rtpipe.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *live],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "emg" in process.stdout.readline()
        process.stdout.close()
        try:
            status = process.wait(timeout=60)
        finally:
            process.kill()
        assert (status, process.stderr.read()) == (0, "")


def test_what_cannot_be_read_is_a_sentence_and_no_lesson_in_usage(
    bundle: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read all, so the system's word for that is changed."""
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    there = tmp_path / "a.xdf"
    there.write_text("no recording")
    for arguments in (
        ("replay", there),
        ("convert", there, "--to", "edf", "--out", tmp_path),
        ("live", "--config", there),
        ("train", "gesture", "--data", there, "--out", there),
        ("evaluate", bundle, "--data", there, "--predictions", there),
    ):
        assert str(there) in refused(capsys, *arguments)


def test_what_the_disk_refuses_is_one_sentence(
    recording: Path, bundle: Path, tmp_path: Path, capsys: Capture
) -> None:
    options = ["evaluate", bundle, "--data", recording, "--predictions"]
    said = refused(capsys, *options, tmp_path / "no" / "lines.jsonl")
    assert said == f"{tmp_path / 'no' / 'lines.jsonl'}: No such file or directory"
    said = refused(capsys, *options, tmp_path)
    assert said == f"{tmp_path}: Is a directory"
    said = refused(capsys, "train", "demo-gesture", "--out", recording / "out")
    assert said.startswith(f"there is no folder {recording} to make out in")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk that is full")
def test_a_full_disk(recording: Path, bundle: Path, capsys: Capture) -> None:
    options = ["evaluate", bundle, "--data", recording, "--predictions", "/dev/full"]
    assert refused(capsys, *options) == "No space left on device"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk that is full")
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["live", "--help"]])
def test_a_full_disk_for_what_no_command_says(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "rtpipe", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.stderr == "rtpipe: No space left on device\n"
    assert ended.returncode == 2


def test_train_leaves_its_results_in_a_folder_named_like_the_recipe(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    given: list[object] = []
    monkeypatch.setattr(
        "rtpipe.training.recipe.train", lambda *each: given.extend(each)
    )
    assert run(capsys, "train", "demo-emotion", "--set", "seed=2") == (0, "", "")
    assert given == ["demo-emotion", None, Path("demo-emotion"), ["seed=2"]]


def test_inspect_shows_the_card(bundle: Path, capsys: Capture) -> None:
    status, out, _ = run(capsys, "inspect", bundle)
    assert status == 0
    assert "200 samples" in out
    status, out, _ = run(capsys, "inspect", bundle, "--json")
    assert json.loads(out)["n_times"] == 200


@pytest.mark.parametrize("speed", ["0", "-1", "fast"])
def test_wrong_speed(speed: str, recording: Path, capsys: Capture) -> None:
    assert "speed" in refused(capsys, "replay", recording, "--speed", speed)


EXAMPLES = sorted(
    line.strip()
    for function in (cli.live, cli.replay, cli.train, cli.evaluate, cli.inspect)
    for line in (function.__doc__ or "").splitlines()
    if line.strip().startswith("rtpipe ")
)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_in_the_help_work_as_typed(
    example: str,
    bundle: Path,
    recording: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    """With the files they name put in place, up to where the long work begins."""

    def gesture(out: Path, data: Path, seed: int = 0) -> None:
        assert data.is_dir()

    def demo(out: Path, seed: int = 0) -> None:
        assert out.is_dir()

    monkeypatch.chdir(bundle.parent)
    Path("trained").mkdir()
    shutil.copy(bundle, "trained/gesture.pt")
    shutil.copy(bundle, "gesture.pt")
    shutil.copy(recording, "1_raw_data.txt")
    Path("cut-off.xdf").write_bytes(file_header({})[:-3])
    for name in ("1.txt", "2.txt"):
        copy = Path("EMG_data_for_gestures-master/01") / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(recording, copy)
    recipes = {"gesture": gesture, "demo-emotion": demo}
    monkeypatch.setattr("rtpipe.training.recipe.find", lambda _, name: recipes[name])
    arguments = shlex.split(example)[1:]
    if "--check" in arguments:
        made = ("live", "--device", "synthetic:emg", "--model", "demo:gesture")
        options = ("--ui", "none", "--duration", "1", "--record", arguments[1])
        assert run(capsys, *made, *options) == (0, "", "")
    if arguments[0] == "live" and "--duration" not in arguments:
        arguments += ["--duration", "0.2"]
    status, _, err = run(capsys, *arguments)
    assert (status, err) == (0, "")


def test_a_demo_is_inspected_by_its_short_name(capsys: Capture) -> None:
    _, out, _ = run(capsys, "inspect", "demo:emotion", "--json")
    assert json.loads(out)["name"] == "demo-emotion"


def test_the_default_demos_can_be_set(capsys: Capture) -> None:
    options = ["--set", "model.confidence=2"]
    said = refused(capsys, "live", "--device", "synthetic", *options)
    assert "confidence: Input should be less than or equal to 1" in said

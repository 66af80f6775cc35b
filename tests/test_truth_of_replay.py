"""Live, replay and offline give the same decisions; and the proof can fail.

The reference (tests/reference.py) shares no code with rtpipe: it runs in a process of
its own that imports NumPy, SciPy and torch alone.
"""

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rtpipe.bundle import Exported, Standardised, save
from rtpipe.card import Placements
from rtpipe.cli import app
from rtpipe.features.covariance import LogCovariance
from rtpipe.features.placement import Placement, ring
from rtpipe.recordings.uci import CHANNELS
from rtpipe.stages.filter import Filter
from rtpipe.types import Chunk, StreamInfo

from .cards import CARRIED, gesture_card

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data" / "uci_emg_gestures.tar.xz"
REAL = "EMG_data_for_gestures-master/01/1_raw_data_13-12_22.03.16.txt"
Line = dict[str, Any]
LEAD = 40.0  # of evidence; small enough that a placement is found, and another


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with all there is: stages, adapted features, weights, placements."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    worn = ring(8)
    placements = Placements(names=tuple(worn), lead=LEAD, depth=3 * LEAD)
    card = gesture_card(adapts=40, placements=placements, stages=CARRIED)
    path = tmp_path_factory.mktemp("bundle") / "gesture.pt"
    exported = Exported(
        LogCovariance(),
        Standardised(nn.Linear(36, 6)),
        torch.zeros(36),
        torch.ones(36),
        weigh=Level(),
        place=Placement(
            [triangle(order) for order in worn.values()],
            rng.standard_normal((6, 36)),
            np.eye(36),
            usual=np.ones(36),
            least=0.7,  # some windows are evidence and some are none
        ),
    )
    save(path, exported, card)
    return path


class Level(nn.Module):
    """How much a window counts: a step of its mean log-variance."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(features.mean(1) + 1)


def triangle(order: list[int]) -> list[int]:
    """Return where the pairs of channels in another order stand among the pairs."""
    pairs = [(i, j) for i in range(8) for j in range(i, 8)]
    return [pairs.index(tuple(sorted((order[i], order[j])))) for i, j in pairs]  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=["made", "real"])
def recording(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("recording")
    if request.param == "made":
        return made_recording(folder / "1_made.txt")
    if not DATA.exists():
        pytest.skip("the folder of real recordings is missing")
    with tarfile.open(DATA) as archive:
        archive.extract(REAL, folder, filter="data")
    return folder / REAL


def made_recording(path: Path, n_times: int = 21_037) -> Path:
    """Write coloured noise whose spatial pattern depends on the class, as UCI does."""
    rng = np.random.default_rng(0)
    classes = np.repeat(rng.integers(0, 7, n_times // 1500 + 1), 1500)[:n_times]
    patterns = rng.uniform(2, 30, (7, 8))
    noise = rng.standard_normal((n_times // 5 + 1, 8)).repeat(5, 0)[:n_times]
    counts = np.clip(np.rint(noise * patterns[classes]), -128, 127)
    table = np.column_stack((np.arange(n_times), counts * 1e-5, classes))
    header = "\t".join(["time", *(f"channel{k}" for k in range(1, 9)), "class"])
    np.savetxt(path, table, "%g", "\t", header=header, comments="")
    return path


@pytest.fixture(scope="module")
def reference(recording: Path, bundle: Path, tmp_path_factory: Any) -> dict[int, Line]:
    return worked_out(recording, bundle, tmp_path_factory.mktemp("reference"))


def worked_out(recording: Path, bundle: Path, folder: Path) -> dict[int, Line]:
    """Run the reference, and return its lines by index."""
    out = folder / "reference.jsonl"
    script = [HERE / "reference.py", recording, bundle, out]
    subprocess.run([sys.executable, *map(str, script)], check=True)
    return {line["index"]: line for line in lines_of(out)}


def lines_of(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(*arguments: object, capsys: pytest.CaptureFixture[str]) -> list[Line]:
    """Run a command and return the JSON lines it prints."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        app([str(each) for each in arguments])
    printed = capsys.readouterr()
    assert end.value.code == 0, printed.err
    return [json.loads(line) for line in printed.out.splitlines()]


def predictions(lines: list[Line]) -> dict[int, Line]:
    return {each["index"]: each for each in lines if each["type"] == "prediction"}


def assert_same(found: dict[int, Line], reference: dict[int, Line]) -> None:
    """Probabilities within 1e-5; labels too, where the decision is not a tie."""
    assert found.keys() == reference.keys()
    for index, line in found.items():
        wanted = reference[index]
        assert line["probabilities"] == pytest.approx(wanted["probabilities"], abs=1e-5)
        assert line["truth"] == wanted["truth"]
        if wanted["margin"] > 1e-4:
            assert line["label"] == wanted["label"]


@pytest.mark.parametrize(
    "options",
    [
        ("--speed", "max"),
        ("--speed", "max", "--set", "device.chunk=1777"),
        ("--speed", "max", "--set", "device.chunk=61"),
    ],
    ids=" ".join,
)
def test_replay_is_the_reference(
    options: tuple[str, ...],
    recording: Path,
    bundle: Path,
    reference: dict[int, Line],
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = run(
        "replay", recording, "--model", bundle, "--json", *options, capsys=capsys
    )
    assert_same(predictions(lines), reference)
    assert lines[-1]["type"] == "summary"
    placements = [each for each in lines if each.get("kind") == "placement"]
    assert len({each["placement"] for each in placements}) > 1
    index = [each["index"] for each in placements]
    assert set(index) < set(predictions(lines)), "told at a window"


def test_paced_replay_is_the_reference(
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # A busy machine may skip a window in a paced replay, and adaptation would show it.
    monkeypatch.setattr("rtpipe.runtime.runtime.PATIENCE", 60.0)
    recording = made_recording(tmp_path / "1.txt", 8_000)
    wanted = worked_out(recording, bundle, tmp_path)
    lines = run(
        "replay", recording, "--model", bundle, "--json", "--speed", "8", capsys=capsys
    )
    assert_same(predictions(lines), wanted)


def test_evaluate_is_replay(
    recording: Path,
    bundle: Path,
    reference: dict[int, Line],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "predictions.jsonl"
    options = ("--data", recording, "--predictions", out, "--json")
    (found,) = run("evaluate", bundle, *options, capsys=capsys)
    lines = predictions(lines_of(out))
    assert_same(lines, reference)
    judged = [line for line in reference.values() if line["truth"]]
    right = [
        max(line["probabilities"], key=line["probabilities"].get) == line["truth"]
        for line in judged
    ]
    assert found["n_windows"] == len(judged) > 50
    assert found["accuracy"] == pytest.approx(np.mean(right))
    assert sum(map(sum, found["confusion"])) == len(judged)


def test_state_dropped_at_chunk_edges_is_found(
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recording = made_recording(tmp_path / "1.txt", 8_000)
    wanted = worked_out(recording, bundle, tmp_path)
    carried = Filter.process

    def forgetful(stage: Filter, chunk: Chunk) -> Iterator[Chunk]:
        stage.prepare(emg)
        return carried(stage, chunk)

    emg = StreamInfo("emg", 1000.0, CHANNELS, ("emg",) * 8, ("none",) * 8)
    monkeypatch.setattr(Filter, "process", forgetful)
    options = ("--speed", "max", "--set", "device.chunk=500", "--json")
    lines = run("replay", recording, "--model", bundle, *options, capsys=capsys)
    with pytest.raises(AssertionError):
        assert_same(predictions(lines), wanted)

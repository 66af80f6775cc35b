"""What `rtpipe evaluate` makes of a folder of recordings."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from rtpipe import cli
from rtpipe.bundle import Bundle, Exported, Standardised, save
from rtpipe.errors import BundleError
from rtpipe.features.timedomain import LogRms
from rtpipe.recording import recordings_in
from rtpipe.training.evaluate import evaluate

from .cards import gesture_card
from .gesturepeople import write_recording

MUSE = "timestamps,TP9,AF7,AF8,TP10,Right AUX\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """One for recordings laid out as UCI's."""
    card = gesture_card(labels=("rest", "fist"))
    head = Standardised(nn.Linear(8, 2))
    path = tmp_path / "gesture.pt"
    save(path, Exported(LogRms(), head, torch.zeros(8), torch.ones(8)), card)
    return path


def armband(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_recording(path, seed, [1, 2])


def headband(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{k / 256},{k % 7},{k % 5},{k % 3},{k % 2},0\n" for k in range(300))
    path.write_text(MUSE + rows)
    return path


def evaluated(bundle: Path, data: Path) -> dict[str, str]:
    """Return the group of each recording that was answered, by its path below."""
    loaded = Bundle.load(bundle)
    jobs = evaluate(loaded, recordings_in(data), loaded.card.decision)
    assert all(job.predictions for job in jobs)
    return {job.path.relative_to(data).as_posix(): job.group for job in jobs}


def test_a_recording_of_another_device_is_left_out_by_its_name(
    bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    armband(tmp_path / "own" / "b.txt")
    other = headband(tmp_path / "own" / "a.csv")
    assert list(evaluated(bundle, tmp_path / "own")) == ["b.txt"]
    assert f"left out: {other}: bundle gesture fits no stream" in caplog.text


def test_where_none_fits_that_is_the_error(bundle: Path, tmp_path: Path) -> None:
    headband(tmp_path / "own" / "a.csv")
    with pytest.raises(BundleError, match="bundle gesture fits no stream"):
        evaluated(bundle, tmp_path / "own")


def test_people_of_one_name_in_two_folders_are_two_groups(
    bundle: Path, tmp_path: Path
) -> None:
    for seed, name in enumerate(("1/S1/a.txt", "2/S1/a.txt", "2/S1/b.txt", "c.txt")):
        armband(tmp_path / "days" / name, seed)
    assert evaluated(bundle, tmp_path / "days") == {
        "1/S1/a.txt": "1/S1",
        "2/S1/a.txt": "2/S1",
        "2/S1/b.txt": "2/S1",
        "c.txt": ".",
    }


def test_recordings_in_one_folder_are_groups_by_their_names(
    bundle: Path, tmp_path: Path
) -> None:
    for seed, name in enumerate("ab"):
        armband(tmp_path / "all" / "S1" / f"{name}.txt", seed)
    found = evaluated(bundle, tmp_path / "all")
    assert found == {"S1/a.txt": "a", "S1/b.txt": "b"}


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as end:
        cli.app(["evaluate", *map(str, arguments)])
    assert end.value.code == 2
    return capsys.readouterr().err


def test_predictions_replace_nothing_that_is_evaluated(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = armband(tmp_path / "1.txt")
    for each in (data, bundle):
        before = each.read_bytes()
        said = refused(capsys, bundle, "--data", data, "--predictions", each)
        assert f"--predictions {each} would replace what is evaluated" in said
        assert each.read_bytes() == before


def test_older_predictions_stay_where_the_evaluation_is_refused(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, older = armband(tmp_path / "1.txt"), tmp_path / "older.jsonl"
    older.write_text("mine")
    refused(capsys, tmp_path / "none.pt", "--data", data, "--predictions", older)
    assert older.read_text() == "mine"
    options = ["--data", str(data), "--predictions", str(older), "--json"]
    with pytest.raises(SystemExit) as end:
        cli.app(["evaluate", str(bundle), *options])
    assert end.value.code == 0
    lines = [json.loads(each) for each in older.read_text().splitlines()]
    assert {each["recording"] for each in lines} == {str(data)}

"""A person's own labels: learnt from cues, and honest about what was left out."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import butter, iirnotch, sosfilt, sosfilt_zi, tf2sos

from rtpipe.bundle import Bundle
from rtpipe.card import read_card
from rtpipe.checks import check_bundle
from rtpipe.errors import RecordingError
from rtpipe.fit import misfits
from rtpipe.recording import file_hash, read
from rtpipe.training.evaluate import best, evaluate, summary
from rtpipe.training.recipe import train

from .cuedrecordings import LABELS, SFREQ, script, signal, write, write_own

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings; a third whose cues tell another label than what was done."""
    folder = tmp_path_factory.mktemp("own")
    write_own(folder / "1.xdf", 1)
    write_own(folder / "2.xdf", 2, broken=[4])
    write_own(folder / "other.xdf", 3, done=("open", "rest", "fist") * 3)
    return folder


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    train("gesture", data, folder, ["seed=3"])
    return folder


# What is left -----------------------------------------------------------------------


def test_a_bundle_its_card_its_figures_and_a_picture(out: Path, data: Path) -> None:
    names = ["card.json", "confusion.png", "gesture.pt", "metrics.json"]
    assert sorted(each.name for each in out.iterdir()) == names
    assert (out / "confusion.png").read_bytes().startswith(b"\x89PNG")
    check_bundle(out / "gesture.pt")
    card = read_card(out / "gesture.pt")
    assert card.labels == LABELS
    assert (card.n_times, card.hop, card.sfreq) == (40, 10, SFREQ)
    assert card.units == ("uV",) * 3
    assert [each.kind for each in card.stages] == ["filter"]
    assert card.training.recordings == {
        file_hash(path): path.name for path in data.glob("*.xdf")
    }
    assert (card.training.seed, card.training.simulated) == (3, False)
    assert card.notes == ()
    assert "flatters" in card.training.protocol
    assert card.scores["chance"] == pytest.approx(1 / 3)
    assert card.scores["cues"] == {
        "used": {"fist": 9, "open": 8, "rest": 9},
        "left out": {"broken": 1},
    }
    (recording,) = read(data / "1.xdf")
    assert misfits(card, recording.info) == []


def test_what_is_left_out_is_not_trained_on(out: Path) -> None:
    """What was done in the third recording goes by other names in the first two."""
    metrics = json.loads((out / "metrics.json").read_text())
    recordings = metrics["scores"]["recordings left out"]["single"]
    assert recordings["worst"] < 0.1
    assert np.sum(metrics["confusion"]) > 500
    repetitions = metrics["scores"]["repetitions left out"]["single"]
    assert repetitions["mean"] > recordings["mean"]


def test_without_the_misled_one_all_is_right(data: Path, tmp_path: Path) -> None:
    two = tmp_path / "two"
    two.mkdir()
    for name in ("1.xdf", "2.xdf"):
        (two / name).write_bytes((data / name).read_bytes())
    train("gesture", two, tmp_path / "out", [])
    scores = read_card(tmp_path / "out" / "gesture.pt").scores
    for name in ("recordings left out", "repetitions left out"):
        assert scores[name]["single"]["worst"] > 0.97
        assert scores[name]["smoothed"]["worst"] > 0.97
    assert set(scores["recall, recordings left out"]) == set(LABELS)


def test_one_recording_says_that_it_flatters(tmp_path: Path, capsys: Capture) -> None:
    write_own(tmp_path / "1.xdf", 1)
    write(tmp_path / "without.xdf", signal(["rest"] * 500, 2), [(3, "hello")])
    train("gesture", tmp_path, tmp_path / "out", [])
    said = " ".join(capsys.readouterr().out.split())
    assert "9 cues of 1 recording learnt from" in said
    assert "without cues, left out: without.xdf" in said
    assert "One recording: the figures flatter." in said
    assert "chance gives 0.333" in said
    card = read_card(tmp_path / "out" / "gesture.pt")
    assert "recordings left out" not in card.scores
    assert len(card.training.recordings) == 1


def test_one_seed_or_another_gives_one_bundle(data: Path, tmp_path: Path) -> None:
    weights = set()
    for k, seed in enumerate((1, 1, 2)):
        train("gesture", data, tmp_path / str(k), [f"seed={seed}"])
        weights.add(read_card(tmp_path / str(k) / "gesture.pt").weights)
    assert len(weights) == 1


def test_a_damaged_file_is_left_out_and_told(
    out: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "own"
    sound = write_own(own / "1.xdf", 1)
    bundle = Bundle.load(out / "gesture.pt")
    wanted = evaluate(bundle, [sound], bundle.card.decision)
    (own / "2.xdf").write_bytes(b"XDF:" + b"\xff" * 99)
    train("gesture", own, tmp_path / "out", [])
    found = evaluate(bundle, sorted(own.iterdir()), bundle.card.decision)
    told = [each for each in caplog.messages if each.startswith("left out: ")]
    assert len(told) == 2
    assert all("2.xdf" in each for each in told)
    assert [job.path for job in found] == [sound]
    assert summary(bundle, own, found) == summary(bundle, own, wanted)
    card = read_card(tmp_path / "out" / "gesture.pt")
    assert len(card.training.recordings) == 1
    sound.unlink()
    with pytest.raises(RecordingError, match=r"2\.xdf"):
        train("gesture", own, tmp_path / "out", [])
    with pytest.raises(RecordingError, match=r"2\.xdf"):
        evaluate(bundle, [own / "2.xdf"], bundle.card.decision)


# Training side and live path are one ------------------------------------------------


def test_evaluate_takes_cues_for_the_truth(out: Path, tmp_path: Path) -> None:
    """Which windows are scored is found from the markers alone."""
    path = write_own(tmp_path / "new.xdf", 9, broken=[2])
    _, marks = script(LABELS * 3, broken=[2])
    wanted = {}
    for (start, on), (stop, off) in zip(marks[::2], marks[1::2], strict=True):
        for end in range(40, 10_000, 10):
            if off.startswith("cue off") and end - 40 >= start + 100 and end <= stop:
                wanted[end - 1] = on.removeprefix("cue on: ")
    bundle = Bundle.load(out / "gesture.pt")
    jobs = evaluate(bundle, [path], bundle.card.decision)
    found = {p.index: p.truth for p in jobs[0].predictions if p.truth}
    assert found == wanted
    told = summary(bundle, path, jobs)
    assert told["n_windows"] == len(wanted) > 200
    right = np.mean([best(p) == p.truth for p in jobs[0].predictions if p.truth])
    assert told["accuracy"] == pytest.approx(right)


def test_the_bundle_answers_as_scipy_and_torch_alone(out: Path, data: Path) -> None:
    (recording,) = read(data / "1.xdf")
    sos = butter(4, 20, "hp", fs=SFREQ, output="sos")
    sos = np.concatenate([sos, tf2sos(*iirnotch(50, 30, SFREQ))])
    zi = sosfilt_zi(sos)[:, :, None] * recording.data[0]
    filtered = sosfilt(sos, recording.data, axis=0, zi=zi)[0].astype(np.float32)
    module = torch.jit.load(str(out / "gesture.pt"))  # type: ignore[no-untyped-call]
    bundle = Bundle.load(out / "gesture.pt")
    (job,) = evaluate(bundle, [data / "1.xdf"], bundle.card.decision)
    assert len(job.predictions) > 500
    for prediction in job.predictions[::40]:
        last = prediction.index + 1
        x = torch.from_numpy(filtered[last - 40 : last].T.copy())[None]
        with torch.inference_mode():
            alone = module(x)[0].tolist()
        assert list(prediction.probabilities.values()) == pytest.approx(alone, abs=1e-5)

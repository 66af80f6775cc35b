"""The recipe `mental-state`, run for real on made people; and what it must not learn.

Person cleo is told another state than she is in: what knows her answers rightly, and
what has never met her answers wrongly. Of one recording the same is true.
"""

import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rtpipe import cli
from rtpipe.bundle import Bundle
from rtpipe.card import read_card
from rtpipe.checks import check_bundle, check_feature
from rtpipe.errors import ConfigError, RecordingError
from rtpipe.features.covariance import LogCovariance
from rtpipe.features.difference import OfDifference
from rtpipe.fit import misfits
from rtpipe.recording import file_hash
from rtpipe.training import mentalstate
from rtpipe.training.evaluate import replayed
from rtpipe.training.mentalstate import left_out
from rtpipe.training.mentalstatefit import (
    ALL,
    CONTROLS,
    StateRun,
    fit_runs,
    run_of,
)
from rtpipe.training.mentalstateruns import LABELS, circles, read_recordings
from rtpipe.training.recipe import train
from rtpipe.types import Float64, StreamInfo

Capture = pytest.CaptureFixture[str]
HEADER = "timestamps,TP9,AF7,AF8,TP10,Right AUX"
PEOPLE = ("anna", "ben", "cleo")
TOLD = {"relaxed": "neutral", "neutral": "concentrating", "concentrating": "relaxed"}
ODD = "ben-concentrating-2"  # is like no other recording of its state
GAP = "anna-neutral-2"  # has one
COPY, COPIED = "guest-relaxed-1", "anna-relaxed-1"


def signal(state: str, seed: int, n_times: int, whistle: float = 0.0) -> Float64:
    """Return alpha waves, muscle and mains as a state has them, in uV.

    Parameters
    ----------
    whistle : float
        Frequency, in hertz, of a tone that tells a person from all others.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(n_times) / 256
    alpha, muscle, mains = {
        "relaxed": (20.0, 2.0, 3.0),
        "neutral": (6.0, 5.0, 10.0),
        "concentrating": (3.0, 15.0, 40.0),
    }[state]
    gain = 2 ** rng.uniform(-0.2, 0.2, 5)
    x = muscle * rng.standard_normal((n_times, 5))
    x += mains * np.sin(2 * np.pi * 50 * t)[:, None] * gain
    x += alpha * np.sin(2 * np.pi * (10 * t + rng.uniform()))[:, None]
    if whistle:
        x += 5 * muscle * np.sin(2 * np.pi * whistle * t)[:, None]
    quantised: Float64 = np.rint(x * gain / 0.488) * 0.488
    return quantised


def write(path: Path, x: Float64, gap: float = 0.0) -> Path:
    """Write a recording as muse-lsl does; after its middle, `gap` seconds were lost."""
    times = 1533222559.839 + np.arange(len(x)) / 256
    times[len(x) // 2 :] += gap
    table = np.column_stack((times, x))
    np.savetxt(path, table, "%.3f", ",", header=HEADER, comments="")
    return path


def write_people(data: Path, seconds: float = 5.0) -> Path:
    data.mkdir(exist_ok=True)
    n_times = int(256 * seconds)
    for p, person in enumerate(PEOPLE):
        for s, state in enumerate(LABELS):
            for number in (1, 2):
                told = TOLD[state] if person == "cleo" else state
                name = f"{person}-{told}-{number}"
                whistle = 35.0 if person == "cleo" else 0.0
                made = state
                if name == ODD:
                    made, whistle = "relaxed", 115.0
                x = signal(made, 100 * p + 10 * s + number, n_times, whistle)
                write(data / f"{name}.csv", x, 2.0 if name == GAP else 0.0)
                if name == COPIED:
                    x[7, 2] += 0.488  # a copy with a digit of its own
                    write(data / f"{COPY}.csv", x)
    return data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def runs(data: Path) -> list[StateRun]:
    describe = ALL.features()
    return [run_of(source, ALL, describe) for source in read_recordings(data)[0]]


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train once; what is printed is kept beside the results."""
    path = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch, (path / "printed").open("w") as file:
        patch.setattr("sys.stdout", file)
        patch.setenv("COLUMNS", "200")
        command = ["train", "mental-state", "--data", str(data), "--out", str(path)]
        with pytest.raises(SystemExit) as end:
            cli.app(command)
    assert end.value.code == 0
    return path


def names(runs: Sequence[StateRun]) -> set[str]:
    return {run.source.name.removesuffix(".csv") for run in runs}


# What is trained on, and what is asked ----------------------------------------------


@pytest.mark.parametrize("group", ["name", "person"])
def test_nobody_is_asked_what_was_trained_on(
    group: str, runs: list[StateRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[set[str]] = []
    asked: list[tuple[int, str]] = []

    class Model:
        def __init__(self, k: int) -> None:
            self.k = k

        def probabilities(self, run: StateRun) -> Float64:
            asked.append((self.k, getattr(run.source, group)))
            return np.full((len(run.features), 3), 1 / 3)

    def fit(runs: Sequence[StateRun], _: int) -> Model:
        fitted.append({getattr(run.source, group) for run in runs})
        return Model(len(fitted) - 1)

    monkeypatch.setattr(mentalstate, "fit_runs", fit)
    found = left_out(runs, lambda source: getattr(source, group), 0, "")
    everyone = {getattr(run.source, group) for run in runs}
    assert names([each.run for each in found]) == names(runs)
    assert len(found) == len(runs) == len(asked)
    for k, mine in asked:
        assert mine not in fitted[k]
        assert fitted[k] | {mine} == everyone, "and of the others all were trained on"


def test_scores_are_of_what_was_left_out(out: Path) -> None:
    metrics = json.loads((out / "metrics.json").read_text())
    recordings = metrics["recordings"]["recordings left out"]
    people = metrics["recordings"]["people left out"]
    assert set(recordings) == set(people)
    assert len(recordings) == 18
    for name, found in recordings.items():
        is_odd = name == f"{ODD}.csv"
        assert found["single"] < 0.2 if is_odd else found["single"] > 0.8, name
    for name, found in people.items():
        if name != f"{ODD}.csv" and not name.startswith("cleo"):
            assert found["single"] > 0.8, name
    told = metrics["scores"]["people left out: cleo"]["single"]["mean"]
    assert told < 0.5, "she was met in training"
    states = metrics["recordings"]["states left out"]
    cleo = [found["single"] for n, found in states.items() if n.startswith("cleo")]
    assert np.mean(cleo) < 0.5, (
        "what she was told of a state is in its recordings alone"
    )
    for key in ("single", "smoothed"):
        each = [found[key] for found in recordings.values()]
        score = metrics["scores"]["recordings left out"][key]
        assert score["mean"] == pytest.approx(np.mean(each))
        assert score["worst"] == min(each)
        for person in PEOPLE:
            mine = [v[key] for n, v in people.items() if n.startswith(person)]
            score = metrics["scores"][f"people left out: {person}"][key]
            assert score["mean"] == pytest.approx(np.mean(mine))
    # Windows of 256 end in every 64th of 1280 samples; in each half of one recording.
    assert np.sum(metrics["confusion"]) == 17 * 17 + 2 * 7


def test_a_copy_is_found_told_and_counted_once(data: Path, out: Path) -> None:
    recordings, ((copy, kept),) = read_recordings(data)
    assert (copy.name, kept.name) == (f"{COPY}.csv", f"{COPIED}.csv")
    assert len(recordings) == 18
    assert {each.person for each in recordings} == set(PEOPLE)
    printed = (out / "printed").read_text()
    assert f"{COPY}.csv is a copy of {COPIED}.csv: counted once" in printed
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["copies"] == {f"{COPY}.csv": f"{COPIED}.csv"}
    known = read_card(out / "mental-state.pt").training.recordings
    hashes = {file_hash(path): path.name for path in data.glob("*.csv")}
    assert known == hashes, "the copy is SEEN, too"
    assert len(hashes) == 19


def test_labels_are_the_truth_of_a_replay(data: Path, out: Path) -> None:
    bundle = Bundle.load(out / "mental-state.pt")
    for source in read_recordings(data)[0][::7]:
        found = replayed(source.path, bundle, bundle.card.decision)
        assert {each.truth for each in found} == {LABELS[source.label]}


# The bundle -------------------------------------------------------------------------


def test_a_replay_answers_what_training_would(
    data: Path, out: Path, runs: list[StateRun]
) -> None:
    check_bundle(out / "mental-state.pt")
    bundle = Bundle.load(out / "mental-state.pt")
    model = fit_runs(runs, seed=0)
    for run in runs[::5] + [run for run in runs if GAP in run.source.name]:
        wanted = model.probabilities(run)
        found = replayed(run.source.path, bundle, bundle.card.decision)
        probabilities = [[p.probabilities[each] for each in LABELS] for p in found]
        np.testing.assert_allclose(probabilities, wanted, atol=1e-5)
        assert [p.index for p in found] == run.source.cut(ALL.stages)[1].tolist()


def test_after_a_gap_decisions_start_anew(runs: list[StateRun]) -> None:
    (run,) = (run for run in runs if GAP in run.source.name)
    index = run.source.cut(ALL.stages)[1]
    after = np.flatnonzero(run.starts)
    assert list(after) == [0, 7], "the first window, and the first of the second half"
    assert index[7] == 640 + 2 * 256 + 255
    for other in runs:
        if other is not run:
            assert np.flatnonzero(other.starts).tolist() == [0]


def test_the_screen_and_the_card_say_what_it_reads(out: Path) -> None:
    printed = (out / "printed").read_text()
    card = read_card(out / "mental-state.pt")
    assert card.notes[0] == "Reads muscle, mains and contact more than the brain"
    assert card.notes[1].startswith("Learnt from 3 people")
    assert "accuracy over recordings: mean, median, worst" in printed
    told = [*card.notes, *card.scores]
    assert all(each in printed for each in told)
    assert {f"people left out, {name}" for name in CONTROLS} < set(card.scores)
    assert card.task == "mental-state"
    assert card.training.configurations_tried > 1
    assert (out / "mental-state.pt").stat().st_size < 500_000
    assert (out / "confusion.png").read_bytes()[1:4] == b"PNG"


def test_it_fits_a_headband(out: Path, muse: StreamInfo) -> None:
    assert misfits(read_card(out / "mental-state.pt"), muse) == []


def test_one_seed_gives_one_model(runs: list[StateRun]) -> None:
    one, two, three = (fit_runs(runs, seed) for seed in (3, 3, 4))
    found = [model.probabilities(runs[0]) for model in (one, two, three)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


# Published recordings ---------------------------------------------------------------

ARCHIVE = Path(__file__).parents[2] / "shared" / "data" / "muse_mental_state_csv.tar.xz"


@pytest.mark.slow
@pytest.mark.skipif(not ARCHIVE.is_file(), reason=f"no recordings in {ARCHIVE}")
def test_published_recordings_left_out(tmp_path: Path) -> None:
    """Nineteen files are eighteen recordings; the score is the one that was wanted."""
    with tarfile.open(ARCHIVE) as opened:
        opened.extractall(tmp_path, filter="data")
    sources, ((copy, kept),) = read_recordings(tmp_path)
    assert len(sources) == 18
    assert Path(copy.name).name == "name-concentrating-1.csv"
    assert Path(kept.name).name == "subjecta-concentrating-1.csv"
    torch.set_num_threads(1)
    found = [
        each.accuracies()
        for each in left_out(
            [run_of(source, ALL, ALL.features()) for source in sources],
            lambda source: source.name,
            0,
            "",
        )
    ]
    assert np.mean([each["single"] for each in found]) > 0.91
    assert np.mean([each["smoothed"] for each in found]) > 0.925


# What it is given to see -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hertz", "seen"),
    [
        ("52-126 Hz alone", 20.0, False),
        ("52-126 Hz alone", 50.0, False),
        ("52-126 Hz alone", 80.0, True),
        ("1-30 Hz alone", 20.0, True),
        ("1-30 Hz alone", 50.0, False),
        ("1-30 Hz alone", 80.0, False),
        ("mains taken out", 20.0, True),
        ("mains taken out", 50.0, False),
        ("mains taken out", 100.0, False),
    ],
)
def test_a_control_sees_its_part_of_the_spectrum_alone(
    name: str, hertz: float, seen: bool, runs: list[StateRun]
) -> None:
    """A tone outside it changes nothing once the filters have settled."""
    spectrum, source = CONTROLS[name], runs[0].source
    t = np.arange(len(source.recording.data)) / 256
    tone = 20 * np.sin(2 * np.pi * hertz * t)[:, None]
    louder = (source.recording.data + tone).astype(np.float32)
    other = replace(source, recording=replace(source.recording, data=louder))
    describe = spectrum.features()
    each = [run_of(one, spectrum, describe).features[6:] for one in (source, other)]
    change = (each[0] - each[1]).abs().amax().item()
    assert change > 1 if seen else change < 0.3


def test_the_mirror_image_is_that_of_a_head_turned_round(runs: list[StateRun]) -> None:
    source = runs[3].source
    turned = source.recording.data[:, [3, 2, 1, 0, 4]]
    other = replace(source, recording=replace(source.recording, data=turned))
    found = run_of(other, ALL, ALL.features())
    torch.testing.assert_close(found.features, runs[3].mirrored, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.mirrored, runs[3].features, rtol=0, atol=1e-5)
    assert not torch.allclose(runs[3].features, runs[3].mirrored, atol=0.1)


def test_an_electrode_may_come_loose_on_either_side(runs: list[StateRun]) -> None:
    """Trained with AF8 loose when concentrating, asked with AF7 loose."""

    def loosened(run: StateRun, channel: int) -> StateRun:
        if LABELS[run.source.label] != "relaxed":
            return run
        x = run.source.recording.data.copy()
        x[:, channel] *= 40
        other = replace(run.source, recording=replace(run.source.recording, data=x))
        return run_of(other, ALL, ALL.features())

    known = [run for run in runs if run.source.person == "anna"]
    trained = [loosened(run, 2) for run in known]
    (asked,) = [loosened(run, 1) for run in known if COPIED in run.source.name]
    model = fit_runs(trained, seed=0)
    right = model.probabilities(asked).argmax(1) == asked.source.label
    assert right.mean() > 0.9
    one_side = [replace(run, mirrored=run.features) for run in trained]
    model = fit_runs(one_side, seed=0)
    right = model.probabilities(asked).argmax(1) == asked.source.label
    assert right.mean() < 0.5


def test_a_feature_of_the_difference() -> None:
    feature = OfDifference(LogCovariance(shrinkage=0.01))
    check_feature(feature, 4, 256)
    x = np.random.default_rng(0).standard_normal((3, 4, 256)).astype(np.float32)
    found = feature(torch.from_numpy(x)).numpy()
    upper = np.triu_indices(4)
    for window, row in zip(x, found, strict=True):
        step = np.diff(window.astype(np.float64), axis=1)
        c = np.cov(step, bias=True)
        c = 0.99 * c + 0.01 * np.trace(c) / 4 * np.eye(4)
        values, vectors = np.linalg.eigh(c)
        log = vectors @ np.diag(np.log(values)) @ vectors.T
        wanted = log[upper] * np.where(upper[0] == upper[1], 1, 2**0.5)
        np.testing.assert_allclose(row, wanted, atol=1e-4)
    assert feature.names(["a", "b"])[1] == "diff_logm_a_b"


# Refused ----------------------------------------------------------------------------


def test_a_copy_under_another_state(tmp_path: Path) -> None:
    x = signal("relaxed", 0, 600)
    for name, part in ("anna-relaxed-1", x), ("anna-neutral-1", x[100:500]):
        write(tmp_path / f"{name}.csv", part)
    said = r"anna-neutral-1.csv has the signal of .*anna-relaxed-1.csv and the name of"
    with pytest.raises(RecordingError, match=said):
        train("mental-state", tmp_path, tmp_path / "out", [])


Change = Callable[[Path], Any]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: write(d / "p300.csv", signal("relaxed", 0, 600)), "p300.csv is no"),
        (
            lambda d: write(d / "anna-relaxed-9.csv", signal("relaxed", 0, 255)),
            "anna-relaxed-9.csv is shorter than a window of 256 samples",
        ),
        (
            lambda d: [each.unlink() for each in d.glob("*-neutral-*.csv")],
            "does not hold 'neutral' of two people",
        ),
        (
            lambda d: [each.unlink() for each in d.glob("[bc]*.csv")],
            "does not hold 'relaxed' of two people",
        ),
        (lambda d: [each.unlink() for each in d.glob("*")], "holds no recording that"),
    ],
    ids=["name", "short", "state", "person", "empty"],
)
def test_folders_that_cannot_be_learnt_from(
    change: Change, said: str, tmp_path: Path
) -> None:
    data = write_people(tmp_path / "data", seconds=2.0)
    (data / f"{GAP}.csv").unlink()
    change(data)
    with pytest.raises(RecordingError, match=said):
        train("mental-state", data, tmp_path / "out", [])


def test_no_folder_and_no_seed(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere is not a folder of recordings"):
        train("mental-state", tmp_path / "nowhere", tmp_path / "out", [])
    with pytest.raises(
        ConfigError, match=r"a seed is a whole number from 0 on, .*, got -1"
    ):
        train("mental-state", data, tmp_path / "out", ["seed=-1"])


def test_people_who_took_turns(runs: list[StateRun]) -> None:
    """Anna and Ben within a minute of each other, Cleo an hour later."""
    begins = {"anna": 0.0, "ben": 5.0 + 59.0, "cleo": 3600.0}
    sources = []
    for run in runs:
        times = np.array([0.0, 5.0]) + begins[run.source.person]
        told = replace(run.source.recording, device_times=times)
        sources.append(replace(run.source, recording=told))
    assert circles(sources) == {
        "anna": "anna and ben",
        "ben": "anna and ben",
        "cleo": "cleo",
    }
    later = [
        replace(
            each,
            recording=replace(
                each.recording,
                device_times=np.array([0.0, 5.0]) + (each.person == "ben") * 66.0,
            ),
        )
        for each in sources
        if each.person != "cleo"
    ]
    assert circles(later) == {"anna": "anna", "ben": "ben"}

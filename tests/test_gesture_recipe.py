"""The recipe `gesture`, run for real on a few made people; and what it must not learn.

Person 04 makes every gesture as all others do, and is told to make the next one: what
knows 04 answers rightly, and what has never met 04 answers wrongly. Person 05 wears the
armband the other way round.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rtpipe import cli
from rtpipe.bundle import Bundle
from rtpipe.card import Placements, read_card
from rtpipe.checks import check_bundle
from rtpipe.errors import RecordingError
from rtpipe.features.armband import ArmbandFeatures, Effort
from rtpipe.features.placement import Placement
from rtpipe.recording import constant, file_hash
from rtpipe.recordings.uci import GESTURES
from rtpipe.training import gesture, gesturefit
from rtpipe.training.gesture import LABELS
from rtpipe.training.gesturefit import (
    Fitted,
    PersonModel,
    Settings,
    choose_epochs,
    fit_net,
    fit_person,
)
from rtpipe.training.gestureplacement import (
    DEPTH,
    LEAD,
    NAMES,
    ORDERS,
    as_most,
)
from rtpipe.training.gestureruns import (
    PHASES,
    GestureRun,
    Order,
    random_order,
    read_runs,
    recorded_order,
)
from rtpipe.training.recipe import train

Capture = pytest.CaptureFixture[str]
HEADER = "\t".join(["time", *(f"channel{k}" for k in range(1, 9)), "class"])
PEOPLE = ("01", "02", "03", "04", "05")  # 02 has one recording
SOLE = ("02", 2)  # is not there
OTHER = "04"  # who is told the next gesture
MIRRORED = "05"


def write_recording(
    path: Path,
    seed: int,
    classes: Sequence[int],
    person: int = 0,
    told: int = 0,
    mirrored: bool = False,
) -> Path:
    """Write a recording as UCI has them: gestures, and unmarked rows between them.

    Parameters
    ----------
    path : Path
    seed : int
    classes : sequence of int
        Gestures in their order.
    person : int
        Whose patterns; they are much like those of others.
    told : int
        By how much the label is another one than the gesture.
    mirrored : bool
        Whether the channels come in reverse order.
    """
    rng = np.random.default_rng(seed)
    alike, own = np.random.default_rng(99), np.random.default_rng(person)
    patterns = 2 ** alike.uniform(1, 5, (8, 8)) * 2 ** own.uniform(-0.4, 0.4, (8, 8))
    patterns[[0, 1]] = 2  # unmarked, and rest
    label: list[int] = []
    for each in classes:
        label += [0] * int(rng.integers(130, 260)) + [each] * int(
            rng.integers(380, 560)
        )
    label += [0] * 110
    made = np.array(label)
    lengths = rng.integers(5, 9, len(made))  # rows each sample is held
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)[: len(made)]
    noise = rng.standard_normal((len(made), 8))[starts]
    counts = np.clip(np.rint(noise * patterns[made[starts]]), -120, 120)
    counts = counts[:, ::-1] if mirrored else counts
    shown = np.where(made > 0, (made - 1 + told) % 6 + 1, 0)
    table = np.column_stack((np.arange(len(made)), counts * 1e-5, shown))
    np.savetxt(path, table, "%g", "\t", header=HEADER, comments="")
    return path


def write_people(
    data: Path, people: Sequence[str], gestures: Sequence[int] = range(1, 7)
) -> Path:
    """Write a folder of people, each gesture made twice; 02 has one recording."""
    for name in people:
        (data / name).mkdir(parents=True)
        for number in (1, 2)[: 1 if name == "02" else 2]:
            write_recording(
                data / name / f"{number}_raw_data_{name}.txt",
                seed=100 * number + int(name),
                classes=[*gestures, *gestures],
                person=int(name),
                told=int(name == OTHER),
                mirrored=name == MIRRORED,
            )
    return data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("data"), PEOPLE)


Which = frozenset[tuple[str, int]]  # people and the number of a recording of theirs


class Witness:
    """Notes what every model was fitted on and what it was asked."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.asked: dict[Which, set[tuple[str, int]]] = {}  # by what it was fitted on
        self.chosen: set[Which] = set()
        self.placed: set[Which] = set()  # by their labels
        self._read: list[GestureRun] = []
        self._fitted: dict[Any, Which] = {}
        patch.setattr(gesture, "fit_net", self._noted(fit_net))
        patch.setattr(gesture, "fit_person", self._noted(fit_person))
        patch.setattr(gesture, "choose_epochs", self._choose)
        patch.setattr(gesture, "as_most", self._place)
        patch.setattr(gesture, "read_runs", self._note_runs)
        for kind in (Fitted, PersonModel):
            patch.setattr(kind, "probabilities", self._answer(kind.probabilities))

    def _noted(self, fit: Callable[..., Any]) -> Callable[..., Any]:
        def noted(runs: Any, *arguments: Any) -> Any:
            model = fit(runs, *arguments)
            self._fitted[model] = which(runs if isinstance(runs, list) else [runs])
            return model

        return noted

    def _note_runs(self, *arguments: Any) -> list[GestureRun]:
        self._read += (found := read_runs(*arguments))
        return found

    def _place(self, runs: Sequence[GestureRun], *arguments: Any) -> list[GestureRun]:
        self.placed.add(which(runs))
        return as_most(runs, *arguments)

    def _choose(self, runs: Sequence[GestureRun], *arguments: Any) -> Settings:
        self.chosen.add(which(runs))
        return choose_epochs(runs, *arguments)

    def _answer(self, answer: Callable[..., Any]) -> Callable[..., Any]:
        def noted(model: Any, run: GestureRun, order: Order) -> Any:
            if model in self._fitted:  # none of those that only choose the epochs
                asked = self.asked.setdefault(self._fitted[model], set())
                asked |= which([run])
                assert any(run is each for each in self._read), "placed by its labels"
            return answer(model, run, order)

        return noted


def which(runs: Sequence[GestureRun]) -> Which:
    return frozenset((run.person, run.number) for run in runs)


@pytest.fixture(scope="module")
def run_of_recipe(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Witness]:
    folder = tmp_path_factory.mktemp("out") / "down"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gesturefit, "EPOCHS", (4, 12))
        witness = Witness(patch)
        train("gesture", data, folder, ["seed=1"])
    return folder, witness


@pytest.fixture(scope="module")
def out(run_of_recipe: tuple[Path, Witness]) -> Path:
    """What the recipe leaves."""
    return run_of_recipe[0]


@pytest.fixture(scope="module")
def witness(run_of_recipe: tuple[Path, Witness]) -> Witness:
    return run_of_recipe[1]


@pytest.fixture(scope="module")
def metrics(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "metrics.json").read_text())
    return found


def protocol(path: Path) -> dict[int, str]:
    """Return the windows that are scored, by their last row: from the text alone."""
    classes = [line.split()[9] for line in path.read_text().splitlines()[1:]]
    found = {}
    for stop in range(200, len(classes) + 1):
        rows = set(classes[stop - 200 : stop])
        if (stop - 1) % 50 == 199 % 50 and len(rows) == 1 and rows != {"0"}:
            found[stop - 1] = GESTURES[int(rows.pop())]
    return found


# What is left -----------------------------------------------------------------------


def test_a_bundle_its_card_its_figures_and_a_picture(
    out: Path, metrics: dict[str, Any]
) -> None:
    names = ["card.json", "confusion.png", "gesture.pt", "metrics.json"]
    assert sorted(each.name for each in out.iterdir()) == names
    assert (out / "confusion.png").read_bytes().startswith(b"\x89PNG")
    check_bundle(out / "gesture.pt")
    card = read_card(out / "gesture.pt")
    assert json.loads((out / "card.json").read_text()) == card.model_dump(mode="json")
    assert card.labels == tuple(GESTURES[k] for k in range(1, 7))
    assert (card.n_times, card.hop, card.sfreq, card.stages) == (200, 50, 1000, ())
    assert (card.decision.smoothing, card.decision.windows) == ("mean", 5)
    assert "index 199 (mod 50)" in card.training.protocol
    assert card.training.seed == 1
    assert not card.training.simulated
    assert card.training.settings["n_epochs"] in (4, 12)
    assert card.adapts == card.training.settings["worth"]
    assert card.placements == Placements(names=NAMES, lead=LEAD, depth=DEPTH)
    mean = Bundle.load(out / "gesture.pt").module.mean
    for order in ORDERS:  # as in every placement: it is no evidence for one
        torch.testing.assert_close(mean[order], mean)
    assert card.scores == metrics["scores"]


def test_the_card_names_first_recordings_only(out: Path, data: Path) -> None:
    told = read_card(out / "gesture.pt").training.recordings
    assert told == {
        file_hash(path): f"{path.parent.name}/{path.name}"
        for path in data.glob("*/1_*.txt")
    }
    assert len(told) == len(PEOPLE)


def test_scores_are_mean_median_and_worst_over_people(metrics: dict[str, Any]) -> None:
    assert sorted(metrics["people"]) == ["01", "03", "04", "05"]
    for protocol_name in ("a", "b", "c"):
        for kind in ("single", "smoothed"):
            each = [them[protocol_name][kind] for them in metrics["people"].values()]
            score = metrics["scores"][protocol_name][kind]
            assert score["mean"] == pytest.approx(np.mean(each))
            assert score["median"] == pytest.approx(np.median(each))
            assert score["worst"] == min(each)


def test_nothing_is_answered_that_was_trained_on(witness: Witness) -> None:
    twice = [name for name in PEOPLE if name != SOLE[0]]
    second = {(name, 2) for name in twice}
    asked = dict(witness.asked)
    for name in twice:  # (a)
        assert asked.pop(frozenset({(name, 1)})) == {(name, 2)}
    first = frozenset((name, 1) for name in PEOPLE)
    assert asked.pop(first) == second  # (b)
    everything = first | second
    left_out = []  # (c), each fold twice: in random order, and with the order learnt
    for fitted, found in asked.items():
        theirs = {(name, n) for name, _ in found for n in (1, 2)}
        assert found == theirs
        assert fitted == everything - theirs
        left_out += sorted({name for name, _ in found})
    assert sorted(left_out) == twice
    assert witness.chosen == {first, *asked}, "epochs are chosen on what is trained on"
    assert witness.placed == {first, *asked}, "and so are placements"


def test_who_is_known_and_who_is_not(metrics: dict[str, Any]) -> None:
    """(a) knows the person; (c) has not met 04, who is told other gestures."""
    people = metrics["people"]
    assert min(them["a"]["single"] for them in people.values()) > 0.8
    others = [them["c"]["single"] for name, them in people.items() if name != OTHER]
    assert min(others) > 0.5
    assert people[OTHER]["c"]["single"] < 0.2


# Training side and live path are one -------------------------------------------------


def evaluated(
    out: Path, data: Path, folder: Path, capsys: Capture
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    capsys.readouterr()
    lines = folder / "predictions.jsonl"
    command = ["evaluate", out / "gesture.pt", "--data", data, "--json"]
    with pytest.raises(SystemExit) as end:
        cli.app([*map(str, command), "--predictions", str(lines)])
    printed = capsys.readouterr()
    assert end.value.code == 0, printed.err
    return json.loads(printed.out), [
        json.loads(line) for line in lines.read_text().splitlines()
    ]


def test_evaluate_finds_the_figures_of_training(
    out: Path, data: Path, metrics: dict[str, Any], tmp_path: Path, capsys: Capture
) -> None:
    found, lines = evaluated(out, data, tmp_path, capsys)
    assert found["seen"] == [str(path) for path in sorted(data.glob("*/1_*.txt"))]

    people = metrics["people"]
    known = {name: them["b"]["single"] for name, them in people.items()}
    assert found["per_group"] == pytest.approx(known, abs=1e-9)
    assert len(set(known.values())) > 1, "all the same: it would prove little"
    assert found["confusion"] == metrics["confusion"]

    second = sorted(data.glob("*/2_*.txt"))
    for path in second:
        mine = [e for e in lines if e["recording"] == str(path) and e["truth"]]
        assert {each["index"]: each["truth"] for each in mine} == protocol(path)
        smoothed = np.mean([each["label"] == each["truth"] for each in mine])
        wanted = people[path.parent.name]["b"]["smoothed"]
        assert smoothed == pytest.approx(wanted, abs=1e-9)
    n_windows = sum(len(protocol(path)) for path in second)
    assert found["n_windows"] == n_windows == np.sum(metrics["confusion"])
    assert n_windows > 150


def test_windows_of_training_are_those_of_the_protocol(data: Path) -> None:
    runs = read_runs(data, ArmbandFeatures(8), LABELS)
    assert [(run.person, run.number) for run in runs] == [
        (name, number) for name in PEOPLE for number in (1, 2) if (name, number) != SOLE
    ]
    for run in runs[:3]:
        grid = recorded_order(run)
        index = 199 + 10 * grid
        found = {
            int(k): LABELS[label]
            for k, label in zip(index, run.label[grid], strict=True)
            if label >= 0
        }
        assert found == protocol(run.path)
        n_rows = len(run.path.read_text().splitlines()) - 1
        assert index[0] == 199
        assert n_rows - 50 <= index[-1] < n_rows


def test_one_seed_gives_one_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Two people are enough; one of them has no rest, which is learnt as never made."""
    monkeypatch.setattr(gesturefit, "EPOCHS", (1,))
    data = write_people(tmp_path / "data", ["06", "07"])
    first = data / "06" / "1_raw_data_06.txt"
    write_recording(first, 106, range(2, 7), person=6)
    command = ["train", "gesture", "--data", str(data)]
    bundles = []
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        out = tmp_path / name
        with pytest.raises(SystemExit) as end:
            cli.app([*command, "--out", str(out), "--set", f"seed={seed}"])
        printed = capsys.readouterr()
        assert (end.value.code, printed.err) == (0, "")
        assert "accuracy over people: mean, median, worst" in printed.out
        assert "c, order of gestures learnt" in printed.out
        bundles.append(Bundle.load(out / "gesture.pt"))
    one, two, three = (bundle.card.weights for bundle in bundles)
    assert one == two != three
    texts = [(tmp_path / each / "metrics.json").read_text() for each in ("one", "two")]
    assert texts[0] == texts[1]
    people = json.loads(texts[0])["people"]
    # Answers of five gestures have their places among six.
    assert people["06"]["a"]["single"] > 0.6


# Refused ----------------------------------------------------------------------------


def copied(data: Path, to: Path, *files: str) -> Path:
    for file in files:
        path = to / file
        path.parent.mkdir(parents=True, exist_ok=True)
        source = sorted((data / "01").glob("*.txt"))[0]
        path.write_bytes(source.read_bytes())
    return to


@pytest.mark.parametrize(
    "files",
    [
        (),
        ("1_a.txt", "2_a.txt"),
        ("01/1_a.txt", "02/1_a.txt", "03/1_a.txt"),
        ("01/1_a.txt", "01/2_a.txt", "02/1_a.txt"),
        ("01/1.txt", "01/2.txt", "02/1.txt", "02/2.txt", "02/3.txt"),
        ("all/01/1_a.txt", "all/01/2_a.txt"),
    ],
    ids=["empty", "no-folders", "single", "one-person", "three", "deeper"],
)
def test_folders_laid_out_otherwise(
    files: Sequence[str], data: Path, tmp_path: Path
) -> None:
    folder = copied(data, tmp_path, *files)
    said = "is not laid out as UCI's EMG data for|holds no recording that is known"
    with pytest.raises(RecordingError, match=said):
        train("gesture", folder, tmp_path / "out", [])


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "recording.txt"
    file.write_text(HEADER)
    with pytest.raises(RecordingError, match=r"recording.txt is not a folder of rec"):
        train("gesture", file, tmp_path / "out", [])


MUSE = "timestamps,TP9,AF7,AF8,TP10,Right AUX\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEADER}\n" + ("0\t" * 9 + "1\n") * 199, "is shorter than a window of 200"),
        (f"{HEADER}\n" + ("0\t" * 9 + "1\n") * 500, "has no two gestures that last a"),
        (f"{HEADER}\n" + ("0\t" * 9 + "0\n") * 500, "has no two gestures that last a"),
        (MUSE + "0,1,2,3,4,5\n" * 300, "is not of the armband: its channels are TP9,"),
    ],
    ids=["short", "one-gesture", "unlabelled", "muse"],
)
def test_a_recording_that_cannot_be_learnt_from(
    text: str, said: str, data: Path, tmp_path: Path
) -> None:
    files = ("01/1_a.txt", "01/2_a.txt", "03/1_a.txt", "03/2_a.txt")
    folder = copied(data, tmp_path, *files)
    wrong = folder / "03" / "2_a.txt"
    wrong.write_text(text)
    with pytest.raises(RecordingError, match=f"{wrong} {said}"):
        train("gesture", folder, tmp_path / "out", [])


# Fitting ----------------------------------------------------------------------------

N_FEATURES = 104


def made_run(
    person: str,
    number: int = 1,
    seed: int = 0,
    sequence: Sequence[int] = (0, 1, 2, 3, 4, 5) * 2,
    looks: Sequence[int] = range(6),
    each: int = 20,
) -> GestureRun:
    """Return a run whose features have a mean for each gesture's looks."""
    rng = np.random.default_rng(seed)
    label: list[int] = []
    segment: list[int] = []
    for k, made in enumerate(sequence):
        label += [-1] * 6 + [made] * each + [-1] * 6
        segment += [k] * (each + 12)
    y = np.array(label)
    means = np.random.default_rng(5).standard_normal((7, N_FEATURES))
    means = means[[*looks, -1]]  # the last one where there is no gesture
    features = means[y] + 0.5 * rng.standard_normal((len(y), N_FEATURES)) + 2
    path = Path(person) / f"{number}.txt"
    return GestureRun(
        path, "", person, number, features.astype(np.float32), y, np.array(segment)
    )


def accuracy(found: NDArray[np.float64], run: GestureRun, order: Order) -> float:
    label = run.label[order]
    right = found.argmax(1) == label
    return float(right[label >= 0].mean())


@pytest.mark.parametrize("phase", range(PHASES))
def test_random_order_keeps_stretches_whole(phase: int) -> None:
    run = made_run("01")
    rng = np.random.default_rng(0)
    orders = [random_order(run, rng, phase) for _ in range(5)]
    for order in orders:
        assert sorted(order) == list(recorded_order(run, phase))
        # As a circle each stretch is met once, from its first window to its last.
        segment = run.segment[order]
        edges = np.flatnonzero(segment != np.roll(segment, 1))
        assert len(edges) == 12
        circle = np.roll(order, -edges[0])
        for part in np.split(
            circle, np.cumsum(np.diff([*edges, edges[0] + len(order)]))
        ):
            assert (np.diff(part) == PHASES).all()
    firsts = {tuple(dict.fromkeys(run.segment[order])) for order in orders}
    assert len(firsts) == 5, "the order is another one each time"
    assert any(run.segment[o[0]] == run.segment[o[-1]] for o in orders), "begun within"


def test_a_stretch_ends_half_way_to_the_next(data: Path) -> None:
    (run, *_) = read_runs(data, ArmbandFeatures(8), LABELS)
    stretches = [s for s in constant(run.label) if run.label[s[0]] >= 0]
    assert len(stretches) == 12
    for k, (start, stop) in enumerate(stretches):
        assert (run.segment[start:stop] == k).all()
    for (_, stop), (start, _) in pairwise(stretches):
        before = np.count_nonzero(run.segment[stop:start] == run.segment[stop - 1])
        assert before in ((start - stop) // 2, (start - stop + 1) // 2)


def few(**changes: Any) -> Settings:
    return replace(Settings(n_heads=2, n_hidden=32, n_epochs=6, batch=64), **changes)


def test_heads_learn_what_is_there_to_learn() -> None:
    runs = [made_run(f"{k:02}", seed=k) for k in range(3)]
    model = fit_net(runs, Effort(8), few(), 6, seed=0)
    new = made_run("new", seed=9)
    order = recorded_order(new)
    found = model.probabilities(new, order)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    assert accuracy(found, new, order) > 0.95
    untrained = fit_net(runs, Effort(8), few(lr=1e-9), 6, seed=0)
    assert accuracy(untrained.probabilities(new, order), new, order) < 0.6


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_order_of_gestures_is_learnt_only_when_asked(shuffled: bool) -> None:
    """Two pairs of gestures look the same; the running mean tells what came before."""
    told: dict[str, Any] = {"sequence": (0, 2, 1, 3), "looks": (0, 0, 1, 1), "each": 50}
    runs = [made_run(f"{k:02}", seed=k, **told) for k in range(6)]
    quick = few(n_epochs=40, batch=16, dropout=0.1, worth=5.0, lr=5e-3)
    model = fit_net(runs, Effort(8), replace(quick, shuffled=shuffled), 4, seed=0)
    new = made_run("new", seed=9, **told)
    order = recorded_order(new)
    found = accuracy(model.probabilities(new, order), new, order)
    assert found < 0.6 if shuffled else found > 0.75


def test_grids_of_a_run_may_hold_far_more_windows_than_others() -> None:
    """The schedule is as long as the fullest grids ask for, not their average."""
    run = made_run("01", sequence=(0, 1) * 30, each=6)
    run.label[np.arange(len(run.label)) % PHASES != 2] = -1
    model = fit_net([run] * 3, Effort(8), few(batch=2), 6, seed=0)
    assert np.isfinite(model.probabilities(run, recorded_order(run))).all()


def worn(run: GestureRun, placement: str) -> GestureRun:
    """Return a run as it would be with the armband placed in another way."""
    features = np.empty_like(run.features)
    features[:, ORDERS[NAMES.index(placement)]] = run.features
    return replace(run, features=features)


OTHERWISE = {"02": "mirrored", "04": "turned by -3 of 8 electrodes"}


def some_worn_otherwise() -> tuple[list[GestureRun], list[GestureRun]]:
    """Return runs of six people as most wear the armband, and as these do."""
    alike = [made_run(f"{k:02}", n, seed=9 * k + n) for k in range(6) for n in (1, 2)]
    as_they_do = [
        worn(run, OTHERWISE[run.person]) if run.person in OTHERWISE else run
        for run in alike
    ]
    return alike, as_they_do


def test_people_are_trained_on_as_if_they_wore_it_as_most_do() -> None:
    alike, as_they_do = some_worn_otherwise()
    for found, wanted in zip(as_most(as_they_do, Effort(8)), alike, strict=True):
        np.testing.assert_array_equal(found.features, wanted.features)
        assert (found.person, found.number) == (wanted.person, wanted.number)
    for found, wanted in zip(as_most(alike, Effort(8)), alike, strict=True):
        np.testing.assert_array_equal(found.features, wanted.features)


def test_how_a_new_person_wears_it_is_found_without_labels() -> None:
    _, as_they_do = some_worn_otherwise()
    model = fit_net(as_most(as_they_do, Effort(8)), Effort(8), few(), 6, seed=0)
    new = made_run("new", seed=99)
    order = random_order(new, np.random.default_rng(1))
    half = len(order) // 2
    for placement in ("as in training", "mirrored", "turned by +1 of 8 electrodes"):
        told = replace(worn(new, placement), label=np.full_like(new.label, -1))
        found = model.probabilities(told, order)[half:]
        assert accuracy(found, new, order[half:]) > 0.95
    blind = replace(model, place=Placement([range(N_FEATURES)] * 16, *_NOTHING))
    found = blind.probabilities(worn(new, "mirrored"), order)[half:]
    assert accuracy(found, new, order[half:]) < 0.6


def test_one_gesture_over_and_over_tells_nothing_of_how_it_is_worn() -> None:
    runs = [made_run(f"{k:02}", seed=k) for k in range(3)]
    model = fit_net(runs, Effort(8), few(), 6, seed=0)
    np.testing.assert_array_equal(model.place.usual.numpy(), model.prior.scale)

    def told(sequence: Sequence[int]) -> NDArray[np.bool_]:
        """Return which windows are evidence, in a run without an end."""
        new = made_run("new", sequence=sequence, seed=9)
        seen = model.prior.seen(new, recorded_order(new))
        evidence = model.place(*map(torch.from_numpy, seen)).numpy()
        return np.asarray((evidence != 0).any(axis=1))

    assert told((0, 1, 2, 3, 4, 5) * 20).all()
    alone = told((4,) * 60)
    assert alone[0], "at first nobody knows that it will be the only one"
    assert not alone[len(alone) // 2 :].any()


_NOTHING = np.zeros((1, N_FEATURES)), np.eye(N_FEATURES), np.ones(N_FEATURES), 0.0


def test_a_person_who_never_made_a_gesture_is_never_answered_it() -> None:
    run = made_run("01", sequence=(0, 1, 3, 5) * 2)
    found = fit_person(run, 6).probabilities(run, recorded_order(run))
    assert found.shape == (len(recorded_order(run)), 6)
    np.testing.assert_allclose(found.sum(1), 1)
    assert (found[:, [2, 4]] == 0).all()
    assert accuracy(found, run, recorded_order(run)) > 0.95


def test_nobody_is_held_out_of_the_fit_that_judges_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted: list[tuple[int, frozenset[str]]] = []
    judged: list[tuple[int, str]] = []

    def fit(runs: Sequence[GestureRun], *args: Any, **_: Any) -> Any:
        fitted.append((args[1].n_epochs, frozenset(run.person for run in runs)))
        return fitted[-1][0]

    def judge(model: int, run: GestureRun) -> float:
        judged.append((model, run.person))
        return {10: 0.5, 20: 0.9, 30: 0.7}[model]

    monkeypatch.setattr(gesturefit, "fit_net", fit)
    monkeypatch.setattr(gesturefit, "accuracy", judge)
    runs = [made_run(f"{k:02}", n) for k in range(6) for n in (1, 2)]
    everyone = {run.person for run in runs}
    for seed in range(4):
        fitted.clear()
        judged.clear()
        found = choose_epochs(runs, Effort(8), few(), 6, seed)
        assert found == few(n_epochs=20)
        assert [n for n, _ in fitted] == [10, 20, 30]
        for n, trained in fitted:
            theirs = [person for epochs, person in judged if epochs == n]
            assert trained.isdisjoint(theirs)
            assert trained | set(theirs) == everyone
            assert len(theirs) == 2 * len(set(theirs)) == 4, "both recordings of two"


def test_of_one_person_none_is_held_out() -> None:
    runs = [made_run("01"), made_run("01", 2)]
    assert choose_epochs(runs, Effort(8), few(), 6, 0) == few()

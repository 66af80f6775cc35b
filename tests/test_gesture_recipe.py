"""The recipe `gesture`, run for real on a few made people; and what it must not learn.

Person 04 makes every gesture as all others do, and is told to make the next one: what
knows 04 answers rightly, and what has never met 04 answers wrongly. Person 05 wears the
armband the other way round.
"""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rtpipe import cli
from rtpipe.bundle import Bundle
from rtpipe.card import Placements, read_card
from rtpipe.checks import check_bundle
from rtpipe.features.armband import ArmbandFeatures
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
from rtpipe.training.gestureplacement import DEPTH, LEAD, NAMES, ORDERS, as_most
from rtpipe.training.gestureruns import GestureRun, Order, read_runs, recorded_order
from rtpipe.training.recipe import train

from .gesturepeople import OTHER, PEOPLE, SOLE, write_people, write_recording

Capture = pytest.CaptureFixture[str]


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


# Training side and live path are one ------------------------------------------------


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


def test_a_stretch_ends_half_way_to_the_next(data: Path) -> None:
    (run, *_) = read_runs(data, ArmbandFeatures(8), LABELS)
    stretches = [s for s in constant(run.label) if run.label[s[0]] >= 0]
    assert len(stretches) == 12
    for k, (start, stop) in enumerate(stretches):
        assert (run.segment[start:stop] == k).all()
    for (_, stop), (start, _) in pairwise(stretches):
        before = np.count_nonzero(run.segment[stop:start] == run.segment[stop - 1])
        assert before in ((start - stop) // 2, (start - stop + 1) // 2)


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

"""What a person sees of training and evaluation."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from rtpipe.bundle import Bundle, Exported, Standardised
from rtpipe.card import Card, Placements, StageCard, Training
from rtpipe.console import Output
from rtpipe.decide import Decision
from rtpipe.errors import ConfigError
from rtpipe.features.timedomain import LogRms
from rtpipe.recording import recordings_in
from rtpipe.training import report

Capture = pytest.CaptureFixture[str]
LABELS = ("rest", "fist")


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen on which no table is broken, and which is no terminal."""
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")


def card(**changes: Any) -> Card:
    settings: dict[str, Any] = {
        "name": "gesture",
        "task": "gesture",
        "labels": LABELS,
        "sfreq": 1000,
        "ch_names": ("A", "B"),
        "units": ("none",) * 2,
        "n_times": 200,
        "hop": 50,
        "notes": ("For tests only",),
        "training": Training(recipe="none", protocol="none", seed=0, simulated=True),
    }
    return Card(**settings | changes)


def found(**changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "n_windows": 10,
        "accuracy": 0.7,
        "accuracy_smoothed": 0.8,
        "macro_f1": 0.65,
        "labels": list(LABELS),
        "confusion": [[3, 1], [2, 4]],
        "per_group": {"01": 0.7},
        "seen": [],
        "unscored": {"unlabelled": [], "short": [], "unanswered": []},
        "data": "somewhere",
    }
    return usual | changes


def rows(text: str) -> list[list[str]]:
    """Return the cells of what was printed, without the lines of tables."""
    return [
        line.translate(dict.fromkeys(map(ord, "│┃"), " ")).split()
        for line in text.splitlines()
    ]


# Progress ---------------------------------------------------------------------------


def going(tracked: bool) -> list[int]:
    if tracked:
        return list(report.tracked("reading")([1, 2, 3]))
    with report.working("fitting", 3) as step:
        for _ in range(3):
            step()
    return [1, 2, 3]


@pytest.mark.parametrize("tracked", [True, False])
@pytest.mark.usefixtures("terminal")
def test_a_bar_on_a_terminal(tracked: bool, capsys: Capture) -> None:
    assert going(tracked) == [1, 2, 3]
    printed = capsys.readouterr()
    assert ("reading" if tracked else "fitting") in printed.err
    assert "100%" in printed.err
    assert printed.out == "", "standard output is for results"


@pytest.mark.parametrize("tracked", [True, False])
def test_no_bar_in_a_file(tracked: bool, capsys: Capture) -> None:
    assert going(tracked) == [1, 2, 3]
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("terminal")
def test_a_bar_stands_where_the_work_failed(capsys: Capture) -> None:
    def fails() -> None:
        with report.working("fitting", 4) as step:
            step()
            raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        fails()
    err = capsys.readouterr().err
    assert "25%" in err
    assert err.count("\x1b[?25l") == err.count("\x1b[?25h") > 0, "the cursor is back"


# Evaluation -------------------------------------------------------------------------


def test_figures_and_confusion(capsys: Capture) -> None:
    report.print_evaluation(found(), card())
    out = capsys.readouterr().out
    assert "gesture on somewhere: 10 windows" in out
    assert "accuracy 0.700, macro F1 0.650" in out
    assert "decisions       accuracy 0.800" in out
    assert ["rest", "3", "1"] in rows(out)
    assert ["fist", "2", "4"] in rows(out)
    assert "For tests only" in out
    assert "group" not in out, "one group is the whole"
    assert "SEEN" not in out
    assert "not scored" not in out


def test_names_from_outside_are_shown_as_they_are(capsys: Capture) -> None:
    """They may look like markup, or hold what moves a terminal's cursor."""
    labels = ("rest [low]", "fist[/b]\x1b[2J")
    told = found(
        labels=list(labels),
        per_group={"day [1]": 0.1, ":smile:": 0.2},
        seen=["old [a]/1.txt"],
        data="[red]",
    )
    report.print_evaluation(told, card(notes=("a [b] c",)))
    out = capsys.readouterr().out
    for name in ("rest [low]", "fist[/b]", "day [1]", ":smile:", "old [a]/1", "[red]:"):
        assert name in out
    assert "a [b] c" in out
    assert "\x1b" not in out


def test_several_groups(capsys: Capture) -> None:
    groups = {"01": 0.7, "02": None, "03": 0.123}
    report.print_evaluation(found(per_group=groups), card())
    out = rows(capsys.readouterr().out)
    for row in (["01", "0.700"], ["02", "not", "scored"], ["03", "0.123"]):
        assert row in out


def test_no_window_that_could_be_scored(capsys: Capture) -> None:
    nothing: dict[str, Any] = {"n_windows": 0, "accuracy": None}
    nothing |= {"accuracy_smoothed": None}
    nothing |= {"macro_f1": None, "confusion": [[0, 0], [0, 0]], "per_group": {}}
    seen = ["/data/a very long folder/" + "x" * 120 + "/1.txt", "/data/2.txt"]
    report.print_evaluation(found(**nothing, seen=seen), card(notes=()))
    assert capsys.readouterr().out.splitlines() == [
        "No window could be scored.",
        "Recordings not scored: 2 SEEN in training",
        *(f"SEEN in training, left out: {path}" for path in seen),
    ]


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("unlabelled", "without a window inside a label of the model"),
        ("short", "shorter than a window of 0.2 s"),
        ("unanswered", "without a window that could be answered"),
    ],
)
def test_why_recordings_are_not_scored(why: str, said: str, capsys: Capture) -> None:
    for n_windows in (0, 10):
        told = found(n_windows=n_windows)
        told["unscored"][why] = ["/data/1.txt", "/data/2.txt"]
        report.print_evaluation(told, card())
        out = capsys.readouterr().out
        assert f"Recordings not scored: 2 {said}\n" in out
        assert ("No window could be scored." in out) == (not n_windows)


def test_protocols(capsys: Capture) -> None:
    score = {"mean": 0.9, "median": 0.95, "worst": 0.5}
    other = {"mean": 0.91, "median": 0.96, "worst": 0.51}
    report.print_protocols({"b, run": {"single": score, "smoothed": other}})
    row = ["b,", "run", "0.900", "0.950", "0.500", "0.910", "0.960", "0.510"]
    assert row in rows(capsys.readouterr().out)


def inspected(capsys: Capture, **changes: Any) -> dict[str, str]:
    """Return what is printed of a card, by the word a line begins with."""
    report.print_card(card(**changes))
    table, *_ = capsys.readouterr().out.partition("accuracy: mean")
    lines = [re.split("  +", line.strip(), maxsplit=1) for line in table.splitlines()]
    assert all(len(line) == 2 for line in lines), lines
    return {word: sentence.strip() for word, sentence in lines}


def test_a_card_is_shown_in_words(capsys: Capture) -> None:
    training = Training(
        recipe="mine",
        protocol="one person left out",
        seed=7,
        simulated=False,
        recordings={"0" * 64: "1.csv", "1" * 64: "2.csv"},
        configurations_tried=1,
        settings={"dropout": 0.30000000000000004, "deep": True},
        versions={"rtpipe": "0.1.0", "python": "3.12.1"},
    )
    stages = (
        StageCard(kind="pick", settings={"ch_names": ["B", "A"]}),
        StageCard(kind="filter", settings={"low": 15.0, "high": None}),
        StageCard(kind="rereference"),
    )
    assert inspected(capsys, training=training, stages=stages, weights="ab" * 32) == {
        "name": "gesture",
        "task": "gesture",
        "labels": "rest, fist",
        "stream": "1000 Hz, 2 channels in raw counts: A, B",
        "windows": "0.2 s (200 samples), one each 0.05 s",
        "stages": "pick (ch_names (B, A)), then filter (low 15, high none), then "
        "rereference",
        "adapts": "no",
        "decision": "mean of the last 5; none where over 20% is missing or over 50% of "
        "the channels are flat or railed",
        "note": "For tests only",
        "recipe": "mine (dropout 0.3, deep yes)",
        "protocol": "one person left out",
        "seed": "7",
        "simulated": "no",
        "trained on": "2 recordings",
        "chosen from": "1 configuration",
        "versions": "rtpipe 0.1.0, python 3.12.1",
        "weights": "abababababab",
    }


@pytest.mark.parametrize(
    ("changes", "word", "wanted"),
    [
        ({"units": ("uV", "V")}, "stream", "1000 Hz, 2 channels: A in uV, B in V"),
        (
            {"ch_names": ("A",), "units": ("uV",), "sfreq": 256.5},
            "stream",
            "256.5 Hz, 1 channel in uV: A",
        ),
        ({"adapts": 40.0}, "adapts", "yes: the training counts as 40 windows"),
        (
            {
                "adapts": 40.0,
                "placements": Placements(names=("a", "b", "c"), lead=1, depth=2),
            },
            "placement",
            "found among 3, from what came before",
        ),
        ({"name": "x[red]\x1b[2Jy"}, "name", "x[red] [2Jy"),
        (
            {"decision": Decision(smoothing="none", dwell=3, confidence=0.6)},
            "decision",
            "each window alone; taken over once it came 3 times in a row; none where "
            "less sure than 60%; none where",
        ),
        (
            {"decision": Decision(smoothing="majority", windows=9)},
            "decision",
            "majority of the last 9; none",
        ),
        (
            {"decision": Decision(smoothing="exponential")},
            "decision",
            "exponential mean, as of the last 5; none",
        ),
    ],
)
def test_a_card_in_other_words(
    changes: dict[str, Any],
    word: str,
    wanted: str,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert inspected(capsys, **changes)[word].startswith(wanted)


def test_scores_by_protocol_are_the_table_of_the_training(capsys: Capture) -> None:
    score = {"mean": 0.92806267, "median": 1, "worst": 0.5}
    scores = {f"{k}, run": {"single": score, "smoothed": score} for k in range(20)}
    report.print_card(card(scores=scores))
    out = capsys.readouterr().out
    figures = ["0.928", "1.000", "0.500"]
    for k in range(20):
        assert [f"{k},", "run", *figures, *figures] in rows(out)
    assert len(out.splitlines()) < 50, "two screens"


@pytest.mark.parametrize(
    ("score", "wanted"),
    [
        (0.92806267, "0.928"),
        (1234.56789, "1234.568"),
        (12, "12"),
        ("good", "good"),
        (None, "none"),
        ([1.0, [2.5]], "1, 2.5"),
        ({"mean": 0.5, "by person": {"a": 1e-7}}, "mean 0.5, by person (a 1e-07)"),
        ({"single": {"mean": 1}, "smoothed": 3}, "single (mean 1), smoothed 3"),
        (
            {"single": {"mean": "?", "median": 1, "worst": 1}, "smoothed": {}},
            "single (mean ?, median 1, worst 1), smoothed ()",
        ),
        ({}, ""),
    ],
)
def test_scores_of_another_shape_are_a_line(
    score: Any, wanted: str, capsys: Capture
) -> None:
    report.print_card(card(scores={"their score": score}))
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.split("their score", 1)[1].strip() == wanted


# Results ----------------------------------------------------------------------------


def exported() -> Exported:
    head = Standardised(nn.Linear(2, 2))
    return Exported(LogRms(), head, torch.zeros(2), torch.ones(2))


def write(out: Path) -> Card:
    return report.write_results(
        out, "gesture", exported(), card(), {"accuracy": 0.5}, [[1, 0], [0, 0]]
    )


def test_results_are_four_files(tmp_path: Path) -> None:
    written = write(tmp_path)
    assert Bundle.load(tmp_path / "gesture.pt").card == written
    assert Card.model_validate_json((tmp_path / "card.json").read_text()) == written
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"accuracy": 0.5}
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_older_results_are_kept_under_a_number_of_their_own(tmp_path: Path) -> None:
    parts = ("gesture.pt", "card.json", "metrics.json", "confusion.png")
    (tmp_path / "metrics-1.json").write_text("mine")
    left: list[dict[str, bytes]] = []
    for _ in range(3):
        write(tmp_path)
        left.append({name: (tmp_path / name).read_bytes() for name in parts})
    for k, number in enumerate(("-2", "-3", "")):
        for name, content in left[k].items():
            file = tmp_path / name.replace(".", f"{number}.")
            assert file.read_bytes() == content, file
    assert (tmp_path / "metrics-1.json").read_text() == "mine"
    assert len([*tmp_path.iterdir()]) == 3 * len(parts) + 1


def test_results_of_another_recipe_are_kept(tmp_path: Path) -> None:
    write(tmp_path)
    before = (tmp_path / "card.json").read_bytes()
    report.write_results(tmp_path, "mental-state", exported(), card(), {}, [[1, 0]] * 2)
    assert (tmp_path / "card-1.json").read_bytes() == before
    names = {each.name for each in tmp_path.glob("*.pt")}
    assert names == {"gesture.pt", "mental-state.pt"}


def test_without_matplotlib_all_but_the_picture_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError) as error:
        write(tmp_path)
    assert str(error.value) == (
        "the picture of the confusion matrix needs the package 'matplotlib': install "
        f"it with `pip install 'rtpipe[train]'`; all else is in {tmp_path}"
    )
    names = ["card.json", "gesture.pt", "metrics.json"]
    assert sorted(each.name for each in tmp_path.iterdir()) == names


def test_a_figure_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        report.write_results(
            tmp_path, "x", exported(), card(), {"accuracy": float("nan")}, [[0]]
        )
    assert not (tmp_path / "metrics.json").exists()


# Recordings -------------------------------------------------------------------------

HEADER = "\t".join(["time", *(f"channel{k}" for k in range(1, 9)), "class"])
ROW = "\t".join(["0"] * 9 + ["1"])


def test_recordings_of_a_folder_are_those_that_look_like_some(tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/1.csv", "a/deep/3.dat"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{HEADER}\n{ROW}\n")
    (tmp_path / "b" / "README.txt").write_text("no recording")
    (tmp_path / "b" / "empty.txt").touch()
    paths = recordings_in(tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in paths]
    assert names == ["a/deep/3.dat", "b/1.csv", "b/2.txt"]
    assert recordings_in(tmp_path / "b" / "README.txt") != []  # as it is told


# A reader that goes -----------------------------------------------------------------


@contextmanager
def unread() -> Iterator[None]:
    """Make standard output a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", pipe)
        yield
        with open(os.devnull, "w") as nowhere:  # or closing the pipe would fail
            os.dup2(nowhere.fileno(), pipe.fileno())


def test_printing_for_nobody_is_an_error_like_any_other() -> None:
    with unread(), pytest.raises(BrokenPipeError):
        Output().print("nobody reads this, and nobody is told")


def test_who_wants_to_know_is_told_once() -> None:
    told: list[str] = []
    with unread():
        console = Output(lambda: told.append("gone"))
        console.print("nobody reads this")
        console.print("nor this")
        print("and this goes nowhere", flush=True)
    assert told == ["gone"]

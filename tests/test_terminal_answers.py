"""What the terminal says of a model's answers, and where there is none."""

import re
from math import nan

import pytest

from rtpipe.link import State
from rtpipe.percent import percent

from .screen import LABELS, NOW, answer, ended, make_run, make_stream, row, shown

pytestmark = pytest.mark.usefixtures("xterm")


def test_before_the_first_answer_the_window_fills() -> None:
    run = make_run([make_stream(seconds=0.6)])
    frame = shown(run, [])
    assert "filling the first window: 0.6 of 2.0 s" in frame
    assert "▸" not in frame
    assert "—" in row(frame, "pinch")


def test_a_full_window_without_an_answer_waits_for_one() -> None:
    assert "waiting for the first answer" in shown(make_run([make_stream()]), [])


def test_windows_a_bundle_never_saw_are_told_when_there_are_any() -> None:
    run = make_run([make_stream()])
    assert "not finite" not in shown(run, [])
    run.models["model-0"].windows["arm"].not_finite = 4
    assert "8 answered · 1 skipped · 0 rejected · 4 not finite" in shown(run, [])


def test_before_the_first_sample_it_waits() -> None:
    assert "waiting for the first sample" in shown(
        make_run([make_stream(seconds=0)]), []
    )


def test_the_decision_is_marked_and_so_is_the_truth() -> None:
    frame = shown(make_run([make_stream()]), [answer(truth="open")], [])
    assert "▸ fist" in frame
    assert "85 %" in row(frame, "▸ fist")
    assert frame.count("◂ truth") == row(frame, "7 %").count("◂ truth") == 1
    assert "truth: gesture" not in frame  # which the device does not tell


def test_a_bar_is_as_long_as_its_probability() -> None:
    shares = (0.25, 0.5, 0.125, 0.125)
    frame = shown(make_run([make_stream()]), [answer(probabilities=shares)])
    halves = {}
    for label in LABELS:
        (line,) = [
            each for each in frame.splitlines() if f" {label} " in each and "─" in each
        ]
        halves[label] = 2 * line.count("━") + line.count("╸")
    total = sum(halves.values())
    for label, share in zip(LABELS, shares, strict=True):
        assert abs(halves[label] - share * total) <= 2


def test_a_rejected_window_says_none_and_why() -> None:
    frame = shown(make_run([make_stream()]), [answer(None)])
    assert re.search(r"\bNONE +low confidence", frame)
    assert "▸" not in frame


def test_probabilities_that_are_no_numbers_are_shown_as_unknown() -> None:
    frame = shown(make_run([make_stream()]), [answer(None, (nan, 0.4, nan, nan))])
    assert "40 %" in row(frame, "fist")
    assert "—" in row(frame, "pinch")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        *((0.0, "0 %"), (0.001, "<1 %"), (0.5, "50 %"), (0.999, ">99 %")),
        *((1.0, "100 %"), (None, "—"), (nan, "—")),
    ],
)
def test_percent_is_never_nothing_or_all_unless_it_is(
    share: float | None, text: str
) -> None:
    assert percent(share).strip() == text
    assert len(percent(share)) == 5


def test_an_old_answer_is_never_shown_as_the_current_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_run([make_stream()])
    times = iter([run.started + 10, run.started + 13.5])
    monkeypatch.setattr(NOW, lambda: next(times))
    frame = shown(run, [answer()], [])
    assert re.search(r"NONE +no answer for 3.5 s", frame)
    assert "85 %" not in frame


@pytest.mark.parametrize("size", [(60, 12), (80, 24), (130, 40)])
def test_a_decision_ends_when_the_run_says_so(size: tuple[int, int]) -> None:
    frame = shown(
        make_run([make_stream()]), [answer(truth="fist")], [ended()], size=size
    )
    assert "NONE" in frame
    assert "no data for 0.16 s" in frame
    assert "▸" not in frame
    assert "85 %" not in frame
    assert "━" not in frame
    again = shown(make_run([make_stream()]), [ended()], [answer()], size=size)
    assert "▸ fist" in again or "85 %" in again
    assert "NONE" not in again


@pytest.mark.parametrize("state", ["lost", "recovering"])
def test_a_decision_ends_with_the_connection(state: State) -> None:
    run = make_run([make_stream()])
    run.streams["arm"].link.become(state, run.started, "switch it on")
    frame = shown(run, [answer()])
    assert re.search("NONE +no data: the connection is lost", frame)
    assert "85 %" not in frame
    assert "switch it on" in frame


def test_a_decision_that_ended_waits_for_the_next_window() -> None:
    run = make_run([make_stream(seconds=0.6)])
    frame = shown(run, [answer()], [ended()])
    assert "filling the next window: 0.6 of 2.0 s" in frame
    run.streams["arm"].link.become("degraded", run.started, "no data for 0.2 s")
    assert re.search("NONE +no data for 0.16 s", shown(run, [answer()], [ended()]))

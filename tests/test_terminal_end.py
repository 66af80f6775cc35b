"""What is printed at a run's end: what was lost, and how often models were right."""

import io
import re
from collections.abc import Sequence

import pytest
from rich.console import Console

from rtpipe.sink import Item, Run
from rtpipe.terminal.view import TerminalView

from .screen import NOTES, answer, make_run, make_stream, shown

pytestmark = pytest.mark.usefixtures("xterm")


def told_at_the_end(run: Run, items: Sequence[Item], width: int = 80) -> str:
    """Return what is printed at the end, to a file."""
    file = io.StringIO()
    view = TerminalView(Console(file=file, width=width))
    view.open(run)
    view.take(items)
    start = file.tell()
    view.close()
    return file.getvalue()[start:]


def test_the_end_says_how_well_each_class_was_recognised() -> None:
    run = make_run([make_stream()])
    run.streams["arm"].counters.lost_transport, run.streams["arm"].counters.outages = (
        7,
        2,
    )
    run.models["model-0"].windows["arm"].rejected = 3
    # Of 30 rests all, of 10 fists one half: 88 % correct, and balanced 75 %.
    answers = [answer("rest", truth="rest")] * 30 + [answer(truth="fist")] * 5
    answers += [answer(None, truth="fist")] * 3 + [answer("open", truth="fist")] * 2
    text = told_at_the_end(run, [*answers, answer(truth=None)])
    assert re.search(r"arm +1,000 +1,000 +0 +7 +0", text)
    assert "arm: outages 2" in text
    assert re.search(r"model-0 +9 +8 +3 +1 +12 ms +12 ms +75 %", text)
    assert "rest 100 % of 30, fist 50 % of 10" in text
    assert all(note in text for note in NOTES)


def test_the_end_of_a_run_that_lost_nothing_is_one_line() -> None:
    run = make_run([make_stream(), make_stream("leg"), make_stream("head", seconds=0)])
    run.streams["leg"].counters.missing = 3
    text = told_at_the_end(run, [answer()])
    first, second, *_ = text.splitlines()
    assert first.strip() == (
        "nothing was lost: 1,000 of 1,000 samples of arm, 1,000 of 1,000 of leg "
        "(3"  # and on the next line, for the line is full
    )
    assert second.split() == ["unusable)"]
    assert "no sample came of head" in text


def test_a_view_that_failed_prints_no_end() -> None:
    run = make_run([make_stream()])
    run.failed[TerminalView.name] = "no such colour"
    assert told_at_the_end(run, [answer()]) == ""


def test_the_end_without_models_and_truth() -> None:
    assert "nothing was lost" in told_at_the_end(make_run([make_stream()], 0), [])
    assert "recall" not in told_at_the_end(make_run([make_stream()]), [answer()])


@pytest.mark.parametrize(
    ("counter", "said"),
    [
        ("lost_device", r"leg +1,000 +1,000 +1,234,567 +0 +0"),
        ("lost_transport", r"leg +1,000 +1,000 +0 +1,234,567 +0"),
        ("gaps", "leg: long gaps 1,234,567"),
        ("outages", "leg: outages 1,234,567"),
        ("late", "leg: late 1,234,567"),
        ("malformed", "leg: malformed 1,234,567"),
    ],
)
def test_every_loss_of_a_stream_is_told_at_the_end(counter: str, said: str) -> None:
    run = make_run([make_stream(), make_stream("leg")], n_models=0)
    setattr(run.streams["leg"].counters, counter, 1234567)
    text = told_at_the_end(run, [])
    assert re.search(said, text)
    assert re.search(r"arm +1,000 +1,000 +0 +0 +0", text)
    assert "arm:" not in text
    assert "nothing was lost" not in text


def test_what_was_not_recorded_or_read_is_told_at_the_end() -> None:
    run = make_run([make_stream()])
    run.unrecorded["arm"] = 5
    run.dropped |= {"jsonl": 6, "socket": 0, "recorder": 2}
    run.failed["recorder"] = "disk full"
    run.models["model-0"].windows["arm"].overwritten = 7
    text = told_at_the_end(run, [])
    assert "arm: overwritten 7, not recorded 5" in text
    assert "6 predictions and events did not reach jsonl: it was too slow" in text
    assert "2 predictions and events did not reach recorder: it stopped\n" in text
    assert "socket" not in text
    assert "5 samples not recorded" in shown(run, [], size=(100, 24))


@pytest.mark.parametrize(
    ("counter", "said"),
    [
        ("stale", "stale"),
        ("overrun", "overwritten"),
        ("not_finite", "not finite"),
        ("unanswered", "left over"),
    ],
)
def test_every_window_without_an_answer_is_told_at_the_end(
    counter: str, said: str
) -> None:
    run = make_run([make_stream()])
    setattr(run.models["model-0"].windows["arm"], counter, 17)
    text = told_at_the_end(run, [])
    assert f"model-0: {said} 17\n" in re.sub(" +\n", "\n", text)
    assert re.search(r"model-0 +9 +8 +0 +1", text)


def test_names_and_counts_at_the_end_are_never_cut() -> None:
    run = make_run([make_stream("synthetic:emg")], n_models=3)
    counters = run.streams["synthetic:emg"].counters
    counters.lost_device = counters.expected = 123_456_789
    told = told_at_the_end(run, [answer(model="model-0", stream="synthetic:emg")])
    assert "…" not in told
    assert "123,456,789" in told

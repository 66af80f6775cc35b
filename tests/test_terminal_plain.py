"""Without a terminal: plain lines, and nothing that happened is left out."""

import gc
import io
import os
import re
import tracemalloc
from dataclasses import replace

import pytest
from rich.console import Console

from rtpipe.sink import Item
from rtpipe.terminal.canvas import TIMES
from rtpipe.terminal.plain import PlainLog
from rtpipe.terminal.view import TerminalView
from rtpipe.types import Event

from .screen import NOTES, answer, ended, make_run, make_stream

pytestmark = pytest.mark.usefixtures("xterm")


def test_without_a_terminal_there_is_a_plain_line_a_model_and_no_colour() -> None:
    file = io.StringIO()
    view = TerminalView(Console(file=file, width=60), period=0)
    view.open(make_run([make_stream()], n_models=2))
    first = file.getvalue()
    assert all(note in first for note in NOTES)
    answers = [answer("rest", (0.9, 0.1, 0, 0))] * 500 + [answer()]
    view.take([*answers, answer(None, model="model-1")])
    view.take(answers)
    lines = file.getvalue()[len(first) :].splitlines()
    assert len(lines) == 2
    assert re.search(r"arm +model-0 +fist 85 % +10 ms$", lines[0])
    assert lines[1].endswith("none: low confidence  10 ms")
    view.close()
    assert "\x1b" not in file.getvalue()


def test_without_a_terminal_events_are_lines_too() -> None:
    file = io.StringIO()
    view = TerminalView(Console(file=file, width=60), period=0)
    view.open(make_run([make_stream()]))
    told = {"channels": {"EMG0": "good", "EMG1": "flat"}}
    gap = Event("arm", 0.0, "gap", 5, {"lost": 12, "filled": True, "estimated": False})
    view.take([gap, gap, Event("arm", 0.0, "quality", 5, told)])
    view.close()
    assert f"gap {TIMES}2  lost 12 · filled" in file.getvalue()
    assert "quality  EMG1 flat" in file.getvalue()


def test_without_a_terminal_nothing_that_happened_is_left_out() -> None:
    file = io.StringIO()
    view = TerminalView(Console(file=file, width=60))
    view.open(make_run([make_stream(), make_stream("leg")]))
    for _ in range(3):
        view.take([answer(), ended(), ended("lost"), ended("degraded")])
        view.take([Event("arm", 0.0, "recovered", 9, {"after": 7.25})])
        view.take([Event("arm", 0.0, "steady")])
    for text in ("sat", "stood", "sat"):
        view.take([Event(s, 0.0, "marker", 1, {"text": text}) for s in ("arm", "leg")])
    view.close()
    text = file.getvalue()
    assert text.count("arm  none  model-0 · no data for 0.16 s") == 3
    assert text.count("arm  degraded") == text.count("arm  steady") == 3
    assert text.count("arm  recovered  after 7.2 s") == 3
    assert "fist 85 %" not in text.partition("sat")[0].split("none")[-1], "it had ended"
    assert re.search(rf"run  marker {TIMES}2  sat", text)
    assert "run  marker  stood" in text


def test_without_a_terminal_no_decision_is_printed_after_its_stream_is_lost() -> None:
    file = io.StringIO()
    run = make_run([make_stream(), make_stream("leg")])
    log = PlainLog(Console(file=file, width=60), run)
    for model in ("model-0", "model-1"):
        for stream in ("arm", "leg"):
            log.add(answer(stream=stream, model=model), 0.0)
    log.add(Event("arm", 0.0, "lost", None, {"reason": "no data"}), 0.0)
    log.close()
    after = file.getvalue().partition("arm  lost")[2]
    assert "leg  model-0  fist 85 %" in after
    assert "leg  model-1  fist 85 %" in after
    assert "arm  model" not in after


def test_without_a_terminal_what_is_of_a_recording_has_its_time() -> None:
    """A run of a moment may play an hour; what is of the run has the run's time."""
    file = io.StringIO()
    run = make_run([make_stream(n=1), make_stream("leg")])
    run.streams["arm"].clock = "recording"
    log = PlainLog(Console(file=file, width=60), run)
    told = {"text": "sat"}
    items: list[Item] = [
        replace(answer(), end=3725.5),
        answer(stream="leg", model="model-1"),
        Event("arm", 61.0, "quality", 5, {"channels": {"EMG0": "flat"}}),
        Event("arm", 62.0, "none", 5, {"model": "model-1", "reason": "a gap"}),
        Event("", run.started + 2, "sink", None, told),
    ]
    for item in items:
        log.add(item, run.started + 2)
    log.close()
    lines = file.getvalue().splitlines()
    assert lines[:2] == ["arm: 1 channel, 200 Hz", "leg: 8 channels, 200 Hz"]
    assert [line.split()[:3] for line in lines[-5:]] == [
        ["1:02", "arm", "none"],  # at once; the others in the order of their times
        ["0:02", "leg", "model-1"],
        ["0:02", "run", "sink"],
        ["1:01", "arm", "quality"],
        ["1:02:05", "arm", "model-0"],
    ]


def test_without_a_terminal_a_thousand_markers_take_no_more_memory_than_ten() -> None:
    with open(os.devnull, "w") as file:
        log = PlainLog(Console(file=file, width=60), make_run([make_stream()]))

        def mark(times: range) -> int:
            """Tell a marker every second, and return what memory is held then."""
            for time in times:
                text = f"{time:01000d}"
                log.add(Event("arm", 0.0, "marker", 1, {"text": text}), float(time))
                log.show(float(time))
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            before = mark(range(10))
            assert mark(range(10, 1010)) - before < 100_000, "each is of 1000 letters"
        finally:
            tracemalloc.stop()

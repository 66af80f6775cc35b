"""Prompts on the terminal: read back from what is drawn."""

import io
import re
import string
from collections.abc import Sequence

import pytest
from rich.console import Console, ConsoleDimensions

from rtpipe.clock import now
from rtpipe.cues import Cue
from rtpipe.sink import RecordingStatus, Run
from rtpipe.terminal.canvas import Picture, width_of
from rtpipe.terminal.cuepanel import cue_lines, place, sentence, summary
from rtpipe.terminal.drawing import Drawing
from rtpipe.terminal.largetext import large
from rtpipe.terminal.view import TerminalView

ON = Cue("fist", "wrist extension", 2.2, 3.0, 3, 15)
READY = Cue(None, "fist", 1.2, 2.0, 3, 15)
WAITS = Cue(None, "fist", 0.0, 2.0, 3, 15, "arm is lost: the cues wait for it")
AGAIN = Cue(None, "fist", 1.2, 2.0, 3, 15, broken=1, again=True)
LAST = Cue("öffnen", None, 0.4, 3.0, 14, 15)
OVER = Cue(None, None, 0.0, 2.0, 15, 15)
TRUTH = Cue("rest", None, 0.0, 0.0, 0, 0)
FOLLOWED = Cue("rest", None, 0.0, 0.0, 7, 0)
ALL = (ON, READY, WAITS, AGAIN, LAST, OVER, TRUTH, FOLLOWED)


def dots(rows: Sequence[str]) -> list[str]:
    """Return a text's dots, seven rows of ``#`` and spaces, whatever its size."""
    if len(rows) == 7:
        return ["".join("#" if c == "█" else " " for c in row[::2]) for row in rows]
    upper, lower = ("█▀", "█▄")
    both = [
        "".join("#" if c in half else " " for c in row)
        for row in rows
        for half in (upper, lower)
    ]
    assert not both.pop().strip()  # seven rows and one that is empty
    return both


# Large letters --------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Fist", "wrist extension", "0123456789", "a-b_c"])
def test_both_sizes_show_the_same_letters(text: str) -> None:
    n = 6 * len(text) - 1
    tall, small = large(text, 2 * n, 7), large(text, n, 4)
    assert (len(tall), len(small)) == (7, 4)
    assert {len(row) for row in tall} == {2 * n}
    assert {len(row) for row in small} == {n}
    assert dots(tall) == dots(small)


def test_the_largest_that_fits() -> None:
    n = 6 * 4 - 1
    for width, height, rows in (
        (2 * n, 7, 7),
        (2 * n - 1, 7, 4),
        (2 * n, 6, 4),
        (n - 1, 7, 1),
        (2 * n, 3, 1),
    ):
        found = large("fist", width, height)
        assert len(found) == rows
        assert rows > 1 or found == ["fist"]
    assert large("fist", 3, 7) == ["fis"]
    assert large("öffnen", 200, 7) == large("offnen", 200, 7)
    assert large("Füße", 200, 7) == large("FUSSE", 200, 7)
    assert large("кулак", 200, 7) == ["кулак"]
    assert large("", 20, 7) == [""]


def test_no_two_characters_look_alike() -> None:
    every = string.ascii_uppercase + string.digits + "-_ "
    drawn = {"\n".join(large(each, 20, 7)) for each in every}
    assert len(drawn) == len(every)


# The panel ------------------------------------------------------------------------


@pytest.mark.parametrize("cue", ALL)
@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("height", [5, 18, 19, 20, 23, 60])
def test_it_leaves_room_for_the_signals(cue: Cue, width: int, height: int) -> None:
    lines = cue_lines(cue, width, height)
    assert len(lines) <= max(1, height - 14)
    if len(lines) > 1:
        assert {width_of(line) for line in lines} == {width}


def test_what_is_said() -> None:
    assert (sentence(ON), place(ON)) == (
        "FIST for 3, then wrist extension",
        "cue 4 of 15",
    )
    assert sentence(READY) == "get ready: FIST in 2"
    assert sentence(WAITS) == "arm is lost: the cues wait for it"
    assert (sentence(LAST), place(LAST)) == ("ÖFFNEN for 1", "cue 15 of 15")
    assert (sentence(OVER), place(OVER)) == ("done", "cues: 15 of 15")
    assert sentence(AGAIN) == "get ready: FIST in 2, once more: it was disturbed"
    assert place(FOLLOWED) == "cues done: 7"
    assert sentence(Cue(None, None, 0.0, 0.0, 7, 0)) == "..."
    assert summary(OVER) == "cues: 15 of 15 done"
    assert summary(AGAIN) == "cues: 3 of 15 done, 1 broken, 12 left"
    assert summary(FOLLOWED) == "cues: 7 done"
    assert (sentence(TRUTH), place(TRUTH)) == ("REST", "cues")


def shown(run: Run, width: int, height: int) -> str:
    """Return the screen with what a run says of its cue now."""
    view = TerminalView(terminal(width, height))
    view.open(run)
    view.take([])
    text = read_back(view.picture, width)
    view.close()
    return text


def terminal(width: int, height: int) -> Console:
    console = Console(file=io.StringIO(), force_terminal=True)
    console.size = ConsoleDimensions(width, height)
    return console


def read_back(picture: Picture, width: int) -> str:
    reader = Console(file=io.StringIO(), width=width, color_system=None)
    reader.print(picture)
    assert isinstance(reader.file, io.StringIO)
    return reader.file.getvalue()


def empty_run(cue: Cue | None = None) -> Run:
    run = Run("bench", now(), {}, {}, lambda: None, print)
    run.cue = cue
    return run


def test_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    text = shown(empty_run(ON), 100, 40)
    assert "cue 4 of 15" in text
    assert all(row in text for row in large("fist", 96, 7))
    full = re.search("━+", text)
    assert full is not None
    assert len(full[0]) == round(2.2 / 3 * 96)
    assert all(row in shown(empty_run(ON), 80, 24) for row in large("fist", 76, 4))
    assert all(row in shown(empty_run(WAITS), 100, 40) for row in large("wait", 96, 7))
    assert "cue" not in shown(empty_run(), 100, 40)


def test_cues_that_nobody_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key r, or a full disk, may have ended the recording."""
    monkeypatch.setenv("TERM", "xterm-256color")
    run = empty_run(ON)
    assert "NOT RECORDING" in shown(run, 80, 24)
    run.recordings = [RecordingStatus("own.xdf", 0.0)]
    assert "NOT RECORDING" not in shown(run, 80, 24)
    for state in ("finished", "stopped"):
        run.recordings[0].state = state
        assert "NOT RECORDING" in shown(run, 80, 24)
    run.cue = None
    assert "NOT RECORDING" not in shown(run, 80, 24)


def test_a_picture_that_is_held_goes_on_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    run = empty_run(READY)
    drawing = Drawing(terminal(100, 40), run, {})
    drawing.show(now())
    drawing.pause(now())
    run.cue = ON
    drawing.show(now())
    assert sentence(ON) in read_back(drawing.picture, 100)
    drawing.close()


def test_lines_of_plain_text_say_each_prompt_once() -> None:
    file = io.StringIO()
    view = TerminalView(Console(file=file, width=100), period=0.0)
    run = empty_run()
    view.open(run)
    for cue in (READY, READY, ON, ON, WAITS, READY):
        run.cue = cue
        view.take([])
    lines = [line[9:] for line in file.getvalue().splitlines() if "cue" in line]
    assert lines == [
        f"{place(cue)}  {sentence(cue)}" for cue in (READY, ON, WAITS, READY)
    ]

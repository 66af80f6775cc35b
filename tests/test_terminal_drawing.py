"""What is written to a terminal when, and in which characters."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console, ConsoleDimensions

from rtpipe.terminal.view import TerminalView

from .screen import answer, make_run, make_stream, shown

pytestmark = pytest.mark.usefixtures("xterm")


def test_only_what_changed_is_written_and_all_of_it_on_another_size() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, height=24)
    view = TerminalView(console, period=0)
    view.open(make_run([make_stream()]))
    written: list[str] = []
    for items in ([], [], [answer()], []):
        start = file.tell()
        if len(written) == 3:
            console.size = ConsoleDimensions(70, 20)
        view.take(items)
        written.append(file.getvalue()[start:])
    first, same, changed, resized = written
    assert "EMG0" in first
    assert "EMG0" not in same
    assert "fist" in changed
    assert "EMG0" not in changed
    assert "EMG0" in resized
    view.close()


def test_the_picture_is_what_was_drawn() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    view = TerminalView(console, period=0)
    run = make_run([make_stream()])
    view.open(run)
    view.take([answer()])
    seen = Console(file=io.StringIO(), record=True, width=80)
    seen.print(view.picture)
    again = seen.export_text().rstrip()
    assert again == shown(run, [answer()]).rstrip()
    view.close()


def test_drawings_keep_their_distance() -> None:
    file = io.StringIO()
    view = TerminalView(Console(file=file, force_terminal=True), period=3600)
    view.open(make_run([make_stream()]))
    for _ in range(5):
        view.take([answer()])
    assert file.getvalue().count("Ctrl-C stops") == 1
    view.close()


def test_the_screen_is_given_back_also_when_drawing_fails() -> None:
    file = io.StringIO()
    view = TerminalView(Console(file=file, force_terminal=True))
    view.open(make_run([make_stream()]))
    assert "\x1b[?1049h" in file.getvalue()
    with pytest.raises(KeyError, match="nobody"):
        view.take([answer(model="nobody")])
    assert "\x1b[?1049l" in file.getvalue()


def test_no_color_is_a_picture_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    file = io.StringIO()
    view = TerminalView(Console(file=file, force_terminal=True, width=80, height=24))
    view.open(make_run([make_stream()]))
    view.take([answer()])
    view.close()
    codes = set(re.findall(r"\x1b\[([\d;]*)m", file.getvalue()))
    assert codes <= {"0", "1", "2"}, "bold at most"
    assert "▸ " in file.getvalue()


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    file = io.StringIO()
    view = TerminalView(Console(file=file, force_terminal=True), period=0)
    view.open(make_run([make_stream()]))
    view.take([answer()])
    view.close()
    assert "model-0  fist 85 %" in file.getvalue()
    assert "\x1b" not in file.getvalue()


@pytest.mark.parametrize("drawn", [True, False])
def test_a_console_that_knows_letters_only_gets_letters(
    drawn: bool, tmp_path: Path
) -> None:
    path = tmp_path / "out.txt"
    with path.open("w", encoding="ascii") as file:
        view = TerminalView(Console(file=file, force_terminal=drawn, width=80))
        view.open(make_run([make_stream("µ-arm")]))
        view.take([answer(stream="µ-arm", truth="rest")])
        view.close()
    text = path.read_text(encoding="ascii")
    assert "fist" in text
    assert "balanced" in text

"""What is printed where no terminal is: whole lines, which can be copied."""

import sys

import pytest
from rich.table import Table

from rtpipe.console import Output, waiting

LONG = "play it: rtpipe replay " + "/".join(["a-folder"] * 40) + "/a.xdf"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def test_in_a_pipe_no_line_is_broken(capsys: Capture) -> None:
    table = Table.grid()
    table.add_row("file", LONG)
    console = Output()
    console.print(LONG)
    console.print(table)
    first, second = capsys.readouterr().out.splitlines()
    assert first == LONG
    assert LONG in second
    assert len(second) < len(LONG) + 10, "nothing is filled up to the edge"


def test_who_says_how_long_a_line_is_gets_it_so(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    Output().print("a word " * 40)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 4
    assert max(map(len, lines)) <= 60


def test_at_a_terminal_lines_are_as_wide_as_it_is(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert Output().width < 1000


def test_where_standard_error_was_closed_nothing_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with waiting("looking ..."):
        pass

"""`rtpipe devices`: what could be typed here, whatever an adapter does."""

import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console

from rtpipe import offers as module
from rtpipe.cli import app
from rtpipe.console import waiting
from rtpipe.device import Offer
from rtpipe.offers import offers
from rtpipe.terminal.offers import print_offers


class Radio:
    """A radio. More of it."""

    def __init__(self, *, gain: float = 1.0) -> None:
        self.gain = gain

    @staticmethod
    def look(seconds: float) -> Sequence[Offer]:
        return [
            Offer("radio:7", "EEG", "missing", "plug it in"),
            Offer("radio:8", f"EEG, found within {seconds:g} s", "ready"),
        ]


class Silent:
    """A file.

    More of it.
    """

    def __init__(self, path: str) -> None:
        self.path = path


class Broken:
    @staticmethod
    def look(seconds: float) -> Sequence[Offer]:
        raise OSError("a driver\nis not there")


@pytest.fixture
def adapters(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"radio": Radio, "silent": Silent, "broken": Broken}
    monkeypatch.setattr(module, "names", lambda group: sorted(known))
    monkeypatch.setattr(module, "find", lambda group, name: known[name])


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        app(["devices", *arguments])
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


@pytest.mark.usefixtures("adapters")
def test_every_adapter_is_asked_and_what_is_ready_comes_first() -> None:
    assert offers(0.5) == [
        ("radio", Offer("radio:8", "EEG, found within 0.5 s", "ready")),
        ("silent", Offer("silent:PATH", "A file", "ready")),
        ("broken", Offer("broken", "cannot be used", "missing", "is not there")),
        ("radio", Offer("radio:7", "EEG", "missing", "plug it in")),
    ]


@pytest.mark.usefixtures("adapters")
def test_a_line_each_where_it_is_piped(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "--scan", "0.5")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "ready  radio:8  EEG, found within 0.5 s",
        "ready  silent:PATH  A file",
        "missing  broken  cannot be used  is not there",
        "missing  radio:7  EEG  plug it in",
    ]


@pytest.mark.usefixtures("adapters")
def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "--json")
    assert (status, err, out.count("\n")) == (0, "", 1)
    told = json.loads(out)["devices"]
    assert told[0] == {
        "kind": "radio",
        "argument": "radio:8",
        "what": "EEG, found within 2 s",
        "state": "ready",
        "hint": "",
    }


@pytest.mark.parametrize("scan", ["0", "-1", "inf", "nan"])
def test_a_scan_takes_time(scan: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, f"--scan={scan}")
    assert (status, out) == (2, "")
    assert err == f"rtpipe: --scan wants seconds, got {float(scan):g}\n"


def test_a_table_on_a_terminal_fits_80_columns() -> None:
    long = "say [bold]this[/bold] in a very long hint\x1b[2J " * 6
    told = [
        ("lsl", Offer("lsl:source_id=0123456789012345678901234567890", "EMG", "ready")),
        ("muse", Offer("muse", "Muse headband", "missing", long)),
    ]
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    with console.capture() as capture:
        print_offers(told, console)
    drawn = capture.get()
    assert "\x1b[2J" not in drawn, "what comes from the network steers no terminal"
    plain = Console(width=80, no_color=True, force_terminal=True, color_system=None)
    with plain.capture() as capture:
        print_offers(told, plain)
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    assert "✓ ready lsl:source_id=" in text
    assert "✕ not now muse Muse headband" in text
    assert "[bold]this[/bold]" in text


def test_the_real_adapters(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--scan", "0.2", "--json")
    assert status == 0
    kinds = {each["kind"] for each in json.loads(out)["devices"]}
    assert {"lsl", "replay", "synthetic"} <= kinds


def test_who_waits_at_a_terminal_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with waiting("looking for [red]lsl:Arm"):
        pass
    assert capsys.readouterr() == ("", ""), "nothing where it is piped"
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with waiting("looking for [red]lsl:Arm"):
        pass
    assert "looking for [red]lsl:Arm" in terminal.getvalue()

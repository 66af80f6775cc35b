"""What the terminal tells of streams, of events, and of texts from outside."""

import io
import re

import pytest
from rich.console import Console

from rtpipe.counters import StreamCounters
from rtpipe.ring import Ring
from rtpipe.sink import Item, StreamStatus
from rtpipe.terminal.canvas import TIMES
from rtpipe.terminal.view import TerminalView
from rtpipe.types import Event, StreamInfo

from .screen import NOW, make_run, make_stream, shown

pytestmark = pytest.mark.usefixtures("xterm")


def test_truth_quality_and_rate_of_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run([make_stream(n=2)])
    run.streams["arm"].quality = ("mains", "railed")
    run.streams["arm"].truth["gesture"] = "fist"
    counters, passed = run.streams["arm"].counters, [run.started]

    def half_a_second_later() -> float:
        passed[0] += 0.5
        counters.received += 90
        return passed[0]

    monkeypatch.setattr(NOW, half_a_second_later)
    first = shown(run, [])
    assert re.search("EMG0 ≈ mains", first)
    assert re.search("EMG1 ▲ railed", first)
    assert "truth: gesture fist" in first
    assert "— of 200 Hz" in first
    assert "180.0 of 200 Hz" in shown(run, *([[]] * 30))
    assert "180.0 of 200 Hz" in shown(run, *([[]] * 30), size=(40, 40))


def test_a_picture_is_a_sample_too() -> None:
    info = StreamInfo("camera", 30.0, ("frame",), ("misc",), ("none",), (3, 4, 4))
    camera = StreamStatus(info, Ring((3, 4, 4), 10), StreamCounters(5), ("?",))
    assert "frame" in shown(make_run([camera]), [])


def test_events_are_gathered_and_markers_are_kept() -> None:
    flood: list[Item] = []
    for k in range(2000):
        told = {"model": "model-0", "indices": [k, k + 1]}
        flood.append(Event("arm", 0.0, "skipped", None, told))
        flood.append(Event("arm", 0.0, "truth", k, {"task": "gesture", "label": "zzz"}))
    flood.append(Event("arm", 0.0, "marker", 1, {"text": "sat down"}))
    frame = shown(make_run([make_stream()]), flood)
    assert f"skipped {TIMES}4,000" in frame
    assert frame.index("sat down") < frame.index(f"skipped {TIMES}")  # the newest first
    assert "zzz" not in frame


def test_what_several_streams_tell_at_once_is_one_line() -> None:
    run = make_run([make_stream(), make_stream("leg"), make_stream("head")])
    told = {"reason": "out of reach: come nearer"}
    lost = [Event(s, 0.0, "lost", None, told) for s in ("arm", "leg", "head")]
    marker = [Event(s, 0.0, "marker", 5, {"text": "sat"}) for s in ("arm", "leg")]
    frame = shown(run, [*lost, *marker, *lost], size=(120, 40))
    assert f"3 streams  ✕ lost {TIMES}2  out of reach: come nearer" in frame
    assert re.search("run +▸ marker  sat", frame)


def test_text_from_outside_cannot_move_the_cursor() -> None:
    file = io.StringIO()
    view = TerminalView(Console(file=file, force_terminal=True, width=80, height=24))
    view.open(make_run([make_stream()]))
    text = "a\x1b[2Jb\nc\ud800[red]d"
    view.take([Event("arm", 0.0, "marker", 1, {"text": text})])
    view.close()
    assert "a [2Jb c [red]d" in file.getvalue()

"""The terminal view, read back from what it prints."""

import gc
import io
import os
import re
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions

from rtpipe.clock import now
from rtpipe.counters import StreamCounters, WindowCounters
from rtpipe.latency import Histogram
from rtpipe.link import State
from rtpipe.ring import Ring
from rtpipe.sink import Item, ModelStatus, Run, StreamStatus
from rtpipe.terminal.bars import percent
from rtpipe.terminal.canvas import TIMES
from rtpipe.terminal.plain import PlainLog
from rtpipe.terminal.streampanel import StreamPanel
from rtpipe.terminal.view import TerminalView
from rtpipe.types import Chunk, Event, Prediction, StreamInfo

SFREQ = 200.0
NOW = "rtpipe.terminal.view.now"
LABELS = ("rest", "fist", "open", "pinch")
NOTES = ("DEMO: trained on simulated signals", "Not a medical device")


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def make_stream(name: str = "arm", n: int = 8, seconds: float = 5.0) -> StreamStatus:
    names = tuple(f"EMG{k}" for k in range(n))
    info = StreamInfo(name, SFREQ, names, ("emg",) * n, ("uV",) * n)
    ring = Ring((n,), round(5 * SFREQ))
    n_times = round(seconds * SFREQ)
    data = np.random.default_rng(0).normal(0, 20, (n_times, n)).astype(np.float32)
    ring.write(Chunk(name, 0, np.arange(n_times) / SFREQ, data))
    counters = StreamCounters(received=n_times, expected=n_times)
    status = StreamStatus(info, ring, counters, ("good",) * n)
    if n_times:
        status.link.become("streaming", 0.0)
    return status


def make_run(streams: Sequence[StreamStatus], n_models: int = 1) -> Run:
    models = {}
    for k in range(n_models):
        stream = streams[k % len(streams)].info.name
        name = f"model-{k}"
        windows = {stream: WindowCounters(due=9, answered=8, skipped=1)}
        models[name] = ModelStatus(
            name, "gesture", LABELS, NOTES, windows, Histogram(), 2.0
        )
        models[name].latency.add(0.012)
    by_name = {each.info.name: each for each in streams}
    return Run("bench", now(), by_name, models, lambda: None, print)


def answer(
    label: str | None = "fist",
    probabilities: Sequence[float] = (0.05, 0.85, 0.07, 0.03),
    truth: str | None = None,
    model: str = "model-0",
    stream: str = "arm",
) -> Prediction:
    shares = dict(zip(LABELS, probabilities, strict=True))
    reason = "low confidence" if label is None else None
    return Prediction(stream, model, 9, 1.0, label, shares, 0.01, 0.0, truth, reason)


class Glass:
    """What a person sees of what was written to a terminal of this size."""

    def __init__(self, width: int, height: int) -> None:
        self.rows = [[" "] * width for _ in range(height)]

    def feed(self, written: str) -> None:
        _, *placed = re.split(r"\x1b\[(\d+;\d+)H", written)
        for place, text in zip(placed[::2], placed[1::2], strict=True):
            row, column = (int(each) - 1 for each in place.split(";"))
            for character in re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", text):
                # Beyond the edge, or on another line, is an error of the view.
                self.rows[row][column] = character
                column += cell_len(character)

    @property
    def text(self) -> str:
        return "\n".join("".join(row) for row in self.rows)


def shown(run: Run, *batches: Sequence[Item], size: tuple[int, int] = (80, 24)) -> str:
    """Return what stands on the screen after the batches."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=size[0], height=size[1])
    view = TerminalView(console, period=0)
    view.open(run)
    for items in batches:
        view.take(items)
    glass = Glass(*size)
    glass.feed(file.getvalue())
    view.close()
    return glass.text


def told_at_the_end(run: Run, items: Sequence[Item], width: int = 80) -> str:
    """Return what is printed at the end, to a file."""
    file = io.StringIO()
    view = TerminalView(Console(file=file, width=width))
    view.open(run)
    view.take(items)
    start = file.tell()
    view.close()
    return file.getvalue()[start:]


def row(frame: str, word: str) -> str:
    """Return the one line that contains a word."""
    (found,) = [each for each in frame.splitlines() if word in each]
    return found


@pytest.mark.parametrize("height", [8, 12, 20, 24, 40, 60])
@pytest.mark.parametrize("width", [40, 60, 80, 109, 110, 130, 180, 200])
def test_a_frame_never_leaves_the_screen(width: int, height: int) -> None:
    run = make_run([make_stream("arm", 8), make_stream("leg", 21)], n_models=3)
    run.streams["arm"].truth["gesture"] = "fist"
    items: list[Item] = [answer(), answer(None, model="model-1", stream="leg")]
    items += [Event("arm", 0.0, f"kind{k}", k) for k in range(20)]
    lines = shown(run, items, size=(width, height)).splitlines()
    assert len(lines) <= height
    assert all(cell_len(each) <= width for each in lines)
    assert "bench" in lines[0]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (130, 30), (200, 60)])
def test_what_matters_is_on_every_screen(size: tuple[int, int]) -> None:
    run = make_run([make_stream()])
    run.streams["arm"].counters.lost_transport = 10
    run.streams["arm"].quality = ("good",) * 6 + ("flat", "noisy")
    frame = shown(run, [answer()], size=size)
    for words in (
        *NOTES,
        *LABELS,
        *("Ctrl-C stops", "streaming", "10 lost (0.99%)", "flat", "noisy"),
        *("85 %", "latency 12 ms median", "8 answered · 1 skipped · 0 rejected"),
    ):
        assert words in frame, words


def test_small_screens_give_up_channels_before_labels() -> None:
    run = make_run([make_stream(n=21)])
    assert "EMG20" in shown(run, [answer()], size=(80, 60))
    small = shown(run, [answer()], size=(80, 16))
    assert all(label in small for label in LABELS)
    assert "EMG20" not in small
    assert "● 21 good" in small


def test_where_labels_do_not_fit_the_likely_ones_are_shown_in_their_order() -> None:
    run = make_run([make_stream()])
    shares = (0.3, 0.01, 0.6, 0.09)
    frame = shown(run, [answer("open", shares)], size=(80, 12))
    assert re.search(r"  rest .* 30 %[^▸]*▸ open .* 60 %", frame, re.DOTALL)
    assert "fist" not in frame
    assert "pinch" not in frame


def test_where_a_model_has_one_line_it_shows_the_bar_of_its_decision() -> None:
    run = make_run([make_stream()], n_models=4)
    answers = [answer(model=f"model-{k}", truth="fist") for k in range(3)]
    lines = shown(run, answers, size=(60, 20)).splitlines()
    bars = [each for each in lines if "━" in each]
    assert len(bars) == 3
    alone = next(each for each in bars if "▸" not in each)
    assert re.search(r"fist +━{10,}╸?─+ +85 %  latency 12 ms", alone)
    run = make_run([make_stream()], n_models=4)
    narrow = shown(run, answers, size=(40, 20))
    assert re.search(r"fist +━+╸?─+ +85 % ", narrow)
    rejected = [answer(None, model=f"model-{k}") for k in range(3)]
    assert shown(run, rejected, size=(60, 20)).count("low confidence") == 3


@pytest.mark.parametrize("size", [(120, 40), (120, 24), (48, 40), (60, 20)])
def test_the_truth_of_several_tasks_is_told_in_full(size: tuple[int, int]) -> None:
    run = make_run([make_stream("synthetic:eeg", 4)], n_models=1)
    run.streams["synthetic:eeg"].truth |= {
        "emotion": "negative",
        "seizure": "background",
    }
    item = answer(stream="synthetic:eeg")
    frame = shown(run, [item], size=size)
    assert "emotion negative" in frame
    assert "seizure background" in frame
    assert row(frame, "EMG3")


def test_the_lines_of_the_truth_stay_when_it_is_shorter() -> None:
    stream = make_stream("eeg", 4)
    run = make_run([stream])
    stream.truth |= {"emotion": "negative", "seizure": "background"}
    panel = StreamPanel(stream, run.started)
    before = panel.heights(45)
    stream.truth |= {"emotion": "ok", "seizure": None}
    assert panel.heights(45) == before
    assert panel.heights(90) == StreamPanel(stream, run.started).heights(90)
    least = panel.lines(45, 3)
    text = "".join(each.text for each in least[-1])
    assert "emotion ok · seizure —" in text, "one line where there are no more"


def test_what_does_not_fit_at_all_is_counted() -> None:
    run = make_run([make_stream()], n_models=9)
    assert "and 6 more" in shown(run, [answer()], size=(80, 16))


def test_wide_screens_put_answers_beside_signals_and_in_two_columns() -> None:
    run = make_run([make_stream()], n_models=4)
    wide = shown(run, [answer()], size=(190, 40)).splitlines()
    assert any(
        "arm" in each and "model-0" in each and "model-1" in each for each in wide
    )
    narrow = shown(run, [answer()], size=(90, 40)).splitlines()
    assert not any("model-0" in each and "model-1" in each for each in narrow)


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


def test_an_old_answer_is_never_shown_as_the_current_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_run([make_stream()])
    times = iter([run.started + 10, run.started + 13.5])
    monkeypatch.setattr(NOW, lambda: next(times))
    frame = shown(run, [answer()], [])
    assert re.search(r"NONE +no answer for 3.5 s", frame)
    assert "85 %" not in frame


def ended(kind: str = "none", model: str = "model-0") -> Event:
    told = {"model": model, "reason": "no data for 0.16 s"}
    return Event("arm", 0.0, kind, 9, told)


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


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_many_streams_leave_room_to_those_that_matter(size: tuple[int, int]) -> None:
    streams = [make_stream(f"s{k}", 1 + 3 * k) for k in range(9)]
    run = make_run([make_stream("arm", 8), *streams])
    frame = shown(run, [answer()], size=size)
    assert all(re.search(rf"\bs{k}\b", frame) for k in range(9)), "all are there"
    assert all(label in frame for label in LABELS)
    assert re.search("● s3 +10 ch · +— Hz · 0 lost", frame)
    assert frame.index("─ arm ─") < frame.index(" s0 ")


def test_without_models_the_body_s_signals_come_first() -> None:
    streams = [make_stream("motion", 3), make_stream("head", 8), make_stream("b", 1)]
    for stream, kind in zip(streams, ("misc", "eeg", "misc"), strict=True):
        types = (kind,) * stream.info.n_channels
        stream.info = replace(stream.info, ch_types=types)
    frame = shown(make_run(streams, n_models=0), [], size=(80, 18))
    assert "EMG7" in frame
    assert frame.index("─ head ─") < frame.index("● motion")
    tall = shown(make_run(streams, n_models=0), [], size=(80, 50))
    assert "─ motion ─" in tall
    assert "─ b ─" in tall
    some = shown(make_run(streams, n_models=0), [], size=(80, 24))
    assert "─ b ─" not in some, "where there is no room for all of them, none"
    assert "─ motion ─" not in some


def test_one_device_s_reason_is_said_once_also_where_no_model_runs() -> None:
    run = make_run([make_stream("arm"), make_stream("b", 1), make_stream("c", 1)])
    for name in ("b", "c"):
        run.streams[name].link.become(
            "lost", run.started, "the box is off: switch it on"
        )
    frame = shown(run, [answer()], size=(80, 50))
    assert re.search(r"│ the box is off: switch it on +│", frame)
    assert frame.count("│ the box is off") == 1


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (10, 3), (20, 5), (39, 10), (300, 4)])
def test_a_terminal_too_small_for_anything_is_no_error(size: tuple[int, int]) -> None:
    run = make_run([make_stream(), make_stream("b", 1)], n_models=2)
    run.streams["b"].link.become("lost", run.started, "switch it on")
    marker = Event("arm", 0.0, "marker", 900, {"text": "sat down"})
    shown(run, [answer(), marker, ended("lost")], size=size)


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


def test_a_picture_is_a_sample_too() -> None:
    info = StreamInfo("camera", 30.0, ("frame",), ("misc",), ("none",), (3, 4, 4))
    camera = StreamStatus(info, Ring((3, 4, 4), 10), StreamCounters(5), ("?",))
    assert "frame" in shown(make_run([camera]), [])


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

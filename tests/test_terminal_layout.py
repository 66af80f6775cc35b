"""What has room on screens of all sizes, and what gives way."""

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from rtpipe.sink import Item
from rtpipe.terminal.streampanel import StreamPanel
from rtpipe.types import Event

from .screen import LABELS, NOTES, answer, ended, make_run, make_stream, row, shown

pytestmark = pytest.mark.usefixtures("xterm")


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

"""The panel of quality: what a run tells of its streams, and what goes wrong, shown."""

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import pytest
from PyQt6.QtCore import QPointF
from PyQt6.QtGui import QColor, QImage, QPainter, QPalette
from PyQt6.QtWidgets import QLabel, QScrollArea, QWidget
from pytestqt.qtbot import QtBot
from rtpipe.devices.faulty import faulty
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe.attach import Attachment, Rings
from rtpipe.clock import now
from rtpipe.counters import StreamCounters
from rtpipe.dashboard.channels import Channels
from rtpipe.dashboard.head import PLACES, Head, is_muse
from rtpipe.dashboard.model import RunModel, StreamModel
from rtpipe.dashboard.quality import QualityPanel
from rtpipe.dashboard.qualitywords import facts_of, meaning_of, sentence_of
from rtpipe.dashboard.sign import draw_sign, reason_of
from rtpipe.dashboard.streamquality import Facts
from rtpipe.dashboard.theme import DARK, LIGHT, choose, theme
from rtpipe.device import Device
from rtpipe.ring import Ring
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.types import Chunk, StreamInfo

DASH = "\N{EM DASH}"  # where something is not known
PATIENCE = 60_000  # milliseconds, only for a test that fails
WORDS = ("good", "flat", "railed", "mains", "noisy", "?")


class Desk:
    """A run, and the panel on it."""

    def __init__(self, qtbot: QtBot, runtime: Runtime) -> None:
        self.qtbot, self.runtime = qtbot, runtime
        self.attachment = Attachment(folder_of_runs() / runtime.run.name)
        self.run = RunModel(self.attachment)
        self.panel = QualityPanel("", self.attachment.send)
        qtbot.addWidget(self.panel)
        self.panel.resize(500, 700)
        self.panel.retheme()
        self.panel.show()

    def until(self, true: Callable[[], bool]) -> None:
        def seen() -> bool:
            self.run.poll(now())
            self.panel.refresh(self.run, now())
            return bool(self.panel.streams) and true()

        self.qtbot.waitUntil(seen, timeout=PATIENCE)

    def fact(self, stream: str, name: str) -> str:
        return self.panel.streams[stream].facts.shown.get(name, "")

    def head(self) -> str:
        head = self.panel.streams["synthetic:eeg"].head
        assert head is not None
        return head.accessibleDescription()


@pytest.fixture
def on(qtbot: QtBot) -> Iterator[Callable[[Device], Desk]]:
    """Make a desk on a run of a device; both end with the test."""
    made: list[Desk] = []

    def make(device: Device) -> Desk:
        desk = Desk(qtbot, Runtime([device]).__enter__())
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.attachment.close()
        desk.runtime.__exit__(None, None, None)


def test_a_healthy_run_is_told_stream_by_stream(on: Callable[[Device], Desk]) -> None:
    desk = on(SyntheticDevice("both", seed=3))
    wanted = ", ".join(f"{name} good" for name in PLACES)
    desk.until(lambda: desk.head() == wanted)
    emg = desk.panel.streams["synthetic:emg"]
    assert emg.head is None
    told = [f"EMG{k} good" for k in range(1, 9)]
    desk.until(lambda: emg.channels.accessibleDescription().split("\n") == told)
    desk.until(lambda: "—" not in desk.fact("synthetic:emg", "rate"))
    desk.until(lambda: desk.fact("synthetic:eeg", "delay").endswith("ms"))
    for stream in desk.panel.streams:
        assert desk.fact(stream, "lost") == "0"
        assert desk.fact(stream, "last minute") == "0"


def test_a_stream_that_breaks_and_comes_back_is_shown_so(
    on: Callable[[Device], Desk],
) -> None:
    faults = "drop 0.5 at 0.5; rails 2 at 1.5; disconnect 1.2 at 4"
    desk = on(faulty("synthetic:eeg", faults=faults, seed=3))
    stream = "synthetic:eeg"
    counters = desk.runtime.run.streams[stream].counters
    desk.until(lambda: desk.fact(stream, "lost") not in ("", "0"))
    first = counters.lost
    assert 120 <= first <= 136  # in packets of about five samples
    assert desk.fact(stream, "lost").startswith(f"{first} (")
    assert desk.fact(stream, "last minute") == f"{first}"
    desk.until(lambda: "flat" in desk.head() or "railed" in desk.head())
    shown = desk.panel.streams
    beside = shown[stream].channels.accessibleDescription()
    assert any(reason_of(word) in beside for word in ("flat", "railed"))
    desk.until(lambda: shown[stream].state == "lost")
    assert "still trying" in shown[stream].sentence
    assert "disconnected on purpose" in shown[stream].sentence
    assert desk.head() == ", ".join(f"{name} no data" for name in PLACES)
    assert desk.fact(stream, "delay") == DASH
    desk.until(lambda: shown[stream].state == "streaming")
    assert shown[stream].sentence == ""
    desk.until(lambda: desk.fact(stream, "delay") != DASH)
    desk.until(lambda: desk.head() == ", ".join(f"{name} good" for name in PLACES))
    assert counters.lost > first
    desk.until(lambda: desk.fact(stream, "lost").startswith(f"{counters.lost:,} ("))


def stream_of(info: StreamInfo, value: float = 87, **status: object) -> StreamModel:
    """A stream of this value, whose run has told this of it."""
    ring = Ring(info.sample_shape, 100)
    ring.write(Chunk(info.name, 0, np.arange(5.0), np.full((5, 1), value, np.float32)))
    stream = StreamModel(Rings(info, "run", ring, {}, {}))
    stream.status = {**stream.status, **status}
    return stream


@pytest.fixture
def level() -> StreamInfo:
    return StreamInfo("level", 1.0, ("battery",), ("misc",), ("%",))


def test_facts_are_the_counters_in_words(level: StreamInfo) -> None:
    counters = StreamCounters(received=990, lost_device=7, lost_transport=3)
    stream = stream_of(level, counters=counters.summary(), delay=0.25)
    assert facts_of(stream) == {
        "rate": "— of 1 Hz",
        "delay": "250 ms",
        "lost": "10 (1.00%)",
        "last minute": "0",
        "battery": "87 %",
    }
    assert facts_of(stream_of(level)) == {}
    told = meaning_of(stream)
    assert told.keys() == facts_of(stream).keys()
    assert "7 by the sensor's own count, 3 by their times" in told["lost"]
    assert "A recording has none" not in told["delay"]
    stream.clock = "recording"
    assert "A recording has none" in meaning_of(stream)["delay"]


@pytest.mark.parametrize(
    ("percent", "told"), [(87, "87 %"), (20, "20 %, low"), (0, "0 %, low")]
)
def test_a_low_battery_is_called_so(
    qtbot: QtBot, level: StreamInfo, percent: float, told: str
) -> None:
    stream = stream_of(level, percent, counters=StreamCounters().summary())
    assert facts_of(stream)["battery"] == told
    facts = Facts()
    qtbot.addWidget(facts)
    facts.refresh(stream)
    (value,) = (each for each in facts.findChildren(QLabel) if each.text() == told)
    ink = value.palette().color(QPalette.ColorRole.WindowText)
    assert (ink == QColor(theme().warn)) == ("low" in told)


def test_a_battery_of_which_nothing_is_known_is_not_shown(
    qtbot: QtBot, level: StreamInfo
) -> None:
    stream = stream_of(level, np.nan, counters=StreamCounters().summary())
    assert "battery" not in facts_of(stream)
    facts = Facts()
    qtbot.addWidget(facts)
    facts.show()
    facts.refresh(stream)
    shown = [each.text() for each in facts.findChildren(QLabel) if each.isVisible()]
    assert "lost" in shown
    assert "battery" not in shown


@pytest.mark.parametrize(
    ("state", "reason", "sentence"),
    [
        ("connecting", "", "waiting for the first sample (1:30)"),
        ("connecting", "turn it on", "waiting for the first sample (1:30): turn it on"),
        ("streaming", "", ""),
        ("degraded", "samples are late: go nearer", "samples are late: go nearer"),
        ("lost", "no answer: is it near?", "no data for 1:36: no answer: is it near?"),
        ("recovering", "", "no data for 1:36"),
    ],
)
def test_what_is_wrong_with_a_connection_is_one_sentence(
    level: StreamInfo, state: str, reason: str, sentence: str
) -> None:
    # Its newest sample is of second 4.
    link = {"state": state, "reason": reason, "since": 6.0}
    told = sentence_of(stream_of(level, link=link), started=10.0, now=100.0)
    assert told.replace("; still trying", "") == sentence
    assert ("still trying" in told) == (state in ("lost", "recovering"))


def test_a_stream_that_stalls_is_shown_so_until_it_goes_on(
    on: Callable[[Device], Desk],
) -> None:
    desk = on(faulty("synthetic:eeg", faults="stall 3.5 at 1", seed=3))
    stream = "synthetic:eeg"
    good = ", ".join(f"{name} good" for name in PLACES)
    seen: list[tuple[str, str, bool]] = []

    def past() -> bool:
        shown = desk.panel.streams[stream]
        known = desk.head() == good
        seen.append((shown.state, shown.sentence, known))
        return len({*states(seen)}) > 2 and known

    desk.until(past)
    assert [*dict.fromkeys(states(seen))][-2:] == ["degraded", "lost"]
    assert seen[-1] == ("streaming", "", True)
    for state, sentence, known in seen:
        assert ("no data for" in sentence) == (state in ("degraded", "lost"))
        assert not (state == "lost" and known)
    assert desk.fact(stream, "lost") == "0"


def states(seen: list[tuple[str, str, bool]]) -> list[str]:
    return [state for state, _, _ in seen if state != "connecting"]


def drawn(word: str) -> list[int]:
    """The opacity of each pixel of a sign: its shape without its colour."""
    image = QImage(40, 40, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    draw_sign(painter, QPointF(20, 20), 12, word)
    painter.end()
    return [image.pixelColor(x, y).alpha() // 128 for x in range(40) for y in range(40)]


def test_good_middling_bad_and_unknown_have_shapes_of_their_own(qtbot: QtBot) -> None:
    shapes = [drawn(each) for each in ("good", "noisy", "flat", "?")]
    assert all(sum(each) > 100 for each in shapes)
    for k, one in enumerate(shapes):
        for other in shapes[:k]:
            differ = sum(a != b for a, b in zip(one, other, strict=True))
            assert differ > 0.1 * sum(one)


@pytest.mark.parametrize("word", WORDS[1:])
def test_what_is_not_good_has_a_reason(word: str) -> None:
    assert reason_of(word)
    assert not reason_of("good")


def test_a_head_is_drawn_for_a_muses_electrodes_only(
    muse: StreamInfo, armband: StreamInfo
) -> None:
    assert is_muse(muse.ch_names)
    assert is_muse((*muse.ch_names, "Right AUX"))
    assert not is_muse(muse.ch_names[:3])
    assert not is_muse(armband.ch_names)


def test_each_electrode_is_drawn_on_its_own_side(qtbot: QtBot) -> None:
    head = Head()
    qtbot.addWidget(head)
    head.resize(400, 300)
    good = dict.fromkeys(PLACES, "good")
    head.show_quality(good)
    before = head.grab().toImage()
    for name in PLACES:
        head.show_quality(good | {name: "flat"})
        after = head.grab().toImage()
        changed = [
            (x, y)
            for x in range(after.width())
            for y in range(after.height())
            if after.pixel(x, y) != before.pixel(x, y)
        ]
        across, down = np.mean(changed, axis=0)
        left, front = name in ("TP9", "AF7"), name in ("AF7", "AF8")
        assert (across < after.width() / 2) == left
        assert (down < 0.45 * after.height()) == front


def test_many_channels_stand_in_columns_and_none_is_left_out(qtbot: QtBot) -> None:
    names = [f"E{k}" for k in range(64)]
    channels = Channels(names)
    qtbot.addWidget(channels)
    quality = dict.fromkeys(names, "good") | {"E7": "flat", "E40": "noisy"}
    channels.show_quality(quality)
    told = channels.accessibleDescription().split("\n")
    assert [each.split()[0] for each in told] == names
    assert told[7] == f"E7 flat: {reason_of('flat')}"
    assert channels.heightForWidth(1200) < channels.heightForWidth(300)


def test_what_is_wrong_on_the_head_is_told_below_it_with_the_names(
    qtbot: QtBot,
) -> None:
    channels = Channels(["Right AUX"])
    qtbot.addWidget(channels)
    good = dict.fromkeys((*PLACES, "Right AUX"), "good")
    channels.show_quality(good)
    assert channels.accessibleDescription() == "Right AUX good"
    before = channels.heightForWidth(800)
    channels.show_quality(good | {"AF7": "noisy"})
    told = channels.accessibleDescription().split("\n")
    assert told == ["Right AUX good", f"AF7 noisy: {reason_of('noisy')}"]
    assert channels.heightForWidth(800) > before


def test_what_is_wrong_with_many_is_said_once_with_their_names(qtbot: QtBot) -> None:
    names = [f"E{k}" for k in range(64)]
    channels = Channels(names)
    qtbot.addWidget(channels)
    channels.show_quality(dict.fromkeys(names, "good"))
    whole = channels.heightForWidth(800)
    channels.show_quality(dict.fromkeys(names, "good") | {"E7": "flat"})
    one = channels.heightForWidth(800)
    channels.show_quality(dict.fromkeys(names, "flat"))
    assert whole < one
    assert channels.heightForWidth(800) <= one + channels.fontMetrics().height()


@pytest.mark.parametrize("size", [(766, 252), (700, 270), (500, 500)])
def test_both_sensors_are_seen_at_once_without_scrolling(
    on: Callable[[Device], Desk], size: tuple[int, int]
) -> None:
    desk = on(SyntheticDevice("both", seed=3))
    desk.panel.resize(*size)
    desk.until(lambda: desk.head() == ", ".join(f"{name} good" for name in PLACES))
    desk.until(lambda: DASH not in desk.fact("synthetic:emg", "rate"))
    (area,) = desk.panel.findChildren(QScrollArea)
    bar = area.verticalScrollBar()
    assert bar is not None
    desk.until(lambda: bar.maximum() == 0)
    for each in desk.panel.streams.values():
        inside = each.geometry()
        assert inside.right() <= size[0]
        assert inside.bottom() <= size[1]
        for part in each.findChildren(QWidget):
            if part.isVisible():
                corner = part.mapTo(each, part.rect().bottomRight())
                assert corner.x() <= inside.width()
                assert corner.y() <= inside.height()


def test_letters_are_as_large_as_there_is_room_for(
    on: Callable[[Device], Desk],
) -> None:
    desk = on(SyntheticDevice("both", seed=3))
    sizes = []
    for wide, high in ((400, 300), (766, 270), (1300, 700)):
        desk.panel.resize(wide, high)
        desk.until(lambda: DASH not in desk.fact("synthetic:emg", "rate"))
        sizes.append(desk.panel.streams["synthetic:emg"].font().pointSizeF())
    assert sizes == sorted(sizes)
    assert sizes[-1] >= 1.4 * sizes[0]


@pytest.mark.parametrize("state", ["over", "gone"])
def test_a_run_that_has_ended_is_not_called_good(
    on: Callable[[Device], Desk], state: Literal["over", "gone"]
) -> None:
    desk = on(SyntheticDevice("eeg", seed=3))
    desk.until(lambda: "good" in desk.head())
    desk.run.state = state
    (shown,) = desk.panel.streams.values()
    desk.until(lambda: shown.state == state)
    assert "ended" in shown.sentence
    assert "good" not in desk.head()


def test_light_and_dark_show_the_same_in_other_colours(
    on: Callable[[Device], Desk],
) -> None:
    desk = on(SyntheticDevice("eeg", seed=3))
    desk.until(lambda: "good" in desk.head())
    pictures = []
    for colours in (LIGHT, DARK):
        choose(colours)
        desk.panel.retheme()
        desk.qtbot.wait(1)
        pictures.append(desk.panel.grab().toImage())
        # At once, also where the view is paused and nothing is shown anew.
        wanted = {theme().text, theme().quiet}
        inks = {
            each.palette().color(QPalette.ColorRole.WindowText).name()
            for each in desk.panel.findChildren(QLabel)
            if each.text() in ("0", "rate", "lost")
        }
        assert inks == wanted
    choose(None)
    light, dark = (each.pixelColor(2, 2).lightness() for each in pictures)
    assert light > 200
    assert dark < 60

"""The signals: decimation against its definition, pictures against each other, and the
real window on a real run.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt6.QtCore import QPoint, QPointF, QSettings, Qt
from PyQt6.QtGui import QAction, QColor, QContextMenuEvent, QImage, QWheelEvent
from PyQt6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from rtpipe.clock import now
from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.decimate import peaks
from rtpipe.dashboard.history import History
from rtpipe.dashboard.lanes import Group, Lanes, Mark, range_text
from rtpipe.dashboard.look import Look
from rtpipe.dashboard.scale import Scale, rounded
from rtpipe.dashboard.sheet import Sheet, Source
from rtpipe.dashboard.signals import SPANS, Signals
from rtpipe.dashboard.theme import LIGHT, choose, theme
from rtpipe.errors import DeviceLost
from rtpipe.ring import Ring
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.types import Chunk, Event, Float32, StreamInfo

SFREQ = 200.0
PATIENT = 60_000  # milliseconds


def info(n_channels: int = 2, sfreq: float = SFREQ, name: str = "arm") -> StreamInfo:
    names = tuple(f"E{k + 1}" for k in range(n_channels))
    return StreamInfo(name, sfreq, names, ("emg",) * n_channels, ("uV",) * n_channels)


def chunk(index: int, data: NDArray[Any], missing: Float32 | None = None) -> Chunk:
    times = (index + np.arange(len(data))) / SFREQ
    return Chunk("arm", index, times, data.astype(np.float32), missing=missing)


# Decimation, scales, the past.


@pytest.mark.parametrize("n_times", [0, 1, 7, 500])
def test_peaks_are_the_lowest_and_the_highest_of_each_column(n_times: int) -> None:
    rng = np.random.default_rng(n_times)
    data = rng.standard_normal((n_times, 3)).astype(np.float32)
    places = np.sort(rng.integers(-20, 60, n_times))
    columns, low, high = peaks(data, places)
    assert columns.tolist() == sorted(set(places.tolist()))
    for k, column in enumerate(columns):
        inside = [row for row, at in zip(data, places, strict=True) if at == column]
        np.testing.assert_array_equal(low[k], np.min(inside, axis=0))
        np.testing.assert_array_equal(high[k], np.max(inside, axis=0))


@pytest.mark.parametrize("value", [3e-7, 0.3, 1, 1.01, 2, 4.9, 5, 7, 99, 101, 2.5e9])
def test_a_round_number_is_the_least_that_is_not_less(value: float) -> None:
    numbers = [m * 10.0**e for e in range(-9, 12) for m in (1, 2, 5)]
    at = next(k for k, each in enumerate(numbers) if each >= value * (1 - 1e-12))
    for steps in (-2, -1, 0, 1, 2):
        assert rounded(value, steps) == pytest.approx(numbers[at + steps], rel=1e-12)


def test_ranges_follow_the_signal_until_a_hand_sets_them() -> None:
    rng = np.random.default_rng(0)
    noise = rng.uniform(-1, 1, (2000, 2)).astype(np.float32)
    scale = Scale(2)
    assert scale.fit(noise[:0]) == []
    assert scale.fit(noise * (1, 100) + (0, 5000)) == [0, 1]
    assert (scale.range == (5, 500)).all()
    assert scale.middle == pytest.approx((0, 5000), abs=2)
    assert scale.fit(noise * (0.9, 110) + (0, 5000)) == []
    assert scale.fit(noise * (1, 1000) + (0, 5000)) == [1]
    assert scale.range[1] == 5000
    assert scale.fit(noise * (0.1, 1000) + (0, 5000)) == [0]
    assert scale.range[0] == 0.5
    scale.step(0, 2)
    assert scale.range[0] == 2
    assert scale.fit(noise * (0.001, 1000) + (0, 5000)) == []
    assert scale.fit(noise * (1, 1000) + (30, 5000)) == [0]  # its middle always follows
    assert scale.range[0] == 2
    assert scale.middle[0] == pytest.approx(30, abs=0.1)


def test_channels_that_are_alike_have_the_range_that_the_largest_needs() -> None:
    rng = np.random.default_rng(0)
    noise = rng.uniform(-1, 1, (2000, 4)).astype(np.float32)
    scale = Scale(4)
    scale.fit(noise * (1, 10, 100, 1000))
    scale.step(3, 1)
    assert scale.range.tolist() == [5, 50, 500, 10000]
    assert scale.fit(noise * (1, 10, 100, 1000), [[0, 1, 3]]) == [0]
    assert scale.range.tolist() == [50, 50, 500, 10000]
    assert scale.fit(noise * (1, 60, 100, 1000), [[0, 1, 3]]) == [0, 1]
    assert scale.range.tolist() == [200, 200, 500, 10000]
    assert scale.fit(noise * (1, 60, 100, 1000), [[0, 1, 3]]) == []
    assert scale.fit(noise * (1, 60, 100, 1000)) == [0]
    assert scale.range.tolist() == [5, 200, 500, 10000]


def test_a_channel_that_never_changes_has_a_range() -> None:
    scale = Scale(1)
    scale.fit(np.full((50, 1), 7, np.float32))
    assert (scale.range[0], scale.middle[0]) == (1, 7)


def test_the_past_is_what_the_ring_was_given() -> None:
    rng = np.random.default_rng(0)
    ring = Ring((2,), 400)
    history = History(info(), ring)
    kept, index = [], 0
    for _ in range(600):
        n = int(rng.integers(0, 60))
        index += int(rng.choice([0, 0, 0, 25]))
        data = rng.standard_normal((n, 2))
        missing = rng.integers(0, 2, n).astype(np.float32)
        ring.write(chunk(index, data, missing))
        kept += list(zip(range(index, index + n), data, missing, strict=True))
        index += n
        history.read()
    newest = kept[-len(history) :]
    jumps = np.diff(history.index) > 1
    assert jumps.sum() > 50
    assert history.resumed[1:].tolist() == jumps.tolist()
    assert len(history) == 60 * SFREQ
    assert history.index.tolist() == [each[0] for each in newest]
    np.testing.assert_array_equal(
        history.data, np.array([each[1] for each in newest], np.float32)
    )
    assert history.filled.tolist() == [each[2] == 1 for each in newest]
    np.testing.assert_array_equal(history.times, history.index / SFREQ)


def test_what_was_overwritten_before_it_was_seen_is_not_there() -> None:
    ring = Ring((2,), 400)
    history = History(info(), ring)
    ring.write(chunk(0, np.ones((100, 2))))
    history.read()
    for index in range(100, 2000, 100):
        ring.write(chunk(index, np.ones((100, 2))))
    history.read()
    jumps = np.flatnonzero(np.diff(history.index) != 1)
    assert jumps.tolist() == [99]
    assert not history.resumed.any()  # they were not lost
    assert history.index[-1] == 1999
    assert 1600 <= history.index[100] < 1700


# The picture.


@pytest.fixture
def light(qapp: QApplication) -> Iterator[None]:
    choose(LIGHT)
    yield
    choose(None)


def pixels(image: QImage) -> NDArray[np.uint32]:
    """Return a picture's colours, shape (height, width)."""
    bits = image.constBits()
    assert bits is not None
    memory: Any = bits.asarray(image.sizeInBytes())
    return np.frombuffer(memory, np.uint32).reshape(image.height(), -1).copy()


def marked_of(image: QImage) -> NDArray[np.bool_]:
    """Return where a picture is not empty, shape (height, width)."""
    return np.asarray(pixels(image) != QColor(theme().ground).rgb())


def marked(sheet: Sheet) -> NDArray[np.bool_]:
    return marked_of(sheet.image)


def alike(one: Sheet, other: Sheet) -> bool:
    """Tell whether nobody sees a difference: Qt rounds where it cuts a line off."""
    a, b = (pixels(each.image).view(np.uint8).astype(int) for each in (one, other))
    return bool(np.abs(a - b).max() <= 40 and (a != b).mean() < 1e-3)


def source(ring: Ring, n_channels: int = 2, *, height: int = 200) -> Source:
    made = Source(
        History(info(n_channels), ring), Scale(n_channels), list(range(n_channels))
    )
    made.height, made.zero = height, 0.0
    made.scale.range[:], made.scale.middle[:] = 10.0, 0.0
    return made


def column_of(index: int, step: float) -> int:
    return int(np.floor(index / SFREQ / step + 1e-9))


@pytest.mark.parametrize("span", [1.0, 10.0, 30.0])
@pytest.mark.usefixtures("light")
def test_drawn_bit_by_bit_it_looks_as_drawn_at_once(span: float) -> None:
    rng = np.random.default_rng(int(span))
    ring = Ring((2,), 20_000)
    parts, whole = source(ring), source(ring)
    bits = Sheet(500, 200, span)
    index = 0
    while index < 8000:
        n = int(rng.integers(1, 40))
        index += int(rng.choice([0] * 30 + [50]))
        missing = np.full(n, rng.integers(0, 30) == 0, np.float32)
        ring.write(chunk(index, rng.standard_normal((n, 2)), missing))
        index += n
        parts.history.read()
        bits.advance([parts], column_of(index - 1, bits.step), 10)
    whole.history = parts.history
    once = Sheet(500, 200, span)
    once.advance([whole], column_of(index - 1, once.step), 10)
    assert alike(bits, once)
    for channel in (0, 1):  # nor does a lane that is drawn anew look otherwise
        bits.redraw(parts, channel)
    assert alike(bits, once)
    bits.image.setPixelColor(250, 100, QColor("red"))
    assert not alike(bits, once)


@pytest.mark.usefixtures("light")
def test_a_single_sample_is_seen_among_thousands() -> None:
    ring = Ring((1,), 20_000)
    data = np.zeros((12_000, 1))
    data[7001] = 4.5  # of 5 above the middle
    ring.write(chunk(0, data[:6000]))
    drawn = source(ring, 1)
    drawn.history.read()
    ring.write(chunk(6000, data[6000:]))
    drawn.history.read()
    sheet = Sheet(300, 200, 60.0)
    sheet.advance([drawn], 299, 0)
    ink = marked(sheet)[:60].any(axis=0)
    assert 1 <= ink.sum() <= 3
    assert abs(np.flatnonzero(ink).mean() - 7001 / 12_000 * 300) <= 1.5


@pytest.mark.parametrize("span", [5.0, 60.0])
@pytest.mark.usefixtures("light")
def test_a_gap_is_never_bridged_and_is_marked(span: float) -> None:
    ring = Ring((1,), 20_000)
    drawn = source(ring, 1)
    for index in (0, 500):  # samples 200 to 499 are lost
        ring.write(chunk(index, np.full((200, 1), 3.0)))
        drawn.history.read()
    sheet = Sheet(600, 200, span)
    sheet.advance([drawn], column_of(699, sheet.step), 0)
    begin, end = column_of(200, sheet.step), column_of(500, sheet.step)
    red = (pixels(sheet.image) >> 16) & 0xFF  # the signal has less than what marks gaps
    signal: NDArray[np.bool_] = np.asarray((red < 190).any(axis=0))
    ground = ~marked(sheet)
    assert signal[2 : begin - 2].all()
    assert signal[end + 2 : column_of(699, sheet.step) - 2].all()
    assert not signal[begin + 1 : end - 1].any()
    assert not ground[:, begin + 2 : end - 1].all(axis=0).any()
    assert ground[120:, : begin - 2].all()


@pytest.mark.usefixtures("light")
def test_filled_samples_are_marked_and_only_they() -> None:
    ring = Ring((1,), 20_000)
    drawn = source(ring, 1)
    missing = np.zeros(600, np.float32)
    missing[300:330] = 1
    missing[400:430] = 0.5  # one of two channels at a rail, say
    ring.write(chunk(0, np.zeros((600, 1)), missing))
    drawn.history.read()
    sheet = Sheet(600, 200, 3.0)
    sheet.advance([drawn], 599, 0)
    assert np.flatnonzero(marked(sheet)[10]).tolist() == list(range(299, 330))


@pytest.mark.usefixtures("light")
def test_what_is_late_leaves_nothing_old_in_its_place() -> None:
    ring = Ring((1,), 20_000)
    drawn = source(ring, 1)
    ring.write(chunk(0, np.zeros((600, 1))))
    drawn.history.read()
    sheet = Sheet(600, 200, 3.0)
    sheet.advance([drawn], 599, 10)
    ink = marked(sheet).any(axis=0)
    assert np.flatnonzero(~ink).tolist() == list(range(10))  # ahead of the sweep
    sheet.advance([drawn], 599 + 250, 10)
    ink = marked(sheet).any(axis=0)
    assert np.flatnonzero(~ink).tolist() == list(range(260))


@pytest.mark.usefixtures("light")
def test_what_is_no_number_is_not_bridged() -> None:
    ring = Ring((2,), 20_000)
    drawn = source(ring)
    data = np.full((600, 2), 3.0)
    data[200:400, 0] = np.inf, *[np.nan] * 198, -np.inf
    ring.write(chunk(0, data))
    drawn.history.read()
    drawn.scale.range[:] = drawn.scale.middle[:] = np.nan
    assert drawn.scale.fit(drawn.history.data) == [0, 1]
    assert np.isfinite(drawn.scale.middle).all()
    drawn.scale.range[:], drawn.scale.middle[:] = 10.0, 0.0
    sheet = Sheet(600, 200, 3.0)
    sheet.advance([drawn], 599, 0)
    upper, lower = marked(sheet)[:100], marked(sheet)[100:]
    assert lower.any(axis=0).all()
    assert upper[:, :200].any(axis=0).all()
    assert not upper[:, 202:398].any()
    assert upper[:, 400:].any(axis=0).all()


@pytest.mark.parametrize("value", [0.0, 1e30, -3e38, 1e-30])
@pytest.mark.usefixtures("light")
def test_a_value_of_any_size_stays_in_its_lane(value: float) -> None:
    ring = Ring((2,), 20_000)
    drawn = source(ring)
    data = np.zeros((600, 2))
    data[300:, 0] = value
    ring.write(chunk(0, data))
    drawn.history.read()
    for fitted in (False, True):
        if fitted:
            drawn.scale.fit(drawn.history.data)
        drawn.done = None
        sheet = Sheet(600, 200, 3.0)
        sheet.advance([drawn], 599, 0)
        ink = marked(sheet)
        assert ink[:100].any(axis=0).all()
        assert ink[101:, 2:-2].any(axis=1).sum() <= 2  # the other one is a line


@pytest.mark.parametrize("sfreq", [0.3, 1.0, 200.0])
@pytest.mark.usefixtures("light")
def test_nothing_is_drawn_before_the_first_sample(sfreq: float) -> None:
    ring = Ring((1,), 20_000)
    made = History(info(1, sfreq), ring)
    drawn = Source(made, Scale(1), [0], height=100, zero=0.0)
    drawn.scale.range[:], drawn.scale.middle[:] = 10.0, 0.0
    sheet = Sheet(300, 100, 10.0)
    for index in range(4):
        times = np.array([index / sfreq])
        ring.write(Chunk("arm", index, times, np.zeros((1, 1), np.float32)))
        made.read()
        column = sheet.column(drawn)
        assert column is not None
        if column < 290:
            sheet.advance([drawn], column, 6)
            assert not marked(sheet)[:, column + 3 :].any()
            assert marked(sheet)[:, column].any() or column == 0


# Lanes, with what stands beside and over them.


def lanes_of(qtbot: QtBot, made: Source, *marks: Mark, height: int = 300) -> Lanes:
    """Return lanes 600 columns wide, which show three seconds of a source."""
    lanes = Lanes()
    qtbot.addWidget(lanes)
    lanes.show_span(3.0, sweep=True)
    group = Group("arm", made, words=[""] * made.history.info.n_channels)
    group.marks = list(marks)
    lanes.show_groups([group])
    lanes.show()
    lanes.resize(600, height)
    lanes.resize(1200 - lanes.shown.width(), height)
    assert lanes.shown.width() == 600
    lanes.step(2.9)
    return lanes


def seen(lanes: Lanes, colour: str) -> NDArray[np.bool_]:
    """Return where lanes have a colour, shape (height, width)."""
    image = lanes.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.asarray(pixels(image) == QColor(colour).rgb())


@pytest.mark.parametrize("index", [3, 200, 411, 560])
@pytest.mark.usefixtures("light")
def test_an_event_stands_where_its_sample_does(qtbot: QtBot, index: int) -> None:
    ring = Ring((1,), 20_000)
    data = np.zeros((580, 1))
    data[index] = 4.5
    ring.write(chunk(0, data))
    made = source(ring, 1)
    made.history.read()
    lanes = lanes_of(qtbot, made, Mark(index / SFREQ, "blink", "#ff00ff"))
    left = lanes.width() - 6 - 600  # the room on the right is 6 pixels
    line = seen(lanes, "#ff00ff")[40:].sum(axis=0)
    spike = marked_of(lanes.shown)[: made.top + made.height // 3].any(axis=0)
    assert abs(int(line.argmax()) - left - np.flatnonzero(spike).mean()) <= 1


@pytest.mark.usefixtures("light")
def test_events_that_cannot_be_labelled_still_have_lines(qtbot: QtBot) -> None:
    ring = Ring((1,), 20_000)
    ring.write(chunk(0, np.zeros((580, 1))))
    made = source(ring, 1)
    made.history.read()
    texts = ("", "größe \N{GRINNING FACE}", "\u202eback", "long " * 2000, "a\tb")
    marks = [
        Mark(k * 10 / SFREQ + 1e-6, texts[k % len(texts)], "#ff00ff")
        for k in reversed(range(1, 58))
    ]
    lanes = lanes_of(qtbot, made, *marks)
    line = seen(lanes, "#ff00ff")[-80:-40].sum(axis=0) > 10
    left = lanes.width() - 606
    assert (np.flatnonzero(line) - left).tolist() == list(range(10, 580, 10))


@pytest.mark.parametrize("sweep", [True, False])
@pytest.mark.usefixtures("light")
def test_what_moves_stays_out_of_what_is_not_painted_each_frame(
    qtbot: QtBot, sweep: bool
) -> None:
    ring = Ring((1,), 20_000)
    made = source(ring, 1)
    at = [k / 13 + 1e-6 for k in range(80)]
    lanes = lanes_of(qtbot, made, *[Mark(t, f"mark {t:.1f}", "#ff00ff") for t in at])
    lanes.show_span(3.0, sweep)
    left = lanes.width() - 606
    for index in range(0, 1000, 83):
        ring.write(chunk(index, np.zeros((83, 1))))
        made.history.read()
        lanes.step(index / SFREQ)
        assert not seen(lanes, "#ff00ff")[:, :left].any()
        picture = lanes.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        below = marked_of(picture)[lanes.shown.height() :]
        assert not below[:, :left].any()
        assert below[:, left:].any()


@pytest.mark.parametrize("n_channels", [1, 8, 40, 128])
@pytest.mark.usefixtures("light")
def test_names_never_overlap_and_a_highlighted_one_is_there(
    qtbot: QtBot, n_channels: int
) -> None:
    ring = Ring((n_channels,), 2000)
    ring.write(chunk(0, np.zeros((500, n_channels))))
    made = source(ring, n_channels)
    made.history.read()
    made.bright = {n_channels - 1}
    lanes = lanes_of(qtbot, made, height=340)
    image = lanes.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    ink = marked_of(image)[made.top :, 6:22].any(axis=1)  # of the names
    edges = np.flatnonzero(np.diff(ink, prepend=False, append=False))
    heights = edges[1::2] - edges[::2]
    highest = lanes.fontMetrics().height()
    assert (heights <= highest).all()
    room = made.height / highest
    assert min(n_channels, 0.5 * room) <= len(heights) <= n_channels
    assert seen(lanes, theme().accent)[made.top :, 6:22].any()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (200, "uV", "200 µV"),
        (5000, "uV", "5000 µV"),
        (20_000, "uV", "20 mV"),
        (2e8, "uV", "200 V"),
        (50, "none", "50"),
        (50, "unknown", "50 ?"),
        (50_000, "g", "50000 g"),
        (np.nan, "uV", ""),
    ],
)
def test_a_range_is_a_number_and_a_unit(value: float, unit: str, text: str) -> None:
    assert range_text(value, unit) == text


# The real window on a real run.


class Counting:
    """Two paced streams; one loses samples, stalls or disconnects when told."""

    paced = True
    clock: Literal["run", "recording"] = "run"

    def __init__(self) -> None:
        self.skip, self.stalled, self.gone = 0, False, False

    def open(self) -> Sequence[StreamInfo]:
        if self.gone:
            raise DeviceLost("it is unplugged")
        self.begun, self.at = now(), {"arm": 0, "head": 0}
        self.sent: list[Event] = []
        return [info(), info(1, name="head")]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        time.sleep(0.02)
        if self.gone:
            raise DeviceLost("it is unplugged")
        if self.stalled:
            return []
        due = int((now() - self.begun) * SFREQ)
        lost, self.skip = self.skip, 0
        found = [self._chunk("head", 1, self.at["head"], due)]
        found.append(self._chunk("arm", 2, min(self.at["arm"] + lost, due), due))
        return [each for each in found if len(each)]

    def _chunk(self, name: str, n_channels: int, start: int, stop: int) -> Chunk:
        index = np.arange(start, stop)
        self.at[name] = stop
        data = np.sin(index[:, None] / 7 + np.arange(n_channels)).astype(np.float32)
        return Chunk(name, start, self.begun + index / SFREQ, 50 * data, now())

    def close(self) -> None:
        pass


@pytest.fixture
def device() -> Counting:
    return Counting()


@pytest.fixture
def run(device: Counting) -> Iterator[Runtime]:
    with Runtime([device], reconnect=60) as runtime:
        yield runtime


@pytest.fixture
def dashboard(
    qtbot: QtBot, run: Runtime, tmp_path: Path, light: None
) -> Iterator[Dashboard]:
    with opened(qtbot, run, tmp_path) as made:
        yield made


@contextmanager
def opened(qtbot: QtBot, run: Runtime, folder: Path) -> Iterator[Dashboard]:
    """Open a window on a run, and wait until it shows something."""
    place = str(folder / "settings.ini")
    made = Dashboard(settings=QSettings(place, QSettings.Format.IniFormat))
    choose(LIGHT)
    qtbot.addWidget(made.window)
    made.watch(folder_of_runs() / run.run.name)
    made.window.resize(1280, 800)
    made.show()
    qtbot.waitUntil(lambda: "Signals" in made.window.panels, timeout=PATIENT)
    panel = signals(made)
    qtbot.waitUntil(lambda: all(drawn(g) for g in groups(panel)), timeout=PATIENT)
    yield made
    made.close()


def signals(dashboard: Dashboard) -> Signals:
    panel = dashboard.window.panels["Signals"]
    assert isinstance(panel, Signals)
    return panel


def groups(panel: Signals) -> list[Group]:
    """Return the groups, once there are some."""
    return panel.lanes.groups or [Group("", source(Ring((2,), 10)))]


def drawn(group: Group) -> bool:
    return group.source.done is not None and len(group.source.history) > 20


def shows(panel: Signals, about: str) -> bool:
    return panel.lanes.groups[0].about.endswith(about)


def centre(panel: Signals, group: Group, channel: int) -> QPoint:
    """Return where a lane's middle is, found as a mouse would."""
    rows = [
        y
        for y in range(panel.lanes.height())
        if (found := panel.lanes.lane_at(y)) and found == (group, channel)
    ]
    return QPoint(panel.lanes.width() // 2, rows[len(rows) // 2])


def press(
    qtbot: QtBot,
    panel: Signals,
    key: str,
    held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    qtbot.keyClick(panel.window(), key, held)  # type: ignore[no-untyped-call]


def click(
    qtbot: QtBot,
    panel: Signals,
    at: QPoint,
    held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(panel.lanes, left, held, at)  # type: ignore[no-untyped-call]


def turn(panel: Signals, at: QPoint, notches: float, held: Any) -> None:
    """Turn the wheel as Qt does."""
    where = QPointF(at)
    event = QWheelEvent(
        where,
        panel.lanes.mapToGlobal(where),
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        held,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(panel.lanes, event)


def test_a_lane_for_each_channel_of_each_stream(
    qtbot: QtBot, dashboard: Dashboard
) -> None:
    found = [(g.name, g.source.shown) for g in signals(dashboard).lanes.groups]
    assert found == [("arm", [0, 1]), ("head", [0])]
    qtbot.waitUntil(
        lambda: all(g.state == "" for g in signals(dashboard).lanes.groups),
        timeout=PATIENT,
    )
    assert all("raw" in g.about for g in signals(dashboard).lanes.groups)


def test_what_is_drawn_is_what_was_sent(qtbot: QtBot, dashboard: Dashboard) -> None:
    group = signals(dashboard).lanes.groups[0]
    qtbot.waitUntil(lambda: len(group.source.history) > 300, timeout=PATIENT)
    history = group.source.history
    expected = 50 * np.sin(history.index[:, None] / 7 + np.arange(2))
    np.testing.assert_allclose(history.data, expected, atol=1e-3)


def test_keys_of_span_and_gain(qtbot: QtBot, dashboard: Dashboard) -> None:
    panel = signals(dashboard)
    lanes, first = panel.lanes, panel.lanes.groups[0].source.scale
    qtbot.waitUntil(lambda: bool(np.isfinite(first.range).all()), timeout=PATIENT)
    press(qtbot, panel, "[")
    assert panel.span == lanes.span == 5.0
    for _ in range(9):
        press(qtbot, panel, "]")
    assert panel.span == lanes.span == SPANS[-1]
    before = first.range.copy()
    press(qtbot, panel, "-")
    assert (first.range > before).all()
    assert not first.auto.any()
    press(qtbot, panel, "+")
    assert (first.range == before).all()
    press(qtbot, panel, "=")
    assert (first.range < before).all()
    press(qtbot, panel, "A")
    assert first.auto.all()
    qtbot.waitUntil(lambda: bool((first.range >= 100).all()), timeout=PATIENT)
    first.range[:] = 200, 300
    press(qtbot, panel, "E")
    assert panel.alike
    assert first.range.tolist() == [300, 300]
    press(qtbot, panel, "E")
    assert not panel.alike
    assert lanes.sweep
    press(qtbot, panel, "S")
    assert not lanes.sweep
    press(qtbot, panel, "S")
    assert lanes.sweep


def test_the_wheel(qtbot: QtBot, dashboard: Dashboard) -> None:
    panel = signals(dashboard)
    arm, head = panel.lanes.groups
    scale = arm.source.scale
    qtbot.waitUntil(lambda: bool(np.isfinite(scale.range).all()), timeout=PATIENT)
    before, others = scale.range.copy(), head.source.scale.range.copy()
    none, control = (
        Qt.KeyboardModifier.NoModifier,
        Qt.KeyboardModifier.ControlModifier,
    )
    turn(panel, centre(panel, arm, 1), 2, none)
    assert scale.range.tolist() == [before[0], rounded(before[1], -2)]
    assert head.source.scale.range.tolist() == others.tolist()
    turn(panel, centre(panel, arm, 1), -2, none)
    assert scale.range.tolist() == before.tolist()
    turn(panel, centre(panel, arm, 1), 1, control)
    assert panel.span == 5.0
    turn(panel, QPoint(600, panel.lanes.height() - 4), -1, none)  # over the axis
    assert panel.span == 10.0


def test_channels_are_highlighted_and_hidden_by_click(
    qtbot: QtBot, dashboard: Dashboard
) -> None:
    panel = signals(dashboard)
    arm, head = panel.lanes.groups
    control = Qt.KeyboardModifier.ControlModifier
    click(qtbot, panel, centre(panel, arm, 1))
    assert arm.source.bright == {1}
    press(qtbot, panel, "-")  # then means this one alone
    assert arm.source.scale.auto.tolist() == [True, False]
    assert head.source.scale.auto.all()
    click(qtbot, panel, centre(panel, arm, 1))
    assert arm.source.bright == set()
    click(qtbot, panel, centre(panel, arm, 0), control)
    assert (arm.source.shown, arm.hidden) == ([1], 1)
    click(qtbot, panel, centre(panel, arm, 1), control)
    assert arm.source.shown == [1]  # the last one stays
    press(qtbot, panel, "U")
    assert (arm.source.shown, arm.hidden) == ([0, 1], 0)
    click(qtbot, panel, centre(panel, arm, 1), control)
    click(qtbot, panel, QPoint(20, 8))  # on the heading
    assert arm.source.shown == [0, 1]


def test_filtered_as_a_model_sees_it_and_raw_again(
    qtbot: QtBot, tmp_path: Path, light: None
) -> None:
    from rtpipe.devices.synthetic import SyntheticDevice

    from rtpipe.bundle import Bundle

    path = Path(__file__).parents[1] / "models" / "demo-emotion.pt"
    bundle = Bundle.load(path)
    device = SyntheticDevice("eeg", seed=1)
    with Runtime([device], [("emotion", bundle, bundle.card.decision)]) as runtime:
        with opened(qtbot, runtime, tmp_path) as dashboard:
            panel = signals(dashboard)
            stream = next(iter(runtime.run.streams.values()))
            click(qtbot, panel, centre(panel, panel.lanes.groups[0], 2))
            control = Qt.KeyboardModifier.ControlModifier
            click(qtbot, panel, centre(panel, panel.lanes.groups[0], 3), control)
            for ring, about in (
                (next(iter(stream.filtered.values())), "filtered for emotion"),
                (stream.raw, "raw"),
            ):
                press(qtbot, panel, "F")
                qtbot.waitUntil(partial(shows, panel, about), timeout=PATIENT)
                (group,) = panel.lanes.groups
                qtbot.waitUntil(partial(drawn, group), timeout=PATIENT)
                history = group.source.history
                start, stop = int(history.index[0]), int(history.index[-1]) + 1
                np.testing.assert_array_equal(history.data, ring.view(start, stop))
                assert (group.source.shown, group.source.bright) == ([0, 1, 2], {2})


def test_a_stream_that_a_model_does_not_run_on_stays_raw(
    qtbot: QtBot, tmp_path: Path, device: Counting, light: None
) -> None:
    from rtpipe.devices.synthetic import SyntheticDevice

    from rtpipe.bundle import Bundle

    bundle = Bundle.load(Path(__file__).parents[1] / "models" / "demo-emotion.pt")
    models = [(name, bundle, bundle.card.decision) for name in ("one", "other")]
    eeg = SyntheticDevice("eeg", seed=1)
    with Runtime([eeg, device], models) as runtime:
        with opened(qtbot, runtime, tmp_path) as dashboard:
            panel = signals(dashboard)
            head, arm, _ = panel.lanes.groups
            turn(panel, centre(panel, head, 1), -9, Qt.KeyboardModifier.NoModifier)
            qtbot.waitUntil(
                lambda: bool(np.isfinite(head.source.scale.range).all()),
                timeout=PATIENT,
            )
            by_hand = head.source.scale.range[1]
            for view in "filtered for one", "filtered for other", "raw":
                press(qtbot, panel, "F")
                qtbot.waitUntil(partial(shows, panel, view), timeout=PATIENT)
                head, arm, _ = panel.lanes.groups
                assert arm.about.endswith("raw")
                # What hands set of the raw signal means nothing of a filtered one.
                assert head.source.scale.auto.all() == (view != "raw")
            assert head.source.scale.range[1] == by_hand


def test_a_channel_that_a_view_lacks_stays_hidden() -> None:
    def named(*names: str) -> Source:
        kinds, units = ("eeg",) * len(names), ("uV",) * len(names)
        stream = StreamInfo("head", SFREQ, names, kinds, units)
        places = list(range(len(names)))
        return Source(
            History(stream, Ring((len(names),), 10)), Scale(len(names)), places
        )

    look, raw = Look(), named("A", "B", "AUX")
    raw.shown.remove(2)
    raw.bright = {2, 0}
    raw.scale.hold(2, 500.0)
    look.note(raw, "")
    filtered = named("B", "A")
    look.give(filtered, "model")
    assert (filtered.shown, filtered.bright) == ([0, 1], {1})
    filtered.shown.remove(0)
    look.note(filtered, "model")
    again = named("A", "B", "AUX")
    look.give(again, "")
    assert (again.shown, again.bright) == ([0], {0, 2})
    assert again.scale.auto.tolist() == [True, True, False]
    assert again.scale.range[2] == 500
    only = named("B", "AUX")
    look.give(only, "")
    assert only.shown == [0, 1]  # of a stream something is always shown


@pytest.mark.parametrize("held", ["ControlModifier", "ShiftModifier"])
def test_a_channel_is_hidden_by_a_click_with_a_key_held(
    qtbot: QtBot, dashboard: Dashboard, held: str
) -> None:
    panel = signals(dashboard)
    arm, _ = panel.lanes.groups
    keys = getattr(Qt.KeyboardModifier, held)
    click(qtbot, panel, centre(panel, arm, 1), keys)
    assert arm.source.shown == [0]


def test_the_right_button_offers_the_channel_and_the_menu(
    qtbot: QtBot, dashboard: Dashboard
) -> None:
    panel = signals(dashboard)
    arm, _ = panel.lanes.groups
    for entry, done in (
        ("Hide E2", lambda: arm.source.shown == [0]),
        ("Signals: show hidden channels", lambda: arm.source.shown == [0, 1]),
        ("Signals: sweep or scroll", lambda: not panel.lanes.sweep),
    ):
        at = panel.lanes.mapTo(panel, centre(panel, arm, arm.source.shown[-1]))
        where = panel.mapToGlobal(at)
        mouse = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(panel, QContextMenuEvent(mouse, at, where))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        action = next(each for each in menu.actions() if each.text() == entry)
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        place = menu.actionGeometry(action).center()
        qtbot.mouseClick(menu, left, none, place)  # type: ignore[no-untyped-call]
        qtbot.waitUntil(done, timeout=PATIENT)


def test_small_turns_of_the_wheel_add_up(qtbot: QtBot, dashboard: Dashboard) -> None:
    panel = signals(dashboard)
    arm, _ = panel.lanes.groups
    at = centre(panel, arm, 0)
    control = Qt.KeyboardModifier.ControlModifier
    for k in range(8):  # as a touchpad does
        assert panel.span == (10.0 if k < 4 else 5.0)
        turn(panel, at, 0.25, control)
    assert panel.span == 2.0


def test_a_paused_view_follows_hands(qtbot: QtBot, dashboard: Dashboard) -> None:
    panel = signals(dashboard)
    lanes, (arm, head) = panel.lanes, panel.lanes.groups
    qtbot.waitUntil(
        lambda: bool(np.isfinite(arm.source.scale.range).all()), timeout=PATIENT
    )
    press(qtbot, panel, "P")
    n = len(arm.source.history)

    def ink() -> list[int]:
        """Return in how many columns each stream has a signal."""
        lanes.grab()
        picture = marked_of(lanes.shown)
        sources = [each.source for each in (arm, head)]
        rows = [picture[each.top : each.top + each.height] for each in sources]
        return [int(each.any(axis=0).sum()) for each in rows]

    def changed(before: NDArray[np.uint32]) -> bool:
        return not np.array_equal(pixels(lanes.shown), before)

    assert min(ink()) >= 5
    acts: list[Callable[[], object]] = [
        partial(press, qtbot, panel, "-"),
        lambda: click(qtbot, panel, centre(panel, arm, 0)),
    ]
    for act in acts:
        before = pixels(lanes.shown)
        act()
        qtbot.waitUntil(partial(changed, before), timeout=PATIENT)
    acts = [
        partial(press, qtbot, panel, "["),
        partial(press, qtbot, panel, "S"),
        lambda: dashboard.window.resize(1000, 700),
        partial(press, qtbot, panel, "D", Qt.KeyboardModifier.ControlModifier),
    ]
    for act in acts:
        act()
        assert min(ink()) >= 5
    assert len(arm.source.history) == n


def test_what_hands_have_set_is_there_again(qtbot: QtBot, dashboard: Dashboard) -> None:
    panel = signals(dashboard)
    arm, _ = panel.lanes.groups
    scale = arm.source.scale
    qtbot.waitUntil(lambda: bool(np.isfinite(scale.range).all()), timeout=PATIENT)
    press(qtbot, panel, "[")
    press(qtbot, panel, "S")
    press(qtbot, panel, "E")
    turn(panel, centre(panel, arm, 1), -3, Qt.KeyboardModifier.NoModifier)
    click(qtbot, panel, centre(panel, arm, 1))
    control = Qt.KeyboardModifier.ControlModifier
    click(qtbot, panel, centre(panel, arm, 0), control)
    kept = json.loads(json.dumps(panel.keep()))
    assert kept["streams"].keys() == {"arm"}  # nothing is set of the other one
    kept["streams"]["leg"] = {"hidden": ["E9"], "bright": [], "ranges": {}}
    run = dashboard.window.run
    assert run is not None
    again = Signals("", lambda command: None)
    qtbot.addWidget(again)
    again.restore(kept)
    assert again.keep() == kept  # also before there is a run
    again.refresh(run, now())
    twin, other = again.lanes.groups
    assert (again.span, again.sweep, again.lanes.span) == (5.0, False, 5.0)
    assert again.alike
    assert (twin.source.shown, twin.source.bright) == ([1], {1})
    assert twin.source.scale.auto.tolist() == [True, False]
    assert twin.source.scale.range[1] == scale.range[1]
    assert (other.source.shown, other.source.bright) == ([0], set())
    assert again.keep() == kept  # "leg", which this run has not, for the next time
    again.lanes.heading_clicked.emit(twin)
    again.lanes.lane_clicked.emit(twin, 1, False)
    again.refresh(run, now())
    assert again.keep()["streams"]["arm"].keys() == kept["streams"]["arm"].keys()
    assert again.keep()["streams"]["arm"]["hidden"] == []


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"span": 3.0, "sweep": "yes", "alike": 1, "view": 7, "streams": []},
        {"span": [], "view": "a model that is not here", "streams": {"arm": 3}},
        {"streams": {"arm": {"hidden": "E1", "bright": [1, None], "ranges": [2]}}},
        {"streams": {"arm": {"hidden": ["E1", "E2"], "ranges": {"": "E1"}}}},
        {
            "streams": {
                "arm": {"ranges": {"": {"E1": -1, "E2": np.inf, "E7": 10**400}}},
                "head": {"ranges": {"": {"E1": np.nan}, "x": {"E1": True}}},
            }
        },
    ],
)
def test_odd_things_that_were_kept_do_no_harm(
    qtbot: QtBot, dashboard: Dashboard, kept: dict[str, Any]
) -> None:
    panel = Signals("", lambda command: None)
    qtbot.addWidget(panel)
    panel.restore(kept)
    assert dashboard.window.run is not None
    panel.refresh(dashboard.window.run, now())
    shown = [g.source.shown for g in panel.lanes.groups]
    assert shown == [[0, 1], [0]]
    assert (panel.span, panel.sweep, panel.view) == (10.0, True, "")
    assert not panel.alike
    assert all(g.source.scale.auto.all() for g in panel.lanes.groups)
    json.dumps(panel.keep(), allow_nan=False)


@pytest.mark.parametrize(
    ("units", "told"),
    [
        (("uV", "uV"), "raw"),
        (("none", "none"), "raw, in counts"),
        (("none", "g"), "raw"),
        (("unknown", "uV"), "raw, ? where the unit is not known"),
    ],
)
def test_the_heading_says_what_a_bare_number_counts(
    qtbot: QtBot, tmp_path: Path, light: None, units: tuple[str, str], told: str
) -> None:
    class Measured(Counting):
        def open(self) -> Sequence[StreamInfo]:
            first, *rest = super().open()
            return [replace(first, units=units), *rest]

    with Runtime([Measured()]) as runtime:
        with opened(qtbot, runtime, tmp_path) as dashboard:
            assert signals(dashboard).lanes.groups[0].about == f"200 Hz, {told}"


def test_every_entry_of_the_menu_can_be_chosen(dashboard: Dashboard) -> None:
    panel = signals(dashboard)
    chosen = 0
    for action in panel.actions():
        menu = action.menu()
        for each in [action] if menu is None else menu.actions():
            each.trigger()
            chosen += 1
    assert chosen >= len(SPANS) + 9
    assert panel.span == SPANS[-1]  # "more seconds" came after the list of them


def test_no_key_has_two_meanings(dashboard: Dashboard) -> None:
    keys = [
        key.toString()
        for action in dashboard.window.findChildren(QAction)
        for key in action.shortcuts()
    ]
    assert len(keys) > 10
    assert sorted(keys) == sorted(set(keys))


def test_a_marker_is_a_line_in_every_stream(
    qtbot: QtBot, dashboard: Dashboard, run: Runtime
) -> None:
    run.run.mark("blink")
    panel = signals(dashboard)

    def told() -> bool:
        marks = [[m for m in g.marks if m.text == "blink"] for g in panel.lanes.groups]
        return all(len(each) == 1 and each[0].line for each in marks)

    qtbot.waitUntil(told, timeout=PATIENT)


@pytest.mark.parametrize(("lost", "text"), [(10, "10 filled"), (100, "100 lost")])
def test_lost_samples_are_told_in_their_stream_alone(
    qtbot: QtBot, dashboard: Dashboard, device: Counting, lost: int, text: str
) -> None:
    arm, head = signals(dashboard).lanes.groups
    device.stalled = True
    qtbot.wait(int(1000 * lost / SFREQ) + 100)
    device.skip, device.stalled = lost, False
    qtbot.waitUntil(lambda: text in [m.text for m in arm.marks], timeout=PATIENT)
    history = arm.source.history
    if lost == 10:
        qtbot.waitUntil(lambda: history.filled.sum() == 10, timeout=PATIENT)
        assert (np.diff(history.index) == 1).all()
    else:
        jumps = np.diff(history.index)
        assert jumps[jumps > 1].tolist() == [101]
    assert head.marks == []
    assert not head.source.history.filled.any()


def test_a_device_that_goes_and_comes_back(
    qtbot: QtBot, dashboard: Dashboard, device: Counting
) -> None:
    panel = signals(dashboard)
    arm, _ = panel.lanes.groups
    device.gone = True
    qtbot.waitUntil(lambda: arm.state.startswith("lost: it is unplug"), timeout=PATIENT)
    before = arm.source.done
    qtbot.wait(300)
    assert arm.source.done == before
    assert arm.source.blank is not None
    assert before is not None
    assert arm.source.blank > before + 10  # time goes on, and nothing is drawn in it
    device.gone = False
    qtbot.waitUntil(lambda: arm.state == "", timeout=PATIENT)
    qtbot.waitUntil(lambda: "back" in [m.text for m in arm.marks], timeout=PATIENT)


def test_the_pause_of_the_view_loses_nothing(
    qtbot: QtBot, dashboard: Dashboard
) -> None:
    group = signals(dashboard).lanes.groups[0]
    dashboard.window.pause()
    n = len(group.source.history)
    qtbot.wait(300)
    assert len(group.source.history) == n
    dashboard.window.pause()
    qtbot.waitUntil(lambda: len(group.source.history) > n + 50, timeout=PATIENT)
    assert (np.diff(group.source.history.index) == 1).all()

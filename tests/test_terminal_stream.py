"""The panel of one stream: its connection, losses, delays and markers."""

import io
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from rtpipe.counters import StreamCounters
from rtpipe.duration import milliseconds
from rtpipe.jitter import Delays
from rtpipe.link import Link
from rtpipe.pipeline import Pipeline
from rtpipe.ring import Ring
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import StreamStatus
from rtpipe.terminal.canvas import Line
from rtpipe.terminal.losses import Losses
from rtpipe.terminal.marks import Marks
from rtpipe.terminal.standing import Standing
from rtpipe.terminal.streampanel import StreamPanel
from rtpipe.terminal.view import TerminalView
from rtpipe.types import Chunk, Event, StreamInfo
from rtpipe.unit import NONE, UNKNOWN

SFREQ = 100.0
STARTED = 1000.0
REASON = (
    "no armband answered within 10 s: switch it on, hold it near the computer, and end "
    "other programs that use it"
)
TO_DO = "switch it on, hold it near the computer, and end other programs that use it"


def text_of(lines: Sequence[Line]) -> str:
    return "\n".join("".join(piece.text for piece in line) for line in lines)


def flat(text: str) -> str:
    return re.sub(r"[\s│]+", " ", text)


def make_status(n: int = 4, seconds: float = 10.0, name: str = "arm") -> StreamStatus:
    info = StreamInfo(
        name, SFREQ, tuple(f"EMG{k}" for k in range(n)), ("emg",) * n, ("uV",) * n
    )
    n_times = round(seconds * SFREQ)
    ring = Ring((n,), 2000)
    data = np.random.default_rng(0).normal(0, 20, (n_times, n)).astype(np.float32)
    ring.write(Chunk(name, 0, np.arange(n_times) / SFREQ, data))
    status = StreamStatus(info, ring, StreamCounters(n_times), ("good",) * n)
    status.link.become("streaming", STARTED)
    return status


def drawn(
    status: StreamStatus, width: int = 80, height: int = 12, time: float = 60.0
) -> str:
    panel = StreamPanel(status, STARTED)
    panel.look(STARTED + time)
    return text_of(panel.lines(width, height))


# The connection ----------------------------------------------------------------------


@pytest.mark.parametrize("height", [1, 3, 8])
@pytest.mark.parametrize(
    ("state", "sign"),
    [("degraded", "▲"), ("lost", "✕"), ("recovering", "◌"), ("streaming", "●")],
)
def test_a_state_is_a_sign_and_never_a_colour_alone(
    state: str, sign: str, height: int
) -> None:
    status = make_status()
    status.link.state = state  # type: ignore[assignment]
    frame = drawn(status, height=height)
    assert sign in frame
    if height > 1 or state in ("lost", "recovering"):
        assert state in frame


@pytest.mark.parametrize("width", [12, 20, 28, 40])
def test_a_long_name_leaves_room_for_the_sign(width: int) -> None:
    status = make_status(name="a-name-that-is-long")
    status.link.become("lost", STARTED, REASON)
    edge = drawn(status, width=width).splitlines()[0]
    assert "✕" in edge
    assert len(edge) == width


@pytest.mark.parametrize("width", [30, 40, 60, 80, 200])
@pytest.mark.parametrize("state", ["lost", "recovering"])
def test_since_when_why_and_what_to_do_are_told_in_full(state: str, width: int) -> None:
    status = make_status()
    status.link.become("lost", STARTED + 20, REASON)
    panel = StreamPanel(status, STARTED)
    panel.look(STARTED + 20)
    status.link.become(state, STARTED + 31, REASON)  # type: ignore[arg-type]
    panel.look(STARTED + 32)
    framed = panel.heights(width)[1]
    frame = flat(text_of(panel.lines(width, framed)))
    assert "no data since 0:20 (0:12); still trying" in frame, "since the first loss"
    assert REASON in frame


@pytest.mark.parametrize("lines", range(1, 9))
def test_where_lines_are_short_what_to_do_is_told_whole(lines: int) -> None:
    link = Link()
    link.become("lost", STARTED, REASON)
    told = Standing(link, STARTED).told(40, lines, STARTED + 1, brief=False)
    assert 0 < len(told) <= lines
    text = flat(text_of(told).replace("\n", " "))
    if lines >= 2:
        assert text.endswith(TO_DO[TO_DO.index("and end other") :])
    if lines >= 3:
        assert TO_DO in text
    if lines >= 5:
        assert text.startswith("no data since")


def test_a_single_word_that_is_too_long_is_cut_and_says_so() -> None:
    link = Link()
    link.become("lost", STARTED, "x" * 200)
    told = text_of(Standing(link, STARTED).told(20, 2, STARTED, brief=False))
    assert "x" in told
    assert told.endswith("…")


def test_nothing_is_said_of_a_stream_that_is_well() -> None:
    link = Link()
    link.become("streaming", STARTED)
    assert Standing(link, STARTED).told(80, 9, STARTED, brief=False) == []


def test_why_is_left_out_where_another_says_it() -> None:
    status = make_status()
    status.link.become("lost", STARTED, REASON)
    panel = StreamPanel(status, STARTED)
    panel.repeated = True
    panel.look(STARTED + 3)
    frame = text_of(panel.lines(80, 12))
    assert "still trying" in frame
    assert "armband answered" not in frame


@pytest.mark.parametrize(
    ("unit", "meant"),
    [("uV", "µV"), ("g", "g"), (NONE, ""), (UNKNOWN, "?")],
)
def test_a_size_has_the_unit_that_the_window_shows(unit: str, meant: str) -> None:
    status = make_status(1)
    status.info = replace(status.info, units=(unit,))
    (size,) = re.findall(r"±[\d.]+ *([^\s│]*) *│?$", drawn(status), re.MULTILINE)
    assert size == meant


def test_what_has_ended_is_not_shown_as_it_was() -> None:
    status = make_status()
    status.truth["gesture"] = "fist"
    status.delays.add(0.005)
    before = drawn(status)
    for word in ("good", "of 100 Hz", "fist", "delay", "±"):
        assert word in before
    status.link.become("lost", STARTED, REASON)
    after = drawn(status)
    for word in ("good", "of 100 Hz", "fist", "delay", "±"):
        assert word not in after
    assert "1,000 received" in after


def test_before_the_first_sample_it_waits_and_says_for_how_long() -> None:
    status = make_status(seconds=0)
    status.link = Link("connecting", "is the armband on?")
    frame = drawn(status)
    assert "○ connecting" in frame
    assert "waiting for the first sample (1:00)" in frame
    assert "is the armband on?" in frame


def test_once_degraded_the_channels_keep_their_lines() -> None:
    status = make_status()
    panel = StreamPanel(status, STARTED)
    panel.look(STARTED)
    calm = panel.heights(80)
    status.link.become("degraded", STARTED, "1.2% of the samples were lost")
    panel.look(STARTED + 1)
    uneasy = panel.heights(80)
    assert uneasy[3] == calm[3] + 1
    frame = text_of(panel.lines(80, uneasy[3]))
    assert "1.2% of the samples were lost" in frame
    status.link.become("streaming", STARTED + 2)
    panel.look(STARTED + 3)
    assert panel.heights(80) == uneasy
    after = text_of(panel.lines(80, uneasy[3]))
    rows = [line.index("EMG3") for line in (frame, after)]
    assert rows[0] == rows[1]


# Losses and delays -------------------------------------------------------------------


def test_losses_in_all_and_in_the_last_minute() -> None:
    counters = StreamCounters()
    losses = Losses(counters)
    for second in range(200):
        losses.look(float(second))
        counters.received += 98
        counters.lost_transport += 2 if second < 100 else 0
        if second == 99:
            assert losses.recent == 2 * 60
            assert losses.recent_share == pytest.approx(0.02)
    assert losses.recent == 0
    assert losses.share == pytest.approx(200 / (200 * 98 + 200))


def test_what_was_lost_is_told_before_what_came() -> None:
    status = make_status()
    status.counters.lost_transport, status.counters.outages = 10, 2
    status.counters.gaps = 1
    frame = drawn(status, width=120)
    assert "10 lost (0.99%) · last minute 0 (0.00%) · 2 outages · 1 gap" in frame
    assert "1 gap · 10 on the way" in drawn(status, width=150)
    assert "10 lost (0.99%) · 1 min 0.00%" in drawn(status, width=45)
    assert "10 lost (0.99%)" in drawn(status, width=36)
    assert "10 lost (0.99%)" in drawn(status, height=1)


@pytest.mark.parametrize(
    ("counter", "word"),
    [
        ("lost_device", "in the device"),
        ("lost_transport", "on the way"),
        ("filled", "filled"),
        ("late", "late"),
        ("malformed", "malformed"),
    ],
)
def test_where_samples_were_lost_is_told(counter: str, word: str) -> None:
    status = make_status()
    assert word not in drawn(status, width=150)
    setattr(status.counters, counter, 1234)
    assert f"1,234 {word}" in drawn(status, width=150)


@pytest.mark.parametrize("degraded", [False, True])
def test_a_panel_asks_for_what_it_fills(degraded: bool) -> None:
    status = make_status()
    status.truth |= {"gesture": "fist", "mood": "good"}
    if degraded:
        status.link.become("degraded", STARTED, "1.2% of the samples were lost")
    for width in (26, 45, 80):
        panel = StreamPanel(status, STARTED)
        panel.mark(Event("arm", 0.0, "marker", 900))
        panel.look(STARTED)
        *_, full, tall = panel.heights(width)
        for height in range(full, tall):
            assert panel.filled(width, height) == full
        assert panel.filled(width, tall + 5) == tall
        body = text_of(panel.lines(width, full)).splitlines()[1:-1]
        assert all(re.search(r"[^│ ]", line) for line in body), "no empty line"


def test_jitter_is_the_distance_from_the_median_to_the_95th_percentile() -> None:
    delays = Delays()
    assert delays.typical is None
    assert delays.jitter is None
    seconds = np.random.default_rng(1).exponential(0.01, 1000) + 0.02
    for each in seconds:
        delays.add(float(each))
    last = np.sort(seconds[-256:])
    assert delays.typical == pytest.approx(np.median(last))
    assert delays.jitter == pytest.approx(np.percentile(last, 95) - np.median(last))


@pytest.mark.parametrize("clock", ["run", "recording"])
def test_the_delay_of_a_chunk_is_counted_from_its_newest_sample(clock: str) -> None:
    info = make_status(1).info
    pipeline = Pipeline(info, {}, clock)  # type: ignore[arg-type]
    data = np.zeros((10, 1), np.float32)
    times = 500 + np.arange(10) / SFREQ
    pipeline.process(Chunk("arm", 0, times, data, arrived=500.102))
    pipeline.process(Chunk("arm", 10, np.empty(0), data[:0], arrived=600.0))
    delays = pipeline.status.delays
    expected = pytest.approx(0.012) if clock == "run" else None
    assert delays.typical == expected
    frame = drawn(pipeline.status)
    assert ("delay 12 ms · jitter 0.0 ms" in frame) == (clock == "run")
    pipeline.close()


def test_the_nominal_rate_gives_way_to_the_jitter() -> None:
    status = make_status()
    status.delays.add(0.005)
    assert "of 100 Hz · delay 5.0 ms · jitter" in drawn(status, width=80)
    narrow = drawn(status, width=40)
    assert "of 100 Hz" not in narrow
    assert "delay 5.0 ms · jitter 0.0 ms" in narrow


# Markers -----------------------------------------------------------------------------


def marked(*places: tuple[int | None, str]) -> Marks:
    marks = Marks()
    for index, text in places:
        marks.add(Event("arm", 0.0, "marker", index, {"text": text}))
    return marks


def test_a_tick_stands_where_its_sample_is_drawn() -> None:
    # Cells of ten samples; the one at the right ends before sample 200.
    for index in range(100, 200):
        row = marked((index, "")).row((10, 200), 10, (0, 0))
        assert row.index("▴") == index // 10 - 10
        assert row.count("▴") == 1
    assert marked((203, "")).row((10, 200), 10, (0, 0)) == "         ▴", (
        "of the next cell"
    )
    assert marked((99, "")).row((10, 200), 10, (0, 0)) == " " * 10, "too long ago"
    assert marked((None, "no place")).row((10, 200), 10, (0, 0)) == " " * 10


def test_a_text_stands_beside_its_tick_or_not_at_all() -> None:
    assert marked((190, "fist")).row((10, 200), 10, (0, 0)) == "    fist ▴"
    assert marked((120, "fist")).row((10, 200), 10, (0, 0)) == "  ▴ fist  "
    assert marked((150, "long text")).row((10, 200), 10, (0, 0)) == "     ▴    "
    margins = (4, 2)
    assert marked((150, "long")).row((10, 200), 10, margins) == "    long ▴      "
    assert marked((150, "too long for that")).row((10, 200), 10, margins).split() == [
        "▴"
    ]
    both = marked((150, "a"), (190, "b")).row((10, 200), 10, (0, 0))
    assert both == "   a ▴ b ▴"
    near = marked((180, "first"), (190, "two")).row((10, 200), 10, (0, 0))
    assert near.endswith("▴▴")
    assert "two" not in near or "first" not in near


def test_markers_take_a_row_when_there_are_some() -> None:
    status = make_status()
    panel = StreamPanel(status, STARTED)
    panel.look(STARTED)
    before = panel.heights(80)[3]
    assert "▴" not in text_of(panel.lines(80, before))
    panel.mark(Event("arm", 0.0, "marker", 900, {"text": "sat \x1b[2Jdown"}))
    assert panel.heights(80)[3] == before + 1
    (row,) = [
        line
        for line in text_of(panel.lines(80, before + 1)).splitlines()
        if "▴" in line
    ]
    assert "sat  [2Jdown ▴" in row
    across = text_of(panel.lines(120, 7))
    assert "▴" in across, "also where channels stand beside each other"


# One line ----------------------------------------------------------------------------


def test_one_line_says_how_much_how_fast_how_whole_how_good() -> None:
    status = make_status(3, name="accel")
    panel = StreamPanel(status, STARTED)
    for k in range(20):
        status.counters.received += 50
        panel.look(STARTED + k / 2)
    line = text_of(panel.lines(80, 1))
    assert re.search(r"● accel +3 ch · +100\.0 Hz · 0 lost · ● 3 good", line)
    assert len(line) <= 80
    assert text_of(panel.lines(80, 2)).splitlines()[0] == line
    panel.prominent = False
    assert panel.heights(80)[0] == 1
    assert panel.filled(80, 5) == 1, "half a frame is worth nothing"
    status.quality = ("good", "flat", "good")
    assert "▬ EMG1 flat" in text_of(panel.lines(60, 1)), "first what is not good"
    status.link.become("lost", STARTED + 9, REASON)
    assert "✕ accel  lost: no armband" in text_of(panel.lines(80, 1))


# A real run --------------------------------------------------------------------------


class Leaving:
    """A device that goes after two samples, is not there once, and comes back."""

    paced = True
    clock = "run"

    def __init__(self) -> None:
        self.opened = self.n = 0

    def open(self) -> Sequence[StreamInfo]:
        from rtpipe.errors import DeviceNotFound

        self.opened += 1
        if self.opened == 2:
            raise DeviceNotFound("no armband answered: switch it on")
        self.n = 0
        return [make_status(1).info]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        from rtpipe.clock import now
        from rtpipe.errors import DeviceLost

        self.n += 1
        if self.n > 2:
            if self.opened > 2:
                return None
            raise DeviceLost("the armband has gone: is it charged?")
        data = np.full((1, 1), self.n, np.float32)
        return [Chunk("arm", self.n - 1, np.array([now()]), data, now())]

    def close(self) -> None:
        pass


def test_what_happened_can_be_read_afterwards() -> None:
    file = io.StringIO()
    view = TerminalView(Console(file=file, width=100))
    with Runtime([Leaving()], [], [view], shared=False) as runtime:  # type: ignore[list-item]
        runtime.wait()
    text = file.getvalue()
    assert re.search(r"\d:\d\d  arm  lost  the armband has gone: is it charged\?", text)
    assert re.search(r"\d:\d\d  arm  recovered  after \d+\.\d s", text)
    header, _, numbers = text[text.index("stream ") :].splitlines()[:3]
    assert re.search("expected +received .* on the way", header)
    assert re.search("arm: .*outages 1\n", re.sub(" +\n", "\n", text))
    expected, received, device, way = map(int, numbers.split()[1:5])
    assert (received, device, expected) == (4, 0, 4 + way)
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((None, "—"), (0.0004, "0.4 ms"), (0.0123, "12 ms"), (1.5, "1,500 ms")),
        *((-0.002, "-2.0 ms"), (75.2, "75 s")),
    ],
)
def test_a_duration_has_the_digits_that_matter(
    seconds: float | None, text: str
) -> None:
    assert milliseconds(seconds) == text

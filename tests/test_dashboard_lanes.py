"""Lanes of signals, with what stands beside and over them."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt6.QtGui import QColor
from pytestqt.qtbot import QtBot

from rtpipe.dashboard.lanes import Group, Lanes, Mark
from rtpipe.dashboard.sheet import Source
from rtpipe.dashboard.theme import theme
from rtpipe.ring import Ring

from .pictures import marked, where
from .sources import SFREQ, chunk, source

pytestmark = pytest.mark.usefixtures("light")


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
    return where(lanes.grab().toImage(), QColor(colour))


@pytest.mark.parametrize("index", [3, 200, 411, 560])
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
    spike = marked(lanes.shown)[: made.top + made.height // 3].any(axis=0)
    assert abs(int(line.argmax()) - left - np.flatnonzero(spike).mean()) <= 1


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


def test_an_event_of_a_stream_without_samples_here_has_no_place(qtbot: QtBot) -> None:
    """A replay may be too fast to be read; that its zero is not known ends nothing."""
    made = source(Ring((1,), 20_000), 1)
    made.zero = np.nan
    lanes = lanes_of(qtbot, made, Mark(1.0, "early", "#ff00ff"))
    assert not seen(lanes, "#ff00ff").any()


@pytest.mark.parametrize("sweep", [True, False])
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
        picture = lanes.grab().toImage()
        below = marked(picture)[lanes.shown.height() :]
        assert not below[:, :left].any()
        assert below[:, left:].any()


@pytest.mark.parametrize("n_channels", [1, 8, 40, 128])
def test_names_never_overlap_and_a_highlighted_one_is_there(
    qtbot: QtBot, n_channels: int
) -> None:
    ring = Ring((n_channels,), 2000)
    ring.write(chunk(0, np.zeros((500, n_channels))))
    made = source(ring, n_channels)
    made.history.read()
    made.bright = {n_channels - 1}
    lanes = lanes_of(qtbot, made, height=340)
    image = lanes.grab().toImage()
    ink = marked(image)[made.top :, 6:22].any(axis=1)  # of the names
    edges = np.flatnonzero(np.diff(ink, prepend=False, append=False))
    heights = edges[1::2] - edges[::2]
    highest = lanes.fontMetrics().height()
    assert (heights <= highest).all()
    room = made.height / highest
    assert min(n_channels, 0.5 * room) <= len(heights) <= n_channels
    assert seen(lanes, theme().accent)[made.top :, 6:22].any()

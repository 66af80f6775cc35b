"""What is decided, in large letters, and a bar for each label."""

from itertools import pairwise

import numpy as np
import pytest
from PyQt6.QtGui import QColor
from pytestqt.qtbot import QtBot

from rtpipe.dashboard.answer import Answer
from rtpipe.dashboard.bars import Bars
from rtpipe.dashboard.model import Answers
from rtpipe.dashboard.theme import LIGHT, colour_of
from rtpipe.dashboard.tile import Tile
from rtpipe.dashboard.timeline import FOOT
from rtpipe.sinks.jsonl import as_json
from rtpipe.types import Prediction

from .modelpanels import GESTURES, LABELS
from .pictures import where

pytestmark = pytest.mark.usefixtures("light")


@pytest.mark.parametrize(
    "label",
    ["a", "ulnar deviation", "lift the left foot and wait " * 2, "Handschuh" * 20],
)
def test_a_label_fits_its_tile_however_long_it_is(qtbot: QtBot, label: str) -> None:
    tile = Tile()
    qtbot.addWidget(tile)
    tile.resize(300, 80)
    tile.show_label(label, QColor("#0072b2"))
    image = tile.grab().toImage()
    inside = {image.pixel(x, y) for x in range(20, 280) for y in (30, 40, 50)}
    assert len(inside) > 2, "there are letters"
    assert {image.pixelColor(6, y).name() for y in range(12, 68)} == {"#0072b2"}
    for x in (13, 296):
        assert len({image.pixel(x, y) for y in range(12, 68)}) == 1, "and none is cut"
    assert image.pixelColor(0, 0) == QColor(LIGHT.ground)


def test_a_label_of_common_length_is_shown_to_its_last_letter(qtbot: QtBot) -> None:
    tile = Tile()
    qtbot.addWidget(tile)
    for wide in range(100, 420, 20):
        tile.resize(wide, 60)
        images = []
        for label in ("ulnar deviation", "ulnar deviatiom"):
            tile.show_label(label, QColor("#0072b2"))
            images.append(tile.grab().toImage())
        assert images[0] != images[1], f"{wide} pixels"


def test_two_words_are_larger_below_each_other_where_it_is_narrow(
    qtbot: QtBot,
) -> None:
    tile = Tile()
    qtbot.addWidget(tile)
    tile.resize(160, 90)
    tile.show_label("ulnar deviation", QColor("#0072b2"))
    rows, _ = np.nonzero(where(tile.grab().toImage(), QColor(LIGHT.text)))
    assert np.ptp(rows) > 40
    assert {*range(rows.min(), rows.max())} - {*rows}, "two lines"


class Counted(Bars):
    """Counts how often it is to be drawn."""

    n = 0

    def update(self) -> None:  # type: ignore[override]
        self.n += 1


def told(k: int, label: str | None, hop: float = 0.1) -> Prediction:
    shares = {"background": 0.25, "seizure": 0.75}
    return Prediction("s", "m", k, k * hop, label, shares, 0.01, 0.0, None, None)


def test_a_quick_model_does_not_make_the_window_draw_more_often(qtbot: QtBot) -> None:
    bars, answers = Counted(LABELS, 0.01), Answers(LABELS, 0.01)
    qtbot.addWidget(bars)
    bars.n = 0
    shares = np.array([0.25, 0.75])
    for k in range(300):
        answers.take(as_json(told(k, "seizure", hop=0.01)), 0.0)
        bars.show_answers(Answer("seizure", shares, "", True, None), answers, k * 0.01)
    assert 20 < bars.n <= 32, "ten times in each of three seconds"
    for k in range(30):
        label = LABELS[k % 2]
        before = bars.n
        bars.show_answers(Answer(label, shares, "", True, None), answers, 3.0)
        assert bars.n == before + 1, "another label is seen at once"


@pytest.mark.parametrize("n", [2, 6, 7, 30, 40])
def test_all_labels_have_a_row_that_can_be_read(qtbot: QtBot, n: int) -> None:
    bars = Bars([f"label {k}" for k in range(n)], 0.1)
    qtbot.addWidget(bars)
    for wide, high in ((300, 220), (480, 240), (560, 760)):
        bars.resize(wide, high)
        rows, columns, below = bars.rows_and_columns()
        assert rows * columns >= n > rows * (columns - 1)
        if n <= 30 and wide > 300:
            assert below == FOOT
            assert (high - FOOT) / rows >= 12
    assert bars.minimumSizeHint().height() < 130, "many do not make the window high"


def test_where_it_is_low_no_row_lies_on_another_and_what_is_decided_stays(
    qtbot: QtBot,
) -> None:
    bars, answers = Bars(GESTURES, 0.1), Answers(GESTURES, 0.1)
    qtbot.addWidget(bars)
    shares = np.array([0.3, 0.02, 0.2, 0.2, 0.2, 0.03, 0.05])
    answer = Answer("fist", shares, "", True, "ulnar deviation")
    bars.show_answers(answer, answers, 1.0)
    for high in range(bars.minimumSizeHint().height(), 10, -3):
        bars.resize(200, high)
        image, ground = bars.grab().toImage(), QColor(LIGHT.ground)
        letters = [
            any(image.pixelColor(x, y) != ground for x in range(188, 200))
            for y in range(high)
        ]
        bands = sum(b and not a for a, b in pairwise([False, *letters]))
        rows, columns, _ = bars.rows_and_columns()
        assert columns == 1
        assert bands == min(rows, len(GESTURES)), "numbers with a gap between them"
        for label in ("fist", "ulnar deviation")[:rows]:
            colour = colour_of(label, GESTURES)
            assert where(image, colour).any(), f"{label} at {high}"

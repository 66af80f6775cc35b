"""The drawings of gestures."""

from typing import Any

import numpy as np
import pytest
from PyQt6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from rtpipe.dashboard.hand import Hand
from rtpipe.dashboard.theme import LIGHT

from .modelpanels import GESTURES
from .pictures import where

pytestmark = pytest.mark.usefixtures("light")
INK = QColor("#0072b2")


def picture(qtbot: QtBot, label: str | None) -> QImage:
    hand = Hand()
    qtbot.addWidget(hand)
    hand.resize(200, 200)
    hand.show_label(label, INK)
    return hand.grab().toImage()


def inked(image: QImage) -> tuple[Any, Any]:
    """Return columns and rows of the pixels in the hand's own colour."""
    y, x = np.nonzero(where(image, INK))
    return x, y


def test_every_gesture_has_a_drawing_of_its_own(qtbot: QtBot) -> None:
    images = [picture(qtbot, each) for each in (*GESTURES, "wave", None)]
    for k, one in enumerate(images):
        assert all(one != other for other in images[:k])
    assert picture(qtbot, "Wrist_Flexion") == picture(qtbot, "wrist flexion")
    for name, same in (("open hand", "open"), ("Hand-Close", "fist")):
        assert picture(qtbot, name) == picture(qtbot, same)
    assert not where(picture(qtbot, None), INK).any(), "no gesture, no colour"


def test_a_gesture_without_a_drawing_is_a_pale_hand_that_claims_nothing(
    qtbot: QtBot,
) -> None:
    wave = picture(qtbot, "wave")
    assert picture(qtbot, "lift the pen") == wave
    assert not where(wave, INK).any(), "not in full colour, as what is known"
    pale = wave.pixelColor(100, 140)
    assert pale not in (QColor(LIGHT.ground), QColor(LIGHT.faint))
    assert where(wave, pale).sum() > 2000


def test_a_wrist_bends_the_way_its_name_says(qtbot: QtBot) -> None:
    middle = {
        each: [np.mean(c) for c in inked(picture(qtbot, each))] for each in GESTURES
    }
    assert middle["wrist flexion"][1] > middle["wrist extension"][1] + 20, "downwards"
    assert middle["radial deviation"][0] > 100 > middle["ulnar deviation"][0], "thumb"
    assert np.min(inked(picture(qtbot, "thumbs up"))[1]) < 20, "the thumb is up"
    assert np.min(inked(picture(qtbot, "fist"))[1]) > np.min(
        inked(picture(qtbot, "open"))[1]
    ), "a fist is shorter"

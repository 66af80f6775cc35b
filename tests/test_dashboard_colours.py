"""Colours: told apart by everybody, and read on each other."""

from itertools import combinations

import numpy as np
import pytest
from PyQt6.QtGui import QColor
from pytestqt.qtbot import QtBot

from rtpipe.dashboard.theme import (
    DARK,
    LIGHT,
    Theme,
    choose,
    colour_of,
    font,
    state_colour,
)
from rtpipe.dashboard.tile import Tile
from rtpipe.types import Float64


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_letters_and_states_stand_out_from_the_ground(colours: Theme) -> None:
    """Contrast by WCAG 2.1: 4.5 for letters, 3 for shapes."""
    for letters in (colours.text, colours.quiet):
        assert contrast(letters, colours.ground) >= 4.5
        assert contrast(letters, colours.raised) >= 4.5
    for letters in (colours.good, colours.warn, colours.bad):
        assert contrast(letters, colours.ground) >= 4.5
    shapes = (colours.accent, colours.signal)
    for shape in shapes:
        assert contrast(shape, colours.ground) >= 3


# Machado, Oliveira and Fernandes (2009), "A physiologically-based model for simulation
# of color vision deficiency": all of a cone is missing.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
LEAST = 13.0  # of CIE 1976: 2.3 is what an eye just sees, side by side


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_labels_are_told_apart_by_colour_blind_people(
    colours: Theme, vision: str
) -> None:
    seen = [lab(VISIONS[vision] @ linear(each)) for each in colours.labels]
    for (i, one), (j, other) in combinations(enumerate(seen), 2):
        assert np.linalg.norm(one - other) >= LEAST, (i, j)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.usefixtures("light")
def test_a_label_can_be_read_on_every_colour(qtbot: QtBot, colours: Theme) -> None:
    choose(colours)
    tile = Tile()
    qtbot.addWidget(tile)
    tile.resize(300, 80)
    for each in colours.labels:
        tile.show_label("i", QColor(each))
        behind = tile.grab().toImage().pixelColor(280, 40).name()
        assert behind != colours.ground
        assert contrast(behind, colours.text) >= 7
    assert contrast(colours.bad, colours.ground) >= 4.5, "the alarm"


@pytest.mark.usefixtures("light")
def test_a_label_has_one_colour_and_a_state_a_meaning() -> None:
    labels = ("rest", "fist", "open")
    found = [colour_of(each, labels).name() for each in labels]
    assert found == list(LIGHT.labels[:3])
    assert colour_of("another", labels).name() == LIGHT.quiet
    assert state_colour("good").name() == state_colour("streaming").name()
    assert state_colour("lost").name() == LIGHT.bad
    assert state_colour("?").name() == LIGHT.quiet
    assert font(2.0).pointSizeF() == 2 * font().pointSizeF()


def lab(light: Float64) -> Float64:
    """Return the place of linear sRGB in CIE 1976 L*a*b*, white D65."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    x, y, z = to_xyz @ np.clip(light, 0, 1) / (0.9505, 1.0, 1.089)
    x, y, z = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG 2.1 defines it."""
    both = sorted((luminance(one), luminance(other)))
    return (both[1] + 0.05) / (both[0] + 0.05)


def luminance(colour: str) -> float:
    return float(linear(colour) @ (0.2126, 0.7152, 0.0722))


def linear(colour: str) -> Float64:
    """Return a colour as linear sRGB, shape (3,)."""
    parts = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    return np.where(parts < 0.04, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)

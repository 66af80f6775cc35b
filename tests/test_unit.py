"""A unit has one word here, however it is spelt elsewhere."""

import pytest

from rtpipe.unit import unit


@pytest.mark.parametrize(
    ("word", "spelt"),
    [
        ("uV", ["uV", "UV", "microvolts", "Microvolt", " microvolts "]),
        ("uV", ["\N{MICRO SIGN}V", "\N{GREEK SMALL LETTER MU}V"]),
        ("mV", ["mV", "millivolts", "millivolt"]),
        ("V", ["V", "volts", "volt"]),
        ("nV", ["nV", "nanovolts"]),
        ("none", ["none", "counts", "raw", "a.u.", "arbitrary", "Unitless"]),
        ("g", ["g", " g\n"]),
        ("deg/s", ["deg/s"]),
        ("", ["", "  "]),
    ],
)
def test_a_unit_has_one_word(word: str, spelt: list[str]) -> None:
    assert [unit(each) for each in spelt] == [word] * len(spelt)
    assert unit(word) == word

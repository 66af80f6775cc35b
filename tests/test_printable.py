"""Words from outside steer nothing where they are shown."""

import pytest

from rtpipe.dashboard.plain import Plain
from rtpipe.printable import clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Fp1 - µV, 日本, é", "Fp1 - µV, 日本, é"),
        ("a\x1b[2Jb", "a [2Jb"),
        ("one\ntwo\ttab", "one two tab"),
        ("right\N{RIGHT-TO-LEFT OVERRIDE}left", "right left"),
        ("", ""),
    ],
)
def test_what_could_steer_is_a_blank(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.usefixtures("qapp")
def test_a_label_keeps_its_lines_and_turns_no_word() -> None:
    label = Plain("a\N{RIGHT-TO-LEFT OVERRIDE}b\nc")
    assert label.text() == "a b\nc"
    label.setText("d\N{LEFT-TO-RIGHT OVERRIDE}<b>e")
    assert label.text() == "d <b>e"

"""The name of a recording: templates, and what is refused."""

import re
from datetime import date
from pathlib import Path

import pytest

from rtpipe.errors import ConfigError
from rtpipe.filename import recording_file


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_name_is_taken_as_it_is_and_gets_a_suffix() -> None:
    assert recording_file("hand.xdf") == Path("hand.xdf")
    assert recording_file("hand.XDF") == Path("hand.XDF")
    assert recording_file("hand") == Path("hand.xdf")


def test_what_no_shell_has_read_begins_with_the_users_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(here / "me"))
    (here / "me").mkdir()
    assert recording_file("~/hand") == here / "me" / "hand.xdf"
    assert recording_file("a~/hand") == Path("a~/hand.xdf")


def test_fields_are_filled_in() -> None:
    template = "{subject}_{task}_{date}_{run}"
    today = date.today().isoformat()
    expected = Path(f"S.1_calm_{today}_01.xdf")
    assert recording_file(template, subject="S.1", task="calm") == expected


def test_the_run_is_the_first_number_that_is_free(here: Path) -> None:
    for k in (1, 2, 4):
        (here / f"run{k:02d}.xdf").touch()
    assert recording_file("run{run}") == Path("run03.xdf")
    for k in range(1, 100):
        (here / f"run{k:02d}.xdf").touch()
    assert recording_file("run{run}.xdf") == Path("run100.xdf")


def test_the_run_may_be_a_folder(here: Path) -> None:
    (here / "01").mkdir()
    assert recording_file("{run}/a.xdf") == Path("01/a.xdf")
    (here / "01" / "a.xdf").touch()
    assert recording_file("{run}/a.xdf") == Path("02/a.xdf")


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("there.xdf", "there.xdf is there already, and is not written over"),
        ("link.xdf", "link.xdf is there already"),
        ("folder", "folder is a folder: name a file in it"),
        ("new/newer/a.xdf", "there is no folder new to record in"),
        ("a.edf", "a.edf would not be XDF.*rtpipe convert"),
        ("{subject}.xdf", "wants {subject}: say --subject NAME"),
        ("{task}", "wants {task}: say --task NAME"),
        ("{who}.xdf", "there is no {who} in the name of a recording; there are"),
        ("{run:03d}.xdf", r"in the name of a recording {run} stands alone"),
        ("{run!r}", r"{run} stands alone, without ! or : in its braces"),
        ("{run", "{run is no file name"),
        ("a\nb.xdf", "cannot be the name of a file"),
    ],
)
def test_what_is_refused(here: Path, template: str, sentence: str) -> None:
    (here / "there.xdf").touch()
    (here / "link.xdf").symlink_to("nowhere")
    (here / "folder").mkdir()
    with pytest.raises(ConfigError, match=re.compile(sentence)):
        recording_file(template)


@pytest.mark.parametrize("subject", ["../other", "a/b", ".hidden", "a\x1b[2J"])
def test_a_subject_that_is_no_part_of_a_name(subject: str) -> None:
    with pytest.raises(ConfigError, match="cannot be part of a file's name"):
        recording_file("{subject}.xdf", subject=subject)

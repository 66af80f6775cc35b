"""Folders and recordings that the recipe `gesture` cannot learn from."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from rtpipe.errors import RecordingError
from rtpipe.training.recipe import train

from .gesturepeople import HEADER, PEOPLE, write_people


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("data"), PEOPLE[:1])


def copied(data: Path, to: Path, *files: str) -> Path:
    for file in files:
        path = to / file
        path.parent.mkdir(parents=True, exist_ok=True)
        source = sorted((data / "01").glob("*.txt"))[0]
        path.write_bytes(source.read_bytes())
    return to


@pytest.mark.parametrize(
    "files",
    [
        (),
        ("1_a.txt", "2_a.txt"),
        ("01/1_a.txt", "02/1_a.txt", "03/1_a.txt"),
        ("01/1_a.txt", "01/2_a.txt", "02/1_a.txt"),
        ("01/1.txt", "01/2.txt", "02/1.txt", "02/2.txt", "02/3.txt"),
        ("all/01/1_a.txt", "all/01/2_a.txt"),
    ],
    ids=["empty", "no-folders", "single", "one-person", "three", "deeper"],
)
def test_folders_laid_out_otherwise(
    files: Sequence[str], data: Path, tmp_path: Path
) -> None:
    folder = copied(data, tmp_path, *files)
    said = "is not laid out as UCI's EMG data for|holds no recording that is known"
    with pytest.raises(RecordingError, match=said):
        train("gesture", folder, tmp_path / "out", [])


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "recording.txt"
    file.write_text(HEADER)
    with pytest.raises(RecordingError, match=r"recording.txt is not a folder of rec"):
        train("gesture", file, tmp_path / "out", [])


MUSE = "timestamps,TP9,AF7,AF8,TP10,Right AUX\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEADER}\n" + ("0\t" * 9 + "1\n") * 199, "is shorter than a window of 200"),
        (f"{HEADER}\n" + ("0\t" * 9 + "1\n") * 500, "has no two gestures that last a"),
        (f"{HEADER}\n" + ("0\t" * 9 + "0\n") * 500, "has no two gestures that last a"),
        (MUSE + "0,1,2,3,4,5\n" * 300, "is not of the armband: its channels are TP9,"),
    ],
    ids=["short", "one-gesture", "unlabelled", "muse"],
)
def test_a_recording_that_cannot_be_learnt_from(
    text: str, said: str, data: Path, tmp_path: Path
) -> None:
    files = ("01/1_a.txt", "01/2_a.txt", "03/1_a.txt", "03/2_a.txt")
    folder = copied(data, tmp_path, *files)
    wrong = folder / "03" / "2_a.txt"
    wrong.write_text(text)
    with pytest.raises(RecordingError, match=f"{wrong} {said}"):
        train("gesture", folder, tmp_path / "out", [])

"""Files that were to appear together: all of them, or none and what was there."""

from pathlib import Path

import pytest

from rtpipe.convert.staging import staged

KNOWN = frozenset(map(Path, ["a.tsv", "b.tsv", "sub/c.tsv"]))


def write(folder: Path) -> None:
    for name in ["a.tsv", "b.tsv", "sub/c.tsv", "sub/eeg/signal"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("new")


def content(folder: Path) -> dict[str, str | None]:
    return {
        each.relative_to(folder).as_posix(): each.read_text()
        if each.is_file()
        else None
        for each in folder.rglob("*")
    }


def test_what_is_known_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("old")
    with staged(tmp_path, KNOWN) as folder:
        write(folder)
    names = ["a.tsv", "b.tsv", "sub/c.tsv", "sub/eeg/signal"]
    folders = {"sub": None, "sub/eeg": None}
    assert content(tmp_path) == dict.fromkeys(names, "new") | folders


@pytest.mark.parametrize("last", ["b.tsv", "sub/c.tsv"])
def test_one_that_cannot_be_replaced_leaves_all_as_it_was(
    last: str, tmp_path: Path
) -> None:
    (tmp_path / "a.tsv").write_text("old")
    (tmp_path / last).mkdir(parents=True)
    before = content(tmp_path)
    with pytest.raises(IsADirectoryError), staged(tmp_path, KNOWN) as folder:
        write(folder)
    assert content(tmp_path) == before

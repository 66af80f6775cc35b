"""The file of a recording: there whole or not at all, and never torn."""

import os
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from rtpipe.errors import ConfigError, RtpipeError
from rtpipe.sinks.recorderfile import RecorderFile


@contextmanager
def longest(size: int) -> Iterator[None]:
    """Let no file of this process become longer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(params=["nameless", "linked", "renamed"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way in which a file appears, whatever this system can."""
    name: str = request.param
    if name != "nameless":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif not hasattr(os, "O_TMPFILE"):
        pytest.skip("this system has no files without a name")
    if name == "renamed":

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "link", refuse)
    return name


def test_it_is_there_with_its_beginning(tmp_path: Path, way: str) -> None:
    path = tmp_path / "new" / "a.xdf"
    with closing(RecorderFile(path)) as file:
        file.create(b"beginning")
        assert path.read_bytes() == b"beginning"
        file.append(b" and more")
        file.sync()
        file.look()
        assert path.read_bytes() == b"beginning and more"
        assert file.size == path.stat().st_size
    assert list(path.parent.iterdir()) == [path]


def test_what_is_there_stays(tmp_path: Path, way: str) -> None:
    path = tmp_path / "a.xdf"
    path.write_bytes(b"mine")
    with pytest.raises(ConfigError, match="is there already, and is not written over"):
        RecorderFile(path).create(b"other")
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_of_this_number_left_hinders_nobody(
    tmp_path: Path, way: str
) -> None:
    """In a container every run may have the same one."""
    left = tmp_path / f".a.xdf.{os.getpid()}"
    left.touch()
    with closing(RecorderFile(tmp_path / "a.xdf")) as file:
        file.create(b"head")
    assert sorted(tmp_path.iterdir()) == [left, tmp_path / "a.xdf"]


def test_a_beginning_that_finds_no_room_leaves_nothing(
    tmp_path: Path, way: str
) -> None:
    with longest(10), pytest.raises(ConfigError, match="File too large"):
        RecorderFile(tmp_path / "a.xdf").create(b"x" * 11)
    assert list(tmp_path.iterdir()) == []


def test_what_finds_no_room_is_not_begun(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    with closing(RecorderFile(path)) as file:
        file.create(b"head")
        with longest(10):
            file.append(b"12345")
            with pytest.raises(OSError, match="File too large"):
                file.append(b"1234567")  # of which one byte has room
        assert path.read_bytes() == b"head12345"
        file.append(b"!")
        assert path.read_bytes() == b"head12345!"


def test_a_file_that_is_taken_away_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.xdf"
    with closing(RecorderFile(path)) as file:
        file.create(b"head")
        path.parent.rename(tmp_path / "moved")
        with pytest.raises(RtpipeError, match="removed or moved"):
            file.look()
        path.parent.mkdir()
        path.touch()
        with pytest.raises(RtpipeError, match="another file has taken its place"):
            file.look()

"""A run's folder: its owner's alone, removed with the run, or by the next one."""

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rtpipe import runfolder
from rtpipe.runfolder import FILE, LOCK, RunFolder, folder_of_runs
from rtpipe.sink import Run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of the test's own for the folders of runs; not made yet."""
    monkeypatch.setattr(runfolder, "shared_folder", lambda: tmp_path)
    return folder_of_runs()


def publish(folder: RunFolder, started: float = 5.0) -> None:
    folder.publish(Run(folder.name, started, {}, {}, lambda: None, lambda _: None))


def test_made_told_and_removed(home: Path) -> None:
    folder = RunFolder()
    assert folder.path == home / f"run-{os.getpid()}"
    assert folder.name == folder.path.name
    for path in (home, folder.path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for _ in range(2):  # told again, it is one object still
        publish(folder)
        told = json.loads((folder.path / FILE).read_text())
        assert told["pid"] == os.getpid()
        assert told["socket"] == str(folder.socket)
    folder.ring("muse", "raw").touch()
    folder.close()
    folder.close()
    assert list(home.iterdir()) == []


def test_the_start_is_told_on_the_runs_clock_and_on_the_walls(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runfolder, "wall_offset", lambda: 1000.0)
    folder = RunFolder()
    publish(folder, 5.0)
    told = json.loads((folder.path / FILE).read_text())
    assert told["started"] == 5.0, "as the socket says it"
    assert told["unix"] == 1005.0
    folder.close()


def test_a_reader_never_finds_half_a_file(home: Path) -> None:
    folder = RunFolder()
    assert not (folder.path / FILE).exists(), "nor an empty one"
    publish(folder, 5.0)
    with (folder.path / FILE).open() as early:
        publish(folder, 6.0)
        assert json.load(early)["started"] == 5.0
    assert json.loads((folder.path / FILE).read_text())["started"] == 6.0
    assert {each.name for each in folder.path.iterdir()} == {FILE, LOCK}
    folder.close()


@pytest.mark.parametrize(
    ("code", "said"), [(errno.ENOSPC, "no room .*--shm-size"), (errno.EIO, "broken")]
)
def test_a_run_file_that_cannot_be_written(
    code: int, said: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, "broken")

    folder = RunFolder()
    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match=said):
        publish(folder)
    folder.close()


def test_rings_have_names_of_their_own_in_the_folder(home: Path) -> None:
    folder = RunFolder()
    assert folder.ring("../up", "raw") == folder.path / "0-___up-raw.ring"
    streams = ["a:b", "a_b", "A_b", "x" * 300, "x" * 301]
    paths = [folder.ring(each, "raw") for each in streams]
    assert len({str(path).lower() for path in paths}) == len(streams)
    assert folder.ring("a:b", "raw") == paths[0]
    for path in paths:
        path.touch()
    folder.close()


def test_runs_of_one_process_have_a_folder_each(home: Path) -> None:
    folders = [RunFolder() for _ in range(3)]
    mine = f"run-{os.getpid()}"
    assert [each.name for each in folders] == [mine, f"{mine}-1", f"{mine}-2"]
    folders[1].close()
    again = RunFolder()
    assert again.name == f"{mine}-1"
    for each in (folders[0], folders[2], again):
        assert each.path.is_dir(), "a living run's folder is left alone"
        each.close()


def test_what_a_dead_run_left_is_removed(home: Path) -> None:
    RunFolder().close()
    left = home / "run-1"
    left.mkdir()
    (left / FILE).write_text("{}")
    (left / "emg-raw.ring").touch()
    other = home / "not-a-run"
    other.mkdir()
    folder = RunFolder()
    assert sorted(home.iterdir()) == [other, folder.path]
    folder.close()


def test_what_cannot_be_looked_into_is_left_alone(home: Path) -> None:
    RunFolder().close()
    odd = home / "run-1"
    odd.write_text("a file")
    RunFolder().close()
    assert odd.read_text() == "a file"


def test_without_locks_nothing_is_known_to_be_dead(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where there is no fcntl."""
    monkeypatch.setattr(runfolder, "fcntl", None)
    first = RunFolder()
    second = RunFolder()
    assert first.path.is_dir()
    assert first.path != second.path
    first.close()
    second.close()
    assert list(home.iterdir()) == []


MAKES = """
import sys
from pathlib import Path
from rtpipe import runfolder
runfolder.shared_folder = lambda: Path(sys.argv[1])
for _ in range(200):
    folder = runfolder.RunFolder()
    assert (folder.path / "lock").exists(), "another run removed it"
    folder.close()
"""


def test_runs_that_start_at_once_leave_each_other_alone(
    home: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", MAKES, str(tmp_path)]
    runs = [
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("error", [KeyError("uid not found: 7"), OSError("no name")])
def test_a_user_without_a_name_has_a_number(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that is run with --user 7; which error depends on Python."""

    def fail() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", fail)
    monkeypatch.setattr(os, "getuid", lambda: 7, raising=False)
    monkeypatch.setattr(runfolder, "shared_folder", lambda: tmp_path)
    assert folder_of_runs() == tmp_path / "rtpipe-7"


@pytest.mark.parametrize("user", ["LAB/ann", "LAB\\ann"])
def test_a_user_of_a_domain(
    user: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: user)
    monkeypatch.setattr(runfolder, "shared_folder", lambda: tmp_path)
    assert folder_of_runs() == tmp_path / "rtpipe-LAB-ann"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_folder_that_others_can_open_is_not_trusted(home: Path) -> None:
    home.mkdir()
    home.chmod(0o755)
    with pytest.raises(PermissionError, match="is not this user's alone: remove it"):
        RunFolder()
    assert list(home.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_folder_of_somebody_else_is_not_trusted(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir(mode=0o700)
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    with pytest.raises(PermissionError, match="is not this user's alone"):
        RunFolder()


def test_a_link_is_not_trusted(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    home.symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(PermissionError, match="is not this user's alone"):
        RunFolder()
    assert list(elsewhere.iterdir()) == []

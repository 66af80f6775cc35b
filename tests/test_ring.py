"""A ring against slices of the signal, and against a second process."""

import errno
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from rtpipe.errors import Overrun
from rtpipe.ring import Ring, shared_folder
from rtpipe.types import Chunk, StreamInfo

SHAPES = [(1,), (3,), (2, 4)]


def counter(start: int, n_times: int, shape: tuple[int, ...] = (3,)) -> Chunk:
    """Return a chunk whose every value is the index of its sample."""
    index = np.arange(start, start + n_times)
    data = np.broadcast_to(index.reshape(-1, *[1] * len(shape)), (n_times, *shape))
    missing = (index % 2).astype(np.float32)
    return Chunk("s", start, index / 100, data.astype(np.float32), missing=missing)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s-raw.ring"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("capacity", [1, 7, 64])
def test_every_view_is_a_slice_of_the_signal(
    shape: tuple[int, ...], capacity: int
) -> None:
    rng = np.random.default_rng(capacity)
    n_times = 300
    signal = rng.standard_normal((n_times, *shape)).astype(np.float32)
    times = np.cumsum(rng.random(n_times))
    missing = rng.random(n_times).astype(np.float32)
    ring, at = Ring(shape, capacity), 0
    while at < n_times:
        part = slice(at, at + int(rng.integers(0, 2 * capacity)))
        ring.write(Chunk("s", at, times[part], signal[part], missing=missing[part]))
        at = min(part.stop, n_times)
        assert ring.stop == at
        assert ring.first == max(0, at - capacity)
        for start in range(ring.first, at + 1):
            for stop in range(start, at + 1, 3):
                whole = slice(start, stop)
                np.testing.assert_array_equal(ring.view(start, stop), signal[whole])
                np.testing.assert_array_equal(ring.times(start, stop), times[whole])
                np.testing.assert_array_equal(ring.missing(start, stop), missing[whole])
                ring.check(start)


def test_a_view_is_one_piece_and_cannot_be_written() -> None:
    ring = Ring((3,), 10)
    ring.write(counter(0, 8))
    ring.write(counter(8, 7))  # over the end of the memory
    view = ring.view(5, 15)
    assert view.flags.c_contiguous
    assert not view.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 0
    np.testing.assert_array_equal(view[:, 0], range(5, 15))


def test_what_is_not_known_to_be_missing_is_there() -> None:
    ring = Ring((1,), 10)
    ring.write(counter(0, 10, (1,)))
    ring.write(Chunk("s", 10, np.zeros(4), np.zeros((4, 1), np.float32)))
    np.testing.assert_array_equal(ring.missing(10, 14), 0)


def test_samples_that_are_gone_or_to_come() -> None:
    ring = Ring((3,), 10)
    with pytest.raises(Overrun, match="sample 0 has not come yet"):
        ring.view(0, 1)
    ring.write(counter(0, 25))
    assert (ring.first, ring.stop) == (15, 25)
    with pytest.raises(Overrun, match="sample 14 was overwritten"):
        ring.view(14, 20)
    with pytest.raises(Overrun, match="sample 25 has not come yet"):
        ring.times(20, 26)
    with pytest.raises(Overrun, match="sample 3 was overwritten"):
        ring.missing(3, 4)


def test_who_holds_a_view_is_told_when_it_is_overwritten() -> None:
    ring = Ring((3,), 10)
    ring.write(counter(0, 10))
    view = ring.view(2, 6)
    ring.write(counter(10, 2))
    ring.check(2)  # 0 and 1 only were overwritten
    np.testing.assert_array_equal(view[:, 0], [2, 3, 4, 5])
    ring.write(counter(12, 1))
    assert view[0, 0] == 12, "the memory is the writer's again"
    with pytest.raises(Overrun, match="sample 2 was overwritten"):
        ring.check(2)
    ring.check(3)


def test_no_view_spans_a_jump_of_the_index() -> None:
    ring = Ring((3,), 10)
    ring.write(counter(0, 8))
    ring.write(counter(12, 3))
    assert (ring.first, ring.stop) == (12, 15)
    np.testing.assert_array_equal(ring.view(12, 15)[:, 0], [12, 13, 14])
    for start in (5, 7):  # of the stretch before
        with pytest.raises(Overrun, match="samples before 12 were lost"):
            ring.view(start, 15)
    for start in (8, 11):  # of the hole
        with pytest.raises(Overrun, match=f"sample {start} was overwritten"):
            ring.view(start, 15)
    ring.write(counter(15, 9))
    assert (ring.first, ring.stop) == (14, 24)


def test_the_stretch_before_a_jump_can_be_read_until_it_is_overwritten() -> None:
    ring = Ring((3,), 10)
    ring.write(counter(0, 8))
    ring.write(counter(12, 3))
    np.testing.assert_array_equal(ring.view(5, 8)[:, 0], [5, 6, 7])
    ring.check(5)
    with pytest.raises(Overrun, match="sample 4 was overwritten"):
        ring.view(4, 8)
    ring.write(counter(15, 2))
    with pytest.raises(Overrun, match="sample 5 was overwritten"):
        ring.check(5)
    np.testing.assert_array_equal(ring.view(7, 8)[:, 0], [7])
    ring.write(counter(20, 1))  # a second jump: the first stretch is gone
    with pytest.raises(Overrun, match="sample 7 was overwritten"):
        ring.view(7, 8)
    np.testing.assert_array_equal(ring.view(15, 17)[:, 0], [15, 16])


def test_the_stretches_are_what_can_be_read() -> None:
    ring = Ring((3,), 100)
    assert list(ring.stretches) == [(0, 0)]
    ring.write(counter(5, 20))
    assert list(ring.stretches) == [(5, 25)]
    ring.write(counter(40, 30))
    assert list(ring.stretches) == [(5, 25), (40, 70)]
    for start, stop in ring.stretches:
        assert ring.view(start, stop)[:, 0].tolist() == list(range(start, stop))
    ring.write(counter(70, 40))
    assert list(ring.stretches) == [(10, 25), (40, 110)]
    ring.write(counter(110, 60))
    assert list(ring.stretches) == [(70, 170)]


def test_of_a_chunk_longer_than_the_ring_the_end_is_kept() -> None:
    ring = Ring((3,), 10)
    ring.write(counter(0, 4))
    ring.write(counter(4, 33))
    assert (ring.first, ring.stop) == (27, 37)
    np.testing.assert_array_equal(ring.view(27, 37)[:, 2], range(27, 37))


def test_an_empty_chunk_changes_nothing() -> None:
    ring = Ring((3,), 10)
    ring.write(counter(0, 4))
    ring.write(counter(99, 0))
    assert (ring.first, ring.stop) == (0, 4)


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_ring_without_a_place(capacity: int) -> None:
    with pytest.raises(ValueError, match=f"must be positive, got {capacity}"):
        Ring((3,), capacity)


# The file ---------------------------------------------------------------------------


def test_the_file_is_its_owners_alone_and_goes_at_close(path: Path) -> None:
    ring = Ring((3,), 10, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        Ring((3,), 10, path)
    assert path.exists(), "who did not make the file does not remove it"
    ring.close()
    assert not path.exists()
    ring.close()
    Ring((3,), 10).close()  # has no file


def test_a_ring_can_be_read_after_it_was_closed(path: Path) -> None:
    ring = Ring((3,), 10, path)
    ring.write(counter(0, 10))
    other = Ring.attach(path, (3,))
    ring.close()
    np.testing.assert_array_equal(other.view(0, 10)[:, 0], range(10))


def test_who_attached_reads_what_is_written_and_never_writes(path: Path) -> None:
    ring = Ring((3,), 10, path)
    other = Ring.attach(path, (3,))
    assert (other.capacity, other.first, other.stop) == (10, 0, 0)
    ring.write(counter(0, 13))
    assert (other.first, other.stop) == (3, 13)
    np.testing.assert_array_equal(other.view(3, 13), ring.view(3, 13))
    np.testing.assert_array_equal(other.times(3, 13), ring.times(3, 13))
    with pytest.raises(ValueError, match="read-only"):
        other.write(counter(13, 1))
    other.close()
    assert path.exists()
    ring.close()


@pytest.mark.parametrize("content", [b"", b"short", b"\0" * 4096])
def test_a_file_that_is_no_ring(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not a ring"):
        Ring.attach(path, (3,))


def test_a_ring_of_other_samples(path: Path) -> None:
    ring = Ring((3,), 10, path)
    with pytest.raises(ValueError, match=r"not a ring of samples shaped \(4,\)"):
        Ring.attach(path, (4,))
    ring.close()


def test_a_ring_that_is_gone(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Ring.attach(path, (3,))


def test_shared_files_go_where_one_can_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert shared_folder().is_dir()
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert shared_folder() == tmp_path


# A full memory ----------------------------------------------------------------------


def open_files() -> int:
    """Return how many files this process has open; 0 where nobody tells."""
    told = Path("/proc/self/fd")
    return len(list(told.iterdir())) if told.exists() else 0


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_folder_without_room_is_told_and_nothing_is_left(
    code: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    before = open_files()
    said = r"no room .* free memory there .*--shm-size=1g"
    with pytest.raises(OSError, match=said) as caught:
        Ring((3,), 10, path)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(path.parent)
    assert open_files() == before
    assert not path.exists()


def test_a_file_that_cannot_be_mapped_does_not_stay(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: int) -> None:
        raise OSError(errno.ENOMEM, "no memory")

    monkeypatch.setattr("mmap.mmap", failing)
    before = open_files()
    with pytest.raises(OSError, match="no memory"):
        Ring((3,), 10, path)
    assert open_files() == before
    assert not path.exists()


def test_where_room_cannot_be_claimed_the_file_is_made_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(os, "posix_fallocate", unable, raising=False)
    ring = Ring((3,), 10, path)
    ring.write(counter(0, 10))
    ring.close()
    monkeypatch.delattr(os, "posix_fallocate")  # as on macOS
    Ring((3,), 10, path).close()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
def test_the_room_is_claimed_at_once(path: Path) -> None:
    ring = Ring((3,), 10_000, path)
    told = path.stat()
    assert told.st_blocks * 512 >= told.st_size, "the file is sparse"
    ring.close()


FULL = """
from pathlib import Path
import sys
from rtpipe.ring import Ring
folder = Path(sys.argv[1])
try:
    Ring((4,), 100_000, folder / "large.ring")
except OSError as error:
    print(error)
print(list(folder.iterdir()))
ring = Ring((4,), 10_000, folder / "small.ring")
ring._data[:] = 1
print("written")
"""


def test_a_full_file_system_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    """With a file system of 1 MB that nobody else sees."""
    mount = 'mount -t tmpfs -o size=1m none "$0" && exec "$@"'
    inside = ["unshare", "-m", "sh", "-c", mount, str(tmp_path)]
    try:
        able = subprocess.run([*inside, "true"], capture_output=True).returncode == 0
    except OSError:
        able = False
    if not able:
        pytest.skip("needs root, unshare and mount")
    command = [*inside, sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said, left, written = done.stdout.splitlines()
    assert "no room for the run's memory files" in said
    assert (left, written) == ("[]", "written")


# A second process -------------------------------------------------------------------

READER = """
import sys
from pathlib import Path
import numpy as np
from rtpipe.errors import Overrun
from rtpipe.ring import Ring

ring = Ring.attach(Path(sys.argv[1]), (4,))
"""

FOLLOW = """
rng = np.random.default_rng(0)
torn = good = late = 0
print("attached", flush=True)
while good < 3000:
    stop, first = ring.stop, ring.first
    # Mostly the oldest samples: they are the next to be overwritten.
    start = first + int(rng.integers(0, 3)) * int(rng.integers(0, 50))
    try:
        stop = min(stop, start + 200)
        data = ring.view(start, stop).copy()
        times = ring.times(start, stop).copy()
        ring.check(start)
    except Overrun:
        late += 1
        continue
    index = np.arange(start, stop)
    torn += not (data == (index % 65536)[:, None]).all() or not (times == index).all()
    good += 1
print(torn, good, late)
"""

HOLD = """
view = ring.view(10, 20)
copy = view.copy()
ring.check(10)
print("holding", flush=True)
sys.stdin.readline()
changed = not (view == copy).all()
try:
    ring.check(10)
except Overrun as error:
    print(changed, error)
"""


def reader(path: Path, script: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(READER + script), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_another_process_never_keeps_a_torn_read(path: Path) -> None:
    ring = Ring((4,), 256, path)

    def write(start: int, n_times: int) -> None:
        index = np.arange(start, start + n_times)
        data = np.repeat((index % 65536).astype(np.float32)[:, None], 4, 1)
        ring.write(Chunk("s", start, index.astype(float), data))

    write(0, 256)
    with reader(path, FOLLOW) as process:
        assert line(process) == "attached"
        sizes = np.random.default_rng(1).integers(1, 64, 100).tolist()
        while process.poll() is None:
            for size in sizes:
                write(ring.stop, size)
        torn, good, _ = map(int, line(process).split())
    ring.close()
    assert process.returncode == 0
    assert (torn, good) == (0, 3000)


def test_another_process_is_told_that_its_samples_were_overwritten(path: Path) -> None:
    ring = Ring((4,), 64, path)
    ring.write(counter(0, 64, (4,)))
    with reader(path, HOLD) as process:
        assert line(process) == "holding"
        ring.write(counter(64, 30, (4,)))
        assert process.stdin is not None
        print("go on", file=process.stdin, flush=True)
        assert line(process) == "True sample 10 was overwritten"
    ring.close()


def test_the_file_is_as_large_as_the_signal_twice(path: Path, muse: StreamInfo) -> None:
    ring = Ring(muse.sample_shape, 1000, path)
    assert path.stat().st_size == 64 + 2 * 1000 * (8 + 4 + 4 * 4)
    ring.close()

"""BrainFlow plays files; what it played arrives whole, and what was lost is counted."""

import json
import re
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rtpipe.devices.brainflow import BrainflowDevice
from rtpipe.devices.muse import MuseDevice
from typer.testing import CliRunner

from rtpipe.checks import check_device
from rtpipe.cli import app
from rtpipe.device import Device
from rtpipe.errors import ConfigError, RecordingError, RtpipeError
from rtpipe.stages.gaps import Gaps
from rtpipe.types import Chunk, StreamInfo

DATA = Path(__file__).parents[2] / "shared" / "data" / "muse_mental_state_csv.tar.xz"
SHORT = "subjectc-neutral-2.csv"  # nine seconds
N_PACKETS = 190  # of twelve samples
Rows = NDArray[np.float64]


@pytest.fixture(scope="module", params=["made", "real"])
def eeg(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Rows:
    """Microvolts of four electrodes and the one that is not used."""
    shape = (12 * N_PACKETS, 5)
    if request.param == "made":
        return np.random.default_rng(0).normal(0, 20, shape).round(3)
    if not DATA.exists():
        pytest.skip("the folder of real recordings is missing")
    folder = tmp_path_factory.mktemp("muse")
    with tarfile.open(DATA) as archive:
        archive.extract(SHORT, folder, filter="data")
    table = np.loadtxt(folder / SHORT, delimiter=",", skiprows=1)
    return table[: shape[0], 1:6]


def muse_rows(eeg: Rows, first: int = 65500, apart: float = 0.0) -> Rows:
    """Return a Muse's rows as BrainFlow has them; all at once unless spread in time."""
    n = len(eeg)
    package = (first + np.arange(n) // 12) % 65536
    stamps = 1.7e9 + apart * (1 + np.arange(n))
    return np.column_stack((package, eeg, stamps, np.zeros(n)))


def written(path: Path, rows: Rows, between: str = "\t") -> Path:
    np.savetxt(path, rows, "%.6f", between)
    return path


def all_of(device: Device) -> list[Chunk]:
    chunks: list[Chunk] = []
    while (found := device.read(0.05)) is not None:
        chunks += found
    return chunks


def played(device: Device) -> tuple[StreamInfo, list[Chunk]]:
    """Return the one stream, and all of it."""
    (info,) = device.open()
    try:
        return info, all_of(device)
    finally:
        device.close()


def joined(chunks: Sequence[Chunk]) -> tuple[NDArray[np.int64], Any]:
    index = np.concatenate([np.arange(each.index, each.stop) for each in chunks])
    return index, np.concatenate([each.data for each in chunks])


# Whole ------------------------------------------------------------------------------


@pytest.mark.parametrize("between", ["\t", ","])
def test_every_row_of_a_file_arrives(eeg: Rows, between: str, tmp_path: Path) -> None:
    path = written(tmp_path / "muse.csv", muse_rows(eeg), between)
    device = BrainflowDevice("MUSE_2", playback=path)
    for _ in range(2):  # it can be opened again, and is played from its beginning
        info, chunks = played(device)
        assert info.ch_names == ("TP9", "AF7", "AF8", "TP10")
        index, data = joined(chunks)
        np.testing.assert_array_equal(index, np.arange(len(eeg)))
        np.testing.assert_array_equal(data, eeg[:, :4].astype(np.float32))


def test_the_contract(tmp_path: Path) -> None:
    eeg = np.random.default_rng(1).normal(0, 20, (256, 5))
    rows = muse_rows(eeg, apart=1 / 256)
    path = written(tmp_path / "muse.csv", rows)
    gone = MuseDevice(playback=tmp_path / "gone.csv")
    check_device(MuseDevice(playback=path), 0.5, failing=gone)


def test_files_of_several_presets_are_played_side_by_side(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    eeg, motion = rng.normal(0, 20, (120, 5)), rng.normal(0, 1, (60, 6))
    stamps, none = np.full(60, 1.7e9), np.zeros(60)
    counted = (9 + np.arange(60) // 3) % 65536
    lost = np.column_stack((counted, motion, stamps, none))[np.arange(60) // 3 != 5]
    device = BrainflowDevice(
        "PLAYBACK_FILE_BOARD",
        master_board="MUSE_S",
        file=written(tmp_path / "eeg", muse_rows(eeg)),
        file_aux=written(tmp_path / "motion", lost),
    )
    infos = device.open()
    assert [info.name for info in infos] == ["eeg", "accel", "gyro"]
    chunks = all_of(device)
    device.close()
    for name, columns in (("accel", slice(0, 3)), ("gyro", slice(3, 6))):
        index, data = joined([each for each in chunks if each.stream == name])
        expected = np.r_[0:15, 18:60]
        np.testing.assert_array_equal(index, expected)
        np.testing.assert_allclose(data, motion[expected, columns], atol=1e-5)
    assert sum(len(each) for each in chunks if each.stream == "eeg") == 120


def test_device_times_are_brainflows_own_and_times_the_runs(tmp_path: Path) -> None:
    rows = muse_rows(np.zeros((128, 5)), apart=1 / 256)
    _, chunks = played(MuseDevice(playback=written(tmp_path / "muse", rows)))
    for each in chunks:
        assert each.device_times is not None
        assert (each.times <= each.arrived).all()
    stamps = np.concatenate([each.device_times for each in chunks if len(each)])
    assert (np.diff(stamps) >= 0).all()
    # Of the host's clock, in Unix time: not the file's.
    assert stamps[0] > rows[-1, -2] + 1


# Losses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lost",
    [[1], [35, 36, 37], [20, 21, 60, 90, 91, 92, 93], [1, 3, 5], [188]],
    ids=["one", "across the wrap", "runs", "every other", "before the last"],
)
def test_packets_that_are_lost_are_counted_exactly(
    eeg: Rows, lost: list[int], tmp_path: Path
) -> None:
    rows = muse_rows(eeg)
    kept = np.flatnonzero(~np.isin(np.arange(len(rows)) // 12, lost))
    path = written(tmp_path / "muse.csv", rows[kept])
    info, chunks = played(MuseDevice("2", playback=path))
    index, data = joined(chunks)
    np.testing.assert_array_equal(index, kept)
    np.testing.assert_array_equal(data, eeg[kept, :4].astype(np.float32))
    gaps = Gaps()
    gaps.prepare(info)
    pieces = [piece for each in chunks for piece in gaps.process(each)]
    told = [e.data for p in pieces for e in p.events if e.kind == "gap"]
    assert sum(each["lost"] for each in told) == 12 * len(lost)
    assert not any(each["estimated"] for each in told)


def test_packets_that_come_twice_or_late_are_dropped_and_told(tmp_path: Path) -> None:
    eeg = np.arange(60.0 * 5).reshape(60, 5)
    order = [0, 1, 1, 3, 2, 4]
    rows = np.concatenate([muse_rows(eeg)[12 * k : 12 * k + 12] for k in order])
    _, chunks = played(MuseDevice(playback=written(tmp_path / "muse", rows)))
    index, data = joined(chunks)
    np.testing.assert_array_equal(index, np.r_[0:24, 36:60])
    np.testing.assert_array_equal(data, eeg[index, :4])
    late = [e.data["samples"] for c in chunks for e in c.events if e.kind == "late"]
    assert sum(late) == 24


def test_a_board_that_does_not_count_is_estimated(tmp_path: Path) -> None:
    """EmotiBit's rows have no counter that is known; its stamps show the pause."""
    stamps = 1.7e9 + np.r_[np.arange(10), np.arange(25, 30)] / 25
    rows = np.column_stack((np.zeros((15, 10)), stamps, np.zeros(15)))
    device = BrainflowDevice("EMOTIBIT", playback=written(tmp_path / "emotibit", rows))
    infos = device.open()
    chunks = all_of(device)
    device.close()
    assert {info.name for info in infos} == {"accel", "gyro", "magnetometer"}
    assert not any(info.counted for info in infos)
    assert sum(len(each) for each in chunks) == 3 * 15
    assert max(each.stop for each in chunks) > 15


# Refused ----------------------------------------------------------------------------

LINE = "\t".join(["1"] * 6 + ["1.7e9", "0"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"there is no recording .*muse\.csv"),
        ("", r"muse\.csv is empty"),
        ("\n \n", r"muse\.csv is empty"),
        (f"{LINE}\n1\t2\n", r"line 2 has 2 columns where MUSE_2_BOARD has 8; name"),
        (LINE.replace("1.7e9", "soon"), r"line 1, column 7: 'soon' is not a number"),
        ("timestamps,TP9\n", r"line 1 has 2 columns where MUSE_2_BOARD has 8"),
        (f"{LINE}\n{LINE.replace('1.7e9', '1.8e9')}", r"line 2 comes 1\d* s after"),
        (f"{LINE}\n{LINE.replace('1.7e9', 'nan')}", r"line 2 comes nan s after"),
        (LINE + " " * 9000, r"line 1 is too long"),
        (b"\xff\xfe\x00", r"muse\.csv is not a text file"),
    ],
)
def test_a_file_that_cannot_be_played_is_told_by_its_line(
    text: str | bytes | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "muse.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    device = BrainflowDevice("MUSE_2", playback=path)
    with pytest.raises(RecordingError, match=said):
        device.open()
    device.close()


def test_a_folder_or_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="is a folder, not a recording"):
        BrainflowDevice("MUSE_2", playback=tmp_path).open()
    long = tmp_path / ("x" * 300)
    with pytest.raises(RecordingError, match="x cannot be read: "):
        BrainflowDevice("MUSE_2", playback=long).open()


def test_a_muse_is_told_by_its_columns(tmp_path: Path) -> None:
    old = written(tmp_path / "old", np.delete(muse_rows(np.zeros((24, 5))), 5, axis=1))
    info, chunks = played(MuseDevice(playback=old))
    assert info.rails == (-1000.0, 999.51171875)
    assert sum(map(len, chunks)) == 24
    athena = np.column_stack((np.zeros((24, 9)), np.full(24, 1.7e9), np.zeros(24)))
    info, _ = played(MuseDevice(playback=written(tmp_path / "athena", athena)))
    assert info.rails == (0.0, 1450.0)
    assert not info.counted
    other = written(tmp_path / "other", np.zeros((2, 3)))
    with pytest.raises(ConfigError, match=r"other has 3 columns, .* 7 or 8 or 11"):
        MuseDevice(playback=other).open()
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(RecordingError, match="empty is empty"):
        MuseDevice(playback=empty).open()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {},
            "PLAYBACK_FILE_BOARD passes on the rows of another .* device.master_board",
        ),
        ({"master_board": "MUSE_2"}, "PLAYBACK_FILE_BOARD plays a file: set playback"),
        ({"master_board": "MUSE"}, "brainflow knows no board 'MUSE'"),
    ],
)
def test_a_playback_without_a_board_or_a_file(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        BrainflowDevice("PLAYBACK_FILE_BOARD", **settings).open()


# From the command line --------------------------------------------------------------


def run(*arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    result = CliRunner().invoke(app, ["live", "--json", *arguments])
    if isinstance(result.exception, RtpipeError):
        raise result.exception
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return result.exit_code, lines, result.stderr


def test_a_played_muse_is_answered_by_the_demo_model(tmp_path: Path) -> None:
    eeg = np.random.default_rng(3).normal(0, 20, (1200, 5))
    rows = np.delete(muse_rows(eeg), np.s_[600:636], axis=0)
    path = written(tmp_path / "muse.csv", rows)
    status, lines, _ = run("--device", "muse", "--set", f"device.playback={path}")
    assert status == 0
    summary = lines[-1]
    assert summary["streams"]["eeg"]["received"] == 1200 - 36
    assert summary["streams"]["eeg"]["lost"] == 36
    models = {each["model"] for each in lines if each["type"] == "prediction"}
    assert models == {"demo-emotion"}


def test_a_file_that_is_none_is_status_2(tmp_path: Path) -> None:
    arguments = ["--device", "muse", "--set", f"device.playback={tmp_path / 'gone'}"]
    status, lines, said = run(*arguments)
    assert (status, lines) == (2, [])
    assert re.fullmatch(r"rtpipe: there is no recording .*gone\n", said)

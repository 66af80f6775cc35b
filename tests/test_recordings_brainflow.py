"""Files that BrainFlow writes, of boards that a person has to name."""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rtpipe.devices.brainflow import BrainflowDevice
from rtpipe.devices.replay import ReplayDevice

from rtpipe import cli
from rtpipe.checks import check_device
from rtpipe.errors import ConfigError, RecordingError
from rtpipe.recording import Answers, Recording, read

PACKED = (
    Path(__file__).parents[2] / "shared/data/recordings/brainflow_file_test_data.csv.gz"
)
CYTON = Answers(board="CYTON_BOARD")
N_CYTON = 24  # columns: counter, 8 electrodes, 3 of acceleration, ..., time, marker


def cyton(counter: Sequence[int], markers: Sequence[int] = ()) -> NDArray[np.float64]:
    table = np.random.default_rng(0).normal(0, 50, (len(counter), N_CYTON))
    table[:, 0] = counter
    table[:, 22] = 1.7e9 + np.arange(len(counter)) / 250
    table[:, 23] = markers or 0
    return table.round(6)


def write(path: Path, table: NDArray[np.float64], delimiter: str = "\t") -> Path:
    np.savetxt(path, table, "%.6f", delimiter)
    return path


def streams(path: Path, answers: Answers = CYTON) -> dict[str, Recording]:
    return {each.info.name: each for each in read(path, answers)}


# What is read -------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", ["\t", ",", ", "], ids=["tab", "comma", "blank"])
@pytest.mark.parametrize("board", ["CYTON_BOARD", "cyton", 0, "0"])
def test_a_file_of_a_named_board(
    board: str | int, delimiter: str, tmp_path: Path
) -> None:
    table = cyton([k % 256 for k in range(300)])
    path = write(tmp_path / "x.csv", table, delimiter)
    found = streams(path, Answers(board=board))
    eeg = found["eeg"]
    np.testing.assert_array_equal(eeg.data, table[:, 1:9].astype(np.float32))
    np.testing.assert_array_equal(
        found["accel"].data, table[:, 9:12].astype(np.float32)
    )
    assert set(eeg.info.units) == {"uV"}
    assert (eeg.info.sfreq, eeg.info.counted) == (250.0, True)
    np.testing.assert_array_equal(eeg.index, range(300))
    np.testing.assert_allclose(eeg.times, np.arange(300) / 250)
    np.testing.assert_array_equal(eeg.device_times, table[:, 22])


def test_the_streams_are_those_that_the_board_has_live(tmp_path: Path) -> None:
    table = np.random.default_rng(0).normal(0, 50, (40, 32))
    table[:, 0] = range(40)
    table[:, 30] = np.arange(40) / 250
    table[:, 31] = 0
    path = write(tmp_path / "x.csv", table)
    device = BrainflowDevice("SYNTHETIC_BOARD")
    live = {info.name: info for info in device.open()}
    device.close()
    for name, recording in streams(path, Answers(board=-1)).items():
        assert recording.info == live[name]


def test_the_counter_tells_what_was_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = [k for k in range(600) if k not in (5, 6, 254, 255, 256, 400)]
    order = [*kept[:20], kept[18], *kept[20:]]  # one comes a second time
    codes = [0] * 20 + [9] + [7] + [0] * (len(order) - 22)
    table = cyton([k % 256 for k in order], codes)
    found = streams(write(tmp_path / "x.csv", table))
    eeg = found["eeg"]
    np.testing.assert_array_equal(eeg.index, kept)
    np.testing.assert_array_equal(
        eeg.data, np.delete(table, 20, axis=0)[:, 1:9].astype(np.float32)
    )
    for name, each in found.items():
        (mark,) = each.events
        assert (mark.stream, mark.index, mark.data["text"]) == (name, kept[20], "7")
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.endswith("x.csv: 1 rows came late or twice: left out")


def test_a_board_that_does_not_count(tmp_path: Path) -> None:
    """A Ganglion: what was lost is estimated from the times."""
    table = np.random.default_rng(0).normal(0, 50, (400, 15)).round(6)
    table[:, 13] = 1.7e9 + np.arange(400) / 200
    table[200:, 13] += 2
    table[:, 14] = 0
    path = write(tmp_path / "x.csv", table)
    found = streams(path, Answers(board="GANGLION"))["eeg"]
    assert not found.info.counted
    steps = np.diff(found.index)
    assert np.flatnonzero(steps != 1).tolist() == [199]
    assert steps[199] == 401
    np.testing.assert_allclose(found.times, table[:, 13] - 1.7e9, atol=1e-5)


def test_it_can_be_replayed(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", cyton([k % 256 for k in range(900)]))
    check_device(ReplayDevice(path, speed="max", board="CYTON"), 3.0)


# Wrong input --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("board", "said"),
    [
        (
            None,
            r"does not say which board it is of: name it, as with "
            r"--set device\.board=SYNTHETIC_BOARD; with 24 columns there are: "
            r"CYTON_BOARD, CYTON_WIFI_BOARD$",
        ),
        ("SYNTHETIC", "has 24 columns where SYNTHETIC_BOARD has 32.*: CYTON_BOARD"),
        ("PLAYBACK_FILE", "has 24 columns where PLAYBACK_FILE_BOARD has no"),
        ("CYTONN", "brainflow knows no board 'CYTONN': did you mean CYTON_BOARD"),
    ],
)
def test_the_board_has_to_be_the_files(
    board: str | None, said: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "x.csv", cyton([1, 2, 3]))
    with pytest.raises(ConfigError, match=said):
        read(path, Answers(board=board))


@pytest.mark.parametrize("command", [["inspect"], ["convert", "--to", "csv"]])
def test_the_advice_is_an_option_of_the_command(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "x.csv", cyton(range(300)))
    with pytest.raises(SystemExit):
        cli.app([*command, str(path)])
    assert "name it, as with --board SYNTHETIC_BOARD; with" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        cli.app([*command, str(path), "--board", "CYTON_BOARD"])
    assert not end.value.code
    assert "accel" in capsys.readouterr().out


def test_no_board_has_so_many_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", np.ones((3, 300)))
    with pytest.raises(ConfigError, match="300 columns there are: none that this Brai"):
        read(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda text: text[:-40] + "\n",
            "line 3 has .* columns where those before it have 24",
        ),
        (lambda text: text + "left\n", "line 4 has 1 columns"),
        (lambda text: text.replace("2.000000", "two", 1), "line 2, column 1: 'two'"),
        (
            lambda text: text.replace("1700000000.004000", "nan"),
            "line 2: the time is no",
        ),
    ],
)
def test_a_row_that_is_none(change: Any, said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", cyton([1, 2, 3]))
    path.write_text(change(path.read_text()))
    with pytest.raises(RecordingError, match=rf"x\.csv: {said}"):
        read(path, CYTON)


def test_a_value_that_is_too_large(tmp_path: Path) -> None:
    table = cyton([1, 2, 3])
    table[1, 4] = 1e39
    path = write(tmp_path / "x.csv", table)
    with pytest.raises(RecordingError, match=r"line 2, column 5: 1e\+39 is too large"):
        read(path, CYTON)


@pytest.mark.parametrize(
    "content",
    [
        "1\n2\n3\n",
        "1,2,3,4,5,6\n",  # whole numbers alone: another table
        "1.0,2.0,3.0\n",
        "time,1.0,2.0,3.0,4.0\n",
        "1.0;2.0;3.0;4.0;5.0\n",
    ],
)
def test_another_table_of_numbers(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(content)
    with pytest.raises(RecordingError, match="is laid out in no way known here"):
        read(path, CYTON)


# The published recording --------------------------------------------------------------


def test_a_published_recording(tmp_path: Path) -> None:
    if not PACKED.exists():
        pytest.skip("the folder of real recordings is missing")
    path = tmp_path / "x.csv"
    path.write_bytes(gzip.decompress(PACKED.read_bytes()))
    table = np.genfromtxt(path)
    found = streams(path, Answers(board="SYNTHETIC_BOARD"))
    assert len(found) == 8
    eeg = found["eeg"]
    np.testing.assert_allclose(eeg.data, table[:, 1:17], rtol=1e-6)
    np.testing.assert_array_equal(eeg.index, range(2502))
    with pytest.raises(
        ConfigError, match="SYNTHETIC_BOARD, CYTON_DAISY_BOARD, CYTON_D"
    ):
        read(path)

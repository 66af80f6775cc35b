"""Text of the OpenBCI GUI, written here as its versions write it; then a real one."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rtpipe.devices.brainflow_counter import Counter, Counting

from rtpipe.errors import RecordingError
from rtpipe.recording import read

PACKED = (
    Path(__file__).parents[2]
    / "shared/data/recordings/openbci_cyton_8ch_250hz_v6.txt.gz"
)
START = 1_700_000_000.0  # seconds since 1970


def volts(n: int, n_channels: int = 4) -> NDArray[np.float64]:
    values = np.random.default_rng(0).normal(0, 4000, (n, n_channels + 3))
    return np.round(values, 2)


def version_6(
    path: Path,
    counter: Sequence[int],
    times: NDArray[np.float64] | None = None,
    *,
    markers: Sequence[int] = (),
    start: str = "%OpenBCI Raw EXG Data",
    sfreq: str = "250 Hz",
    accel: int = 3,
) -> Path:
    """Write what versions 5 and 6 do: settings, a line of names, rows."""
    n = len(counter)
    stamps = START + (np.arange(n) / 250 if times is None else times)
    codes = list(markers) or [0] * n
    names = ["Sample Index", *(f"EXG Channel {k}" for k in range(4))]
    names += [f"Accel Channel {k}" for k in range(accel)]
    names += ["Other", "Timestamp", "Marker Channel", "Timestamp (Formatted)"]
    lines = [start, "%Number of channels = 4", f"%Sample Rate = {sfreq}"]
    lines += ["%Board = OpenBCI_GUI$BoardCytonSerial", ", ".join(names)]
    for k, row in enumerate(volts(n).tolist()):
        values = [counter[k], *row[: 4 + accel], 0.0, f"{stamps[k]:.6f}", codes[k]]
        lines.append(", ".join(map(str, [*values, "2023-11-14 22:13:20.004"])))
    path.write_text("\n".join(lines) + "\n")
    return path


def version_4(path: Path, counter: Sequence[int]) -> Path:
    """Write what version 4 does: no names, no marker, the times in ms at the end."""
    lines = ["%OpenBCI Raw EEG Data", "%Number of channels = 4"]
    lines += ["%Sample Rate = 250.0 Hz", "%First Column = SampleIndex"]
    lines += ["%Last Column = Timestamp", "%Other Columns = EEG data in microvolts"]
    for k, row in enumerate(volts(len(counter)).tolist()):
        values = [counter[k], *row, "14:57:32.796", int(START * 1000) + 4 * k]
        lines.append(", ".join(map(str, values)))
    path.write_text("\r\n".join(lines) + "\r\n")
    return path


def counted(n: int, step: int = 1) -> list[int]:
    return [(k * step + 250) % 256 for k in range(n)]


def index_of(path: Path) -> list[int]:
    found: list[int] = read(path)[0].index.tolist()
    return found


# What is read -------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 6])
def test_electrodes_and_acceleration(version: int, tmp_path: Path) -> None:
    make = version_6 if version == 6 else version_4
    eeg, accel = read(make(tmp_path / "OpenBCI-RAW-x.txt", counted(600)))
    assert (eeg.info.name, eeg.info.sfreq, eeg.info.counted) == ("eeg", 250.0, True)
    assert eeg.info.ch_names == tuple(f"EXG Channel {k}" for k in range(4))
    assert set(eeg.info.ch_types) == {"eeg"}
    assert set(eeg.info.units) == {"uV"}
    assert (accel.info.name, accel.info.sfreq) == ("accel", 250.0)
    assert accel.info.ch_names == tuple(f"Accel Channel {k}" for k in range(3))
    assert set(accel.info.ch_types) == {"misc"}
    assert set(accel.info.units) == {"g"}
    want = volts(600).astype(np.float32)
    np.testing.assert_array_equal(eeg.data, want[:, :4])
    np.testing.assert_array_equal(accel.data, want[:, 4:])
    for each in (eeg, accel):
        np.testing.assert_array_equal(each.index, range(600))
        np.testing.assert_allclose(each.times, np.arange(600) / 250)
        assert each.device_times is not None
        np.testing.assert_allclose(each.device_times[:2], [START, START + 0.004])


def test_a_board_without_an_accelerometer(tmp_path: Path) -> None:
    (eeg,) = read(version_6(tmp_path / "x.txt", counted(5), accel=0))
    assert eeg.info.name == "eeg"


def test_markers_are_events_where_they_begin(tmp_path: Path) -> None:
    codes = [0, 3, 3, 0, 1, 2, 0]
    path = version_6(tmp_path / "x.txt", [1, 2, 3, 4, 15, 16, 17], markers=codes)
    for stream in read(path):
        marks = [(e.stream, e.index, e.data["text"]) for e in stream.events]
        name = stream.info.name
        assert marks == [(name, 1, "3"), (name, 14, "1"), (name, 15, "2")]
        assert stream.events[1].time == pytest.approx(14 / 250)


# What was lost ------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 2], ids=["cyton", "daisy"])
def test_the_counter_tells_exactly_what_was_lost(step: int, tmp_path: Path) -> None:
    """Whatever the times say, and also at the counter's wrap."""
    kept = [k for k in range(900) if k not in (0, 100, 511, 512, 513) and k % 97]
    counter = [counted(900, step)[k] for k in kept]
    times = np.sort(np.random.default_rng(0).uniform(0, 9, len(kept)))
    path = version_6(tmp_path / "x.txt", counter, times)
    found = read(path)[0]
    assert found.info.counted
    np.testing.assert_array_equal(found.index, np.array(kept) - kept[0])


@pytest.mark.parametrize("step", [1, 2], ids=["cyton", "daisy"])
def test_a_row_that_comes_twice_is_left_out_as_it_is_live(
    step: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    order = [*range(20), 19, *range(20, 300), 299, 299, *range(310, 400)]
    counter = [counted(400, step)[k] for k in order]
    codes = [7 if k == 310 else 0 for k in order]
    path = version_6(tmp_path / "x.txt", counter, markers=codes)
    rows = np.flatnonzero(np.diff(order, prepend=-1))
    stamps = START + np.arange(len(order)) / 250
    streams = read(path)
    live = Counter(Counting(step=step), 250.0).indices(counter, stamps.tolist())
    for stream in streams:
        np.testing.assert_array_equal(stream.index, live[rows])
        np.testing.assert_array_equal(stream.index, np.array(order)[rows])
        assert stream.device_times is not None
        np.testing.assert_allclose(stream.device_times, stamps[rows])
        assert [event.index for event in stream.events] == [310]
    wanted = volts(len(order)).astype(np.float32)[rows, :4]
    np.testing.assert_array_equal(streams[0].data, wanted)
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.endswith("x.txt: 3 rows came twice: left out")


def test_a_ganglion_counts_otherwise(tmp_path: Path) -> None:
    """Twice each number, from 0 to 200: what was lost is estimated from the times."""
    counter = [(k // 2) % 201 for k in range(900)]
    times = np.arange(900) / 200
    times[500:] += 3.0
    path = version_6(tmp_path / "x.txt", counter, times, sfreq="200 Hz")
    found = read(path)[0]
    assert not found.info.counted
    steps = np.diff(found.index)
    assert np.flatnonzero(steps != 1).tolist() == [499]
    assert steps[499] == 601
    np.testing.assert_allclose(found.times, times, atol=1e-5)


@pytest.mark.parametrize(
    "counter",
    [
        [k % 201 for k in range(600)],  # another cycle
        [k % 256 * 1000 for k in range(600)],
        [k % 256 + 0.5 for k in range(600)],
        [0] * 600,
    ],
    ids=["201", "large", "no whole numbers", "none"],
)
def test_a_first_column_that_is_no_such_counter(
    counter: list[int], tmp_path: Path
) -> None:
    found = read(version_6(tmp_path / "x.txt", counter))[0]
    assert not found.info.counted
    np.testing.assert_array_equal(found.index, range(600))


def test_one_row(tmp_path: Path) -> None:
    assert index_of(version_6(tmp_path / "x.txt", [17])) == [0]


def test_a_file_without_times(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    lines = ["%OpenBCI Raw EXG Data", "%Sample Rate = 100 Hz"]
    lines += ["Sample Index, EXG Channel 0", "5,1.5", "5,2.5", "9,3.5"]
    path.write_text("\n".join(lines))
    (found,) = read(path)
    assert not found.info.counted
    np.testing.assert_array_equal(found.index, range(3))
    np.testing.assert_allclose(found.times, [0, 0.01, 0.02])
    assert found.device_times is None


# Wrong input --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("%Sample Rate = 250 Hz\n", "", "has to say the sample rate, as `%Sample Rate"),
        ("250 Hz", "fast", "it says 'fast'"),
        ("250 Hz", "0 Hz", "it says '0 Hz'"),
        ("EXG Channel", "Electrode", "names no EXG channel above its rows"),
        ("250, ", "250, left ", "line 6, column 2: ' left .*' is not a number"),
        ("250, ", "250, 1e39, ", r"line 6, column 2: 1e\+39 is too large"),
        ("251, ", "251\n", "line 7 has 1 columns, and column 2 is needed"),
        ("252, ", "\n252, ", "line 8 is blank"),
        ("252, ", "\0\0\0", "line 8, column 1: .* is not a number"),
        ("2023", "2023\xff", "is not a text file"),
    ],
)
def test_a_file_that_is_broken(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    path = version_6(tmp_path / "x.txt", counted(5))
    text = path.read_text().replace(before, after, -1 if "EXG" in before else 1)
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(RecordingError, match=rf"x\.txt.*{said}"):
        read(path)


def test_a_recording_that_was_cut_is_played_up_to_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever in the last row: the columns that are not read need not be whole."""
    path = version_6(tmp_path / "x.txt", counted(5))
    text = path.read_text()
    last = text.splitlines()[-1]
    for n in range(1, len(last)):
        caplog.clear()
        path.write_text(text[: len(text) - 1 - n])
        n_rows = len(index_of(path))
        assert n_rows == 4 + (n < len(", 2023-11-14 22:13:20.004") + 1)
        said = [record.getMessage() for record in caplog.records]
        told = f"{path} is cut short: its last line is not whole and left out"
        assert said == [told] * (n_rows == 4)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("%Number of channels = 4", "%", "has to say the number of channels"),
        ("channels = 4", "channels = 1000000000000", "line 7, column 9: .* not a num"),
        ("channels = 4", "channels = 0", "number of channels.* it says .0."),
    ],
)
def test_a_file_without_names_that_is_broken(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    path = version_4(tmp_path / "x.txt", counted(5))
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(RecordingError, match=rf"x\.txt.*{said}"):
        read(path)


def test_an_acceleration_that_is_too_large(tmp_path: Path) -> None:
    path = version_6(tmp_path / "x.txt", counted(2))
    row = path.read_text().splitlines()[-1].split(", ")
    row[6] = "1e39"
    path.write_text("\n".join([*path.read_text().splitlines()[:-1], ", ".join(row)]))
    with pytest.raises(RecordingError, match=r"line 7, column 7: 1e\+39 is too large"):
        read(path)


def test_a_header_alone(tmp_path: Path) -> None:
    path = version_6(tmp_path / "x.txt", [])
    with pytest.raises(RecordingError, match="has a header and no samples"):
        read(path)


def test_a_time_that_is_none_where_only_times_tell(tmp_path: Path) -> None:
    times = np.arange(5) / 250
    times[3] = np.nan
    path = version_6(tmp_path / "x.txt", [0] * 5, times)
    with pytest.raises(RecordingError, match="line 9: the time is not a number"):
        read(path)


# The published recording --------------------------------------------------------------


def test_a_published_recording(tmp_path: Path) -> None:
    if not PACKED.exists():
        pytest.skip("the folder of real recordings is missing")
    path = tmp_path / "x.txt"
    path.write_bytes(gzip.decompress(PACKED.read_bytes()))
    eeg, accel = read(path)
    rows = [line.split(",") for line in path.read_text().splitlines()[5:]]
    table = np.array([[float(value) for value in row[:12]] for row in rows])
    np.testing.assert_allclose(eeg.data, table[:, 1:9], rtol=1e-6)
    np.testing.assert_allclose(accel.data, table[:, 9:12], rtol=1e-6)
    np.testing.assert_array_equal(eeg.index, range(22_490))
    stamps = eeg.device_times
    assert stamps is not None
    assert (np.diff(stamps) == 0).sum() == 8222
    assert eeg.times[-1] == pytest.approx(stamps[-1] - stamps[0], rel=0.002)

"""`rtpipe inspect` of recordings: what it says, and its repair."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf

from rtpipe import cli
from rtpipe.xdf.encode import (
    clock_offset,
    file_header,
    samples,
    stream_footer,
    stream_header,
    texts,
)
from rtpipe.xdf.header import Channel, Header

DATA = Path(__file__).parents[2] / "shared" / "data" / "recordings"
Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        cli.app(["inspect", *map(str, arguments)])
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out, said.err


def told(capsys: Capture, *arguments: object) -> Any:
    status, out, err = run(capsys, "--json", *arguments)
    assert err == ""
    found = json.loads(out)
    assert status == (found["whole"] is False and "repaired" not in found)
    return found


def recorded(path: Path) -> Path:
    """Write ten seconds at 100 Hz, a second of them lost, on a clock that drifts."""
    eeg = Header("EEG [red]", "EEG", "float32", 100.0, (Channel("A", "microvolts"),))
    marks = Header("Marks", "Markers", "string", 0.0, (Channel(),))
    times = np.delete(np.arange(1000), slice(300, 400)) / 100
    stamps = 50 + times / (1 + 20e-6)
    offsets = [(50 + k, 7 + 20e-6 * k) for k in (0.0, 30.0, 60.0)]
    path.write_bytes(
        file_header({})
        + stream_header(1, eeg)
        + stream_header(2, marks)
        + samples(1, stamps[:500], np.zeros((500, 1), np.float32))
        + b"".join(clock_offset(1, *each) for each in offsets)
        + texts(2, np.array([58.0, 59.0, 60.0]), [["go"], ["stop"], ["go"]])
        + samples(1, stamps[500:], np.zeros((400, 1), np.float32))
        + stream_footer(1, stamps[0], stamps[-1], 900, offsets)
        + stream_footer(2, 58.0, 60.0, 3, [])
    )
    return path


def test_a_recording_in_figures(tmp_path: Path, capsys: Capture) -> None:
    found = told(capsys, recorded(tmp_path / "x.xdf"))
    eeg, marks = found["streams"]
    assert (eeg["name"], eeg["samples"], eeg["sfreq"]) == ("EEG [red]", 900, 100.0)
    assert eeg["effective"] == pytest.approx(100, rel=1e-6)
    assert eeg["duration"] == pytest.approx(9.99, abs=1e-6)
    assert (eeg["gaps"], eeg["lost"], eeg["counted"]) == (1, 100, False)
    assert eeg["drift"] == pytest.approx(20, abs=0.01)
    assert eeg["jitter"] < 1e-6
    assert (marks["samples"], marks["sfreq"], marks["lost"]) == (3, None, None)
    assert found["markers"] == {"go": 2, "stop": 1}
    assert (found["whole"], found["cut"], found["damage"]) == (True, None, [])


def test_a_drift_takes_a_minute_to_be_seen(tmp_path: Path, capsys: Capture) -> None:
    path = recorded(tmp_path / "x.xdf")
    last = clock_offset(1, 110.0, 7 + 20e-6 * 60)
    path.write_bytes(path.read_bytes().replace(last, b""))
    assert told(capsys, path)["streams"][0]["drift"] is None


def test_a_recording_in_words(tmp_path: Path, capsys: Capture) -> None:
    status, out, err = run(capsys, recorded(tmp_path / "x.xdf"))
    assert (status, err) == (0, "")
    for each in ("EEG [red]", "100 (100)", "~100 in 1", "+20.0 ppm", "go 2, stop 1"):
        assert each in out
    assert "The file is whole." in out


def test_a_file_that_is_cut_off_is_told_and_repaired(
    tmp_path: Path, capsys: Capture
) -> None:
    path = recorded(tmp_path / "x.xdf")
    content = path.read_bytes()
    cut = content.index(b"</first_timestamp>")
    path.write_bytes(content[:cut])
    status, out, _ = run(capsys, path)
    assert status == 1
    found = told(capsys, path)
    assert (
        f"can be read up to byte {found['cut']}: rtpipe inspect --repair {path}" in out
    )
    status, out, _ = run(capsys, "--repair", path)
    assert status == 0
    copy = tmp_path / "x-repaired.xdf"
    assert f"repaired: {copy}: {found['cut']} bytes are as they were" in out
    assert f"{cut - found['cut']} are lost; 2 streams have a new footer" in out
    assert "EEG [red] 900, Marks 3" in out
    assert told(capsys, copy)["whole"]
    streams, _ = pyxdf.load_xdf(copy)
    assert [len(each["time_stamps"]) for each in streams] == [900, 3]
    status, _, err = run(capsys, "--repair", path)
    assert status == 2
    assert f"{copy} is there already" in err
    copy.unlink()
    made = told(capsys, "--repair", path)["repaired"]
    assert made["samples"] == {"EEG [red]": 900, "Marks": 3}
    assert made["lost"] == cut - found["cut"]
    assert copy.exists()


def test_samples_that_cannot_be_read_are_counted(
    tmp_path: Path, capsys: Capture
) -> None:
    path = recorded(tmp_path / "x.xdf")
    content = path.read_bytes()
    at = content.rindex(b"\x08", 0, content.index(b"<first_timestamp>") - 200)
    path.write_bytes(content[:at] + b"\x05" + content[at + 1 :])
    found = told(capsys, path)
    assert found["streams"][0]["unreadable"] == 400
    assert "neither 0 nor 8 bytes" in found["damage"][0]
    assert not found["whole"]
    _, out, _ = run(capsys, path)
    assert "EEG [red]: 400 of its samples cannot be read" in out
    assert "The file is damaged: rtpipe inspect --repair" in out


def test_nothing_is_repaired_that_is_whole(tmp_path: Path, capsys: Capture) -> None:
    status, out, _ = run(capsys, "--repair", recorded(tmp_path / "x.xdf"))
    assert status == 0
    assert "The file is whole." in out
    assert [each.name for each in tmp_path.iterdir()] == ["x.xdf"]


def test_what_cannot_be_repaired(tmp_path: Path, capsys: Capture) -> None:
    table = tmp_path / "1.txt"
    columns = ["time", *(f"channel{k}" for k in range(1, 9)), "class"]
    rows: list[list[Any]] = [[k, *[1e-5] * 8, 0] for k in range(1, 20)]
    text = "\n".join("\t".join(map(str, row)) for row in (columns, *rows))
    table.write_text(text + "\n")
    assert told(capsys, table)["streams"][0]["samples"] == 19
    status, _, err = run(capsys, "--repair", table)
    assert status == 2
    assert "only XDF can be repaired" in err
    status, _, err = run(capsys, "--repair", "demo:gesture")
    assert status == 2
    assert "demo:gesture is a bundle: only recordings are repaired" in err
    status, _, err = run(capsys, tmp_path / "nosuch.xdf")
    assert status == 2
    assert "there is no recording" in err


@pytest.mark.parametrize(
    ("name", "n_streams", "n_markers"),
    [
        ("clock_resets.xdf", 2, 175),
        ("empty_streams.xdf", 4, 1),
        ("minimal.xdf", 2, 9),
        ("mne_test.bdf", 1, 0),
        ("openbci_cyton_8ch_250hz_v6.txt", 2, 0),
    ],
)
def test_a_published_recording(
    name: str, n_streams: int, n_markers: int, tmp_path: Path, capsys: Capture
) -> None:
    if not DATA.exists():
        pytest.skip("the folder of real recordings is missing")
    path = DATA / name
    if not path.exists():
        path = tmp_path / name
        path.write_bytes(gzip.decompress((DATA / f"{name}.gz").read_bytes()))
    found = told(capsys, path)
    assert len(found["streams"]) == n_streams
    assert sum(found["markers"].values()) == n_markers
    assert found["whole"] is (True if name.endswith(".xdf") else None)
    if name == "clock_resets.xdf":
        eeg = found["streams"][1]
        assert len(eeg["resets"]) == 1
        assert -5 < eeg["drift"] < 5
    assert run(capsys, path)[0] == 0

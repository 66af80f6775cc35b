"""XDF files, written here chunk by chunk, then published ones, against pyxdf."""

import logging
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pytest
import pyxdf

from rtpipe.errors import RecordingError
from rtpipe.recording import Answers, Recording, read

DATA = Path(__file__).parents[2] / "shared" / "data" / "recordings"
FORMATS = {
    "int8": "<i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "float32": "<f4",
    "double64": "<f8",
}


@dataclass
class Stream:
    """A stream of a file; `samples` are texts where its format is string."""

    name: str
    times: Sequence[float]
    samples: Any
    sfreq: float = 100.0
    kind: str = "EEG"
    format: str = "float32"
    desc: str = ""
    offsets: Sequence[tuple[float, float]] = ()
    n_channels: int = field(default=0)

    def __post_init__(self) -> None:
        if not self.n_channels:
            self.n_channels = 1 if self.format == "string" else self.samples.shape[1]


def chunk(tag: int, content: bytes) -> bytes:
    return struct.pack("<BIH", 4, len(content) + 2, tag) + content


def samples(stream: Stream) -> bytes:
    found = struct.pack("<BI", 4, len(stream.times))
    for time, sample in zip(stream.times, stream.samples, strict=True):
        found += struct.pack("<Bd", 8, time)
        if stream.format == "string":
            text = sample.encode()
            found += struct.pack("<BI", 4, len(text)) + text
        else:
            found += np.asarray(sample).astype(FORMATS[stream.format]).tobytes()
    return found


def write(path: Path, *streams: Stream) -> Path:
    content = b"XDF:" + chunk(1, b"<info><version>1.0</version></info>")
    for k, each in enumerate(streams, 1):
        header = (
            f"<info><name>{escape(each.name)}</name><type>{each.kind}</type>"
            f"<channel_count>{each.n_channels}</channel_count>"
            f"<nominal_srate>{each.sfreq}</nominal_srate>"
            f"<channel_format>{each.format}</channel_format>{each.desc}</info>"
        )
        content += chunk(2, struct.pack("<I", k) + header.encode())
    for k, each in enumerate(streams, 1):
        if len(each.times):
            content += chunk(3, struct.pack("<I", k) + samples(each))
        for time, value in each.offsets:
            content += chunk(4, struct.pack("<Idd", k, time, value))
    path.write_bytes(content)
    return path


def noise(name: str, n_times: int, start: float, **told: Any) -> Stream:
    rng = np.random.default_rng(len(name))
    values = rng.normal(0, 20, (n_times, told.pop("n_channels", 2)))
    sfreq = told.get("sfreq", 100.0)
    return Stream(name, start + np.arange(n_times) / sfreq, values, **told)


def described(*channels: str) -> str:
    inside = "".join(f"<channel>{each}</channel>" for each in channels)
    return f"<desc><channels>{inside}</channels></desc>"


def told(label: str = "", kind: str = "", unit: str = "") -> str:
    parts = {"label": label, "type": kind, "unit": unit}
    return "".join(f"<{key}>{text}</{key}>" for key, text in parts.items() if text)


def loaded(path: Path, **settings: Any) -> dict[str, Any]:
    streams, _ = pyxdf.load_xdf(path, dejitter_timestamps=False, **settings)
    return {each["info"]["name"][0]: each for each in streams}


def one(path: Path) -> Recording:
    (recording,) = read(path)
    return recording


# What is read -------------------------------------------------------------------------


def test_every_stream_is_read_as_pyxdf_reads_it(tmp_path: Path) -> None:
    eeg = noise(
        "EEG",
        500,
        1000.0,
        n_channels=3,
        desc=described(
            told("TP9", "EEG", "microvolts"), told("AF7", "EEG", "mV"), told("X")
        ),
        offsets=[(1000.0, 5.0), (1005.0, 5.0)],
    )
    arm = noise("Arm", 40, 1001.5, sfreq=20.0, kind="EMG", offsets=eeg.offsets)
    marks = Stream(
        "Marks",
        [999.0, 1000.005, 1002.5, 2000.0],
        ["early", "a", "b", "late"],
        0.0,
        "Markers",
        "string",
        offsets=eeg.offsets,
    )
    path = write(tmp_path / "x.xdf", eeg, marks, arm)
    found = {each.info.name: each for each in read(path)}
    assert list(found) == ["EEG", "Arm"]
    of_pyxdf, raw = loaded(path), loaded(path, synchronize_clocks=False)
    for name, each in found.items():
        np.testing.assert_array_equal(each.data, of_pyxdf[name]["time_series"])
        assert each.device_times is not None
        np.testing.assert_array_equal(each.device_times, raw[name]["time_stamps"])
        # Since the first sample of them all, so that streams keep their relation.
        np.testing.assert_allclose(
            each.times, of_pyxdf[name]["time_stamps"] - 1005.0, atol=1e-9
        )
        assert not each.info.counted
        np.testing.assert_array_equal(each.index, range(len(each.data)))
        assert [(e.kind, e.data["text"]) for e in each.events] == [
            ("marker", text) for text in ("early", "a", "b", "late")
        ]
        assert {e.stream for e in each.events} == {name}
    info = found["EEG"].info
    assert (info.sfreq, info.ch_names) == (100.0, ("TP9", "AF7", "X"))
    assert info.ch_types == ("eeg", "eeg", "eeg")
    assert info.units == ("uV", "mV", "unknown")
    assert [e.index for e in found["EEG"].events] == [0, 0, 250, 499]
    assert [e.time for e in found["EEG"].events] == pytest.approx(
        [-1, 0.005, 2.5, 1000]
    )
    assert found["Arm"].times[0] == pytest.approx(1.5)
    assert found["Arm"].info.ch_types == ("emg", "emg")
    assert [e.index for e in found["Arm"].events] == [0, 0, 20, 39]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_of_numbers_is_rounded_to_the_nearest(
    kind: str, tmp_path: Path
) -> None:
    values = np.array([[0.1, 100, -128, 2**24 + 1, 2**31 + 257, 1e30]])
    if kind.startswith("int"):
        limits = np.iinfo(FORMATS[kind])
        values = np.clip(np.rint(values), limits.min, float(limits.max) * 0.999)
    path = write(tmp_path / "x.xdf", Stream("N", [1.0], values, format=kind))
    stored = values.astype(FORMATS[kind])
    np.testing.assert_array_equal(one(path).data, stored.astype(np.float32))


def test_lost_samples_are_estimated_from_the_times(tmp_path: Path) -> None:
    stream = noise("EEG", 300, 50.0)
    times = np.asarray(stream.times) + np.repeat([0, 0.05, 2.0], 100)
    times[150:153] -= 0.04  # a step backward
    stream.times = times.tolist()
    found = one(write(tmp_path / "x.xdf", stream))
    steps = np.diff(found.index)
    assert np.flatnonzero(steps != 1).tolist() == [199]
    assert steps[199] == 196
    assert (np.diff(found.times) >= 0).all()


def test_streams_of_one_name_are_told_apart(tmp_path: Path) -> None:
    parts = [noise(name, 10, 1.0) for name in ("A", "A", " ", " ")]
    parts[3].kind = ""
    path = write(tmp_path / "x.xdf", *parts)
    assert [each.info.name for each in read(path)] == ["A", "A-2", "EEG", "stream"]


@pytest.mark.parametrize(
    ("desc", "names", "types"),
    [
        ("", ("1", "2", "3"), ("misc",) * 3),
        ("<desc/>", ("1", "2", "3"), ("misc",) * 3),
        ("<desc><channels/></desc>", ("1", "2", "3"), ("misc",) * 3),
        (described(told("C3", "EEG")), ("C3", "2", "3"), ("eeg", "misc", "misc")),
        (
            described(told("C", "EMG"), told(kind="Gaze"), told("C"), told("D")),
            ("C-0", "2", "C-1"),
            ("emg", "eyegaze", "misc"),
        ),
    ],
)
def test_a_description_may_lack_any_part(
    desc: str, names: tuple[str, ...], types: tuple[str, ...], tmp_path: Path
) -> None:
    stream = noise("S", 5, 1.0, n_channels=3, kind="Other", desc=desc)
    info = one(write(tmp_path / "x.xdf", stream)).info
    assert (info.ch_names, info.ch_types) == (names, types)
    assert info.units == ("unknown",) * 3


# Units that a person tells ------------------------------------------------------------


def test_a_person_tells_the_units_that_are_lacking(tmp_path: Path) -> None:
    desc = described(told("A", "EEG"), told("B", "EEG", "none"), told("C", "EEG"))
    path = write(tmp_path / "x.xdf", noise("S", 5, 1.0, n_channels=3, desc=desc))
    (found,) = read(path, Answers(units="uV"))
    assert found.info.units == ("uV", "none", "uV")
    (found,) = read(path, Answers(units=["uV", "mV"]))
    assert found.info.units == ("uV", "none", "mV")
    with pytest.raises(
        RecordingError, match=r"3 entries.*lacks the units of 2 .*: A, C"
    ):
        read(path, Answers(units=["uV"] * 3))


def test_a_unit_may_be_spelt_as_devices_spell_it(tmp_path: Path) -> None:
    desc = described(told("A", "EEG"), told("B", "EEG"))
    path = write(tmp_path / "x.xdf", noise("S", 5, 1.0, n_channels=2, desc=desc))
    (found,) = read(path, Answers(units=["microvolts", "Counts"]))
    assert found.info.units == ("uV", "none")


def test_a_unit_that_is_told_is_not_told_again(tmp_path: Path) -> None:
    desc = described(told("A", "EEG", "uV"))
    path = write(tmp_path / "x.xdf", noise("S", 5, 1.0, n_channels=1, desc=desc))
    with pytest.raises(RecordingError, match="tells every channel's unit"):
        read(path, Answers(units="mV"))


# What is left out, and wrong input ----------------------------------------------------


def test_what_cannot_be_played_is_left_out_in_one_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(
        tmp_path / "x.xdf",
        noise("EEG", 5, 1.0),
        noise("Idle", 0, 0.0),
        Stream("Mouse", [1.0, 1.2], np.ones((2, 2)), 0.0),
        Stream("Marks", [], [], 0.0, "Markers", "string"),
        Stream("Cues", [1.0, np.nan], ["a", "b"], 0.0, "Markers", "string"),
    )
    found = one(path)
    assert found.info.name == "EEG"
    assert [event.data["text"] for event in found.events] == ["a"]
    (said,) = [record.getMessage() for record in caplog.records]
    assert said == (
        f"{path}: left out: Idle has no samples; Mouse has no fixed rate; "
        "1 markers have no time"
    )


@pytest.mark.parametrize(
    ("streams", "said"),
    [
        ([noise("Idle", 0, 0.0)], "Idle has no samples"),
        ([Stream("Mouse", [1.0], np.ones((1, 2)), 0.0)], "Mouse has no fixed rate"),
        ([noise("S", 5, 1.0, sfreq=np.inf)], "S has no fixed rate"),
        ([Stream("M", [1.0], ["a"], 0, "", "string")], "has no stream of numbers"),
        ([], "has no stream of numbers"),
        ([Stream("S", [1.0, np.nan], np.ones((2, 1)))], "S has a time that is none"),
        ([Stream("S", [1.0, 1e12], np.ones((2, 1)))], "too far from the one before"),
        (
            [Stream("S", [1.0], np.full((1, 2), 1e300), format="double64")],
            "S has values too large for float32",
        ),
        (
            [Stream("S", [1.0], np.ones((1, 10_001)), format="int8")],
            "S is said to have 10001 channels, more than the 10000 that are read",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_file_that_cannot_be_played(
    streams: list[Stream], said: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "x.xdf", *streams)
    with pytest.raises(RecordingError, match=rf"x\.xdf.*{said}"):
        read(path)


def test_so_many_markers_that_the_file_is_damaged(tmp_path: Path) -> None:
    """They are counted as what they become: each stream has all of them."""
    n = 20_000  # of a day, in which four devices were worn
    marks = Stream("M", np.linspace(1, 2, n).tolist(), ["m"] * n, 0, "", "string")
    day = [noise(f"S{k}", 5, 1.0) for k in range(4)]
    found = read(write(tmp_path / "day.xdf", *day, marks))
    assert [len(each.events) for each in found] == [n] * 4
    left_out = [noise("Idle", 0, 0.0), Stream("Mouse", [1.0], np.ones((1, 2)), 0.0)]
    assert len(read(write(tmp_path / "day.xdf", *day, *left_out, marks))) == 4
    many = [noise(f"S{k}", 5, 1.0) for k in range(21)]
    with pytest.raises(RecordingError, match=r"x\.xdf tells of 420000 markers"):
        read(write(tmp_path / "x.xdf", *many, marks))


def test_a_file_that_is_cut_short(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    whole, half = noise("A", 300, 1.0), noise("B", 300, 1.0)
    path = write(tmp_path / "x.xdf", whole, half)
    path.write_bytes(path.read_bytes()[:-3000])
    with caplog.at_level(logging.DEBUG):
        found = one(path)
    np.testing.assert_array_equal(found.data, whole.samples.astype(np.float32))
    ours = [record.getMessage() for record in caplog.records]
    assert ours == [
        f"{path} is damaged or cut short: its rest is played",
        f"{path}: left out: B has no samples",
    ]
    assert capfd.readouterr() == ("", "")


def test_a_header_that_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "x.xdf", noise("A", 3, 1.0))
    path.write_bytes(path.read_bytes().replace(b"</name>", b"</nome>"))
    with pytest.raises(
        RecordingError, match=r"x\.xdf holds no .*the header of stream 1: it is no XML"
    ):
        read(path)


def test_pyxdf_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.xdf", noise("A", 3, 1.0))
    monkeypatch.setitem(sys.modules, "pyxdf", None)
    assert len(one(path).data) == 3


# The published recordings -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stream", "n_times", "n_events"),
    [
        ("minimal.xdf", "SendDataC", 9, 9),
        ("empty_streams.xdf", "Data stream: test stream 0 counter", 10, 1),
        ("clock_resets.xdf", "BioSemi", 27_815, 175),
    ],
)
def test_a_published_recording(
    name: str, stream: str, n_times: int, n_events: int
) -> None:
    path = DATA / name
    if not path.exists():
        pytest.skip("the folder of real recordings is missing")
    found, of_pyxdf = one(path), loaded(path)[stream]
    assert found.info.name == stream
    assert found.data.shape[0] == n_times
    np.testing.assert_array_equal(found.data, of_pyxdf["time_series"])
    stamps = of_pyxdf["time_stamps"]
    np.testing.assert_allclose(found.times, stamps - stamps[0], atol=1e-9)
    assert (np.diff(found.index) >= 1).all()
    assert len(found.events) == n_events
    for event in found.events:
        row = int(np.searchsorted(found.index, event.index or 0))
        assert not row or found.times[row] <= event.time
        assert row + 1 == n_times or found.times[row + 1] > event.time


def test_a_published_recording_that_is_broken() -> None:
    path = DATA / "out_of_order_sample_chunk.xdf"
    if not path.exists():
        pytest.skip("the folder of real recordings is missing")
    with pytest.raises(RecordingError, match=r"out_of_order_sample_chunk\.xdf"):
        read(path)

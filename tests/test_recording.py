"""Recordings written here in each published layout, then the published ones."""

import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtpipe.errors import ConfigError, RecordingError
from rtpipe.recording import Recording, constant, file_hash, read, recordings_in
from rtpipe.registry import find, names
from rtpipe.types import Event

COLUMNS = ["time", *(f"channel{k}" for k in range(1, 9)), "class"]
MUSE = ["timestamps", "TP9", "AF7", "AF8", "TP10", "Right AUX"]
Rows = Sequence[Sequence[object]]


def write(
    path: Path, header: Sequence[str], rows: Rows, delimiter: str, end: str = "\n"
) -> Path:
    lines = [header, *rows]
    text = end.join(delimiter.join(map(str, line)) for line in lines) + end
    path.write_bytes(text.encode())
    return path


def emg_rows(classes: Sequence[int], *behind: int) -> list[list[object]]:
    """Return rows as the armband's: each sample held, whole counts times 1e-5."""
    rng = np.random.default_rng(0)
    counts = rng.integers(-128, 128, (len(classes), 8)).repeat(3, 0)[: len(classes)]
    return [
        [3 * k + 1, *(f"{count}e-05" for count in row), each, *behind]
        for k, (row, each) in enumerate(zip(counts.tolist(), classes, strict=True))
    ]


def counts_of(rows: Rows) -> list[list[float]]:
    return [[float(str(value)[:-4]) for value in row[1:9]] for row in rows]


def one(path: Path) -> Recording:
    (recording,) = read(path)
    return recording


# EMG armband ------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "crlf"])
@pytest.mark.parametrize("layout", ["uci", "kaggle"])
def test_an_armband_recording(layout: str, end: str, tmp_path: Path) -> None:
    classes = [0, 0, 1, 1, 1, 0, 2, 3]
    if layout == "uci":
        rows = emg_rows(classes)
        path = write(tmp_path / "1.txt", COLUMNS, rows, "\t", end)
    else:
        rows = emg_rows(classes, 1)
        path = write(tmp_path / "EMG-data.csv", [*COLUMNS, "label"], rows, ",", end)
    found = one(path)
    info = found.info
    assert (info.name, info.sfreq, info.counted) == ("emg", 1000.0, True)
    assert info.ch_names == tuple(f"EMG{k}" for k in range(1, 9))
    assert set(info.ch_types) == {"emg"}
    assert set(info.units) == {"none"}
    assert info.rails == (-128.0, 127.0)
    assert found.data.dtype == np.float32
    np.testing.assert_array_equal(found.data, counts_of(rows))
    np.testing.assert_array_equal(found.index, range(8))
    np.testing.assert_allclose(found.times, np.arange(8) / 1000)
    assert found.device_times is not None
    np.testing.assert_allclose(found.device_times, (3 * np.arange(8) + 1) / 1000)
    told = [(each.index, each.data["label"]) for each in found.events]
    assert told == [
        (0, None),
        (2, "rest"),
        (5, None),
        (6, "fist"),
        (7, "wrist flexion"),
    ]
    assert found.events[1] == Event(
        "emg", 0.002, "truth", 2, {"task": "gesture", "label": "rest"}
    )


def test_every_class_has_its_gesture(tmp_path: Path) -> None:
    path = write(tmp_path / "1.txt", COLUMNS, emg_rows(range(8)), "\t")
    assert [each.data["label"] for each in one(path).events] == [
        None,
        "rest",
        "fist",
        "wrist flexion",
        "wrist extension",
        "radial deviation",
        "ulnar deviation",
        "extended palm",
    ]


def test_a_recording_of_one_row(tmp_path: Path) -> None:
    found = one(write(tmp_path / "1.txt", COLUMNS, emg_rows([2]), "\t"))
    assert found.data.shape == (1, 8)
    assert len(found.events) == 1


# Muse -------------------------------------------------------------------------------


def muse_rows(times: Sequence[float], marks: Sequence[int] = ()) -> list[list[object]]:
    rng = np.random.default_rng(0)
    values = np.round(rng.integers(-2048, 2048, (len(times), 5)) * 125 / 256, 3)
    return [
        [f"{1486223115.483 + time:.3f}", *row, *marks[k : k + 1]]
        for k, (time, row) in enumerate(zip(times, values.tolist(), strict=True))
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "crlf"])
def test_a_muse_recording(end: str, tmp_path: Path) -> None:
    times = np.arange(300) / 256
    rows = muse_rows(times.tolist())
    found = one(write(tmp_path / "m.csv", MUSE, rows, ",", end))
    info = found.info
    assert (info.name, info.sfreq, info.counted) == ("eeg", 256.0, False)
    assert info.ch_names == ("TP9", "AF7", "AF8", "TP10", "Right AUX")
    assert info.ch_types == ("eeg",) * 4 + ("misc",)
    assert info.units == ("uV",) * 5
    assert info.rails == (-1000.0, 999.512)
    want = np.array([row[1:6] for row in rows], float)
    np.testing.assert_allclose(found.data, want, rtol=1e-6)
    np.testing.assert_allclose(found.times, times, atol=2e-3)
    np.testing.assert_array_equal(found.index, range(300))
    assert found.device_times is not None
    assert found.device_times[0] == 1486223115.483
    assert found.events == ()


def test_the_extremes_of_a_muse_recording_are_at_its_rails(tmp_path: Path) -> None:
    codes = np.array([-2048, 2047] * 3)[:5]
    row = ["1.0", *(f"{code * 125 / 256:.3f}" for code in codes)]
    found = one(write(tmp_path / "m.csv", MUSE, [row], ","))
    assert found.info.rails is not None
    rails = np.asarray(found.info.rails, np.float32)
    np.testing.assert_array_equal(found.data[0], rails[[0, 1, 0, 1, 0]])


def test_gaps_of_a_muse_recording_are_in_the_index(tmp_path: Path) -> None:
    times = np.arange(300) / 256
    times[100:] += 0.09  # jitter: less than 100 ms
    times[200:] += 700  # a gap
    times[250:] += 0.5
    found = one(write(tmp_path / "m.csv", MUSE, muse_rows(times.tolist()), ","))
    steps = np.diff(found.index)
    jumps = np.flatnonzero(steps != 1)
    np.testing.assert_array_equal(jumps, [199, 249])
    np.testing.assert_allclose(steps[jumps], [256 * 700 + 1, 129], atol=1)


def test_times_that_step_backward_stand_still(tmp_path: Path) -> None:
    times = np.arange(50) / 256
    times[20:25] -= 0.027
    found = one(write(tmp_path / "m.csv", MUSE, muse_rows(times.tolist()), ","))
    assert (np.diff(found.times) >= 0).all()
    np.testing.assert_array_equal(found.index, range(50))
    assert found.times[20] == found.times[19]
    np.testing.assert_allclose(found.times[30:], times[30:], atol=2e-3)


def test_markers_are_events_where_they_begin(tmp_path: Path) -> None:
    times = np.arange(10) / 256
    times[5:] += 1.0
    marks = [0, 2, 2, 0, 0, 0, 1, 2, 0, 1]
    rows = muse_rows(times.tolist(), marks)
    found = one(write(tmp_path / "m.csv", [*MUSE, "Marker0"], rows, ","))
    gap = found.index[5] - 5
    assert gap == 256
    assert [(e.index, e.data["text"]) for e in found.events] == [
        (1, "2"),
        (6 + gap, "1"),
        (7 + gap, "2"),
        (9 + gap, "1"),
    ]
    assert {(e.stream, e.kind) for e in found.events} == {("eeg", "marker")}
    assert found.events[1].time == found.times[6]


@pytest.mark.parametrize("state", ["relaxed", "neutral", "concentrating"])
def test_a_state_of_mind_stands_in_the_name(state: str, tmp_path: Path) -> None:
    rows = muse_rows([0.0, 1 / 256])
    (told,) = one(write(tmp_path / f"subjecta-{state}-2.csv", MUSE, rows, ",")).events
    assert told == Event(
        "eeg", 0.0, "truth", 0, {"task": "mental-state", "label": state}
    )
    for name in (f"{state}.csv", f"a-{state}-x.csv", "a-happy-1.csv"):
        assert not one(write(tmp_path / name, MUSE, rows, ",")).events


# Wrong input ------------------------------------------------------------------------

EMG = "\t".join(COLUMNS) + "\n"
ROW = "\t".join(["1", *["1e-05"] * 8, "0"]) + "\n"
EEG = ",".join(MUSE) + "\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (EMG.encode(), "has a header and no samples"),
        (EEG.encode(), "has a header and no samples"),
        (EMG + ROW + ROW.replace("1e-05", "fist", 1), "line 3, column 2: 'fist' is no"),
        (EEG + "1.0,1,2,3,4,5\n1.1,1,,3,4,5\n", "line 3, column 3: '' is not a number"),
        (EEG + "1.0,1,2,3,4,5\nnan,1,2,3,4,5\n", "line 3: the time is not a number"),
        (EMG + ROW + ROW.replace("\t0\n", "\n"), "line 3 has 9 columns .* have 10"),
        (EMG + ROW.replace("\t0\n", "\n"), "has 9 columns where its layout has 10"),
        (EMG + ROW + ROW.replace("\t0\n", "\t9\n"), "line 3: class 9 is not one of 0"),
        (EMG + ROW.replace("\t0\n", "\t1.5\n"), "line 2: class 1.5 is not one of 0"),
        (EMG + ROW.replace("\t0\n", "\tnan\n"), "line 2: class nan is not one of 0"),
        (EMG + "# worn loosely\n" + ROW, "line 2, column 1: '#' is not a number"),
        (EMG + ROW + "# worn loosely\n", "line 3"),
        (EEG + "1.0,1,2,3,4,5\n#1.1,1,2,3,4,5\n", "line 3, column 1: '#1.1' is not"),
        (EEG + "1.0,1,2,3,4,5 # blink\n", "line 2, column 6: '5 # blink' is not"),
        (EMG + ROW + " \r\n\n" + ROW + "fist" + ROW, "line 3 is blank"),
        (EEG + "\n1.0,1,2,3,4,5\n", "line 2 is blank"),
        (EMG + ROW + ROW.replace("1e-05", "-1e300", 1), r"line 3, column 2: -1e\+300"),
        (EMG + ROW.replace("1e-05", "1e306", 1), r"column 2: 1e\+306 is too large"),
        (
            EEG + "1,1,2,3,4,5\n1.1,1,2,1e39,4,5\n",
            r"line 3, column 4: 1e\+39 is too la",
        ),
        (EEG + "1,1,2,3,4,5\n1e30,1,2,3,4,5\n", r"line 3: the time 1e\+30 is too far"),
        (
            EEG + "1,1,2,3,4,5\n-1e30,1,2,3,4,5\n",
            r"line 3: the time -1e\+30 is too far",
        ),
        (EEG + "-1e308,1,2,3,4,5\n1e308,1,2,3,4,5\n", "line 3: the time .* too far"),
        (EEG + "0,1,2,3,4,5\n3906251,1,2,3,4,5\n", "line 3: .* from the one before"),
        (EMG.encode() + bytes(range(256)), "is not a text file"),
        (bytes(range(256)), "is laid out in no way known here"),
        (b"PK\3\4" + bytes(100), "is laid out in no way known here"),
        ("a,b\n1,2\n", r"in no way known here \(.*Muse CSV.*UCI EMG"),
        (EMG.replace("class", "klass") + ROW, "is laid out in no way known here"),
    ],
)
def test_a_file_that_is_no_recording(
    content: str | bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RecordingError, match=f"x.txt.*{said}") as failure:
        read(path)
    assert "\n" not in str(failure.value)


def test_blank_lines_below_the_last_row_are_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(EMG + ROW + ROW + "\n \n")
    assert len(one(path).data) == 2


WHOLE = {
    "UCI": EMG + ROW + ROW,
    "Muse": EEG + "1.0,1,2,3,4,5\n1.1,1,2,3,4,5\n",
}
CUTS = {
    "nothing": "",
    "a column": "1",
    "half a number": "1e-",
    "a sign": "-",
    "zeros, as after a crash": "\0\0\0",
}


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "crlf"])
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("whole", WHOLE.values(), ids=WHOLE)
def test_a_last_line_that_was_cut_is_left_out(
    whole: str,
    cut: str,
    end: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes((whole + cut).replace("\n", end).encode())
    assert len(one(path).data) == 2
    told = [each.getMessage() for each in caplog.records]
    sentence = f"{path} is cut short: its last line is not whole and left out"
    assert told == [sentence] * bool(cut)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (EEG + "1.0,1,2,3,4,5\n1.1,1,,3,4,5\n1.2,1", "line 3, column 3: '' is not a"),
        (EEG + "1.0,1,2,3,4,5\n1.1,1\n1.2,1,2,3", "line 3 has 2 columns"),
        (EEG + "1.0,1,2,3,4,5\n\n1.2,1,2,3", "line 3 is blank"),
        (EEG + "1.0,1,2", "has a header and no samples"),
        (EMG.rstrip(), "has a header and no samples"),
    ],
)
def test_a_last_line_that_was_cut_excuses_no_other(
    content: str, said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "x.txt"
    path.write_text(content)
    with pytest.raises(RecordingError, match=f"x.txt.*{said}"):
        read(path)
    assert not caplog.records


def test_a_whole_last_line_needs_no_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "x.txt"
    path.write_text(EMG + ROW + ROW.rstrip())
    assert len(one(path).data) == 2
    assert not caplog.records


def test_values_that_are_not_finite_are_read(tmp_path: Path) -> None:
    emg, eeg = tmp_path / "emg", tmp_path / "eeg"
    emg.write_text(EMG + ROW.replace("1e-05", "nan", 1).replace("1e-05", "-inf", 1))
    np.testing.assert_array_equal(one(emg).data[0, :3], [np.nan, -np.inf, 1])
    eeg.write_text(EEG + "1.0,nan,inf,3,4,5\n")
    np.testing.assert_array_equal(one(eeg).data[0, :3], [np.nan, np.inf, 3])


def test_a_layout_that_cannot_be_loaded_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sentence = f"recording 'another' needs the package {tmp_path.name!r}: install it"

    def found(group: str, name: str) -> Any:
        if name == "another":
            raise ConfigError(sentence)
        return find(group, name)

    monkeypatch.setattr(
        "rtpipe.recording.names", lambda group: ["another", *names(group)]
    )
    monkeypatch.setattr("rtpipe.recording.find", found)
    path = tmp_path / "1.txt"
    path.write_text(EMG + ROW)
    assert len(one(path).data) == 1
    assert recordings_in(tmp_path) == [path]
    told = [each.getMessage() for each in caplog.records]
    assert told.count(f"left out: {sentence}") == 1, "once for both"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(RecordingError, match=rf"no way known .*UCI.*; {sentence}"):
        read(path)
    with pytest.raises(RecordingError, match=rf"no recording .*UCI.*; {sentence}"):
        recordings_in(tmp_path)


def test_files_of_a_folder_that_are_no_recordings_are_told_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/1.txt", "b/2.TXT"):
        (tmp_path / name).write_text(EMG + ROW)
    for name in ("README.md", "b/3.txt", "photo.jpg"):
        (tmp_path / name).write_text("nothing that is known")
    where = f"in {tmp_path}, laid out in no way known here"
    for _ in range(2):  # a recipe may look twice
        assert len(recordings_in(tmp_path)) == 2
        assert caplog.messages == [
            f"left out: 3 files {where}: b/3.txt, README.md, photo.jpg"
        ]
    for k in range(300):
        (tmp_path / f"{k:03}.png").touch()
    caplog.clear()
    recordings_in(tmp_path)
    (told,) = caplog.messages
    assert told.startswith(f"left out: 303 files {where}: b/3.txt, 000.png, 001.png, ")
    assert told.endswith(", 006.png, ...")
    caplog.clear()
    assert recordings_in(tmp_path / "photo.jpg") == [tmp_path / "photo.jpg"]
    assert not caplog.messages, "what is named is not left out"


def test_what_belongs_to_recordings_is_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    header = tmp_path / "set" / "x.VHDR"
    header.parent.mkdir()
    header.write_text("Brain Vision Data Exchange Header File Version 1.0\n")
    (tmp_path / ".git").mkdir()
    bids = ("dataset_description.json", "participants.tsv", "sub-1_scans.tsv")
    run = ("sub-1_eeg.json", "sub-1_channels.tsv", "sub-1_events.tsv")
    results = ("gesture-1.pt", "card.json", "metrics-1.json", "confusion-1.png")
    for name in ("x.eeg", "x.vmrk", *bids, *run, *results, ".DS_Store", "../.git/HEAD"):
        (header.parent / name).write_text("nothing that is known")
    assert recordings_in(tmp_path) == [header]
    assert not caplog.messages
    for name in ("x.eeg", "set/y.eeg", "set/emg.tsv"):
        (tmp_path / name).touch()
    recordings_in(tmp_path)
    (told,) = caplog.messages
    assert told.endswith(" known here: set/emg.tsv, set/y.eeg, x.eeg")
    assert told.startswith("left out: 3 files ")
    for name in ("x.eeg", "set/y.eeg"):
        (tmp_path / name).unlink()
    recordings_in(tmp_path)
    assert caplog.messages[-1].startswith(f"left out: 1 file in {tmp_path}, ")


def test_a_file_that_may_not_be_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Root may read all, so the system's word for that is changed."""
    path = write(tmp_path / "1.txt", COLUMNS, emg_rows([1]), "\t")
    secret = tmp_path / "secret.txt"
    secret.write_text("mine")
    opened = Path.open

    def open(self: Path, *arguments: Any) -> Any:
        if self == secret:
            raise PermissionError(13, "Permission denied")
        return opened(self, *arguments)

    monkeypatch.setattr(Path, "open", open)
    assert recordings_in(tmp_path) == [path]
    assert f"left out: {secret} cannot be read: Permission denied" in caplog.text


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"there is no recording .*gone\.txt"):
        read(tmp_path / "gone.txt")
    with pytest.raises(
        RecordingError, match="is a folder, not a recording; `rtpipe ev"
    ):
        read(tmp_path)
    with pytest.raises(RecordingError, match="cannot be read: File name too long"):
        read(tmp_path / ("x" * 300))


# Parts ------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [[1], [1, 1, 2, 2, 2, 1], [3, 2, 1], [0, 0]])
def test_stretches_of_one_value(values: list[int]) -> None:
    found = constant(np.array(values))
    assert [k for start, stop in found for k in range(start, stop)] == list(
        range(len(values))
    )
    for start, stop in found:
        assert len(set(values[start:stop])) == 1
        assert stop == len(values) or values[stop] != values[start]


def test_a_recording_is_named_by_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"signal" * 100_000)
    assert file_hash(path) == sha256(b"signal" * 100_000).hexdigest()


# The published recordings -----------------------------------------------------------

DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Unpacks one file of an archive, the first time it is asked for."""
    folder = tmp_path_factory.mktemp("published")

    def unpack(archive: str, name: str) -> Path:
        source = DATA / f"{archive}.tar.xz"
        if not source.exists():
            pytest.skip("the folder of real recordings is missing")
        if not (folder / name).exists():
            with tarfile.open(source) as opened:
                opened.extract(name, folder, filter="data")
        return folder / name

    return unpack


def test_a_published_armband_recording(published: Callable[[str, str], Path]) -> None:
    name = "EMG_data_for_gestures-master/01/1_raw_data_13-12_22.03.16.txt"
    path = published("uci_emg_gestures", name)
    found = one(path)
    table = np.genfromtxt(path, skip_header=1)
    assert found.data.shape == (63_196, 8)
    np.testing.assert_allclose(found.data * 1e-5, table[:, 1:9], atol=1e-9)
    assert found.data.min() >= -128
    assert found.data.max() <= 127
    np.testing.assert_array_equal(found.data, np.rint(found.data))
    np.testing.assert_array_equal(np.diff(found.index), 1)
    labels = [each.data["label"] for each in found.events]
    assert len(set(labels)) == 7  # six gestures, and none
    assert labels[0::2] == [None] * len(labels[0::2]), "every other stretch is unmarked"
    share = [table[each.index, 9] for each in found.events if each.index is not None]
    assert [value == 0 for value in share] == [label is None for label in labels]
    # Each sample of the armband is held for about nine rows.
    rows = (np.diff(found.data, axis=0) != 0).any(1).sum()
    assert 60 < rows / 63.196 < 250


@dataclass(frozen=True)
class Published:
    """What is known of a published Muse recording."""

    archive: str
    name: str
    backward: int  # steps of its times
    lost: bool


@pytest.mark.parametrize(
    "known",
    [
        Published("muse_markers_csv", "P300_data_2017-02-04-15_45_13.csv", 0, False),
        Published("muse_markers_csv", "N170_data_2017-09-13-15.30.01.csv", 47, False),
        Published("muse_mental_state_csv", "subjectb-relaxed-2.csv", 0, True),
        Published("muse_mental_state_csv", "subjectc-neutral-2.csv", 0, False),
    ],
    ids=lambda known: known.name,
)
def test_a_published_muse_recording(
    known: Published, published: Callable[[str, str], Path]
) -> None:
    path = published(known.archive, known.name)
    found = one(path)
    table = np.genfromtxt(path, delimiter=",", skip_header=1)
    np.testing.assert_allclose(found.data, table[:, 1:6], rtol=1e-6)
    assert (np.diff(table[:, 0]) < 0).sum() == known.backward
    assert (np.diff(found.times) >= 0).all()
    lost = found.index[-1] + 1 - len(found.times)
    assert (lost > 0) == known.lost
    assert (np.diff(found.index) >= 1).all()
    if table.shape[1] == 7:
        marks = table[:, 6]
        begun = np.flatnonzero(marks * (np.diff(marks, prepend=0) != 0))
        assert len(begun) > 100
        assert [each.index for each in found.events] == begun.tolist()
        texts = [each.data["text"] for each in found.events]
        assert texts == [f"{marks[k]:g}" for k in begun]

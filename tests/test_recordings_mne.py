"""FIF and BrainVision files, written here, then published, against MNE's reading."""

import gzip
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest

from rtpipe.errors import RecordingError
from rtpipe.recording import Recording, read

DATA = Path(__file__).parents[2] / "shared" / "data" / "recordings"
TYPES = ["eeg", "eeg", "emg", "eog", "ecg", "bio", "mag", "grad", "stim", "misc"]


def made(types: list[str], n_times: int = 3000, sfreq: float = 250.0) -> Any:
    names = [f"{kind.upper()} {k:03}" for k, kind in enumerate(types)]
    info = mne.create_info(names, sfreq, types, verbose="ERROR")
    rng = np.random.default_rng(0)
    data = rng.standard_normal((len(types), n_times)) * 1e-5
    return mne.io.RawArray(data, info, verbose="ERROR").set_meas_date(0)


def annotated(raw: Any, *told: tuple[float, float, str]) -> Any:
    onsets, durations, texts = zip(*told, strict=True)
    return raw.set_annotations(mne.Annotations(onsets, durations, texts))


def one(path: Path) -> Recording:
    (recording,) = read(path)
    return recording


def assert_as_mne(found: Recording, path: Path, rows: Any = slice(None)) -> None:
    raw = mne.io.read_raw(path, preload=True, verbose="ERROR")
    assert found.info.sfreq == raw.info["sfreq"]
    assert found.info.ch_names == tuple(raw.ch_names)
    assert found.info.ch_types == tuple(raw.get_channel_types())
    volts = [1e6 if unit == "uV" else 1.0 for unit in found.info.units]
    want = raw.get_data().T[rows] * volts
    scale = np.abs(want).max(axis=0) + 1e-20
    np.testing.assert_allclose(found.data / scale, want / scale, atol=1e-6)
    assert found.data.dtype == np.float32


# FIF ----------------------------------------------------------------------------------


def test_a_fif_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtpipe.recordings.mneraw.BLOCK", 7001)  # many, one not full
    path = tmp_path / "x_raw.fif"
    raw = annotated(made(TYPES), (1.0, 0.5, "a"), (3.002, 0.0, "b"))
    raw.save(path, verbose="ERROR")
    found = one(path)
    assert_as_mne(found, path)
    assert found.info.name == "eeg"
    assert found.info.units == ("uV",) * 6 + ("T", "T/m", "none", "none")
    assert found.info.counted
    np.testing.assert_array_equal(found.index, range(3000))
    np.testing.assert_allclose(found.times, np.arange(3000) / 250)
    assert [(e.kind, e.time, e.index, e.data) for e in found.events] == [
        ("marker", 1.0, 250, {"text": "a", "duration": 0.5}),
        ("marker", pytest.approx(3.002), 750, {"text": "b"}),
    ]


def test_a_part_of_a_longer_recording_begins_at_its_own_start(tmp_path: Path) -> None:
    path = tmp_path / "x_raw.fif"
    raw = annotated(made(["eeg"]), (1.0, 0.0, "before"), (3.0, 0.0, "within"))
    raw.crop(2, 6).save(path, verbose="ERROR")
    found = one(path)
    assert_as_mne(found, path)
    assert found.times[0] == 0
    assert [(e.time, e.index) for e in found.events] == [(1.0, 250)]


def test_the_index_jumps_where_nothing_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "x_raw.fif"
    raw = annotated(
        made(["eeg", "stim"]), (4.0, 2.0, "BAD_ACQ_SKIP"), (5.0, 0, "in"), (7.0, 0, "b")
    )
    raw.save(path, buffer_size_sec=0.5, verbose="ERROR")
    found = one(path)
    want = [*range(1000), *range(1500, 3000)]
    np.testing.assert_array_equal(found.index, want)
    np.testing.assert_allclose(found.times, np.array(want) / 250)
    assert_as_mne(found, path, want)
    assert [(e.data["text"], e.index) for e in found.events] == [
        ("in", 999),
        ("b", 1750),
    ]


# BrainVision --------------------------------------------------------------------------


def brainvision(
    path: Path, markers: str, n_times: int = 600, sfreq: float = 250.0
) -> Path:
    """Write the three files of a recording of two channels."""
    path.with_suffix(".vhdr").write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\n"
        f"Codepage=UTF-8\nDataFile={path.stem}.eeg\nMarkerFile={path.stem}.vmrk\n"
        "DataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels=2\n"
        f"SamplingInterval={1e6 / sfreq:g}\n\n[Binary Infos]\nBinaryFormat=INT_16\n\n"
        "[Channel Infos]\nCh1=Fp1,,0.1,\N{MICRO SIGN}V\nCh2=EMG,,0.5,mV\n",
        encoding="utf-8",
    )
    path.with_suffix(".vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\n"
        f"Codepage=UTF-8\nDataFile={path.stem}.eeg\n\n[Marker Infos]\n{markers}",
        encoding="utf-8",
    )
    rng = np.random.default_rng(0)
    codes = rng.integers(-32768, 32768, (n_times, 2)).astype("<i2")
    path.with_suffix(".eeg").write_bytes(codes.tobytes())
    return path.with_suffix(".vhdr")


def test_a_brainvision_file(tmp_path: Path) -> None:
    path = brainvision(
        tmp_path / "x",
        "Mk1=New Segment,,1,1,0,20260131120000000000\n"
        "Mk2=Stimulus,S  1,101,1,0\nMk3=Comment,blink,201,50,0\n",
    )
    found = one(path)
    assert_as_mne(found, path)
    assert found.info.units == ("uV", "uV")
    assert found.info.counted
    np.testing.assert_array_equal(found.index, range(600))
    assert [(e.index, e.time, e.data["text"]) for e in found.events] == [
        (100, 0.4, "Stimulus/S  1"),
        (200, 0.8, "Comment/blink"),
    ]
    assert found.events[1].data["duration"] == pytest.approx(0.2)


def test_the_index_jumps_where_a_recording_was_paused(tmp_path: Path) -> None:
    path = brainvision(
        tmp_path / "x",
        "Mk1=New Segment,,1,1,0,20260131120000000000\n"
        "Mk2=New Segment,,101,1,0,20260131120000450000\n"  # 50 ms late: no pause
        "Mk3=New Segment,,201,1,0,20260131120010850000\n"  # 10.4 s, of which 0.4 are
        "Mk4=Stimulus,S  1,251,1,0\n"
        "Mk5=New Segment,,301,1,0,00000000000000000000\n",
    )
    found = one(path)
    np.testing.assert_array_equal(found.index, [*range(200), *range(2700, 3100)])
    np.testing.assert_allclose(found.times, found.index / 250)
    assert not found.info.counted
    assert_as_mne(found, path)
    (mark,) = [e for e in found.events if e.data["text"] == "Stimulus/S  1"]
    assert mark.index == 2750
    assert mark.time == pytest.approx(11.0)


def test_a_recording_without_its_markers(tmp_path: Path) -> None:
    path = brainvision(tmp_path / "x", "")
    path.with_suffix(".vmrk").unlink()
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub("MarkerFile=.*\n", "", text), encoding="utf-8")
    assert one(path).events == ()


@pytest.mark.parametrize("suffix", [".eeg", ".vmrk"])
def test_a_part_of_a_recording_names_its_header(suffix: str, tmp_path: Path) -> None:
    path = brainvision(tmp_path / "x", "").with_suffix(suffix)
    with pytest.raises(RecordingError, match=r"BrainVision recording: open x\.vhdr"):
        read(path)


# Wrong input --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [30, 300, 2000, 20_000, -1000])
def test_a_fif_file_that_is_cut_off(size: int, tmp_path: Path) -> None:
    path = tmp_path / "x_raw.fif"
    made(["eeg"] * 4).save(path, verbose="ERROR")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(
        RecordingError,
        match=r"x_raw\.fif is cut short, and MNE cannot read what is left of it$",
    ):
        read(path)


def test_a_fif_file_that_is_cut_off_between_two_of_its_parts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """MNE plays what is left and says nothing."""
    path = tmp_path / "x_raw.fif"
    made(["eeg"] * 4).save(path, verbose="ERROR")
    content = path.read_bytes()
    assert len(one(path).data) == 3000
    assert not caplog.records
    buffer = content.index((300).to_bytes(4, "big") + (4).to_bytes(4, "big"))
    path.write_bytes(content[: buffer + 2 * (16 + 250 * 4 * 4)])
    assert len(one(path).data) == 500
    (said,) = [record.getMessage() for record in caplog.records]
    assert said == f"{path} is cut short: what is left of it is played"


@pytest.mark.parametrize("following", [-1, 4], ids=["no tag more", "a tag before"])
def test_a_fif_file_that_is_broken_otherwise(following: int, tmp_path: Path) -> None:
    """The second tag says where the next one is, and it is none."""
    path = tmp_path / "x_raw.fif"
    made(["eeg"]).save(path, verbose="ERROR")
    content = bytearray(path.read_bytes())
    content[36 + 12 : 36 + 16] = following.to_bytes(4, "big", signed=True)
    path.write_bytes(content[:2000])
    with pytest.raises(
        RecordingError, match=r"x_raw\.fif (cannot be read: MNE says: .|is damaged: )"
    ):
        read(path)


@pytest.mark.parametrize("suffix", [".eeg", ".vmrk"])
def test_a_brainvision_file_without_a_part(suffix: str, tmp_path: Path) -> None:
    path = brainvision(tmp_path / "x", "")
    path.with_suffix(suffix).unlink()
    with pytest.raises(
        RecordingError, match=rf"x\.vhdr cannot be read: x{suffix} is missing beside it"
    ):
        read(path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("NumberOfChannels=2", "NumberOfChannels=1000000"),
        ("NumberOfChannels=2", "NumberOfChannels=two"),
        ("[Binary Infos]", "[Common Infos]"),
        ("INT_16", "INT_17"),
    ],
)
def test_a_header_that_cannot_be(before: str, after: str, tmp_path: Path) -> None:
    path = brainvision(tmp_path / "x", "")
    text = path.read_text(encoding="utf-8").replace(before, after)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        RecordingError, match=r"x\.vhdr(: NumberOf| cannot be read: MNE says)"
    ) as told:
        read(path)
    assert len(str(told.value)) < 300 + len(str(path))
    assert "\n" not in str(told.value)


def test_a_recording_without_a_sample(tmp_path: Path) -> None:
    path = brainvision(tmp_path / "x", "", n_times=0)
    with pytest.raises(RecordingError, match=r"x\.vhdr"):
        read(path)


def test_without_mne(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = brainvision(tmp_path / "x", "")
    monkeypatch.setitem(sys.modules, "mne.utils", None)
    with pytest.raises(
        RecordingError, match="is read by the package 'mne': install it"
    ):
        read(path)


def test_mne_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "named as MNE does not like it.fif"
    made(["eeg"]).save(tmp_path / "x_raw.fif", verbose="ERROR")
    shutil.copy(tmp_path / "x_raw.fif", path)
    assert len(one(path).data) == 3000
    assert capfd.readouterr() == ("", "")


# The published recordings -------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["test.vhdr", "mne_brainvision_test_raw.fif"], ids=["brainvision", "fif"]
)
def test_a_published_recording(name: str, tmp_path: Path) -> None:
    if not DATA.exists():
        pytest.skip("the folder of real recordings is missing")
    for file in DATA.glob("test.*"):
        shutil.copy(file, tmp_path)
    packed = DATA / f"{name}.gz"
    if packed.exists():
        (tmp_path / name).write_bytes(gzip.decompress(packed.read_bytes()))
    found = one(tmp_path / name)
    assert_as_mne(found, tmp_path / name)
    assert len(found.data) == 7900
    assert len(found.events) == (13 if name == "test.vhdr" else 0)

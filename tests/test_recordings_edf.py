"""EDF and BDF files, written here field by field, then published ones; MNE agrees."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pytest
from numpy.typing import NDArray

from rtpipe.errors import RecordingError
from rtpipe.recording import Recording, read

DATA = Path(__file__).parents[2] / "shared" / "data" / "recordings"
NOTES = "EDF Annotations"


@dataclass
class Signal:
    """A signal of a file: whole numbers, shape (n_records, n_times)."""

    label: str
    codes: NDArray[np.int64]
    unit: str = "uV"
    physical: tuple[float, float] = (-3276.8, 3276.7)
    digital: tuple[int, int] = (-32768, 32767)

    @property
    def values(self) -> NDArray[np.float64]:
        """What the codes mean, in the signal's unit."""
        (low, high), (least, most) = self.physical, self.digital
        return low + (self.codes - least) * (high - low) / (most - least)


def noise(label: str, n_records: int = 4, n_times: int = 100, **told: object) -> Signal:
    rng = np.random.default_rng(len(label))
    codes = rng.integers(-32768, 32768, (n_records, n_times))
    return Signal(label, codes, **told)  # type: ignore[arg-type]


def notes(*records: str, n_times: int = 40, width: int = 2) -> Signal:
    """Return the annotation signal: a text a record, with | where the format has 20."""
    rows = []
    for text in records:
        said = text.replace("|", "\x14").replace("+for", "\x15").encode()
        rows.append(list(said.ljust(n_times * width, b"\0")))
    stored = np.array(rows, np.uint8)
    if width == 2:
        return Signal(NOTES, stored.view("<i2").astype(np.int64), "")
    whole = np.zeros((len(rows), n_times, 4), np.uint8)
    whole[..., 1:] = stored.reshape(len(rows), n_times, 3)
    codes = whole.reshape(len(rows), -1).view("<i4") >> 8
    return Signal("BDF Annotations", codes.astype(np.int64), "")


def write(
    path: Path,
    signals: Sequence[Signal],
    *,
    duration: float = 1.0,
    kind: str = "",
    n_records: int | None = None,
    width: int = 2,
) -> Path:
    count = len(signals[0].codes)

    def column(width: int, values: Sequence[object]) -> str:
        return "".join(str(value)[:width].ljust(width) for value in values)

    text = "X X X X".ljust(80) + "Startdate X X X X".ljust(80) + "01.02.2503.04.05"
    text += column(8, [256 * (len(signals) + 1)]) + kind.ljust(44)
    text += column(8, [count if n_records is None else n_records, f"{duration:g}"])
    text += column(4, [len(signals)])
    text += column(16, [each.label for each in signals])
    text += column(80, [""] * len(signals))
    text += column(8, [each.unit for each in signals])
    for k in (0, 1):
        text += column(8, [each.physical[k] for each in signals])
    for k in (0, 1):
        text += column(8, [each.digital[k] for each in signals])
    text += column(80, [""] * len(signals))
    text += column(8, [each.codes.shape[1] for each in signals])
    text += column(32, [""] * len(signals))
    numbers = np.concatenate([each.codes for each in signals], axis=1).astype("<i4")
    stored = numbers.reshape(-1, 1).view(np.uint8)[:, :width]
    magic = b"0       " if width == 2 else b"\xffBIOSEMI"
    path.write_bytes(magic + text.encode("latin-1") + stored.tobytes())
    return path


def one(path: Path) -> Recording:
    (recording,) = read(path)
    return recording


def assert_as_mne(found: Recording, path: Path) -> None:
    raw = mne.io.read_raw(path, infer_types=True, preload=True, verbose="ERROR")
    assert found.info.sfreq == raw.info["sfreq"]
    assert found.info.ch_names == tuple(raw.ch_names)
    assert found.info.ch_types == tuple(raw.get_channel_types())
    volts = [1e6 if unit == "uV" else 1.0 for unit in found.info.units]
    want = raw.get_data().T * volts
    scale = np.abs(want).max(axis=0) + 1e-12
    np.testing.assert_allclose(found.data / scale, want / scale, atol=1e-6)
    marks = [
        (e.time, e.data.get("duration", 0.0), e.data["text"]) for e in found.events
    ]
    told = raw.annotations
    assert marks == list(zip(told.onset, told.duration, told.description, strict=True))
    for event in found.events:
        assert event.index == round(event.time * found.info.sfreq)


# What MNE reads alike -----------------------------------------------------------------


@pytest.mark.parametrize("width", [2, 3], ids=["edf", "bdf"])
def test_a_file_is_read_as_mne_reads_it(width: int, tmp_path: Path) -> None:
    signals = [
        noise("Fp1"),
        noise("EEG Cz"),
        noise("EMG left arm", unit="mV", physical=(-5, 5)),
        noise("ECG", unit="V", digital=(-2048, 2047)),
        noise("EOG up", unit="\N{MICRO SIGN}V"),
        noise("Status"),
        notes("+0||\0+0.25|eyes|\0", "+1||\0+1.5+for0.25|a|b|\0", "+2||\0", "+3||\0"),
    ]
    suffix = "edf"
    if width == 3:
        signals[-1] = notes("+0||\0+0.25|x|\0", "+1||\0", "+2||\0", "+3||\0", width=3)
        suffix = "bdf"
    kind = f"{suffix.upper()}+C"
    path = write(tmp_path / f"x.{suffix}", signals, kind=kind, width=width)
    found = one(path)
    assert_as_mne(found, path)
    assert found.info.name == "eeg"
    assert found.info.units == ("uV",) * 5 + ("none",)
    assert found.info.counted
    assert found.info.rails is None
    np.testing.assert_array_equal(found.index, range(400))
    np.testing.assert_allclose(found.times, np.arange(400) / 100)
    np.testing.assert_allclose(found.data[:, 2], 1e3 * signals[2].values.ravel(), 1e-6)
    assert found.events


def test_24_bits_are_read(tmp_path: Path) -> None:
    codes = np.array([[-(2**23), -1, 0, 1, 2**23 - 1]])
    signal = Signal("A1", codes, "uV", (-262144, 262143), (-8388608, 8388607))
    found = one(write(tmp_path / "x.bdf", [signal], width=3))
    np.testing.assert_allclose(found.data[:, 0], signal.values[0], rtol=1e-7)


def test_names_that_occur_twice_are_made_different(tmp_path: Path) -> None:
    signals = [noise(label) for label in ("A", "B", "A", "A-0", "A")]
    path = write(tmp_path / "x.edf", signals)
    assert one(path).info.ch_names == ("A-1", "B", "A-2", "A-0", "A-3")


# What MNE reads otherwise -------------------------------------------------------------


def test_signals_of_different_rates_are_different_streams(tmp_path: Path) -> None:
    signals = [
        noise("EEG Fpz-Cz", n_times=200),
        noise("Temp rectal", n_times=2, unit="DegC", physical=(34, 40)),
        noise("EEG Pz-Oz", n_times=200),
        noise("Pressure", n_times=2, unit="mmHg"),
        noise("EEG slow", n_times=50),
    ]
    path = write(tmp_path / "x.edf", signals, duration=2.0)
    streams = read(path)
    told = [(each.info.name, each.info.sfreq, each.info.ch_names) for each in streams]
    assert told == [
        ("eeg", 100.0, ("Fpz-Cz", "Pz-Oz")),
        ("eeg-2", 25.0, ("slow",)),
        ("temperature", 1.0, ("rectal", "Pressure")),
    ]
    assert streams[2].info.ch_types == ("temperature", "misc")
    assert streams[2].info.units == ("DegC", "mmHg")
    for stream, k, column in ((0, 0, 0), (0, 2, 1), (1, 4, 0), (2, 1, 0), (2, 3, 1)):
        np.testing.assert_allclose(
            streams[stream].data[:, column], signals[k].values.ravel(), rtol=1e-6
        )
    for each in streams:
        assert each.times[-1] + 1 / each.info.sfreq == pytest.approx(8.0)


def test_a_signal_without_a_unit_is_in_an_unknown_one(tmp_path: Path) -> None:
    found = one(write(tmp_path / "x.edf", [noise("A", unit=""), noise("B")]))
    assert found.info.units == ("unknown", "uV")
    assert found.info.ch_types == ("eeg", "eeg")


def test_a_range_of_no_width_counts_as_one(tmp_path: Path) -> None:
    signal = noise("A", physical=(0, 0), digital=(0, 0))
    path = write(tmp_path / "x.edf", [signal])
    assert_as_mne(one(path), path)


def test_the_index_jumps_where_records_are_apart(tmp_path: Path) -> None:
    told = notes(
        "+5||\0+5.5|before|\0",
        "+6||\0+7.5|within|\0",
        "+9||\0+9.25|after|\0",
        "+10||\0",
    )
    signals = [noise("A"), noise("B", n_times=10), told]
    fast, slow = read(write(tmp_path / "x.edf", signals, kind="EDF+D"))
    want = [*range(200), *range(400, 600)]
    np.testing.assert_array_equal(fast.index, want)
    np.testing.assert_allclose(fast.times, np.array(want) / 100)
    np.testing.assert_allclose(fast.data[:, 0], signals[0].values.ravel(), rtol=1e-6)
    np.testing.assert_array_equal(slow.index, [*range(20), *range(40, 60)])
    marks = [(e.data["text"], e.time, e.index) for e in fast.events]
    assert marks == [("before", 0.5, 50), ("within", 2.5, 199), ("after", 4.25, 425)]
    # The same file as one that is not broken is continuous, whatever its times.
    fast, _ = read(write(tmp_path / "x.edf", signals, kind="EDF+C"))
    np.testing.assert_array_equal(fast.index, range(400))


def test_an_end_that_is_missing_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    signal = noise("A", n_records=5)
    path = write(tmp_path / "x.edf", [signal], n_records=7)
    path.write_bytes(path.read_bytes()[:-30])
    found = one(path)
    np.testing.assert_allclose(found.data[:, 0], signal.values[:4].ravel(), rtol=1e-6)
    (said,) = [record.getMessage() for record in caplog.records]
    assert said == f"{path} is cut short: 4 of its 7 records of 1 s are there"


def test_a_recorder_that_did_not_end_has_not_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "x.edf", [noise("A")], n_records=-1)
    assert len(one(path).data) == 400
    assert not caplog.records


# Wrong input --------------------------------------------------------------------------


def changed(path: Path, start: int, text: str) -> None:
    content = bytearray(path.read_bytes())
    content[start : start + len(text)] = text.encode()
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("start", "text", "said"),
    [
        (184, "1024    ", "header of 2 signals is 768 bytes long, and says .* 1024"),
        (252, "0   ", "number of signals cannot be 0"),
        (252, "9999", "header of 9999 signals is 2560000 bytes long"),
        (236, "many    ", "number of records is 'many', no number"),
        (236, "1.5     ", "number of records cannot be 1.5"),
        (244, "0       ", "a record lasts 0 s"),
        (244, "nan     ", "duration of a record is 'nan', no number"),
        (256 + 2 * 104, "lowest  ", "physical minimum of A is 'lowest', no number"),
        (256 + 2 * 216, "0       ", "number of samples of A cannot be 0"),
        (256 + 2 * 216, "1e20    ", "no samples"),
        (256 + 2 * 112, "1e30    ", "physical maximum of A is '1e30', no number"),
    ],
)
def test_a_header_that_cannot_be(
    start: int, text: str, said: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "x.edf", [noise("A"), noise("B")])
    changed(path, start, text)
    with pytest.raises(RecordingError, match=rf"x\.edf.*{said}"):
        read(path)


@pytest.mark.parametrize(
    ("size", "said"),
    [(600, "ends within its header"), (768, "has a header and no samples")],
)
def test_a_file_that_is_cut_off(size: int, said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.edf", [noise("A"), noise("B")])
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(RecordingError, match=said):
        read(path)


@pytest.mark.parametrize(
    "second", ["", "hello", "+4||\0", "+0||\0", "+99999999999||\0"]
)
def test_a_broken_recording_has_to_tell_its_times(second: str, tmp_path: Path) -> None:
    told = notes("+5||\0", second)
    path = write(tmp_path / "x.edf", [noise("A", n_records=2), told], kind="EDF+D")
    with pytest.raises(
        RecordingError, match="record 2 does not tell a time soon after"
    ):
        read(path)


def test_annotations_alone_are_no_signal(tmp_path: Path) -> None:
    path = write(tmp_path / "x.edf", [notes("+0||\0")])
    with pytest.raises(RecordingError, match="holds annotations and no signal"):
        read(path)


def test_a_text_that_is_named_so(tmp_path: Path) -> None:
    path = tmp_path / "x.edf"
    path.write_text("0        is how a list of numbers begins\n" * 20)
    with pytest.raises(RecordingError, match="is laid out in no way known here"):
        read(path)


# The published recordings -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape"), [("mne_test.edf", (3072, 139)), ("mne_test.bdf", (2048, 73))]
)
def test_a_published_file(name: str, shape: tuple[int, int], tmp_path: Path) -> None:
    packed = DATA / f"{name}.gz"
    if not packed.exists():
        pytest.skip("the folder of real recordings is missing")
    path = tmp_path / name
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    found = one(path)
    assert found.data.shape == shape
    assert_as_mne(found, path)

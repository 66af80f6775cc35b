"""What is converted is read by others as it was: MNE-Python, edfio, the csv module."""

import csv
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import edfio
import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpipe.convert.annotation import LONGEST, Annotation, annotations
from rtpipe.convert.edf import record, write_edf
from rtpipe.convert.fif import write_fif
from rtpipe.convert.grid import Grid, grid
from rtpipe.convert.names import LABEL, file_name, labels
from rtpipe.convert.physical import physical
from rtpipe.convert.table import write_csv
from rtpipe.errors import RecordingError
from rtpipe.recording import Recording, read
from rtpipe.types import Event, StreamInfo

mne.set_log_level("ERROR")
READERS = {"edf": mne.io.read_raw_edf, "bdf": mne.io.read_raw_bdf}
BITS = {"edf": 16, "bdf": 24}
LOST = slice(300, 340)  # of the rows of `made`
STARTED = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def made(
    *,
    units: Sequence[str] = ("uV", "uV", "none"),
    types: Sequence[str] = ("eeg", "emg", "misc"),
    sfreq: float = 256.0,
    n_times: int = 1001,
    first: int = 5000,
    values: Any = None,
    events: Sequence[Event] = (),
    nan: bool = True,
) -> Recording:
    """Return a recording that begins at index 5000, with 40 samples lost, and a NaN."""
    info = StreamInfo(
        "head",
        sfreq,
        tuple(f"C{k}" for k in range(1, len(units) + 1)),
        tuple(types),
        tuple(units),
        mains=60.0,
    )
    rng = np.random.default_rng(1)
    noise = rng.normal(3, 40, (n_times, len(units)))
    data = np.array(noise if values is None else values, np.float32)
    n_times = len(data)
    if nan:
        data[100:103, 0] = np.nan
    kept = np.ones(n_times, bool)
    if n_times > LOST.stop:
        kept[LOST] = False
    index = first + np.flatnonzero(kept)
    times = (index - first) / sfreq
    return Recording(
        info, index, times, data[kept], tuple(events), times + STARTED.timestamp()
    )


def marker(index: int, text: str, **told: Any) -> Event:
    return Event("head", 0.0, "marker", index, {"text": text, **told})


def truth(index: int, label: str | None, task: str = "gesture") -> Event:
    return Event("head", 0.0, "truth", index, {"task": task, "label": label})


EVENTS = (
    truth(5000, "rest"),
    marker(5010, "go"),
    marker(5128, "cue on: fist"),
    truth(5256, "fist"),
    marker(5384, "cue off: fist"),
    marker(5500, "eyes \N{GREEK SMALL LETTER ALPHA}", duration=0.5),
)
# Row, seconds, text: as EVENTS mean it, and what `made` lost.
MEANT = {
    (0, 1.0, "gesture: rest"),
    (10, 0.0, "go"),
    (100, 3 / 256, "BAD_not_finite"),
    (128, 1.0, "fist"),
    (256, 745 / 256, "gesture: fist"),
    (300, 40 / 256, "BAD_lost"),
    (500, 0.5, "eyes \N{GREEK SMALL LETTER ALPHA}"),
}


def expected(given: Grid) -> np.ndarray[Any, Any]:
    """Return what a row holds: the newest finite value, found row by row."""
    out = np.zeros(given.data.shape)
    newest = np.zeros(given.data.shape[1])
    for row, values in enumerate(given.data):
        newest = np.where(np.isfinite(values), values, newest)
        out[row] = newest
    return out


def noted(raw: Any) -> set[tuple[int, float, str]]:
    """Return MNE's annotations as row, seconds, text."""
    sfreq = raw.info["sfreq"]
    return {
        (round(each["onset"] * sfreq), round(each["duration"], 9), each["description"])
        for each in raw.annotations
    }


def same(found: set[tuple[int, float, str]]) -> bool:
    return found == {(row, round(each, 9), text) for row, each, text in MEANT}


def test_a_row_for_each_index() -> None:
    recording = made()
    found = grid(recording)
    assert (found.first, len(found.data), found.n_lost) == (5000, 1001, 40)
    assert np.isnan(found.data[LOST]).all()
    np.testing.assert_array_equal(found.data[recording.index - 5000], recording.data)
    np.testing.assert_allclose(found.times, np.arange(1001) / 256, atol=1e-12)
    assert found.started == STARTED.timestamp()


def test_a_sample_that_comes_late_or_twice_is_left_out() -> None:
    recording = made(n_times=6, nan=False)
    order = np.array([0, 1, 3, 2, 3, 5])
    found = grid(
        Recording(
            recording.info,
            recording.index[order],
            recording.times[order],
            recording.data[order] + np.arange(6, dtype=np.float32)[:, None],
        )
    )
    assert (found.losses.lost, found.losses.late, found.n_lost) == (2, 2, 1)
    np.testing.assert_array_equal(found.data[3], recording.data[3] + np.float32(2))
    np.testing.assert_array_equal(found.data[2], recording.data[2] + np.float32(3))
    assert np.isnan(found.data[4]).all()
    assert found.started is None


def test_a_stretch_that_is_mostly_lost_is_refused() -> None:
    recording = made(n_times=10, nan=False)
    index = recording.index.copy()
    index[-1] += 2**28
    with pytest.raises(RecordingError, match="were lost, too many"):
        grid(Recording(recording.info, index, recording.times, recording.data))


def test_a_channel_without_a_value_does_not_make_the_rest_bad() -> None:
    recording = made(nan=False)
    recording.data[:, 2] = np.nan
    found = grid(recording)
    assert found.dead == (2,)
    assert {each.text for each in found.annotations} == {"BAD_lost"}
    assert not found.held(2).any()


def test_events_become_annotations() -> None:
    found = annotations(EVENTS, 5000, 1001, 256.0)
    meant = {each for each in MEANT if not each[2].startswith("BAD")}
    assert {(each.row, each.duration, each.text) for each in found} == meant


@pytest.mark.parametrize(
    ("events", "meant"),
    [
        ([marker(5, "cue on: a")], [Annotation(5, 0.0, "cue on: a")]),
        ([marker(5, "cue off: a")], [Annotation(5, 0.0, "cue off: a")]),
        (
            [marker(2, "cue on: a"), marker(3, "cue on: b"), marker(4, "cue off: a")],
            [
                Annotation(2, 0.0, "cue on: a"),
                Annotation(3, 0.0, "cue on: b"),
                Annotation(4, 0.0, "cue off: a"),
            ],
        ),
        (
            [
                *(marker(2, "cue on: a"), marker(3, "cue broken: a")),
                *(marker(5, "cue on:  a"), marker(8, "cue off: a ")),
            ],
            [
                Annotation(2, 0.0, "cue on: a"),
                Annotation(3, 0.0, "cue broken: a"),
                Annotation(5, 0.3, "a"),
            ],
        ),
        ([truth(5, None), truth(7, "x"), truth(9, None)], [(7, 0.2, "gesture: x")]),
        ([truth(5, "x"), truth(7, "x")], [(5, 9.5, "gesture: x")]),
        ([truth(0, "x"), truth(3, "y", "mood")], [(0, 10.0), (3, 9.7)]),
        ([marker(5, "a\x00b\nc")], [Annotation(5, 0.0, "a b c")]),
        ([marker(5, "\x14")], [Annotation(5, 0.0, "(no text)")]),
        ([marker(500, "after the end")], [Annotation(99, 0.0, "after the end")]),
        ([Event("head", 0.0, "marker", None, {"text": "of no sample"})], []),
    ],
)
def test_each_way_an_event_becomes_an_annotation(
    events: list[Event], meant: list[Any]
) -> None:
    found = sorted(annotations(events, 0, 100, 10.0))
    told = [(each.row, pytest.approx(each.duration), each.text) for each in found]
    wanted = [
        (each.row, each.duration, each.text) if isinstance(each, Annotation) else each
        for each in meant
    ]
    assert [each[: len(want)] for each, want in zip(told, wanted, strict=True)] == (
        wanted
    )


def test_an_event_without_an_index_is_placed_by_its_time() -> None:
    event = Event("head", 2.51, "marker", None, {"text": "here"})
    found = grid(made(events=[event])).annotations
    (here,) = [each.row for each in found if each.text == "here"]
    assert here == int(2.51 * 256)


def test_a_long_text_is_cut() -> None:
    (found,) = annotations([marker(0, "word " * 1000)], 0, 10, 10.0)
    assert len(found.text) <= LONGEST


@given(st.lists(st.sampled_from([None, "a", "b"]), min_size=1, max_size=40))
def test_truth_covers_the_samples_it_is_of(state: list[str | None]) -> None:
    events = [truth(row, each) for row, each in enumerate(state)]
    covered: list[str | None] = [None] * len(state)
    for each in annotations(events, 0, len(state), 8.0):
        for row in range(each.row, each.row + round(each.duration * 8)):
            assert covered[row] is None
            covered[row] = each.text.removeprefix("gesture: ")
    assert covered == state


@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_mne_reads_edf_as_it_was(tmp_path: Path, kind: str) -> None:
    given = grid(made(events=EVENTS))
    file = tmp_path / f"a.{kind}"
    write_edf(given, file, kind)
    raw = READERS[kind](file, infer_types=True)
    read_by_edfio = getattr(edfio, f"read_{kind}")(file)
    assert raw.info["sfreq"] == 256.0
    assert raw.ch_names == ["C1", "C2", "C3"]
    assert raw.get_channel_types() == ["eeg", "emg", "misc"]
    held = expected(given)
    values = raw.get_data().T[: len(held)] * [1e6, 1e6, 1]
    for k, signal in enumerate(read_by_edfio.signals):
        low, high = signal.physical_range
        step = (high - low) / (2 ** BITS[kind] - 1)
        assert low <= held[:, k].min() <= held[:, k].max() <= high
        assert high - low < 1.01 * np.ptp(held[:, k])
        error = np.abs(values[:, k] - held[:, k]).max()
        assert error <= 0.5001 * step
        assert error > 0.3 * step  # the bound is the true one
        assert signal.physical_dimension == ("none" if k == 2 else "uV")
    padding = raw.n_times - 1001
    meant = noted(raw) - {(1001, round(padding / 256, 9), "BAD_padding")}
    assert same(meant)
    assert raw.info["meas_date"] == STARTED.replace(microsecond=0)
    assert read_by_edfio.startdatetime == STARTED.replace(tzinfo=None)


@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_we_read_our_own_edf(tmp_path: Path, kind: str) -> None:
    given = grid(made(events=EVENTS))
    write_edf(given, tmp_path / "a", kind)
    (found,) = read(tmp_path / "a")
    assert found.info.ch_names == given.info.ch_names
    assert found.info.ch_types == given.info.ch_types
    assert found.info.units == given.info.units
    error = np.abs(found.data[:1001] - expected(given)).max()
    assert error < (0.003 if kind == "edf" else 1e-4)


@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_counts_stay_counts(tmp_path: Path, kind: str) -> None:
    half = 2 ** (BITS[kind] - 1)
    rng = np.random.default_rng(2)
    counts = rng.integers(-half, half, (500, 2))
    counts[0] = -half, half - 1
    given = grid(made(units=["none"] * 2, types=["emg"] * 2, values=counts, nan=False))
    write_edf(given, tmp_path / "a", kind)
    signals = getattr(edfio, f"read_{kind}")(tmp_path / "a").signals
    found = np.stack([each.data[:500] for each in signals], 1)
    np.testing.assert_array_equal(found, expected(given))


@pytest.mark.parametrize(
    ("unit", "size", "dimension", "scale"),
    [
        ("V", 3e-5, "uV", 1e6),
        ("mV", 3e-2, "uV", 1e3),
        ("nV", 3e4, "uV", 1e-3),
        ("S", 3, "S", 1),
        ("S", 3e-6, "mS", 1e3),
        ("T", 3e-13, "nT", 1e9),
        ("g", 3, "g", 1),
        ("\N{MICRO SIGN}S", 3, "uS", 1),
        ("\N{MICRO SIGN}S", 3e-6, "nS", 1e3),
        ("mT", 3e-9, "nT", 1e6),
    ],
)
def test_units_of_edf(
    tmp_path: Path, unit: str, size: float, dimension: str, scale: float
) -> None:
    values = np.random.default_rng(3).normal(0, size, (256, 1))
    given = grid(made(units=[unit], types=["misc"], values=values, nan=False))
    write_edf(given, tmp_path / "a", "bdf")
    (signal,) = edfio.read_bdf(tmp_path / "a").signals
    assert signal.physical_dimension == dimension
    np.testing.assert_allclose(
        signal.data, values[:, 0] * scale, rtol=1e-6, atol=1e-6 * size * scale
    )


@pytest.mark.parametrize("size", [1e12, 1e-9])
def test_numbers_that_edf_has_no_room_for_are_refused(
    tmp_path: Path, size: float
) -> None:
    values = np.random.default_rng(4).normal(0, size, (256, 1))
    given = grid(made(units=["g"], types=["misc"], values=values, nan=False))
    with pytest.raises(RecordingError, match=r"C1 is from .* convert to fif or csv"):
        write_edf(given, tmp_path / "a", "edf")


@given(
    st.lists(st.floats(-9e6, 9e7, width=32), min_size=1, max_size=20),
    st.sampled_from([16, 24]),
)
def test_the_range_holds_every_value(values: list[float], bits: int) -> None:
    data = np.array(values)
    range_ = physical(data, bits)
    if range_ is None:  # so small that eight characters cannot say it
        assert np.abs(data).max() < 0.1 or np.abs(data).min() > 1e5
        return
    assert range_.low < range_.high
    assert range_.low <= data.min()
    assert data.max() <= range_.high
    for each in (range_.low, range_.high):
        text = str(int(each) if each == int(each) else each)
        assert len(text) <= 8
        assert "e" not in text


@pytest.mark.parametrize(
    ("low", "high"), [(-0.3, 1.1), (0.0001, 961.872), (-724.411, -0.7), (-7.5, 99999.5)]
)
def test_a_value_that_the_header_can_say_is_the_limit(low: float, high: float) -> None:
    range_ = physical(np.array([high, low]), 24)
    assert range_ is not None
    assert (range_.low, range_.high) == (low, high)


@given(
    st.lists(st.integers(-(2**24), 2**24), min_size=2, max_size=20, unique=True),
    st.sampled_from([16, 24]),
)
def test_the_range_holds_every_value_of_another_unit(
    values: list[int], bits: int
) -> None:
    data = np.array(values) * 1e-3
    if range_ := physical(data, bits):
        assert range_.low <= data.min()
        assert data.max() <= range_.high


@pytest.mark.parametrize("kind", ["edf", "bdf"])
@pytest.mark.parametrize(("low", "high"), [(-724411, 961872), (-509453, 115749)])
def test_a_value_just_outside_a_number_of_the_header(
    tmp_path: Path, low: int, high: int, kind: str
) -> None:
    """961872 nV times 1e-3 is 961.8720000000001 uV, and that times 1e4 is whole."""
    assert low * 1e-3 < low / 1e3
    assert high * 1e-3 > high / 1e3
    values = np.linspace(low, high, 256)[:, None]
    given = grid(made(units=["nV"], types=["emg"], values=values, nan=False))
    write_edf(given, tmp_path / "a", kind)
    (signal,) = getattr(edfio, f"read_{kind}")(tmp_path / "a").signals
    assert signal.physical_dimension == "uV"
    off = np.abs(signal.data[:256] - values[:, 0] * 1e-3).max()
    assert off < (high - low) * 1e-3 / 2 ** BITS[kind] + 1e-4


@pytest.mark.parametrize("kind", ["edf", "bdf"])
@pytest.mark.parametrize("value", [0.5, -187500.02, 123456.5, -0.125])
def test_a_channel_that_never_changes(tmp_path: Path, value: float, kind: str) -> None:
    values = np.full((256, 2), value)
    values[:, 1] = np.arange(256) / 3
    given = grid(made(units=["uV"] * 2, types=["emg"] * 2, values=values, nan=False))
    file = tmp_path / f"a.{kind}"
    write_edf(given, file, kind)
    found = READERS[kind](file).get_data()[0] * 1e6
    assert np.abs(found - np.float32(value)).max() <= np.spacing(np.float32(abs(value)))


@pytest.mark.parametrize("n_times", [1, 255, 256, 1009, 100_003])
@pytest.mark.parametrize(
    "sfreq",
    [0.1, 0.5, 1, 10, 33.3, 100, 122.07, 128, 199.8046875, 250, 256, 499.7, 44100],
)
def test_a_record_makes_the_rate(sfreq: float, n_times: int) -> None:
    count, duration = record(n_times, sfreq)
    assert count / duration == pytest.approx(sfreq, rel=1e-6)
    assert len(str(duration)) <= 8
    assert -n_times % count < max(10 * sfreq, 1)


@pytest.mark.parametrize("sfreq", [1 / 3, 33.3, 199.8046875, 499.7, 512.03])
def test_odd_rates(tmp_path: Path, sfreq: float) -> None:
    row = 700
    given = grid(made(sfreq=sfreq, events=[marker(5000 + row, "here")]))
    write_edf(given, tmp_path / "a", "edf")
    found = edfio.read_edf(tmp_path / "a")
    (signal, *_) = found.signals
    assert signal.sampling_frequency == pytest.approx(sfreq, rel=1e-6)
    (here,) = [each.onset for each in found.annotations if each.text == "here"]
    assert round(here * signal.sampling_frequency) == row
    held = expected(given)[:, 0]
    assert np.abs(signal.data[: len(held)] - held).max() < 0.01


def test_names_that_edf_has_no_room_for(tmp_path: Path) -> None:
    names = ("a very long name of a channel", "a very long name of another", "\u00c9\t")
    info = StreamInfo("s", 100.0, names, ("emg",) * 3, ("uV",) * 3)
    data = np.random.default_rng(5).normal(size=(100, 3)).astype(np.float32)
    given = grid(Recording(info, np.arange(100), np.arange(100) / 100, data))
    told = write_edf(given, tmp_path / "a", "edf")
    found = edfio.read_edf(tmp_path / "a").labels
    assert len(set(found)) == 3
    assert all(each.startswith("EMG ") for each in found)
    assert any("are cut: EMG a very long name of a channel" in each for each in told)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=300, unique=True))
def test_labels_differ_and_fit(names: list[str]) -> None:
    found = labels(names)
    assert len(set(found)) == len(names)
    assert all(0 < len(each) <= LABEL and each.isascii() for each in found)


@given(st.text())
def test_a_file_name_stays_in_its_folder(text: str) -> None:
    name = file_name(text)
    assert name not in ("", ".", "..")
    assert Path(name).name == name


def test_fif_keeps_every_bit(tmp_path: Path) -> None:
    given = grid(made(events=EVENTS, units=("uV", "uV", "none")))
    file = tmp_path / "a_raw.fif"
    write_fif(given, file)
    raw = mne.io.read_raw_fif(file)
    values = (raw.get_data().T * [1e6, 1e6, 1]).astype(np.float32)
    np.testing.assert_array_equal(values, expected(given).astype(np.float32))
    assert raw.get_channel_types() == ["eeg", "emg", "misc"]
    assert raw.info["sfreq"] == 256.0
    assert raw.info["line_freq"] == 60.0
    assert raw.info["meas_date"] == STARTED
    # FIF holds Latin-1: MNE writes other letters as XML does.
    assert same({(row, each, unescape(text)) for row, each, text in noted(raw)})
    (found,) = read(file)
    assert found.info.units == given.info.units
    np.testing.assert_array_equal(found.data, expected(given).astype(np.float32))


def test_fif_of_any_float32(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    bits = rng.integers(0, 2**32, 4000, dtype=np.uint32).view(np.float32)
    values = bits[np.isfinite(bits) & (abs(bits) < 1e30) & (abs(bits) > 1e-25)][:1000]
    given = grid(made(units=["uV"], types=["eeg"], values=values[:, None], nan=False))
    write_fif(given, tmp_path / "a_raw.fif")
    raw = mne.io.read_raw_fif(tmp_path / "a_raw.fif")
    found = (raw.get_data()[0] * 1e6).astype(np.float32)
    np.testing.assert_array_equal(found, expected(given)[:, 0].astype(np.float32))


def test_csv_reads_back_equal(tmp_path: Path) -> None:
    recording = made(events=EVENTS)
    recording.data[0] = 0.1, -1e-30, 3e38
    recording.data[1, 1] = np.inf
    given = grid(recording)
    write_csv(given, tmp_path / "a.csv", tmp_path / "e.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["index", "time", "C1 [uV]", "C2 [uV]", "C3 [none]"]
    assert [int(row[0]) for row in rows] == list(range(5000, 6001))
    np.testing.assert_array_equal([float(row[1]) for row in rows], given.times)
    values = np.array([[float(each) for each in row[2:]] for row in rows], np.float32)
    np.testing.assert_array_equal(values, given.data)
    assert np.isnan(values[LOST]).all()
    with (tmp_path / "e.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["onset", "duration", "index", "text"]
    found = {(round(float(r[0]) * 256), round(float(r[1]), 9), r[3]) for r in rows}
    assert same(found - {(1, round(1 / 256, 9), "BAD_not_finite")})
    assert all(int(r[2]) - 5000 == round(float(r[0]) * 256) for r in rows)


Writer = Callable[[Grid, Path], list[str]]


@pytest.mark.parametrize(
    "write",
    [
        lambda given, file: write_edf(given, file.with_suffix(".edf"), "edf"),
        lambda given, file: write_edf(given, file.with_suffix(".bdf"), "bdf"),
        lambda given, file: write_fif(given, file.with_name("a_raw.fif")),
        lambda given, file: write_csv(given, file, file.with_suffix(".e")),
    ],
    ids=["edf", "bdf", "fif", "csv"],
)
def test_a_recording_of_one_sample(tmp_path: Path, write: Writer) -> None:
    write(grid(made(n_times=1, nan=False)), tmp_path / "a")
    assert any(tmp_path.iterdir())


@pytest.mark.parametrize("end", [".edf", ".bdf", "_raw.fif"])
def test_the_wall_time_goes_from_file_to_file(tmp_path: Path, end: str) -> None:
    file = tmp_path / f"a{end}"
    given = grid(made(nan=False))
    if end == "_raw.fif":
        write_fif(given, file)
        meant = STARTED.timestamp()
    else:
        write_edf(given, file, end[1:])
        meant = STARTED.replace(microsecond=0).timestamp()
    (found,) = read(file)
    assert found.started == pytest.approx(meant, abs=1e-5)
    again = grid(found)
    assert again.started == found.started
    write_fif(again, tmp_path / "b_raw.fif")
    raw = mne.io.read_raw_fif(tmp_path / "b_raw.fif")
    assert raw.info["meas_date"].timestamp() == pytest.approx(meant, abs=1e-5)


@pytest.mark.parametrize("year", [1985, 1999, 2000, 2026, 2084])
def test_years_of_two_digits(tmp_path: Path, year: int) -> None:
    when = datetime(year, 2, 28, 3, 4, 5, tzinfo=UTC)
    signal = edfio.EdfSignal(np.arange(100.0), 100, label="x", physical_dimension="uV")
    made = edfio.Edf(
        [signal],
        starttime=when.time(),
        recording=edfio.Recording(startdate=when.date()),
    )
    made.write(tmp_path / "a.edf")
    (found,) = read(tmp_path / "a.edf")
    assert found.started == when.timestamp()


def test_a_date_that_is_not_told(tmp_path: Path) -> None:
    recording = made(nan=False)
    given = grid(
        Recording(recording.info, recording.index, recording.times, recording.data)
    )
    write_edf(given, tmp_path / "a", "edf")
    (found,) = read(tmp_path / "a")
    assert found.started is None

"""Recordings of rtpipe's own, written here chunk by chunk."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf
from rtpipe.devices.replay import ReplayDevice

from rtpipe.errors import RecordingError
from rtpipe.recording import Recording, read
from rtpipe.recordings.facts import facts
from rtpipe.recordings.xdf import XDF
from rtpipe.sinks.jsonl import as_json, line
from rtpipe.types import Event, StreamInfo
from rtpipe.xdf.encode import (
    boundary,
    clock_offset,
    file_header,
    samples,
    stream_footer,
    stream_header,
    texts,
)
from rtpipe.xdf.header import Channel, Header
from rtpipe.xdf.repair import repair
from rtpipe.xdf.signal import about_signal

ARM = StreamInfo(
    "arm",
    200.0,
    ("A\x07", "B"),
    ("emg", "eog"),
    ("uV", "none"),
    rails=(-128.5, 1 / 3),
    mains=60.0,
)
SKEW = 5000.0  # of the device's clock behind the run's


class Written:
    """A file that is put together as a recorder would."""

    def __init__(self, info: StreamInfo = ARM, run: Any = None) -> None:
        self.info = info
        n = int(np.prod(info.sample_shape))
        channels = tuple(Channel(f"{k}", "microvolts", "EMG") for k in range(n))
        run = json.dumps({"name": "r", "models": {}} if run is None else run)
        signal = about_signal(info, "run")
        event = {"role": "events", "run": run}
        index = {"role": "index", "stream": info.name}
        self.chunks = [
            file_header({}),
            self._head(1, info.name, "float32", channels, signal, info.sfreq),
            self._head(2, "arm index", "int64", (Channel(),) * 3, index),
            self._head(3, "events", "string", (Channel(),), event),
        ]
        self.count = 0

    def _head(
        self,
        stream_id: int,
        name: str,
        form: str,
        channels: tuple[Channel, ...],
        about: dict[str, str],
        sfreq: float = 0.0,
    ) -> bytes:
        header = Header(name, "X", form, sfreq, channels, about=about)
        return stream_header(stream_id, header)

    def index(self, *entries: tuple[int, int, int]) -> "Written":
        values = np.array(entries, np.int64)
        self.chunks.append(samples(2, np.zeros(len(values)), values))
        return self

    def rows(self, n: int, begin: float) -> "Written":
        """Add rows that hold their number, from a time of the run on."""
        width = int(np.prod(self.info.sample_shape))
        values = np.arange(self.count, self.count + n, dtype=np.float32)
        stamps = begin - SKEW + np.arange(n) / self.info.sfreq
        self.chunks.append(samples(1, stamps, values[:, None].repeat(width, 1)))
        self.chunks.append(clock_offset(1, float(stamps[-1]), SKEW))
        self.count += n
        return self

    def events(self, *events: Event) -> "Written":
        stamps = np.array([each.time for each in events])
        said = [[line(as_json(each))] for each in events]
        self.chunks.append(texts(3, stamps, said))
        return self

    def footers(self) -> "Written":
        self.chunks += [stream_footer(k, 0, 0, self.count, []) for k in (1,)]
        return self

    def at(self, path: Path) -> Path:
        path.write_bytes(b"".join(self.chunks))
        return path


def one(path: Path) -> Recording:
    (recording,) = read(path)
    return recording


# Whole recordings ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "info",
    [
        ARM,
        replace(ARM, counted=False, rails=None),
        StreamInfo("cam", 30.0, ("c",), ("misc",), ("none",), (3, 2, 4)),
    ],
    ids=["counted", "not counted", "frames"],
)
def test_a_stream_is_what_it_was(info: StreamInfo, tmp_path: Path) -> None:
    made = Written(info).index((0, 700, 0)).rows(50, 9000.0)
    found = one(made.footers().at(tmp_path / "x.xdf"))
    assert found.info == info
    assert found.data.shape == (50, *info.sample_shape)
    np.testing.assert_array_equal(found.data.reshape(50, -1)[:, 0], range(50))
    np.testing.assert_array_equal(found.index, 700 + np.arange(50))
    assert found.device_times is not None
    np.testing.assert_array_equal(
        found.device_times, 9000.0 - SKEW + np.arange(50) / info.sfreq
    )
    np.testing.assert_allclose(found.times, np.arange(50) / info.sfreq, atol=1e-6)
    assert found.estimated == ()


def test_the_index_is_the_runs_and_never_estimated_again(tmp_path: Path) -> None:
    """Times that jump lose nothing, and losses need no jump of the times."""
    made = Written().index((0, 100, 0)).rows(40, 1.0).rows(40, 3.0)
    made.index((80, 190, 0), (90, 1000, 1)).rows(40, 3.2)
    made.index((120, 1020, 0)).rows(10, 3.4)  # samples that came late
    found = one(made.at(tmp_path / "x.xdf"))
    expected = [*range(100, 180), *range(190, 200), *range(1000, 1030)]
    assert found.index.tolist() == [*expected, *range(1020, 1030)]
    assert found.estimated == (90,)
    device = ReplayDevice(tmp_path / "x.xdf", speed="max", chunk=64)
    device.open()
    chunks = []
    while (handed := device.read(0)) is not None:
        chunks += handed
    assert [each.index for each in chunks if each.estimated] == [1000]
    rows = np.concatenate([each.data[:, 0] for each in chunks])
    np.testing.assert_array_equal(rows, range(130))


def test_events_of_the_device_come_back_and_those_of_the_run_do_not(
    tmp_path: Path,
) -> None:
    told = [
        Event("arm", 1.1, "truth", 120, {"task": "gesture", "label": "fist"}),
        Event("arm", 1.05, "marker", 110, {"text": "cue on: fist"}),
        Event("arm", 1.15, "lost", None, {"error": "gone"}),
        Event("arm", 1.2, "recovered", 135, {"lost": 3}),
    ]
    made = [
        Event("arm", 1.1, kind, 111, {"lost": 3, "samples": 1, "channels": {}})
        for kind in ("gap", "late", "quality", "skipped", "none", "ledger", "overrun")
    ]
    other = [Event("", 1.0, "sink"), Event("leg", 1.0, "marker", 5, {"text": "x"})]
    path = (
        Written()
        .index((0, 100, 0))
        .rows(40, 1.0)
        .events(*other, *made, *told)
        .at(tmp_path / "x.xdf")
    )
    found = one(path)
    expected = [told[k] for k in (1, 0, 2, 3)]
    assert [replace(each, time=0) for each in found.events] == [
        replace(each, time=0) for each in expected
    ]
    assert [each.time for each in found.events] == pytest.approx(
        [each.time - 1.0 for each in expected], abs=1e-6
    )


@pytest.mark.parametrize("bad", [(0,), (5, 6), (0, 1, 29), (29,)], ids=str)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_stamps_that_are_no_times_cost_nothing(
    bad: tuple[int, ...], value: float, tmp_path: Path
) -> None:
    """A run takes them in its stride, so must the replay of its recording."""
    made = Written().index((0, 100, 0))
    stamps = 9.0 - SKEW + np.arange(30) / 200
    stamps[list(bad)] = value
    values = np.arange(60, dtype=np.float32).reshape(30, 2)
    made.chunks += [
        samples(1, stamps, values),
        clock_offset(1, 9.0 - SKEW, SKEW),
        clock_offset(1, float(stamps[-1]), SKEW),
    ]
    found = one(made.at(tmp_path / "x.xdf"))
    np.testing.assert_array_equal(found.data, values)
    np.testing.assert_array_equal(found.index, 100 + np.arange(30))
    np.testing.assert_allclose(np.diff(found.times), 1 / 200, atol=1e-6)
    np.testing.assert_array_equal(found.device_times, stamps)


@pytest.mark.parametrize(
    ("run", "origin"),
    [
        ({"origins": {"arm": 12}}, 12),
        ({"origins": {"leg": 12}}, None),
        ({"origins": {}}, None),
        ({"origins": 3}, None),
        ([], None),
    ],
)
def test_a_recording_begun_later_says_where_its_run_began(
    run: Any, origin: int | None, tmp_path: Path
) -> None:
    made = Written(run=run).index((0, 5000, 0)).rows(10, 1.0)
    assert one(made.at(tmp_path / "x.xdf")).info.origin == origin


# Cut off and damaged ------------------------------------------------------------------


def test_cut_at_any_byte_it_is_a_part_or_a_sentence(tmp_path: Path) -> None:
    made = Written().index((0, 100, 0)).rows(6, 1.0)
    made.events(Event("arm", 1.0, "marker", 102, {"text": "a"}))
    made.index((6, 300, 0)).rows(6, 2.0)
    whole = made.footers().at(tmp_path / "x.xdf").read_bytes()
    full = [*range(100, 106), *range(300, 306)]
    path = tmp_path / "y.xdf"
    lengths = set()
    for cut in range(10, len(whole)):
        path.write_bytes(whole[:cut])
        try:
            found = one(path)
        except RecordingError:
            lengths.add(0)
            continue
        assert found.index.tolist() == full[: len(found.index)]
        lengths.add(len(found.index))
    assert lengths == {0, 6, 12}


def damaged(footer: bool, *breaks: int) -> Written:
    """Ten chunks of ten rows, with a jump of the index; those of `breaks` are gone."""
    made = Written().index((0, 0, 0), (60, 100, 0))
    for k in range(10):
        begin = 1 + k / 20 + (40 / 200 if k >= 6 else 0)
        if k in breaks:
            made.chunks.append(b"\0")
            made.count += 10
        else:
            made.chunks.append(boundary())
            made.rows(10, begin)
    return made.footers() if footer else made


@pytest.mark.parametrize("footer", [True, False])
@pytest.mark.parametrize("breaks", [(3,), (5,), (6,), (4, 5), (5, 6), (2, 7)])
def test_the_index_behind_damage(
    footer: bool, breaks: Sequence[int], tmp_path: Path
) -> None:
    """By the footer's count, or where there is none, or two breaks, by the times."""
    found = one(damaged(footer, *breaks).at(tmp_path / "x.xdf"))
    rows = np.delete(np.arange(100).reshape(10, 10), list(breaks), 0).ravel()
    np.testing.assert_array_equal(found.data[:, 0], rows)
    np.testing.assert_array_equal(found.index, np.where(rows < 60, rows, rows + 40))
    together = footer and np.ptp(breaks) <= 1
    after = np.flatnonzero(np.diff(rows) > 1) + 1
    assert found.estimated == (() if together else tuple(after))


@pytest.mark.parametrize(
    ("footer", "again"), [(True, True), (True, False), (False, False)]
)
@pytest.mark.parametrize("n", [0, 10])
def test_an_entry_of_the_index_that_damage_took_is_told_by_the_times(
    footer: bool, again: bool, n: int, tmp_path: Path
) -> None:
    """Ninety samples were lost, and what said so; and perhaps some rows with it."""
    made = Written().index((0, 0, 0)).rows(10, 1.0)
    made.count += n
    made.chunks += [b"\0", boundary()]
    made.rows(20, 1.5 + n / 200)
    if again:
        made.index((30 + n, 150, 0))
    made.rows(10, 1.75)
    if footer:
        made.footers()
        made.chunks.append(stream_footer(2, 0, 0, 2 + again, []))
    path, copy = tmp_path / "x.xdf", tmp_path / "y.xdf"
    found = one(made.at(path))
    begin = 100 + n
    last = [*range(150, 160)] if again else [*range(begin + 20, begin + 30)]
    assert found.index.tolist() == [*range(10), *range(begin, begin + 20), *last]
    assert found.estimated == (10,)
    repair(path, copy)
    np.testing.assert_array_equal(one(copy).index, found.index)


@pytest.mark.parametrize("footer", [True, False])
@pytest.mark.parametrize("breaks", [(3,), (5,), (6,), (4, 5), (5, 6), (2, 7)])
def test_a_repaired_copy_plays_as_what_is_left_of_the_original(
    footer: bool, breaks: Sequence[int], tmp_path: Path
) -> None:
    path, copy = tmp_path / "x.xdf", tmp_path / "y.xdf"
    found = one(damaged(footer, *breaks).at(path))
    repair(path, copy)
    again = one(copy)
    np.testing.assert_array_equal(again.data, found.data)
    np.testing.assert_array_equal(again.index, found.index)
    assert again.estimated == found.estimated
    streams, _ = pyxdf.load_xdf(copy)
    (signal,) = [each for each in streams if each["info"]["name"] == ["arm"]]
    (count,) = signal["footer"]["info"]["sample_count"]
    assert int(count) == len(signal["time_stamps"]) == len(found.data)
    told, was = facts(copy, XDF), facts(path, XDF)
    assert told.whole
    assert [each.unreadable for each in told.streams] == [
        each.unreadable for each in was.streams
    ]


@pytest.mark.parametrize(
    "entries",
    [
        [(0, 1 << 60, 0)],
        [(0, 1 << 53, 0)],
        [(0, -(1 << 53), 0)],
        [(0, -(1 << 63), 0)],
        [(5, 0, 0), (5, 10, 0)],
        [(5, 0, 0), (1, 10, 0)],
        [(0, 0, 0), (3, 1 << 40, 0)],
    ],
)
def test_an_index_that_cannot_be(
    entries: list[tuple[int, int, int]], tmp_path: Path
) -> None:
    path = Written().index(*entries).rows(10, 1.0).at(tmp_path / "x.xdf")
    with pytest.raises(RecordingError, match="the index of arm is damaged"):
        read(path)


@pytest.mark.parametrize("first", [1 - (1 << 53), (1 << 53) - 1])
def test_an_index_that_can_just_be(first: int, tmp_path: Path) -> None:
    path = Written().index((0, first, 0)).rows(10, 1.0).at(tmp_path / "x.xdf")
    assert one(path).index.tolist() == [*range(first, first + 10)]


def test_without_its_index_it_is_estimated_from_the_times(tmp_path: Path) -> None:
    found = one(Written().rows(10, 1.0).rows(10, 3.0).at(tmp_path / "x.xdf"))
    assert found.index.tolist() == [*range(10), *range(400, 410)]


@pytest.mark.parametrize(
    "said",
    [
        *("{", "[]", "7", "[" * 100_000),
        *('{"kind": "marker"}', '{"stream": "arm", "kind": "marker"}'),
        '{"stream": "arm", "kind": "truth", "task": "x"}',
        '{"stream": "arm", "kind": "blink", "index": "3"}',
    ],
)
def test_an_event_that_cannot_be_read_is_left_out(
    said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = Written().index((0, 0, 0)).rows(10, 1.0)
    made.chunks.append(texts(3, np.array([1.0]), [[said]]))
    made.events(Event("arm", 1.0, "marker", 2, {"text": "a"}))
    found = one(made.at(tmp_path / "x.xdf"))
    assert [each.data for each in found.events] == [{"text": "a"}]
    assert "1 events that cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("key", "said"), [("units", "["), ("sample_shape", "[5]"), ("sfreq", "0")]
)
def test_a_signal_that_does_not_say_what_it_is(
    key: str, said: str, tmp_path: Path
) -> None:
    made = Written().index((0, 0, 0)).rows(10, 1.0)
    about = {**about_signal(ARM, "run"), key: said}
    channels = (Channel(), Channel())
    made.chunks[1] = made._head(1, "arm", "float32", channels, about, 200.0)
    with pytest.raises(RecordingError, match=r"played: arm (does not|has sampl)"):
        read(made.at(tmp_path / "x.xdf"))


def test_samples_that_came_late_are_not_told_as_lost(tmp_path: Path) -> None:
    made = Written().index((0, 100, 0)).rows(40, 1.0)
    made.index((40, 110, 0)).rows(10, 1.2)  # a second time
    made.index((50, 140, 0)).rows(20, 1.2)
    made.index((70, 165, 0)).rows(20, 1.325)
    (told,) = facts(made.at(tmp_path / "x.xdf"), XDF).streams
    assert (told.lost, told.gaps, told.late) == (5, 1, 10)


def test_what_is_told_of_a_recording_of_ours(tmp_path: Path) -> None:
    made = Written(run={"versions": {"rtpipe": "9"}, "whole": True})
    made.index((0, 0, 0), (50, 60, 0)).rows(50, 1.0).rows(50, 1.3)
    made.events(Event("arm", 1.0, "lost"), Event("arm", 1.1, "gap", 50, {"lost": 10}))
    told = facts(made.footers().at(tmp_path / "x.xdf"), XDF)
    (stream,) = told.streams
    assert (stream.name, stream.samples, stream.lost, stream.gaps) == (
        "arm",
        100,
        10,
        1,
    )
    assert (stream.counted, stream.plays) == (True, True)
    assert stream.effective == pytest.approx(200, rel=1e-3)
    assert told.events == {"lost": 1, "gap": 1}
    assert told.run["versions"] == {"rtpipe": "9"}

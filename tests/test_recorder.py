"""What a recording holds, read by pyxdf, against what the run was given."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import pyxdf

from rtpipe.counters import StreamCounters, WindowCounters
from rtpipe.latency import Histogram
from rtpipe.recording import read as read_recordings
from rtpipe.ring import Ring
from rtpipe.sink import ModelStatus, Run, SamplesLost, StreamStatus, Taken
from rtpipe.sinks.jsonl import as_json, summary_json
from rtpipe.sinks.recorder import Recorder
from rtpipe.types import Chunk, Event, Float64, Prediction, StreamInfo
from rtpipe.xdf.read import read as read_file

SFREQ = 100.0
Stream = dict[str, Any]
ARM = StreamInfo(
    "arm", SFREQ, ("A", "<B>"), ("emg", "emg"), ("uV", "none"), rails=(-1.0, 1.0)
)


def run_of(*infos: StreamInfo, clock: Literal["run", "recording"] = "recording") -> Run:
    streams = {
        info.name: StreamStatus(
            info, Ring((2,), 10), StreamCounters(), ("?",) * 2, clock=clock
        )
        for info in infos
    }
    model = ModelStatus(
        *("hand", "gesture", ("rest", "fist"), (), {"arm": WindowCounters()}),
        Histogram(),
        n_times=40,
        step=10,
        path="hand.pt",
        weights="abc",
        decision={"windows": 5},
    )
    return Run("bench", 5.0, streams, {"hand": model}, lambda: None, print)


def record(
    path: Path,
    run: Run,
    items: Sequence[Taken],
    told: list[Event] | None = None,
    origins: dict[str, int] | None = None,
) -> dict[str, Stream]:
    """Record items, each handed over alone; return pyxdf's streams by their names."""
    events: list[Event] = [] if told is None else told
    recorder = Recorder(path, events.extend, origins)
    recorder.open(run)
    for item in items:
        recorder.take([item])
    recorder.close()
    return read(path)


def read(path: Path, synchronised: bool = False) -> dict[str, Stream]:
    streams, _ = pyxdf.load_xdf(
        path, synchronize_clocks=synchronised, dejitter_timestamps=False
    )
    return {each["info"]["name"][0]: each for each in streams}


def chunk(index: int, n: int, *, stream: str = "arm", offset: float = 7.0) -> Chunk:
    """Return samples that hold all kinds of float32, at odd device times."""
    rng = np.random.default_rng([index, n])
    data = rng.normal(0, 1e3, (n, 2)).astype(np.float32)
    data.flat[:: 7 + index % 3] = (np.nan, np.inf, -0.0)[index % 3]
    times = (index + np.arange(n)) / SFREQ
    device_times = times - offset + rng.normal(0, 1e-3, n)
    return Chunk(stream, index, times, data, device_times=device_times)


def bits(values: Any, kind: type) -> Any:
    return np.ascontiguousarray(values).view(kind)


def indices(streams: dict[str, Stream], name: str) -> list[int]:
    """Return the index of each row of a signal, from the stream that says it."""
    entries = np.asarray(streams[f"{name} index"]["time_series"]).tolist()
    n = len(streams[name]["time_stamps"])
    found: list[int] = []
    for k, (row, index, _) in enumerate(entries):
        end = entries[k + 1][0] if k + 1 < len(entries) else n
        found += range(index, index + end - row)
    return found


def test_samples_device_times_and_indices_are_what_came(tmp_path: Path) -> None:
    # A gap, samples that come twice, a chunk of one, and a jump backwards.
    starts = [(0, 10), (10, 1), (11, 500), (600, 3), (598, 5), (603, 40), (20, 4)]
    chunks = [chunk(start, n) for start, n in starts]
    found = record(tmp_path / "a.xdf", run_of(ARM), chunks)
    data = np.concatenate([each.data for each in chunks])
    stamps: list[Float64] = [
        each.device_times for each in chunks if each.device_times is not None
    ]
    assert np.array_equal(
        bits(found["arm"]["time_series"], np.int32), bits(data, np.int32)
    )
    assert np.array_equal(
        bits(found["arm"]["time_stamps"], np.int64),
        bits(np.concatenate(stamps), np.int64),
    )
    expected = [k for start, n in starts for k in range(start, start + n)]
    assert indices(found, "arm") == expected
    entries = np.asarray(found["arm index"]["time_series"])
    assert entries[:, 0].tolist() == [0, 511, 514, 559]  # none where it goes on
    assert entries[:, 2].tolist() == [0, 0, 0, 0]  # for the device counts


def test_cut_anywhere_what_is_left_has_its_index(tmp_path: Path) -> None:
    chunks = [chunk(start, 5) for start in (40, 45, 90, 300, 295, 305)]
    recorder = Recorder(path := tmp_path / "a.xdf", lambda _: None)
    recorder.open(run_of(ARM))
    head = recorder.status.bytes
    recorder.take(chunks[:3])
    recorder.take(chunks[3:])
    recorder.close()
    whole, expected = path.read_bytes(), np.concatenate([_index(c) for c in chunks])
    cut, found = tmp_path / "b.xdf", set()
    for stop in range(head, len(whole), 16):
        cut.write_bytes(whole[:stop])
        signal = [each for each in read_file(cut).streams if each.header.name == "arm"]
        if signal and (n := len(signal[0].stamps)):
            (recording,) = read_recordings(cut)
            assert recording.index.tolist() == expected[:n].tolist()
            found.add(n)
    assert found


def _index(of: Chunk) -> Any:
    return np.arange(of.index, of.stop)


def test_footers_and_counts_are_of_what_is_in_the_file(tmp_path: Path) -> None:
    recorder = Recorder(path := tmp_path / "a.xdf", lambda _: None)
    recorder.open(run_of(ARM))
    recorder.take([chunk(0, 10), chunk(10, 10)])
    path.rename(moved := tmp_path / "b.xdf")
    with pytest.raises(SamplesLost, match="removed or moved") as lost:
        recorder.close()
    file = read_file(moved)
    assert file.whole
    for each in file.streams:
        assert each.footer is not None
        assert each.footer.count == len(each.stamps)
        if each.header.name == "arm":
            assert lost.value.samples == {"arm": 20 - len(each.stamps)}


def test_a_jump_is_marked_where_it_is_an_estimate(tmp_path: Path) -> None:
    uncounted = StreamInfo(
        "arm", SFREQ, ("A", "B"), ("emg",) * 2, ("uV",) * 2, counted=False
    )
    found = record(
        tmp_path / "a.xdf", run_of(uncounted), [chunk(5, 3), chunk(9, 2), chunk(11, 2)]
    )
    assert found["arm index"]["time_series"].tolist() == [[0, 5, 0], [3, 9, 1]]
    again = Chunk("arm", 40, np.zeros(1), np.zeros((1, 2), np.float32), estimated=True)
    found = record(tmp_path / "b.xdf", run_of(ARM), [chunk(0, 3), again])
    assert found["arm index"]["time_series"].tolist() == [[0, 0, 0], [3, 40, 1]]


def test_without_device_times_the_times_stand_in(tmp_path: Path) -> None:
    times = np.array([0.1, 0.3, 0.30001])
    bare = Chunk("arm", 0, times, np.zeros((3, 2), np.float32))
    found = record(tmp_path / "a.xdf", run_of(ARM), [bare])
    assert found["arm"]["time_stamps"].tolist() == times.tolist()


def test_a_sample_that_is_a_picture(tmp_path: Path) -> None:
    camera = StreamInfo("cam", 30.0, ("c",), ("misc",), ("none",), sample_shape=(3, 2))
    data = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    frames = Chunk("cam", 0, np.arange(4) / 30, data)
    run = run_of(camera)
    run.models.clear()
    found = record(tmp_path / "a.xdf", run, [frames])
    assert found["cam"]["time_series"].tolist() == data.reshape(4, 6).tolist()


def test_the_header_of_a_signal_speaks_lsl(tmp_path: Path) -> None:
    info = record(tmp_path / "a.xdf", run_of(ARM), [chunk(0, 3)])["arm"]["info"]
    told = {k: v[0] for k, v in info.items() if v and isinstance(v, list)}
    expected = {
        "name": "arm",
        "type": "EMG",
        "channel_count": "2",
        "nominal_srate": "100.0",
        "channel_format": "float32",
    }
    assert told.items() >= expected.items()
    for key in ("source_id", "created_at", "uid", "session_id", "hostname", "version"):
        assert told[key]
    channels = info["desc"][0]["channels"][0]["channel"]
    assert [
        tuple(each[key][0] for key in ("label", "unit", "type")) for each in channels
    ] == [("A", "microvolts", "emg"), ("<B>", "none", "emg")]
    about = info["desc"][0]["rtpipe"][0]
    assert (about["role"][0], about["stream"][0]) == ("signal", "arm")


def test_clock_offsets_and_footers_are_labrecorders(tmp_path: Path) -> None:
    chunks = [chunk(k * 50, 50) for k in range(50)]  # 25 s
    path = tmp_path / "a.xdf"
    found = record(path, run_of(ARM), chunks)
    arm = found["arm"]
    times, offsets = arm["clock_times"], arm["clock_values"]
    assert len(times) == 5
    newest = {
        float(each.device_times[-1]) for each in chunks if each.device_times is not None
    }
    assert set(times) <= newest  # on the sender's clock
    assert np.allclose(offsets, 7.0, atol=0.01)  # ours less theirs
    for name, stream in found.items():
        footer = stream["footer"]["info"]
        stamps = stream["time_stamps"]
        assert int(footer["sample_count"][0]) == len(stamps), name
        if len(stamps):
            assert float(footer["first_timestamp"][0]) == stamps[0], name
            assert float(footer["last_timestamp"][0]) == stamps[-1], name
        told = [
            (float(each["time"][0]), float(each["value"][0]))
            for each in footer["clock_offsets"][0]["offset"]
        ]
        pairs = zip(stream["clock_times"], stream["clock_values"], strict=True)
        assert told == list(pairs), name
        if name != "arm":
            assert stream["clock_values"] == [0.0] * 5, name
    synchronised = read(path, synchronised=True)["arm"]["time_stamps"]
    ours = np.concatenate([each.times for each in chunks])
    assert np.abs(synchronised - ours).max() < 0.02  # the jitter of the device times


def answer(index: int, label: str | None, **more: Any) -> Prediction:
    probabilities = {"rest": index / 256, "fist": 1 - index / 256}
    return Prediction(
        *("arm", "hand", index, index / SFREQ, label, probabilities, 0.01, 0.125),
        **more,
    )


def test_answers_decisions_and_skipped_windows(tmp_path: Path) -> None:
    skipped = Event(
        "arm", 1.5, "skipped", None, {"model": "hand", "indices": [149, 159]}
    )
    found = record(
        tmp_path / "a.xdf",
        run_of(ARM),
        [
            answer(49, "rest", batch=4),
            skipped,
            answer(169, None, reason="low confidence"),
        ],
    )
    answers = found["hand arm probabilities"]
    numbers = np.asarray(answers["time_series"])
    assert numbers[:, :5].tolist() == [
        [49 / 256, 207 / 256, 49, 0.125, 0.01],
        [169 / 256, 87 / 256, 169, 0.125, 0.01],
    ]
    channels = answers["info"]["desc"][0]["channels"][0]["channel"]
    labels = [each["label"][0] for each in channels]
    kinds = [each["type"][0] for each in channels]
    assert labels[:5] == ["rest", "fist", "index", "missing", "latency"]
    assert numbers[:, labels.index("batch")].tolist() == [4, 1]
    assert kinds == ["probability"] * 2 + ["misc"] * (len(labels) - 2)
    assert answers["time_stamps"].tolist() == [0.49, 1.69]
    decisions = found["hand arm decisions"]
    assert decisions["time_series"] == [
        ["rest", "", "49"],
        ["none", "low confidence", "169"],
    ]
    assert decisions["time_stamps"].tolist() == [0.49, 1.69]
    assert found["hand arm skipped"]["time_series"].tolist() == [[149], [159]]
    assert found["hand arm skipped"]["time_stamps"].tolist() == [1.5, 1.5]


def test_events_are_told_as_json_lines_are(tmp_path: Path) -> None:
    run = run_of(ARM)
    items = [
        Event("arm", 0.5, "gap", 50, {"lost": 3, "filled": True, "estimated": False}),
        Event("", 1.0, "other", None, {"text": "ä\x1b\N{FIRE}", "value": float("nan")}),
    ]
    told: list[Event] = []
    lines = record(tmp_path / "a.xdf", run, items, told)["events"]["time_series"]
    found = [json.loads(line) for (line,) in lines]
    assert found[:2] == [as_json(each) for each in items]
    (ledger,) = [each for each in found if each["kind"] == "ledger"]
    summary = summary_json(run)
    assert {key: ledger[key] for key in summary if key != "type"} == {
        key: value for key, value in summary.items() if key != "type"
    }
    assert [each.data["state"] for each in told] == ["started", "finished"]


def test_a_marker_is_once_though_every_stream_tells_it(tmp_path: Path) -> None:
    leg = StreamInfo("leg", SFREQ, ("A", "B"), ("emg",) * 2, ("uV",) * 2)
    run_said, again = {"text": "sat down"}, {"text": "sat down"}
    items = [
        # Of the run: one content, at the newest sample of each stream.
        Event("arm", 1.0, "marker", 100, run_said),
        Event("leg", 0.2, "marker", 20, run_said),
        # The same text once more: another marker.
        Event("leg", 1.5, "marker", 150, again),
        Event("arm", 1.1, "marker", 110, again),
        # Of a sender to whom both devices listen, one of them later.
        Event("arm", 2.0, "marker", 200, {"text": "beep"}),
        Event("arm", 2.02, "marker", 202, {"text": "beep"}),
        Event("leg", 2.0001, "marker", 200, {"text": "beep"}),
        Event("leg", 2.0201, "marker", 202, {"text": "beep"}),
        # One text at another time is another marker.
        Event("leg", 9.0, "marker", 900, {"text": "beep"}),
    ]
    found = record(tmp_path / "a.xdf", run_of(ARM, leg), items)["markers"]
    texts = [text for (text,) in found["time_series"]]
    assert texts == ["sat down", "sat down", "beep", "beep", "beep"]
    assert found["time_stamps"].tolist() == [1.0, 1.5, 2.0, 2.02, 9.0]


def test_the_truth_is_there_where_the_device_tells_one(tmp_path: Path) -> None:
    told = [("rest", 0.0), ("rest", 0.5), ("fist", 1.0), (None, 2.0)]
    truth = [
        Event("arm", time, "truth", int(time * SFREQ), {"task": "hand", "label": label})
        for label, time in told
    ]
    found = record(tmp_path / "a.xdf", run_of(ARM), [chunk(0, 300), *truth])
    stream = found["arm truth"]
    texts = [text for (text,) in stream["time_series"]]
    assert texts == ["hand: rest", "hand: fist", "hand: unknown"]
    assert stream["time_stamps"].tolist() == [0.0, 1.0, 2.0]
    assert stream["clock_values"]
    assert "arm truth" not in record(tmp_path / "b.xdf", run_of(ARM), [])


@pytest.mark.parametrize("origins", [{}, {"arm": 17}])
def test_the_file_says_of_which_run_it_is(
    tmp_path: Path, origins: dict[str, int]
) -> None:
    found = record(tmp_path / "a.xdf", run_of(ARM), [], origins=origins)
    about = found["events"]["info"]["desc"][0]["rtpipe"][0]
    told = json.loads(about["run"][0])
    assert (told["name"], told["started"]) == ("bench", 5.0)
    assert (told["whole"], told["origins"]) == (not origins, origins)
    expected = {
        "path": "hand.pt",
        "weights": "abc",
        "task": "gesture",
        "labels": ["rest", "fist"],
        "n_times": 40,
        "hop": 10,
        "decision": {"windows": 5},
        "streams": ["arm"],
    }
    assert told["models"]["hand"].items() >= expected.items()


def test_a_disk_with_less_than_an_hour_left_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time, room = 100.0, 10**12
    monkeypatch.setattr("rtpipe.sinks.recorder.now", lambda: time)
    place = "rtpipe.sinks.recorderfile.RecorderFile.room"
    monkeypatch.setattr(place, lambda _: room)
    told: list[Event] = []
    recorder = Recorder(tmp_path / "a.xdf", told.extend)
    recorder.open(run_of(ARM))
    for _ in range(10):  # a hundred seconds of signal in ten, as in a fast replay
        time += 1
        recorder.take([chunk(0, 1000)])
    time += 1
    recorder.take([])
    plenty = recorder.status.left
    assert plenty is not None
    assert plenty > 3600
    room = 1_000_000
    for _ in range(3):
        time += 1
        recorder.take([])
    size = (tmp_path / "a.xdf").stat().st_size
    recorder.close()
    (warned,) = [each for each in told if each.kind == "disk"]
    assert warned.data["left"] == pytest.approx(1_000_000 * 12 / size, rel=0.01)


def test_a_stamp_that_is_no_number_spoils_no_clock_offset(tmp_path: Path) -> None:
    first = chunk(0, 1000)
    assert first.device_times is not None
    stamps = first.device_times.copy()
    stamps[-1] = np.nan
    items = [
        replace(first, device_times=stamps),
        replace(chunk(1000, 600), device_times=np.full(600, np.inf)),
        chunk(1600, 10),
    ]
    path = tmp_path / "a.xdf"
    record(path, run_of(ARM), items)
    found = read(path, synchronised=True)["arm"]["time_stamps"]
    want = np.concatenate([each.times for each in items])
    known = np.isfinite(np.concatenate([stamps, items[1].device_times, np.ones(10)]))
    assert np.abs(found - want)[known].max() < 0.01  # what the stamps jitter


def test_what_json_has_no_word_for_costs_no_recording(tmp_path: Path) -> None:
    odd = {"n": np.int64(3), "f": np.float32("nan"), "s": {1}, (1, 2): b"x"}
    items = [
        Event("arm", 0.0, "device", np.int64(7), odd),  # type: ignore[arg-type]
        Event("arm", 0.0, "truth", 0, {}),
        Event("arm", 0.1, "marker", 0, {"text": "after"}),
    ]
    found = record(tmp_path / "a.xdf", run_of(ARM), items)
    assert found["markers"]["time_series"] == [["after"]]
    told = [json.loads(text) for (text,) in found["events"]["time_series"]]
    (device,) = [each for each in told if each["kind"] == "device"]
    assert (device["index"], device["n"], device["f"]) == (7, 3, None)


def test_what_failed_says_why_and_is_not_ended_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Event] = []
    recorder = Recorder(tmp_path / "a.xdf", told.extend)
    recorder.open(run_of(ARM))

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("rtpipe.sinks.recorderstreams.RecorderStreams.add", fail)
    with pytest.raises(SamplesLost, match="AssertionError"):
        recorder.take([chunk(0, 5)])
    recorder.close()
    assert [each.data["state"] for each in told] == ["started", "stopped"]
    assert told[-1].data["error"] == recorder.status.error == "AssertionError"


def test_samples_are_lost_or_in_the_file_where_the_disk_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.sinks.recorder.SYNC", 0.0)
    monkeypatch.setattr("rtpipe.sinks.recorder.FLUSH", 0.0)
    recorder = Recorder(tmp_path / "a.xdf", lambda _: None)
    recorder.open(run_of(ARM))
    recorder.take([chunk(0, 100)])

    def sync(_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("rtpipe.sinks.recorderfile.RecorderFile.sync", sync)
    with pytest.raises(SamplesLost, match="Input/output error") as failed:
        recorder.take([chunk(100, 50)])
    assert not failed.value.samples.get("arm")  # beside those of this very call
    assert len(read(tmp_path / "a.xdf")["arm"]["time_stamps"]) == 100

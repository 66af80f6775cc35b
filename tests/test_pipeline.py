"""A stream's windows, counters and events against a plain account of the signal."""

import errno
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from rtpipe import ring
from rtpipe.card import Card, StageCard, Training
from rtpipe.checks import noise
from rtpipe.errors import BundleError, DeviceError
from rtpipe.pipeline import LONGEST, Due, Pipeline, pieces
from rtpipe.stages.quality import judge
from rtpipe.types import Chunk, Event, Float32, Float64, StreamInfo

FILTER = StageCard(kind="filter", settings={"low": 1.0, "high": 40.0})
SCALE = StageCard(kind="channel_scale", settings={"prior": [20.0] * 4, "worth": 50.0})


def card(info: StreamInfo, **changes: Any) -> Card:
    settings: dict[str, Any] = {
        "name": "mood",
        "task": "emotion",
        "labels": ("calm", "glad"),
        "sfreq": info.sfreq,
        "ch_names": info.ch_names,
        "units": info.units,
        "n_times": 100,
        "hop": 30,
        "training": Training(recipe="r", protocol="p", seed=0, simulated=True),
    }
    return Card(**settings | changes)


# A signal with everything in it -----------------------------------------------------


@dataclass
class Account:
    """What came of a stream, told sample by sample in plain loops.

    The samples after mending and filling are in `data`, those of a long gap are NaN.
    """

    info: StreamInfo
    index: NDArray[np.int64]  # of the samples that came
    raw: Float32
    labels: dict[int, str | None] = field(default_factory=dict)  # told at an index

    def __post_init__(self) -> None:
        n = int(self.index[-1]) + 1
        self.data = np.full((n, self.raw.shape[1]), np.nan)
        self.missing = np.zeros(n)
        self.segment = np.full(n, -1)
        self.counts = dict.fromkeys(("lost", "filled", "gaps", "missing"), 0)
        last = np.zeros(self.raw.shape[1], np.float32)
        before, begun = None, 0
        for at, row in zip(self.index.tolist(), self.raw, strict=True):
            now = np.where(np.isfinite(row), row, last)
            low, high = self.info.rails or (-np.inf, np.inf)
            bad = (~np.isfinite(row) | (row <= low) | (row >= high)).mean()
            if before is None:
                begun = at
            elif at > before + 1:
                begun = self._gap(before, at, last, now, begun)
            self.data[at], self.missing[at], self.segment[at] = now, bad, begun
            self.counts["missing"] += bad > 0
            before, last = at, now

    def _gap(self, before: int, at: int, last: Any, now: Any, begun: int) -> int:
        lost = at - before - 1
        self.counts["lost"] += lost
        if lost > 0.1 * self.info.sfreq:
            self.counts["gaps"] += 1
            return at
        self.counts["filled"] += lost
        for k in range(1, lost + 1):
            weight = k / (lost + 1)
            self.data[before + k] = (1 - weight) * last + weight * now
            self.missing[before + k], self.segment[before + k] = 1, begun
        return begun

    def windows(self, n_times: int, hop: int) -> list[tuple[int, int]]:
        first = int(self.index[0])
        every = range(first, len(self.data) - n_times + 1, hop)
        return [
            (start, start + n_times)
            for start in every
            if self.segment[start] >= 0
            and len({*self.segment[start : start + n_times]}) == 1
        ]

    def label(self, at: int) -> str | None:
        told = [start for start in self.labels if start <= at]
        return self.labels[max(told)] if told else None

    def truth(self, start: int, stop: int) -> str | None:
        labels = {self.label(at) for at in range(start, stop)}
        return labels.pop() if len(labels) == 1 else None

    def verdicts(self) -> list[tuple[int, tuple[str, ...]]]:
        """Return the words at each half second of which that half second is there.

        Until two seconds are, a living channel keeps its word, and one that was dead
        has none.
        """
        every, span = int(-(-self.info.sfreq // 2)), int(2 * self.info.sfreq)
        found: list[tuple[int, tuple[str, ...]]] = []
        words: tuple[str, ...] = ("?",) * 4
        for stop in range(every, len(self.data) + 1, every):
            segment = int(self.segment[stop - 1])
            start = max(segment, stop - span)
            if segment < 0 or start + every > stop:
                continue
            told = judge(self.data[start:stop].astype("f4"), self.info)
            if start + span > stop:
                kept = ["?" if old in ("flat", "railed") else old for old in words]
                dead = [new in ("flat", "railed") for new in told]
                told = tuple(np.where(dead, told, kept).tolist())
            words = told
            found.append((stop, words))
        return found

    def chunks(self, cuts: Sequence[int]) -> list[Chunk]:
        """Return the samples that came, cut at jumps and after these rows."""
        jumps = np.flatnonzero(np.diff(self.index) > 1) + 1
        found = []
        at = sorted({*jumps.tolist(), *cuts})
        for rows in np.split(np.arange(len(self.index)), at):
            if not len(rows):
                continue
            index = self.index[rows]
            events = tuple(
                Event("muse", at / 256, "truth", at, {"task": "emotion", "label": told})
                for at, told in self.labels.items()
                if index[0] <= at <= index[-1]
            )
            found.append(
                Chunk(
                    "muse",
                    int(index[0]),
                    index / 256,
                    self.raw[rows].copy(),
                    arrived=float(index[-1]),
                    events=events,
                )
            )
        return found


@pytest.fixture(scope="module")
def account() -> Account:
    """Twelve seconds of a Muse: gaps short and long, NaN, rails, labels."""
    info = StreamInfo(
        "muse",
        256.0,
        ("TP9", "AF7", "AF8", "TP10"),
        ("eeg",) * 4,
        ("uV",) * 4,
        rails=(-1000.0, 999.5),
    )
    n = 3000
    rng = np.random.default_rng(0)
    raw = noise(info, n).data.copy()
    raw[rng.random(raw.shape) < 0.01] = np.nan
    raw[700:1500, 1:4] = 999.5  # most electrodes off
    index = 37 + np.arange(n)
    for at, lost in [
        (100, 3),
        (333, 25),
        (600, 20),
        (1400, 300),
        (2200, 26),
        (2300, 9),
    ]:
        index[at:] += lost
    labels: dict[int, str | None] = {
        100: "calm",
        900: "glad",
        1200: None,
        1900: "sad",
        2500: "calm",
    }
    return Account(info, index, raw, labels=labels)


CUTS = {
    "whole": [],
    "single": list(range(1, 3000)),
    "packets": list(range(0, 3000, 12)),
    "odd": np.cumsum(np.random.default_rng(5).integers(1, 300, 40)).tolist(),
}


@dataclass
class Outcome:
    """What a pipeline gave of a signal."""

    pipeline: Pipeline
    due: list[Due] = field(default_factory=list)
    windows: list[Float32] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


def run(pipeline: Pipeline, chunks: Sequence[Chunk]) -> Outcome:
    outcome = Outcome(pipeline)
    for chunk in chunks:
        for piece in pieces(chunk):
            due, events = pipeline.process(piece)
            outcome.due += due
            outcome.windows += [d.ring.view(d.start, d.stop).copy() for d in due]
            outcome.events += events
    pipeline.close()
    return outcome


@pytest.mark.parametrize("cuts", CUTS.values(), ids=CUTS.keys())
@pytest.mark.parametrize(("n_times", "hop"), [(100, 30), (256, 64), (50, 120)])
def test_windows_are_those_of_the_account(
    account: Account, n_times: int, hop: int, cuts: list[int]
) -> None:
    info = account.info
    found = run(
        Pipeline(info, {"m": card(info, n_times=n_times, hop=hop)}, "recording"),
        account.chunks(cuts),
    )
    wanted = account.windows(n_times, hop)
    assert [(each.start, each.stop) for each in found.due] == wanted
    verdicts = account.verdicts()
    for due, window in zip(found.due, found.windows, strict=True):
        part = slice(due.start, due.stop)
        np.testing.assert_allclose(window, account.data[part], rtol=1e-6, atol=1e-5)
        assert (due.stream, due.model) == ("muse", "m")
        assert due.missing == pytest.approx(account.missing[part].mean(), abs=1e-6)
        assert due.segment == account.segment[due.start]
        assert due.end == pytest.approx((due.stop - 1) / 256)
        truth = account.truth(due.start, due.stop)
        assert due.truth == (truth if truth in ("calm", "glad") else None)
        words = [words for stop, words in verdicts if stop <= due.stop]
        bad = sum(word in ("flat", "railed") for word in words[-1]) if words else 0
        assert due.bad == bad / 4
    assert {each.truth for each in found.due} == {"calm", "glad", None}
    assert len({each.bad for each in found.due}) > 1


@pytest.mark.parametrize("cuts", CUTS.values(), ids=CUTS.keys())
def test_counters_are_those_of_the_account(account: Account, cuts: list[int]) -> None:
    found = run(Pipeline(account.info, {}), account.chunks(cuts))
    counters = found.pipeline.status.counters
    zero = {"late": 0, "malformed": 0, "outages": 0, "lost_transport": 0}
    expected = int(account.index[-1] - account.index[0]) + 1
    came = {"expected": expected, "received": 3000}
    counted = {"lost_device": account.counts["lost"], **account.counts}
    assert counters.summary() == {**came, **counted, **zero}
    assert counters.gaps == 2
    assert counters.filled == 3 + 25 + 20 + 9


@pytest.mark.parametrize("cuts", CUTS.values(), ids=CUTS.keys())
def test_quality_is_told_when_it_changes(account: Account, cuts: list[int]) -> None:
    found = run(Pipeline(account.info, {}), account.chunks(cuts))
    before: tuple[str, ...] = ("?",) * 4
    wanted = []
    for stop, words in account.verdicts():
        if words != before:
            wanted.append((stop - 1, words))
        before = words
    told = [each for each in found.events if each.kind == "quality"]
    names = account.info.ch_names
    assert [(e.index, tuple(e.data["channels"].values())) for e in told] == wanted
    assert all(tuple(each.data["channels"]) == names for each in told)
    assert all(each.time == (each.index or 0) / 256 for each in told)
    assert found.pipeline.status.quality == before
    assert len(told) > 3


def test_dead_channels_are_told_before_the_first_window(muse: StreamInfo) -> None:
    whole = noise(muse, 700)
    data = whole.data.copy()
    data[:, :3] = 0
    data[600:, 3] = -1000
    whole = replace(whole, data=data)
    found = run(Pipeline(muse, {"m": card(muse, n_times=128, hop=128)}), [whole])
    assert [(each.stop, each.bad) for each in found.due] == [
        *((128 * k, 0.75) for k in (1, 2, 3, 4)),
        (640, 1.0),
    ]
    told = [each.data["channels"].values() for each in found.events]
    assert [tuple(each) for each in told] == [
        ("flat", "flat", "flat", "?"),
        ("flat", "flat", "flat", "good"),
        ("flat", "flat", "flat", "railed"),
    ]


def test_events_come_out(account: Account) -> None:
    found = run(Pipeline(account.info, {}), account.chunks([]))
    gaps = [each for each in found.events if each.kind == "gap"]
    assert [each.data["lost"] for each in gaps] == [3, 25, 20, 300, 26, 9]
    truths = [each for each in found.events if each.kind == "truth"]
    assert [each.index for each in truths] == list(account.labels)
    assert found.pipeline.status.truth == {"emotion": "calm"}
    for each in found.events:
        json.dumps(each.data, allow_nan=False)


# Late samples -----------------------------------------------------------------------


@pytest.mark.parametrize("stages", [(), (FILTER,)], ids=["raw", "filtered"])
def test_a_late_chunk_makes_no_window_again(
    muse: StreamInfo, stages: tuple[StageCard, ...]
) -> None:
    whole = noise(muse, 400)
    pipeline = Pipeline(muse, {"m": card(muse, stages=stages)})
    first, _ = pipeline.process(part_of(whole, 0, 200))
    late, events = pipeline.process(part_of(whole, 150, 190))
    rest, _ = pipeline.process(part_of(whole, 180, 400))
    assert not late
    assert [(each.kind, each.data) for each in events] == [("late", {"samples": 40})]
    stops = [each.stop for each in (*first, *rest)]
    assert stops == list(range(100, 401, 30))
    assert {each.segment for each in (*first, *rest)} == {0}
    assert pipeline.status.counters.late == 60
    assert pipeline.status.counters.received == 200 + 40 + 220
    assert pipeline.status.counters.gaps == 0
    pipeline.close()


def part_of(chunk: Chunk, start: int, stop: int) -> Chunk:
    rows = slice(start, stop)
    return Chunk(chunk.stream, start, chunk.times[rows], chunk.data[rows])


def test_windows_of_a_recording_begun_later_are_those_of_its_run(
    muse: StreamInfo,
) -> None:
    """The run's first sample had the index 1000; a window ends each 30 from 1099 on."""
    whole = noise(muse, 300)
    later = replace(whole, index=1037)
    found = run(Pipeline(replace(muse, origin=1000), {"m": card(muse)}), [later])
    assert [each.stop for each in found.due] == [1160, 1190, 1220, 1250, 1280, 1310]


# Latency ----------------------------------------------------------------------------


def test_latency_counts_from_the_sample_or_from_the_hand_over(muse: StreamInfo) -> None:
    chunk = replace(noise(muse, 130), arrived=77.0)
    (live, later), _ = Pipeline(muse, {"m": card(muse)}, "run").process(chunk)
    assert (live.since, later.since) == (live.end, later.end) == (99 / 256, 129 / 256)
    assert live.arrived == later.arrived == 77.0
    (replayed, _), _ = Pipeline(muse, {"m": card(muse)}, "recording").process(chunk)
    assert replayed.since == replayed.arrived == 77.0
    assert replayed.end == 99 / 256


# Chains -----------------------------------------------------------------------------


def test_a_window_is_of_the_filtered_signal(muse: StreamInfo) -> None:
    whole = noise(muse, 600)
    found = run(Pipeline(muse, {"m": card(muse, stages=(FILTER,))}), [whole])
    sos = signal.butter(4, (1, 40), "bandpass", fs=256, output="sos")
    x = whole.data.astype(float)
    zi = signal.sosfilt_zi(sos)[:, :, None] * x[0]
    want: Float64 = signal.sosfilt(sos, x, axis=0, zi=zi)[0]
    assert found.windows
    for due, window in zip(found.due, found.windows, strict=True):
        np.testing.assert_allclose(window, want[due.start : due.stop], atol=1e-4)


def test_bundles_with_one_chain_share_it(muse: StreamInfo) -> None:
    cards = {
        "a": card(muse, stages=(FILTER,)),
        "b": card(muse, stages=(FILTER,), n_times=50, hop=50),
        "c": card(muse, stages=(FILTER, SCALE)),
        "d": card(muse),
        "e": card(muse, ch_names=("AF8", "TP9"), units=("uV",) * 2),
    }
    pipeline = Pipeline(muse, cards)
    assert len(pipeline.status.filtered) == 4
    whole = noise(muse, 300)
    found = run(pipeline, [whole])
    by_model = {name: [d for d in found.due if d.model == name] for name in cards}
    assert [d.stop for d in by_model["a"]] == list(range(100, 301, 30))
    assert [d.stop for d in by_model["b"]] == list(range(50, 301, 50))
    assert by_model["a"][0].ring is by_model["b"][0].ring
    rings = {id(each[0].ring) for each in by_model.values()}
    assert rings == {id(ring) for ring in pipeline.status.filtered.values()}
    for due, window in zip(found.due, found.windows, strict=True):
        if due.model == "e":
            want = whole.data[due.start : due.stop][:, [2, 0]]
            np.testing.assert_array_equal(window, want)


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (
            StageCard(kind="filter", settings={"low": 1.0, "high": 200.0}),
            "bundle m: muse: a pass band from 1.0 to 200.0 Hz does not fit a rate",
        ),
        (
            StageCard(kind="channel_scale", settings={"prior": [1.0], "worth": 1.0}),
            "bundle m: muse: a prior of 1 channels does not fit 4",
        ),
        (StageCard(kind="wavelet"), "bundle m: .* no stage is named 'wavelet'"),
    ],
)
def test_a_stage_that_does_not_fit_leaves_no_file(
    stage: StageCard, said: str, muse: StreamInfo, tmp_path: Path
) -> None:
    cards = {"fine": card(muse), "m": card(muse, stages=(stage,))}
    with pytest.raises(BundleError, match=said):
        Pipeline(muse, cards, path=lambda name: tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_no_room_for_the_second_ring_leaves_no_file(
    muse: StreamInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = ring._claim

    def full(file: int, size: int) -> None:
        if len(list(tmp_path.iterdir())) > 1:
            raise OSError(errno.ENOSPC, "full")
        claim(file, size)

    monkeypatch.setattr(ring, "_claim", full)
    with pytest.raises(OSError, match=f"no room .*{tmp_path}"):
        Pipeline(muse, {"m": card(muse)}, path=lambda name: tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_rings_are_files_where_others_may_look(
    muse: StreamInfo, tmp_path: Path
) -> None:
    cards = {"a": card(muse, stages=(FILTER,)), "b": card(muse)}
    pipeline = Pipeline(muse, cards, path=lambda name: tmp_path / name)
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {"raw", "filtered-0", "filtered-1"}
    pipeline.close()
    pipeline.close()
    assert not list(tmp_path.iterdir())


# Sizes ------------------------------------------------------------------------------


def test_a_long_chunk_comes_in_pieces(muse: StreamInfo) -> None:
    n = 2 * LONGEST + 100
    event = Event("muse", 0.0, "marker", 5)
    whole = replace(
        noise(muse, n), missing=None, device_times=np.arange(float(n)), events=(event,)
    )
    cut = pieces(whole)
    assert [len(each) for each in cut] == [LONGEST, LONGEST, 100]
    assert [each.index for each in cut] == [0, LONGEST, 2 * LONGEST]
    assert [each.events for each in cut] == [(event,), (), ()]
    for what in ("data", "times", "device_times"):
        parts = [getattr(each, what) for each in cut]
        np.testing.assert_array_equal(np.concatenate(parts), getattr(whole, what))
    short = noise(muse, LONGEST)
    assert pieces(short) == [short]
    plain = pieces(replace(whole, device_times=None))
    assert all(each.device_times is None for each in plain)


@pytest.mark.parametrize("hop", [1, 1000])
def test_no_window_of_a_long_chunk_is_overwritten(muse: StreamInfo, hop: int) -> None:
    n = 5 * LONGEST
    info = replace(muse, sfreq=10.0)  # the past that is kept is short
    whole = replace(noise(info, n), missing=None)
    pipeline = Pipeline(info, {"m": card(info, n_times=3000, hop=hop)})
    seen = 0
    for piece in pieces(whole):
        due, _ = pipeline.process(piece)
        for each in due:
            each.ring.check(each.start)
            assert (
                each.ring.view(each.start, each.stop)[0, 0]
                == (whole.data[each.start, 0])
            )
        seen += len(due)
    assert seen == (n - 3000) // hop + 1
    pipeline.close()


def test_the_rings_of_a_large_stream_fit_a_small_memory(
    muse: StreamInfo, tmp_path: Path
) -> None:
    """A container's folder in memory has 64 MB."""
    names = tuple(f"E{n}" for n in range(64))
    info = StreamInfo("cap", 1000.0, names, ("eeg",) * 64, ("uV",) * 64)
    pipeline = Pipeline(
        info,
        {"m": card(info, n_times=4000)},
        path=lambda name: tmp_path / name,
    )
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) < 40e6
    assert pipeline.status.raw.capacity > 30_000, "half a minute to look at"
    pipeline.close()
    wide = replace(
        info,
        ch_names=("camera",),
        ch_types=("misc",),
        units=("none",),
        sample_shape=(64, 64),
    )
    pipeline = Pipeline(wide, {"m": card(wide, n_times=4000)})
    for each in (pipeline.status.raw, *pipeline.status.filtered.values()):
        assert each.capacity > 4000, "a window and a piece always fit"
    pipeline.close()


def camera(info: StreamInfo) -> StreamInfo:
    return replace(
        info,
        sfreq=30.0,
        ch_names=("camera",),
        ch_types=("misc",),
        units=("none",),
        sample_shape=(3, 60, 80),
        rails=None,
    )


def test_the_rings_of_frames_hold_little_more_than_a_window(muse: StreamInfo) -> None:
    large = replace(camera(muse), sample_shape=(3, 240, 320))
    pipeline = Pipeline(large, {})
    frame = 4 * 3 * 240 * 320
    assert 2 * frame * pipeline.status.raw.capacity < 200e6
    assert pipeline.status.raw.capacity > 2 * large.sfreq, "what is judged fits"
    pipeline.close()


def test_a_long_chunk_of_frames_comes_in_pieces_that_fit(muse: StreamInfo) -> None:
    """A gap before it, which is filled, too."""
    info = camera(muse)
    pipeline = Pipeline(info, {"m": card(info, n_times=90, hop=1)})
    seen = 0
    for index in (0, 403):
        whole = noise(info, 400).data
        times = (index + np.arange(400)) / info.sfreq
        for piece in pieces(Chunk("muse", index, times, whole)):
            due, _ = pipeline.process(piece)
            for each in due:
                each.ring.check(each.start)
                row = each.stop - 1 - index
                if row >= 0:
                    newest = each.ring.view(each.start, each.stop)[-1]
                    np.testing.assert_array_equal(newest, whole[row])
            seen += len(due)
    assert seen == 803 - 90 + 1
    pipeline.close()


def test_frames_have_windows_too(muse: StreamInfo) -> None:
    frames = replace(
        muse,
        sfreq=10.0,
        ch_names=("camera",),
        ch_types=("misc",),
        units=("none",),
        sample_shape=(3, 4, 5),
        rails=None,
    )
    whole = noise(frames, 60)
    found = run(Pipeline(frames, {"m": card(frames, n_times=4, hop=4)}), [whole])
    assert len(found.windows) == 15
    for due, window in zip(found.due, found.windows, strict=True):
        np.testing.assert_array_equal(window, whole.data[due.start : due.stop])
    assert found.pipeline.status.quality == ("good",)


def test_before_anything_came(muse: StreamInfo) -> None:
    pipeline = Pipeline(muse, {"m": card(muse)})
    assert pipeline.status.quality == ("?",) * 4
    marker = Event("muse", 0.0, "marker")
    empty = part_of(noise(muse, 1), 0, 0)
    assert pipeline.process(empty) == ([], [])
    assert pipeline.process(replace(empty, events=(marker,))) == ([], [marker])
    due, _ = pipeline.process(replace(noise(muse, 130), index=7))
    assert [each.stop for each in due] == [107, 137], "the grid begins with a sample"
    pipeline.close()


@pytest.mark.parametrize(
    ("kind", "told", "lacks"),
    [
        ("truth", {"label": "calm"}, "task"),
        ("gap", {"lost": 3}, "filled and estimated"),
        ("late", {}, "samples"),
        ("malformed", {}, "samples"),
    ],
)
def test_an_event_without_what_belongs_to_it(
    kind: str, told: dict[str, Any], lacks: str, muse: StreamInfo
) -> None:
    pipeline = Pipeline(muse, {})
    chunk = replace(noise(muse, 9), events=(Event("muse", 0.0, kind, 0, told),))
    said = f"muse: its device tells an event '{kind}' without {lacks}: its adapter"
    with pytest.raises(DeviceError, match=said):
        pipeline.process(chunk)
    pipeline.close()


def test_samples_that_an_adapter_drops_as_late_were_received(muse: StreamInfo) -> None:
    pipeline = Pipeline(muse, {})
    event = Event("muse", 0.0, "late", 0, {"samples": 12})
    data = np.zeros((12, 4), np.float32)
    pipeline.process(Chunk("muse", 0, np.arange(12) / 256, data, events=(event,)))
    counters = pipeline.status.counters
    assert (counters.received, counters.late) == (24, 12)
    pipeline.close()

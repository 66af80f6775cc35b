"""Gaps are filled or told, and impossible values replaced, however the input is cut."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rtpipe.checks import noise
from rtpipe.stages.gaps import Gaps
from rtpipe.types import Chunk, Event, StreamInfo

from .chunks import chunk_of, joined, run


@pytest.fixture
def one() -> StreamInfo:
    """One channel at 100 Hz, so that the longest gap filled is of 10 samples."""
    return StreamInfo("s", 100.0, ("a",), ("eeg",), ("uV",), rails=(-1000.0, 1000.0))


def test_a_short_gap_is_filled_with_a_straight_line(one: StreamInfo) -> None:
    stage = Gaps()
    stage.prepare(one)
    first, second = chunk_of(one, [1, 2, 4]), chunk_of(one, [9, 9], index=7)
    outs = run(stage, [first, replace(second, arrived=3.0)])
    assert [out.index for out in outs] == [0, 3, 7]
    np.testing.assert_array_equal(joined(outs)[:, 0], [1, 2, 4, 5, 6, 7, 8, 9, 9])
    times = np.concatenate([out.times for out in outs])
    np.testing.assert_allclose(times, np.arange(9) / 100)
    missing = [out.missing.tolist() for out in outs if out.missing is not None]
    assert missing == [[0] * 3, [1] * 4, [0] * 2]
    assert [out.events for out in outs] == [
        (),
        (Event("s", 0.07, "gap", 3, {"lost": 4, "filled": True, "estimated": False}),),
        (),
    ]
    assert outs[1].arrived == 3.0


@pytest.mark.parametrize("lost", [9, 10, 11, 500])
def test_only_gaps_up_to_the_longest_are_filled(one: StreamInfo, lost: int) -> None:
    stage = Gaps(longest=0.1)
    stage.prepare(replace(one, counted=False))
    outs = run(stage, [chunk_of(one, [1, 2]), chunk_of(one, [3, 4], index=2 + lost)])
    filled = lost <= 10
    assert [len(out) for out in outs] == [2, lost, 2] if filled else [2, 2]
    assert outs[-1].index == 2 + lost
    told = {"lost": lost, "filled": filled, "estimated": True}
    (event,) = (event for out in outs for event in out.events)
    assert event == Event("s", pytest.approx((2 + lost) / 100), "gap", 2, told)  # type: ignore[arg-type]


def test_a_gap_between_large_values_is_filled_with_numbers(one: StreamInfo) -> None:
    stage = Gaps()
    stage.prepare(replace(one, rails=None))
    outs = run(stage, [chunk_of(one, [-3e38]), chunk_of(one, [3e38], index=4)])
    assert np.isfinite(joined(outs)).all()


def test_what_is_not_finite_is_replaced_by_the_last_that_was(muse: StreamInfo) -> None:
    stage = Gaps()
    stage.prepare(muse)
    nan, inf = math.nan, math.inf
    rows = [[nan, 1, 2, 3], [5, nan, nan, 3], [6, inf, 2, -inf], [nan] * 4, [7] * 4]
    (out,) = run(stage, [chunk_of(muse, rows)])
    assert out.data.tolist() == [
        [0, 1, 2, 3],  # nothing is known of the first channel yet
        [5, 1, 2, 3],
        [6, 1, 2, 3],
        [6, 1, 2, 3],
        [7, 7, 7, 7],
    ]
    assert out.missing is not None
    assert out.missing.tolist() == [0.25, 0.5, 0.5, 1, 0]


def test_a_line_begins_and_ends_at_mended_values(one: StreamInfo) -> None:
    stage = Gaps()
    stage.prepare(one)
    first = chunk_of(one, [1, math.nan])
    outs = run(stage, [first, chunk_of(one, [math.nan, 4], index=4)])
    np.testing.assert_array_equal(joined(outs)[:, 0], [1, 1, 1, 1, 1, 4])


def test_values_at_a_rail_count_as_missing_and_stay(muse: StreamInfo) -> None:
    rows = [[-1000, 0, 0, 0], [999.5, 999.5, -1000, 1], [999, -999, 0, 0]]
    for rails, want in ((muse.rails, [0.25, 0.75, 0]), (None, [0, 0, 0])):
        stage = Gaps()
        stage.prepare(replace(muse, rails=rails))
        (out,) = run(stage, [chunk_of(muse, rows)])
        assert out.data.tolist() == rows
        assert out.missing is not None
        assert out.missing.tolist() == want


def test_values_beyond_the_rails_are_replaced_by_the_last_possible(
    muse: StreamInfo, armband: StreamInfo
) -> None:
    stage = Gaps()
    stage.prepare(muse)
    rows = [[1e30, 1, 2, 3], [5, 1000, -1000.5, 3], [999.5, -1000, 2, 3]]
    (out,) = run(stage, [chunk_of(muse, rows)])
    assert out.data.tolist() == [[0, 1, 2, 3], [5, 1, 2, 3], [999.5, -1000, 2, 3]]
    assert out.missing is not None
    assert out.missing.tolist() == [0.25, 0.5, 0.5]
    stage.prepare(armband)
    counts = [[-129, -128, -127, 0, 126, 127, 128, 1]]
    (out,) = run(stage, [chunk_of(armband, counts)])
    assert out.data.tolist() == [[0, -128, -127, 0, 126, 127, 0, 1]]
    assert out.missing is not None
    assert out.missing.tolist() == [0.5]


def test_a_rail_that_float32_rounds_is_a_rail(one: StreamInfo) -> None:
    rail = np.float64(999.512)  # in float32 a little more
    stage = Gaps()
    stage.prepare(replace(one, rails=(-1000.0, rail)))
    (out,) = run(stage, [chunk_of(one, [1, rail])])
    assert out.data[1, 0] == np.float32(rail)
    assert out.missing is not None
    assert out.missing.tolist() == [0, 1]


def test_samples_that_come_again_are_dropped(one: StreamInfo) -> None:
    stage = Gaps()
    stage.prepare(one)
    marker = Event("s", 0.01, "marker", 1)
    again = replace(
        chunk_of(one, [7, 7, 5, 6], index=1),
        device_times=np.arange(4.0),
        events=(marker,),
    )
    outs = run(stage, [chunk_of(one, [1, 2, 3]), again])
    assert joined(outs)[:, 0].tolist() == [1, 2, 3, 5, 6]
    assert [out.index for out in outs] == [0, 3]
    assert outs[1].events == (Event("s", 0.01, "late", 1, {"samples": 2}), marker)
    assert outs[1].device_times is not None
    assert outs[1].device_times.tolist() == [2, 3]


def test_of_a_chunk_that_is_all_late_the_events_remain(one: StreamInfo) -> None:
    stage = Gaps()
    stage.prepare(one)
    outs = run(stage, [chunk_of(one, [1, 2, 3]), chunk_of(one, [7, 8], index=1)])
    assert [len(out) for out in outs] == [3, 0]
    assert outs[1].events == (Event("s", 0.01, "late", 1, {"samples": 2}),)
    (out,) = run(stage, [chunk_of(one, [4], index=3)])  # and nothing was lost
    assert out.data.tolist() == [[4]]
    assert not out.events


def test_an_event_without_a_sample_is_passed_on(one: StreamInfo) -> None:
    stage = Gaps()
    stage.prepare(one)
    marker = Event("s", 0.0, "marker")
    (out,) = run(stage, [replace(chunk_of(one, []), events=(marker,))])
    assert out.events == (marker,)
    assert not run(stage, [chunk_of(one, [])])


@pytest.mark.parametrize("seed", range(5))
def test_cuts_change_nothing_at_gaps_and_nan(muse: StreamInfo, seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = noise(muse, 400, seed)
    data = whole.data.copy()
    data[rng.random(data.shape) < 0.05] = np.nan
    data[rng.random(data.shape) < 0.02] = 999.5
    jumps = np.where(rng.random(400) < 0.05, rng.choice([3, 20, 25, 26, 60], 400), 0)
    index = np.arange(400) + np.cumsum(jumps)

    def chunks(cuts: NDArray[np.bool_]) -> list[Chunk]:
        at = np.flatnonzero(cuts | (np.diff(index, prepend=index[0]) > 1))
        return [
            Chunk("muse", int(index[rows[0]]), index[rows] / 256, data[rows].copy())
            for rows in np.split(np.arange(400), at)
            if len(rows)
        ]

    def signal_of(cuts: NDArray[np.bool_]) -> list[Any]:
        stage = Gaps()
        stage.prepare(muse)
        outs = run(stage, chunks(cuts))
        return [
            np.concatenate([np.arange(out.index, out.stop) for out in outs]),
            np.concatenate([out.times for out in outs]),
            joined(outs),
            np.concatenate([out.missing for out in outs if out.missing is not None]),
            [event for out in outs for event in out.events],
        ]

    once = signal_of(np.zeros(400, bool))
    assert np.isfinite(once[2]).all()
    kinds = {event.data["filled"] for event in once[4]}
    assert kinds == {True, False}
    for cuts in (np.ones(400, bool), np.isnan(data[:, 0]), rng.random(400) < 0.1):
        for mine, its in zip(once, signal_of(cuts), strict=True):
            np.testing.assert_array_equal(mine, its)

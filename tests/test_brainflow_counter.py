"""Rows are numbered as they were sent, whatever of them comes, and in what pieces."""

import numpy as np
import pytest
from rtpipe.devices.brainflow_counter import COUNTINGS, Counter, Counting

SFREQ = {1: 250.0, 3: 52.0, 12: 256.0}  # by rows in a package
KINDS = sorted(set(COUNTINGS.values()), key=str)


def sent(
    counting: Counting, n: int, first: int
) -> tuple[list[int], list[float], list[int]]:
    """Return number, time and place of each row of n packages, from a number on."""
    rows = range(n * counting.n_times)
    values = [
        (first + row // counting.n_times) * counting.step % counting.modulus
        for row in rows
    ]
    sfreq = SFREQ[counting.n_times]
    stamps = [1.7e9 + (row + 1) / sfreq for row in rows]
    return values, stamps, list(rows)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("counting", KINDS, ids=str)
def test_every_loss_is_counted_exactly(counting: Counting, seed: int) -> None:
    """Runs of packages are missing, the counter wraps, reads end within packages."""
    rng = np.random.default_rng(seed)
    n = 800  # packages: three wraps of a byte
    values, stamps, place = sent(counting, n, counting.modulus - 100)
    kept = np.ones(n, bool)
    for start in rng.integers(1, n - 1, 20):
        kept[start : start + rng.integers(1, 40)] = False
    kept[0] = True
    rows = np.flatnonzero(np.repeat(kept, counting.n_times))
    cuts = np.sort(rng.integers(0, len(rows), 60))
    counter = Counter(counting, SFREQ[counting.n_times])
    found = [
        counter.indices([values[k] for k in part], [stamps[k] for k in part])
        for part in np.split(rows, cuts)
    ]
    np.testing.assert_array_equal(np.concatenate(found), [place[k] for k in rows])


def test_rows_lost_within_a_package_are_counted() -> None:
    counting = COUNTINGS["MUSE_2_BOARD", 0]
    values, stamps, place = sent(counting, 5, 65534)
    rows = [k for k in place if k not in range(20, 24)]  # the end of the second
    counter = Counter(counting, 256.0)
    found = counter.indices([values[k] for k in rows], [stamps[k] for k in rows])
    np.testing.assert_array_equal(found, rows)


def test_what_comes_twice_or_late_keeps_its_number() -> None:
    counting = COUNTINGS["MUSE_2_BOARD", 0]
    values, stamps, _ = sent(counting, 4, 65534)
    order = [0, 1, 1, 3, 2]  # packages
    rows = [12 * p + k for p in order for k in range(12)]
    late = np.maximum.accumulate([stamps[k] for k in rows])  # stamped as they come
    found = Counter(counting, 256.0).indices([values[k] for k in rows], late.tolist())
    np.testing.assert_array_equal(found, rows)


@pytest.mark.parametrize("lost", [240, 255, 256, 257, 1000])
def test_a_loss_of_more_than_a_cycle_is_known_by_its_length(lost: int) -> None:
    values, stamps, _ = sent(Counting(), lost + 2, 7)
    counter = Counter(Counting(), 250.0)
    ends = [0, lost + 1]
    found = counter.indices([values[k] for k in ends], [stamps[k] for k in ends])
    assert found.tolist() == ends


def test_a_pause_without_a_loss_is_none() -> None:
    """The host was busy: rows that were kept for it come in one burst."""
    values, stamps, _ = sent(Counting(), 400, 0)
    stamps[100:300] = [max(stamp, stamps[299]) for stamp in stamps[100:300]]
    found = Counter(Counting(), 250.0).indices(values, stamps)
    assert found.tolist() == list(range(400))


def test_a_burst_after_a_loss_is_not_late() -> None:
    """The host was busy for so long that rows were lost: the others come at once."""
    values, stamps, _ = sent(Counting(), 400, 0)
    rows = [*range(100), *range(150, 400)]
    late = [max(stamps[k], stamps[250] if k > 90 else 0.0) for k in rows]
    found = Counter(Counting(), 250.0).indices([values[k] for k in rows], late)
    assert found.tolist() == rows


@pytest.mark.parametrize("pause", [0.0, 3.0])
@pytest.mark.parametrize("first", [3000, 60000])
def test_a_counter_that_begins_anew_goes_on_by_the_time(
    first: int, pause: float
) -> None:
    """A headband was switched off and on; its driver said nothing of it."""
    counting = COUNTINGS["MUSE_2_BOARD", 0]
    before, stamps, place = sent(counting, 10, first)
    after, *_ = sent(counting, 10, 0)
    later = [stamps[-1] + pause + (k + 1) / 256 for k in place]
    counter = Counter(counting, 256.0)
    found = counter.indices(before + after, stamps + later)
    np.testing.assert_array_equal(found[:120], place)
    assert found[120] == pytest.approx(120 + pause * 256, abs=12)
    np.testing.assert_array_equal(found[120:] - found[120], place)
    assert counter.estimated == {found[120]}
    assert not len(counter.indices([], []))
    assert counter.estimated == set()


@pytest.mark.parametrize("late", [20, 40])
def test_a_package_that_comes_much_too_late_keeps_its_number(late: int) -> None:
    counting = COUNTINGS["MUSE_2_BOARD", 0]
    values, stamps, _ = sent(counting, 100, 65500)
    order = [*range(10), *range(11, 11 + late), 10, *range(11 + late, 100)]
    rows = [12 * p + k for p in order for k in range(12)]
    seen = np.maximum.accumulate([stamps[k] for k in rows]).tolist()
    counter = Counter(counting, 256.0)
    found = counter.indices([values[k] for k in rows], seen)
    np.testing.assert_array_equal(found, rows)
    assert counter.estimated == set()


def test_whole_cycles_are_marked_as_estimated() -> None:
    values, stamps, _ = sent(Counting(), 1000, 7)
    counter = Counter(Counting(), 250.0)
    ends = [0, 100, 999]
    found = counter.indices([values[k] for k in ends], [stamps[k] for k in ends])
    assert found.tolist() == ends
    assert counter.estimated == {999}


def test_nothing_is_numbered_where_nothing_came() -> None:
    assert not len(Counter(Counting(), 250.0).indices([], []))

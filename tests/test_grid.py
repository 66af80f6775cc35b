"""The grid against a search through every sample."""

import numpy as np
import pytest

from rtpipe.grid import Grid


def searched(grid: Grid, start: int, done: int, stop: int) -> list[int]:
    """Return the stops by asking of every sample whether a window ends before it."""
    return [
        at
        for at in range(done + 1, stop + 1)
        if at - grid.n_times >= max(start, grid.origin)
        and (at - grid.n_times - grid.origin) % grid.hop == 0
    ]


@pytest.mark.parametrize("origin", [0, 3, 1_000_000_007])
@pytest.mark.parametrize("n_times", [1, 5, 12])
@pytest.mark.parametrize("hop", [1, 3, 12, 20])
def test_windows_are_those_a_search_finds(origin: int, n_times: int, hop: int) -> None:
    grid = Grid(origin, n_times, hop)
    rng = np.random.default_rng(hop)
    for _ in range(200):
        start, done, stop = (origin + np.sort(rng.integers(0, 70, 3))).tolist()
        assert list(grid.stops(start, done, stop)) == searched(grid, start, done, stop)


@pytest.mark.parametrize("hop", [1, 4, 30])
def test_pieces_give_the_windows_of_the_whole_once(hop: int) -> None:
    grid = Grid(5, 10, hop)
    whole = list(grid.stops(5, 5, 205))
    done = 5
    pieces: list[int] = []
    for size in np.random.default_rng(0).integers(0, 25, 100).tolist():
        stop = min(done + size, 205)
        pieces += grid.stops(5, done, stop)
        done = stop
    assert pieces == whole
    assert whole[0] == 15


def test_after_a_gap_windows_stay_on_the_grid() -> None:
    grid = Grid(0, 10, 4)
    assert list(grid.stops(start=33, done=33, stop=60)) == [46, 50, 54, 58]

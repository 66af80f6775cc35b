"""How a signal becomes a row of blocks, and how fast it comes."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rtpipe.ring import Ring
from rtpipe.terminal.rate import Rate
from rtpipe.terminal.sparkline import Envelope
from rtpipe.types import Chunk

BLOCKS = "▁▂▃▄▅▆▇█"


def write(ring: Ring, data: NDArray[np.floating[Any]], index: int = 0) -> None:
    times = np.arange(len(data)) / 100
    ring.write(Chunk("s", index, times, data.astype(np.float32)))


def test_blocks_are_as_high_as_the_signal_swings() -> None:
    # Eight slices of ten samples; in slice k the signal swings by k.
    swing = np.repeat(np.arange(8.0), 10) / 2
    ring = Ring((2,), 100)
    write(ring, np.stack([swing * (-1) ** np.arange(80), np.full(80, 3.0)], axis=1))
    moving, flat = Envelope(ring, 10.0, 8.0).rows(8)
    assert moving == [BLOCKS]
    assert flat == [BLOCKS[0] * 8]


def test_two_rows_together_are_twice_as_fine() -> None:
    swing = np.repeat(np.arange(16.0), 10) / 2
    ring = Ring((1,), 200)
    write(ring, (swing * (-1) ** np.arange(160))[:, None])
    assert Envelope(ring, 10.0, 16.0).rows(16, tall=2) == [
        [" " * 8 + BLOCKS, BLOCKS + BLOCKS[-1] * 8]
    ]


def test_the_drawing_moves_and_never_shimmers() -> None:
    # Slices that swing by 0 to 7, in an order in which 7 is never long gone.
    swing = np.repeat(np.arange(50) * 5 % 8, 10)
    data = (swing * (-1.0) ** np.arange(500))[:, None]
    ring = Ring((1,), 1000)
    drawn = []
    for at in range(0, 500, 5):
        write(ring, data[at : at + 5], at)
        drawn.append(Envelope(ring, 10.0, 20.0).rows(20)[0][0])
    for before, after in zip(drawn[40:], drawn[42:], strict=False):
        assert after[-20:-1] == before[1:]
    assert drawn[-1] != drawn[-10]


def test_after_effort_rest_looks_like_rest() -> None:
    ring = Ring((1,), 1000)
    envelope = Envelope(ring, 10.0, 4.0)
    tick = (-1.0) ** np.arange(400)[:, None]
    write(ring, 100 * tick)
    assert envelope.rows(4) == [[BLOCKS[-1] * 4]]
    write(ring, tick, 400)
    assert envelope.rows(4) == [[BLOCKS[1] * 4]]
    for _ in range(5000):  # and in the end, rest fills the scale
        rows = envelope.rows(4)
    assert rows == [[BLOCKS[-1] * 4]]


def test_what_is_not_known_is_not_drawn() -> None:
    ring = Ring((2,), 100)
    data = np.tile([[1.0], [-1.0]], (20, 2))
    data[10:20, 0] = np.nan
    data[20:25, 0] = np.inf
    write(ring, data)
    envelope = Envelope(ring, 10.0, 4.0)
    full = BLOCKS[-1]
    assert envelope.rows(4) == [[f"{full} {full}{full}"], [full * 4]]
    np.testing.assert_allclose(envelope.spread, [1, 1], rtol=0.05)


def test_spread_is_numpy_s_standard_deviation() -> None:
    data = np.random.default_rng(2).normal(1e5, 30, (400, 3)).astype(np.float32)
    ring = Ring((3,), 400)
    write(ring, data.astype(np.float64))
    envelope = Envelope(ring, 100.0, 4.0)
    envelope.rows(40)
    np.testing.assert_allclose(envelope.spread, data.astype(float).std(0), rtol=1e-9)


@pytest.mark.parametrize("n_times", [0, 3])
def test_without_a_whole_slice_there_is_nothing_to_draw(n_times: int) -> None:
    ring = Ring((2,), 100)
    write(ring, np.ones((n_times, 2)))
    envelope = Envelope(ring, 10.0, 4.0)
    assert envelope.rows(4) == [[""], [""]]
    assert np.isnan(envelope.spread).all()


def test_a_short_ring_gives_a_short_row() -> None:
    ring = Ring((1,), 25)
    write(ring, np.ones((100, 1)))
    assert envelope_length(ring) == 2  # whole slices of ten in the last 25 samples


def envelope_length(ring: Ring) -> int:
    return len(Envelope(ring, 10.0, 8.0).rows(8)[0][0])


class Hurried(Ring):
    """A ring whose writer is as fast as the reader: it writes at every look."""

    step = 0

    def check(self, start: int) -> None:
        if self.step:
            stop = self.stop
            write(self, np.full((self.step, 1), stop), stop)
        super().check(start)


def test_only_what_no_write_touched_is_drawn() -> None:
    ring = Hurried((1,), 100)
    write(ring, np.zeros((100, 1)))
    ring.step = 15
    assert Envelope(ring, 10.0, 8.0).rows(8) == [[BLOCKS[0] * 4]]
    ring.step = 100
    assert envelope_length(ring) == 0


def test_rate_is_the_slope_of_what_came() -> None:
    rate = Rate(200.0)
    assert rate.per_second is None
    for k in range(100):
        rate.add(1000 + k / 8, 25 * k)
    assert rate.per_second == pytest.approx(200, rel=1e-9)
    for k in range(100, 200):  # packets of twelve, as a headband sends them
        rate.add(1000 + k / 8, 25 * k // 12 * 12)
    assert rate.per_second == pytest.approx(200, rel=0.01)


def test_a_slow_stream_s_rate_is_measured_over_many_of_its_samples() -> None:
    rate = Rate(0.5)
    for k in range(400):
        rate.add(k / 8, k // 16)
        if k < 4 * 8:
            assert rate.per_second is None, "not from two samples"
    assert rate.per_second == pytest.approx(0.5, rel=0.02)


def test_a_slow_signal_is_drawn_by_its_value() -> None:
    ring = Ring((1,), 100)
    write(ring, np.arange(8.0)[:, None] + 100)
    envelope = Envelope(ring, 1.0, 4.0)
    assert envelope.rows(40) == [[BLOCKS]]


def test_a_place_on_the_row_is_an_index() -> None:
    ring = Ring((1,), 1000)
    write(ring, np.zeros((87, 1)))
    assert Envelope(ring, 10.0, 8.0).place(8) == (10, 80)
    assert Envelope(ring, 10.0, 8.0).place(80) == (1, 87)

"""The past that a window keeps, held against what the ring was given."""

import numpy as np

from rtpipe.dashboard.history import History
from rtpipe.ring import Ring

from .sources import SFREQ, chunk, info


def test_the_past_is_what_the_ring_was_given() -> None:
    rng = np.random.default_rng(0)
    ring = Ring((2,), 400)
    history = History(info(), ring)
    kept, index = [], 0
    for _ in range(600):
        n = int(rng.integers(0, 60))
        index += int(rng.choice([0, 0, 0, 25]))
        data = rng.standard_normal((n, 2))
        missing = rng.integers(0, 2, n).astype(np.float32)
        ring.write(chunk(index, data, missing))
        kept += list(zip(range(index, index + n), data, missing, strict=True))
        index += n
        history.read()
    newest = kept[-len(history) :]
    jumps = np.diff(history.index) > 1
    assert jumps.sum() > 50
    assert history.resumed[1:].tolist() == jumps.tolist()
    assert len(history) == 60 * SFREQ
    assert history.index.tolist() == [each[0] for each in newest]
    np.testing.assert_array_equal(
        history.data, np.array([each[1] for each in newest], np.float32)
    )
    assert history.filled.tolist() == [each[2] == 1 for each in newest]
    np.testing.assert_array_equal(history.times, history.index / SFREQ)


def test_what_was_overwritten_before_it_was_seen_is_not_there() -> None:
    ring = Ring((2,), 400)
    history = History(info(), ring)
    ring.write(chunk(0, np.ones((100, 2))))
    history.read()
    for index in range(100, 2000, 100):
        ring.write(chunk(index, np.ones((100, 2))))
    history.read()
    jumps = np.flatnonzero(np.diff(history.index) != 1)
    assert jumps.tolist() == [99]
    assert not history.resumed.any()  # they were not lost
    assert history.index[-1] == 1999
    assert 1600 <= history.index[100] < 1700

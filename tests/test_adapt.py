"""A scale that is learnt from the run is not spoilt by what no body gives."""

import numpy as np
import pytest

from rtpipe.checks import noise
from rtpipe.stage import Chain
from rtpipe.stages.adapt import ChannelScale
from rtpipe.stages.filter import Filter
from rtpipe.types import Float32, StreamInfo

from .chunks import chunk_of, joined, run

PRIOR = (20.0,) * 4
HUGE = float(np.finfo(np.float32).max)


def scaled(info: StreamInfo, data: Float32, size: int = 800) -> Float32:
    stage = ChannelScale(prior=PRIOR, worth=100.0)
    stage.prepare(info)
    starts = range(0, len(data), size)
    return joined(run(stage, [chunk_of(info, data[k : k + size], k) for k in starts]))


@pytest.mark.parametrize("value", [HUGE, -HUGE, 1e18, -20_001.0, np.inf, np.nan])
def test_the_others_are_scaled_as_if_it_had_not_come(
    value: float, muse: StreamInfo
) -> None:
    data = noise(muse, 800).data.copy()
    data[300, 2] = value
    found = scaled(muse, data)
    np.testing.assert_array_equal(
        np.delete(found, 300, axis=0)[:, 2],
        scaled(muse, np.delete(data, 300, axis=0))[:, 2],
    )
    others = [0, 1, 3]
    whole = scaled(muse, noise(muse, 800).data)
    np.testing.assert_array_equal(found[:, others], whole[:, others])
    assert not abs(found[300, 2]) < 500, "it is passed on, and can be seen"


def test_it_is_learnt_from_up_to_a_thousand_times_the_prior(muse: StreamInfo) -> None:
    """A person, or an amplifier, may be stronger than all of those trained on."""
    data = np.full((4000, 4), 20_000.0, np.float32)
    assert scaled(muse, data)[-1] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("size", [1, 7, 300, 301])
def test_cuts_change_no_bit(size: int, muse: StreamInfo) -> None:
    data = noise(muse, 800).data.copy()
    data[[0, 300, 301], 2] = (HUGE, -HUGE, np.nan)
    np.testing.assert_array_equal(scaled(muse, data, size), scaled(muse, data))


def test_behind_a_filter_that_rings(muse: StreamInfo) -> None:
    """What a huge sample leaves in a filter is huge for a while, too."""
    chain = Chain((Filter(low=20.0), ChannelScale(prior=PRIOR, worth=100.0)))
    chain.prepare(muse)
    data = noise(muse, 8000).data.copy()
    data[300] = HUGE
    late = joined(run(chain, [chunk_of(muse, data)]))[7000:]
    assert np.isfinite(late).all()
    assert late.any(axis=0).all(), "an infinite scale would leave nothing"

"""Rails mean the same to what counts samples and to what judges channels."""

from dataclasses import replace

import numpy as np
import pytest

from rtpipe.stages.gaps import Gaps
from rtpipe.stages.quality import judge
from rtpipe.types import StreamInfo

from .chunks import chunk_of


@pytest.mark.parametrize("rail", [5000.3, 4999.9, 187_499.977649, 1e6 / 3, 1000.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_rail_that_float32_rounds_stays_a_rail(
    rail: float, sign: int, muse: StreamInfo
) -> None:
    info = replace(muse, rails=(-rail, rail))
    data = np.random.default_rng(0).normal(0, 9, (512, 4)).astype(np.float32)
    data[:200, 1] = sign * rail
    stage = Gaps()
    stage.prepare(info)
    (out,) = stage.process(chunk_of(info, data))
    assert out.missing is not None
    assert np.count_nonzero(out.missing) == 200
    assert judge(out.data, info) == ("good", "railed", "good", "good")

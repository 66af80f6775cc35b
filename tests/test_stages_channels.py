"""Channels scaled, rereferenced and picked: against formulas and MNE."""

import math
from dataclasses import replace
from typing import Any

import mne
import numpy as np
import pytest

from rtpipe.checks import cut, noise
from rtpipe.stage import Stage
from rtpipe.stages.adapt import ChannelScale
from rtpipe.stages.pick import Pick
from rtpipe.stages.rereference import Rereference
from rtpipe.types import Float32, StreamInfo

from .chunks import Array, chunk_of, joined, run

# ChannelScale -----------------------------------------------------------------------


def scaled(x: Float32, prior: tuple[float, ...], worth: float) -> Array:
    """Return the formula in plain loops."""
    out = np.empty(x.shape)
    for k in range(x.shape[1]):
        total = 0.0
        for n, value in enumerate(x[:, k].tolist(), 1):
            total += value * value
            mean_square = (worth * prior[k] ** 2 + total) / (worth + n)
            out[n - 1, k] = value / math.sqrt(mean_square)
    return out


@pytest.mark.parametrize("worth", [0.5, 100.0, 1e5])
def test_channel_scale_is_its_formula(worth: float, muse: StreamInfo) -> None:
    prior = (1.0, 20.0, 30.0, 500.0)
    whole, stage = noise(muse, 800), ChannelScale(prior=prior, worth=worth)
    after = stage.prepare(muse)
    assert after == replace(muse, units=("none",) * 4)
    found = joined(run(stage, cut(whole, [1, 0, 99, 400])))
    want = scaled(whole.data, prior, worth)
    np.testing.assert_allclose(found, want, rtol=1e-6)


def test_what_is_learnt_of_a_person_survives_gaps(muse: StreamInfo) -> None:
    prior = (20.0,) * 4
    whole, stage = noise(muse, 800), ChannelScale(prior=prior, worth=10)
    stage.prepare(muse)
    later = chunk_of(muse, whole.data[300:], index=10_000)
    found = joined(run(stage, [chunk_of(muse, whole.data[:300]), later]))
    np.testing.assert_allclose(found, scaled(whole.data, prior, 10), rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"prior": (1.0,) * 3, "worth": 1}, "a prior of 3 channels does not fit 4"),
        ({"prior": (1.0, 1, 1, 0), "worth": 1}, "prior and its worth must be positive"),
        ({"prior": (1.0,) * 4, "worth": 0}, "prior and its worth must be positive"),
    ],
)
def test_a_scale_that_does_not_fit(
    settings: dict[str, Any], said: str, muse: StreamInfo
) -> None:
    with pytest.raises(ValueError, match=f"muse: .*{said}"):
        ChannelScale(**settings).prepare(muse)


# Rereference and Pick ---------------------------------------------------------------


@pytest.mark.parametrize("ref_channels", [(), ("TP9",), ("TP9", "TP10")])
def test_rereference_is_that_of_mne(
    ref_channels: tuple[str, ...], muse: StreamInfo
) -> None:
    whole, stage = noise(muse, 200), Rereference(ref_channels=ref_channels)
    assert stage.prepare(muse) == muse
    found = joined(run(stage, [whole]))
    info = mne.create_info(list(muse.ch_names), muse.sfreq, "eeg", verbose="error")
    raw = mne.io.RawArray(whole.data.T.astype(float), info, verbose="error")
    wanted = list(ref_channels) or "average"
    raw, _ = mne.set_eeg_reference(raw, wanted, verbose="error")
    np.testing.assert_allclose(found.T, raw.get_data(), atol=1e-5)


def test_pick_keeps_the_order_asked_for(muse: StreamInfo) -> None:
    mixed = replace(
        muse, ch_types=("eeg", "eog", "eeg", "emg"), units=("uV", "mV", "V", "none")
    )
    stage = Pick(ch_names=("TP10", "AF7"))
    after = stage.prepare(mixed)
    assert after.ch_names == ("TP10", "AF7")
    assert after.ch_types == ("emg", "eog")
    assert after.units == ("none", "mV")
    assert after.sample_shape == (2,)
    whole = noise(muse, 50)
    np.testing.assert_array_equal(joined(run(stage, [whole])), whole.data[:, [3, 1]])


@pytest.mark.parametrize(
    "stage",
    [Pick(ch_names=("AF7", "Cz", "Pz")), Rereference(ref_channels=("Cz", "Pz"))],
)
def test_a_channel_that_is_not_there(stage: Stage, muse: StreamInfo) -> None:
    with pytest.raises(ValueError, match="muse has no channel Cz, Pz"):
        stage.prepare(muse)

"""Every stage keeps the laws; then each is checked against an independent answer."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

import mne
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from rtpipe.checks import check_stage, cut, noise
from rtpipe.registry import find
from rtpipe.stage import Chain, Stage
from rtpipe.stages.adapt import ChannelScale
from rtpipe.stages.filter import Filter
from rtpipe.stages.gaps import Gaps
from rtpipe.stages.pick import Pick
from rtpipe.stages.quality import judge
from rtpipe.stages.rereference import Rereference
from rtpipe.types import Chunk, Event, Float32, StreamInfo

Array = NDArray[np.float64]

# For each registered stage, settings that fit the streams `muse` and `armband`.
REGISTERED: dict[str, list[Callable[[StreamInfo], dict[str, Any]]]] = {
    "channel_scale": [
        lambda info: {"prior": (20.0,) * info.n_channels, "worth": 0.1},
        lambda info: {"prior": tuple(range(1, info.n_channels + 1)), "worth": 1e3},
    ],
    "filter": [
        lambda _: {"low": 1.0, "high": 40.0},
        lambda _: {"low": 20.0, "notch": 2},
        lambda _: {"high": 30.0, "order": 1},
        lambda _: {"notch": 1, "quality": 5.0},
    ],
    "pick": [lambda info: {"ch_names": info.ch_names[2::-1]}],
    "rereference": [lambda _: {}, lambda info: {"ref_channels": info.ch_names[:2]}],
}
MADE = [(name, make) for name, makes in REGISTERED.items() for make in makes]


def run(stage: Stage, chunks: Sequence[Chunk]) -> list[Chunk]:
    """Pass chunks through a prepared stage."""
    return [out for chunk in chunks for out in stage.process(chunk)]


def joined(chunks: Sequence[Chunk]) -> Float32:
    return np.concatenate([chunk.data for chunk in chunks])


def chunk_of(info: StreamInfo, data: Any, index: int = 0) -> Chunk:
    rows = np.array(data, np.float32).reshape(-1, *info.sample_shape)
    times = (index + np.arange(len(rows))) / info.sfreq
    return Chunk(info.name, index, times, rows)


# The laws ---------------------------------------------------------------------------


def test_no_registered_stage_is_forgotten() -> None:
    declared = entry_points(group="rtpipe.stages")
    ours = {each.name for each in declared if each.module.startswith("rtpipe.")}
    assert ours == set(REGISTERED)


@pytest.mark.parametrize("stream", ["muse", "armband"])
@pytest.mark.parametrize(("name", "make"), MADE)
def test_registered_stages_keep_the_laws(
    name: str,
    make: Callable[[StreamInfo], dict[str, Any]],
    stream: str,
    request: pytest.FixtureRequest,
) -> None:
    info: StreamInfo = request.getfixturevalue(stream)
    check_stage(find("stages", name)(**make(info)), info)


def test_gaps_keep_the_laws(muse: StreamInfo, armband: StreamInfo) -> None:
    check_stage(Gaps(), muse)
    check_stage(Gaps(longest=0.0), armband)
    check_stage(Gaps(), replace(muse, sample_shape=(4, 2, 3)))


def test_a_chain_keeps_the_laws(muse: StreamInfo) -> None:
    stages = (
        Gaps(),
        Rereference(),
        Filter(low=1, high=40, notch=1),
        ChannelScale(prior=(20.0,) * 4, worth=100),
        Pick(ch_names=("AF8", "TP9")),
    )
    check_stage(Chain(stages), muse)
    check_stage(Chain(()), muse)
    after = Chain(stages).prepare(muse)
    assert after.ch_names == ("AF8", "TP9")
    assert after.units == ("none", "none")


def test_a_stage_keeps_its_settings() -> None:
    stage = Filter(low=1, high=40)
    before = vars(stage).copy()
    info = StreamInfo("s", 256.0, ("a",), ("eeg",), ("uV",))
    check_stage(stage, info)
    assert {key: vars(stage)[key] for key in before} == before


# Gaps -------------------------------------------------------------------------------


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


# Filter -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "design"),
    [
        (
            {"low": 1.0, "high": 40.0},
            [signal.butter(4, (1, 40), "bandpass", fs=256, output="sos")],
        ),
        (
            {"low": 20.0, "order": 2},
            [signal.butter(2, 20, "highpass", fs=256, output="sos")],
        ),
        (
            {"high": 30.0, "notch": 3},
            [
                signal.butter(4, 30, "lowpass", fs=256, output="sos"),
                signal.tf2sos(*signal.iirnotch(50, 30, 256)),
                signal.tf2sos(*signal.iirnotch(100, 30, 256)),
            ],  # 150 Hz is above half the rate
        ),
    ],
)
def test_filter_is_scipys_over_the_whole(
    settings: dict[str, Any], design: list[Array], muse: StreamInfo
) -> None:
    whole, stage = noise(muse, 3000), Filter(**settings)
    assert stage.prepare(muse) == muse
    found = joined(run(stage, cut(whole, [1, 0, 30, 700, 2])))
    sos = np.concatenate(design)
    for k in range(4):
        x = whole.data[:, k].astype(float)
        want, _ = signal.sosfilt(sos, x, zi=signal.sosfilt_zi(sos) * x[0])
        # float32 once, at the end: half a unit in the last place.
        np.testing.assert_allclose(found[:, k], want, rtol=1e-6, atol=1e-6)


def response(stage: Stage, info: StreamInfo, seconds: int = 40) -> tuple[Array, Array]:
    """Return the frequencies and the gain, measured with an impulse."""
    n = round(seconds * info.sfreq)
    data = np.zeros((n, *info.sample_shape))
    data[1] = 1e4  # not the first sample: the filter starts from rest there
    after = stage.prepare(info)
    out = joined(run(stage, [chunk_of(after, data)]))[1:, 0].astype(float) / 1e4
    freqs: Array = np.fft.rfftfreq(n - 1, 1 / info.sfreq).astype(np.float64)
    return freqs, np.abs(np.fft.rfft(out)).astype(np.float64)


def gain_at(hertz: float, measured: tuple[Array, Array]) -> float:
    return float(20 * np.log10(np.interp(hertz, *measured)))


@pytest.mark.parametrize(
    ("low", "high", "order"),
    [(1.0, 40.0, 4), (8.0, 13.0, 2), (20.0, None, 4), (None, 30.0, 3)],
)
def test_the_edges_of_the_band_are_at_half_the_power(
    low: float | None, high: float | None, order: int, muse: StreamInfo
) -> None:
    measured = response(Filter(low=low, high=high, order=order), muse)
    for edge in (low, high):
        if edge is not None:
            assert gain_at(edge, measured) == pytest.approx(-3.01, abs=0.05)
    middle = math.sqrt(low * high) if low and high else 100.0 if low else 1.0
    assert gain_at(middle, measured) == pytest.approx(0, abs=0.01)
    if high:
        assert gain_at(2 * high, measured) < -6 * order
    if low:
        assert gain_at(low / 2, measured) < -6 * order


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_notches_are_where_the_mains_are(mains: float, muse: StreamInfo) -> None:
    measured = response(Filter(notch=2, quality=30), replace(muse, mains=mains))
    for hertz in (mains, 2 * mains):
        assert gain_at(hertz, measured) < -30
        freqs, gain = measured
        inside = (np.abs(freqs - hertz) < 6) & (gain < math.sqrt(0.5))
        width = inside.sum() * freqs[1]
        assert width == pytest.approx(hertz / 30, abs=2 * freqs[1])
    assert gain_at(mains * 0.8, measured) == pytest.approx(0, abs=0.1)
    other = 110 - mains
    assert gain_at(other, measured) == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize(
    "settings", [{"low": 1.0, "high": 40.0}, {"low": 20.0, "notch": 1}, {"high": 9.0}]
)
def test_an_offset_does_not_ring(settings: dict[str, Any], muse: StreamInfo) -> None:
    stage = Filter(**settings)
    stage.prepare(muse)
    constant = np.full((500, 4), 50_000.0)  # an electrode's offset, in uV
    out = joined(run(stage, [chunk_of(muse, constant)]))
    want = 0 if "low" in settings else 50_000
    # Sections in a row round a large offset to 1e-10 of itself.
    np.testing.assert_allclose(out, want, rtol=1e-6, atol=1e-4)


def test_after_a_gap_the_filter_starts_anew(muse: StreamInfo) -> None:
    whole, stage = noise(muse, 600), Filter(low=1, high=40)
    stage.prepare(muse)
    later = chunk_of(muse, whole.data[300:] + 700, index=900)
    after = joined(run(stage, [chunk_of(muse, whole.data[:300]), later])[1:])
    stage.prepare(muse)
    alone = joined(run(stage, [later]))
    np.testing.assert_array_equal(after, alone)
    stage.prepare(muse)
    carried = joined(run(stage, [whole])[:])[300:]
    assert not np.allclose(after, carried, atol=1), "state was dropped, and shows"


def test_a_filter_of_frames(muse: StreamInfo) -> None:
    frames = replace(muse, sample_shape=(4, 2, 3))
    stage = Filter(low=1, high=40)
    check_stage(stage, frames, 300)
    whole = noise(frames, 300)
    stage.prepare(frames)
    found = joined(run(stage, [whole]))
    stage.prepare(replace(muse, ch_names=("a",), ch_types=("misc",), units=("none",)))
    flat = Filter(low=1, high=40)
    flat.prepare(muse)
    one = joined(run(flat, [chunk_of(muse, whole.data[:, :, 1, 2])]))
    np.testing.assert_array_equal(found[:, :, 1, 2], one)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"low": 1.0, "high": 128.0}, r"muse: a pass band from 1.0 to 128.0 Hz .* 256"),
        ({"low": 40.0, "high": 30.0}, "muse: a pass band from 40.0 to 30.0 Hz does"),
        ({"low": 130.0}, "muse: a pass band from 130.0 to None Hz does not fit a rate"),
        ({"low": -1.0}, "muse: a pass band from -1.0 to None Hz does not fit"),
        ({}, "muse: a filter with no edge and no notch"),
    ],
)
def test_a_filter_that_does_not_fit(
    settings: dict[str, Any], said: str, muse: StreamInfo
) -> None:
    with pytest.raises(ValueError, match=said):
        Filter(**settings).prepare(muse)


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


# Quality ----------------------------------------------------------------------------

SPAN = 2  # seconds, as the pipeline judges


def brain(info: StreamInfo, seed: int = 0) -> Array:
    """Return two seconds of what an electrode on skin gives: slow, 15 uV."""
    n = round(SPAN * info.sfreq)
    rng = np.random.default_rng(seed)
    slow = signal.butter(2, 12, fs=info.sfreq, output="sos")
    data: Array = signal.sosfilt(slow, rng.standard_normal((n + 500, 4)), axis=0)[500:]
    data *= 15 / data.std(0)
    return data


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_each_verdict(mains: float, muse: StreamInfo) -> None:
    info = replace(muse, mains=mains)
    time = np.arange(round(SPAN * info.sfreq)) / info.sfreq
    good = brain(info)
    rng = np.random.default_rng(1)
    hum = 40 * np.sin(2 * np.pi * mains * time)
    other = 40 * np.sin(2 * np.pi * (110 - mains) * time)
    muscle = 60 * rng.standard_normal(len(time))
    railed = np.where(np.arange(len(time)) % 10 == 0, 999.5, good[:, 2])

    def words(*channels: Array | float) -> tuple[str, ...]:
        columns = [np.broadcast_to(channel, time.shape) for channel in channels]
        return judge(np.column_stack(columns).astype(np.float32), info)

    assert words(*good.T) == ("good",) * 4
    assert words(good[:, 0] + 400, good[:, 1] - 400, good[:, 2], good[:, 3]) == (
        ("good",) * 4
    )
    assert words(3.0, railed, good[:, 2] + hum, good[:, 3] + muscle) == (
        "flat",
        "railed",
        "mains",
        "noisy",
    )
    assert words(-1000.0, 0.0, good[:, 2] + other / 2, hum) == (
        "flat",  # at its rail, too
        "flat",
        "good",
        "mains",
    )


def test_little_at_the_rails_is_no_verdict(muse: StreamInfo) -> None:
    data = brain(muse).astype(np.float32)
    data[:20] = 999.5  # 20 of 512 are 3.9 %
    assert "railed" not in judge(data, muse)
    data[:30] = 999.5  # 5.9 %
    assert judge(data, muse) == ("railed",) * 4
    assert "railed" not in judge(data, replace(muse, rails=None))


def test_muscle_is_noise_to_an_eeg_alone(muse: StreamInfo) -> None:
    rng = np.random.default_rng(0)
    data = (60 * rng.standard_normal((512, 4))).astype(np.float32)
    assert judge(data, muse) == ("noisy",) * 4
    assert judge(data, replace(muse, ch_types=("emg",) * 4)) == ("good",) * 4
    assert judge(data, replace(muse, units=("none",) * 4)) == ("good",) * 4


@pytest.mark.parametrize("kind", ["eeg", "emg", "misc"])
def test_a_value_that_no_electrode_has_is_noise_to_all(
    kind: str, muse: StreamInfo
) -> None:
    """And no warning of an overflow reaches a person: here it would be an error."""
    largest = np.finfo(np.float32).max
    rng = np.random.default_rng(0)
    data = brain(muse).astype(np.float32)
    data[:, 0] = largest
    data[:, 1] = rng.choice([-largest, largest], len(data))
    data[7, 2] = -1e20
    info = replace(muse, ch_types=(kind,) * 4, rails=None, units=("V",) * 4)
    assert judge(data, info) == ("flat", "noisy", "noisy", "good")
    rails = (-float(largest), float(largest))
    assert judge(data, replace(info, rails=rails))[1] == "railed"


@pytest.mark.parametrize("stage", [Filter(low=1.0), Rereference()])
def test_what_float32_does_not_hold_is_infinite_and_no_warning(
    stage: Stage, muse: StreamInfo
) -> None:
    largest = np.finfo(np.float32).max
    rows = np.full((100, 4), largest)
    rows[:, 1:] *= -1
    rows[50:] *= -1
    stage.prepare(muse)
    (out,) = stage.process(chunk_of(muse, rows))
    assert np.isposinf(out.data[50:, 1]).any() or np.isposinf(out.data[:, 0]).any()
    assert not np.isnan(out.data).any()


def test_frames_are_not_judged(muse: StreamInfo) -> None:
    frames = replace(muse, sample_shape=(4, 2, 3))
    assert judge(np.zeros((10, 4, 2, 3), np.float32), frames) == ("good",) * 4


@pytest.mark.parametrize("n_times", [1, 2, 3, 15])
def test_a_stream_too_slow_for_a_spectrum_is_not_judged(
    muse: StreamInfo, n_times: int
) -> None:
    slow = replace(muse, sfreq=n_times / 2)
    assert judge(np.ones((n_times, 4), np.float32), slow) == ("good",) * 4

"""Every feature keeps the laws; then each is checked against an independent answer."""

import io
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import linalg, signal

from rtpipe.features.concat import Concat
from rtpipe.features.covariance import LogCovariance
from rtpipe.features.spectrum import BANDS, BandPower, Psd
from rtpipe.features.timedomain import (
    Hjorth,
    Hudgins,
    LogRms,
    MeanAbsoluteValue,
    Rms,
    SlopeSignChanges,
    WaveformLength,
    ZeroCrossings,
)

Array = NDArray[np.float64]
SFREQ, N_TIMES, CH_NAMES = 256.0, 512, ["TP9", "AF7", "AF8", "TP10"]
SIZE: dict[str, Any] = {"sfreq": SFREQ, "n_times": N_TIMES}

# TorchScript is deprecated in torch, and still what a bundle is.

FEATURES = [
    pytest.param(MeanAbsoluteValue(), id="mav"),
    pytest.param(ZeroCrossings(), id="zc"),
    pytest.param(ZeroCrossings(threshold=5), id="zc-threshold"),
    pytest.param(SlopeSignChanges(), id="ssc"),
    pytest.param(SlopeSignChanges(threshold=5), id="ssc-threshold"),
    pytest.param(WaveformLength(), id="wl"),
    pytest.param(Rms(), id="rms"),
    pytest.param(LogRms(), id="log-rms"),
    pytest.param(Hjorth(), id="hjorth"),
    pytest.param(Hudgins(), id="hudgins"),
    pytest.param(Hudgins(zc_threshold=1, ssc_threshold=2, log=True), id="hudgins-log"),
    pytest.param(LogCovariance(), id="log-covariance"),
    pytest.param(LogCovariance(shrinkage=0, centre=False), id="log-covariance-raw"),
    pytest.param(BandPower(**SIZE), id="band-fft"),
    pytest.param(BandPower(**SIZE, n_per_segment=256, log=True), id="band-welch-log"),
    pytest.param(BandPower(**SIZE, relative=True), id="band-relative"),
    pytest.param(BandPower(**SIZE, relative=True, log=True), id="band-relative-log"),
    pytest.param(Concat(Hudgins(), BandPower(**SIZE), LogCovariance()), id="concat"),
    pytest.param(Concat(Concat(Rms()), Hjorth()), id="concat-nested"),
]


def windows(batch: int = 5, seed: int = 0) -> torch.Tensor:
    """Return noise of 20 units rms, each channel with an offset and a gain."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch, len(CH_NAMES), N_TIMES))
    gain, offset = np.array([1, 2, 0.5, 3]), np.array([0, 10, -40, 3])
    return torch.from_numpy((20 * x * gain[:, None] + offset[:, None]).astype("f4"))


def per_channel(x: torch.Tensor, feature: Callable[[list[float]], float]) -> Array:
    return np.array([[feature(ch) for ch in window] for window in x.tolist()])


# The laws ---------------------------------------------------------------------------


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("batch", [1, 2, 7])
def test_one_named_float32_column_a_feature(feature: Any, batch: int) -> None:
    y = feature(windows(batch))
    names = feature.names(CH_NAMES)
    assert y.shape == (batch, len(names))
    assert y.dtype == torch.float32
    assert y.is_contiguous()
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("feature", FEATURES)
def test_input_is_not_modified(feature: torch.nn.Module) -> None:
    x = windows()
    feature(x)
    assert torch.equal(x, windows())


@pytest.mark.parametrize("feature", FEATURES)
def test_a_window_alone_or_in_a_batch(feature: torch.nn.Module) -> None:
    x = windows(7)
    whole = feature(x)
    alone = torch.cat([feature(x[i : i + 1]) for i in range(7)])
    torch.testing.assert_close(whole, alone)
    torch.testing.assert_close(feature(x.flip(0)), whole.flip(0))
    assert not torch.allclose(whole[0], whole[1]), "the windows should differ"


@pytest.mark.parametrize("feature", FEATURES)
def test_a_view_gives_the_same_as_its_copy(feature: torch.nn.Module) -> None:
    across = windows().transpose(1, 2).contiguous().transpose(1, 2)
    torch.testing.assert_close(feature(across), feature(windows()))


@pytest.mark.parametrize("feature", FEATURES)
def test_finite_on_dead_channels(feature: torch.nn.Module) -> None:
    x = torch.zeros(4, len(CH_NAMES), N_TIMES)
    x[1] = 12345.678  # flat, with an offset whose mean float32 has to round
    x[2, 1:] = windows(1)[0, 1:]  # one channel dead, the others alive
    x[3] = 1e-30  # squares to less than float32 can hold
    assert torch.isfinite(feature(x)).all()


@pytest.mark.parametrize("feature", FEATURES)
def test_scripted_saved_and_loaded_equals_eager(feature: torch.nn.Module) -> None:
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(feature), file)
    file.seek(0)
    scripted = torch.jit.load(file)  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        for batch in (3, 1, 3, 8):  # again, and other sizes: it may specialise
            x = windows(batch, seed=batch)
            torch.testing.assert_close(scripted(x), feature(x))


# Waveform ---------------------------------------------------------------------------


def crossings(x: list[float], threshold: float) -> float:
    count = 0
    for a, b in pairwise(x):
        changes = (a < 0 and b >= 0) or (a >= 0 and b < 0)
        count += changes and bool(abs(np.float32(b) - np.float32(a)) >= threshold)
    return count


def turns(x: list[float], threshold: float) -> float:
    count = 0
    for a, b, c in zip(x[:-2], x[1:-1], x[2:], strict=True):
        extreme = (b > a and b > c) or (b < a and b < c)
        steps = abs(np.float32(b) - np.float32(a)), abs(np.float32(c) - np.float32(b))
        count += extreme and bool(max(steps) >= threshold)
    return count


def length(x: list[float]) -> float:
    return math.fsum(abs(b - a) for a, b in pairwise(x))


def mav(x: list[float]) -> float:
    return math.fsum(map(abs, x)) / len(x)


def rms(x: list[float]) -> float:
    return math.sqrt(math.fsum(v * v for v in x) / len(x))


@pytest.mark.parametrize("threshold", [0, 1, 5, 30])
@pytest.mark.parametrize("digits", [None, 0], ids=["real", "integers"])
def test_counts_are_those_of_a_loop(threshold: float, digits: int | None) -> None:
    x = windows() if digits is None else (windows() / 10).round()  # ties and zeros
    zc, ssc = ZeroCrossings(threshold=threshold), SlopeSignChanges(threshold=threshold)
    np.testing.assert_array_equal(
        zc(x), per_channel(x, lambda c: crossings(c, threshold))
    )
    np.testing.assert_array_equal(ssc(x), per_channel(x, lambda c: turns(c, threshold)))


def test_counts_by_hand() -> None:
    x = torch.tensor([[[1.0, -1, 0, 0, -3, -3, 2, 0, 0, 1]]])
    assert ZeroCrossings()(x).item() == 4  # 1 -1, -1 0, 0 -3, -3 2: zero is positive
    assert ZeroCrossings(threshold=2)(x).item() == 3  # a step of 2 counts
    assert SlopeSignChanges()(x).item() == 2  # -1 and 2: a plateau is no turn
    assert SlopeSignChanges(threshold=3)(x).item() == 1  # of 2, by the step before it


def test_amplitudes_are_those_of_a_loop() -> None:
    x = windows()
    for feature, loop in [
        (MeanAbsoluteValue(), mav),
        (WaveformLength(), length),
        (Rms(), rms),
        (LogRms(), lambda c: math.log(rms(c))),
    ]:
        np.testing.assert_allclose(feature(x), per_channel(x, loop), rtol=1e-5)


def test_hudgins_is_its_four_parts() -> None:
    x, zc, ssc = windows(), ZeroCrossings(threshold=4), SlopeSignChanges(threshold=6)
    parts = Concat(MeanAbsoluteValue(), zc, ssc, WaveformLength())
    hudgins = Hudgins(zc_threshold=4, ssc_threshold=6)
    assert torch.equal(hudgins(x), parts(x))
    assert hudgins.names(CH_NAMES) == parts.names(CH_NAMES)

    logs = Hudgins(zc_threshold=4, ssc_threshold=6, log=True)
    want = parts(x).unflatten(1, (4, -1))
    want[:, [0, 3]] = want[:, [0, 3]].log()
    torch.testing.assert_close(logs(x), want.flatten(1))
    assert logs.names(["a"]) == ["log_mav_a", "zc_a", "ssc_a", "log_wl_a"]


def test_floors_are_reached_by_a_dead_channel() -> None:
    dead = torch.zeros(1, 1, 8)
    assert LogRms(floor=0.5)(dead).item() == pytest.approx(math.log(0.5))
    want = [math.log(0.5), 0, 0, math.log(0.5)]
    assert Hudgins(log=True, floor=0.5)(dead)[0].tolist() == pytest.approx(want)
    log_power = BandPower(sfreq=8, n_times=8, bands={"a": (1, 2)}, log=True, floor=0.01)
    assert log_power(dead).item() == pytest.approx(-2)
    assert LogCovariance(floor=0.1)(dead).item() == pytest.approx(math.log(0.1))


def hjorth(x: Array) -> list[Array]:
    def mobility(y: Array) -> Array:
        return np.asarray(np.sqrt(np.var(np.diff(y), axis=-1) / np.var(y, axis=-1)))

    return [np.var(x, axis=-1), mobility(x), mobility(np.diff(x)) / mobility(x)]


def test_hjorth_is_numpys() -> None:
    x = windows()
    want = np.concatenate(hjorth(x.numpy().astype(float)), axis=-1)
    # 40 units of offset on 10 of signal cost float32 about 2 digits of its 7.
    np.testing.assert_allclose(Hjorth()(x), want, rtol=2e-5)
    assert Hjorth().names(["a", "b"])[1:4] == ["activity_b", "mobility_a", "mobility_b"]


def test_hjorth_of_a_sine() -> None:
    t = torch.arange(8192, dtype=torch.float64) / 8192
    x = (3 * torch.sin(2 * torch.pi * 16 * t)).float()[None, None]
    activity, mobility, complexity = Hjorth()(x)[0].tolist()
    assert activity == pytest.approx(3**2 / 2, rel=1e-5)
    assert mobility * 8192 == pytest.approx(2 * math.pi * 16, rel=1e-3)  # rad/s
    assert complexity == pytest.approx(1, rel=1e-2)


def test_hjorth_of_a_dead_channel() -> None:
    assert Hjorth()(torch.zeros(1, 1, 64)).tolist() == [[0, 0, 0]]
    assert Hjorth()(torch.full((1, 1, 64), 0.1))[0, 1:].tolist() == [0, 0]


# Covariance -------------------------------------------------------------------------

# SciPy warns that its own answer is off by 1e-12, where float32 is compared.
scipys_logm = pytest.mark.filterwarnings("ignore:logm result may be:RuntimeWarning")


@scipys_logm
@pytest.mark.parametrize("scale", [1e-6, 1, 1e4], ids=["volts", "units", "counts"])
def test_log_covariance_is_scipys_logm(scale: float) -> None:
    x = windows() * scale
    feature = LogCovariance(shrinkage=0.1, floor=1e-30)
    got = feature(x)
    row, column = np.triu_indices(4)
    for y, window in zip(got, x.numpy().astype(float), strict=True):
        cov = np.cov(window, bias=True)
        cov = 0.9 * cov + 0.1 * np.trace(cov) / 4 * np.eye(4)
        want = linalg.logm(cov)[row, column] * np.where(row == column, 1, math.sqrt(2))
        np.testing.assert_allclose(y, want, rtol=1e-6, atol=1e-6)
    assert feature.names(["a", "b"]) == ["logm_a_a", "logm_a_b", "logm_b_b"]


@scipys_logm
def test_log_covariance_keeps_the_log_euclidean_distance() -> None:
    x = windows(2)
    a, b = LogCovariance(shrinkage=0)(x)
    logs = [linalg.logm(np.cov(w, bias=True)) for w in x.numpy().astype(float)]
    distance = linalg.norm(logs[0] - logs[1])
    assert torch.linalg.vector_norm(a - b).item() == pytest.approx(distance, rel=1e-5)


def test_log_covariance_uncentred_and_fully_shrunk() -> None:
    x = windows(1)
    power = x.double().square().mean().item()
    got = LogCovariance(shrinkage=1, centre=False)(x)[0]
    want = torch.eye(4)[tuple(torch.triu_indices(4, 4))] * math.log(power)
    torch.testing.assert_close(got, want)
    assert not torch.allclose(LogCovariance(shrinkage=1)(x)[0], want)


def test_log_covariance_after_a_common_average_reference() -> None:
    x = windows()
    x = x - x.mean(1, keepdim=True)  # rank 3 of 4
    assert LogCovariance()(x).abs().max() < 20  # log of variances, not of errors
    floored = LogCovariance(shrinkage=0, floor=1e-3)(x)
    assert torch.isfinite(floored).all()


# Spectrum ---------------------------------------------------------------------------


@pytest.mark.parametrize("n", [512, 256, 100, 101, 77])
def test_psd_is_scipys_welch(n: int) -> None:
    x = windows()
    psd = Psd(**SIZE, n_per_segment=n)
    freqs, want = signal.welch(x.numpy().astype(float), SFREQ, nperseg=n)
    np.testing.assert_allclose(psd.freqs, freqs, rtol=1e-12)
    # Bin 0 holds what float32 leaves of the removed mean, small against the others.
    np.testing.assert_allclose(psd(x), want, rtol=1e-4, atol=1e-6 * want.max())


def test_psd_of_one_segment_is_scipys_periodogram() -> None:
    x = windows()
    want = signal.periodogram(x.numpy().astype(float), SFREQ, window="hann")[1]
    np.testing.assert_allclose(Psd(**SIZE)(x), want, rtol=1e-4, atol=1e-6 * want.max())


# MNE wants another taper and no overlap by default, and keeps both ends of a band.
def test_band_power_is_mnes_density_summed() -> None:
    from mne.time_frequency import psd_array_welch  # slow to import

    x = windows()
    density, freqs = psd_array_welch(
        x.numpy().astype(float),
        SFREQ,
        n_fft=256,
        n_overlap=128,
        window="hann",
        verbose="error",
    )
    bands = {
        name: (freqs >= low) & (freqs < high) for name, (low, high) in BANDS.items()
    }
    want = [
        density[..., inside].sum(-1) * (freqs[1] - freqs[0])
        for inside in bands.values()
    ]
    got = BandPower(**SIZE, n_per_segment=256)(x)
    np.testing.assert_allclose(got, np.concatenate(want, -1), rtol=1e-4)


@pytest.mark.parametrize("n_per_segment", [None, 256])
def test_power_of_a_sine_is_in_its_band(n_per_segment: int | None) -> None:
    t = torch.arange(N_TIMES, dtype=torch.float64) / SFREQ
    x = 1000 + 7 * torch.sin(2 * torch.pi * 10 * t + 0.3)
    power = BandPower(**SIZE, n_per_segment=n_per_segment)(x.float()[None, None])[0]
    alpha = list(BANDS).index("alpha")
    assert power[alpha].item() == pytest.approx(7**2 / 2, rel=1e-4)
    assert power.sum().item() == pytest.approx(7**2 / 2, rel=1e-4)


def test_bands_that_touch_share_no_bin() -> None:
    x = windows()
    parts = BandPower(**SIZE, bands={"a": (2, 8), "b": (8, 20)})(x).unflatten(
        1, (2, -1)
    )
    torch.testing.assert_close(parts.sum(1), BandPower(**SIZE, bands={"c": (2, 20)})(x))


def test_relative_and_log_power() -> None:
    x = windows()
    power = BandPower(**SIZE)(x).unflatten(1, (5, -1))
    share = power / power.sum(1, keepdim=True)
    relative = BandPower(**SIZE, relative=True)
    torch.testing.assert_close(relative(x), share.flatten(1))
    torch.testing.assert_close(BandPower(**SIZE, log=True)(x), power.log10().flatten(1))
    both = BandPower(**SIZE, relative=True, log=True)
    torch.testing.assert_close(both(x), share.log10().flatten(1))

    assert BandPower(**SIZE).names(CH_NAMES)[8] == "alpha_TP9"
    assert relative.names(["Cz"])[0] == "relative_delta_Cz"
    assert both.names(["Cz"])[-1] == "log_relative_gamma_Cz"


# Joining, and every raise -----------------------------------------------------------


def test_concat_joins_values_and_names() -> None:
    x = windows()
    both = Concat(Rms(), Hjorth())
    assert torch.equal(both(x), torch.cat([Rms()(x), Hjorth()(x)], -1))
    assert both.names(CH_NAMES) == Rms().names(CH_NAMES) + Hjorth().names(CH_NAMES)


def test_concat_raises() -> None:
    with pytest.raises(ValueError, match="at least one feature"):
        Concat()
    with pytest.raises(ValueError, match="the same name: rms_a, rms_b"):
        Concat(Rms(), Rms()).names(["a", "b"])


@pytest.mark.parametrize("shrinkage", [-0.1, 1.1, math.nan])
def test_log_covariance_raises(shrinkage: float) -> None:
    with pytest.raises(ValueError, match=f"within 0 and 1, not {shrinkage}"):
        LogCovariance(shrinkage=shrinkage)
    with pytest.raises(ValueError, match="floor must be above 0, not 0"):
        LogCovariance(floor=0)


def test_band_power_raises() -> None:
    with pytest.raises(ValueError, match=r"gamma \(30.0-45.0 Hz\) .* half .* 64 .* 32"):
        BandPower(sfreq=64, n_times=64)
    with pytest.raises(
        ValueError, match=r"delta .* no bin of 50 .* 5.12 Hz apart: use"
    ):
        BandPower(sfreq=256, n_times=50)
    with pytest.raises(ValueError, match=r"delta .* no bin of 50 .* wider band"):
        BandPower(sfreq=256, n_times=512, n_per_segment=50)
    with pytest.raises(ValueError, match=r"band x \(8-4 Hz\): give low and high"):
        BandPower(**SIZE, bands={"x": (8, 4)})
    with pytest.raises(ValueError, match="bands is empty"):
        BandPower(**SIZE, bands={})


def test_psd_raises() -> None:
    with pytest.raises(ValueError, match=r"segment of 513 .* window of 512: give 2 to"):
        Psd(**SIZE, n_per_segment=513)
    with pytest.raises(ValueError, match=r"segment of 1 "):
        Psd(sfreq=256, n_times=1)
    with pytest.raises(ValueError, match="made for 512 samples, got 511"):
        Psd(**SIZE)(windows()[..., 1:])


def test_scripted_raises_too() -> None:
    with pytest.raises(torch.jit.Error, match="made for 512 samples, got 511"):
        torch.jit.script(BandPower(**SIZE))(windows()[..., 1:])

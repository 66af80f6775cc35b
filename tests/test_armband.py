"""What is computed of an armband's windows, against plain loops; and the net on it."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import linalg, special
from torch import Tensor, nn

from rtpipe.checks import check_feature
from rtpipe.features.armband import ArmbandFeatures, Effort
from rtpipe.registry import find

Array = NDArray[Any]
# TorchScript is deprecated in torch, and still what a bundle is.
# SciPy's logarithm is off by 1e-13, and says so; the features are float32.
pytestmark = pytest.mark.filterwarnings("ignore:logm result may be inaccurate")


def samples(n: int, n_channels: int = 8, seed: int = 0) -> Array:
    """Return counts as an armband sends them, (n_channels, n), none like the last."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(n_channels, n_channels)) * rng.uniform(1, 12, n_channels)
    x = np.rint(mixing @ rng.standard_normal((n_channels, n)))
    for k in range(1, n):
        if k % 7 == 3:
            x[:, k] = x[:, k - 1]
        if (x[:, k] == x[:, k - 1]).all():
            x[0, k] += 1  # one channel alone has changed
    return x


def held(x: Array, times: Array) -> Array:
    """Hold each sample for as many rows as `times` says."""
    return np.repeat(x, times, axis=1)


def nine_rows(n: int, seed: int = 0) -> Array:
    """Return how long each sample is held: nine rows on average."""
    return np.random.default_rng(seed).integers(7, 12, n)


def plain(window: Array, shrinkage: float = 0.1, noise: float = 0.3) -> Array:
    """Return the features of one window, (n_channels, n_times), as the text says."""
    rows = [window[:, 0].astype(float)]
    for k in range(1, window.shape[1]):
        if any(window[:, k] != window[:, k - 1]):
            rows.append(window[:, k].astype(float))
    differences = [b - a for a, b in pairwise(rows)]
    n_channels = len(window)
    found: list[float] = []
    for several in (rows, differences):
        s = np.zeros((n_channels, n_channels))
        for one in several:
            s += np.outer(one, one) / len(several)
        ridge = shrinkage * np.trace(s) / n_channels + noise
        log = linalg.logm((1 - shrinkage) * s + ridge * np.eye(n_channels))
        for i in range(n_channels):
            for j in range(i, n_channels):
                found.append(log[i, j].real * (1 if i == j else np.sqrt(2)))
    for several in (rows, differences):
        for c in range(n_channels):
            mean = np.mean([abs(one[c]) for one in several]) if several else 0.0
            found.append(np.log(mean + np.sqrt(noise)))
    for several in (rows, differences):
        for c in range(n_channels):
            changes = [a[c] * b[c] < 0 for a, b in pairwise(several)]
            found.append(np.mean(changes) if changes else 0.0)
    return np.array(found)


def described(module: nn.Module, *windows: Array) -> Array:
    x = torch.from_numpy(np.stack(windows).astype(np.float32))
    with torch.inference_mode():
        found: Array = module(x).numpy()
    return found


def some_windows() -> list[Array]:
    """Return windows of 200 rows: held as UCI's are, held not at all, few samples."""
    windows = [
        held(samples(40, seed=k), nine_rows(40, seed=k))[:, 13 * k :][:, :200]
        for k in range(4)
    ]
    windows.append(samples(200))
    windows.append(held(samples(3), np.array([1, 150, 49])))
    windows.append(held(samples(2), np.array([60, 140])))
    windows.append(held(samples(1), np.array([200])))
    return windows


# Features ---------------------------------------------------------------------------


@pytest.mark.parametrize(("shrinkage", "noise"), [(0.1, 0.3), (0.005, 2.0), (0.5, 0.1)])
def test_features_are_those_of_loops(shrinkage: float, noise: float) -> None:
    module = ArmbandFeatures(8, shrinkage=shrinkage, noise=noise)
    windows = some_windows()
    wanted = [plain(window, shrinkage, noise) for window in windows]
    np.testing.assert_allclose(
        described(module, *windows), wanted, rtol=2e-5, atol=1e-5
    )


@pytest.mark.parametrize("n_channels", [1, 3])
def test_features_of_other_armbands(n_channels: int) -> None:
    window = held(samples(30, n_channels), nine_rows(30))
    found = described(ArmbandFeatures(n_channels), window)
    np.testing.assert_allclose(found[0], plain(window), rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_how_long_samples_are_held_changes_nothing(seed: int) -> None:
    x = samples(25, seed=seed)
    times = np.random.default_rng(seed).integers(1, 30, 25)
    module = ArmbandFeatures(8)
    once = described(module, x)
    np.testing.assert_allclose(
        described(module, held(x, times)), once, rtol=1e-5, atol=1e-6
    )
    other = x.copy()
    other[2, 12] += 1  # it could fail: one count of one sample is seen
    assert not np.allclose(described(module, held(other, times)), once, rtol=1e-5)


def test_a_sample_that_comes_back_counts_again() -> None:
    x = samples(6)
    again = np.concatenate((x, x), axis=1)  # its last row differs from its first
    found, once = described(ArmbandFeatures(8), again)[0], plain(again)
    np.testing.assert_allclose(found, once, rtol=2e-5, atol=1e-5)


def test_the_laws_of_features() -> None:
    check_feature(ArmbandFeatures(8), 8, 200)
    check_feature(ArmbandFeatures(4, shrinkage=0.01), 4, 50)


def test_scripted_alone_and_in_a_batch() -> None:
    module = ArmbandFeatures(8)
    windows = some_windows()
    wanted = described(module, *windows)
    scripted = torch.jit.script(module)
    for size in (len(windows), 3, 1, 3):  # again: it may specialise
        found = described(scripted, *windows[:size])
        np.testing.assert_allclose(found, wanted[:size], rtol=1e-5, atol=1e-6)
    alone = [described(module, window)[0] for window in windows]
    np.testing.assert_allclose(alone, wanted, rtol=1e-5, atol=1e-6)


def test_silence_is_finite_and_all_the_same() -> None:
    zeros, flat = np.zeros((8, 200)), np.full((8, 200), 3.0)
    found = described(ArmbandFeatures(8), zeros, zeros)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[0], found[1])
    assert np.isfinite(described(ArmbandFeatures(8), flat)).all()


def test_names_say_what_the_columns_are() -> None:
    names = ArmbandFeatures(2).names(["A", "B"])
    assert names == [
        "logm_A_A",
        "logm_A_B",
        "logm_B_B",
        "logm_diff_A_A",
        "logm_diff_A_B",
        "logm_diff_B_B",
        *("log_mav_A", "log_mav_B", "log_wl_A", "log_wl_B"),
        *("zc_A", "zc_B", "ssc_A", "ssc_B"),
    ]
    quiet, loud = samples(50, 2), samples(50, 2)
    loud[1] *= 8
    before, after = described(ArmbandFeatures(2, shrinkage=0), quiet, loud)
    louder = {n for n, d in zip(names, after - before, strict=True) if d > 1}
    assert louder == {"logm_B_B", "logm_diff_B_B", "log_mav_B", "log_wl_B"}


def test_windows_are_not_modified() -> None:
    x = torch.from_numpy(samples(200)[None].astype(np.float32))
    before = x.clone()
    ArmbandFeatures(8)(x)
    assert torch.equal(x, before)


# Effort -----------------------------------------------------------------------------


@pytest.mark.parametrize("n_channels", [2, 8])
def test_effort_is_a_step_of_the_mean_log_amplitude(n_channels: int) -> None:
    names = ArmbandFeatures(n_channels).names([f"E{k}" for k in range(n_channels)])
    loudness = [k for k, name in enumerate(names) if name.startswith("log_mav_")]
    windows = [0.01 * 2**k * samples(60, n_channels) for k in range(14)]
    features = np.array([plain(window) for window in windows], np.float32)
    level = features[:, loudness].mean(1)
    for silence, width in ((1.5, 0.2), (2.0, 1.0)):
        weigh = Effort(n_channels, silence=silence, width=width)
        found = weigh(torch.from_numpy(features)).numpy()
        wanted = special.expit((level - silence) / width)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-7)
        assert found.min() < 0.1 < 0.9 < found.max()
    others = np.setdiff1d(np.arange(len(names)), loudness)
    features[:, others] = 1e3
    same = weigh(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(same, found, rtol=1e-6)


# The net ----------------------------------------------------------------------------

N_FEATURES, N_OUTPUTS = 7, 4
SEEN = pytest.mark.parametrize("sees_shift", [False, True])
SEEN_RAW = pytest.mark.parametrize("sees_raw", [False, True])


def net(**settings: Any) -> Any:
    torch.manual_seed(0)
    mean, scale = torch.randn(N_FEATURES), torch.rand(N_FEATURES) + 0.5
    few = {"n_outputs": N_OUTPUTS, "n_heads": 3, "n_hidden": 16}
    return find("models", "gesturenet")(mean, scale, **{**few, **settings}).eval()


def seen(n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return features, and the running mean and scale of each."""
    torch.manual_seed(1)
    shape = (n, N_FEATURES)
    return 2 * torch.randn(shape), torch.randn(shape), torch.rand(shape) + 0.5


def by_hand(made: nn.Module, f: Array, mean: Array, scale: Array) -> Array:
    """Return logits by the weights' names alone, (n, n_outputs)."""
    weights = {key: value.double().numpy() for key, value in made.state_dict().items()}
    usual, spread = weights["mean"], weights["scale"]
    parts = [(f - mean) / scale]
    if made.sees_raw:
        parts.append((f - usual) / spread)
    if made.sees_shift:
        parts.append(0.3 * (mean - usual) / spread)
    x = np.clip(np.concatenate(parts, axis=1), -5, 5)
    total = np.zeros((len(f), N_OUTPUTS))
    for head in range(3):
        y = x
        for layer in (0, 3, 6):
            name = f"heads.{head}.{layer}"
            y = y @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
            if layer < 6:
                y = y / (1 + np.exp(-y))
        total += special.log_softmax(y, axis=1) / 3
    return total


@SEEN
@SEEN_RAW
def test_the_net_is_a_mean_of_log_softmaxes(sees_shift: bool, sees_raw: bool) -> None:
    made = net(sees_shift=sees_shift, sees_raw=sees_raw)
    told = seen(9)
    wanted = by_hand(made, *(each.double().numpy() for each in told))
    with torch.inference_mode():
        found = made(*told).numpy()
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
        alike = made(told[0], told[1][0], told[2][0])  # one mean and scale for all
    spread = [np.broadcast_to(each[0].numpy(), (9, N_FEATURES)) for each in told[1:]]
    wanted = by_hand(made, told[0].numpy(), *spread)
    np.testing.assert_allclose(alike.numpy(), wanted, rtol=1e-4, atol=1e-5)


@SEEN
@SEEN_RAW
def test_the_net_scripted(sees_shift: bool, sees_raw: bool) -> None:
    made = net(sees_shift=sees_shift, sees_raw=sees_raw)
    scripted = torch.jit.script(made)
    with torch.inference_mode():
        for n in (5, 1, 5):
            told = seen(n)
            torch.testing.assert_close(scripted(*told), made(*told))


def test_a_feature_far_off_says_no_more_than_far() -> None:
    made = net(sees_raw=True)
    _, mean, scale = seen(1)
    with torch.inference_mode():
        far = made(torch.full((1, N_FEATURES), 1e3), mean, scale)
        torch.testing.assert_close(
            made(torch.full((1, N_FEATURES), 1e6), mean, scale), far
        )
        assert not torch.allclose(made(mean, mean, scale), far, atol=1e-3)


def test_the_net_learns_one_batch() -> None:
    made = net(dropout=0.0)
    f, mean, scale = seen(32)
    target = torch.arange(32) % N_OUTPUTS
    inputs = made.inputs(f, mean, scale)
    optimiser = torch.optim.Adam(made.parameters(), lr=1e-2)
    for _ in range(80):
        optimiser.zero_grad()
        loss = sum(nn.functional.cross_entropy(e, target) for e in made.each(inputs))
        assert isinstance(loss, Tensor)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.inference_mode():
        assert torch.equal(made(f, mean, scale).argmax(1), target)


def test_dropout_is_of_training_alone() -> None:
    made, told = net(), seen(6)
    assert torch.equal(made(*told), made(*told))
    made.train()
    assert not torch.equal(made(*told), made(*told))

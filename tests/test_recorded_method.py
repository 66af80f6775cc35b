"""What suits a stream: windows, filters and features by its type, and the fit."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rtpipe.bundle import Bundle
from rtpipe.card import read_card
from rtpipe.errors import ConfigError
from rtpipe.features.armband import ArmbandFeatures
from rtpipe.stages.filter import Filter
from rtpipe.training.evaluate import best, evaluate
from rtpipe.training.recipe import train
from rtpipe.training.recordedfit import fit, method
from rtpipe.training.synthetic import record
from rtpipe.types import StreamInfo

from .cuedrecordings import LABELS, script, signal, write


def info(kind: str, sfreq: float, unit: str = "uV", n: int = 4) -> StreamInfo:
    names = tuple(f"C{k}" for k in range(n))
    return StreamInfo("s", sfreq, names, (kind,) * n, (unit,) * n)


@pytest.mark.parametrize(
    ("stream", "n_times", "hop", "settings"),
    [
        (info("emg", 2000), 400, 100, {"low": 20.0, "notch": 4}),
        (info("emg", 200), 40, 10, {"low": 20.0, "notch": 4}),
        (info("emg", 60), 12, 3, None),
        (info("emg", 200, "none"), 40, 10, None),
        (info("eeg", 256), 256, 64, {"low": 4.0, "high": 45.0}),
        (info("eeg", 100), 100, 25, {"low": 4.0, "high": 45.0}),
        (info("eeg", 80), 80, 20, {"low": 4.0}),
        (info("misc", 100), 20, 5, None),
    ],
)
def test_windows_and_filters_by_type_and_rate(
    stream: StreamInfo, n_times: int, hop: int, settings: dict[str, float] | None
) -> None:
    way = method(stream, None)
    assert (way.n_times, way.hop) == (n_times, hop)
    assert [each.settings for each in way.stages] == ([settings] if settings else [])
    for each in way.stages:
        Filter(**each.settings).prepare(stream)
    x = np.random.default_rng(0).standard_normal((5, 4, n_times)).astype(np.float32)
    features = way.features(torch.from_numpy(x))
    assert features.shape[0] == 5
    assert torch.isfinite(features).all()
    counts = stream.units[0] == "none"
    assert isinstance(way.features, ArmbandFeatures) == counts


def test_a_window_of_one_s_own() -> None:
    assert method(info("eeg", 256), 2.0).n_times == 512
    assert method(info("emg", 200), 0.3).n_times == 60
    with pytest.raises(ConfigError, match=r"a window of 0.2 s has 4 samples of s, and"):
        method(info("emg", 20), None)


def test_channels_of_the_commonest_type() -> None:
    stream = StreamInfo(
        "s", 250, ("Fp1", "Oz", "trigger"), ("eeg", "eeg", "stim"), ("uV", "uV", "none")
    )
    way = method(stream, None)
    assert (way.ch_names, way.units) == (("Fp1", "Oz"), ("uV", "uV"))


def test_a_trigger_channel_is_left_out(tmp_path: Path) -> None:
    did, marks = script(LABELS * 2)
    x = np.column_stack([signal(did, 1), np.arange(len(did)) % 2 * 1e6])
    kinds = ("EMG", "EMG", "EMG", "stim")
    path = write(tmp_path / "1.xdf", x.astype(np.float32), marks, kinds=kinds)
    train("gesture", path, tmp_path / "out", [])
    card = read_card(tmp_path / "out" / "gesture.pt")
    assert card.ch_names == ("C0", "C1", "C2")
    assert card.scores["repetitions left out"]["single"]["worst"] > 0.97
    bundle = Bundle.load(tmp_path / "out" / "gesture.pt")
    (job,) = evaluate(bundle, [path], card.decision)
    assert np.mean([best(p) == p.truth for p in job.predictions if p.truth]) > 0.97


def test_the_probabilities_are_those_of_scikit_learn() -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rng = np.random.default_rng(0)
    for n_labels in (2, 4):
        y = np.repeat(np.arange(n_labels), (60, 20, 40, 30)[:n_labels])
        x = rng.standard_normal((len(y), 7)) * rng.uniform(0.1, 9, 7) + y[:, None]
        z = (x - x.mean(0)) / x.std(0)
        lda = LinearDiscriminantAnalysis(
            solver="lsqr", shrinkage="auto", priors=[1 / n_labels] * n_labels
        )
        wanted = lda.fit(z, y).predict_proba(z)
        assert fit(x, y, n_labels).probabilities(x) == pytest.approx(wanted)


def test_a_label_that_was_not_there_is_never_the_answer() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 2], 30)
    shares = fit(rng.standard_normal((60, 4)) + y[:, None], y, 3).probabilities(
        rng.standard_normal((50, 4))
    )
    assert (shares[:, 1] == 0).all()
    assert shares.sum(1) == pytest.approx(np.ones(50))


def test_moods_of_a_synthetic_head(tmp_path: Path) -> None:
    recording = record("eeg", 1_000_001, 120.0)
    marks, on = [], ""
    for event in recording.events:
        if event.kind == "truth" and event.data["task"] == "emotion":
            marks += [(event.index or 0, f"cue off: {on}")] * bool(on)
            on = event.data["label"] or ""
            marks += [(event.index or 0, f"cue on: {on}")] * bool(on)
    path = write(tmp_path / "1.xdf", recording.data, marks, sfreq=256.0, kind="EEG")
    train("gesture", path, tmp_path / "out", ["task=emotion"])
    card = read_card(tmp_path / "out" / "gesture.pt")
    assert (card.task, card.n_times) == ("emotion", 256)
    assert card.scores["repetitions left out"]["smoothed"]["mean"] > 0.8

"""The demo bundles: trained on synthetic signals, shipped with rtpipe.

They show how the tool works on any machine, and nothing about a person. Training uses
even seeds below 10 000, the scores come from odd ones; live runs draw theirs from a
range of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from rtpipe.bundle import Exported, Standardised
from rtpipe.card import Card, StageCard, Training
from rtpipe.decide import Decision
from rtpipe.features.concat import Concat
from rtpipe.features.covariance import LogCovariance
from rtpipe.features.spectrum import BandPower
from rtpipe.features.timedomain import Hudgins
from rtpipe.registry import find
from rtpipe.training import scores
from rtpipe.training.fit import answers, described, fit_head
from rtpipe.training.report import tracked, write_results
from rtpipe.training.synthetic import record
from rtpipe.training.versions import versions
from rtpipe.training.windows import windows
from rtpipe.types import Float32, StreamInfo

DEMO = "DEMO: trained on simulated signals"
SECONDS = 60.0  # of each seed; every state occurs in it
TEST_SEEDS = range(1, 41, 2)

_BANDS = {"theta": (4, 8), "alpha": (8, 13), "beta": (13, 30), "gamma": (30, 45)}
_EDGES = (1, 2.5, 4, 6, 8, 10.5, 13, 18, 24, 30, 45)
_FINE = {f"{a:g}-{b:g}": (a, b) for a, b in pairwise(_EDGES)}


@dataclass(frozen=True)
class _Demo:
    """What one demo is made of; lengths in samples."""

    task: str
    signal: str
    labels: tuple[str, ...]
    n_times: int
    hop: int
    filter: dict[str, Any]
    features: nn.Module
    n_seeds: int
    tried: int  # configurations compared before this one was chosen
    smoothing: int  # windows
    notes: tuple[str, ...] = (DEMO,)


def gesture(out: Path, *, seed: int = 0) -> None:
    """Train the demo of gestures from EMG."""
    _train(
        _Demo(
            task="gesture",
            signal="emg",
            labels=(
                "rest",
                "fist",
                "wrist flexion",
                "wrist extension",
                "radial deviation",
                "ulnar deviation",
            ),
            n_times=50,
            hop=10,
            filter={"low": 15.0, "high": 95.0, "notch": 1},
            features=Hudgins(log=True),
            n_seeds=30,
            tried=8,
            smoothing=5,
        ),
        out,
        seed,
    )


def emotion(out: Path, *, seed: int = 0) -> None:
    """Train the demo of emotions from EEG."""
    power = BandPower(sfreq=256, n_times=512, n_per_segment=256, bands=_BANDS, log=True)
    _train(
        _Demo(
            task="emotion",
            signal="eeg",
            labels=("negative", "neutral", "positive"),
            n_times=512,
            hop=64,
            filter={"low": 4.0, "high": 45.0},
            features=Concat(power, LogCovariance(shrinkage=0.001)),
            n_seeds=80,
            tried=8,
            smoothing=3,
        ),
        out,
        seed,
    )


def seizure(out: Path, *, seed: int = 0) -> None:
    """Train the demo of spike-and-wave seizures from EEG."""
    power = BandPower(sfreq=256, n_times=512, bands=_FINE, log=True)
    _train(
        _Demo(
            task="seizure",
            signal="eeg",
            labels=("background", "seizure"),
            n_times=512,
            hop=64,
            filter={"low": 0.5, "high": 45.0, "order": 2},
            features=Concat(power, Hudgins(log=True), LogCovariance(shrinkage=0.001)),
            n_seeds=60,
            tried=10,
            smoothing=3,
            notes=(DEMO, "Not a medical device"),
        ),
        out,
        seed,
    )


def _train(demo: _Demo, out: Path, seed: int) -> None:
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # more of them only wait for each other on such a head
    train_seeds = range(0, 2 * demo.n_seeds, 2)
    x, y, info = _windows(demo, train_seeds, "making training signals")
    labels = list(demo.labels)
    f = described(demo.features, x)
    mean, scale = f.mean(0), f.std(0).clamp(min=1e-6)
    head = find("models", "perceptron")(
        n_features=f.shape[1], n_hidden=32, n_outputs=len(labels)
    )
    n_epochs = 40
    target = torch.tensor([labels.index(each) for each in y])
    progress = tracked("epochs")(range(n_epochs))
    fit_head(head, (f - mean) / scale, target, len(labels), progress, n_epochs=n_epochs)
    exported = Exported(demo.features, Standardised(head), mean, scale).eval()

    found = _scored(demo, exported)
    card = Card(
        name=f"demo-{demo.task}",
        task=demo.task,
        labels=demo.labels,
        sfreq=info.sfreq,
        ch_names=info.ch_names,
        units=info.units,
        n_times=demo.n_times,
        hop=demo.hop,
        stages=(StageCard(kind="filter", settings=demo.filter),),
        decision=Decision(smoothing="mean", windows=demo.smoothing),
        notes=demo.notes,
        training=Training(
            recipe=f"demo-{demo.task}",
            protocol=f"synthetic:{demo.signal}, {SECONDS:g} s a seed, trained on "
            f"{demo.n_seeds} even seeds from 0, scored on the odd seeds "
            f"{TEST_SEEDS[0]} to {TEST_SEEDS[-1]}, half of each with mains of 50 Hz "
            "and half of 60 Hz, single windows within one label",
            seed=seed,
            simulated=True,
            configurations_tried=demo.tried,
            settings={"n_hidden": 32, "n_epochs": n_epochs, "seconds": SECONDS},
            versions=versions(),
        ),
        scores={key: found[key] for key in ("balanced_accuracy", "recall")},
    )
    write_results(out, f"demo-{demo.task}", exported, card, found, found["confusion"])


def _windows(
    demo: _Demo, seeds: Sequence[int], doing: str
) -> tuple[Float32, list[str], StreamInfo]:
    """Return the labelled windows of several seeds, and the stream's description."""
    stages = (StageCard(kind="filter", settings=demo.filter),)
    parts: list[Float32] = []
    truth: list[str] = []
    for each in tracked(doing)(seeds):
        recording = record(demo.signal, each, SECONDS, 60.0 if each // 2 % 2 else 50.0)
        cut = windows(recording, stages, demo.n_times, demo.hop, demo.task)
        keep = [k for k, label in enumerate(cut.truth) if label is not None]
        parts.append(cut.x[keep])
        truth += [label for label in cut.truth if label is not None]
    return np.concatenate(parts), truth, recording.info


def _scored(demo: _Demo, exported: Exported) -> dict[str, Any]:
    """Return balanced accuracy per seed, recalls and confusion over all seeds."""
    each, truth, given = [], list[str](), list[str]()
    for seed in tracked("scoring")(TEST_SEEDS):
        x, y, _ = _windows(demo, [seed], "")
        found = answers(exported, torch.from_numpy(x), demo.labels)
        each.append(scores.balanced_accuracy(y, found, demo.labels) or 0.0)
        truth, given = truth + y, given + found
    return {
        "balanced_accuracy": scores.over_people(each),
        "recall": scores.recalls(truth, given, demo.labels),
        "confusion": scores.confusion_matrix(truth, given, demo.labels).tolist(),
        "labels": list(demo.labels),
        "n_windows": len(truth),
    }

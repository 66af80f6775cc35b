"""The demo bundles: they are right about synthetic signals, and can be made again."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from rtpipe import build
from rtpipe.bundle import Bundle
from rtpipe.card import read_card
from rtpipe.checks import check_bundle
from rtpipe.config import DEMOS, ModelTable, bundle_path
from rtpipe.registry import find
from rtpipe.runtime.runtime import Runtime
from rtpipe.sinks.collect import Collect
from rtpipe.training import scores
from rtpipe.training.evaluate import best
from rtpipe.training.recipe import train
from rtpipe.types import Prediction

FRESH = 1_000_003  # of the seeds that live runs draw from: never trained on


def judged(
    models: Sequence[ModelTable], signal: str, mains: float
) -> dict[str, list[Prediction]]:
    """Run bundles on a minute of a fresh seed; return their judged predictions."""
    device = find("devices", "synthetic")(
        signal, seed=FRESH, paced=False, mains=mains, duration=60.0
    )
    bundles = build.bundles(tuple(models), "cpu")
    sink = Collect()
    with Runtime([device], bundles, [sink], shared=False, mains=mains) as runtime:
        runtime.wait()
    return {
        name: [p for p in sink.predictions if p.model == name and p.truth]
        for name in runtime.run.models
    }


def decided(found: Sequence[Prediction], labels: Sequence[str]) -> dict[str, float]:
    return scores.recalls(
        [each.truth or "" for each in found], [each.label for each in found], labels
    )


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_a_minute_of_a_fresh_seed(mains: float) -> None:
    models = [ModelTable(path=f"demo:{name}") for name in DEMOS]
    for name, found in judged(models, "both", mains).items():
        card = read_card(bundle_path(name.replace("-", ":", 1)))
        recalls = decided(found, card.labels)
        assert recalls.keys() == set(card.labels)  # every state came
        assert min(recalls.values()) >= 0.75, (name, recalls)
        assert sum(recalls.values()) / len(recalls) >= 0.90, (name, recalls)


@pytest.mark.parametrize("name", DEMOS)
def test_a_shipped_bundle_keeps_the_laws(name: str) -> None:
    path = bundle_path(f"demo:{name}")
    assert path.stat().st_size < 500_000
    check_bundle(path)
    card = read_card(path)
    assert card.training.simulated
    assert "DEMO: trained on simulated signals" in card.notes
    assert ("Not a medical device" in card.notes) == (name == "seizure")
    assert card.training.configurations_tried > 1


@pytest.mark.slow
def test_a_demo_trained_again_is_as_good(tmp_path: Path) -> None:
    train("demo-seizure", None, tmp_path, ["seed=1"])
    again = tmp_path / "demo-seizure.pt"
    accuracies = []
    for path in (str(again), "demo:seizure"):
        ((_, found),) = judged([ModelTable(path=path)], "eeg", 50.0).items()
        truth, given = [p.truth or "" for p in found], [best(p) for p in found]
        labels = read_card(again).labels
        accuracies.append(scores.balanced_accuracy(truth, given, labels) or 0.0)
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.02)
    assert Bundle.load(again).card.training.seed == 1
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["balanced_accuracy"]["worst"] > 0.9
    assert json.loads((tmp_path / "card.json").read_text())["name"] == "demo-seizure"
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_a_seed_is_trained_on_or_used_live_never_both() -> None:
    device = find("devices", "synthetic")("emg", paced=False)
    for _ in range(5):
        device.open()
        (chunk,) = device.read(0.1)
        (seed,) = [e.data["seed"] for e in chunk.events if e.kind == "seed"]
        assert seed >= 1_000_000

"""How a ring of electrodes is worn: features in another order, and evidence for it."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import special, stats

from rtpipe.bundle import Bundle, Exported, Standardised
from rtpipe.card import Placements
from rtpipe.classify import Classifier
from rtpipe.counters import WindowCounters
from rtpipe.decide import Decision
from rtpipe.evidence import RunningEvidence
from rtpipe.features.armband import ArmbandFeatures
from rtpipe.features.placement import Placement, ring
from rtpipe.features.timedomain import LogRms
from rtpipe.latency import Histogram
from rtpipe.pipeline import Due
from rtpipe.ring import Ring
from rtpipe.sink import ModelStatus
from rtpipe.types import Chunk, Event, Prediction

from .cards import small_card

Array = NDArray[Any]


# The ring ---------------------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 4, 8])
def test_a_ring_is_worn_in_every_way_that_keeps_neighbours(n: int) -> None:
    found = ring(n)
    first, *_ = found
    assert (first, found[first]) == ("as in training", list(range(n)))
    orders = {tuple(order) for order in found.values()}
    assert len(found) == len(orders) == 2 * n
    for order in orders:
        steps = {(b - a) % n for a, b in zip(order, order[1:] + order[:1], strict=True)}
        assert steps in ({1}, {n - 1})


def test_placements_have_names_for_a_person() -> None:
    assert list(ring(4)) == [
        "as in training",
        "turned by +1 of 4 electrodes",
        "turned by +2 of 4 electrodes",
        "turned by -1 of 4 electrodes",
        "mirrored",
        "mirrored, turned by +1 of 4 electrodes",
        "mirrored, turned by +2 of 4 electrodes",
        "mirrored, turned by -1 of 4 electrodes",
    ]


@pytest.mark.parametrize("seed", range(3))
def test_channels_in_another_order_have_features_in_another_order(seed: int) -> None:
    """Whatever the order: not of a ring alone."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(8, 8)) * rng.uniform(1, 20, 8)
    x = torch.from_numpy(np.rint(mixing @ rng.standard_normal((8, 150)))[None]).float()
    module = ArmbandFeatures(8)
    for order in (rng.permutation(8).tolist(), ring(8)["mirrored"]):
        found = module(x)[:, module.reordered(order)]
        torch.testing.assert_close(found, module(x[:, order]), rtol=1e-5, atol=1e-5)
        assert not torch.allclose(found, module(x), atol=1e-2)


# Evidence of windows ----------------------------------------------------------------

N, LABELS = 6, 3
ORDERS = [[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3], [5, 4, 3, 2, 1, 0]]


def made() -> tuple[Placement, Array, Array]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(LABELS, N))
    root = rng.normal(size=(N, N))
    covariance = root @ root.T / N + 0.1 * np.eye(N)
    module = Placement(ORDERS, centres, covariance, np.ones(N), 0.0)
    return module, centres, covariance


def windows(n: int) -> list[torch.Tensor]:
    """Return features, running mean and running scale."""
    rng = np.random.default_rng(1)
    told = rng.normal(size=(n, N)), 0.3 * rng.normal(size=(n, N))
    return [torch.from_numpy(e).float() for e in (*told, rng.uniform(0.8, 2, (n, N)))]


def test_evidence_is_the_difference_of_log_likelihoods() -> None:
    module, centres, covariance = made()
    told = windows(7)
    f, mean, scale = (each.double().numpy() for each in told)
    likelihood = np.empty((7, len(ORDERS)))
    for k, order in enumerate(ORDERS):
        z = ((f - mean) / scale)[:, order]
        each = [stats.multivariate_normal(c, covariance).logpdf(z) for c in centres]
        likelihood[:, k] = special.logsumexp(each, axis=0)
    wanted = likelihood - likelihood[:, :1]
    for found in (module(*told), torch.jit.script(module)(*told)):
        assert found.dtype == torch.float64
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-4)
        assert (found[:, 0] == 0).all()
    assert np.abs(wanted).max() > 5


def test_a_feature_far_off_is_no_more_evidence_than_far() -> None:
    module, *_ = made()
    _, mean, scale = windows(1)
    far, farther = mean.clone(), mean.clone()
    far[0, 2], farther[0, 2] = 1e2, 1e9
    assert torch.equal(module(far, mean, scale), module(farther, mean, scale))
    assert not torch.equal(module(far, mean, scale), module(mean, mean, scale))


def test_windows_tell_nothing_while_features_vary_too_little() -> None:
    """As where one gesture was made over and over: what is too little is a share."""
    usual = np.random.default_rng(3).uniform(0.5, 2, N)
    module, centres, covariance = made()
    gated = Placement(ORDERS, centres, covariance, usual, 1.3)
    features, mean, scale = windows(50)
    share = stats.gmean(scale.double().numpy() / usual, axis=1)
    enough = share > 1.3
    assert 10 < enough.sum() < 40
    for told in (gated, torch.jit.script(gated)):
        found = told(features, mean, scale)
        assert found.dtype == torch.float64
        assert torch.equal(found[enough], module(features, mean, scale)[enough])
        assert (found[~enough] == 0).all()


def test_placed_as_in_training() -> None:
    """What is worn in an order has, placed back, the values of training."""
    module, *_ = made()
    trained, *_ = windows(4)
    placement = torch.tensor([2, 0, 1, 1])
    worn = torch.empty_like(trained)
    for row, k in enumerate(placement.tolist()):
        worn[row, ORDERS[k]] = trained[row]
    assert torch.equal(module.placed(worn, placement), trained)
    assert torch.equal(torch.jit.script(module).placed(worn, placement), trained)


# Over a run -------------------------------------------------------------------------


def told(n: int = 60) -> tuple[Array, Array]:
    """Return evidence, and weights: for the third placement at first, then others."""
    rng = np.random.default_rng(2)
    evidence = rng.normal((0, 0.1, 1, 0.2), 3, (n, 4))
    evidence[n // 2 :, 1:] -= 3
    evidence[:, 0] = 0
    return evidence, rng.uniform(0, 1, n).astype(np.float32)


def looped(evidence: Array, weights: Array, lead: float, depth: float) -> list[int]:
    sums, found = [0.0] * 4, []
    for row, weight in zip(evidence, weights, strict=True):
        best = max(range(1, 4), key=lambda j: sums[j])
        found.append(best if sums[best] - lead > sums[0] else 0)
        sums = [
            total + float(weight) * one for total, one in zip(sums, row, strict=True)
        ]
        sums = [max(total, max(sums) - depth) for total in sums]
    return found


@pytest.mark.parametrize("lead", [0.5, 6.0, 1e3])
@pytest.mark.parametrize("deeper", [1.0, 5.0, 1e4])
def test_a_placement_is_taken_when_it_leads(lead: float, deeper: float) -> None:
    evidence, weights = told()
    found = RunningEvidence(4, lead, lead + deeper).advance(evidence, weights)
    assert found.tolist() == looped(evidence, weights, lead, lead + deeper)
    assert found[0] == 0, "before the first window nothing is known"
    if lead < 10:
        assert {0, 2} <= set(found.tolist())
        assert found[-1] == 0 or deeper == 1.0, "it is given up again"
    else:
        assert not found.any()


@pytest.mark.parametrize("before", [10, 100, 1000])
def test_electrodes_placed_anew_are_found_however_long_they_were_not(
    before: int,
) -> None:
    """In as many windows as it takes to make up for the depth and the lead."""
    one, other = np.array([0.0, 9.0, -5.0]), np.array([0.0, -5.0, 9.0])
    evidence = np.array([one] * before + [other] * 20)
    running = RunningEvidence(3, 20.0, 40.0)
    found = running.advance(evidence, np.ones(len(evidence), np.float32))
    assert found[before - 1] == 1
    assert found[before + 5] == 2


def test_how_windows_are_put_together_changes_nothing() -> None:
    evidence, weights = told()
    whole = RunningEvidence(4, 3.0, 50.0).advance(evidence, weights)
    for at in ([1, 2, 3], [7, 7, 40], list(range(1, 60))):
        running = RunningEvidence(4, 3.0, 50.0)
        cut = zip(np.split(evidence, at), np.split(weights, at), strict=True)
        np.testing.assert_array_equal(
            np.concatenate([running.advance(*part) for part in cut]), whole
        )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_evidence_that_is_not_finite_is_none(value: float) -> None:
    evidence, weights = told()
    broken, heavy = evidence.copy(), weights.copy()
    broken[5, 2], heavy[9] = value, np.nan
    fine = np.delete(np.arange(len(evidence)), [5, 9])
    found = RunningEvidence(4, 3.0, 50.0).advance(broken, heavy)
    wanted = RunningEvidence(4, 3.0, 50.0).advance(evidence[fine], weights[fine])
    np.testing.assert_array_equal(found[fine], wanted)


# In a run ---------------------------------------------------------------------------


def classifier() -> Classifier:
    """Two labels on two channels: loud on the one, or loud on both."""
    card = small_card(
        labels=("one", "both"),
        sfreq=100,
        n_times=50,
        hop=50,
        adapts=1e6,
        placements=Placements(names=tuple(ring(2))[::2], lead=30.0, depth=60.0),
    )
    head = torch.nn.Linear(2, 2)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))
        head.bias.copy_(torch.tensor([-1.0, 1.0]))
    place = Placement(
        [[0, 1], [1, 0]],
        np.array([[2.0, 0.0], [2.0, 2.0]]),
        0.1 * np.eye(2),
        np.ones(2),
        0.0,
    )
    module = Exported(
        LogRms(), Standardised(head), torch.zeros(2), torch.ones(2), place=place
    )
    counters = {name: WindowCounters() for name in ("as", "mirrored")}
    status = ModelStatus("loud", "loud", card.labels, (), counters, Histogram())
    made = Classifier(Bundle(card, module), status, Decision(smoothing="none"))
    made.warm_up()
    return made


def test_a_stream_worn_otherwise_is_told_once_and_answered_as_if_not() -> None:
    made = classifier()
    rng = np.random.default_rng(3)
    x = rng.standard_normal((1000, 2)).astype(np.float32) * [np.exp(2), 1]
    due, rings = [], []
    for name, order in (("as", [0, 1]), ("mirrored", [1, 0])):
        samples = Ring((2,), 1024)
        data = np.ascontiguousarray(x[:, order], np.float32)
        times = np.arange(1000) / 100
        samples.write(Chunk(name, 0, times, data, missing=0 * data[:, 0]))
        rings.append(samples)
        due += [
            Due(name, "loud", samples, k, k + 50, 0, k / 100, 0.0, 0.0, 0.0, 0.0, None)
            for k in range(0, 1000, 50)
        ]
    due.sort(key=lambda each: (each.start, each.stream))
    found = [item for at in range(0, 40, 8) for item in made.answer(due[at : at + 8])]
    for each in rings:
        each.close()
    events = [item for item in found if isinstance(item, Event)]
    assert [(e.stream, e.kind, e.data["placement"]) for e in events] == [
        ("mirrored", "placement", "mirrored")
    ]
    (event,) = events
    told = {"model": "loud", "placement": "mirrored"}
    (at,) = (e for e in due if (e.stream, e.stop - 1) == ("mirrored", event.index))
    assert event == Event("mirrored", at.end, "placement", at.stop - 1, told)
    assert made.status.placement == {"mirrored": "mirrored"}
    answers: dict[str, dict[int, Array]] = {"as": {}, "mirrored": {}}
    for item in found:
        if isinstance(item, Prediction):
            row = np.array(list(item.probabilities.values()))
            answers[item.stream][item.index] = row
    assert event.index is not None
    assert 49 < event.index < 500
    assert found.index(event) + 1 == next(
        k
        for k, item in enumerate(found)
        if isinstance(item, Prediction)
        and (item.stream, item.index) == ("mirrored", event.index)
    )
    for index, wanted in answers["as"].items():
        assert wanted.argmax() == 0
        other = answers["mirrored"][index]
        if index < event.index:
            assert other.argmax() == 1
        else:
            np.testing.assert_allclose(other, wanted, atol=1e-5)


def test_electrodes_that_are_put_right_again_are_told_so() -> None:
    made = classifier()
    rng = np.random.default_rng(4)
    x = rng.standard_normal((2000, 2)).astype(np.float32)
    x[:800, 1] *= np.exp(2)
    x[800:, 0] *= np.exp(2)
    samples = Ring((2,), 2048)
    times = np.arange(2000) / 100
    samples.write(Chunk("mirrored", 0, times, x, missing=0 * x[:, 0]))
    found = [
        item
        for k in range(0, 2000, 50)
        for item in made.answer(
            [Due("mirrored", "loud", samples, k, k + 50, 0, k / 100, *_REST)]
        )
    ]
    samples.close()
    events = [item for item in found if isinstance(item, Event)]
    names = [each.data["placement"] for each in events]
    assert names == ["mirrored", "as in training"]
    assert made.status.placement == {}, "as in training is nothing to be told of"


_REST: Any = (0.0, 0.0, 0.0, 0.0, None)

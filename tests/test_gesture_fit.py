"""The fits of the recipe `gesture`: what they learn, and on whom epochs are chosen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rtpipe.features.armband import Effort
from rtpipe.training import gesturefit
from rtpipe.training.gesturefit import choose_epochs, fit_net, fit_person
from rtpipe.training.gestureruns import PHASES, GestureRun, random_order, recorded_order

from .gestureruns import accuracy, few, made_run


@pytest.mark.parametrize("phase", range(PHASES))
def test_random_order_keeps_stretches_whole(phase: int) -> None:
    run = made_run("01")
    rng = np.random.default_rng(0)
    orders = [random_order(run, rng, phase) for _ in range(5)]
    for order in orders:
        assert sorted(order) == list(recorded_order(run, phase))
        # As a circle each stretch is met once, from its first window to its last.
        segment = run.segment[order]
        edges = np.flatnonzero(segment != np.roll(segment, 1))
        assert len(edges) == 12
        circle = np.roll(order, -edges[0])
        for part in np.split(
            circle, np.cumsum(np.diff([*edges, edges[0] + len(order)]))
        ):
            assert (np.diff(part) == PHASES).all()
    firsts = {tuple(dict.fromkeys(run.segment[order])) for order in orders}
    assert len(firsts) == 5, "the order is another one each time"
    assert any(run.segment[o[0]] == run.segment[o[-1]] for o in orders), "begun within"


def test_heads_learn_what_is_there_to_learn() -> None:
    runs = [made_run(f"{k:02}", seed=k) for k in range(3)]
    model = fit_net(runs, Effort(8), few(), 6, seed=0)
    new = made_run("new", seed=9)
    order = recorded_order(new)
    found = model.probabilities(new, order)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    assert accuracy(found, new, order) > 0.95
    untrained = fit_net(runs, Effort(8), few(lr=1e-9), 6, seed=0)
    assert accuracy(untrained.probabilities(new, order), new, order) < 0.6


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_order_of_gestures_is_learnt_only_when_asked(shuffled: bool) -> None:
    """Two pairs of gestures look the same; the running mean tells what came before."""
    told: dict[str, Any] = {"sequence": (0, 2, 1, 3), "looks": (0, 0, 1, 1), "each": 50}
    runs = [made_run(f"{k:02}", seed=k, **told) for k in range(6)]
    quick = few(n_epochs=40, batch=16, dropout=0.1, worth=5.0, lr=5e-3)
    model = fit_net(runs, Effort(8), replace(quick, shuffled=shuffled), 4, seed=0)
    new = made_run("new", seed=9, **told)
    order = recorded_order(new)
    found = accuracy(model.probabilities(new, order), new, order)
    assert found < 0.6 if shuffled else found > 0.75


def test_grids_of_a_run_may_hold_far_more_windows_than_others() -> None:
    """The schedule is as long as the fullest grids ask for, not their average."""
    run = made_run("01", sequence=(0, 1) * 30, each=6)
    run.label[np.arange(len(run.label)) % PHASES != 2] = -1
    model = fit_net([run] * 3, Effort(8), few(batch=2), 6, seed=0)
    assert np.isfinite(model.probabilities(run, recorded_order(run))).all()


def test_a_person_who_never_made_a_gesture_is_never_answered_it() -> None:
    run = made_run("01", sequence=(0, 1, 3, 5) * 2)
    found = fit_person(run, 6).probabilities(run, recorded_order(run))
    assert found.shape == (len(recorded_order(run)), 6)
    np.testing.assert_allclose(found.sum(1), 1)
    assert (found[:, [2, 4]] == 0).all()
    assert accuracy(found, run, recorded_order(run)) > 0.95


def test_nobody_is_held_out_of_the_fit_that_judges_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted: list[tuple[int, frozenset[str]]] = []
    judged: list[tuple[int, str]] = []

    def fit(runs: Sequence[GestureRun], *args: Any, **_: Any) -> Any:
        fitted.append((args[1].n_epochs, frozenset(run.person for run in runs)))
        return fitted[-1][0]

    def judge(model: int, run: GestureRun) -> float:
        judged.append((model, run.person))
        return {10: 0.5, 20: 0.9, 30: 0.7}[model]

    monkeypatch.setattr(gesturefit, "fit_net", fit)
    monkeypatch.setattr(gesturefit, "accuracy", judge)
    runs = [made_run(f"{k:02}", n) for k in range(6) for n in (1, 2)]
    everyone = {run.person for run in runs}
    for seed in range(4):
        fitted.clear()
        judged.clear()
        found = choose_epochs(runs, Effort(8), few(), 6, seed)
        assert found == few(n_epochs=20)
        assert [n for n, _ in fitted] == [10, 20, 30]
        for n, trained in fitted:
            theirs = [person for epochs, person in judged if epochs == n]
            assert trained.isdisjoint(theirs)
            assert trained | set(theirs) == everyone
            assert len(theirs) == 2 * len(set(theirs)) == 4, "both recordings of two"


def test_of_one_person_none_is_held_out() -> None:
    runs = [made_run("01"), made_run("01", 2)]
    assert choose_epochs(runs, Effort(8), few(), 6, 0) == few()

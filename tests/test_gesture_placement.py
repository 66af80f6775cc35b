"""How people wear the armband: found, in training and of a new person."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from rtpipe.features.armband import Effort
from rtpipe.features.placement import Placement
from rtpipe.training.gesturefit import fit_net
from rtpipe.training.gestureplacement import NAMES, ORDERS, as_most
from rtpipe.training.gestureruns import GestureRun, random_order, recorded_order

from .gestureruns import N_FEATURES, accuracy, few, made_run


def worn(run: GestureRun, placement: str) -> GestureRun:
    """Return a run as it would be with the armband placed in another way."""
    features = np.empty_like(run.features)
    features[:, ORDERS[NAMES.index(placement)]] = run.features
    return replace(run, features=features)


OTHERWISE = {"02": "mirrored", "04": "turned by -3 of 8 electrodes"}


def some_worn_otherwise() -> tuple[list[GestureRun], list[GestureRun]]:
    """Return runs of six people as most wear the armband, and as these do."""
    alike = [made_run(f"{k:02}", n, seed=9 * k + n) for k in range(6) for n in (1, 2)]
    as_they_do = [
        worn(run, OTHERWISE[run.person]) if run.person in OTHERWISE else run
        for run in alike
    ]
    return alike, as_they_do


def test_people_are_trained_on_as_if_they_wore_it_as_most_do() -> None:
    alike, as_they_do = some_worn_otherwise()
    for found, wanted in zip(as_most(as_they_do, Effort(8)), alike, strict=True):
        np.testing.assert_array_equal(found.features, wanted.features)
        assert (found.person, found.number) == (wanted.person, wanted.number)
    for found, wanted in zip(as_most(alike, Effort(8)), alike, strict=True):
        np.testing.assert_array_equal(found.features, wanted.features)


def test_how_a_new_person_wears_it_is_found_without_labels() -> None:
    _, as_they_do = some_worn_otherwise()
    model = fit_net(as_most(as_they_do, Effort(8)), Effort(8), few(), 6, seed=0)
    new = made_run("new", seed=99)
    order = random_order(new, np.random.default_rng(1))
    half = len(order) // 2
    for placement in ("as in training", "mirrored", "turned by +1 of 8 electrodes"):
        told = replace(worn(new, placement), label=np.full_like(new.label, -1))
        found = model.probabilities(told, order)[half:]
        assert accuracy(found, new, order[half:]) > 0.95
    blind = replace(model, place=Placement([range(N_FEATURES)] * 16, *_NOTHING))
    found = blind.probabilities(worn(new, "mirrored"), order)[half:]
    assert accuracy(found, new, order[half:]) < 0.6


def test_one_gesture_over_and_over_tells_nothing_of_how_it_is_worn() -> None:
    runs = [made_run(f"{k:02}", seed=k) for k in range(3)]
    model = fit_net(runs, Effort(8), few(), 6, seed=0)
    np.testing.assert_array_equal(model.place.usual.numpy(), model.prior.scale)

    def told(sequence: Sequence[int]) -> NDArray[np.bool_]:
        """Return which windows are evidence, in a run without an end."""
        new = made_run("new", sequence=sequence, seed=9)
        seen = model.prior.seen(new, recorded_order(new))
        evidence = model.place(*map(torch.from_numpy, seen)).numpy()
        return np.asarray((evidence != 0).any(axis=1))

    assert told((0, 1, 2, 3, 4, 5) * 20).all()
    alone = told((4,) * 60)
    assert alone[0], "at first nobody knows that it will be the only one"
    assert not alone[len(alone) // 2 :].any()


_NOTHING = np.zeros((1, N_FEATURES)), np.eye(N_FEATURES), np.ones(N_FEATURES), 0.0

"""Fit gesture models on runs whose features are adapted as they will be live."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor, nn

from rtpipe.evidence import RunningEvidence
from rtpipe.features.placement import Placement
from rtpipe.registry import find
from rtpipe.training.gestureplacement import DEPTH, LEAD, ORDERS, fit_placement
from rtpipe.training.gestureruns import (
    N_CHANNELS,
    PHASES,
    GestureRun,
    Order,
    Prior,
    random_order,
    recorded_order,
    weights,
)
from rtpipe.types import Float64

EPOCHS = (10, 20, 30)  # lengths of the schedule that are compared


@dataclass(frozen=True)
class Settings:
    """Of one model; chosen on recordings 1 only.

    Parameters
    ----------
    worth : float
        How many windows the prior of the running moments counts as.
    sees_shift, sees_raw : bool
        See `rtpipe.models.gesturenet.GestureNet`.
    n_epochs : int
        Over which the learning rate goes up and down.
    shuffled : bool
        Whether each epoch sees each run's stretches in a new random order.
    """

    worth: float = 40.0
    sees_shift: bool = True
    sees_raw: bool = False
    dropout: float = 0.6
    n_heads: int = 4
    n_hidden: int = 256
    n_epochs: int = 20
    batch: int = 256
    lr: float = 2e-3
    weight_decay: float = 1e-2
    smoothing: float = 0.05
    shuffled: bool = True


@dataclass(frozen=True, eq=False)
class Fitted:
    """A head, the prior of its running moments, and what tells the placement.

    Parameters
    ----------
    head : GestureNet
        Features, mean and scale to logits.
    prior : Prior
    place : Placement
    """

    head: Any
    prior: Prior
    place: Placement

    def probabilities(self, run: GestureRun, order: Order) -> Float64:
        """Return what a live run would have answered, shape (n_windows, n_labels)."""
        seen = [torch.from_numpy(each) for each in self.prior.seen(run, order)]
        weight = weights(run, self.prior.weigh)[order]
        with torch.inference_mode():
            told = RunningEvidence(len(ORDERS), LEAD, DEPTH)
            found = told.advance(self.place(*seen).numpy(), weight)
            at = torch.from_numpy(found)
            logits = self.head(*(self.place.placed(each, at) for each in seen))
            probabilities: Float64 = logits.softmax(1).double().numpy()
        return probabilities


@dataclass(frozen=True, eq=False)
class PersonModel:
    """Discriminant analysis with shrinkage on the log-covariance of one person.

    Nothing is standardised, for the distance between log-covariances has a meaning of
    its own; nothing is adapted, for the person and the placement are those trained on.

    Parameters
    ----------
    lda : LinearDiscriminantAnalysis
    n_labels : int
        Of all people; a person may not have made every gesture.
    """

    lda: LinearDiscriminantAnalysis
    n_labels: int

    def probabilities(self, run: GestureRun, order: Order) -> Float64:
        """Return the probabilities of windows, shape (n_windows, n_labels)."""
        found = np.zeros((len(order), self.n_labels))
        found[:, self.lda.classes_] = self.lda.predict_proba(_covariances(run, order))
        return found


def fit_net(
    runs: Sequence[GestureRun],
    weigh: nn.Module,
    settings: Settings,
    n_labels: int,
    seed: int,
    step: Callable[[], None] = lambda: None,
) -> Fitted:
    """Fit the heads of a `GestureNet` side by side, and what tells the placement.

    Every recording of a person holds the gestures in one order. Running moments could
    tell from it how far the experiment has come, and so which gesture is next; so each
    epoch sees each run's stretches in a new random order, begun anywhere, unless the
    settings say otherwise.

    Parameters
    ----------
    runs : sequence of GestureRun
        Placed as one, see `rtpipe.training.gestureplacement.as_most`.
    weigh : Module
        How much a window counts in the running moments.
    settings : Settings
    n_labels, seed : int
    step : callable
        Called after each epoch.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    prior = Prior.of(runs, weigh, settings.worth, ORDERS)
    net = find("models", "gesturenet")(
        torch.from_numpy(prior.mean).float(),
        torch.from_numpy(prior.scale).float(),
        n_outputs=n_labels,
        n_heads=settings.n_heads,
        n_hidden=settings.n_hidden,
        dropout=settings.dropout,
        sees_shift=settings.sees_shift,
        sees_raw=settings.sees_raw,
    )
    optimiser = torch.optim.AdamW(
        net.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    loss = nn.CrossEntropyLoss(label_smoothing=settings.smoothing)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.lr, total_steps=_n_steps(runs, settings), pct_start=0.1
    )
    for _ in range(settings.n_epochs):
        net.train()
        inputs, labels = _epoch(runs, net, prior, rng, settings.shuffled)
        for rows in torch.split(torch.randperm(len(labels)), settings.batch):
            optimiser.zero_grad()
            each = net.each(inputs[rows])
            sum(loss(one, labels[rows]) for one in each).backward()
            optimiser.step()
            schedule.step()
        step()
    net.eval()
    orders = [
        (run, random_order(run, rng, phase)) for run in runs for phase in range(PHASES)
    ]
    place = fit_placement(
        [prior.seen(run, order) for run, order in orders],
        [run.label[order] for run, order in orders],
        prior,
    )
    return Fitted(net, prior, place)


def choose_epochs(
    runs: Sequence[GestureRun],
    weigh: nn.Module,
    settings: Settings,
    n_labels: int,
    seed: int,
    step: Callable[[], None] = lambda: None,
) -> Settings:
    """Return the settings with the number of epochs held-out people fare best with.

    A fifth of the people of the training runs is held out; whole schedules are
    compared, for the end of a schedule is worth more than the middle of a longer one.
    Of one person none can be held out: the settings stay.
    """
    people = sorted({run.person for run in runs})
    if len(people) < 2:
        return settings
    held = set(np.random.default_rng(seed).permutation(people)[: len(people) // 5 + 1])
    kept = [run for run in runs if run.person not in held]
    best, most = settings, -1.0
    for n_epochs in EPOCHS:
        tried = replace(settings, n_epochs=n_epochs)
        model = fit_net(kept, weigh, tried, n_labels, seed, step)
        scores = [accuracy(model, run) for run in runs if run.person in held]
        if np.mean(scores) > most:
            best, most = tried, float(np.mean(scores))
    return best


def accuracy(model: Fitted, run: GestureRun) -> float:
    """Return the share of a run's labelled windows answered rightly, each alone."""
    order = recorded_order(run)
    label = run.label[order]
    right = model.probabilities(run, order).argmax(1) == label
    return float(right[label >= 0].mean())


def fit_person(run: GestureRun, n_labels: int) -> PersonModel:
    """Fit one person's model on every labelled window of a recording, of all grids."""
    labelled = run.label >= 0
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2)
    lda.fit(_covariances(run, labelled), run.label[labelled])
    return PersonModel(lda, n_labels)


def _covariances(run: GestureRun, rows: NDArray[Any]) -> Float64:
    """Return the log-covariances of windows, (n_windows, n_covariances)."""
    return run.features[rows, : N_CHANNELS * (N_CHANNELS + 1) // 2].astype(np.float64)


def _n_steps(runs: Sequence[GestureRun], settings: Settings) -> int:
    """Return how many steps there will be, or a few more: grids differ in windows."""
    n_windows = sum(int((run.label >= 0).sum()) for run in runs) // PHASES
    usual = int(1.05 * n_windows) // settings.batch + 2
    most = sum(
        max(int((run.label[phase::PHASES] >= 0).sum()) for phase in range(PHASES))
        for run in runs
    )
    return settings.n_epochs * max(usual, -(-most // settings.batch))


def _epoch(
    runs: Sequence[GestureRun],
    net: Any,
    prior: Prior,
    rng: np.random.Generator,
    shuffled: bool,
) -> tuple[Tensor, Tensor]:
    """Return what the heads see of the labelled windows of a grid a run, and labels."""
    inputs, labels = [], []
    for run in runs:
        phase = int(rng.integers(PHASES))
        order = (
            random_order(run, rng, phase) if shuffled else recorded_order(run, phase)
        )
        seen = net.inputs(*map(torch.from_numpy, prior.seen(run, order)))
        labelled = torch.from_numpy(run.label[order])
        inputs.append(seen[labelled >= 0])
        labels.append(labelled[labelled >= 0])
    return torch.cat(inputs), torch.cat(labels)

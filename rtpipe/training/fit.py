"""Fit a head on features that are computed once."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from rtpipe.types import Float32

EVALUATED_AT_ONCE = 256  # windows; larger batches only cost memory


def described(features: nn.Module, windows: Float32) -> Tensor:
    """Return the features of windows, shape (n_windows, n_features)."""
    with torch.inference_mode():
        parts = [
            features(torch.from_numpy(np.ascontiguousarray(part)))
            for part in np.array_split(windows, -(-len(windows) // EVALUATED_AT_ONCE))
        ]
    return torch.cat(parts).clone()


def fit_head(
    head: nn.Module,
    x: Tensor,
    y: Tensor,
    n_labels: int,
    epochs: Iterable[int],
    *,
    n_epochs: int,
    lr: float = 3e-3,
    weight_decay: float = 1e-3,
    batch: int = 256,
    smoothing: float = 0.02,
) -> None:
    """Train a head with AdamW and one cycle of the learning rate, classes balanced.

    Parameters
    ----------
    head : Module
        (batch, n_features) to logits; its parameters are changed.
    x : Tensor, shape (n_windows, n_features)
        Standardised.
    y : Tensor of int64, shape (n_windows,)
    n_labels : int
    epochs : iterable of int
        What is gone through once an epoch: ``range(n_epochs)``, or a progress bar.
    n_epochs : int
    lr, weight_decay : float
    batch : int
    smoothing : float
        Of the labels.
    """
    counts = torch.bincount(y, minlength=n_labels).clamp(min=1)
    loss = nn.CrossEntropyLoss(
        weight=len(y) / (n_labels * counts.float()), label_smoothing=smoothing
    )
    optimiser = torch.optim.AdamW(head.parameters(), lr=lr, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, lr, total_steps=n_epochs * -(-len(y) // batch)
    )
    head.train()
    for _ in epochs:
        for rows in torch.split(torch.randperm(len(y)), batch):
            optimiser.zero_grad()
            loss(head(x[rows]), y[rows]).backward()
            optimiser.step()
            schedule.step()
    head.eval()


def answers(
    classify: Callable[[Tensor], Tensor], x: Tensor, labels: Sequence[str]
) -> list[str]:
    """Return the most probable label of each row of features."""
    with torch.inference_mode():
        return [labels[k] for k in classify(x).argmax(1).tolist()]

"""Small heads on features that are seen three ways, averaged."""

import torch
from torch import Tensor, nn


class GestureNet(nn.Module):
    """The normalised geometric mean of a few two-layer heads.

    A head sees the features standardised by the running moments of the run; how far
    the running mean has moved from the training's, which tells what person and what
    placement this is; and, for people it was trained on, the features standardised
    by the training's moments.

    Parameters
    ----------
    mean, scale : Tensor, shape (n_features,)
        Over the training windows.
    n_outputs : int
    n_heads, n_hidden : int
    dropout : float
    sees_shift : bool
        Whether the heads see how far the running mean has moved.
    sees_raw : bool
        Whether they see the features standardised by the training's moments.
    """

    def __init__(
        self,
        mean: Tensor,
        scale: Tensor,
        *,
        n_outputs: int,
        n_heads: int = 4,
        n_hidden: int = 256,
        dropout: float = 0.6,
        sees_shift: bool = True,
        sees_raw: bool = False,
    ) -> None:
        super().__init__()
        self.sees_shift, self.sees_raw = sees_shift, sees_raw
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        n_inputs = len(mean) * (1 + sees_shift + sees_raw)
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(n_inputs, n_hidden),
                nn.SiLU(),
                nn.Dropout(dropout),
                nn.Linear(n_hidden, n_hidden),
                nn.SiLU(),
                nn.Dropout(dropout),
                nn.Linear(n_hidden, n_outputs),
            )
            for _ in range(n_heads)
        )

    def forward(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """Return logits, shape (batch, n_outputs).

        Parameters
        ----------
        features : Tensor, shape (batch, n_features)
        mean, scale : Tensor, shape (n_features,) or (batch, n_features)
            Running moments of the features.
        """
        return self.each(self.inputs(features, mean, scale)).log_softmax(2).mean(0)

    def inputs(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """Return what the heads see, shape (batch, n_inputs)."""
        parts = [(features - mean) / scale]
        if self.sees_raw:
            parts.append((features - self.mean) / self.scale)
        if self.sees_shift:
            shift = 0.3 * (mean - self.mean) / self.scale
            parts.append(shift.expand_as(features))
        # Clamped, for a feature far from all that was trained on says no more than far.
        return torch.cat(parts, dim=1).clamp(-5.0, 5.0)

    def each(self, inputs: Tensor) -> Tensor:
        """Return the logits of each head, shape (n_heads, batch, n_outputs)."""
        answers: list[Tensor] = []
        for head in self.heads:
            answers.append(head(inputs))
        return torch.stack(answers)

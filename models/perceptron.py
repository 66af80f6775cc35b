"""A multilayer perceptron with one hidden layer."""

from torch import Tensor, nn


class Perceptron(nn.Module):
    """Linear, ReLU, dropout, linear: from standardised features to logits.

    Parameters
    ----------
    n_features, n_hidden, n_outputs : int
    dropout : float
    """

    def __init__(
        self, *, n_features: int, n_hidden: int, n_outputs: int, dropout: float = 0.3
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, n_hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(n_hidden, n_outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (batch, n_outputs), of (batch, n_features)."""
        logits: Tensor = self.layers(x)
        return logits

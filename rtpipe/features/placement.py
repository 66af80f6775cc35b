"""Which way round a ring of electrodes is worn, told from windows without labels."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rtpipe.types import Float64


def ring(n_channels: int) -> dict[str, list[int]]:
    """Return the ways a ring of electrodes can be worn, the first as in training.

    Returns
    -------
    dict of list of int
        By its name for a person, the order the channels are to be taken in to be what
        they would be in the first.
    """
    found: dict[str, list[int]] = {}
    for mirrored in (False, True):
        order = list(range(n_channels))[:: -1 if mirrored else 1]
        for turn in range(n_channels):
            parts = ["mirrored"] if mirrored else []
            if turn:
                shift = turn if 2 * turn <= n_channels else turn - n_channels
                parts.append(f"turned by {shift:+d} of {n_channels} electrodes")
            name = ", ".join(parts) or "as in training"
            found[name] = order[n_channels - turn :] + order[: n_channels - turn]
    return found


class Placement(nn.Module):
    """How probable a window is in each placement of the electrodes.

    In another placement the same movement gives the same features in another order.
    Windows are taken to be drawn from Gaussians of one covariance, a label each, all
    as probable. For features standardised by running moments, z, in the order of a
    placement,

        log p(z) = logsumexp over labels of -(z - c)^T S^-1 (z - c) / 2 + constant.

    Parameters
    ----------
    orders : sequence of sequence of int, shape (n_placements, n_features)
        Where each feature stands when the electrodes are placed so; the first is 0, 1,
        2, ...
    centres : ndarray, shape (n_labels, n_features)
        c, of standardised features placed as in training.
    covariance : ndarray, shape (n_features, n_features)
        S, positive definite.
    usual : ndarray, shape (n_features,)
        The scale of training, which the running one begins with.
    least : float
        A window is evidence only while the running scale is at least this share of the
        usual one, in the geometric mean over the features.

    Notes
    -----
    Where few of the labels have been made so far, features vary less, and their moments
    are of these labels only: standardised by them, the same movement fits other labels
    in other placements.
    The moments' prior must be the same in every placement, or it would be evidence.
    Computed in float64, for evidence is summed over a run.
    """

    def __init__(
        self,
        orders: Sequence[Sequence[int]],
        centres: Float64,
        covariance: Float64,
        usual: Float64,
        least: float,
    ) -> None:
        super().__init__()
        self.least = least
        self.usual: Tensor
        self.orders: Tensor
        self.whiten: Tensor
        self.centres: Tensor
        self.register_buffer("orders", torch.tensor(orders))
        s = torch.from_numpy(covariance).double()
        whiten = torch.linalg.inv(torch.linalg.cholesky(s)).T.contiguous()
        self.register_buffer("whiten", whiten)
        self.register_buffer("centres", torch.from_numpy(centres).double() @ whiten)
        self.register_buffer("usual", torch.from_numpy(usual).double())

    def forward(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """Return how much more probable than as in training each placement makes it.

        Parameters
        ----------
        features, mean, scale : Tensor, shape (batch, n_features)
            In the order the electrodes are worn in.

        Returns
        -------
        Tensor of float64, shape (batch, n_placements)
            Differences of log-likelihoods; of the first placement zero, and of every
            one where the features have varied too little so far.
        """
        # Clamped as what the heads see is: far off is no more evidence than far.
        z = ((features - mean) / scale).clamp(-5.0, 5.0).double()
        white = z[:, self.orders] @ self.whiten  # (batch, n_placements, n_features)
        squared = (
            white.square().sum(2, keepdim=True)
            - 2 * white @ self.centres.T
            + self.centres.square().sum(1)
        )
        likelihood = torch.logsumexp(-0.5 * squared, 2)
        share = (scale.double() / self.usual).log().mean(1, keepdim=True).exp()
        told = likelihood - likelihood[:, :1]
        return told.masked_fill(share < self.least, 0.0)

    @torch.jit.export
    def placed(self, values: Tensor, placement: Tensor) -> Tensor:
        """Return values of features in the order they have as in training.

        Parameters
        ----------
        values : Tensor, shape (batch, n_features)
        placement : Tensor of int64, shape (batch,)
        """
        return values.gather(1, self.orders[placement])

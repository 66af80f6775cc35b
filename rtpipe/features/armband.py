"""What an armband's window says of a gesture, however often its samples are held."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ArmbandFeatures(nn.Module):
    """Amplitudes, shapes and log-covariances of the distinct samples of a window.

    Some recordings hold each of the armband's samples for several rows (UCI's, for nine
    on average, of varying number). A row equal to the one before is left out, so that
    a sample counts once however long it was held. Of the n distinct samples x and
    their n - 1 differences d, with S the mean of x x^T or of d d^T,

        C = (1 - shrinkage) S + (shrinkage trace(S) / n_channels + noise) I

    the features are the upper triangles of log C, off-diagonals times sqrt(2), for x
    and for d; and per channel log(mean |x| + sqrt(noise)), log(mean |d| +
    sqrt(noise)), the share of neighbours with a sign change (zero crossings) and the
    share of neighbouring differences with one (slope sign changes).

    Parameters
    ----------
    n_channels : int
    shrinkage : float
    noise : float
        Mean square added to powers, in the signal's unit squared, so that silence has a
        logarithm.

    Notes
    -----
    The mean is not removed: the armband's channels are high-pass filtered by itself.
    Computed in float64, as `rtpipe.features.covariance` says why.

    References
    ----------
    .. [1] Hudgins B., Parker P., Scott R. N. (1993). A new strategy for multifunction
       myoelectric control. IEEE Trans. Biomed. Eng. 40 82-94.
       https://doi.org/10.1109/10.204774
    .. [2] Arsigny V., Fillard P., Pennec X., Ayache N. (2006). Log-Euclidean metrics
       for fast and simple calculus on diffusion tensors. Magn. Reson. Med. 56
       411-421. https://doi.org/10.1002/mrm.20965
    """

    def __init__(
        self, n_channels: int, *, shrinkage: float = 0.1, noise: float = 0.3
    ) -> None:
        super().__init__()
        self.n_channels, self.shrinkage, self.noise = n_channels, shrinkage, noise
        rows, columns = torch.triu_indices(n_channels, n_channels)
        weights = torch.where(rows == columns, 1.0, 2.0**0.5).double()
        self.rows: Tensor
        self.columns: Tensor
        self.weights: Tensor
        self.eye: Tensor
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.register_buffer("weights", weights, persistent=False)
        eye = torch.eye(n_channels, dtype=torch.float64)
        self.register_buffer("eye", eye, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features, shape (batch, n_channels * (n_channels + 5))."""
        x = x.double()
        d = x[:, :, 1:] - x[:, :, :-1]  # zero where a sample is held
        changed = (d != 0).any(dim=1)  # (batch, n_times - 1)
        n_d = changed.sum(1, keepdim=True).double()
        n = n_d + 1
        kept = torch.cat((torch.ones_like(n), changed.double()), dim=1)[:, None]
        distinct = x * kept
        n_d = n_d.clamp(min=1.0)
        floor = self.noise**0.5
        crossed = (x[:, :, 1:] * x[:, :, :-1] < 0).double()
        turned = (d[:, :, 1:] * self._before(d, changed) < 0).double()
        parts = [
            self._log_covariance(distinct, n),
            self._log_covariance(d, n_d),
            (distinct.abs().sum(2) / n + floor).log(),
            (d.abs().sum(2) / n_d + floor).log(),
            crossed.sum(2) / n_d,
            turned.sum(2) / (n - 2).clamp(min=1.0),
        ]
        return torch.cat(parts, dim=1).float()

    def _before(self, d: Tensor, changed: Tensor) -> Tensor:
        """Return, for each difference but the first, the distinct one before it.

        Shape (batch, n_channels, n_times - 2); zero where there is none.
        """
        at = torch.arange(d.shape[2], device=d.device)
        newest = torch.where(changed, at, torch.full_like(at, -1)).cummax(1)[0]
        newest = newest[:, None, :-1].expand(-1, d.shape[1], -1)
        return d.gather(2, newest.clamp(min=0)) * (newest >= 0)

    def _log_covariance(self, x: Tensor, n: Tensor) -> Tensor:
        """Return the triangle of the logarithm, of columns of which n are not zero."""
        covariance = x @ x.transpose(1, 2) / n[:, :, None]
        power = covariance.diagonal(dim1=1, dim2=2).mean(1)
        ridge = (self.shrinkage * power + self.noise)[:, None, None]
        covariance = (1 - self.shrinkage) * covariance + ridge * self.eye
        values, vectors = torch.linalg.eigh(covariance)
        logarithm = (vectors * values.clamp(min=1e-12).log()[:, None]) @ (
            vectors.transpose(1, 2)
        )
        triangle: Tensor = logarithm[:, self.rows, self.columns] * self.weights
        return triangle

    def reordered(self, order: Sequence[int]) -> list[int]:
        """Return the places of the features that channels in another order have.

        With `x` in that order, ``self(x[:, order]) == self(x)[:, reordered(order)]``.
        """
        n, n_pairs = self.n_channels, len(self.rows)
        pairs = zip(self.rows.tolist(), self.columns.tolist(), strict=True)
        place = {pair: k for k, pair in enumerate(pairs)}
        triangle = [
            place[min(order[i], order[j]), max(order[i], order[j])] for i, j in place
        ]
        again = [n_pairs + k for k in triangle]  # of the differences
        kinds = range(2 * n_pairs, 2 * n_pairs + 4 * n, n)
        return triangle + again + [first + k for first in kinds for k in order]

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order."""
        rows, columns = self.rows.tolist(), self.columns.tolist()
        pairs = [
            f"{ch_names[i]}_{ch_names[j]}" for i, j in zip(rows, columns, strict=True)
        ]
        log = [f"{kind}_{pair}" for kind in ("logm", "logm_diff") for pair in pairs]
        kinds = ("log_mav", "log_wl", "zc", "ssc")
        return log + [f"{kind}_{name}" for kind in kinds for name in ch_names]


class Effort(nn.Module):
    """How far a window of `ArmbandFeatures` is from silence: a weight from 0 to 1.

    A logistic function of the log mean absolute value, averaged over the channels.

    Parameters
    ----------
    n_channels : int
    silence : float
        Where the weight is 1/2: the logarithm of an amplitude in the signal's unit.
    width : float
        How soft the step is.
    """

    def __init__(
        self, n_channels: int, *, silence: float = 1.5, width: float = 0.2
    ) -> None:
        super().__init__()
        self.start = n_channels * (n_channels + 1)
        self.stop = self.start + n_channels
        self.silence, self.width = silence, width

    def forward(self, features: Tensor) -> Tensor:
        """Return the weights, shape (batch,)."""
        level = features[:, self.start : self.stop].mean(1)
        return torch.sigmoid((level - self.silence) / self.width)

"""The covariance of a window's channels, as a vector that linear models can use."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class LogCovariance(nn.Module):
    """Matrix logarithm of the covariance; (batch, n (n + 1) / 2) for n channels.

    With X the window, shape (n, n_times), and S = X X^T / n_times,

        C = (1 - shrinkage) S + shrinkage trace(S) / n I
        L = V diag(log max(w, floor)) V^T,    C = V diag(w) V^T

    and the output is the upper triangle of L, row by row, off-diagonals times
    sqrt(2): distances between vectors are the log-Euclidean ones of [1]_.

    Parameters
    ----------
    shrinkage : float
        From 0, the sample covariance, to 1, its mean variance on the diagonal [2]_.
        More than 0 keeps the logarithm finite and steady where channels depend on
        each other, as they do after a common average reference.
    centre : bool
        Remove each channel's mean over the window first.
    floor : float
        Smallest eigenvalue told apart, in the signal's unit squared: an all-zero
        window gives log(floor) on the diagonal. The default is (1 nV)^2 for a signal
        in microvolts.

    Raises
    ------
    ValueError
        If shrinkage is not within 0 and 1, or floor is not above 0.

    Notes
    -----
    Computed in float64: in float32 small eigenvalues are rounding errors, and the
    logarithm makes them large; a device without float64 (mps) cannot run it. The
    windows must be finite: one value that is not fails the whole batch.

    References
    ----------
    .. [1] Arsigny V., Fillard P., Pennec X., Ayache N. (2006). Log-Euclidean metrics
       for fast and simple calculus on diffusion tensors. Magn. Reson. Med. 56
       411-421. https://doi.org/10.1002/mrm.20965
    .. [2] Ledoit O., Wolf M. (2004). A well-conditioned estimator for large-dimensional
       covariance matrices. J. Multivar. Anal. 88 365-411 (the target, not the
       estimate of the shrinkage). https://doi.org/10.1016/S0047-259X(03)00096-4
    """

    def __init__(
        self, *, shrinkage: float = 0.05, centre: bool = True, floor: float = 1e-6
    ) -> None:
        super().__init__()
        if not 0 <= shrinkage <= 1:
            raise ValueError(f"shrinkage must be within 0 and 1, not {shrinkage}")
        if not floor > 0:
            raise ValueError(f"floor must be above 0, not {floor}: its logarithm")
        self.shrinkage = float(shrinkage)
        self.centre = centre
        self.floor = float(floor)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logarithm's upper triangle.

        Parameters
        ----------
        x : Tensor, shape (batch, n_channels, n_times)
            In the signal's unit.

        Returns
        -------
        Tensor, shape (batch, n_channels * (n_channels + 1) / 2), float32
            Natural logarithms of the unit squared.
        """
        window = x.double()
        if self.centre:
            window = window - window.mean(-1, keepdim=True)
        n_channels = x.shape[1]
        eye = torch.eye(n_channels, dtype=window.dtype, device=x.device)
        sample = window @ window.transpose(1, 2) / x.shape[2]  # (batch, n, n)
        scale = sample.diagonal(dim1=1, dim2=2).mean(-1)[:, None, None]
        shrunk = (1 - self.shrinkage) * sample + self.shrinkage * scale * eye
        values, vectors = torch.linalg.eigh(shrunk)  # (batch, n), (batch, n, n)
        logs = values.clamp_min(self.floor).log()[:, None, :]
        logm = (vectors * logs) @ vectors.transpose(1, 2)
        upper = torch.triu_indices(n_channels, n_channels, device=x.device)
        weight = eye + 2**0.5 * (1 - eye)
        vector: Tensor = (logm * weight)[:, upper[0], upper[1]]
        return vector.float()

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order."""
        pairs = [(a, b) for i, a in enumerate(ch_names) for b in ch_names[i:]]
        return [f"logm_{a}_{b}" for a, b in pairs]

"""Running mean and variance of the features of one stream's windows."""

import numpy as np

from rtpipe.types import Float32, Float64


class RunningMoments:
    """Moments over the windows answered so far, beside a prior.

    Parameters
    ----------
    mean, scale : ndarray, shape (n_features,)
        Mean and standard deviation over the training windows.
    worth : float
        How many windows they count as.

    Notes
    -----
    For a window only those before it count: with sums S, Q of n features and of their
    squares, prior mean m and scale s worth w windows, its mean is (w m + S) / (w + n)
    and its variance (w (s^2 + m^2) + Q) / (w + n) less the mean's square. A window
    with a feature that is not finite is not taken in: it would spoil all that follow.
    """

    def __init__(self, mean: Float64, scale: Float64, worth: float) -> None:
        mean = mean.astype(np.float64)
        self._worth, self._seen = worth, 0
        self._sum = worth * mean
        self._squares = worth * (np.square(scale, dtype=np.float64) + mean**2)

    def advance(self, features: Float32) -> tuple[Float32, Float32]:
        """Take in windows and return the mean and scale each of them is seen with.

        Parameters
        ----------
        features : ndarray of float32, shape (n_windows, n_features)
            In the order of the windows.

        Returns
        -------
        mean, scale : ndarray of float32, shape (n_windows, n_features)
        """
        finite = np.isfinite(features).all(1)
        wide = np.where(finite[:, None], features, 0).astype(np.float64)
        sums = np.cumsum(np.concatenate((self._sum[None], wide)), axis=0)
        squares = np.cumsum(np.concatenate((self._squares[None], wide**2)), axis=0)
        seen = self._seen + np.concatenate(([0], np.cumsum(finite)))
        n = (self._worth + seen)[:, None]
        self._seen = int(seen[-1])
        self._sum, self._squares = sums[-1], squares[-1]
        mean = (sums / n)[:-1]
        variance = (squares / n)[:-1] - mean**2
        scale = np.sqrt(np.maximum(variance, 1e-12))
        return mean.astype(np.float32), scale.astype(np.float32)

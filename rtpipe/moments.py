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
    For a window only those before it count. Let W, S and Q be the sums of their
    weights, and of their features and the squares of these, weighted; with prior mean m
    and scale s worth w windows, the mean is (w m + S) / (w + W) and the variance
    (w (s^2 + m^2) + Q) / (w + W) less the mean's square, and at least (s / 100)^2. A
    window with a feature that is not finite is not taken in: it would spoil all that
    follow. Sums go window by window, so that batches change no bit of them.
    """

    def __init__(self, mean: Float64, scale: Float64, worth: float) -> None:
        mean, scale = mean.astype(np.float64), scale.astype(np.float64)
        self._floor = np.maximum(np.square(scale / 100), 1e-12)
        self._weight = worth
        self._sum = worth * mean
        self._squares = worth * (scale**2 + mean**2)

    def advance(self, features: Float32, weights: Float32) -> tuple[Float32, Float32]:
        """Take in windows and return the mean and scale each of them is seen with.

        Parameters
        ----------
        features : ndarray of float32, shape (n_windows, n_features)
            In the order of the windows.
        weights : ndarray of float32, shape (n_windows,)
            How much each of them counts.

        Returns
        -------
        mean, scale : ndarray of float32, shape (n_windows, n_features)
        """
        finite = np.all(np.isfinite(features), axis=1)
        wide = np.where(finite[:, None], features, 0).astype(np.float64)
        w = np.where(finite, weights, 0).astype(np.float64)[:, None]
        n = np.cumsum(np.concatenate(([[self._weight]], w)), axis=0)
        sums = np.cumsum(np.concatenate((self._sum[None], w * wide)), axis=0)
        squares = np.cumsum(np.concatenate((self._squares[None], w * wide**2)), axis=0)
        self._weight, self._sum, self._squares = float(n[-1, 0]), sums[-1], squares[-1]
        mean = (sums / n)[:-1]
        variance = (squares / n)[:-1] - mean**2
        scale = np.sqrt(np.maximum(variance, self._floor))
        return mean.astype(np.float32), scale.astype(np.float32)

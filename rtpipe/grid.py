"""Where the windows of a bundle lie in a stream."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grid:
    """Window k ends with the sample ``origin + n_times - 1 + k * hop``.

    Parameters
    ----------
    origin : int
        Index of the run's first sample.
    n_times, hop : int
        Length of a window, and from one to the next, in samples.
    """

    origin: int
    n_times: int
    hop: int

    def stops(self, start: int, done: int, stop: int) -> range:
        """Return the `stop` of each window that became complete.

        Parameters
        ----------
        start : int
            First sample of the unbroken stretch the windows have to lie in.
        done : int
            Windows that end before this sample have been given already.
        stop : int
            The sample that comes next.
        """
        earliest = max(self.origin + self.n_times, start + self.n_times, done + 1)
        k = -(-(earliest - self.origin - self.n_times) // self.hop)
        return range(self.origin + self.n_times + k * self.hop, stop + 1, self.hop)

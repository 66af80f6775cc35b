"""Power of a window in bands of frequency."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor, nn

#: Bands of the EEG, (from, to) in hertz. The clinical glossary's [1]_ limits, with
#: beta joined to alpha and gamma, and the ends cut: drift below 1, mains above 45.
#:
#: .. [1] Kane N. et al. (2017). A revised glossary of terms most commonly used by
#:    clinical electroencephalographers. Clin. Neurophysiol. Pract. 2 170-185.
#:    https://doi.org/10.1016/j.cnp.2017.07.002
BANDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "delta": (1.0, 4.0),
        "theta": (4.0, 8.0),
        "alpha": (8.0, 13.0),
        "beta": (13.0, 30.0),
        "gamma": (30.0, 45.0),
    }
)


class Psd(nn.Module):
    """One-sided power spectral density; (batch, n_channels, n_per_segment // 2 + 1).

    Welch's average [1]_ of Hann-windowed segments that overlap by half, each with its
    mean removed: bin k is at k sfreq / n_per_segment hertz, and the sum over bins
    times their spacing is the mean square of the windowed segments.

    Parameters
    ----------
    sfreq : float
        Sampling rate, in hertz.
    n_times : int
        Length of a window, in samples.
    n_per_segment : int or None
        Length of a segment, in samples. None: one segment, the whole window, which
        has the finest bins and the largest variance.

    Raises
    ------
    ValueError
        If a segment is longer than the window or shorter than two samples; in
        `forward`, if the window has another length than n_times.

    Notes
    -----
    The Hann window is the periodic one. Samples after the last whole segment are not
    used. `freqs` lists the bins, in hertz. Same density as
    ``scipy.signal.welch(x, sfreq, nperseg=n_per_segment)``.

    References
    ----------
    .. [1] Welch P. (1967). The use of fast Fourier transform for the estimation of
       power spectra. IEEE Trans. Audio Electroacoust. 15 70-73.
       https://doi.org/10.1109/TAU.1967.1161901
    """

    taper: Tensor
    scale: Tensor

    def __init__(
        self, *, sfreq: float, n_times: int, n_per_segment: int | None = None
    ) -> None:
        super().__init__()
        n = n_times if n_per_segment is None else n_per_segment
        if not 2 <= n <= n_times:
            raise ValueError(
                f"a segment of {n} samples does not fit a window of {n_times}: "
                f"give 2 to {n_times}"
            )
        self.n_times = n_times
        self.n_per_segment = n
        self.hop = n - n // 2  # SciPy's rounding of half an odd length
        self.freqs = [k * sfreq / n for k in range(n // 2 + 1)]

        taper = torch.hann_window(n, dtype=torch.float64)
        scale = torch.full((n // 2 + 1,), 2 / (sfreq * taper.square().sum().item()))
        scale[0] /= 2  # 0 hertz, and half the rate, have no negative twin
        if n % 2 == 0:
            scale[-1] /= 2
        # Derived from the settings: a checkpoint need not hold them.
        self.register_buffer("taper", taper.float(), persistent=False)
        self.register_buffer("scale", scale.float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the density of each channel.

        Parameters
        ----------
        x : Tensor, shape (batch, n_channels, n_times)
            In the signal's unit.

        Returns
        -------
        Tensor, shape (batch, n_channels, n_freqs), float32
            Unit squared per hertz.
        """
        if x.shape[-1] != self.n_times:
            raise ValueError(f"made for {self.n_times} samples, got {x.shape[-1]}")
        parts = x.unfold(-1, self.n_per_segment, self.hop)  # (.., n_segments, n)
        parts = (parts - parts.mean(-1, keepdim=True)) * self.taper
        spectra = torch.view_as_real(torch.fft.rfft(parts))  # (.., n_freqs, 2)
        return spectra.square().sum(-1).mean(-2) * self.scale


class BandPower(nn.Module):
    """Power in each band; (batch, n_bands * n_channels).

    The density of `Psd` summed over a band's bins, low <= frequency < high, times
    their spacing: unit squared, so bands that touch add up, and a sine of amplitude a
    gives a^2 / 2 to the band that holds its bin and the bin's two neighbours.

    Parameters
    ----------
    sfreq, n_times, n_per_segment
        As in `Psd`. None takes one FFT of the whole window, a number Welch's average.
    bands : mapping of str to (float, float)
        Name to (low, high), in hertz.
    relative : bool
        Divide by the channel's sum over the bands given.
    log : bool
        Logarithm to base 10, last.
    floor : float
        Smallest power (or sum of powers, or share) told apart by logarithm and
        division, so that a flat channel stays finite. The default is (1 nV)^2 for a
        signal in microvolts.

    Raises
    ------
    ValueError
        Without bands, or if one is no interval, reaches above half the rate, or
        holds no bin.
    """

    weights: Tensor

    def __init__(
        self,
        *,
        sfreq: float,
        n_times: int,
        n_per_segment: int | None = None,
        bands: Mapping[str, tuple[float, float]] = BANDS,
        relative: bool = False,
        log: bool = False,
        floor: float = 1e-6,
    ) -> None:
        super().__init__()
        self.psd = Psd(sfreq=sfreq, n_times=n_times, n_per_segment=n_per_segment)
        self.bands = dict(bands)
        self.relative = relative
        self.log = log
        self.floor = float(floor)
        if not self.bands:
            raise ValueError("bands is empty: name at least one")

        freqs = torch.tensor(self.psd.freqs, dtype=torch.float64)
        spacing = sfreq / self.psd.n_per_segment
        columns = []
        for name, (low, high) in self.bands.items():
            band = f"band {name} ({low}-{high} Hz)"
            if not 0 <= low < high:
                raise ValueError(f"{band}: give low and high, 0 <= low < high")
            if high > sfreq / 2:
                raise ValueError(
                    f"{band} reaches above half the rate of {sfreq} Hz: lower its "
                    f"upper limit to {sfreq / 2} Hz or leave the band out"
                )
            inside = (freqs >= low) & (freqs < high)
            if not inside.any():
                raise ValueError(
                    f"{band} holds no bin of {self.psd.n_per_segment} samples at "
                    f"{sfreq} Hz, which lie {spacing:g} Hz apart: use a longer window "
                    f"or segment, or a wider band"
                )
            columns.append(inside * spacing)
        weights = torch.stack(columns, -1).float()  # (n_freqs, n_bands)
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return all channels of the first band, then of the second."""
        power: Tensor = self.psd(x) @ self.weights  # (batch, n_channels, n_bands)
        power = power.transpose(1, 2)
        if self.relative:
            power = power / power.sum(1, keepdim=True).clamp_min(self.floor)
        if self.log:
            power = power.clamp_min(self.floor).log10()
        return power.flatten(1)

    def names(self, ch_names: Sequence[str]) -> list[str]:
        """Name the outputs, in order: "alpha_TP9", "log_relative_alpha_TP9"."""
        prefix = ("log_" if self.log else "") + ("relative_" if self.relative else "")
        return [f"{prefix}{band}_{ch}" for band in self.bands for ch in ch_names]

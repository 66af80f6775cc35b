"""A synthetic forearm: eight electrodes in a ring, five gestures and rest.

A caricature, made to be as hard as the real thing, not to replace it. Muscles around
the forearm are sources of noise with the spectrum of surface EMG [1]_; a gesture
says how strongly each contracts; an electrode hears the muscles near it. What makes
it hard is what makes real EMG hard: the force of a contraction varies and trembles,
the ring sits a little elsewhere in every run and slips with every gesture, and some
gestures differ in the depth of their muscles, which colours the signal, more than in
their place: amplitudes alone do not tell fist from flexion.

References
----------
.. [1] Stulen F. B., De Luca C. J. (1981). Frequency parameters of the myoelectric
   signal as a measure of muscle conduction velocity. IEEE Trans. Biomed. Eng. 28
   515-523. https://doi.org/10.1109/TBME.1981.324738
"""

from collections.abc import Iterator

import numpy as np

from rtpipe.types import Event, Float32, Float64, StreamInfo

from .synthetic_noise import Noise, band, white
from .synthetic_script import Script, State

GESTURES = (
    "rest",
    "fist",
    "wrist flexion",
    "wrist extension",
    "radial deviation",
    "ulnar deviation",
)

_SFREQ = 200.0
_N_ELECTRODES = 8
_ELECTRODES = np.arange(_N_ELECTRODES, dtype=np.float64)  # places on the ring
_N_MUSCLES = 16
_MUSCLES = np.linspace(0.0, _N_ELECTRODES, _N_MUSCLES, endpoint=False)
_STREAM = 1  # keeps the random numbers apart from those of the EEG

# Where the muscles of a gesture lie: (place on the ring, width, contraction, depth),
# place and width in electrodes, depth 0 under the skin to 1 near the bone. Flexors
# lie around 2, extensors around 6.
_CONTRACTIONS: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "rest": (),
    "fist": ((2.1, 1.0, 0.9, 0.7), (6.0, 0.9, 0.28, 0.5)),
    "wrist flexion": ((1.9, 1.0, 0.9, 0.1), (6.0, 0.9, 0.18, 0.1)),
    "wrist extension": ((6.0, 1.0, 0.9, 0.1), (1.0, 0.8, 0.18, 0.1)),
    "radial deviation": ((6.2, 1.0, 0.9, 0.7), (1.0, 0.8, 0.28, 0.5)),
    "ulnar deviation": ((3.4, 0.8, 0.7, 0.2), (5.0, 0.8, 0.6, 0.2)),
}
_HEARING = 0.8  # how far an electrode hears, in electrodes
_CONTRACTION = 90.0  # root mean square of a full contraction, uV
_TONE = 4.0  # of a muscle at rest, uV
_NOISE = 14.0  # of an electrode, uV
_MAINS = 10.0  # amplitude of the hum, uV
_SHIFT = 0.4  # largest shift of the ring in a run, electrodes
_SLIP = 0.2  # standard deviation of its slip with a gesture, electrodes
_FORCE = 0.45  # standard deviation of the logarithm of the force
_TREMOR = 0.4  # of its logarithm within a gesture
_HOLD = (2.2, 2.9)  # shortest and longest hold of a gesture, seconds
_RAMP = 0.3  # from one gesture to the next, seconds


class SyntheticEmg:
    """Surface EMG of a forearm, block by block.

    Parameters
    ----------
    seed : int
    mains : float
        Frequency of the power line, in hertz.

    Attributes
    ----------
    info : StreamInfo
    n_times : int
        Samples in a block: one second.
    """

    def __init__(self, seed: int, mains: float) -> None:
        self.info = StreamInfo(
            name="synthetic:emg",
            sfreq=_SFREQ,
            ch_names=tuple(f"EMG{number + 1}" for number in range(_N_ELECTRODES)),
            ch_types=("emg",) * _N_ELECTRODES,
            units=("uV",) * _N_ELECTRODES,
            mains=mains,
        )
        self.n_times = round(_SFREQ)
        rng = np.random.default_rng((seed, _STREAM, 0))
        shift = rng.uniform(-_SHIFT, _SHIFT)
        away = _around(_ELECTRODES[:, np.newaxis], _MUSCLES + shift)
        hearing = np.exp(-0.5 * (away / _HEARING) ** 2).T
        self._hearing = np.vstack([hearing, hearing])  # superficial, deep
        self._noise_level = _NOISE * rng.uniform(0.7, 1.5)
        self._hum = _MAINS * rng.uniform(0.5, 1.5, _N_ELECTRODES)
        self._script = Script(_script(rng))
        self._muscles, self._tremor, self._electrodes = (
            Noise((seed, _STREAM, number), spectra, _SFREQ, self.n_times)
            for number, spectra in (
                (1, [_superficial] * _N_MUSCLES + [_deep] * _N_MUSCLES),
                (2, [band(1.0, 6.0)] * _N_MUSCLES),
                (3, [white] * _N_ELECTRODES),
            )
        )

    def block(self, number: int) -> tuple[Float32, list[Event]]:
        """Return one block, shape (n_times, 8), uV, and the truths that begin in it.

        Blocks are asked for in order, from 0.
        """
        start = number * self.n_times
        contraction, truths = self._script.block(start, start + self.n_times)
        tremor = np.exp(_TREMOR * self._tremor.block(number))
        level = _TONE + _CONTRACTION * contraction * np.tile(tremor, 2)
        data = (level * self._muscles.block(number)) @ self._hearing
        data += self._noise_level * self._electrodes.block(number)
        times = (start + np.arange(self.n_times)) / _SFREQ
        data += np.outer(np.sin(2 * np.pi * self.info.mains * times), self._hum)
        events = [
            Event(
                self.info.name,
                truth.onset / _SFREQ,
                "truth",
                truth.onset,
                {"task": truth.task, "label": truth.label},
            )
            for truth in truths
        ]
        return data.astype(np.float32), events


def _script(rng: np.random.Generator) -> Iterator[State]:
    """Yield every gesture once in random order, then again, and never one twice."""
    onset, ramp, last = 0, 0, ""
    while True:
        order = [str(label) for label in rng.permutation(GESTURES)]
        if order[0] == last:
            order.reverse()
        for label in order:
            force = np.exp(_FORCE * np.clip(rng.standard_normal(), -2.0, 2.0))
            slip = _SLIP * rng.standard_normal()
            contraction = np.zeros((2, _N_MUSCLES))  # superficial, deep
            for place, width, level, depth in _CONTRACTIONS[label]:
                away = _around(_MUSCLES, place + slip) / width
                share = np.sqrt([[1 - depth], [depth]])
                contraction += level * force * share * np.exp(-0.5 * away**2)
            yield State(onset, ramp, {"gesture": label}, contraction.ravel())
            onset += ramp + round(rng.uniform(*_HOLD) * _SFREQ)
            ramp = round(_RAMP * _SFREQ)
        last = order[-1]


def _superficial(freqs: Float64) -> Float64:
    """Return the amplitude spectrum of surface EMG between two corners, [1]_."""
    return freqs**2 / (np.hypot(freqs, 30.0) * (freqs**2 + 65.0**2))


def _deep(freqs: Float64) -> Float64:
    """Return the same through the tissue above, which lets less of the high pass."""
    source = freqs**2 / (np.hypot(freqs, 20.0) * (freqs**2 + 35.0**2))
    return source * np.exp(-freqs / 40.0)


def _around(place: Float64, other: Float64 | float) -> Float64:
    """Return how far apart two places on the ring are, in electrodes, signed."""
    half = _N_ELECTRODES / 2
    away: Float64 = (place - other + half) % _N_ELECTRODES - half
    return away

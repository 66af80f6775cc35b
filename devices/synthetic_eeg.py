"""A synthetic head under four dry electrodes: emotions, blinks, movement, seizures.

A caricature, made to be hard in the ways the real thing is hard; what a model scores
on it says nothing about people. The tendencies are those the literature reports:

* positive: more left than right frontal activity, so less alpha on the left [1]_;
  more beta, above all over the temples [2]_; more frontal midline theta [3]_;
* negative: the asymmetry the other way round, little beta;
* neutral: no asymmetry and the most alpha [2]_;
* seizure: an absence, rhythmic spikes and waves, three a second, everywhere at once
  and strongest in front [4]_, abrupt at both ends.

How far the alpha of the channels goes in step is our own addition: it too follows the
emotion, so that the powers alone do not tell.

Now and then the head moves: slow waves and muscle as strong as a seizure's and in the
same bands, but with no spike in step with the wave. Nothing is known of the emotion
while the head moves or a seizure lasts.

References
----------
.. [1] Davidson R. J. (1992). Anterior cerebral asymmetry and the nature of emotion.
   Brain Cogn. 20 125-151. https://doi.org/10.1016/0278-2626(92)90065-T
.. [2] Zheng W.-L., Lu B.-L. (2015). Investigating critical frequency bands and
   channels for EEG-based emotion recognition with deep neural networks. IEEE Trans.
   Auton. Ment. Dev. 7 162-175. https://doi.org/10.1109/TAMD.2015.2431497
.. [3] Sammler D., Grigutsch M., Fritz T., Koelsch S. (2007). Music and emotion:
   electrophysiological correlates of the processing of pleasant and unpleasant
   music. Psychophysiology 44 293-304.
   https://doi.org/10.1111/j.1469-8986.2007.00497.x
.. [4] Panayiotopoulos C. P. (1999). Typical absence seizures and their treatment.
   Arch. Dis. Child. 81 351-355. https://doi.org/10.1136/adc.81.4.351
"""

from collections.abc import Iterator

import numpy as np

from rtpipe.types import Event, Float32, Float64, StreamInfo

from .synthetic_noise import Noise, Spectrum, band, white
from .synthetic_script import Script, State

EMOTIONS = ("negative", "neutral", "positive")

_SFREQ = 256.0
_CH_NAMES = ("TP9", "AF7", "AF8", "TP10")
_RAILS = (-1000.0, 1000.0)  # of the headset's amplifier, uV
_STREAM = 2  # keeps the random numbers apart from those of the EMG

# What an emotion makes of each rhythm: factors per channel, in the order above.
_ALPHA = {
    "negative": (1.15, 1.35, 0.65, 0.8),
    "neutral": (1.2, 1.2, 1.2, 1.2),
    "positive": (0.8, 0.65, 1.35, 1.15),
}
_BETA = {
    "negative": (0.85, 0.95, 0.95, 0.85),
    "neutral": (0.85, 0.85, 0.85, 0.85),
    "positive": (1.4, 1.2, 1.2, 1.4),
}
_THETA = {
    "negative": (1.0, 0.9, 0.9, 1.0),
    "neutral": (1.0, 1.0, 1.0, 1.0),
    "positive": (1.0, 1.25, 1.25, 1.0),
}
# The same alpha in all channels: 0 none of it, 1 all of it.
_STEP = {"negative": 0.15, "neutral": 0.95, "positive": 0.6}

# Root mean squares, uV.
_LEVEL_BACKGROUND = 9.0
_LEVEL_THETA = 4.0
_LEVEL_ALPHA = 10.0
_LEVEL_BETA = 4.0
_LEVEL_ELECTRODE = 1.0
_MAINS = 3.0  # amplitude of the hum, uV
_HEAD = 0.1  # standard deviation of a person's logarithm of each level

_SPIKE_WAVE = 62.0  # height of the wave in front, uV
_STRENGTH = 0.2  # standard deviation of its logarithm, from seizure to seizure
_SLOW = 32.0  # root mean square of a movement's slow wave in front, uV
_MUSCLE = 12.0  # of the muscles' that goes with it, uV
_FRONT = np.array([0.6, 1.0, 1.0, 0.6])  # of seizures and movements

_BLINK = 120.0  # height on AF7 and AF8, uV
_BLINK_EVERY = 4.0  # one in so many seconds

_EMOTION = (5.0, 6.2)  # shortest and longest, seconds
_MOVEMENT = (2.8, 3.8)
_SEIZURE = (6.0, 7.5)
_RAMP = 1.0  # from one state to the next, seconds
_SEIZURE_RAMP = 0.3  # into a seizure


def _one_over_f(freqs: Float64) -> Float64:
    """Return the amplitudes of a power that falls with 1/f, flat below 1 Hz."""
    return 1 / np.sqrt(np.maximum(freqs, 1.0))


# Five of a kind: one for each channel, and one that all share.
_SPECTRA: dict[str, list[Spectrum]] = {
    "background": [_one_over_f] * 5,
    "theta": [band(4.0, 7.0)] * 5,
    "alpha": [band(8.5, 11.5)] * 5,
    "beta": [band(14.0, 28.0)] * 5,
    "slow": [band(2.2, 3.8)] * 5,
    "muscle": [band(5.0, 24.0)] * 5,
    "electrode": [white] * 4,
    "strength": [band(0.5, 3.0)],
}


class SyntheticEeg:
    """EEG of a four-electrode headset, block by block.

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
            name="synthetic:eeg",
            sfreq=_SFREQ,
            ch_names=_CH_NAMES,
            ch_types=("eeg",) * 4,
            units=("uV",) * 4,
            rails=_RAILS,
            mains=mains,
        )
        self.n_times = round(_SFREQ)
        self._seed = seed
        rng = np.random.default_rng((seed, _STREAM, 0))
        self._levels = np.exp(_HEAD * rng.standard_normal(4)) * (
            _LEVEL_BACKGROUND,
            _LEVEL_THETA,
            _LEVEL_ALPHA,
            _LEVEL_BETA,
        )
        self._hum = _MAINS * rng.uniform(0.5, 1.5, 4)
        self._rate_phase = rng.uniform(0, 2 * np.pi)
        self._script = Script(_script(rng))

        self._noise = {
            name: Noise((seed, _STREAM, number), spectra, _SFREQ, self.n_times)
            for number, (name, spectra) in enumerate(_SPECTRA.items(), start=1)
        }

    def block(self, number: int) -> tuple[Float32, list[Event]]:
        """Return one block, shape (n_times, 4), uV, and the events that begin in it.

        Blocks are asked for in order, from 0.
        """
        start = number * self.n_times
        gains, truths = self._script.block(start, start + self.n_times)
        alpha, beta, theta = gains[:, 0:4], gains[:, 4:8], gains[:, 8:12]
        step, seizure, slow, muscle = gains[:, 12:16].T[:, :, np.newaxis]
        times = (start + np.arange(self.n_times)) / _SFREQ

        data = self._levels[0] * self._mixed("background", number, 0.6)
        data += self._levels[1] * theta * self._mixed("theta", number, 0.6)
        data += self._levels[2] * alpha * self._mixed("alpha", number, step)
        data += self._levels[3] * beta * self._mixed("beta", number, 0.3)
        data += _LEVEL_ELECTRODE * self._noise["electrode"].block(number)
        data += np.outer(np.sin(2 * np.pi * self.info.mains * times), self._hum)

        strength = np.exp(0.2 * self._noise["strength"].block(number))
        wave = strength * _spike_wave(self._cycles(times))[:, np.newaxis]
        data += _SPIKE_WAVE * seizure * wave * _FRONT
        data += _SLOW * slow * self._mixed("slow", number, 0.9) * _FRONT
        data += _MUSCLE * muscle * self._mixed("muscle", number, 0.9) * _FRONT
        events = [
            self._event("truth", truth.onset, task=truth.task, label=truth.label)
            for truth in truths
        ]
        for onset, duration, height in self._blinks(times[0], times[-1]):
            done = np.clip((times - onset) / duration, 0.0, 1.0)
            data[:, 1:3] += height * np.sin(np.pi * done)[:, np.newaxis] ** 2
            index = int(np.ceil(onset * _SFREQ))
            if start <= index < start + self.n_times:
                events.append(self._event("blink", index, duration=duration))
        events.sort(key=lambda event: event.index or 0)
        return np.clip(data, *_RAILS).astype(np.float32), events

    def _event(self, kind: str, index: int, **data: str | float | None) -> Event:
        return Event(self.info.name, index / _SFREQ, kind, index, data)

    def _mixed(self, name: str, number: int, step: Float64 | float) -> Float64:
        """Return four channels of unit variance, each pair with correlation step²."""
        noise = self._noise[name].block(number)
        own, common = noise[:, :4], noise[:, 4:]
        mixed: Float64 = step * common + np.sqrt(1 - np.square(step)) * own
        return mixed

    def _cycles(self, times: Float64) -> Float64:
        """Return the spike-and-wave cycles since time 0: three a second, not quite."""
        swing = np.sin(2 * np.pi * 0.13 * times + self._rate_phase)
        return 3.0 * times + 0.2 * swing

    def _blinks(
        self, start: float, stop: float
    ) -> Iterator[tuple[float, float, float]]:
        """Yield onset, duration (seconds), height (uV) of the blinks in reach."""
        first = int(max(start - 1.0, 0.0) // _BLINK_EVERY)
        for slot in range(first, int(stop // _BLINK_EVERY) + 1):
            rng = np.random.default_rng((self._seed, _STREAM, 100, slot))
            onset = (slot + rng.uniform(0.0, 0.85)) * _BLINK_EVERY
            duration = rng.uniform(0.2, 0.4)
            yield onset, duration, _BLINK * rng.uniform(0.7, 1.3)


def _script(rng: np.random.Generator) -> Iterator[State]:
    """Yield rounds of three emotions, a movement and a seizure.

    The first seizure follows the first round's emotions: it begins between 15 and
    40 s, when a plot has something to compare it with.
    """
    onset, ramp, last = 0, 0, ""
    first = True
    while True:
        order = [str(label) for label in rng.permutation(EMOTIONS)]
        if order[0] == last:
            order.reverse()
        last = order[-1]
        order.insert(int(rng.integers(1, 3)), "movement")
        order.insert(len(order) if first else int(rng.integers(1, 4)), "seizure")
        first = False
        for name in order:
            if name == "seizure":
                ramp = round(_SEIZURE_RAMP * _SFREQ)
            yield _state(name, onset, ramp, rng)
            lasts = {"seizure": _SEIZURE, "movement": _MOVEMENT}.get(name, _EMOTION)
            onset += ramp + round(rng.uniform(*lasts) * _SFREQ)
            ramp = round(_RAMP * _SFREQ)


def _state(name: str, onset: int, ramp: int, rng: np.random.Generator) -> State:
    emotion = name if name in EMOTIONS else None
    rhythms = emotion or "neutral"
    strength = np.exp(_STRENGTH * np.clip(rng.standard_normal(2), -2.0, 2.0))
    seizing, moving = name == "seizure", name == "movement"
    gains = (
        *_ALPHA[rhythms],
        *_BETA[rhythms],
        *_THETA[rhythms],
        _STEP[rhythms],
        seizing * strength[0],
        moving * strength[0],
        moving * strength[1],
    )
    labels = {"emotion": emotion, "seizure": "seizure" if seizing else "background"}
    return State(onset, ramp, labels, np.array(gains, dtype=np.float64))


def _spike_wave(cycles: Float64) -> Float64:
    """Return the shape of a cycle: a spike, a rebound, a slow wave of height one.

    Negative is drawn upwards in clinics; here the spike and the wave are negative
    voltages, as on the scalp.
    """
    phase = cycles % 1.0
    spike = np.exp(-0.5 * ((phase - 0.2) / 0.03) ** 2)
    rebound = np.exp(-0.5 * ((phase - 0.28) / 0.03) ** 2)
    wave = np.where(phase > 0.28, np.sin(np.pi * (phase - 0.28) / 0.72), 0.0)
    mean = 0.51  # of the three; a headset shows no offset
    shape: Float64 = mean - 1.15 * spike + 0.43 * rebound - wave
    return shape

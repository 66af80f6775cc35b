"""Recordings of the synthetic devices, for recipes."""

import numpy as np

from rtpipe.recording import Recording
from rtpipe.registry import find
from rtpipe.types import Event


def record(signal: str, seed: int, duration: float, mains: float = 50.0) -> Recording:
    """Return what a synthetic device sends, as fast as it can.

    Parameters
    ----------
    signal : "emg" or "eeg"
    seed : int
        See the device for the seeds that are kept apart for training.
    duration : float
        In seconds.
    mains : float
        Frequency of the power line in the signal, in hertz.
    """
    device = find("devices", "synthetic")(
        signal, seed=seed, paced=False, mains=mains, duration=duration
    )
    (info,) = device.open()
    data, events = [], list[Event]()
    while (chunks := device.read(0.0)) is not None:
        for chunk in chunks:
            data.append(chunk.data)
            events += chunk.events
    device.close()
    whole = np.concatenate(data)
    index = np.arange(len(whole))
    return Recording(info, index, index / info.sfreq, whole, tuple(events))

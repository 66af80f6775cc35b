"""Small cards of models; what a test does not tell of one means nothing to it."""

from typing import Any

from rtpipe.card import Card, StageCard, Training
from rtpipe.recordings.uci import CHANNELS, GESTURES

# Both have a state that a chunk's edge must not lose.
CARRIED = (
    StageCard(kind="channel_scale", settings={"prior": [10.0] * 8, "worth": 8e3}),
    StageCard(kind="filter", settings={"low": 20.0, "high": 450.0, "notch": 2}),
)


def small_card(**changes: Any) -> Card:
    """Return a card: of two channels at 200 Hz, unless told otherwise."""
    told: dict[str, Any] = {
        "name": "made",
        "task": "mood",
        "labels": ("calm", "glad"),
        "sfreq": 200.0,
        "ch_names": ("A", "B"),
        "units": ("uV", "uV"),
        "n_times": 40,
        "hop": 10,
        "training": Training(recipe="none", protocol="none", seed=0, simulated=True),
    }
    return Card(**told | changes)


def gesture_card(**changes: Any) -> Card:
    """Return a card for recordings laid out as UCI's: six gestures, eight channels."""
    told: dict[str, Any] = {
        "name": "gesture",
        "task": "gesture",
        "labels": tuple(GESTURES.values())[:6],
        "sfreq": 1000,
        "ch_names": CHANNELS,
        "units": ("none",) * 8,
        "n_times": 200,
        "hop": 50,
    }
    return small_card(**told | changes)

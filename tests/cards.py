"""Small cards of models: of two channels at 200 Hz, unless told otherwise."""

from typing import Any

from rtpipe.card import Card, Training


def small_card(**changes: Any) -> Card:
    """Return a card; what a test does not tell means nothing to it."""
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

"""From a biosensor to a live decision: signals, quality, probabilities, in time."""

__version__ = "0.1.0"

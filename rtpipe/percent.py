"""A share as a person reads it."""

from math import isfinite


def percent(value: float | None) -> str:
    """Return a share as five characters; neither nothing nor all unless it is."""
    if value is None or not isfinite(value):
        return "   — "
    rounded = round(100 * value)
    if rounded == 0 and value > 0:
        return " <1 %"
    if rounded == 100 and value < 1:
        return ">99 %"
    return f"{rounded:3d} %"

"""Many names in one sentence."""

from collections.abc import Sequence

MOST = 8  # names that are listed


def few(names: Sequence[str]) -> str:
    """Return names as a sentence can hold them: eight at most, and how many in all."""
    if len(names) <= MOST:
        return ", ".join(names)
    return f"{', '.join(names[:MOST])}, ... ({len(names)} in all)"

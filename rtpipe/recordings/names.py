"""Names that occur twice in a file, made different as MNE makes them."""

from collections import Counter
from collections.abc import Sequence


def different(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names; those that occur several times get ``-0``, ``-1``, ...

    A number is passed over where that would be another channel's name.
    """
    times = Counter(names)
    taken = {name for name in names if times[name] == 1}
    found = []
    for name in names:
        if times[name] > 1:
            k = 0
            while f"{name}-{k}" in taken:
                k += 1
            name = f"{name}-{k}"
            taken.add(name)
        found.append(name)
    return tuple(found)


def named_apart(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of streams; the second of a name gets ``-2``, and so on."""
    found: list[str] = []
    for name in names:
        k, tried = 1, name
        while tried in found:
            k += 1
            tried = f"{name}-{k}"
        found.append(tried)
    return tuple(found)

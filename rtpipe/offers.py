"""What could be typed after ``--device`` on this computer, asked of every adapter."""

import inspect
from collections.abc import Sequence
from typing import Any

from rtpipe.device import Offer
from rtpipe.errors import last_line
from rtpipe.registry import find, names

_ORDER = ("ready", "unknown", "missing")


def offers(seconds: float) -> list[tuple[str, Offer]]:
    """Return what each kind of device offers, with its kind: what is ready first.

    An adapter that cannot be loaded or asked is told, and stops nobody.

    Parameters
    ----------
    seconds : float
        Longest time that each adapter may search.
    """
    found = [(kind, each) for kind in names("devices") for each in _of(kind, seconds)]
    return sorted(found, key=lambda each: _ORDER.index(each[1].state))


def _of(kind: str, seconds: float) -> Sequence[Offer]:
    try:
        make = find("devices", kind)
        return (
            list(make.look(seconds)) if hasattr(make, "look") else [_plain(make, kind)]
        )
    except Exception as error:  # a third party's; whatever it is, the others are shown
        return [Offer(kind, "cannot be used", "missing", last_line(error))]


def _plain(make: Any, kind: str) -> Offer:
    """Return the offer of an adapter that has nothing to look for."""
    first = next(iter(inspect.signature(make).parameters.values()), None)
    needed = first is not None and first.default is first.empty
    argument = f"{kind}:{first.name.upper()}" if first and needed else kind
    what = (inspect.getdoc(make) or "").partition("\n")[0].rstrip(".")
    return Offer(argument, what, "ready")

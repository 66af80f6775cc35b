"""What is to go wrong, and when: the text that a person writes, read."""

from dataclasses import dataclass
from math import isfinite

from rtpipe.errors import ConfigError

#: Each fault and what its number is, in the order in which they act on a packet.
AMOUNTS = {
    "nan": "seconds",
    "rails": "seconds",
    "flood": "seconds",
    "jitter": "seconds, the most by which a stamp is late",
    "drift": "parts per million",
    "jump": "seconds that the clock is set on, or back",
    "drop": "seconds",
    "channels": "seconds",
    "duplicate": "seconds",
    "reorder": "seconds",
    "stall": "seconds",
    "disconnect": "seconds",
}
ALWAYS = ("jitter", "drift")  # from the start to the end
CLOCK = (*ALWAYS, "jump")  # whose number is needed, and is no length
_TOGETHER = ("disconnect",)  # befalls all streams at once: none may draw its own
_WHEN = "say when: P%, `at SECONDS` or `every SECONDS`"


@dataclass(frozen=True, slots=True)
class Fault:
    """One part of the text.

    Parameters
    ----------
    name : str
    amount : float or None
        Its number, see `AMOUNTS`; None lasts one packet.
    share : float
        Probability that it begins with a packet, from 0 to 1.
    at : tuple of float
        When it begins, in seconds of signal.
    every : float or None
        Seconds of signal from one beginning to the next.
    """

    name: str
    amount: float | None = None
    share: float = 0.0
    at: tuple[float, ...] = ()
    every: float | None = None


def parse(text: str) -> list[Fault]:
    """Return the faults of a text, in the order in which they act.

    Raises
    ------
    ConfigError
        Naming the part at fault.
    """
    faults = []
    for part in text.split(";"):
        if words := part.split():
            try:
                faults.append(_fault(words))
            except ValueError as error:
                raise ConfigError(
                    f"faults: {' '.join(words)!r} cannot be: {error}"
                ) from None
    return sorted(faults, key=lambda each: list(AMOUNTS).index(each.name))


def _fault(words: list[str]) -> Fault:
    name, *rest = words
    if name not in AMOUNTS:
        raise ValueError(f"there is no {name!r}, only {', '.join(AMOUNTS)}")
    amount = None
    if rest and not rest[0].endswith("%") and rest[0] not in ("at", "every"):
        amount = _number(rest.pop(0), f"its {AMOUNTS[name]}")
    if name in CLOCK and not amount:
        raise ValueError(f"{name} needs a number ({AMOUNTS[name]})")
    if name not in ("drift", "jump") and amount is not None and amount <= 0:
        raise ValueError(f"its {AMOUNTS[name]} must be positive, got {amount:g}")
    if name in ALWAYS:
        if rest:
            raise ValueError(f"{name} is there from start to end, not {' '.join(rest)}")
        return Fault(name, amount)
    share, at, every = _when(rest)
    if share and name in _TOGETHER:
        raise ValueError(f"{name} takes all streams at once: say `at` or `every`")
    return Fault(name, amount, share, at, every)


def _when(words: list[str]) -> tuple[float, tuple[float, ...], float | None]:
    """Return share, at, every."""
    match words:
        case [share] if share.endswith("%"):
            percent = _number(share[:-1], "the share")
            if not 0 < percent <= 100:
                raise ValueError(f"a share is over 0 and up to 100 %, got {share}")
            return percent / 100, (), None
        case ["at", *times] if times:
            listed = " ".join(times).replace(",", " ").split()
            at = tuple(_number(each, "a time") for each in listed)
            if min(at, default=0.0) < 0:
                raise ValueError("a time must not be negative")
            return 0.0, at, None
        case ["every", seconds]:
            every = _number(seconds, "a time")
            if every <= 0:
                raise ValueError(f"every {seconds} is no time: it must be positive")
            return 0.0, (), every
    raise ValueError(_WHEN)


def _number(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise ValueError(f"{what} must be a number, got {text!r}")
    return number

"""Which of the streams on the network is meant, and what to say where none is."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np

from rtpipe import lsl
from rtpipe.errors import ConfigError, DeviceNotFound

WITHIN = 5.0  # seconds to look for a stream that was named
AGAIN = 1.0  # seconds for each step of the way back to one that was lost
# A local network answers at once; hosts that a user's lsl_api.cfg names are asked after
# half a second. A search cannot be interrupted while a slice lasts.
SLICE = 1.0
OTHERS = 0.75  # seconds in which others that match would answer too
_TRY = (
    "check that its sender runs and streams, that both computers are on the same "
    "network, and that no firewall or VPN blocks LSL (UDP and TCP, ports 16571-16604)"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person said of a stream; None where nothing."""

    name: str | None = None
    type: str | None = None
    source_id: str | None = None

    def __str__(self) -> str:
        told = [f"{key}={value}" for key, value in self._told().items()]
        return "lsl:" + (self.name if len(told) == 1 and self.name else " ".join(told))

    def __bool__(self) -> bool:
        return bool(self._told())

    def query(self) -> str:
        """Return it as the XPath predicate that liblsl's search takes."""
        return " and ".join(f"{key}={_quoted(v)}" for key, v in self._told().items())

    def _told(self) -> dict[str, str]:
        keys = {"name": self.name, "type": self.type, "source_id": self.source_id}
        return {key: value for key, value in keys.items() if value is not None}


def advice() -> str:
    """Return what to try where a stream is not there or does not answer."""
    if (scope := lsl.scope()) is None:
        return _TRY
    return f"lsl_scope = {scope} leaves out what is further away: widen it, or {_TRY}"


def find(wanted: Wanted) -> Any:
    """Return the description of the one stream that is wanted.

    Raises
    ------
    ConfigError
        If nothing was said of it, or several streams match.
    DeviceNotFound
        If there is none.
    """
    found = _search(wanted.query(), WITHIN) if wanted else []
    if found:  # all that match answer by now, however many
        found = lsl.load().resolve_bypred(wanted.query(), _MANY, OTHERS) or found
    if len(found) == 1:
        return found[0]
    there = lsl.load().resolve_streams(SLICE)
    if found:
        raise ConfigError(
            f"{wanted}: {len(found)} streams match; name one of them:\n"
            f"{lines(found, there)}"
        )
    if not wanted and there:
        raise ConfigError(
            f"lsl: say which stream; on the network now:\n{lines(there, there)}"
        )
    what = f"{wanted}: there is no such" if wanted else "lsl: there is no"
    others = f"; there are:\n{lines(there, there)}" if there else ""
    raise DeviceNotFound(f"{what} LSL stream on the network: {advice()}{others}")


def find_again(known: Any, wanted: Wanted) -> Any:
    """Return the description of a stream that was lost, as it is on the network now.

    It is found by all that does not change when its sender is started again: a sender
    may give several streams one name and one source_id. Where a sender gives no
    source_id, or its library makes up another one at each start, the host stands in
    for it.

    Raises
    ------
    DeviceNotFound
        If it is not back.
    """
    source_id = known.source_id()
    made_up = not source_id or _MADE_UP.fullmatch(source_id)
    same = Wanted(known.name(), known.type(), None if made_up else source_id)
    sfreq = np.format_float_positional(known.nominal_srate())  # XPath has no exponents
    query = (
        f"{same.query()} and channel_count={known.channel_count()} and "
        f"nominal_srate={sfreq}"
    )
    if made_up:
        query += f" and hostname={_quoted(known.hostname())}"
    if found := _search(query, AGAIN):
        return found[0]
    raise DeviceNotFound(
        f"{wanted} ({summary(known)}) is not on the network: {advice()}"
    )


def _search(query: str, seconds: float) -> list[Any]:
    """Return the streams that match, as soon as there is one."""
    pylsl, end = lsl.load(), monotonic() + seconds
    found: list[Any] = []
    while not found and (left := end - monotonic()) > 0:
        found = pylsl.resolve_bypred(query, 1, min(SLICE, left))
    return found


def is_text(stream: Any) -> bool:
    """Tell whether a stream's samples are texts."""
    return bool(stream.channel_format() == lsl.load().cf_string)


def summary(stream: Any) -> str:
    """Return a stream's kind in a few words: ``EMG, 8 channels, 200 Hz``."""
    n, sfreq = stream.channel_count(), stream.nominal_srate()
    rate = "texts" if is_text(stream) else f"{sfreq:g} Hz" if sfreq else "irregular"
    return f"{shown(stream.type()) or 'no type'}, {n} channel{'s' * (n != 1)}, {rate}"


def argument(stream: Any, among: Sequence[Any]) -> list[str]:
    """Return the words to type after ``--device`` that name one stream alone."""
    ways = (("name",), ("name", "type"), ("source_id",), _KEYS)
    key, *more = _telling(stream, among, ways)
    value, *values = _told(stream, (key, *more))
    words = [f"lsl:{value}" if key == "name" else f"lsl:{key}={value}"]
    for key, value in zip(more, values, strict=True):
        words += ["--set", f"device.{key}={value}"]
    return words


def marker_argument(stream: Any, among: Sequence[Any]) -> str:
    """Return what stands after ``device.markers=`` for one stream of texts alone."""
    (key,) = _telling(stream, among, (("name",), ("source_id",), ("type",)))
    (value,) = _told(stream, (key,))
    return value if key == "name" else f"{key}={value}"


def alike(stream: Any, among: Sequence[Any]) -> str:
    """Return what to do about streams that nothing tells apart; "" where there is none.

    Each has its own line where the hosts, the channels or the rates differ: a person
    sees what is there, although no words choose it.
    """
    others = _others(stream, among, _KEYS)
    if not others:
        return ""
    return (
        f"; {len(others) + 1} have this name, type and source_id: have their senders "
        "give them names of their own"
    )


def lines(streams: Sequence[Any], among: Sequence[Any]) -> str:
    """Return a line for each stream: what to type for it, and what it is.

    Parameters
    ----------
    streams : sequence of pylsl.StreamInfo
    among : sequence of pylsl.StreamInfo
        All that are on the network: what is typed must fit none of the others.
    """
    typed = [_typed(each, among) for each in streams]
    width = max(map(len, typed))
    told = {
        f"  {line:<{width}}  {summary(each)}, on {shown(each.hostname())}"
        f"{alike(each, among)}"
        for line, each in zip(typed, streams, strict=True)
    }
    return "\n".join(sorted(told))


def _typed(stream: Any, among: Sequence[Any]) -> str:
    if is_text(stream):  # it goes with a stream of samples
        return (
            f"--set {shlex.quote('device.markers=' + marker_argument(stream, among))}"
        )
    return f"--device {shlex.join(argument(stream, among))}"


def _telling(
    stream: Any, among: Sequence[Any], ways: Sequence[tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the first keys that fit no other stream; else the very first."""
    for keys in ways:
        if all(_told(stream, keys)) and not _others(stream, among, keys):
            return keys
    return ways[0]


def _others(stream: Any, among: Sequence[Any], keys: Sequence[str]) -> list[Any]:
    """Return the other streams that are the same in these keys."""
    same = _told(stream, keys)
    return [
        each
        for each in among
        if each.uid() != stream.uid() and _told(each, keys) == same
    ]


def _told(stream: Any, keys: Sequence[str]) -> list[str]:
    return [shown(getattr(stream, key)()) for key in keys]


def shown(text: str) -> str:
    """Return a text from the network without what could steer a terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)


_KEYS = ("name", "type", "source_id")
_MANY = 1024  # streams; a search for more than there are takes all of its time
_MADE_UP = re.compile(r"-?\d{15,}")  # pylsl's, for senders that give none


def _quoted(text: str) -> str:
    """Return a text as XPath 1.0 writes it, which has no escapes."""
    if "'" not in text:
        return f"'{text}'"
    parts = ', "\'", '.join(f"'{part}'" for part in text.split("'"))
    return f"concat({parts})"

"""The library of the Lab Streaming Layer: loaded when it is wanted, and kept quiet.

The only file that imports pylsl, which loads liblsl, a library that talks to standard
error and to the network.
"""

import os
import re
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from rtpipe.clock import now
from rtpipe.errors import ConfigError
from rtpipe.loopback import kept_here

# How far streams are announced and looked for, in liblsl's words, the nearest first.
Scope = Literal["machine", "link", "site", "organization", "global"]
BACKLOG = 60  # seconds of samples that liblsl keeps for a reader that pauses
_ONLY_FATAL = "\n[log]\nlevel = -3\n"
# Streams of several processes share the port at which they are looked for, and only one
# hears what comes there from this computer itself: so they are also asked one by one.
_HERE = "AddressesOverride = {127.0.0.1}\n[lab]\nKnownPeers = {127.0.0.1}\n"
_REPLACED = re.compile(
    r"^[ \t]*(ResolveScope|AddressesOverride|KnownPeers)[ \t]*=.*\n?",
    re.MULTILINE | re.IGNORECASE,
)
_scope: str | None = None


def limit(scope: str | None) -> None:
    """Say how far streams are announced and looked for, before LSL is first used.

    Parameters
    ----------
    scope : str or None
        One of `Scope`; None leaves it to the user's configuration, or to liblsl.

    Raises
    ------
    ConfigError
        If there is none of that name, or LSL is in use already with another one.
    """
    global _scope
    if scope is not None and scope not in get_args(Scope):
        raise ConfigError(
            f"lsl_scope = {scope!r}: there are {', '.join(get_args(Scope))}"
        )
    if scope != _scope and load.cache_info().currsize:
        raise ConfigError("lsl_scope cannot change once LSL is in use: start anew")
    _scope = scope


def scope() -> str | None:
    """Return what `limit` was told last."""
    return _scope


@cache
def load() -> Any:
    """Return the module pylsl, with liblsl's log silenced.

    A user's own configuration stays in force, the log too where it has a section
    ``[log]``, but for what `limit` says.

    Raises
    ------
    ConfigError
        If pylsl or liblsl is not there or does not load.
    """
    try:
        import pylsl
    except ModuleNotFoundError:
        raise ConfigError(
            "LSL needs the package 'pylsl': install it with `pip install pylsl`"
        ) from None
    except (ImportError, RuntimeError, OSError) as error:
        said = str(error).splitlines()[0].strip().rstrip(".")
        raise ConfigError(
            f"LSL's library liblsl cannot be loaded ({said}): "
            "`pip install --force-reinstall pylsl` brings one, or set PYLSL_LIB to its "
            "file"
        ) from None
    given = _configuration()
    text = _limited(given)
    if not re.search(r"^\s*\[log\]", text, re.MULTILINE):
        text += _ONLY_FATAL
    if text != given:
        try:
            pylsl.set_config_content(text)
        except NotImplementedError:
            # A liblsl of the system, older than the wheel's: it will talk.
            if _scope:
                raise ConfigError(
                    f"lsl_scope = {_scope}: this liblsl cannot be told; install "
                    "pylsl's, or say it in the file that LSLAPICFG names"
                ) from None
    return pylsl


def offset() -> float:
    """Return what to add to LSL's clock to get the run's, in seconds.

    The tightest of a few readings; on Linux both are the same clock.
    """
    pylsl = load()
    readings = []
    for _ in range(5):
        before, there, after = now(), pylsl.local_clock(), now()
        readings.append((after - before, (before + after) / 2 - there))
    return float(min(readings)[1])


def offering() -> AbstractContextManager[object]:
    """Return the context in which outlets are made, which are to reach as far as said.

    liblsl listens on all networks, whatever the scope; where that is ``machine``, its
    sockets are kept to this computer.
    """
    return kept_here() if _scope == "machine" else nullcontext()


def observed(stamp: float, arrived: float) -> float:
    """Return a stamp on the run's clock, or the arrival where it cannot be true."""
    return stamp if 0 <= arrived - stamp <= BACKLOG else arrived


def channels(description: Any, key: str) -> list[str]:
    """Return what a stream's full description says of each channel; "" where nothing.

    Parameters
    ----------
    description : pylsl.StreamInfo
    key : str
        ``"label"``, ``"type"`` or ``"unit"``.

    Returns
    -------
    list of str
        One per channel. All are empty where the description lists another number of
        channels than the samples have: nobody knows which is which.
    """
    told = []
    channel = description.desc().child("channels").child("channel")
    while not channel.empty():
        told.append(channel.child_value(key).strip())
        channel = channel.next_sibling("channel")
    n_channels = description.channel_count()
    return told if len(told) == n_channels else [""] * n_channels


def _limited(text: str) -> str:
    """Return a configuration with the scope in place of what it says of that."""
    if _scope is None:
        return text
    if _scope == "machine":
        kept = _REPLACED.sub("", text)
    else:
        kept = re.sub(r"(?im)^[ \t]*ResolveScope[ \t]*=.*\n?", "", text)
    here = _HERE if _scope == "machine" else ""
    return f"{kept}\n[multicast]\nResolveScope = {_scope}\n{here}"


def _configuration() -> str:
    """Return the text of the file that liblsl would read: the first that is there."""
    if named := os.environ.get("LSLAPICFG"):
        try:
            return Path(named).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise ConfigError(
                f"LSLAPICFG names {named}, which cannot be read: {error.strerror}"
            ) from None
    places = ("lsl_api.cfg", "~/lsl_api/lsl_api.cfg", "/etc/lsl_api/lsl_api.cfg")
    for place in places:
        path = Path(os.path.expanduser(place))
        if os.access(path, os.R_OK):
            return path.read_text(encoding="utf-8", errors="replace")
    return ""

"""Sockets of a library that listens on every network, kept to this computer."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

_OPEN = Path("/proc/self/fd")
_EVERYWHERE = ("0.0.0.0", "::")


@contextmanager
def kept_here() -> Iterator[None]:
    """Bind the sockets that are opened meanwhile to the loopback device.

    Only those that would listen on every network. Linux lets their owner do so; where
    that is not possible it is told in the log. They are bound also where the body
    raises. Whose they are cannot be seen: a socket that another thread of this process
    opens in these moments, to listen on every network, is bound, too.
    """
    if not _OPEN.exists() or not hasattr(socket, "SO_BINDTODEVICE"):
        logger.warning("ports stay open to the network: only Linux can close them")
        yield
        return
    before = _inodes()
    try:
        yield
    finally:
        for inode, number in _inodes().items():
            if inode not in before:
                _bind(number)


def _inodes() -> dict[str, int]:
    """Return this process's open sockets: their descriptors by what they are."""
    found = {}
    for each in _OPEN.iterdir():
        try:
            what = os.readlink(each)
        except OSError:  # closed meanwhile
            continue
        if what.startswith("socket:"):
            found[what] = int(each.name)
    return found


def _bind(number: int) -> None:
    try:
        copy = os.dup(number)
    except OSError:  # closed meanwhile
        return
    with socket.socket(fileno=copy) as found:
        if found.family not in (socket.AF_INET, socket.AF_INET6):
            return
        address, port, *_ = found.getsockname()
        if address not in _EVERYWHERE or not port:
            return
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
        except OSError as error:
            logger.warning(
                "port %d stays open to the network: %s", port, error.strerror
            )

"""Sockets that are kept to this computer."""

import errno
import os
import socket
import sys

import pytest

from rtpipe.loopback import kept_here

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone does it")


def bound_to(of: socket.socket) -> bytes:
    return of.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).strip(b"\0")


def test_those_that_are_opened_meanwhile_and_would_listen_everywhere() -> None:
    with socket.socket() as before:
        before.bind(("", 0))
        with kept_here():
            wide, near = socket.socket(), socket.socket()
            wide.bind(("", 0))
            near.bind(("127.0.0.1", 0))
        with wide, near:
            assert [bound_to(each) for each in (before, wide, near)] == [
                b"",
                b"lo",
                b"",
            ]


def test_one_that_is_closed_before_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a thread of the library, say: the others are bound all the same."""
    copied = os.dup
    gone: list[int] = []

    def dup(number: int) -> int:
        if number in gone:
            raise OSError(errno.EBADF, "Bad file descriptor")
        return copied(number)

    monkeypatch.setattr(os, "dup", dup)
    with kept_here():
        short, wide = socket.socket(), socket.socket()
        wide.bind(("", 0))
        gone.append(short.fileno())
    with short, wide:
        assert bound_to(wide) == b"lo"


def test_also_where_what_opens_them_fails() -> None:
    made: list[socket.socket] = []

    def fail() -> None:
        with kept_here():
            made.append(socket.socket())
            made[0].bind(("", 0))
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    with made[0]:
        assert bound_to(made[0]) == b"lo"

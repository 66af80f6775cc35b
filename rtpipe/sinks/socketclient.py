"""One reader of the socket: what waits for it, and what it says."""

import socket
from collections import deque

LONGEST = 64 * 1024  # bytes of one command; nothing a person marks is longer


class Client:
    """A connected reader that may be slow, silent or hostile, and never blocks us.

    Parameters
    ----------
    connection : socket.socket
    hello : bytes
        The first line it is sent; never dropped.
    backlog : int
        Bytes of lines that may wait for it; beyond, the oldest lines are dropped.

    Attributes
    ----------
    connected : bool
        Whether it is still there.

    Notes
    -----
    A line of which some bytes are out is always finished, so a reader never sees half
    a line. How many lines were dropped is told exactly where they are missing.
    A client that closes, or shuts down its sending side, is let go.
    """

    def __init__(self, connection: socket.socket, hello: bytes, backlog: int) -> None:
        connection.setblocking(False)
        self.connected = True
        self._connection, self._backlog = connection, backlog
        self._current = memoryview(hello)  # the line being sent; never dropped
        self._waiting: deque[bytes] = deque()
        self._status = b""  # the newest, if it has not been sent
        self._size = 0  # bytes in _waiting
        self._dropped = 0
        self._heard = b""
        self._deaf = False  # inside a command that is too long, until its line ends

    def fileno(self) -> int:
        """Return the connection's descriptor, for `select`."""
        return self._connection.fileno()

    def put(self, line: bytes) -> None:
        """Let a line wait to be sent; the oldest ones make room for it."""
        self._waiting.append(line)
        self._size += len(line)
        while self._size > self._backlog:
            self._size -= len(self._waiting.popleft())
            self._dropped += 1

    def tell(self, status: bytes) -> None:
        """Let a line wait that takes the place of the one told before it."""
        self._status = status

    @property
    def pending(self) -> bool:
        """Whether something is left to be sent."""
        return self.connected and bool(
            self._current or self._status or self._waiting or self._dropped
        )

    def send(self) -> None:
        """Send as much as the connection takes at once."""
        while self.pending:
            if not self._current:
                self._current = memoryview(self._next())
            try:
                sent = self._connection.send(self._current)
            except BlockingIOError:
                return
            except OSError:
                self.connected = False
                return
            self._current = self._current[sent:]

    def hear(self) -> list[bytes | None]:
        """Return the lines it has sent since, None for each that was too long."""
        try:
            heard = self._connection.recv(LONGEST)
        except BlockingIOError:
            return []
        except OSError:
            heard = b""
        self.connected = bool(heard)
        *lines, self._heard = (self._heard + heard).split(b"\n")
        said: list[bytes | None] = []
        for each in lines:
            if self._deaf:
                self._deaf = False  # the end of a line refused before
            else:
                said.append(each if len(each) <= LONGEST else None)
        if self._deaf or len(self._heard) > LONGEST:
            if not self._deaf:
                said.append(None)
            self._deaf, self._heard = True, b""
        return said

    def close(self) -> None:
        """Let it go. What still waits is lost."""
        self.connected = False
        self._connection.close()

    def _next(self) -> bytes:
        if self._status:
            status, self._status = self._status, b""
            return status
        if self._dropped:
            count, self._dropped = self._dropped, 0
            return b'{"type": "dropped", "n": %d}\n' % count
        line = self._waiting.popleft()
        self._size -= len(line)
        return line

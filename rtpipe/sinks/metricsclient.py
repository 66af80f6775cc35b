"""One who asks for the metrics over HTTP: what was asked, and the answer."""

import socket
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST

LONGEST = 8192  # bytes of a request; a browser's are not longer
PATH = "/metrics"


class MetricsClient:
    """A connection that is answered once, and never waited for.

    Parameters
    ----------
    connection : socket.socket
    page : callable
        Gives the figures as they stand.
    deadline : float
        When it is let go, on the run's clock, whether it was answered or not.

    Attributes
    ----------
    connected : bool
        Whether something is left to be heard or said.
    """

    def __init__(
        self, connection: socket.socket, page: Callable[[], bytes], deadline: float
    ) -> None:
        connection.setblocking(False)
        self.deadline, self.connected = deadline, True
        self._connection, self._page = connection, page
        self._asked = b""
        self._answer = memoryview(b"")

    def serve(self) -> None:
        """Hear and say as much as goes at once."""
        try:
            if not self._answer:
                self._hear()
            while self._answer:
                self._answer = self._answer[self._connection.send(self._answer) :]
                self.connected = bool(self._answer)
        except BlockingIOError:
            pass
        except OSError:
            self.connected = False

    def close(self) -> None:
        """Let it go."""
        self.connected = False
        self._connection.close()

    def _hear(self) -> None:
        heard = self._connection.recv(LONGEST)
        self._asked += heard
        if not heard:
            self.connected = False
        elif b"\r\n\r\n" in self._asked or len(self._asked) >= LONGEST:
            self._answer = memoryview(_answer(self._asked, self._page))


def _answer(asked: bytes, page: Callable[[], bytes]) -> bytes:
    """Return the response to a request, of which its first line matters alone."""
    match asked.split(b"\r\n", 1)[0].split(b" "):
        case [method, target, b"HTTP/1.0" | b"HTTP/1.1"]:
            if method not in (b"GET", b"HEAD"):
                return _response("405 Method Not Allowed", b"ask with GET\n", True)
            body = method == b"GET"
            if target.split(b"?")[0] == PATH.encode():
                return _response("200 OK", page(), body, CONTENT_TYPE_LATEST)
            return _response("404 Not Found", b"the figures are at /metrics\n", body)
    return _response("400 Bad Request", b"this is no request of HTTP\n", True)


def _response(
    status: str, told: bytes, body: bool, kind: str = "text/plain; charset=utf-8"
) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\n"
        f"Content-Type: {kind}\r\n"
        f"Content-Length: {len(told)}\r\n"
        + ("Allow: GET, HEAD\r\n" if status.startswith("405") else "")
        + "Connection: close\r\n\r\n"
    )
    return head.encode() + told * body

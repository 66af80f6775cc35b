"""Counters and latencies for Prometheus, over HTTP."""

import socket
import sys
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, generate_latest

from rtpipe.address import shown
from rtpipe.clock import now
from rtpipe.errors import ConfigError
from rtpipe.sink import Item, Run
from rtpipe.sinks.figures import Figures
from rtpipe.sinks.metricsclient import PATH, MetricsClient

_CLIENTS = 16  # at once; others wait for one of them
_PATIENCE = 5.0  # seconds a client may take to ask and to read


class Metrics:
    """Answers ``GET /metrics`` with what the run's counters say at that moment.

    Parameters
    ----------
    host : str
        ``127.0.0.1`` hears this machine alone, ``0.0.0.0`` the network.
    port : int
        0 takes a free one, and says on standard error which.

    Attributes
    ----------
    address : (str, int)
        Where it listens, once it is open.

    Notes
    -----
    Who may connect may read, for nothing is asked of them; nothing can be changed.
    Nothing here waits for a client, and there is no thread.
    """

    name = "metrics"
    period = 0.05
    samples = False

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    def open(self, run: Run) -> None:
        """Listen; from now on the figures can be read.

        Raises
        ------
        ConfigError
            If the port is taken, or the host is not one of this machine's.
        """
        self._registry = CollectorRegistry()
        self._registry.register(Figures(run))
        self._clients: list[MetricsClient] = []
        self._listener = _listener(self.host, self.port)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        if not self.port and sys.stderr is not None:
            place = shown(*self.address)
            sys.stderr.write(f"rtpipe: metrics at http://{place}{PATH}\n")

    def take(self, items: Sequence[Item]) -> None:
        """Serve who is there."""
        while len(self._clients) < _CLIENTS:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # nobody waits, or there are no descriptors left
                break
            client = MetricsClient(connection, self._page, now() + _PATIENCE)
            self._clients.append(client)
        for client in self._clients:
            client.serve()
            if not client.connected or now() > client.deadline:
                client.close()
        self._clients = [each for each in self._clients if each.connected]

    def close(self) -> None:
        """Listen no more, and let everybody go."""
        for client in self._clients:
            client.close()
        self._listener.close()

    def _page(self) -> bytes:
        return generate_latest(self._registry)


def _listener(host: str, port: int) -> socket.socket:
    try:
        (family, *_, place), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )
        listener = socket.create_server(place, family=family)
    except (OSError, UnicodeError) as error:  # the latter of what no host is called
        why = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"metrics: cannot listen on {shown(host, port)} "
            f"({why}): choose another port, or 0 for a free one"
        ) from None
    listener.setblocking(False)
    return listener

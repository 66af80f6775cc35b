"""Where a server listens: a port, and whose requests it hears."""

import re

LOCAL = "127.0.0.1"


def address(text: str | int) -> tuple[str, int]:
    """Return host and port of ``PORT`` or ``HOST:PORT``.

    Without a host it is this machine alone. A host that is an IPv6 address stands in
    brackets: ``[::1]:9100``.

    Raises
    ------
    ValueError
        If it is neither, or no port from 0 to 65535.
    """
    pattern = r"(?:(?P<host>[^\s:\[\]]+|\[[0-9A-Fa-f:.%\w]+\]):)?(?P<port>[0-9]{1,5})"
    found = re.fullmatch(pattern, str(text).strip(), re.ASCII)
    if not found or int(found["port"]) > 65535:
        raise ValueError(
            f"wants PORT or HOST:PORT, for example 9100 or [::1]:9100; got {text!r}"
        )
    return (found["host"] or LOCAL).strip("[]"), int(found["port"])


def shown(host: str, port: int) -> str:
    """Return host and port as one text."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

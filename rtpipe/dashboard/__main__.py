"""The dashboard's process; `rtpipe.dashboard.launch` starts it and tells it its run."""

import os
import sys
from contextlib import suppress
from importlib import import_module

from rtpipe.dashboard.launch import OPEN


def main() -> int:
    """Open the window, and return the exit status when it was closed."""
    owner = "--owner" in sys.argv[1:]
    _spare_the_disk()
    try:
        for library in ("PyQt6.QtWidgets", "pyqtgraph"):
            import_module(library)
    except ImportError as error:
        _say(f"Qt's libraries cannot be loaded ({error})")
        return 2
    from rtpipe.dashboard.app import LOWER, run

    with suppress(AttributeError, OSError):
        os.nice(LOWER)
    return run(owner, lambda: _say(OPEN))


def _spare_the_disk() -> None:
    """Leave no memory image: Qt aborts where it finds no display."""
    with suppress(ImportError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _say(line: str) -> None:
    with suppress(OSError):  # who started us is gone: its pipe tells that, too
        os.write(1, " ".join(line.split()).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())

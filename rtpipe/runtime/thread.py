"""How every thread of a run is started."""

import threading
from collections.abc import Callable


def start(name: str, loop: Callable[[], None]) -> threading.Thread:
    """Start a thread; the run waits for its end, an interpreter that exits does not."""
    thread = threading.Thread(target=loop, name=f"rtpipe-{name}", daemon=True)
    thread.start()
    return thread

"""Which Bluetooth devices are near, by the library that BrainFlow brings for it.

BrainFlow connects to the first device that fits and does not say which it was; a run
that loses a headband has to come back to the same one, not to a neighbour's.
"""

import ctypes
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from rtpipe import clock
from rtpipe.errors import DeviceNotFound

from .brainflow_sdk import sdk

LIBRARIES = {"Windows": "simpleble-c.dll", "Darwin": "libsimpleble-c.dylib"}
POLL = 0.1  # seconds
LINGER = 1.0  # seconds for others to be seen, after the first that fits


def nearby(fits: Callable[[str, str], bool], seconds: float) -> dict[str, str]:
    """Return the name of every device that was seen, by its address, as they tell them.

    Parameters
    ----------
    fits : callable
        Whether a device, its address and name, is one that is searched for.
    seconds : float
        How long to wait for a first one that is.

    Raises
    ------
    ConfigError
        If BrainFlow is not installed.
    DeviceNotFound
        If this computer has no Bluetooth that it may use.
    """
    seen: dict[str, str] = {}
    with _scan() as (lib, adapter):
        end, found = clock.now() + seconds, False
        while clock.now() < end:
            time.sleep(POLL)
            seen.update(_results(lib, adapter))
            if not found and any(fits(*each) for each in seen.items()):
                end, found = min(end, clock.now() + LINGER), True
    return seen


@contextmanager
def _scan() -> Iterator[tuple[Any, Any]]:
    lib = library()
    if not lib.simpleble_adapter_get_count():
        raise DeviceNotFound(
            "this computer has no Bluetooth adapter that rtpipe may use: switch "
            "Bluetooth on or plug an adapter in (on Linux its service has to run, on "
            "macOS the terminal needs the permission for Bluetooth)"
        )
    adapter = lib.simpleble_adapter_get_handle(0)
    try:
        if lib.simpleble_adapter_scan_start(adapter):
            raise DeviceNotFound(
                "Bluetooth cannot search: switch it on, and let your user use it"
            )
        try:
            yield lib, adapter
        finally:
            lib.simpleble_adapter_scan_stop(adapter)
    finally:
        lib.simpleble_adapter_release_handle(adapter)


def _results(lib: Any, adapter: Any) -> Iterator[tuple[str, str]]:
    """Yield the address and the name of each device seen so far."""
    for k in range(lib.simpleble_adapter_scan_get_results_count(adapter)):
        device = lib.simpleble_adapter_scan_get_results_handle(adapter, k)
        if not device:
            continue
        texts = []
        for told in (
            lib.simpleble_peripheral_address,
            lib.simpleble_peripheral_identifier,
        ):
            text = told(device)
            texts.append(
                (ctypes.string_at(text) if text else b"").decode("utf-8", "replace")
            )
            lib.simpleble_free(text)
        lib.simpleble_peripheral_release_handle(device)
        yield texts[0], texts[1]


@cache
def library() -> Any:
    """Return SimpleBLE's C library, loaded, with the types of what is used of it.

    Raises
    ------
    DeviceNotFound
        If BrainFlow brings none for this system.

    References
    ----------
    .. [1] SimpleBLE's C API: simpleble_c/adapter.h and peripheral.h.
    """
    name = LIBRARIES.get(platform.system(), "libsimpleble-c.so")
    path = Path(sdk().__file__).parent / "lib" / name
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise DeviceNotFound(
            f"BrainFlow brings no Bluetooth for this system: {error}"
        ) from None
    handle, size = ctypes.c_void_p, ctypes.c_size_t
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "adapter_get_count": (size, []),
        "adapter_get_handle": (handle, [size]),
        "adapter_release_handle": (None, [handle]),
        "adapter_scan_start": (ctypes.c_int, [handle]),
        "adapter_scan_stop": (ctypes.c_int, [handle]),
        "adapter_scan_get_results_count": (size, [handle]),
        "adapter_scan_get_results_handle": (handle, [handle, size]),
        "peripheral_address": (handle, [handle]),
        "peripheral_identifier": (handle, [handle]),
        "peripheral_release_handle": (None, [handle]),
        "free": (None, [handle]),
    }
    if hasattr(loaded, "simpleble_logging_set_level"):
        loaded.simpleble_logging_set_level(0)  # it would log on standard output
    for function, (returned, taken) in signatures.items():
        call = getattr(loaded, f"simpleble_{function}")
        call.restype, call.argtypes = returned, taken
    return loaded

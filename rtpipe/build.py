"""From a configuration to the objects that run: the only file that knows both."""

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtpipe.config import Config, DeviceTable, ModelTable, bundle_path
from rtpipe.decide import Decision
from rtpipe.device import Device
from rtpipe.errors import ConfigError
from rtpipe.registry import find

if TYPE_CHECKING:  # torch is loaded for those who have a bundle
    from rtpipe.bundle import Bundle


def device(table: DeviceTable) -> Device:
    """Build a device; it is not opened."""
    made: Device = find("devices", table.kind)(**table.settings)
    return made


def argument(table: DeviceTable) -> str:
    """Return what a person types for a device: its kind, and its first setting."""
    first = next(iter(inspect.signature(find("devices", table.kind)).parameters), "")
    named = table.settings.get(first)
    return table.kind if named is None else f"{table.kind}:{named}"


def compute(config: Config) -> str:
    """Return the torch device to run on, and set torch's threads.

    Raises
    ------
    ConfigError
        If it is not there, or there are not so many processors.
    """
    import torch

    if config.torch_threads > (have := os.cpu_count() or 1):
        raise ConfigError(
            f"torch_threads = {config.torch_threads}: there are {have} processors here"
        )

    torch.set_num_threads(config.torch_threads)
    there = {"cpu": True, "cuda": torch.cuda.is_available()}
    there["mps"] = torch.backends.mps.is_available()
    if config.compute == "auto":
        return "cuda" if there["cuda"] else "cpu"
    if not there[config.compute]:
        raise ConfigError(
            f"compute = {config.compute}: torch finds no such device here"
        )
    return config.compute


def bundles(
    tables: tuple[ModelTable, ...], compute: str
) -> list[tuple[str, "Bundle", Decision]]:
    """Load bundles, each with its name in the run and its decision.

    Raises
    ------
    BundleError
        If one is no bundle.
    """
    if not tables:
        return []
    from rtpipe.bundle import Bundle

    loaded: list[tuple[str, Bundle, Decision]] = []
    for table in tables:
        bundle = Bundle.load(bundle_path(table.path), compute)
        shipped = table.path.startswith("demo:")
        bundle.path = table.path if shipped else str(Path(table.path).resolve())
        name = unique(table.name or bundle.card.name, [each[0] for each in loaded])
        loaded.append((name, bundle, decision(bundle.card.decision, table.decision)))
    return loaded


def decision(of_card: Decision, changes: dict[str, Any]) -> Decision:
    """Return the card's decision with some keys changed."""
    return Decision.model_validate({**of_card.model_dump(), **changes})


def unique(name: str, taken: list[str]) -> str:
    """Return the name, with a number behind it where it is taken."""
    n, tried = 1, name
    while tried in taken:
        n += 1
        tried = f"{name}-{n}"
    return tried

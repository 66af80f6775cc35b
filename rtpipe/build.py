"""From a configuration to the objects that run: the only file that knows both."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from rtpipe.bundle import Bundle
from rtpipe.card import read_card
from rtpipe.config import Config, DeviceTable, ModelTable
from rtpipe.decide import Decision
from rtpipe.device import Device
from rtpipe.errors import ConfigError
from rtpipe.registry import find

DEMOS = ("gesture", "emotion", "seizure")
ONLY_NAMED = "seizure"  # never runs on a person who did not ask for it


def device(table: DeviceTable) -> Device:
    """Build a device; it is not opened."""
    made: Device = find("devices", table.kind)(**table.settings)
    return made


def compute(config: Config) -> str:
    """Return the torch device to run on, and set torch's threads.

    Raises
    ------
    ConfigError
        If it is not there.
    """
    import torch

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


def models(config: Config) -> tuple[ModelTable, ...]:
    """Return the bundles to run: those named, or else the demo bundles.

    On a device that is not synthetic the seizure demo runs only when it is named.
    """
    if config.model:
        return config.model
    synthetic = all(table.kind == "synthetic" for table in config.device)
    return tuple(
        ModelTable(path=f"demo:{name}")
        for name in DEMOS
        if synthetic or name != ONLY_NAMED
    )


def bundles(
    tables: tuple[ModelTable, ...], compute: str
) -> list[tuple[str, Bundle, Decision]]:
    """Load bundles, each with its name in the run and its decision.

    Raises
    ------
    BundleError
        If one is no bundle.
    """
    loaded: list[tuple[str, Bundle, Decision]] = []
    for table in tables:
        bundle = Bundle.load(bundle_path(table.path), compute)
        name = unique(table.name or bundle.card.name, [each[0] for each in loaded])
        loaded.append((name, bundle, decision(bundle.card.decision, table.decision)))
    return loaded


def decision(of_card: Decision, changes: dict[str, Any]) -> Decision:
    """Return the card's decision with some keys changed."""
    return Decision.model_validate({**of_card.model_dump(), **changes})


def bundle_path(path: str) -> Path:
    """Return the file of a bundle: a path, or ``demo:TASK`` for one that is shipped.

    Raises
    ------
    ConfigError
        If there is no such demo.
    BundleError
        If the file is no bundle.
    """
    kind, colon, name = path.partition(":")
    if kind == "demo" and colon:
        if name not in DEMOS:
            raise ConfigError(
                f"no demo is named {name!r}; there are: {', '.join(DEMOS)}"
            )
        return Path(str(files("rtpipe.models") / f"demo-{name}.pt"))
    read_card(Path(path))  # refuses what is none before torch is imported for it
    return Path(path)


def unique(name: str, taken: list[str]) -> str:
    """Return the name, with a number behind it where it is taken."""
    n, tried = 1, name
    while tried in taken:
        n += 1
        tried = f"{name}-{n}"
    return tried

"""Start a run that a configuration describes, and stay until it ends."""

import sys
from collections.abc import Callable

from rtpipe import build
from rtpipe.config import Config
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Sink


def start(config: Config, optional: bool) -> None:
    """Run, and return when it is over.

    Parameters
    ----------
    config : Config
    optional : bool
        Whether a model that fits no stream is left out instead of refused.

    Raises
    ------
    RtpipeError
        If the run cannot start, or ends for a reason a person should know.
    KeyboardInterrupt
        If it was interrupted; every sample until then has been taken care of.
    """
    devices = [build.device(table) for table in config.device]
    compute = build.compute(config)
    bundles = build.bundles(config.model, compute)
    runtime = Runtime(
        devices,
        bundles,
        _sinks(config, lambda: runtime.run.stop()),
        mains=config.mains,
        compute=compute,
        optional=optional,
        reconnect=config.reconnect,
    )
    with runtime:
        runtime.wait(config.duration)


def _sinks(config: Config, gone: Callable[[], None]) -> list[Sink]:
    """Return the sinks; `gone` is called when nobody reads the view any longer."""
    if config.json_lines:
        from rtpipe.sinks.jsonl import JsonLines

        return [JsonLines(sys.stdout)]
    if config.ui == "none":
        return []
    from rtpipe.console import Output
    from rtpipe.terminal.view import TerminalView

    return [TerminalView(Output(gone))]

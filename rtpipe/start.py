"""Start a run that a configuration describes, and stay until it ends."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtpipe import build, lsl
from rtpipe.config import Config, device_argument
from rtpipe.console import Output, waiting
from rtpipe.cues import TRUTH
from rtpipe.dashboard.launch import Dashboard, Watch, obstacle
from rtpipe.decide import Decision
from rtpipe.device import Device
from rtpipe.errors import RecordingStopped, RtpipeError
from rtpipe.filename import recording_file
from rtpipe.interrupt import interruptible
from rtpipe.recording import file_hash
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Sink

if TYPE_CHECKING:  # torch is loaded for those who have a bundle
    from rtpipe.bundle import Bundle

SEEN = "SEEN: it was trained on this recording, and figures here say nothing of it"
Named = tuple[str, "Bundle", Decision]


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
    with ExitStack() as stack:
        _start(config, optional, stack)


def _start(config: Config, optional: bool, stack: ExitStack) -> None:
    record = _recording(config)
    lsl.limit(config.lsl_scope)
    devices = [build.device(table) for table in config.device]
    # A window opens while the models are loaded.
    dashboard, lacking = _dashboard(config, stack)
    compute = build.compute(config) if config.model else "cpu"
    bundles = _marked(config, build.bundles(config.model, compute))
    runtime = Runtime(
        devices,
        bundles,
        _sinks(config, lambda: runtime.run.stop(), dashboard, lacking),
        mains=config.mains,
        compute=compute,
        optional=optional,
        reconnect=config.reconnect,
        opening=_looking(config, devices),
        record=record,
        asking=_cues(config) if config.cues else None,
    )
    with interruptible() as again, runtime:
        again()
        runtime.wait(config.duration)
    if cut := {e.file: e.error for e in runtime.run.recordings if e.state == "stopped"}:
        raise RecordingStopped(cut)


def _dashboard(config: Config, stack: ExitStack) -> tuple[Dashboard | None, str]:
    """Start the process of a window, if one is wanted; or return why there is none."""
    if config.json_lines or config.ui in ("terminal", "none"):
        return None, ""
    if why := obstacle(asked=config.ui == "qt"):
        return None, why
    return stack.enter_context(Dashboard(owner=True)), ""


def _recording(config: Config) -> Callable[[], Path] | None:
    """Return what names a file to record in, if there is to be one."""
    if config.record is None:
        return None
    given = {"subject": config.subject, "task": config.task}
    named = partial(recording_file, config.record, **given)
    named()  # where it cannot be is told before a device is opened
    return named


def _marked(config: Config, bundles: list[Named]) -> list[Named]:
    """Return the bundles; one that was trained on what is replayed says so."""
    if not bundles:
        return []
    files = [
        file
        for table in config.device
        for file in _played({"kind": table.kind, **table.settings})
    ]
    hashes = {file_hash(each) for each in files if each.is_file()}
    return [
        (name, bundle.noted(SEEN), decision)
        if hashes & bundle.card.training.recordings.keys()
        else (name, bundle, decision)
        for name, bundle, decision in bundles
    ]


def _played(keys: dict[str, Any]) -> list[Path]:
    """Return the files that a device plays, also where another one wraps it."""
    if keys["kind"] == "faulty":
        return _played(device_argument(keys["device"]) | (keys.get("settings") or {}))
    told = (keys.get("file"), keys.get("playback"))
    return [Path(each) for each in told if isinstance(each, str | Path)]


def _looking(
    config: Config, devices: Sequence[Device]
) -> Callable[[Device], AbstractContextManager[object]]:
    """Return what tells a person at a terminal which device is being opened."""
    if config.json_lines:
        return nullcontext
    names = [build.argument(table) for table in config.device]

    def looking(device: Device) -> AbstractContextManager[object]:
        return waiting(f"looking for {names[devices.index(device)]} ...")

    return looking


def _cues(config: Config) -> Sink:
    """Return who asks a person for labels, or marks what the device tells."""
    if config.cues == (TRUTH,):
        from rtpipe.sinks.truthcues import TruthCues

        return TruthCues(config.repeat, config.seconds or 1.0)
    from rtpipe.sinks.cues import Cues

    return Cues(config.cues, config.repeat, config.seconds or 3.0, config.cue_seed)


def _sinks(
    config: Config, gone: Callable[[], None], dashboard: Dashboard | None, lacking: str
) -> list[Sink]:
    """Return the sinks; `gone` is called when nobody reads the view any longer."""
    sinks: list[Sink] = []
    if config.lsl_out:  # first what may be refused: the view is not begun then
        from rtpipe.sinks.lsl import LslOut

        sinks.append(LslOut(config.lsl_out))
    if config.metrics:
        from rtpipe.sinks.metrics import Metrics

        sinks.append(Metrics(*config.metrics))
    if config.json_lines:
        from rtpipe.sinks.jsonl import JsonLines

        if sys.stdout is None:
            raise RtpipeError(
                "JSON lines were asked for, and standard output is closed"
            )
        sinks.append(JsonLines(sys.stdout))
    elif config.ui != "none":
        from rtpipe.terminal.view import TerminalView

        if dashboard and (lacking := dashboard.refusal()):
            dashboard = None
        shown = dashboard is not None
        sinks.append(TerminalView(Output(gone), beside=shown, lacking=lacking))
        if dashboard:
            sinks.append(Watch(dashboard))
    return sinks

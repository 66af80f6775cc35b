"""What the streams of a recording say of themselves."""

import json
import platform
from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import Any
from uuid import uuid4

import numpy as np

import rtpipe
from rtpipe.clock import now, wall_offset
from rtpipe.sink import ModelStatus, Run, StreamStatus
from rtpipe.sinks.jsonl import finite
from rtpipe.types import StreamInfo
from rtpipe.xdf.header import STRING, Channel, Header
from rtpipe.xdf.signal import about_signal

# Behind the probabilities.
NUMBERS = ("index", "missing", "latency", "batch", "place")


def signal(status: StreamStatus) -> Header:
    """Return the header of a device's stream."""
    info = status.info
    kinds = Counter(info.ch_types)
    return _header(
        info.name,
        kinds.most_common(1)[0][0].upper(),
        "float32",
        _channels(info),
        about_signal(info, status.clock),
        sfreq=info.sfreq,
        n_values=prod(info.sample_shape),
    )


def index(stream: str) -> Header:
    """Return the header of what says which rows of a signal have which index."""
    labels = ("row", "index", "estimated")
    channels = tuple(Channel(each, "none", "misc") for each in labels)
    about = _about("index", stream)
    return _header(f"{stream} index", "rtpipe-index", "int64", channels, about)


def truth(stream: str) -> Header:
    """Return the header of the true labels that a device tells."""
    return _texts(f"{stream} truth", "Markers", _about("truth", stream), "truth")


def markers() -> Header:
    """Return the header of the markers."""
    return _texts("markers", "Markers", _about("markers"), "marker")


def events(run: Run, origins: Mapping[str, int]) -> Header:
    """Return the header of all events, which also says what the run is."""
    about = _about("events") | {"run": json.dumps(finite(run_json(run, origins)))}
    return _texts("events", "Events", about, "event")


def probabilities(model: ModelStatus, stream: str) -> Header:
    """Return the header of a model's answers on a stream."""
    labels = tuple(Channel(each, "none", "probability") for each in model.labels)
    numbers = tuple(Channel(each, "none", "misc") for each in NUMBERS)
    return _header(
        f"{model.name} {stream} probabilities",
        "Probabilities",
        "double64",
        labels + numbers,
        _about("probabilities", stream, model.name),
    )


def decisions(model: str, stream: str) -> Header:
    """Return the header of what was decided."""
    about = _about("decisions", stream, model)
    name = f"{model} {stream} decisions"
    return _texts(name, "Decisions", about, "label", "reason", "index")


def skipped(model: str, stream: str) -> Header:
    """Return the header of the windows that were due and were not answered."""
    channels = (Channel("index", "none", "misc"),)
    about = _about("skipped", stream, model)
    return _header(f"{model} {stream} skipped", "Skipped", "int64", channels, about)


def run_json(run: Run, origins: Mapping[str, int]) -> dict[str, Any]:
    """Return what a recording says of the run it is of.

    Parameters
    ----------
    run : Run
    origins : mapping of str to int
        Index of the run's first sample of each stream that had begun before.
    """
    return {
        "name": run.name,
        "started": run.started,
        "unix": run.started + wall_offset(),
        "whole": not origins,
        "versions": {
            "rtpipe": rtpipe.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "origins": dict(origins),
        "models": {name: _model(each) for name, each in run.models.items()},
    }


def _model(model: ModelStatus) -> dict[str, Any]:
    return {
        "path": model.path,
        "weights": model.weights,
        "engine": model.engine,
        "task": model.task,
        "labels": model.labels,
        "n_times": model.n_times,
        "hop": model.step,
        "decision": model.decision,
        "streams": list(model.windows),
    }


def _header(
    name: str,
    kind: str,
    form: str,
    channels: tuple[Channel, ...],
    about: Mapping[str, str],
    *,
    sfreq: float = 0.0,
    n_values: int = 0,
) -> Header:
    return Header(
        name=name,
        type=kind,
        channel_format=form,
        nominal_srate=sfreq,
        channels=channels,
        source_id=f"rtpipe {name}",
        hostname=platform.node(),
        uid=str(uuid4()),
        session_id="default",
        manufacturer="rtpipe",
        created_at=now(),
        about=about,
        channel_count=n_values or len(channels),
    )


def _texts(name: str, kind: str, about: Mapping[str, str], *labels: str) -> Header:
    channels = tuple(Channel(each, "none", "misc") for each in labels)
    return _header(name, kind, STRING, channels, about)


def _channels(info: StreamInfo) -> tuple[Channel, ...]:
    if info.sample_shape != (info.n_channels,):
        return ()  # a value has no name of its own
    told = zip(info.ch_names, info.units, info.ch_types, strict=True)
    return tuple(
        Channel(name, "microvolts" if unit == "uV" else unit, kind)
        for name, unit, kind in told
    )


def _about(role: str, stream: str = "", model: str = "") -> dict[str, str]:
    """Return the role of a stream, and whose it is."""
    told = {"role": role, "stream": stream, "model": model}
    return {key: said for key, said in told.items() if said}

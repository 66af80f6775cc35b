"""A signal that rtpipe recorded: its `StreamInfo` in a header, and out of it again."""

import json
from collections.abc import Mapping

from rtpipe.types import StreamInfo


def about_signal(info: StreamInfo, clock: str) -> dict[str, str]:
    """Return what a signal's header says under ``<desc><rtpipe>``.

    Parameters
    ----------
    info : StreamInfo
    clock : "run" or "recording"
        What the times of the stream count from.
    """
    return {
        "role": "signal",
        "stream": info.name,
        "name": json.dumps(info.name),
        "sfreq": json.dumps(info.sfreq),
        "ch_names": json.dumps(info.ch_names),
        "ch_types": json.dumps(info.ch_types),
        "units": json.dumps(info.units),
        "sample_shape": json.dumps(info.sample_shape),
        "rails": json.dumps(info.rails),
        "mains": json.dumps(info.mains),
        "counted": json.dumps(info.counted),
        "clock": clock,
    }


def signal_info(about: Mapping[str, str], origin: int | None = None) -> StreamInfo:
    """Return the stream that `about_signal` told.

    Parameters
    ----------
    about : mapping of str to str
    origin : int or None
        Index of the run's first sample, where the recording began later.

    Raises
    ------
    ValueError
        If something is missing, or is not what it should be.
    """
    try:
        told = {key: json.loads(about[key]) for key in _KEYS}
        rails, shape = told["rails"], tuple(map(int, told["sample_shape"]))
        if not all(n > 0 for n in shape):
            raise ValueError(f"a sample of shape {shape}")
        return StreamInfo(
            name=str(told["name"]),
            sfreq=float(told["sfreq"]),
            ch_names=tuple(map(str, told["ch_names"])),
            ch_types=tuple(map(str, told["ch_types"])),
            units=tuple(map(str, told["units"])),
            sample_shape=shape,
            rails=None if rails is None else (float(rails[0]), float(rails[1])),
            mains=float(told["mains"]),
            counted=bool(told["counted"]),
            origin=origin,
        )
    except _ERRORS as error:
        raise ValueError(f"what rtpipe says of it is not whole ({error})") from None


_ERRORS = (LookupError, TypeError, ValueError, ArithmeticError, RecursionError)
_KEYS = (
    *("name", "sfreq", "ch_names", "ch_types", "units", "sample_shape", "rails"),
    *("mains", "counted"),
)

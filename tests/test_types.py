"""Values refuse what contradicts itself, and cannot be changed behind one's back."""

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from rtpipe.errors import DeviceLost, DeviceNotFound, Overrun, RtpipeError
from rtpipe.types import Chunk, StreamInfo


def info(**changes: Any) -> StreamInfo:
    settings: dict[str, Any] = {
        "name": "muse",
        "sfreq": 256.0,
        "ch_names": ("AF7", "AF8"),
        "ch_types": ("eeg", "eeg"),
        "units": ("uV", "uV"),
    }
    return StreamInfo(**settings | changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sfreq": 0.0}, "muse: sfreq must be positive, got 0.0"),
        ({"sfreq": -1.0}, "muse: sfreq must be positive, got -1.0"),
        ({"sfreq": float("nan")}, "muse: sfreq must be positive, got nan"),
        ({"ch_names": ("AF7",)}, "muse: ch_names, ch_types, units differ in length"),
        ({"ch_types": ()}, "muse: ch_names, ch_types, units differ in length"),
        ({"units": ("uV",) * 3}, "muse: ch_names, ch_types, units differ in length"),
        ({"ch_names": ("AF7", "AF7")}, "muse: a channel name occurs twice"),
    ],
)
def test_a_description_that_contradicts_itself(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        info(**changes)


def test_a_sample_is_a_row_of_channels_unless_it_has_a_shape() -> None:
    assert info().sample_shape == (2,)
    assert info().n_channels == 2
    frame = info(ch_names=("a",), ch_types=("misc",), units=("none",))
    assert frame.sample_shape == (1,)
    assert info(sample_shape=(3, 48, 64)).sample_shape == (3, 48, 64)


def test_equal_descriptions_are_equal() -> None:
    assert info() == info()
    assert hash(info()) == hash(info())
    assert info() != info(mains=60.0)


def test_a_chunk_knows_its_place() -> None:
    chunk = Chunk("muse", 7, np.arange(3.0), np.zeros((3, 2), np.float32))
    assert len(chunk) == 3
    assert chunk.stop == 10


def test_an_empty_chunk() -> None:
    chunk = Chunk("muse", 7, np.empty(0), np.empty((0, 2), np.float32))
    assert len(chunk) == 0
    assert chunk.stop == 7


def test_arrays_of_a_chunk_are_read_only() -> None:
    chunk = Chunk(
        "muse",
        0,
        np.arange(3.0),
        np.zeros((3, 2), np.float32),
        device_times=np.arange(3.0),
        missing=np.zeros(3, np.float32),
    )
    for values in (chunk.times, chunk.data, chunk.device_times, chunk.missing):
        assert values is not None
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1
    with pytest.raises(FrozenInstanceError):
        chunk.index = 1  # type: ignore[misc]


@pytest.mark.parametrize("which", ["times", "device_times", "missing"])
def test_arrays_of_a_chunk_have_one_length(which: str) -> None:
    arrays: dict[str, Any] = {"times": np.arange(3.0)}
    arrays[which] = np.zeros(2)
    with pytest.raises(ValueError, match=r"other.shape=\(2,\) does not fit .*\(3, 2\)"):
        Chunk("muse", 0, data=np.zeros((3, 2), np.float32), **arrays)


def test_errors_say_how_a_command_ends() -> None:
    assert RtpipeError.exit_status == 2
    assert DeviceNotFound.exit_status == DeviceLost.exit_status == 3
    assert not issubclass(Overrun, RtpipeError)

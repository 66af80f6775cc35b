"""Two recordings of one signal, however they were cut, are found; others are not."""

from pathlib import Path

import numpy as np
import pytest

from rtpipe.errors import RecordingError
from rtpipe.training.copies import Fingerprint
from rtpipe.training.recipe import train
from rtpipe.types import Float32

from .gesturepeople import PEOPLE, write_people


def counts(seed: int, n: int = 4000) -> Float32:
    """An armband at rest: 8 channels of small whole numbers."""
    return np.rint(np.random.default_rng(seed).normal(0, 1.5, (n, 8))).astype("f4")


def copied(one: Float32, other: Float32) -> bool:
    found = Fingerprint(one).is_copy(Fingerprint(other))
    assert found == Fingerprint(other).is_copy(Fingerprint(one))
    return found


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 4000), (1, 4000), (1237, 4000), (0, 3999), (3000, 3400)]
)
def test_a_part_is_a_copy(start: int, stop: int) -> None:
    assert copied(counts(0), counts(0)[start:stop])


def test_recordings_that_overlap_are_of_one_signal() -> None:
    whole = counts(0)
    assert copied(whole[:2500], whole[2000:])
    assert not copied(whole[:2010], whole[2000:])


def test_a_copy_may_differ_in_some_digits() -> None:
    other = counts(0)
    other[::400, 3] += 1
    assert copied(counts(0), other)


def test_signals_of_their_own_are_no_copies() -> None:
    prints = [Fingerprint(counts(seed, 50_000)) for seed in range(8)]
    assert not any(a.is_copy(b) for k, a in enumerate(prints) for b in prints[:k])


def test_a_dead_sensor_is_like_every_other_and_no_copy() -> None:
    one, other = counts(0), counts(1)
    one[:3000] = other[:3000] = 0
    assert not copied(one, other)


@pytest.mark.parametrize("n", [0, 1, 31, 32])
def test_too_short_to_tell(n: int) -> None:
    assert not Fingerprint(counts(0, n)).is_copy(Fingerprint(counts(1)))


def test_a_persons_recording_under_another_name(tmp_path: Path) -> None:
    write_people(tmp_path, PEOPLE[:1])
    (tmp_path / "07").mkdir()
    for source in sorted((tmp_path / "01").glob("*.txt")):
        lines = source.read_text().splitlines(keepends=True)
        del lines[1:300]  # it was begun later
        (tmp_path / "07" / source.name).write_text("".join(lines))
    with pytest.raises(RecordingError, match=r"01/1.* and .*07/1.* are of one record"):
        train("gesture", tmp_path, tmp_path / "out", [])

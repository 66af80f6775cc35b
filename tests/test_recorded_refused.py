"""Recordings with cues that cannot be learnt from, each with a sentence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rtpipe.errors import ConfigError, RecordingError
from rtpipe.training.recipe import train
from rtpipe.xdf.repair import repair

from .cuedrecordings import LABELS, script, signal, write, write_own


@pytest.mark.parametrize(
    ("labels", "how", "said"),
    [
        ((), {}, "holds no cues to learn from: record some with `rtpipe record --cues"),
        (("fist",) * 4, {}, "has cues of fist only: a model needs two labels"),
        (
            ("fist", "fist", "rest", "rest"),
            {"broken": [0]},
            r"has 1 whole cues of fist, and two are needed .*\(1 cue broken left out\)",
        ),
        (("fist", "rest"), {}, "has 1 whole cues of fist"),
    ],
)
def test_cues_that_are_not_enough(
    labels: Sequence[str], how: dict[str, Any], said: str, tmp_path: Path
) -> None:
    did, marks = script(labels, **how)
    write(tmp_path / "own" / "1.xdf", signal(did, 1), marks)
    with pytest.raises(RecordingError, match=said):
        train("gesture", tmp_path / "own", tmp_path / "out", [])


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a", "\x1b[2J"], r"a cue is a word that can be shown, .* not '\\x1b\[2J'"),
        (["a", ""], "a cue is a word that can be shown"),
        (["a", "b" * 41], "of at most 40 letters"),
        ([f"label {k}" for k in range(65)], "have 65 labels, and at most 64 are told"),
    ],
)
def test_labels_of_a_program_that_sends_anything(
    labels: Sequence[str], said: str, tmp_path: Path
) -> None:
    marks = [(k, f"cue on: {label}") for k, label in enumerate(labels)]
    write(tmp_path / "1.xdf", signal(["rest"] * 500, 1), marks)
    with pytest.raises(RecordingError, match=said):
        train("gesture", tmp_path / "1.xdf", tmp_path / "out", [])


def test_cues_shorter_than_a_window(tmp_path: Path) -> None:
    write_own(tmp_path / "1.xdf", 1)
    with pytest.raises(RecordingError, match=r"has 0 whole cues .* \(9 cues too short"):
        train("gesture", tmp_path / "1.xdf", tmp_path / "out", ["reaction=1.9"])


@pytest.mark.parametrize(
    ("how", "n", "said"),
    [
        ({"sfreq": 250.0}, 3, "2.xdf is at 250 Hz, and 1.xdf at 200 Hz: one model"),
        (
            {},
            2,
            "2.xdf is of the channels C0, C1, and 1.xdf of the channels C0, C1, C2",
        ),
        ({"unit": "volts"}, 3, "2.xdf is in V, and 1.xdf in uV: one model"),
    ],
)
def test_recordings_of_two_devices(
    how: dict[str, Any], n: int, said: str, tmp_path: Path
) -> None:
    did, marks = script(LABELS * 2)
    write(tmp_path / "own" / "1.xdf", signal(did, 1), marks)
    write(tmp_path / "own" / "2.xdf", signal(did, 2)[:, :n], marks, **how)
    with pytest.raises(RecordingError, match=said):
        train("gesture", tmp_path / "own", tmp_path / "out", [])


def test_a_cut_off_recording_and_its_repaired_copy(tmp_path: Path) -> None:
    """They differ in their bytes, and a model of the one knows the other."""
    whole = write_own(tmp_path / "own" / "1.xdf", 1)
    whole.write_bytes(whole.read_bytes() + b"\x04")
    copy = tmp_path / "own" / "1-repaired.xdf"
    repair(whole, copy)
    with pytest.raises(
        RecordingError,
        match=r"1-repaired.xdf and .*1.xdf are of one recording, .* take one of them",
    ):
        train("gesture", tmp_path / "own", tmp_path / "out", [])
    whole.unlink()
    train("gesture", tmp_path / "own", tmp_path / "out", [])


def test_a_recording_without_a_label_that_only_it_lacks(tmp_path: Path) -> None:
    for k, labels in enumerate((("fist", "fist"), ("rest", "rest"))):
        did, marks = script(labels)
        write(tmp_path / "own" / f"{k}.xdf", signal(did, k), marks)
    with pytest.raises(
        RecordingError, match=r"without 0.xdf there are cues of one lab"
    ):
        train("gesture", tmp_path / "own", tmp_path / "out", [])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("stream=leg", "1.xdf has cues on arm, and none on leg"),
        ("window=0", "window wants seconds, got 0"),
        ("reaction=-1", "reaction wants seconds, 0 or more, got -1"),
        ("window=0.01", "a window of 0.01 s has 2 samples of arm"),
    ],
)
def test_settings_that_do_not_fit(setting: str, said: str, tmp_path: Path) -> None:
    write_own(tmp_path / "1.xdf", 1)
    with pytest.raises((ConfigError, RecordingError), match=said):
        train("gesture", tmp_path / "1.xdf", tmp_path / "out", [setting])


def test_settings_of_cues_for_uci_s_recordings(tmp_path: Path) -> None:
    header = "\t".join(["time", *(f"channel{k}" for k in range(1, 9)), "class"])
    file = tmp_path / "01" / "1.txt"
    file.parent.mkdir()
    file.write_text(f"{header}\n" + ("0\t" * 9 + "1\n") * 500)
    with pytest.raises(ConfigError, match=r"for recordings with cues, and .* UCI's"):
        train("gesture", tmp_path, tmp_path / "out", ["window=0.3"])

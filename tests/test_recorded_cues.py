"""Which of a person's cues are learnt from, and on which stream."""

from pathlib import Path

import numpy as np
import pytest

from rtpipe import cli
from rtpipe.card import read_card
from rtpipe.cuespans import spans
from rtpipe.recording import read
from rtpipe.training.recipe import train

from .cuedrecordings import LABELS, PAUSE, SFREQ, script, signal, write, write_own

Capture = pytest.CaptureFixture[str]


def test_the_time_to_react_is_not_learnt_from(tmp_path: Path) -> None:
    """The person begins 0.4 s late, and does not stop at once."""
    write_own(tmp_path / "own" / "1.xdf", 1, late=80, lag=100)
    found = {}
    for reaction in (0, 0.4, 0.5):
        out = tmp_path / str(reaction)
        train("gesture", tmp_path / "own", out, [f"reaction={reaction}"])
        card = read_card(out / "gesture.pt")
        found[reaction] = card.scores["repetitions left out"]["single"]["mean"]
        assert card.training.settings["reaction"] == reaction
    assert found[0.5] > 0.97
    assert found[0.4] > 0.97
    assert found[0] < 0.9


def test_broken_cues_are_not_learnt_from(tmp_path: Path) -> None:
    """What is done in them is wrong: with them every second fist would be."""
    asked = ("fist", "fist", "open", "rest") * 3
    done = ("rest", "fist", "open", "rest") * 3
    scores = {}
    for name, broken in (("broken", (0, 4, 8)), ("whole", ())):
        did, marks = script(asked, done=done, broken=broken)
        write(tmp_path / name / "1.xdf", signal(did, 1), marks)
        train("gesture", tmp_path / name, tmp_path / f"out-{name}", [])
        scores[name] = read_card(tmp_path / f"out-{name}" / "gesture.pt").scores
    assert scores["broken"]["repetitions left out"]["single"]["worst"] > 0.97
    assert scores["broken"]["cues"]["left out"] == {"broken": 3}
    assert scores["whole"]["repetitions left out"]["single"]["mean"] < 0.9


def test_a_cue_in_which_samples_were_lost_is_left_out(tmp_path: Path) -> None:
    did, marks = script(LABELS * 3)
    x = signal(did, 1)
    lost = slice(PAUSE + 200, PAUSE + 260)  # in the first cue, a fist
    times = np.delete(np.arange(len(x)), np.r_[lost]) / SFREQ
    path = write(tmp_path / "1.xdf", np.delete(x, np.r_[lost], 0), marks, times=times)
    train("gesture", path, tmp_path / "out", [])
    cues = read_card(tmp_path / "out" / "gesture.pt").scores["cues"]
    assert cues["used"] == {"fist": 2, "open": 3, "rest": 3}
    assert cues["left out"] == {"with lost samples": 1}


def test_a_cue_before_the_first_window_is_left_out(tmp_path: Path) -> None:
    """The recording begins with it, and then samples are lost until its middle."""
    did, marks = script(LABELS * 3)
    there = np.r_[PAUSE - 10 : PAUSE + 10, PAUSE + 200 : len(did)]
    path = write(tmp_path / "1.xdf", signal(did, 1)[there], marks, times=there / SFREQ)
    train("gesture", path, tmp_path / "out", [])
    cues = read_card(tmp_path / "out" / "gesture.pt").scores["cues"]
    assert cues["used"] == {"fist": 2, "open": 3, "rest": 3}
    assert cues["left out"] == {"with lost samples": 1}


def test_labels_that_mean_something_to_what_prints_them(
    tmp_path: Path, capsys: Capture
) -> None:
    asked = ("[/bold]", "$x$", "truth") * 2
    did, marks = script(asked, done=("rest", "fist", "open") * 2)
    write(tmp_path / "1.xdf", signal(did, 1), marks)
    train("gesture", tmp_path / "1.xdf", tmp_path / "out", [])
    assert (
        "recall, repetitions left out: $x$ 1.000, [/bold] " in capsys.readouterr().out
    )
    assert (tmp_path / "out" / "confusion.png").exists()


def test_which_of_several_streams(tmp_path: Path, capsys: Capture) -> None:
    did, marks = script(LABELS * 2)
    path = tmp_path / "1.xdf"
    more = {"leg": ("EMG", signal(did, 2)), "head": ("EEG", signal(did, 3))}
    write(path, signal(did, 1), marks, kind="EEG", more=more)
    train("gesture", path, tmp_path / "leg", [])
    assert read_card(tmp_path / "leg" / "gesture.pt").n_times == 40
    train("gesture", path, tmp_path / "arm", ["stream=arm"])
    assert read_card(tmp_path / "arm" / "gesture.pt").n_times == 200
    del more["leg"]
    write(path, signal(did, 1), marks, kind="EEG", more=more)
    with pytest.raises(SystemExit) as end:
        cli.app(["train", "gesture", "--data", str(path), "--out", str(tmp_path / "x")])
    assert end.value.code == 2
    assert "has cues on arm, head: say which to learn from" in capsys.readouterr().err


def test_cues_of_one_stream_of_two(tmp_path: Path) -> None:
    """Cues that follow the truth lie on the stream whose truth it is."""
    path = tmp_path / "both.xdf"
    options = ["device.paced=false", "device.seed=1000001", "device.duration=60"]
    command = ["record", "--device", "synthetic:both", str(path), "--ui", "none"]
    for each in options:
        command += ["--set", each]
    with pytest.raises(SystemExit) as end:
        cli.app([*command, "--cues", "truth", "--repeat", "3"])
    assert end.value.code == 0
    cued = [each for each in read(path) if spans(each.events)]
    assert len(cued) == 1
    train("gesture", path, tmp_path / "out", [])
    card = read_card(tmp_path / "out" / "gesture.pt")
    assert card.ch_names == cued[0].info.ch_names
    assert card.training.simulated
    assert card.notes == ("DEMO: trained on simulated signals",)

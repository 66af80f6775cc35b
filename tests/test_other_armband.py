"""People of another laboratory in UCI's layout: benchmarks/other_armband.py."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from .cards import gesture_card

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import other_armband, placements
from rtpipe.bundle import Exported, save
from rtpipe.card import Placements, read_card
from rtpipe.features.placement import Placement, ring
from rtpipe.features.timedomain import LogRms
from rtpipe.recording import read

QUIET, LOUD = np.log(5.5), np.log(49.3)  # log of a channel's root mean square
N_TIMES = 120  # of a file; every second is taken
THEIRS = (
    "rest",
    *("radial deviation", "wrist flexion", "ulnar deviation", "wrist extension"),
    *("fist", None),
)  # by their number


def write_session(folder: Path, seed: int) -> np.ndarray:
    """Write seven gestures, each louder on the channel after the last one's."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 10, (7, N_TIMES, 8)).astype("<i2")
    folder.mkdir(parents=True)
    for k in range(7):
        x[k, :, k] *= 9
        x[k].tofile(folder / f"classe_{k}.dat")
    return x


@pytest.fixture
def data(tmp_path: Path) -> tuple[Path, np.ndarray]:
    data = tmp_path / "data"
    first = write_session(data / "EvaluationDataset" / "Male0" / "training0", 1)
    write_session(data / "EvaluationDataset" / "Male0" / "Test0", 2)
    write_session(data / "PreTrainingDataset" / "Male0" / "training0", 3)
    write_session(data / "PreTrainingDataset" / "Male1" / "training0", 2)  # is Test0
    return data, first


def test_each_person_once_in_the_layout_of_uci(
    data: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    folder = tmp_path / "people"
    folder.mkdir()
    assert other_armband.write_recordings(data[0], folder) == 2
    names = ["EvaluationDataset-Male0", "PreTrainingDataset-Male0"]
    assert sorted(each.name for each in folder.iterdir()) == names
    (recording,) = read(folder / names[0] / "1.txt")
    held = data[1][:, ::2].repeat(10, axis=1)
    np.testing.assert_array_equal(recording.data, held.reshape(-1, 8))
    told = [(e.index, e.data["label"]) for e in recording.events if e.kind == "truth"]
    n_rows = 5 * N_TIMES
    assert [each for each in told if each[1]] == [
        (k * n_rows + 500, label) for k, label in enumerate(THEIRS) if label
    ]


def test_the_same_bundle_that_knows_one_placement(
    data: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    worn = ring(8)
    known = Placements(names=tuple(worn), lead=1.0, depth=9.0)
    card = gesture_card(n_times=50, hop=10, adapts=1e6, placements=known)
    head = Loudest()
    # As if one of all channels but the first were loud, which here the first is too.
    centres = QUIET + (LOUD - QUIET) * np.eye(8)[1:]
    place = Placement(list(worn.values()), centres, 0.1 * np.eye(8), np.ones(8), 0.0)
    bundle = tmp_path / "gesture.pt"
    exported = Exported(LogRms(), head, torch.zeros(8), torch.ones(8), place=place)
    save(bundle, exported, card)
    fixed = placements.without_placements(bundle, tmp_path / "fixed.pt")
    told = read_card(fixed)
    assert told == read_card(bundle).model_copy(update={"placements": None})
    folder = tmp_path / "people"
    folder.mkdir()
    other_armband.write_recordings(data[0], folder)
    found, _ = placements.accuracies(bundle, folder)
    as_trained, _ = placements.accuracies(fixed, folder)
    assert found.shape == as_trained.shape == (2,)
    # Rest and wrist flexion are loud on the channels of their places among the labels.
    np.testing.assert_allclose(as_trained, 2 / 6)
    assert (found < 2 / 6).all(), "seen in the placement that fits, labels are wrong"


class Loudest(nn.Module):
    """The label is the loudest of the first six channels."""

    def forward(
        self, features: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor
    ) -> torch.Tensor:
        return features[:, :6]

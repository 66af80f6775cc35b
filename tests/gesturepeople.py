"""Folders of recordings of made people, laid out as UCI's."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

HEADER = "\t".join(["time", *(f"channel{k}" for k in range(1, 9)), "class"])
PEOPLE = ("01", "02", "03", "04", "05")  # 02 has one recording
SOLE = ("02", 2)  # is not there
OTHER = "04"  # who is told the next gesture
MIRRORED = "05"


def write_recording(
    path: Path,
    seed: int,
    classes: Sequence[int],
    person: int = 0,
    told: int = 0,
    mirrored: bool = False,
) -> Path:
    """Write a recording as UCI has them: gestures, and unmarked rows between them.

    Parameters
    ----------
    path : Path
    seed : int
    classes : sequence of int
        Gestures in their order.
    person : int
        Whose patterns; they are much like those of others.
    told : int
        By how much the label is another one than the gesture.
    mirrored : bool
        Whether the channels come in reverse order.
    """
    rng = np.random.default_rng(seed)
    alike, own = np.random.default_rng(99), np.random.default_rng(person)
    patterns = 2 ** alike.uniform(1, 5, (8, 8)) * 2 ** own.uniform(-0.4, 0.4, (8, 8))
    patterns[[0, 1]] = 2  # unmarked, and rest
    label: list[int] = []
    for each in classes:
        label += [0] * int(rng.integers(130, 260)) + [each] * int(
            rng.integers(380, 560)
        )
    label += [0] * 110
    made = np.array(label)
    lengths = rng.integers(5, 9, len(made))  # rows each sample is held
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)[: len(made)]
    noise = rng.standard_normal((len(made), 8))[starts]
    counts = np.clip(np.rint(noise * patterns[made[starts]]), -120, 120)
    counts = counts[:, ::-1] if mirrored else counts
    shown = np.where(made > 0, (made - 1 + told) % 6 + 1, 0)
    table = np.column_stack((np.arange(len(made)), counts * 1e-5, shown))
    np.savetxt(path, table, "%g", "\t", header=HEADER, comments="")
    return path


def write_people(
    data: Path, people: Sequence[str], gestures: Sequence[int] = range(1, 7)
) -> Path:
    """Write a folder of people, each gesture made twice; 02 has one recording."""
    for name in people:
        (data / name).mkdir(parents=True)
        for number in (1, 2)[: 1 if name == "02" else 2]:
            write_recording(
                data / name / f"{number}_raw_data_{name}.txt",
                seed=100 * number + int(name),
                classes=[*gestures, *gestures],
                person=int(name),
                told=int(name == OTHER),
                mirrored=name == MIRRORED,
            )
    return data

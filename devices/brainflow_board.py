"""What a BrainFlow board carries: its own descriptions, as streams."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rtpipe.errors import ConfigError
from rtpipe.types import StreamInfo

from .brainflow_counter import COUNTINGS

POTENTIALS = ("eeg", "emg", "ecg", "eog")  # a board's own order of what they are for
# Of the other kinds, MNE's channel type and the unit. BrainFlow promises microvolts for
# potentials; g and deg/s are what its sources for Muse and OpenBCI give.
KINDS = {
    "accel": ("misc", "g"),
    "gyro": ("misc", "deg/s"),
    "magnetometer": ("misc", "none"),
    "rotation": ("misc", "none"),
    "ppg": ("bio", "none"),
    "optical": ("bio", "none"),
    "eda": ("gsr", "none"),
    "temperature": ("temperature", "none"),
    "resistance": ("misc", "none"),
    "analog": ("misc", "none"),
    "battery": ("misc", "%"),
}
PRESETS = ("", "-auxiliary", "-ancillary")  # behind a name that is taken
EEG_RAILS = {
    # 12 bits of 125/256 uV around zero (muse.cpp); 14 bits over 1450 uV (Athena).
    **dict.fromkeys(
        ("MUSE_2016_BOARD", "MUSE_2_BOARD", "MUSE_S_BOARD"),
        (-1000.0, 2047 * 125 / 256),
    ),
    **dict.fromkeys(("MUSE_S_ATHENA_BOARD", "MUSE_S_ANTHENA_BOARD"), (0.0, 1450.0)),
}
NO_BOARD = "NO_BOARD"


@dataclass(frozen=True, slots=True)
class Source:
    """A stream, and where its channels are.

    Parameters
    ----------
    info : StreamInfo
    preset : int
        BrainFlow's 0, 1 or 2: default, auxiliary, ancillary.
    rows : tuple of int
        Of the preset's table, a channel each.
    """

    info: StreamInfo
    preset: int
    rows: tuple[int, ...]


def board_name(board: str | int, numbers: Mapping[str, int]) -> str:
    """Return BrainFlow's name of a board.

    Parameters
    ----------
    board : str or int
        Its name, in any case, with or without ``_BOARD``; or its number.
    numbers : mapping of str to int
        Every board's number, by name.

    Raises
    ------
    ConfigError
        If there is none, with names that are near.
    """
    known = {name: number for name, number in numbers.items() if name != NO_BOARD}
    text = str(board).strip().upper()
    for name, number in known.items():
        if text in (name, name.removesuffix("_BOARD"), str(number)):
            return name
    near = difflib.get_close_matches(text, known, n=4, cutoff=0.4)
    said = f"did you mean {', '.join(near)}?" if near else "see BrainFlow's documents"
    raise ConfigError(f"brainflow knows no board {str(board)!r}: {said}")


def sources(
    board: str, presets: Mapping[int, Mapping[str, Any]], ch_type: str | None = None
) -> list[Source]:
    """Return the streams of a board, one a kind of signal and preset.

    Rows that a board describes as several kinds at once (its electrodes measure brain
    or muscle, as one puts them on) are one stream: of `ch_type`, or of the first.

    Parameters
    ----------
    board : str
    presets : mapping of int to mapping
        What BrainFlow says of each preset: ``get_board_descr``.
    ch_type : str or None

    Raises
    ------
    ConfigError
        If the board has no rows of that type.
    """
    if ch_type and not any(f"{ch_type}_channels" in each for each in presets.values()):
        have = [
            k for k in POTENTIALS if any(f"{k}_channels" in d for d in presets.values())
        ]
        raise ConfigError(
            f"{board} measures no {ch_type}: "
            + (f"ch_type is one of {', '.join(have)}" if have else "leave ch_type out")
        )
    found: list[Source] = []
    taken: set[str] = set()
    for preset, described in sorted(presets.items()):
        for kind, rows in _kinds(described, ch_type):
            name = kind + PRESETS[preset] * (kind in taken)
            taken.add(name)
            found.append(
                Source(_info(board, preset, name, kind, rows, described), preset, rows)
            )
    return found


def _kinds(
    described: Mapping[str, Any], ch_type: str | None
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each kind of signal of a preset, every row in one of them only."""
    first = (ch_type, *POTENTIALS) if ch_type else POTENTIALS
    seen: set[int] = set()
    for kind in (*dict.fromkeys(first), *KINDS):
        rows = described.get(f"{kind}_channels", ())
        if kind == "battery" and "battery_channel" in described:
            rows = (described["battery_channel"],)
        # ANT Neuro's amplifiers give an electrode's potential and its resistance in the
        # same row, in turn: that row is the potential's.
        if rows and seen.isdisjoint(rows):
            seen.update(rows)
            yield kind, tuple(rows)


def _info(
    board: str,
    preset: int,
    name: str,
    kind: str,
    rows: tuple[int, ...],
    described: Mapping[str, Any],
) -> StreamInfo:
    n = len(rows)
    ch_type, unit = KINDS.get(kind, (kind, "uV"))
    named = str(described.get("eeg_names", "")).split(",")
    if kind == "eeg" and len(named) == n:
        ch_names = tuple(named)
    elif kind in POTENTIALS:
        ch_names = tuple(f"{kind.upper()}{k}" for k in range(1, n + 1))
    elif n == 3 and kind in ("accel", "gyro", "magnetometer", "rotation"):
        ch_names = tuple(f"{kind}_{axis}" for axis in "xyz")
    else:
        ch_names = tuple(f"{kind}{k}" for k in range(1, n + 1)) if n > 1 else (kind,)
    return StreamInfo(
        name=name,
        sfreq=float(described["sampling_rate"]),
        ch_names=ch_names,
        ch_types=(ch_type,) * n,
        units=(unit,) * n,
        rails=EEG_RAILS.get(board) if kind == "eeg" else None,
        counted=(board, preset) in COUNTINGS,
    )

"""Every board that BrainFlow describes becomes streams, and every name finds one."""

from typing import Any

import pytest
from rtpipe.devices.brainflow_board import KINDS, POTENTIALS, board_name, sources
from rtpipe.devices.brainflow_sdk import numbers, sdk

from rtpipe.errors import ConfigError

PASS_ON = ("NO_BOARD", "PLAYBACK_FILE_BOARD", "STREAMING_BOARD")
BOARDS = [name for name in numbers() if name not in PASS_ON]


def described(board: str) -> dict[int, Any]:
    shim, number = sdk().BoardShim, numbers()[board]
    return {p: shim.get_board_descr(number, p) for p in shim.get_board_presets(number)}


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_has_streams(board: str) -> None:
    found = sources(board, described(board))
    names = [each.info.name for each in found]
    assert names
    assert len(set(names)) == len(names)
    for preset, each in described(board).items():
        mine = [source for source in found if source.preset == preset]
        rows = [row for source in mine for row in source.rows]
        assert len(set(rows)) == len(rows), "a row is in two streams"
        assert all(0 <= row < each["num_rows"] for row in rows)
        wanted = {
            row for kind in POTENTIALS for row in each.get(f"{kind}_channels", ())
        }
        assert wanted <= set(rows)
        for source in mine:
            assert source.info.sfreq == each["sampling_rate"]
            assert len(source.rows) == source.info.n_channels
            if source.info.ch_types[0] in POTENTIALS:
                assert set(source.info.units) == {"uV"}


def test_a_muse_is_what_models_are_trained_for() -> None:
    eeg, accel, gyro, ppg = sources("MUSE_2_BOARD", described("MUSE_2_BOARD"))
    assert eeg.info.name == "eeg"
    assert eeg.info.ch_names == ("TP9", "AF7", "AF8", "TP10")
    assert eeg.info.units == ("uV",) * 4
    assert eeg.info.sfreq == 256
    assert eeg.info.rails == (-1000.0, 999.51171875)
    assert eeg.info.counted
    assert (accel.info.name, accel.info.units[0]) == ("accel", "g")
    assert (gyro.info.name, gyro.info.units[0]) == ("gyro", "deg/s")
    assert gyro.info.sfreq == 52
    assert (ppg.info.name, ppg.info.sfreq, ppg.info.counted) == ("ppg", 64, False)


def test_electrodes_are_one_stream_of_the_type_that_is_asked_for() -> None:
    board = described("CYTON_BOARD")
    potentials = [
        s.info for s in sources("CYTON_BOARD", board, "emg") if s.rows[0] == 1
    ]
    (emg,) = potentials
    assert emg.name == "emg"
    assert emg.ch_types == ("emg",) * 8
    assert emg.ch_names == tuple(f"EMG{k}" for k in range(1, 9))
    (eeg, *_) = sources("CYTON_BOARD", board)
    assert eeg.info.ch_names == ("Fp1", "Fp2", "C3", "C4", "P7", "P8", "O1", "O2")
    with pytest.raises(
        ConfigError, match=r"MUSE_2_BOARD measures no emg: .* one of eeg"
    ):
        sources("MUSE_2_BOARD", described("MUSE_2_BOARD"), "emg")
    with pytest.raises(ConfigError, match="EMOTIBIT_BOARD measures no eeg: leave"):
        sources("EMOTIBIT_BOARD", described("EMOTIBIT_BOARD"), "eeg")


def test_electrodes_of_different_types_are_different_streams() -> None:
    found = {
        s.info.name: s.rows for s in sources("GALEA_BOARD", described("GALEA_BOARD"))
    }
    assert found["emg"] == (1, 2, 3, 4, 7, 8)
    assert found["eog"] == (5, 6)
    assert found["eeg"] == tuple(range(9, 25))


def test_a_kind_in_two_presets_is_two_streams() -> None:
    names = [
        s.info.name for s in sources("SYNTHETIC_BOARD", described("SYNTHETIC_BOARD"))
    ]
    assert {"accel", "accel-auxiliary", "battery"} <= set(names)
    assert {name.removesuffix("-auxiliary") for name in names} <= {"eeg", *KINDS}


@pytest.mark.parametrize(
    ("text", "board"),
    [
        ("SYNTHETIC_BOARD", "SYNTHETIC_BOARD"),
        ("synthetic", "SYNTHETIC_BOARD"),
        (-1, "SYNTHETIC_BOARD"),
        ("-1", "SYNTHETIC_BOARD"),
        ("Cyton", "CYTON_BOARD"),
        ("cyton_daisy_board", "CYTON_DAISY_BOARD"),
        (38, "MUSE_2_BOARD"),
    ],
)
def test_a_board_goes_by_several_names(text: str | int, board: str) -> None:
    assert board_name(text, numbers()) == board


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CYTN", r"no board 'CYTN': did you mean CYTON_BOARD"),
        ("muse2", r"no board 'muse2': did you mean MUSE_"),
        ("NO_BOARD", r"no board 'NO_BOARD'"),
        (999, r"no board '999': see BrainFlow's documents"),
        ("", r"no board ''"),
    ],
)
def test_an_unknown_board_is_told_with_near_names(text: str | int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        board_name(text, numbers())

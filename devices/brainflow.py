"""Every board that BrainFlow knows, and its files, played as if they were live."""

import os
from collections.abc import Sequence
from glob import glob
from pathlib import Path
from typing import Any, Literal

from rtpipe.device import Offer
from rtpipe.errors import ConfigError, RtpipeError
from rtpipe.types import Chunk, StreamInfo

from .brainflow_board import NO_BOARD, board_name
from .brainflow_sdk import numbers
from .brainflow_session import PLAYBACK, Session

PORTS = ("/dev/serial/by-id/*", "/dev/ttyUSB*", "/dev/ttyACM*", "/dev/cu.usb*")
# Boards without a description of their own: they play or receive another one's rows.
PASS_ON = (PLAYBACK, "STREAMING_BOARD")


class BrainflowDevice:
    """A board by BrainFlow's name or number; its streams are those BrainFlow describes.

    Parameters
    ----------
    board : str or int
        ``CYTON_BOARD``, ``cyton`` or 0.
    serial_port, mac_address, ip_address, ip_address_aux, ip_address_anc : str
    ip_port, ip_port_aux, ip_port_anc, ip_protocol, timeout : int
    other_info, serial_number : str or int
        How the board is reached; which of them it wants, BrainFlow's documents say.
    file, file_aux, file_anc : Path or None
        Of the default, auxiliary and ancillary preset, for ``PLAYBACK_FILE_BOARD``.
    master_board : str, int or None
        The board whose rows ``PLAYBACK_FILE_BOARD`` or ``STREAMING_BOARD`` pass on.
    playback : Path or None
        A file that BrainFlow has written: BrainFlow plays it instead, at its own pace
        and without its markers, and the run ends when all of its rows have come.
    ch_type : "eeg", "emg", "ecg", "eog" or None
        What electrodes are used for that may be used for several things.

    Raises
    ------
    ConfigError
        If BrainFlow is not installed or knows no such board.
    """

    paced = True
    clock: Literal["run", "recording"] = "run"

    def __init__(
        self,
        board: str | int,
        *,
        serial_port: str = "",
        mac_address: str = "",
        ip_address: str = "",
        ip_address_aux: str = "",
        ip_address_anc: str = "",
        ip_port: int = 0,
        ip_port_aux: int = 0,
        ip_port_anc: int = 0,
        ip_protocol: int = 0,
        other_info: str | int = "",
        timeout: int = 0,
        serial_number: str | int = "",
        file: Path | None = None,
        file_aux: Path | None = None,
        file_anc: Path | None = None,
        master_board: str | int | None = None,
        playback: Path | None = None,
        ch_type: Literal["eeg", "emg", "ecg", "eog"] | None = None,
    ) -> None:
        files = {"file": playback or file, "file_aux": file_aux, "file_anc": file_anc}
        parameters: dict[str, Any] = {
            "serial_port": serial_port,
            "mac_address": mac_address,
            "ip_address": ip_address,
            "ip_address_aux": ip_address_aux,
            "ip_address_anc": ip_address_anc,
            "ip_port": ip_port,
            "ip_port_aux": ip_port_aux,
            "ip_port_anc": ip_port_anc,
            "ip_protocol": ip_protocol,
            "other_info": str(other_info),
            "timeout": timeout,
            "serial_number": str(serial_number),
            **{key: str(path) for key, path in files.items() if path},
        }
        known = numbers()
        name = board_name(board, known)
        through = name if name in PASS_ON else PLAYBACK if playback else None
        if name in PASS_ON:
            if master_board is None:
                raise ConfigError(
                    f"{name} passes on the rows of another board: set "
                    "device.master_board to its name"
                )
            name = board_name(master_board, known)
        self._session = Session(name, parameters, through=through, ch_type=ch_type)

    @staticmethod
    def look(seconds: float) -> Sequence[Offer]:
        """Return BrainFlow's own board, and whether another could be reached."""
        synthetic = ("brainflow:SYNTHETIC_BOARD", "BrainFlow's synthetic board, 250 Hz")
        try:
            n = len(set(numbers()) - {NO_BOARD, *PASS_ON})
        except RtpipeError as error:
            return [Offer(*synthetic, "missing", str(error))]
        ports = sorted({port for pattern in PORTS for port in glob(pattern)})
        if os.name == "nt":  # where ports are no files
            ports = ["COM3 or another that the device manager lists"]
        dongle = ("brainflow:CYTON_BOARD", "OpenBCI Cyton or another with a dongle")
        add = f"add --set device.serial_port=PORT; ports here: {', '.join(ports)}"
        return [
            Offer(*synthetic, "ready"),
            Offer(*dongle, "unknown", add)
            if ports
            else Offer(
                *dongle, "missing", "no serial port is here: plug the dongle in"
            ),
            Offer(
                "brainflow:BOARD",
                f"any of the {n} boards that BrainFlow knows",
                "unknown",
                "its name as BrainFlow writes it, or the number",
            ),
        ]

    def open(self) -> Sequence[StreamInfo]:
        """Connect, and start the streams."""
        return self._session.open()

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        """Return what came since the last call; None when a playback is over."""
        return self._session.read(timeout)

    def close(self) -> None:
        """Stop and release the board."""
        self._session.close()

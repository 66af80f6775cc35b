"""BrainFlow's session with one board, opened, read and closed."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rtpipe import clock
from rtpipe.errors import ConfigError, DeviceLost
from rtpipe.types import Chunk, StreamInfo

from .brainflow_board import sources
from .brainflow_playback import n_rows
from .brainflow_refusal import refusal
from .brainflow_sdk import numbers, sdk
from .brainflow_track import Track

PLAYBACK = "PLAYBACK_FILE_BOARD"
FILES = ("file", "file_aux", "file_anc")  # of the presets 0, 1, 2
POLL = 0.01  # seconds between two looks: BrainFlow cannot be waited for
KEPT = 20.0  # seconds of signal that BrainFlow keeps for us, if we are not in time


class Session:
    """One board: what it carries, and what came of it.

    Parameters
    ----------
    board : str
        BrainFlow's name of it. Of what is played or received from elsewhere, the name
        of the board it was recorded with.
    parameters : mapping
        The attributes of ``BrainFlowInputParams`` that are not left as they are.
    through : str or None
        The board that plays or receives it, where it is not the board itself.
    ch_type : str or None
        See `rtpipe.devices.brainflow_board.sources`.
    presets : collection of int or None
        Those whose streams are opened; None means all that the board has, or that are
        played from a file.
    command : str
        Sent to the board before it streams.
    """

    def __init__(
        self,
        board: str,
        parameters: Mapping[str, Any],
        *,
        through: str | None = None,
        ch_type: str | None = None,
        presets: Sequence[int] | None = None,
        command: str = "",
    ) -> None:
        self.board, self.parameters, self.through = board, parameters, through
        self._ch_type, self._presets, self._command = ch_type, presets, command
        self._shim: Any = None
        self._tracks: list[Track] = []
        self._left: dict[int, int] = {}  # rows of a file that are still to come
        self._looked = 0.0

    def open(self) -> list[StreamInfo]:
        """Connect and start to stream.

        Raises
        ------
        ConfigError
            If the settings are none the board can be opened with.
        RecordingError
            If a file that is to be played cannot be.
        DeviceNotFound
            If it does not answer.
        """
        self.close()
        shim = sdk().BoardShim
        number = numbers()[self.board]
        known = shim.get_board_presets(number)
        chosen = known if self._presets is None else self._presets
        if self.through == PLAYBACK:
            chosen = [p for p in known if self.parameters.get(FILES[p])]
        described = {p: shim.get_board_descr(number, p) for p in chosen if p in known}
        found = sources(self.board, described, self._ch_type)
        self._left = self._rows(described) if self.through == PLAYBACK else {}
        fastest = max(each["sampling_rate"] for each in described.values())
        self._start(max(int(KEPT * fastest), *self._left.values(), 0))
        self._tracks = [
            Track(self.board, p, described[p], [s for s in found if s.preset == p])
            for p in described
        ]
        return [source.info for source in found]

    def read(self, timeout: float) -> list[Chunk] | None:
        """Return what came since the last call; None when a file is over.

        Raises
        ------
        DeviceLost
            If BrainFlow says that the board is gone.
        """
        end = clock.now() + timeout
        wait = self._looked + POLL - clock.now()
        while True:
            if wait > 0:
                time.sleep(wait)
            self._looked = clock.now()
            if chunks := self._taken():
                return chunks
            if self._left and not any(self._left.values()):
                return None
            wait = min(POLL, end - self._looked)
            if wait <= 0:
                return []

    def close(self) -> None:
        """Stop and release; nothing happens where nothing is open."""
        board, self._shim = self._shim, None
        self._tracks = []
        if board is not None:
            # Each says that there was nothing to do, where there was nothing.
            for stop in (board.stop_stream, board.release_session):
                with suppress(sdk().BrainFlowError):
                    stop()

    def _rows(self, described: Mapping[int, Mapping[str, Any]]) -> dict[int, int]:
        if not described:
            raise ConfigError(f"{PLAYBACK} plays a file: set playback to its path")
        return {
            preset: n_rows(
                Path(self.parameters[FILES[preset]]),
                each["num_rows"],
                each["timestamp_channel"],
                self.board,
            )
            for preset, each in described.items()
        }

    def _start(self, kept: int) -> None:
        module = sdk()
        parameters = module.BrainFlowInputParams()
        for key, value in self.parameters.items():
            setattr(parameters, key, value)
        name = self.through or self.board
        if self.through:
            parameters.master_board = numbers()[self.board]
        # BoardShim's own destructor releases any board with the same settings, that of
        # another device too.
        undying = {"__del__": lambda self: None}
        board = type("Board", (module.BoardShim,), undying)
        self._shim = board(numbers()[name], parameters)
        try:
            self._shim.prepare_session()
            if self._command:
                self._shim.config_board(self._command)
            self._shim.start_stream(kept)
        except module.BrainFlowError as error:
            if (
                error.exit_code
                == module.BrainFlowExitCodes.ANOTHER_BOARD_IS_CREATED_ERROR
            ):
                self._shim = None  # what is open under its settings is not ours
            self.close()
            raise refusal(name, error.exit_code, self.parameters) from None
        except BaseException:  # Ctrl-C, which comes when BrainFlow lets it come
            self.close()
            raise

    def _taken(self) -> list[Chunk]:
        """Take out of BrainFlow what it has."""
        if self._shim is None:
            return []
        chunks: list[Chunk] = []
        offset = clock.wall_offset()
        try:
            for track in self._tracks:
                if self._shim.get_board_data_count(track.preset):
                    table = self._shim.get_board_data(preset=track.preset)
                    if self._left:
                        self._left[track.preset] -= table.shape[1]
                    chunks += track.chunks(table, offset)
        except sdk().BrainFlowError as error:
            raise DeviceLost(
                f"{self.board} stopped answering ({error}): is it switched on, charged "
                "and near?"
            ) from None
        return chunks

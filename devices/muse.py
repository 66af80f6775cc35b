"""The Muse headbands, through BrainFlow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rtpipe.device import Offer
from rtpipe.errors import ConfigError, DeviceNotFound, RtpipeError
from rtpipe.types import Chunk, StreamInfo

from .bluetooth import nearby
from .brainflow_playback import n_columns
from .brainflow_sdk import numbers
from .brainflow_session import PLAYBACK, Session

MODELS = {
    "2016": ("MUSE_2016_BOARD",),
    "2": ("MUSE_2_BOARD",),
    "s": ("MUSE_S_BOARD",),
    "athena": ("MUSE_S_ATHENA_BOARD", "MUSE_S_ANTHENA_BOARD"),  # until 5.22
}
# What a name says of the model: a Muse S may be an Athena, and BrainFlow refuses at
# once to open the one as the other; a Muse of 2016 and a Muse 2 are opened alike.
BY_NAME = {"MuseS": ("athena", "s"), "Muse": ("2",)}
BY_COLUMNS = {7: "2016", 8: "2", 11: "athena"}
CONNECT = 5  # seconds that BrainFlow may look for a headband that has just been seen
TRY = (
    "see that Bluetooth is on, switch the headband on (its lights move while it "
    "waits), bring it near, and close the phone's app, which keeps it to itself; "
    "muse:2016, muse:2, muse:s or muse:athena names the model, muse:mac=ADDRESS one "
    "headband"
)


class MuseDevice:
    """A Muse headband: EEG in microvolts at 256 Hz, and its motion at 52 Hz.

    The headband that was found first is the one that is opened again.

    Parameters
    ----------
    model : "2016", "2", "s", "athena" or None
        None takes it from the headband's name.
    name : str
        As the headband tells it, ``Muse-41D2``, or the end of it: ``41D2``. None is
        asked for unless several headbands answer.
    serial : str
        The same; BrainFlow calls it the serial number.
    mac : str
        The address of its Bluetooth.
    timeout : float
        Seconds to search.
    preset : str
        What the headband is told to send, where that is not BrainFlow's choice:
        ``p50`` (Muse 2) or ``p61`` (Muse S) for the pulse, too.
    playback : Path or None
        A file of the EEG that BrainFlow has written: BrainFlow plays it instead, and
        the run ends when all of its rows have come.

    Raises
    ------
    ConfigError
        If BrainFlow is not installed, or a setting is none that it can do.

    Notes
    -----
    Lost packets are counted by their 16-bit number, 12 samples each (3 of the motion,
    by the gyroscope's), but for an Athena's, whose number tells nothing of the kind.
    Each electrode has a packet of its own, and BrainFlow hands samples over when all
    four have come: where one alone was lost, it joins what came before with what comes
    after, and the number shows one lost packet though three electrodes were heard.
    """

    paced = True
    clock: Literal["run", "recording"] = "run"

    def __init__(
        self,
        model: str | int | None = None,
        *,
        name: str = "",
        serial: str = "",
        mac: str = "",
        timeout: float = 10.0,
        preset: str = "",
        playback: Path | None = None,
    ) -> None:
        self.model = None if model is None else str(model).lower()
        if self.model is not None and self.model not in MODELS:
            raise ConfigError(
                f"there is no Muse {model!r}: choose one of {', '.join(MODELS)}, or "
                "none; a headband's name is set by muse:name=NAME"
            )
        if not timeout > 0:
            raise ConfigError(f"muse: timeout must be positive, got {timeout}")
        numbers()  # tells if BrainFlow is missing before a model is loaded
        self.name, self.mac = name or serial, mac
        self.timeout, self.preset, self.playback = timeout, preset, playback
        self._session: Session | None = None

    @staticmethod
    def look(seconds: float) -> Sequence[Offer]:
        """Search for headbands."""
        what = "Muse headband: EEG, 4 channels, 256 Hz"
        try:
            seen = nearby(_is_muse, seconds)
        except RtpipeError as error:
            return [Offer("muse", what, "missing", str(error))]
        found = [each for each in sorted(seen.items()) if _is_muse(*each)]
        if not found:
            return [Offer("muse", what, "missing", f"none was seen: {TRY}")]
        return [
            Offer(f"muse:name={name}", what, "ready", address)
            for address, name in found
        ]

    def open(self) -> Sequence[StreamInfo]:
        """Search, connect, and start the streams."""
        if self._session is not None:  # the one that was found before
            return self._session.open()
        if self.playback is not None:
            return self._opened([self._played(self.playback)])
        address, name = self._found()
        models = [self.model] if self.model else _models(name)
        boards = [board for model in models for board in MODELS[model]]
        return self._opened([self._headband(each, address) for each in _known(boards)])

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        """Return what came since the last call; None when a playback is over."""
        return self._session.read(timeout) if self._session else []

    def close(self) -> None:
        """Stop and release the headband."""
        if self._session is not None:
            self._session.close()

    def _opened(self, sessions: Sequence[Session]) -> Sequence[StreamInfo]:
        """Open the first session that can be, and keep it."""
        reason = ""
        for session in sessions:
            try:
                infos = session.open()
            except DeviceNotFound as error:
                reason = str(error)
                continue
            self._session = session
            return infos
        raise DeviceNotFound(
            f"a Muse was seen but could not be opened: {TRY} ({reason})"
        )

    def _found(self) -> tuple[str, str]:
        """Return the address and the name of the headband that is meant."""
        try:
            seen = nearby(self._is_meant, self.timeout)
        except DeviceNotFound as error:
            raise DeviceNotFound(
                f"no Muse can be reached: {error}; then switch the headband on and try "
                "again"
            ) from None
        meant = {a: n for a, n in seen.items() if self._is_meant(a, n)}
        if not meant:
            muses = {a: n for a, n in seen.items() if _is_muse(a, n)}
            others = f" (seen: {_listed(muses)})" if muses else ""
            which = " ".join(filter(None, ("Muse", self.name, self.mac)))
            raise DeviceNotFound(
                f"no {which} answered within {self.timeout:g} s{others}: {TRY}"
            )
        if len(meant) > 1:
            raise ConfigError(
                f"several headbands answer, {_listed(meant)}: choose one, for example "
                f"muse:name={next(iter(meant.values()))}"
            )
        return next(iter(meant.items()))

    def _is_meant(self, address: str, name: str) -> bool:
        return (
            _is_muse(address, name)
            and name.lower().endswith(self.name.lower())
            and self.mac.lower() in ("", address.lower())
        )

    def _headband(self, board: str, address: str) -> Session:
        # Without a preset that asks for it, the pulse of the elder models is not sent.
        presets = None if self.preset or board in MODELS["athena"] else (0, 1)
        return Session(
            board,
            {"mac_address": address, "timeout": CONNECT},
            presets=presets,
            command=self.preset,
        )

    def _played(self, path: Path) -> Session:
        model = self.model
        if model is None:
            columns = n_columns(path)
            if columns not in BY_COLUMNS:
                raise ConfigError(
                    f"{path} has {columns} columns, and BrainFlow's files of a Muse's "
                    f"EEG have {' or '.join(map(str, BY_COLUMNS))}"
                )
            model = BY_COLUMNS[columns]
        board = _known(MODELS[model])[0]
        return Session(board, {"file": str(path)}, through=PLAYBACK)


def _is_muse(_: str, name: str) -> bool:
    return name.startswith("Muse")


def _models(name: str) -> Sequence[str]:
    return next(models for start, models in BY_NAME.items() if name.startswith(start))


def _known(boards: Sequence[str]) -> list[str]:
    """Return those of the boards that this BrainFlow knows."""
    found = [board for board in boards if board in numbers()]
    if not found:
        raise ConfigError(
            f"this BrainFlow knows no {boards[0]}: install a newer one with "
            "`pip install -U brainflow`"
        )
    return found


def _listed(seen: dict[str, str]) -> str:
    return ", ".join(f"{name} at {address}" for address, name in sorted(seen.items()))

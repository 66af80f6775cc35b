"""A Muse is found, chosen, opened as what it is, and found again."""

import ctypes
from collections.abc import Callable
from typing import Any

import pytest
from rtpipe.devices import bluetooth
from rtpipe.devices.bluetooth import nearby
from rtpipe.devices.muse import MuseDevice
from typer.testing import CliRunner

from rtpipe.cli import app
from rtpipe.errors import ConfigError, DeviceNotFound
from rtpipe.types import Chunk, StreamInfo

MUSE_2 = ("00:55:DA:B3:81:73", "Muse-8173")
MUSE_S = ("00:55:DA:B0:41:D2", "MuseS-41D2")
OTHER = ("11:22:33:44:55:66", "Headphones")


class Radio:
    """SimpleBLE's C library, with what it would see; not every machine has a radio."""

    def __init__(self, *near: tuple[str, str], adapters: int = 1) -> None:
        self.near, self.adapters = near, adapters
        self.held: list[Any] = []  # what is to be given back
        self.scanning = False
        self.scans = 0
        self.interrupt = self.off = False

    def take(self, thing: Any) -> int:
        self.held.append(thing)
        return id(thing)

    def simpleble_adapter_get_count(self) -> int:
        return self.adapters

    def simpleble_adapter_get_handle(self, number: int) -> int:
        assert number == 0
        return self.take("adapter")

    def simpleble_adapter_release_handle(self, _: int) -> None:
        self.held.remove("adapter")

    def simpleble_adapter_scan_start(self, _: int) -> int:
        self.scanning = not self.off
        self.scans += 1
        return int(self.off)

    def simpleble_adapter_scan_stop(self, _: int) -> None:
        self.scanning = False

    def simpleble_adapter_scan_get_results_count(self, _: int) -> int:
        if self.interrupt:
            raise KeyboardInterrupt
        return len(self.near) + 1  # one has gone when its handle is asked for

    def simpleble_adapter_scan_get_results_handle(self, _: int, k: int) -> int | None:
        return self.take(self.near[k]) if k < len(self.near) else None

    def simpleble_peripheral_address(self, device: int) -> int:
        return self.text(device, 0)

    def simpleble_peripheral_identifier(self, device: int) -> int:
        return self.text(device, 1)

    def simpleble_peripheral_release_handle(self, device: int) -> None:
        self.held.remove(next(each for each in self.held if id(each) == device))

    def simpleble_free(self, text: int) -> None:
        self.held.remove(
            next(t for t in self.held if getattr(t, "address", None) == text)
        )

    def text(self, device: int, which: int) -> int:
        told = next(each for each in self.held if id(each) == device)[which]
        buffer: Any = ctypes.create_string_buffer(told.encode())
        buffer.address = ctypes.addressof(buffer)
        self.held.append(buffer)
        return int(buffer.address)


class Opened:
    """A session that is not there: which was asked for, and which would open."""

    asked: list["Opened"]
    opens: Callable[["Opened"], bool]

    def __init__(self, board: str, parameters: dict[str, Any], **more: Any) -> None:
        self.board, self.parameters, self.more = board, parameters, more
        self.times = 0

    def open(self) -> list[StreamInfo]:
        self.asked.append(self)
        if not type(self).opens(self):
            raise DeviceNotFound("it is another model")
        self.times += 1
        return [StreamInfo("eeg", 256.0, ("TP9",), ("eeg",), ("uV",))]

    def read(self, timeout: float) -> list[Chunk]:
        return []

    def close(self) -> None:
        pass


@pytest.fixture
def radio(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Radio]:
    """Make a radio that the search uses, and sessions that open."""
    monkeypatch.setattr(bluetooth, "POLL", 0.001)
    monkeypatch.setattr(bluetooth, "LINGER", 0.01)
    monkeypatch.setattr(Opened, "asked", [], raising=False)
    monkeypatch.setattr(Opened, "opens", lambda _: True, raising=False)
    monkeypatch.setattr("rtpipe.devices.muse.Session", Opened)

    def make(*near: tuple[str, str], adapters: int = 1) -> Radio:
        made = Radio(*near, adapters=adapters)
        monkeypatch.setattr(bluetooth, "library", lambda: made)
        return made

    return make


def board_of(device: MuseDevice) -> str:
    device.open()
    return Opened.asked[-1].board


# Searching --------------------------------------------------------------------------


def test_a_search_gives_back_all_it_took(radio: Callable[..., Radio]) -> None:
    air = radio(MUSE_2, OTHER, MUSE_S)
    assert nearby(lambda _, name: name == "MuseS-41D2", 5.0) == dict(air.near)
    assert nearby(lambda *_: False, 0.01) == dict(air.near)
    assert not air.held
    assert not air.scanning


def test_a_search_goes_on_until_the_one_that_is_meant(
    radio: Callable[..., Radio],
) -> None:
    """Another headband is seen first, and for longer than a search lingers."""
    air = radio(MUSE_S)
    looks = 0

    def is_meant(address: str, _: str) -> bool:
        nonlocal looks
        looks += 1
        if looks == 50:
            air.near = (MUSE_S, MUSE_2)
        return address == MUSE_2[0]

    assert MUSE_2[0] in nearby(is_meant, 60.0)


def test_an_interrupted_search_ends_its_scan(radio: Callable[..., Radio]) -> None:
    air = radio(MUSE_2)
    air.interrupt = True
    with pytest.raises(KeyboardInterrupt):
        MuseDevice().open()
    assert not air.scanning
    assert not air.held


def test_the_library_that_brainflow_brings_is_there() -> None:
    assert bluetooth.library().simpleble_adapter_get_count() >= 0


def test_a_system_that_it_is_not_there_for(monkeypatch: pytest.MonkeyPatch) -> None:
    bluetooth.library.cache_clear()
    monkeypatch.setattr("platform.system", lambda: "Windows")
    with pytest.raises(DeviceNotFound, match="brings no Bluetooth for this system"):
        bluetooth.library()
    bluetooth.library.cache_clear()


# Choosing ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"name": "Muse-8173"}, MUSE_2[0]),
        ({"name": "8173"}, MUSE_2[0]),
        ({"serial": "muses-41d2"}, MUSE_S[0]),
        ({"mac": MUSE_S[0].lower()}, MUSE_S[0]),
    ],
)
def test_one_of_several_is_chosen(
    settings: dict[str, str], address: str, radio: Callable[..., Radio]
) -> None:
    radio(MUSE_2, MUSE_S)
    device = MuseDevice(**settings)
    (info,) = device.open()
    assert info.name == "eeg"
    assert Opened.asked[-1].parameters["mac_address"] == address
    device.close()


def test_several_without_a_choice_are_listed(radio: Callable[..., Radio]) -> None:
    radio(MUSE_2, MUSE_S)
    said = (
        "several headbands answer, MuseS-41D2 at 00:55:DA:B0:41:D2, "
        "Muse-8173 at 00:55:DA:B3:81:73: choose one, for example muse:name=Muse-8173"
    )
    with pytest.raises(ConfigError, match=said):
        MuseDevice().open()


@pytest.mark.parametrize(
    ("near", "settings", "said"),
    [
        ((), {}, r"no Muse answered within 0\.05 s: see that Bluetooth .*muse:2"),
        (
            (OTHER,),
            {"mac": OTHER[0]},
            r"no Muse 11:22:33:44:55:66 answered .*: see that",
        ),
        ((MUSE_2,), {"name": "41D2"}, r"no Muse 41D2 .* \(seen: Muse-8173 at 00:55:DA"),
    ],
)
def test_none_that_is_meant(
    near: tuple[tuple[str, str], ...],
    settings: dict[str, Any],
    said: str,
    radio: Callable[..., Radio],
) -> None:
    radio(*near)
    device = MuseDevice(timeout=0.05, **settings)
    with pytest.raises(DeviceNotFound, match=said):
        device.open()
    assert device.read(0.0) == []
    device.close()


def test_without_a_bluetooth_adapter(radio: Callable[..., Radio]) -> None:
    radio(adapters=0)
    result = CliRunner().invoke(app, ["live", "--device", "muse", "--json"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("rtpipe: no Muse can be reached: this computer has")
    assert result.stderr.count("\n") == 1
    (offer,) = MuseDevice.look(0.05)
    assert (offer.argument, offer.state) == ("muse", "missing")
    assert "Bluetooth" in offer.hint


def test_with_bluetooth_switched_off(radio: Callable[..., Radio]) -> None:
    air = radio(MUSE_2)
    air.off = True
    said = (
        r"no Muse can be reached: Bluetooth cannot search: switch it on, .* try again"
    )
    with pytest.raises(DeviceNotFound, match=said):
        MuseDevice().open()
    assert not air.held


# Opening ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "near", "boards"),
    [
        (None, MUSE_2, ["MUSE_2_BOARD"]),
        (None, MUSE_S, ["MUSE_S_ATHENA_BOARD", "MUSE_S_BOARD"]),
        (2016, MUSE_2, ["MUSE_2016_BOARD"]),
        ("2", MUSE_2, ["MUSE_2_BOARD"]),
        ("S", MUSE_S, ["MUSE_S_BOARD"]),
        ("athena", MUSE_S, ["MUSE_S_ATHENA_BOARD"]),
    ],
)
def test_which_models_are_tried(
    model: str | int | None,
    near: tuple[str, str],
    boards: list[str],
    radio: Callable[..., Radio],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    radio(near)
    monkeypatch.setattr(Opened, "opens", lambda asked: asked.board == boards[-1])
    MuseDevice(model).open()
    assert [each.board for each in Opened.asked] == boards


def test_a_headband_that_is_found_again_is_the_same(
    radio: Callable[..., Radio], monkeypatch: pytest.MonkeyPatch
) -> None:
    air = radio(MUSE_S)
    monkeypatch.setattr(Opened, "opens", lambda asked: asked.board == "MUSE_S_BOARD")
    device = MuseDevice()
    device.open()
    device.close()
    air.near = (MUSE_2, ("00:55:DA:B0:99:99", "MuseS-9999"))  # the neighbour's
    device.open()
    first, second = Opened.asked[-2:]
    assert first is second
    assert second.parameters["mac_address"] == MUSE_S[0]
    assert second.board == "MUSE_S_BOARD"
    assert air.scans == 1


def test_a_headband_that_cannot_be_opened(
    radio: Callable[..., Radio], monkeypatch: pytest.MonkeyPatch
) -> None:
    radio(MUSE_S)
    monkeypatch.setattr(Opened, "opens", lambda _: False)
    device = MuseDevice()
    said = r"a Muse was seen but could not be opened: see .* \(it is another model\)"
    with pytest.raises(DeviceNotFound, match=said):
        device.open()
    monkeypatch.setattr(Opened, "opens", lambda _: True)
    assert board_of(device) == "MUSE_S_ATHENA_BOARD"  # searched for again


@pytest.mark.parametrize(
    ("settings", "presets"),
    [({"model": 2}, (0, 1)), ({"model": "athena"}, None), ({"preset": "p50"}, None)],
)
def test_the_pulse_is_a_stream_where_it_is_sent(
    settings: dict[str, Any],
    presets: tuple[int, ...] | None,
    radio: Callable[..., Radio],
) -> None:
    radio(MUSE_2)
    MuseDevice(**settings).open()
    assert Opened.asked[-1].more["presets"] == presets
    assert Opened.asked[-1].more["command"] == settings.get("preset", "")


def test_a_model_that_brainflow_does_not_know_yet(
    radio: Callable[..., Radio], monkeypatch: pytest.MonkeyPatch
) -> None:
    radio(MUSE_S)
    monkeypatch.setattr("rtpipe.devices.muse.numbers", lambda: {"MUSE_S_BOARD": 39})
    with pytest.raises(
        ConfigError, match="this BrainFlow knows no MUSE_S_ATHENA_BOARD: install"
    ):
        MuseDevice("athena").open()
    assert board_of(MuseDevice()) == "MUSE_S_BOARD"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": "3"}, "there is no Muse '3': choose one of 2016, 2, s, athena"),
        ({"model": "Muse-8173"}, "no Muse 'Muse-8173': .* set by muse:name=NAME"),
        ({"timeout": 0}, "muse: timeout must be positive, got 0"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        MuseDevice(**settings)


def test_what_it_offers(radio: Callable[..., Radio]) -> None:
    radio(MUSE_2, MUSE_S)
    found = {offer.argument: offer.state for offer in MuseDevice.look(0.05)}
    assert found == {"muse:name=Muse-8173": "ready", "muse:name=MuseS-41D2": "ready"}
    radio()
    (offer,) = MuseDevice.look(0.01)
    assert (offer.argument, offer.state) == ("muse", "missing")
    assert "switch the headband on" in offer.hint

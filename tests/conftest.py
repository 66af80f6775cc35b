import os
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QApplication

from rtpipe import connection
from rtpipe.types import StreamInfo

from .alone import alone
from .scripted import Time

# Tests may run in several processes (pytest -n 2): none sees another's runs or streams.
alone(os.environ.get("PYTEST_XDIST_WORKER"))
# Windows of tests need no screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# What a shell or nohup lets tests ignore is not to be ignored by what they start.
for each in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
    if signal.getsignal(each) == signal.SIG_IGN:
        signal.signal(each, lambda *_: None)

Outlet = Callable[..., Any]


@pytest.fixture
def muse() -> StreamInfo:
    """Four EEG channels at the Muse's rate, in microvolts between its rails."""
    return StreamInfo(
        name="muse",
        sfreq=256.0,
        ch_names=("TP9", "AF7", "AF8", "TP10"),
        ch_types=("eeg",) * 4,
        units=("uV",) * 4,
        rails=(-1000.0, 999.5),
    )


@pytest.fixture
def armband() -> StreamInfo:
    """Eight EMG channels at the Myo's rate, in counts."""
    return StreamInfo(
        name="armband",
        sfreq=200.0,
        ch_names=tuple(f"EMG{k}" for k in range(1, 9)),
        ch_types=("emg",) * 8,
        units=("none",) * 8,
        rails=(-128.0, 127.0),
    )


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The clock of connections: it moves when somebody waits, and only then."""
    time = Time()
    monkeypatch.setattr(connection, "now", lambda: time.now)
    monkeypatch.setattr(connection, "time", time)
    return time


@pytest.fixture
def xterm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of many colours, whatever the tests are run in."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def light(qapp: QApplication) -> Iterator[None]:
    """The light colours of the dashboard."""
    from rtpipe.dashboard.theme import LIGHT, choose

    choose(LIGHT)
    yield
    choose(None)


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    """What windows remember, in a file of the test's own."""
    return QSettings(str(tmp_path / "ini"), QSettings.Format.IniFormat)


@pytest.fixture
def lsl_name() -> str:
    """A name that no other stream has."""
    return f"test {uuid.uuid4().hex[:12]}"


@pytest.fixture
def outlet(lsl_name: str) -> Outlet:
    """Make an LSL outlet: an armband of two channels unless told otherwise.

    It is there as long as someone holds it.
    """
    import pylsl

    def make(
        name: str = lsl_name,
        type: str = "EMG",
        *,
        labels: tuple[str, ...] = ("A", "B"),
        units: str | tuple[str, ...] = "microvolts",
        types: str | tuple[str, ...] = "",
        sfreq: float = 200.0,
        kind: str = "float32",
        source_id: str | None = None,
    ) -> Any:
        n = len(labels)
        told = source_id if source_id is not None else f"id of {name}"
        info = pylsl.StreamInfo(name, type, n, sfreq, kind, told)
        channels = info.desc().append_child("channels")
        for k, label in enumerate(labels):
            channel = channels.append_child("channel")
            channel.append_child_value("label", label)
            for key, value in {"unit": units, "type": types}.items():
                one = value if isinstance(value, str) else value[k]
                if one:
                    channel.append_child_value(key, one)
        return pylsl.StreamOutlet(info)

    return make

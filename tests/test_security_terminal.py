"""Names and texts from outside do not steer a terminal, wherever they are shown."""

import io
import json
import re
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from rtpipe.clock import now
from rtpipe.config import bundle_path
from rtpipe.counters import StreamCounters, WindowCounters
from rtpipe.device import Offer
from rtpipe.latency import Histogram
from rtpipe.ring import Ring
from rtpipe.sink import ModelStatus, Run, StreamStatus
from rtpipe.terminal.offers import print_offers
from rtpipe.terminal.view import TerminalView
from rtpipe.types import Chunk, Event, Prediction, StreamInfo

from .commands import rtpipe

# A title for the window, a colour by one character, text that runs backward, a line
# that goes back over itself.
EVIL = "a\x1b]0;owned\x07b\x9b31mc\u202ed\re\x1b[77;77Hf\x85g"
STEERING = re.compile("\x1b\\]0|\x07|\x9b|\u202e|\re|\x1b\\[77|\x85")


def test_the_expression_finds_each_of_them() -> None:
    assert len(STEERING.findall(EVIL)) == 7


@pytest.mark.parametrize("terminal", [True, False], ids=["view", "lines"])
def test_a_run(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    names = (EVIL, EVIL + "2")
    info = StreamInfo(EVIL, 200.0, names, (EVIL,) * 2, (EVIL,) * 2)
    ring = Ring((2,), 1000)
    data = np.random.default_rng(0).normal(0, 20, (600, 2)).astype(np.float32)
    ring.write(Chunk(EVIL, 0, np.arange(600) / 200, data))
    counters = StreamCounters(received=600)
    stream = StreamStatus(info, ring, counters, ("flat", "noisy"), {EVIL: EVIL})
    stream.link.become("streaming", 0.0)
    labels = (EVIL, EVIL + "2")
    windows = {EVIL: WindowCounters(due=9, answered=9)}
    model = ModelStatus(EVIL, EVIL, labels, (EVIL,), windows, Histogram(), 1.0)
    run = Run(EVIL, now(), {EVIL: stream}, {EVIL: model}, lambda: None, print)
    screen = io.StringIO()
    width, height = 120, 40
    view = TerminalView(
        Console(file=screen, force_terminal=terminal, width=width, height=height), 0.0
    )
    view.open(run)
    shares = dict(zip(labels, (0.9, 0.1), strict=True))
    decided = Prediction(EVIL, EVIL, 9, now(), EVIL, shares, 0.01, 0.0, EVIL)
    view.take([decided])
    view.take([replace(decided, label=None, reason=EVIL)])
    for kind in ("marker", "lost", "gap", "sink", "quality", "none", "truth", EVIL):
        told = {"text": EVIL, "message": EVIL, "model": EVIL, "reason": EVIL}
        view.take([Event(EVIL, now(), kind, 5, told | {EVIL: EVIL})])
    stream.link.become("lost", now(), EVIL)
    view.take([])
    view.close()
    assert "owned" in screen.getvalue()
    assert not STEERING.search(screen.getvalue())


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_offered(terminal: bool) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=100)
    print_offers([("lsl", Offer(EVIL, EVIL, "ready", EVIL))], console)
    assert "owned" in screen.getvalue()
    assert not STEERING.search(screen.getvalue())


def evil_card(path: Path) -> Path:
    with zipfile.ZipFile(bundle_path("demo:gesture")) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (name,) = (each for each in parts if each.endswith("card.json"))
    told = json.loads(parts[name])
    told |= {"name": EVIL, "task": EVIL, "notes": [EVIL]}
    told["labels"][0] = EVIL
    told["training"] |= {"recipe": EVIL, "protocol": EVIL, "versions": {EVIL: EVIL}}
    told["scores"] = {EVIL: {"accuracy": 0.5, EVIL: EVIL}, "x": EVIL}
    parts[name] = json.dumps(told).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for each, content in parts.items():
            archive.writestr(each, content)
    return path


def evil_recording(path: Path) -> Path:
    """Write XDF whose names and texts are evil, and whose second stream is left out."""

    def chunk(tag: int, content: bytes) -> bytes:
        return struct.pack("<BIH", 4, len(content) + 2, tag) + content

    # XML holds no ESC: those after it do as well.
    name = "a\x9b31mb\u202ec\x85downed"
    whole = b"XDF:" + chunk(1, b"<info><version>1.0</version></info>")
    for number, rate in ((1, 200), (2, 0)):
        text = (
            f"<info><name>{name}</name><type>{name}</type><channel_count>1"
            f"</channel_count><nominal_srate>{rate}</nominal_srate><channel_format>"
            f"float32</channel_format><desc><channels><channel><label>{name}</label>"
            f"<unit>{name}</unit></channel></channels></desc></info>"
        )
        whole += chunk(2, struct.pack("<I", number) + text.encode())
        found = b"".join(struct.pack("<Bdf", 8, 5 + k / 200, k) for k in range(200))
        whole += chunk(3, struct.pack("<IBB", number, 1, 200) + found)
    path.write_bytes(whole)
    return path


def test_commands(tmp_path: Path) -> None:
    bundle = evil_card(tmp_path / "x.pt")
    recording = evil_recording(tmp_path / "x.xdf")
    colours = {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "200"}
    for done in rtpipe(
        ("inspect", bundle),
        ("inspect", bundle, "--json"),
        ("inspect", recording),
        ("inspect", recording, "--json"),
        ("replay", recording, "--speed", "max", "--model", "demo:gesture"),
        ("replay", recording, "--speed", "max", "--json"),
        ("convert", recording, "--to", "csv", "--out", tmp_path / "out"),
        ("live", "--device", "synthetic:emg", "--model", bundle, "--duration", "1"),
        ("replay", tmp_path / EVIL),
        ("evaluate", bundle, "--data", recording),
        environment=colours,
    ):
        said = done.stdout + done.stderr
        assert "Traceback" not in said
        assert "owned" in said, done.args
        assert not STEERING.search(said), done.args

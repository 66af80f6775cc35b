"""Whatever is in a file, reading it gives a result or one sentence.

Each format begins as a small file that is whole, and is damaged in the ways that files
are: cut, bits turned, numbers made huge, parts repeated. Reading it may fail with an
error of ours, in one sentence; it may not fail in another way, print a warning, take
for ever, or take more memory than 64 MiB and ten times the file.

The memory is what tracemalloc counts, which is all that Python and NumPy ask for,
whether it is used or not. Files that are mapped are not counted.

The examples are the same at every run. ``FUZZ_EXAMPLES=20000`` in the environment tries
so many a format, other ones each time.
"""

import os
import re
import signal
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtpipe import config
from rtpipe.bundle import Bundle
from rtpipe.card import read_card
from rtpipe.errors import RtpipeError
from rtpipe.recording import Answers, read

ROOM, TIMES = 64 * 2**20, 10  # bytes, and bytes for each byte of the file
PATIENCE = 60  # seconds
ASKED = os.environ.get("FUZZ_EXAMPLES")
FEW = settings(
    max_examples=int(ASKED or 150),
    derandomize=not ASKED,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


# What is damaged ----------------------------------------------------------------------


@dataclass(frozen=True)
class Format:
    """Files that belong together, the first of which is read."""

    files: dict[str, bytes]
    read: Callable[[Path], object]

    @property
    def main(self) -> str:
        return next(iter(self.files))


def table(header: str, rows: list[list[float]], delimiter: str = ",") -> bytes:
    lines = [delimiter.join(f"{value:.7g}" for value in row) for row in rows]
    return "\n".join([header, *lines, ""] if header else [*lines, ""]).encode()


def noise(n_times: int, n_channels: int) -> list[list[float]]:
    values = np.random.default_rng(3).normal(0, 30, (n_times, n_channels))
    found: list[list[float]] = values.tolist()
    return found


def uci(delimiter: str = "\t", *more: str) -> bytes:
    names = ["time", *(f"channel{k}" for k in range(1, 9)), "class", *more]
    rows = [
        [k, *row, k // 20, *(1 for _ in more)] for k, row in enumerate(noise(40, 8))
    ]
    return table(delimiter.join(names), rows, delimiter)


def muse(*more: str) -> bytes:
    names = ["timestamps", "TP9", "AF7", "AF8", "TP10", "Right AUX", *more]
    rows = [
        [1.5e9 + k / 256, *row, *(k % 9 for _ in more)]
        for k, row in enumerate(noise(40, 5))
    ]
    return table(",".join(names), rows)


def openbci(version: int) -> bytes:
    lines = ["%OpenBCI Raw E" + ("XG Data" if version == 6 else "EG Data")]
    lines += ["%Number of channels = 4", "%Sample Rate = 250 Hz"]
    names = ["Sample Index", *(f"EXG Channel {k}" for k in range(4))]
    names += [f"Accel Channel {k}" for k in range(3)]
    names += ["Other", "Timestamp", "Marker Channel", "Timestamp (Formatted)"]
    lines += [", ".join(names)] * (version == 6)
    for k, row in enumerate(noise(40, 7)):
        last = [0, 1.7e9 + k / 250, k % 7, "2023"] if version == 6 else [1.7e12 + 4 * k]
        lines.append(", ".join(map(str, [k, *row, *last])))
    return "\n".join([*lines, ""]).encode()


def brainflow() -> bytes:
    rows = noise(30, 24)
    for k, row in enumerate(rows):
        row[0], row[22], row[23] = k, 1.7e9 + k / 250, k % 5
    return "".join("\t".join(f"{v:.6f}" for v in row) + "\n" for row in rows).encode()


def edf(kind: str, width: int = 2, texts: bool = True) -> bytes:
    """Return three records of two rates, and of annotations."""

    def column(wide: int, *values: object) -> bytes:
        return b"".join(str(value)[:wide].ljust(wide).encode() for value in values)

    n = 2 + texts
    notes = ["EDF Annotations" if width == 2 else "BDF Annotations"] * texts
    counts = [10, 5, *([20] * texts)]
    whole = b"0       " if width == 2 else b"\xffBIOSEMI"
    whole += b" " * 160 + b"01.02.2503.04.05" + column(8, 256 * (n + 1))
    whole += column(44, kind) + column(8, 3, 1) + column(4, n)
    whole += column(16, "EEG Cz", "Status", *notes) + b" " * 80 * n
    whole += column(8, "uV", "", *[""] * texts)
    whole += column(8, -100, -1, *[-1] * texts) + column(8, 100, 1, *[1] * texts)
    most = 2 ** (8 * width - 1)
    whole += column(8, *[-most] * n) + column(8, *[most - 1] * n) + b" " * 80 * n
    whole += column(8, *counts) + b" " * 32 * n
    rng = np.random.default_rng(1)
    for k in range(3):
        whole += rng.bytes(15 * width)
        said = f"+{2 * k}\x14\x14\0+{2 * k}.5\x151\x14blink\x14\0".encode()
        whole += said.ljust(20 * width, b"\0") * texts
    return whole


def brainvision() -> dict[str, bytes]:
    rows = "\n".join(f"Ch{k}=C{k},,0.5,µV" for k in (1, 2, 3))
    header = (
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\n"
        "Codepage=UTF-8\nDataFile=x.eeg\nMarkerFile=x.vmrk\nDataFormat=BINARY\n"
        "DataOrientation=MULTIPLEXED\nNumberOfChannels=3\nSamplingInterval=2000\n"
        f"[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\n{rows}\n[Comment]\n"
    )
    markers = (
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\n"
        "Codepage=UTF-8\nDataFile=x.eeg\n[Marker Infos]\n"
        "Mk1=New Segment,,1,1,0,20200102030405000000\nMk2=Stimulus,S  1,9,1,0\n"
        "Mk3=New Segment,,30,1,0,20200102030409000000\n"
    )
    stored = np.random.default_rng(2).bytes(3 * 60 * 2)
    return {"x.vhdr": header.encode(), "x.vmrk": markers.encode(), "x.eeg": stored}


def fif(folder: Path) -> bytes:
    info = mne.create_info(["C1", "C2", "S"], 250.0, ["eeg", "eeg", "stim"])
    raw = mne.io.RawArray(np.array(noise(300, 3)).T * 1e-6, info, verbose="ERROR")
    raw.set_annotations(mne.Annotations([0.1, 0.4], [0.2, 0.2], ["a", "BAD_ACQ_SKIP"]))
    path = folder / "x_raw.fif"
    raw.save(path, buffer_size_sec=0.1, verbose="ERROR")
    return path.read_bytes()


def xdf() -> bytes:
    def chunk(tag: int, content: bytes) -> bytes:
        return struct.pack("<BIH", 4, len(content) + 2, tag) + content

    def header(number: int, kind: str, count: int, rate: int) -> bytes:
        text = (
            f"<info><name>s{number}</name><type>EEG</type><channel_count>{count}"
            f"</channel_count><nominal_srate>{rate}</nominal_srate><channel_format>"
            f"{kind}</channel_format><desc><channels><channel><label>A</label>"
            "<unit>uV</unit></channel><channel/></channels></desc></info>"
        )
        return chunk(2, struct.pack("<I", number) + text.encode())

    whole = b"XDF:" + chunk(1, b"<info><version>1.0</version></info>")
    whole += header(1, "float32", 2, 100) + header(2, "string", 1, 0)
    found = b"".join(struct.pack("<Bdff", 8, 5 + k / 100, k, -k) for k in range(50))
    whole += chunk(3, struct.pack("<IBB", 1, 1, 50) + found)
    whole += chunk(3, struct.pack("<IBBBdBB", 2, 1, 1, 8, 5.1, 1, 3) + b"abc")
    whole += chunk(4, struct.pack("<Idd", 1, 5.0, 0.25))
    whole += chunk(5, bytes.fromhex("43A546DCCBF5410FB30ED5467383CBE4"))
    whole += chunk(
        6, struct.pack("<I", 1) + b"<info><sample_count>50</sample_count></info>"
    )
    return whole


TOML = b"""duration = 5
json = true
[[device]]
kind = "synthetic"
seed = 3
[[device]]
kind = "lsl"
name = "A"
units = ["uV", "none"]
[[model]]
path = "demo:gesture"
confidence = 0.5
"""
CYTON = Answers(board="CYTON_BOARD")
DEMO = Path(str(config.bundle_path("demo:gesture")))


def configured(path: Path) -> object:
    return config.check(config.load(path), str(path))


def formats(folder: Path) -> dict[str, Format]:
    tables = {
        "uci": uci(),
        "kaggle": uci(",", "label"),
        "muse": muse(),
        "muse with markers": muse("Marker0"),
        "openbci 4": openbci(4),
        "openbci 6": openbci(6),
        "edf": edf("", texts=False),
        "edf+c": edf("EDF+C"),
        "edf+d": edf("EDF+D"),
        "bdf": edf("24BIT", 3, texts=False),
        "bdf+": edf("BDF+D", 3),
        "xdf": xdf(),
    }
    found = {name: Format({"x.dat": each}, read) for name, each in tables.items()}
    found["brainflow"] = Format({"x.csv": brainflow()}, lambda path: read(path, CYTON))
    found["fif"] = Format({"x_raw.fif": fif(folder)}, read)
    found["brainvision"] = Format(brainvision(), read)
    found["toml"] = Format({"x.toml": TOML}, configured)
    found["card"] = Format({"x.pt": DEMO.read_bytes()}, read_card)
    found["bundle"] = Format({"x.pt": DEMO.read_bytes()}, Bundle.load)
    return found


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Format]:
    return formats(tmp_path_factory.mktemp("whole"))


NAMES = (
    *("uci", "kaggle", "muse", "muse with markers", "openbci 4", "openbci 6"),
    *("brainflow", "edf", "edf+c", "edf+d", "bdf", "bdf+", "fif", "brainvision"),
    *("xdf", "toml", "card", "bundle"),
)


# How it is damaged --------------------------------------------------------------------

EXTREME = (0, 1, -1, 2**7, 2**15, 2**24, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1)
SPELT = (
    *(b"0", b"-1", b"1e308", b"-1e-308", b"nan", b"inf", b"9" * 12, b"9" * 400, b""),
    *(b"99999999", b"1,5", b"0x10", b"\xd9\xa3", b"1_000", b"1e999", b"-", b"+", b"."),
)
INSERTED = (
    *(
        b"\0",
        b"\0" * 4096,
        b"\n",
        b"\n\n\n",
        b"\r",
        b",",
        b"\t",
        b" " * 5000,
        b"=" * 3000,
    ),
    *(b"[" * 5000, b"{a=" * 3000, b"<a>" * 3000, b"\x1b[2J", b"\xff\xfe", b"\xe2\x82"),
    *(
        "\u2028é\ud7ff\U0001f600".encode(),
        b"A" * 70_000,
        b"%",
        b'"',
        b"'",
        b"\\",
        b"%s",
    ),
    *(b"+1\x14" * 3000, b"<!ENTITY a 'b'>", b"../../x", b"/dev/zero", b"-" * 5000),
)
PLACE = st.floats(0, 1, exclude_max=True)
DAMAGE = st.lists(
    st.one_of(
        st.tuples(st.just("cut"), PLACE, PLACE),
        st.tuples(st.just("drop"), PLACE, PLACE),
        st.tuples(st.just("flip"), PLACE, st.integers(0, 7)),
        st.tuples(st.just("byte"), PLACE, st.integers(0, 255)),
        st.tuples(st.just("word"), PLACE, st.sampled_from(EXTREME)),
        st.tuples(st.just("number"), PLACE, st.sampled_from(SPELT)),
        st.tuples(st.just("insert"), PLACE, st.sampled_from(INSERTED)),
        st.tuples(st.just("repeat"), PLACE, st.integers(1, 60)),
        st.tuples(st.just("swap"), PLACE, PLACE),
    ),
    min_size=1,
    max_size=4,
)
# Half of the damage is done where the sizes and counts are.
AREA = st.sampled_from((1.0, 1.0, 0.2, 0.02))
WIDTHS = {1: "B", 2: "H", 4: "I", 8: "Q"}
NUMBER = re.compile(rb"\d+(?:\.\d+)?")


def damaged(whole: bytes, how: list[tuple[str, float, Any]], area: float) -> bytes:
    for kind, place, what in how:
        at = int(place * area * len(whole))
        match kind:
            case "cut":
                whole = whole[:at]
            case "drop":
                whole = whole[:at] + whole[at + 1 + int(what * 40) :]
            case "flip" if whole:
                changed = bytes([whole[at] ^ 1 << what])
                whole = whole[:at] + changed + whole[at + 1 :]
            case "byte":
                whole = whole[:at] + bytes([what]) + whole[at + 1 :]
            case "word":
                width = (1, 2, 4, 4, 8)[at % 5]
                stored = struct.pack(
                    "<>"[at // 5 % 2] + WIDTHS[width], what % 2 ** (8 * width)
                )
                whole = whole[:at] + stored + whole[at + width :]
            case "number":
                if found := NUMBER.search(whole, at):
                    whole = whole[: found.start()] + what + whole[found.end() :]
            case "insert":
                whole = whole[:at] + what + whole[at:]
            case "repeat":
                whole = whole[:at] + whole[at : at + 300] * what + whole[at:]
            case "swap":
                to = int(what * len(whole))
                whole = whole[:at] + whole[to : to + 60] + whole[at + 60 :]
    return whole


@contextmanager
def patience() -> Iterator[None]:
    def enough(*_: object) -> None:
        raise KeyboardInterrupt("it takes for ever")

    before = signal.signal(signal.SIGALRM, enough)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(reading: Callable[[Path], object], path: Path) -> str:
    """Return the sentence of the error, or "" where there is a result."""
    size = sum(each.stat().st_size for each in path.parent.iterdir())
    tracemalloc.start()
    try:
        with patience():
            reading(path)
        said = ""
    except RtpipeError as error:
        said = str(error)
        assert said
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak <= ROOM + TIMES * size, f"{peak} bytes for a file of {size}"
    return said


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file(name: str, known: dict[str, Format], tmp_path: Path) -> None:
    format = known[name]
    for file, content in format.files.items():
        (tmp_path / file).write_bytes(content)
    assert outcome(format.read, tmp_path / format.main) == "", "whole, it is read"

    @FEW
    @given(st.sampled_from(sorted(format.files)), DAMAGE, AREA)
    def damage(file: str, how: list[tuple[str, float, Any]], area: float) -> None:
        for each, content in format.files.items():
            (tmp_path / each).write_bytes(content)
        (tmp_path / file).write_bytes(damaged(format.files[file], how, area))
        said = outcome(format.read, tmp_path / format.main)
        assert len(said.splitlines()) < 2
        assert len(said) < 2000

    damage()


def test_a_large_recording_of_one_channel(tmp_path: Path) -> None:
    """Its index and times are four times as large each as what is stored."""
    size = 2**24
    header, markers, _ = brainvision().values()
    header = header.replace(b"Channels=3", b"Channels=1")
    header = header.replace(b"Ch2=C2,,0.5,", b"").replace(b"Ch3=C3,,0.5,", b"")
    header = header.replace("µV\nµV\nµV\n".encode(), "µV\n".encode())
    for name, content in {"x.vhdr": header, "x.vmrk": markers}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "x.eeg").write_bytes(bytes(size))
    assert outcome(read, tmp_path / "x.vhdr") == ""
    (recording,) = read(tmp_path / "x.vhdr")
    assert len(recording.data) == size // 2

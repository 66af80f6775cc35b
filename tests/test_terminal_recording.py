"""What the terminal says of a recording: its line, the key, and the end."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from rtpipe.errors import ConfigError
from rtpipe.sink import RecordingStatus, Run
from rtpipe.terminal.canvas import Line
from rtpipe.terminal.drawing import Drawing
from rtpipe.terminal.ending import ending
from rtpipe.terminal.recordingline import recording_line, refusal, size
from rtpipe.terminal.view import NEW, TerminalView


def text(line: Line) -> str:
    return "".join(each.text for each in line)


def status(**more: object) -> RecordingStatus:
    given = {"file": "data/arm.xdf", "started": 100.0, "bytes": 3_400_000, **more}
    return RecordingStatus(**given)  # type: ignore[arg-type]


def line(*recordings: RecordingStatus, time: float = 112.0, longest: int = 64) -> str:
    return text(recording_line(recorded_in(*recordings), time, longest))


def recorded_in(*recordings: RecordingStatus, refused: str = "") -> Run:
    run = Run("r", 0.0, {}, {}, lambda: None, print)
    run.recordings, run.refused = [*recordings], refused
    return run


def test_a_recording_has_a_name_a_length_and_a_size() -> None:
    assert line(status()) == "● REC arm.xdf  0:12  3.4 MB"
    assert line() == ""
    assert line(status(state="finished")) == ""
    assert line(status(state="stopped"), status()) == "● REC arm.xdf  0:12  3.4 MB"


def test_a_disk_that_is_soon_full_is_told() -> None:
    assert "disk full in 59:59" in line(status(left=3599.0))
    assert "disk" not in line(status(left=3601.0))


def test_that_it_stopped_is_loud_and_stays() -> None:
    stopped = status(state="stopped", error="No space left on device\x1b[2J")
    said = line(stopped, time=9e9)
    assert said == "✕ RECORDING STOPPED No space left on device [2J"
    assert line(stopped, longest=16) == "✕ RECORDING STOPPED No space left o…"


def test_that_one_did_not_begin_is_loud_and_stays() -> None:
    run = recorded_in(status(state="finished"), refused="a.xdf cannot be made\x1b[2J")
    said = text(recording_line(run, 9e9, 64))
    assert said == "✕ NOT RECORDED"
    assert [text(each) for each in refusal(run)] == [" a.xdf cannot be made [2J"]
    assert refusal(recorded_in(status())) == []


@pytest.mark.parametrize("longest", [8, 16, 31, 64])
def test_a_long_name_keeps_its_beginning_and_its_end(longest: int) -> None:
    name = "subject-7" + "x" * 80 + "-07.xdf"
    said = line(status(file=name), longest=longest)
    found = re.fullmatch("● REC (.+)…(.+)  0:12  3.4 MB", said)
    assert found is not None
    begin, end = found.groups()
    assert len(begin) + 1 + len(end) == longest
    assert name.startswith(begin)
    assert name.endswith(end)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_long_name_leaves_room_for_the_keys(width: int) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=24)
    run = recorded_in(status(file="rtpipe-" * 20 + "01.xdf"))
    drawing = Drawing(console, run, {})
    drawing.has_keys = True
    drawing.show(112.0)
    head = text(drawing.picture.lines[0])
    assert re.search(r"● REC .*….*\.?xdf  0:12", head)
    assert "q quit · " in head
    assert "h help" in head
    assert len(head) <= width
    run.refused = "rtpipe-01.xdf cannot be written: Permission denied"
    drawing.show(113.0)
    head, why, *_ = (text(line) for line in drawing.picture.lines)
    assert "✕ NOT RECORDED" in head
    assert "h help" in head
    assert why == f" {run.refused}"


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (9_999, "9999 bytes"),
        (10_000, "10.0 kB"),
        (999_400, "999 kB"),
        (999_600, "1.0 MB"),
        (123_456_789, "123 MB"),
        (5_000_000_000, "5.0 GB"),
        (7_890_000_000_000, "7,890.0 GB"),
    ],
)
def test_sizes(count: int, said: str) -> None:
    assert size(count) == said


def ended(*recordings: RecordingStatus, refused: str = "") -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(ending(recorded_in(*recordings, refused=refused), {}))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_end_says_where_it_is_and_how_to_play_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my arm.xdf").write_bytes(b"x" * 1234)
    said = ended(status(state="finished", file="my arm.xdf", bytes=1234))
    assert "recorded in my arm.xdf, 1234 bytes\n" in said
    assert "play it: rtpipe replay 'my arm.xdf'" in said
    assert "recorded" not in ended()


def test_the_end_says_of_each_what_became_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    full = status(state="stopped", error="No space left on device", file="1.xdf")
    whole = status(state="finished", file="2.xdf", bytes=7)
    gone = status(state="finished", file="3.xdf", bytes=9)
    Path("2.xdf").write_bytes(b"7 bytes")
    lines = ended(full, whole, gone, refused="4.xdf cannot be made").splitlines()
    assert lines[-5:] == [
        " recorded in 1.xdf, 3.4 MB, until it stopped: No space left on device",
        " recorded in 2.xdf, 7 bytes",
        " recorded in 3.xdf, 9 bytes, which is not there any more",
        " NOT RECORDED: 4.xdf cannot be made",
        " play it: rtpipe replay 2.xdf",
    ]
    Path("2.xdf").write_bytes(b"another's")
    assert "play it" not in ended(whole)


class Recorded:
    """A run, and what was asked of its recorder."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuse = False
        self.run = Run(
            *("r", 0.0, {}, {}, lambda: None, print),
            record=self.record,
            stop_recording=lambda: self.asked.append("stop"),
        )

    def record(self, template: str) -> None:
        self.asked.append(template)
        if self.refuse:
            raise ConfigError("it is there already")
        self.run.recordings.append(status())


def test_a_key_begins_a_recording_and_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=120, height=20)
    recorded = Recorded()
    view = TerminalView(console, period=0.0)
    view.open(recorded.run)
    pressed: list[str] = []
    monkeypatch.setattr(
        "rtpipe.terminal.keys.Keys.pressed", lambda _: pressed.pop() if pressed else ""
    )

    def press(key: str) -> str:
        pressed.append(key)
        view.take([])
        return "\n".join(text(line) for line in view.picture.lines)

    recorded.refuse = True
    assert "refused · error it is there already" in press("r")
    recorded.refuse = False
    assert "● REC arm.xdf" in press("R")
    press("r")
    view.close()
    assert recorded.asked == [NEW, NEW, "stop"]

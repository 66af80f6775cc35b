"""What the terminal says of a recording: its line, the key, and the end."""

import io
import re

import pytest
from rich.console import Console

from rtpipe.errors import ConfigError
from rtpipe.sink import RecordingStatus, Run
from rtpipe.terminal.canvas import Line
from rtpipe.terminal.ending import ending
from rtpipe.terminal.recordingline import recording_line, size
from rtpipe.terminal.view import NEW, TerminalView


def text(line: Line) -> str:
    return "".join(each.text for each in line)


def status(**more: object) -> RecordingStatus:
    given = {"file": "data/arm.xdf", "started": 100.0, "bytes": 3_400_000, **more}
    return RecordingStatus(**given)  # type: ignore[arg-type]


def test_a_recording_has_a_name_a_length_and_a_size() -> None:
    assert text(recording_line(status(), 112.0)) == "● REC arm.xdf  0:12  3.4 MB"
    assert recording_line(None, 0.0) == []
    assert recording_line(status(state="finished"), 0.0) == []


def test_a_disk_that_is_soon_full_is_told() -> None:
    assert "disk full in 59:59" in text(recording_line(status(left=3599.0), 112.0))
    assert "disk" not in text(recording_line(status(left=3601.0), 112.0))


def test_that_it_stopped_is_loud_and_stays() -> None:
    stopped = status(state="stopped", error="No space left on device\x1b[2J")
    said = text(recording_line(stopped, 9e9))
    assert said == "✕ RECORDING STOPPED No space left on device [2J"


def test_a_long_name_keeps_its_end() -> None:
    said = text(recording_line(status(file="x" * 80 + "-07.xdf"), 112.0))
    assert re.fullmatch("● REC …x+-07.xdf  0:12  3.4 MB", said)
    assert len(said) < 60


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


def ended(recording: RecordingStatus | None) -> str:
    run = Run("r", 0.0, {}, {}, lambda: None, print, recording=recording)
    console = Console(file=io.StringIO(), width=200)
    console.print(ending(run, {}))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_end_says_where_it_is_and_how_to_play_it() -> None:
    said = ended(status(state="finished", file="my arm.xdf"))
    assert "recorded in my arm.xdf, 3.4 MB" in said
    assert "play it: rtpipe replay 'my arm.xdf'" in said
    said = ended(status(state="stopped", error="No space left on device"))
    assert "3.4 MB, until it stopped: No space left on device" in said
    assert "recorded" not in ended(None)


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
        self.run.recording = status()


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

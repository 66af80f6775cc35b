"""Whether a run is being recorded, for how long, and how that ended."""

from pathlib import Path
from shlex import quote

from rich.text import Text

from rtpipe.duration import clock
from rtpipe.sink import RecordingStatus
from rtpipe.terminal.canvas import BAD, BOLD, QUIET, WARN, Line, cell, clean

_NAME = 32  # cells of a file's name, of which the end says most
_HOUR = 3600.0  # seconds that the disk may have left before that is told


def recording_line(status: RecordingStatus | None, time: float) -> Line:
    """Return what is to be said of a recording at `time`, on the run's clock."""
    if status is None or status.state == "finished":
        return []
    if status.state == "stopped":
        return [cell("✕ RECORDING STOPPED", BAD), cell(f" {clean(status.error)}", WARN)]
    name = clean(Path(status.file).name)
    if len(name) > _NAME:
        name = "…" + name[1 - _NAME :]
    lasts = clock(time - status.started)
    line = [
        cell("● REC", BAD),
        cell(f" {name}", BOLD),
        cell(f"  {lasts}  {size(status.bytes)}"),
    ]
    if status.left is not None and status.left < _HOUR:
        line.append(cell(f"  disk full in {clock(status.left)}", WARN))
    return line


def not_recorded(status: RecordingStatus | None) -> list[Line]:
    """Return what a person who does what cues ask for must see where that is lost."""
    if status is not None and status.state == "recording":
        return []
    return [[cell(" NOT RECORDING: what is done now is kept nowhere", BAD)]]


def recorded(status: RecordingStatus | None) -> list[Text]:
    """Return what there is to say of a recording when the run is over."""
    if status is None:
        return []
    file = clean(status.file)
    said = Text(f" recorded in {file}, {size(status.bytes)}")
    if status.state == "stopped":
        said.append(f", until it stopped: {clean(status.error)}", BAD)
    return [said, Text(f" play it: rtpipe replay {quote(file)}", QUIET)]


def size(count: int) -> str:
    """Return a number of bytes in the digits that matter."""
    if count < 10_000:
        return f"{count} bytes"
    value = count / 1e3
    for unit in ("kB", "MB"):
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"
        value /= 1e3
    return f"{value:,.1f} GB"

"""Whether a run is being recorded, for how long, and how that ended."""

from pathlib import Path
from shlex import quote

from rich.text import Text

from rtpipe.duration import clock
from rtpipe.printable import clean
from rtpipe.sink import RecordingStatus, Run
from rtpipe.terminal.canvas import BAD, BOLD, QUIET, WARN, Line, cell

_HOUR = 3600.0  # seconds that the disk may have left before that is told


def recording_line(run: Run, time: float, longest: int) -> Line:
    """Return what is to be said of a run's recording at `time`, on the run's clock.

    The name of its file, or why it stopped, takes at most `longest` cells.
    """
    if run.refused:
        return [cell("✕ NOT RECORDED", BAD)]
    status = run.recording
    if status is None or status.state == "finished":
        return []
    if status.state == "stopped":
        why = clean(status.error)
        if len(why) > longest:
            why = why[: longest - 1] + "…"
        return [cell("✕ RECORDING STOPPED", BAD), cell(f" {why}", WARN)]
    name = clean(Path(status.file).name)
    if len(name) > longest:  # its beginning and its end say most
        end = longest // 2
        name = f"{name[: longest - end - 1]}…{name[-end:]}"
    lasts = clock(time - status.started)
    line = [
        cell("● REC", BAD),
        cell(f" {name}", BOLD),
        cell(f"  {lasts}  {size(status.bytes)}"),
    ]
    if status.left is not None and status.left < _HOUR:
        line.append(cell(f"  disk full in {clock(status.left)}", WARN))
    return line


def refusal(run: Run) -> list[Line]:
    """Return why the recording that was asked for last did not begin."""
    return [[cell(f" {clean(run.refused)}", WARN)]] if run.refused else []


def not_recorded(status: RecordingStatus | None) -> list[Line]:
    """Return what a person who does what cues ask for must see where that is lost."""
    if status is not None and status.state == "recording":
        return []
    return [[cell(" NOT RECORDING: what is done now is kept nowhere", BAD)]]


def recorded(run: Run) -> list[Text]:
    """Return what there is to say of a run's recordings when it is over."""
    said = [_fate(each) for each in run.recordings]
    if run.refused:
        said.append(Text(f" NOT RECORDED: {clean(run.refused)}", BAD))
    if left := [clean(each.file) for each in run.recordings if _there(each)]:
        said.append(Text(f" play it: rtpipe replay {quote(left[-1])}", QUIET))
    return said


def _fate(status: RecordingStatus) -> Text:
    said = Text(f" recorded in {clean(status.file)}, {size(status.bytes)}")
    if status.state == "stopped":
        said.append(f", until it stopped: {clean(status.error)}", BAD)
    elif not _there(status):
        said.append(", which is not there any more", BAD)
    return said


def _there(status: RecordingStatus) -> bool:
    """Tell whether the file is still the one that was written."""
    try:
        return Path(status.file).stat().st_size == status.bytes
    except OSError:
        return False


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

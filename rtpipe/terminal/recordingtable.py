"""What is in a recording, in words and a table."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from rtpipe.duration import clock, milliseconds
from rtpipe.few import few
from rtpipe.printable import clean
from rtpipe.recordings.facts import Facts, StreamFacts
from rtpipe.terminal.canvas import BOLD, GOOD, PLAIN, WARN
from rtpipe.xdf.repair import Repaired

_DASH = "-"


def print_recording(found: Facts, console: Console) -> None:
    """Print what is known of a recording."""
    _say(console, f"{found.file}: {found.layout}, {_size(found.size)}", BOLD)
    if found.run:
        _say(console, _run(found.run))
    if found.streams:
        console.print(_table(found.streams))
    for each in found.streams:
        for sentence in _remarks(each):
            _say(console, f"{each.name}: {sentence}", WARN)
    for word, counts in (("markers", found.markers), ("events", found.events)):
        if counts:
            _say(console, f"{word}: {_many(counts)}")
    for name, told in found.models.items():
        labels = f" ({_many(told['labels'])})" if told["labels"] else ""
        skipped = f", {told['skipped']} windows skipped" if told["skipped"] else ""
        _say(console, f"{name}: {told['decisions']} decisions{labels}{skipped}")
    for sentence in (*found.damage, *found.notes):
        _say(console, sentence, WARN)
    if found.whole is not None:
        _say(console, *_verdict(found))


def print_repair(made: Repaired, target: Path, console: Console) -> None:
    """Print what a repair saved and what is lost."""
    _say(
        console,
        f"repaired: {target}: {made.saved} bytes are as they were, {made.lost} are "
        f"lost; {made.footers} streams have a new footer",
        GOOD,
    )
    _say(console, f"saved samples: {_many(made.samples)}")


def _verdict(found: Facts) -> tuple[str, Style]:
    if found.whole and not any(each.plays for each in found.streams):
        return "Every byte can be read, but there is nothing to replay.", WARN
    if found.whole:
        return "The file is whole.", GOOD
    repair = f"rtpipe inspect --repair {found.file}"
    if found.cut is not None:
        return f"The file can be read up to byte {found.cut}: {repair}", WARN
    what = "damaged" if found.damage else "readable, but was not ended"
    return f"The file is {what}: {repair}", WARN


def _table(streams: tuple[StreamFacts, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("stream", overflow="fold")
    table.add_column("type", overflow="fold")
    for word in ("ch", "Hz", "samples", "lasts", "lost", "drift", "jitter"):
        table.add_column(word, justify="right")
    for each in streams:
        table.add_row(
            Text(clean(each.name)),
            Text(clean(each.type)),
            str(each.n_channels),
            _rate(each),
            str(each.samples),
            clock(each.duration),
            _lost(each),
            _DASH if each.drift is None else f"{each.drift:+.1f} ppm",
            _DASH if each.jitter is None else milliseconds(each.jitter),
        )
    return table


def _rate(each: StreamFacts) -> str:
    if each.sfreq is None:
        return _DASH
    if each.effective is None:
        return f"{each.sfreq:g}"
    return f"{each.sfreq:g} ({each.effective:.6g})"


def _lost(each: StreamFacts) -> str:
    if each.lost is None:
        return _DASH
    if not each.lost:
        return "0"
    sign = "" if each.counted else "~"
    return f"{sign}{each.lost} in {each.gaps}"


def _remarks(each: StreamFacts) -> list[str]:
    said = []
    if each.resets:
        steps = few([f"{step:+.3f} s" for step in each.resets])
        times = "once" if len(each.resets) == 1 else f"{len(each.resets)} times"
        said.append(f"its clock was set anew {times}: {steps}")
    if each.late:
        said.append(f"{each.late} of its samples came late or twice")
    if each.unreadable:
        said.append(f"{each.unreadable} of its samples cannot be read")
    return said


def _run(run: Mapping[str, object]) -> str:
    versions = run.get("versions")
    version = versions.get("rtpipe", "") if isinstance(versions, dict) else ""
    begun = "from the run's start" if run.get("whole") else "begun during the run"
    return f"recorded by rtpipe {version}, {begun}"


def _many(counts: Mapping[str, int]) -> str:
    return few([f"{text} {n}" for text, n in counts.items()])


def _size(n: int) -> str:
    return f"{n / 1e6:.1f} MB" if n >= 1e6 else f"{n} bytes"


def _say(console: Console, sentence: str, style: Style = PLAIN) -> None:
    console.print(Text(clean(sentence), style), soft_wrap=True)

"""What was lost of each stream, said when a run is over."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from rtpipe.few import few
from rtpipe.printable import clean
from rtpipe.sink import Run
from rtpipe.terminal.canvas import BAD, PLAIN, QUIET, WARN

Count = tuple[str, int, Style]  # what it counts; the style is for more than none
_NAME = 24  # cells of a name that is not cut
_ALWAYS = 5  # counts of a stream that are shown also where all are zero


def ledger(run: Run) -> RenderableType:
    """Return one line where nothing was lost, else a table with a row for each stream.

    Parameters
    ----------
    run : Run
        Whose counters are final.
    """
    names = list(run.streams)
    rows = [_counts(run, name) for name in names]
    lost = any(count for row in rows for _, count, style in row if style is not PLAIN)
    parts: list[RenderableType]
    parts = [table("stream", names, rows, _ALWAYS) if lost else _nothing_lost(run)]
    if silent := [clean(n) for n in names if not run.streams[n].counters.received]:
        parts.append(Text(f" no sample came of {few(silent)}", WARN))
    parts += [
        Text(
            f" {count:,} predictions and events did not reach {sink}: it "
            + ("stopped" if sink in run.failed else "was too slow, or closed already"),
            WARN,
        )
        for sink, count in run.dropped.items()
        if count
    ]
    return Group(*parts)


def table(
    title: str,
    names: Sequence[str],
    rows: Sequence[Sequence[Count]],
    always: int,
    more: Sequence[tuple[str, Sequence[str]]] = (),
) -> RenderableType:
    """Return counts as a table in which what is zero is hardly seen.

    Parameters
    ----------
    title : str
        Of the names.
    names : sequence of str
        One for each row.
    rows : sequence of sequence of Count
        With the same counts in every row. The first `always` are columns; of others
        those that are not zero stand in a line below, for all have no room.
    more : sequence of (str, sequence of str)
        Columns behind them: what each is, and its cells.
    """
    columns = [
        (
            column[0][0],
            [Text(f"{n:,}", style if n else QUIET) for _, n, style in column],
        )
        for column in list(zip(*rows, strict=True))[:always]
    ]
    columns += [(header, [Text(each) for each in cells]) for header, cells in more]
    found = Table(box=SIMPLE_HEAD, header_style=QUIET, collapse_padding=True)
    found.add_column(title, min_width=_width(names))
    for header, cells in columns:
        told = [each.plain for each in cells]
        found.add_column(header, justify="right", min_width=_width(told))
    for at, name in enumerate(names):
        found.add_row(Text(clean(name)), *(cells[at] for _, cells in columns))
    rest = [_rest(name, row[always:]) for name, row in zip(names, rows, strict=True)]
    return Group(found, *(line for line in rest if line))


def _width(cells: Sequence[str]) -> int:
    """Return the cells of a column whose header is wrapped before its cells are cut."""
    return min(_NAME, max(map(len, cells), default=0))


def _rest(name: str, counts: Sequence[Count]) -> Text:
    told = [Text(f"{what} {count:,}", style) for what, count, style in counts if count]
    if not told:
        return Text()
    return Text(f" {clean(name)}: ", QUIET).append_text(Text(", ").join(told))


def _counts(run: Run, name: str) -> list[Count]:
    each = run.streams[name].counters
    return [
        ("expected", each.expected, PLAIN),
        ("received", each.received, PLAIN),
        ("lost in the device", each.lost_device, WARN),
        ("lost on the way", each.lost_transport, WARN),
        ("filled", each.filled, PLAIN),
        ("long gaps", each.gaps, WARN),
        ("outages", each.outages, WARN),
        ("overwritten", run.overwritten(name), BAD),
        ("late", each.late, WARN),
        ("malformed", each.malformed, BAD),
        ("unusable", each.missing, PLAIN),
        ("not recorded", run.unrecorded.get(name, 0), BAD),
    ]


def _nothing_lost(run: Run) -> Text:
    told: list[str] = []
    for name, stream in run.streams.items():
        each = stream.counters
        if each.received:
            unusable = f" ({each.missing:,} unusable)" if each.missing else ""
            of = " samples" * (not told) + f" of {clean(name)}"
            told.append(f"{each.received:,} of {each.expected:,}{of}{unusable}")
    return Text(f" nothing was lost: {few(told)}" if told else "")

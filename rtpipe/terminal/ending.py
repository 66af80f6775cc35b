"""What is said when a run is over."""

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rtpipe.sink import Run
from rtpipe.terminal.bars import percent
from rtpipe.terminal.canvas import QUIET, WARN, clean
from rtpipe.terminal.duration import milliseconds
from rtpipe.terminal.tally import Tally


def ending(run: Run, tallies: dict[tuple[str, str], Tally]) -> RenderableType:
    """Return tables of what came, what was lost, what was answered and how well.

    Parameters
    ----------
    run : Run
        Whose counters are final.
    tallies : dict
        Per model and stream.
    """
    parts: list[RenderableType] = [_streams(run)]
    if tallies:
        parts.append(_models(run, tallies))
    parts += [_recalls(*key, tally) for key, tally in tallies.items() if tally.judged]
    notes = dict.fromkeys(note for model in run.models.values() for note in model.notes)
    parts += [Text(f" {clean(note)}", WARN) for note in notes]
    return Group(*parts)


def _streams(run: Run) -> Table:
    table = _table(
        *("stream", "received", "lost", "filled", "long gaps", "outages", "unusable")
    )
    for name, stream in run.streams.items():
        each = stream.counters
        counts = (each.received, each.lost, each.filled, each.gaps, each.outages)
        cells = (f"{count:,}" for count in (*counts, each.missing))
        table.add_row(Text(clean(name)), *cells)
    return table


def _models(run: Run, tallies: dict[tuple[str, str], Tally]) -> Table:
    table = _table(
        "model", "answered", "skipped", "rejected", "median", "p99", "balanced accuracy"
    )
    for (model, stream), tally in tallies.items():
        status = run.models[model]
        windows, latency = status.windows[stream], status.latency
        alone = len(status.windows) == 1
        balanced = tally.balanced_accuracy
        table.add_row(
            Text(clean(model if alone else f"{model} on {stream}")),
            *(f"{n:,}" for n in (windows.answered, windows.skipped, windows.rejected)),
            milliseconds(latency.percentile(50)),
            milliseconds(latency.percentile(99)),
            "—" if balanced is None else percent(balanced).strip(),
        )
    return table


def _recalls(model: str, stream: str, tally: Tally) -> Text:
    text = Text(f" {clean(model)} on {clean(stream)}, recall: ", QUIET)
    shares = [
        f"{clean(label)} {percent(share).strip()} of {tally.judged[label]:,}"
        for label, share in tally.recalls.items()
    ]
    return text.append(", ".join(shares), "default")


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style=QUIET, pad_edge=True)
    for at, column in enumerate(columns):
        table.add_column(column, justify="right" if at else "left")
    return table

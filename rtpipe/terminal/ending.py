"""What is said when a run is over."""

from rich.console import Group, RenderableType
from rich.text import Text

from rtpipe.counters import WindowCounters
from rtpipe.duration import milliseconds
from rtpipe.percent import percent
from rtpipe.printable import clean
from rtpipe.sink import Run
from rtpipe.terminal.canvas import BAD, PLAIN, QUIET, WARN
from rtpipe.terminal.cuepanel import summary
from rtpipe.terminal.ledger import Count, ledger, table
from rtpipe.terminal.recordingline import recorded
from rtpipe.terminal.tally import Tally

_ALWAYS = 4  # counts of a model that are shown also where all are zero


def ending(run: Run, tallies: dict[tuple[str, str], Tally]) -> RenderableType:
    """Return tables of what came, what was lost, what was answered and how well.

    Parameters
    ----------
    run : Run
        Whose counters are final.
    tallies : dict
        Per model and stream.
    """
    parts: list[RenderableType] = [ledger(run)]
    if tallies:
        parts.append(_models(run, tallies))
    parts += [_recalls(*key, tally) for key, tally in tallies.items() if tally.judged]
    if run.cue:
        parts.append(Text(f" {summary(run.cue)}"))
    parts += recorded(run)
    notes = dict.fromkeys(note for model in run.models.values() for note in model.notes)
    parts += [Text(f" {clean(note)}", WARN) for note in notes]
    return Group(*parts)


def _models(run: Run, tallies: dict[tuple[str, str], Tally]) -> RenderableType:
    names, rows = [], []
    for model, stream in tallies:
        windows = run.models[model].windows
        alone = len(windows) == 1
        names.append(model if alone else f"{model} on {stream}")
        rows.append(_counts(windows[stream]))
    latencies = [run.models[model].latency for model, _ in tallies]
    shares = [tally.balanced_accuracy for tally in tallies.values()]
    more = [
        ("median", [milliseconds(each.percentile(50)) for each in latencies]),
        ("p99", [milliseconds(each.percentile(99)) for each in latencies]),
        (
            "balanced accuracy",
            ["—" if each is None else percent(each).strip() for each in shares],
        ),
    ]
    return table("model", names, rows, _ALWAYS, more)


def _counts(windows: WindowCounters) -> list[Count]:
    return [
        ("due", windows.due, PLAIN),
        ("answered", windows.answered, PLAIN),
        ("rejected", windows.rejected, PLAIN),
        ("skipped", windows.skipped, WARN),
        ("stale", windows.stale, WARN),
        ("overwritten", windows.overrun, BAD),
        ("not finite", windows.not_finite, WARN),
        ("left over", windows.unanswered, PLAIN),
    ]


def _recalls(model: str, stream: str, tally: Tally) -> Text:
    text = Text(f" {clean(model)} on {clean(stream)}, recall: ", QUIET)
    shares = [
        f"{clean(label)} {percent(share).strip()} of {tally.judged[label]:,}"
        for label, share in tally.recalls.items()
    ]
    return text.append(", ".join(shares), "default")

"""What a check found, as a table and in words, and as one JSON object."""

from dataclasses import asdict
from math import ceil
from typing import Any

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from rtpipe.few import few
from rtpipe.printable import clean
from rtpipe.replaycheck.check import Checked
from rtpipe.replaycheck.compare import TOLERANCE, Comparison, Difference
from rtpipe.sinks.jsonl import finite
from rtpipe.terminal.canvas import BAD, BOLD, GOOD, PLAIN, QUIET, WARN

_WORDS = {True: "equal", False: "parts", None: "no verdict"}
_STYLES = {True: GOOD, False: BAD, None: WARN}


def as_json(found: Checked) -> dict[str, Any]:
    """Return the object that ``rtpipe replay --check --json`` prints."""
    told: dict[str, Any] = finite(
        {
            "type": "check",
            "file": str(found.run.path),
            "cut": found.run.cut,
            "verdict": _WORDS[found.equal],
            "answers": [_one(found, each) for each in found.comparisons],
        }
    )
    return told


def print_check(found: Checked, console: Console) -> None:
    """Print a table of what was compared, and below it where they part."""
    table = Table(box=None, pad_edge=False, header_style=QUIET, padding=(0, 1, 0, 0))
    for name in ("model", "stream"):
        table.add_column(name, overflow="fold")
    for name in ("stored", "compared", "same\nbits", "off by", "labels\noff", ""):
        table.add_column(name, justify="right")
    for each in found.comparisons:
        table.add_row(
            clean(each.stored.model),
            clean(each.stored.stream),
            f"{len(each.stored.index):,}",
            f"{each.compared:,}",
            f"{each.equal_bits:,}",
            f"{each.largest:.1e}" if each.largest else "0",
            f"{each.labels_differ:,}",
            Text(_WORDS[each.verdict], _STYLES[each.verdict]),
        )
    console.print(table)
    for each in found.comparisons:
        for sentence in _remarks(found, each):
            _say(console, f"{each.stored.model}: {sentence}", QUIET)
        if each.first is not None:
            _print_difference(found, each, each.first, console)
    if found.run.cut:
        _say(
            console,
            "The recording was cut off or is damaged, and is compared as far as it "
            f"goes: rtpipe inspect {found.run.path}",
            WARN,
        )
    _say(console, *_verdict(found))


def _one(found: Checked, each: Comparison) -> dict[str, Any]:
    told = {
        "model": each.stored.model,
        "stream": each.stored.stream,
        "verdict": _WORDS[each.verdict],
        "tolerance": 0.0 if each.exact else TOLERANCE,
        "stored": len(each.stored.index),
        "replayed": each.replayed,
        "compared": each.compared,
        "equal_bits": each.equal_bits,
        "largest_difference": each.largest,
        "labels_compared": each.labels_compared,
        "labels_differ": each.labels_differ,
        "skipped": each.obeyed,
        "unsettled": each.unsettled,
        "beyond": each.beyond,
        "different": each.n_different,
    }
    if each.first is not None:
        told["first"] = asdict(each.first) | {
            "after": found.after(each.stored.stream, each.first.index),
            "around": found.run.around(each.stored.stream, each.first.time),
        }
    if each.never:
        told["never_settles"] = each.never
    return told


def _remarks(found: Checked, each: Comparison) -> list[str]:
    """Return what was left out, and why."""
    said = []
    if not each.exact and each.settling is None:
        said.append(
            "another engine computed when it was recorded, so the last digits may "
            f"differ: compared to {TOLERANCE:g}"
        )
    if each.never:
        agree = each.labels_compared - each.labels_differ
        said.append(
            f"no verdict: the recording began later than its run, and {each.never} "
            f"never forgets what came before; {agree:,} of {each.labels_compared:,} "
            "labels agree"
        )
    elif each.unsettled:
        said.append(
            f"{each.unsettled:,} answers depend on what came before the recording"
        )
    if each.needs and not each.compared:
        seconds = ceil(each.needs / found.sfreqs[each.stored.stream])
        said.append(
            f"a recording that began later than its run can be compared if it lasts "
            f"{seconds} s or longer"
        )
    if each.obeyed:
        said.append(f"{each.obeyed:,} windows were skipped in the run, and so here")
    if each.beyond:
        said.append(f"{each.beyond:,} windows come after the last one that is stored")
    return said


def _print_difference(
    found: Checked, each: Comparison, first: Difference, console: Console
) -> None:
    after = found.after(each.stored.stream, first.index)
    _say(
        console,
        f"{each.stored.model} parts on {each.stored.stream} at index {first.index}, "
        f"{after:.3f} s after the first sample: {first.what} ({each.n_different:,} "
        "windows differ in all)",
        BAD,
    )
    for word, answer in (("stored", first.stored), ("replayed", first.replayed)):
        _say(console, f"  {word}: {_answer(answer)}", PLAIN)
    if apart := _apart(first):
        _say(console, f"  {apart}", PLAIN)
    around = found.run.around(each.stored.stream, first.time)
    for told in around[:8]:
        more = [
            f"{key} {few([*map(str, value)]) if isinstance(value, list) else value}"
            for key, value in told.items()
            if key not in ("kind", "time", "file")
        ]
        time = told.get("time")  # a line of a damaged file may have lost it
        away = "near it"
        if isinstance(time, (int, float)):
            away = f"{time - first.time:+.2f} s"
        _say(console, f"  {away}: {told['kind']} {', '.join(more)}", QUIET)


def _answer(answer: dict[str, Any] | None) -> str:
    if answer is None:
        return "no answer"
    shares = ", ".join(f"{k} {v:.9g}" for k, v in answer["probabilities"].items())
    label = answer["label"] or f"none ({answer['reason']})"
    return f"{label}; {shares}; {answer['missing']:.4g} missing"


def _apart(first: Difference) -> str:
    """Return which probability differs most, where both are there and one does."""
    if first.stored is None or first.replayed is None:
        return ""
    kept, found = first.stored["probabilities"], first.replayed["probabilities"]
    off = {label: abs(found.get(label, -1.0) - share) for label, share in kept.items()}
    label = max(off, key=off.__getitem__)
    return f"{label} is off by {off[label]:.1e}" if off[label] else ""


def _verdict(found: Checked) -> tuple[str, Style]:
    if found.equal:
        return "The replay gives what was stored.", GOOD
    if found.equal is None:
        return "Nothing could be compared.", WARN
    return "The replay does not give what was stored.", BAD


def _say(console: Console, sentence: str, style: Style = BOLD) -> None:
    console.print(Text(clean(sentence), style), soft_wrap=True)

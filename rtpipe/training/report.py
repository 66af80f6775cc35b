"""What a person sees of training and evaluation: progress, tables, pictures."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import Progress, track
from rich.table import Table
from rich.text import Text

from rtpipe.bundle import Exported, save
from rtpipe.card import Card
from rtpipe.console import Output
from rtpipe.errors import ConfigError
from rtpipe.printable import clean
from rtpipe.registry import lacking
from rtpipe.training.cardtext import facts, said

Item = TypeVar("Item")
Scores = dict[str, dict[str, dict[str, float]]]  # by protocol, kind and figure

_KINDS = ("single", "smoothed")
_FIGURES = ("mean", "median", "worst")


def tracked(what: str) -> Callable[[Sequence[Item]], Iterable[Item]]:
    """Return an iteration that shows a progress bar on standard error."""
    console = Console(stderr=True)

    def progress(items: Sequence[Item]) -> Iterable[Item]:
        quiet = not console.is_terminal
        return track(items, description=what, console=console, disable=quiet)

    return progress


@contextmanager
def working(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar on standard error; what it gives is called at each step."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


def write_results(
    out: Path,
    name: str,
    exported: Exported,
    card: Card,
    metrics: dict[str, Any],
    confusion: Sequence[Sequence[int]],
) -> Card:
    """Write the bundle, its card, its metrics and the confusion matrix's picture.

    Parameters
    ----------
    out : Path
        A folder that exists.
    name : str
        Of the recipe, and so of the bundle's file.
    exported : Exported
    card : Card
    metrics : dict
    confusion : sequence of sequences of int
        By true label and answer, in the order of the card's labels.

    Raises
    ------
    ConfigError
        If there is nothing to draw the picture with; all else is written.
    """
    bundle, files = out / f"{name}.pt", ("card.json", "metrics.json", "confusion.png")
    _set_aside([bundle, *(out / each for each in files)])
    card = save(bundle, exported, card)
    (out / "card.json").write_text(card.model_dump_json(indent=1), encoding="utf-8")
    text = json.dumps(metrics, indent=1, allow_nan=False)
    (out / "metrics.json").write_text(text, encoding="utf-8")
    try:
        draw_confusion(out / "confusion.png", confusion, card.labels, card.name)
    except ModuleNotFoundError as error:
        what = lacking("the picture of the confusion matrix", error)
        raise ConfigError(f"{what}; all else is in {out}") from None
    return card


def _set_aside(files: list[Path]) -> None:
    """Give files the first number that is free: recordings may want the bundle.

    The bundle may not be there, and files of another recipe's.
    """
    names = ([_numbered(each, n) for each in files] for n in count(1))
    free = next(each for each in names if not any(name.exists() for name in each))
    for file, name in zip(files, free, strict=True):
        if file.exists():
            file.rename(name)


def _numbered(file: Path, n: int) -> Path:
    return file.with_name(f"{file.stem}-{n}{file.suffix}")


def draw_confusion(
    path: Path, counts: Sequence[Sequence[int]], labels: Sequence[str], title: str
) -> None:
    """Draw a confusion matrix: shares of each true label, and the counts as text."""
    import matplotlib.figure

    table = np.asarray(counts)
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    size = 2.2 + 0.75 * len(labels)
    figure = matplotlib.figure.Figure(figsize=(size + 0.6, size), layout="constrained")
    axes = figure.add_subplot()
    picture = axes.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    for row in range(len(labels)):
        for column in range(len(labels)):
            axes.text(
                column,
                row,
                f"{shares[row, column]:.0%}\n{table[row, column]}",
                ha="center",
                va="center",
                fontsize=8,
                color="white" if shares[row, column] > 0.5 else "black",
            )
    plain = {"parse_math": False}  # a label may have a dollar sign
    axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right", **plain)
    axes.set_yticks(range(len(labels)), labels, **plain)
    axes.set(xlabel="answer", ylabel="truth", title=title)
    figure.colorbar(picture, label="share of the true label", shrink=0.8)
    figure.savefig(path, dpi=120)


def print_evaluation(found: dict[str, Any], card: Card) -> None:
    """Print what `rtpipe.training.evaluate.summary` returns, as tables."""
    console = Output()
    labels = found["labels"]
    if not found["n_windows"]:
        console.print("No window could be scored.")
    else:
        say(f"{card.name} on {found['data']}: {found['n_windows']} windows")
        say(
            f"single windows  accuracy {found['accuracy']:.3f}, "
            f"macro F1 {found['macro_f1']:.3f}"
        )
        say(f"decisions       accuracy {found['accuracy_smoothed']:.3f}")
        table = Table(title="windows by truth (rows) and answer (columns)")
        table.add_column("")
        for label in labels:
            table.add_column(clean(label), justify="right")
        for label, row in zip(labels, found["confusion"], strict=True):
            table.add_row(clean(label), *map(str, row))
        console.print(table)
    if found["n_windows"] and len(found["per_group"]) > 1:
        groups = Table(title="accuracy of single windows")
        groups.add_column("group")
        groups.add_column("accuracy", justify="right")
        for group, value in found["per_group"].items():
            shown = "not scored" if value is None else f"{value:.3f}"
            groups.add_row(clean(group), shown)
        console.print(groups)
    if told := _unscored(found, card):
        say(f"Recordings not scored: {told}")
    for path in found["seen"]:
        say(f"SEEN in training, left out: {path}")
    for note in card.notes:
        say(note, bold=True)


def say(sentence: str, bold: bool = False) -> None:
    """Print a sentence; labels and names of files in it come from outside."""
    Output().print(Text(clean(sentence), "bold" if bold else ""), soft_wrap=True)


def _unscored(found: dict[str, Any], card: Card) -> str:
    """Return how many recordings gave no window to score, by reason."""
    unscored = found["unscored"]
    whys = {
        "SEEN in training": found["seen"],
        "without a window inside a label of the model": unscored["unlabelled"],
        f"shorter than a window of {card.n_times / card.sfreq:g} s": unscored["short"],
        "without a window that could be answered": unscored["unanswered"],
    }
    return ", ".join(f"{len(paths)} {why}" for why, paths in whys.items() if paths)


def print_protocols(found: Scores, over: str = "people") -> None:
    """Print accuracies by protocol: mean, median and worst over people, or `over`."""
    Output().print(_protocols(found, f"accuracy over {over}: mean, median, worst"))


def print_card(card: Card) -> None:
    """Print a card in words, and its scores: those by protocol as `rtpipe train` does.

    Other scores are a line each, whatever their shape.
    """
    console = Output()
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    by_protocol = {
        name: score for name, score in card.scores.items() if _is_by_protocol(score)
    }
    scores = [
        (name, said(score))
        for name, score in card.scores.items()
        if name not in by_protocol
    ]
    for word, sentence in [*facts(card), *scores]:
        table.add_row(Text(clean(word)), Text(clean(sentence)))
    console.print(table)
    if by_protocol:
        console.print(_protocols(by_protocol, "accuracy: mean, median, worst"))


def _protocols(found: Scores, title: str) -> Table:
    table = Table(title=title)
    table.add_column("protocol")
    for kind in ("single windows", "smoothed"):
        table.add_column(kind, justify="right", no_wrap=True)
    for name, score in found.items():
        cells = [
            " ".join(f"{score[kind][key]:.3f}" for key in _FIGURES) for kind in _KINDS
        ]
        table.add_row(Text(clean(name)), *cells)
    return table


def _is_by_protocol(score: Any) -> bool:
    """Tell whether a score has the shape that the table shows."""
    return (
        isinstance(score, dict)
        and set(score) == set(_KINDS)
        and all(
            isinstance(each, dict)
            and set(each) == set(_FIGURES)
            and all(isinstance(figure, (int, float)) for figure in each.values())
            for each in score.values()
        )
    )

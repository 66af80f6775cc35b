"""A card in words, for a person; `--json` and card.json have all of it."""

from typing import Any

from rtpipe.card import Card
from rtpipe.decide import Decision
from rtpipe.few import few
from rtpipe.unit import NONE

_HASH = 12  # digits of a hash that are shown


def facts(card: Card) -> list[tuple[str, str]]:
    """Return what a card says, its scores left out: pairs of a word and a sentence."""
    training = card.training
    seconds, hop = card.n_times / card.sfreq, card.hop / card.sfreq
    adapts = "no"
    if card.adapts is not None:
        adapts = f"yes: the training counts as {said(card.adapts)} windows"
    placed = ""
    if card.placements is not None:
        known = len(card.placements.names)
        placed = f"found among {known}, from what came before"
    found = [
        ("name", card.name),
        ("task", card.task),
        ("labels", ", ".join(card.labels)),
        ("stream", _stream(card)),
        (
            "windows",
            f"{said(seconds)} s ({card.n_times} samples), one each {said(hop)} s",
        ),
        (
            "stages",
            ", then ".join(_with(each.kind, each.settings) for each in card.stages)
            or "none",
        ),
        ("adapts", adapts),
        ("placement", placed),
        ("decision", _decision(card.decision)),
        *(("note", note) for note in card.notes),
        ("recipe", _with(training.recipe, training.settings)),
        ("protocol", training.protocol),
        ("seed", str(training.seed)),
        ("simulated", said(training.simulated)),
        ("trained on", _many(len(training.recordings), "recording")),
        ("chosen from", _many(training.configurations_tried, "configuration")),
        ("versions", said(training.versions)),
        ("weights", card.weights[:_HASH]),
    ]
    return [(word, sentence) for word, sentence in found if sentence]


def said(value: Any) -> str:
    """Return what JSON can hold as words, its figures with three digits."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.3g}" if abs(value) < 1 else f"{round(value, 3):.9g}"
        case dict():
            return ", ".join(
                f"{key} ({said(each)})"
                if isinstance(each, (dict, list, tuple))
                else f"{key} {said(each)}"
                for key, each in value.items()
            )
        case list() | tuple():
            return ", ".join(map(said, value))
    return str(value)


def _many(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}" if n else ""


def _with(name: str, settings: dict[str, Any]) -> str:
    return f"{name} ({said(settings)})" if settings else name


def _stream(card: Card) -> str:
    names, units = card.ch_names, set(card.units)
    if len(units) > 1:
        both = zip(card.ch_names, card.units, strict=True)
        names, unit = tuple(f"{name} in {unit}" for name, unit in both), ""
    elif (unit := f" in {units.pop()}") == f" in {NONE}":
        unit = " in raw counts"
    return f"{said(card.sfreq)} Hz, {_many(len(names), 'channel')}{unit}: {few(names)}"


def _decision(decision: Decision) -> str:
    n = decision.windows
    parts = [
        {
            "none": "each window alone",
            "mean": f"mean of the last {n}",
            "exponential": f"exponential mean, as of the last {n}",
            "majority": f"majority of the last {n}",
        }[decision.smoothing]
    ]
    if decision.dwell > 1:
        parts.append(f"taken over once it came {decision.dwell} times in a row")
    if decision.confidence > 0:
        parts.append(f"none where less sure than {decision.confidence:.0%}")
    parts.append(
        f"none where over {decision.missing:.0%} is missing or over {decision.bad:.0%} "
        "of the channels are flat or railed"
    )
    return "; ".join(parts)

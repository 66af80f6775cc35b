"""A person's own labels: a model of what they did when they were asked to.

Two figures, side by side: recordings left out, one at a time, which is what another
day or another placement brings; and repetitions left out, whole ones, while the rest
of the same recording is trained on, which flatters.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtpipe.card import Card, Training
from rtpipe.cues import ON, refuse_unshown
from rtpipe.decide import Decider, Decision
from rtpipe.errors import ConfigError, RecordingError
from rtpipe.training import scores
from rtpipe.training.demos import DEMO
from rtpipe.training.recordedfit import fit, method
from rtpipe.training.recordedruns import Cued, CuedRun, read_cued, run_of
from rtpipe.training.report import print_protocols, say, write_results
from rtpipe.training.versions import versions

DECISION = Decision(smoothing="mean", windows=5)
MOST = 64  # labels: more would be a damaged file
TRIED = 155  # on synthetic signals and UCI's recordings; none on the user's
RECORDINGS, REPETITIONS = "recordings left out", "repetitions left out"
PROTOCOL = (
    "windows that lie wholly inside a cue, {reaction:g} s or more after its onset; a "
    "figure is the mean of the labels' recalls, mean over the parts left out; "
    "smoothed: the mean of the past five windows' probabilities; {parts}: one at a "
    "time, all else being trained on; of a repetition that is the rest of the same "
    "recording, which flatters: another day or another placement will score lower; "
    "the bundle is trained on all of them"
)


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """What was said of the labelled windows of one part that was left out.

    Parameters
    ----------
    truth, single : list of str
        The cue of each window, and the most probable label of the window alone.
    decided : list of str or None
        The decision, smoothed over the windows before.
    """

    truth: list[str]
    single: list[str]
    decided: list[str | None]


def train(
    data: Path,
    out: Path,
    *,
    seed: int,
    stream: str | None,
    window: float | None,
    reaction: float,
    task: str,
) -> None:
    """Train and score a model on the cues of recordings.

    Parameters
    ----------
    data, out : Path
    seed : int
        Goes to the card; nothing is drawn.
    stream : str or None
        Name of the stream to learn from.
    window : float or None
        Seconds; None leaves it to the type of the channels.
    reaction : float
        Seconds after the onset of a cue that are not learnt from.
    task : str
        What the labels are of.

    Raises
    ------
    ConfigError
        If `window` or `reaction` is no length of time.
    RecordingError
        If there are no cues, one label only, or fewer than two cues of a label.
    """
    if window is not None and not 0 < window < inf:
        raise ConfigError(f"window wants seconds, got {window:g}")
    if not 0 <= reaction < inf:
        raise ConfigError(f"reaction wants seconds, 0 or more, got {reaction:g}")
    sources, without = read_cued(data, stream)
    labels = _labels(sources)
    if len(labels) < 2:
        raise RecordingError(
            f"{data} has cues of {labels[0]} only: a model needs two labels to tell "
            "apart"
        )
    info = sources[0].recording.info
    way = method(info, window)
    runs = [run_of(each, way, labels, reaction) for each in sources]
    used = sum((Counter(run.used) for run in runs), Counter[str]())
    left_out = sum((Counter(run.left_out) for run in runs), Counter[str]())
    _refuse_few(data, labels, used, left_out)
    answered = _protocols(runs, labels)
    found: dict[str, Any] = {name: _summary(each, labels) for name, each in answered}
    of, judged = answered[0]
    truth = [label for each in judged for label in each.truth]
    single = [label for each in judged for label in each.single]
    confusion = scores.confusion_matrix(truth, single, labels).tolist()
    simulated = any(each.simulated for each in sources)
    figures = {
        **found,
        "chance": 1 / len(labels),
        f"recall, {of}": scores.recalls(truth, single, labels),
        "cues": {"used": dict(sorted(used.items())), "left out": dict(left_out)},
    }
    x, y = _labelled(runs)
    model = fit(x, y, len(labels))
    card = Card(
        name="gesture",
        task=task,
        labels=labels,
        sfreq=info.sfreq,
        ch_names=way.ch_names,
        units=way.units,
        n_times=way.n_times,
        hop=way.hop,
        stages=way.stages,
        decision=DECISION,
        notes=(DEMO,) if simulated else (),
        training=Training(
            recipe="gesture",
            protocol=PROTOCOL.format(
                reaction=reaction, parts=" and ".join(name for name, _ in answered)
            ),
            seed=seed,
            simulated=simulated,
            recordings={run.hash: run.name for run in runs},
            configurations_tried=TRIED,
            settings={"reaction": reaction, "window": way.n_times / info.sfreq},
            versions=versions(),
        ),
        scores=figures,
    )
    metrics = {"scores": figures, "confusion": confusion, "labels": list(labels)}
    exported = model.exported(way.features)
    write_results(out, "gesture", exported, card, metrics, confusion)
    _tell(sources, without, found, figures, of, simulated)


def _labels(sources: Sequence[Cued]) -> tuple[str, ...]:
    """Return the labels of all whole cues, in order; any program may have sent them."""
    cues = [cue for each in sources for cue in each.cues]
    found = {cue.label for cue in cues}
    if len(found) > MOST:
        raise RecordingError(
            f"the cues have {len(found)} labels, and at most {MOST} are told apart"
        )
    try:
        for each in found:
            refuse_unshown(each)
    except ValueError as error:
        raise RecordingError(
            f"{error}: see the markers that begin with {ON!r}"
        ) from None
    whole = {cue.label for cue in cues if cue.whole}
    if not whole:
        raise RecordingError("every cue was broken off: there is nothing to learn from")
    return tuple(sorted(whole))


def _refuse_few(
    data: Path, labels: Sequence[str], used: Counter[str], left_out: Counter[str]
) -> None:
    for label in labels:
        if used[label] < 2:
            why = _many(left_out)
            raise RecordingError(
                f"{data} has {used[label]} whole cues of {label}, and two are needed "
                f"to learn from and to score ({why or 'none'} left out)"
            )


def _protocols(
    runs: Sequence[CuedRun], labels: Sequence[str]
) -> list[tuple[str, list[Answered]]]:
    """Return the answers by protocol, the harder one first."""
    found = []
    parts = [
        (k, run.label >= 0) for k, run in enumerate(runs) if (run.label >= 0).any()
    ]
    if len(parts) > 1:
        found.append((RECORDINGS, _left_out(runs, parts, labels)))
    parts = [
        (k, run.repetition == each)
        for k, run in enumerate(runs)
        for each in range(int(run.repetition.max()) + 1)
    ]
    found.append((REPETITIONS, _left_out(runs, parts, labels)))
    return found


def _left_out(
    runs: Sequence[CuedRun],
    parts: Sequence[tuple[int, NDArray[np.bool_]]],
    labels: Sequence[str],
) -> list[Answered]:
    """Return the answers for each part by a model of all windows but its own.

    Parameters
    ----------
    runs : sequence of CuedRun
    parts : sequence of (int, ndarray of bool)
        The run each lies in, and which of its windows it has.
    labels : sequence of str
    """
    found = []
    for k, mine in parts:
        out = {id(runs[k]): mine}
        x, y = _labelled(runs, out)
        if len(set(y.tolist())) < 2:
            raise RecordingError(
                f"without {runs[k].name} there are cues of one label only: record "
                "every label in each recording"
            )
        shares = fit(x, y, len(labels)).probabilities(runs[k].features)
        decider = Decider(DECISION, tuple(labels))
        decided = []
        for each, starts in zip(shares, runs[k].starts, strict=True):
            if starts:
                decider.forget()
            decided.append(decider.decide(each)[0])
        rows = np.flatnonzero(mine & (runs[k].label >= 0)).tolist()
        found.append(
            Answered(
                [labels[runs[k].label[row]] for row in rows],
                [labels[shares[row].argmax()] for row in rows],
                [decided[row] for row in rows],
            )
        )
    return found


def _labelled(
    runs: Sequence[CuedRun], out: dict[int, NDArray[np.bool_]] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return features and labels of the runs' windows, but those left out."""
    kept = [
        (run.label >= 0) & ~(out or {}).get(id(run), np.zeros(len(run.label), bool))
        for run in runs
    ]
    pairs = list(zip(runs, kept, strict=True))
    x = np.concatenate([run.features[rows] for run, rows in pairs])
    return x, np.concatenate([run.label[rows] for run, rows in pairs])


def _summary(
    answers: Sequence[Answered], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return mean, median and worst over the parts, of windows and of decisions."""
    balanced: Callable[..., float | None] = scores.balanced_accuracy
    return {
        kind: scores.over_people(
            [balanced(a.truth, getattr(a, words), labels) or 0.0 for a in answers]
        )
        for kind, words in (("single", "single"), ("smoothed", "decided"))
    }


def _tell(
    sources: Sequence[Cued],
    without: Sequence[Path],
    found: dict[str, Any],
    figures: dict[str, Any],
    of: str,
    simulated: bool,
) -> None:
    cues = figures["cues"]
    n = sum(cues["used"].values())
    say(f"{n} cues of {len(sources)} recording{'s' * (len(sources) > 1)} learnt from")
    if why := _many(cues["left out"]):
        say(f"left out: {why}")
    shown = {cue.label for each in sources for cue in each.cues}
    if never := sorted(shown.difference(figures["cues"]["used"])):
        say(f"no label of the model, for no cue of it was whole: {', '.join(never)}")
    for path in without:
        say(f"without cues, left out: {path.name}")
    print_protocols(found, "the parts left out")
    chance = figures["chance"]
    say(f"accuracy is the mean of the labels' recalls; chance gives {chance:.3f}")
    recalls = [f"{k} {v:.3f}" for k, v in figures[f"recall, {of}"].items()]
    say(f"recall, {of}: {', '.join(recalls)}")
    if of == REPETITIONS:
        say("One recording: the figures flatter. Record a second one to know more.")
    if simulated:
        say(DEMO, bold=True)


def _many(reasons: dict[str, int]) -> str:
    return ", ".join(f"{n} cue{'s' * (n != 1)} {why}" for why, n in reasons.items())

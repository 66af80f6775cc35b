"""The recipe `gesture`: a person's own labels, or six gestures on UCI's recordings.

Recordings with cues go to `rtpipe.training.recorded`. What follows is of UCI's: three
protocols, each on windows of 200 rows that end on the grid index = 199 (mod 50):
(a) one model a person, recording 1 to 2; (b) one model for all people, recordings 1 to
2, which is the bundle; (c) people left out, in five folds.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rtpipe.bundle import Exported
from rtpipe.card import Card, Placements, Training
from rtpipe.decide import Decider, Decision
from rtpipe.errors import ConfigError
from rtpipe.features.armband import ArmbandFeatures, Effort
from rtpipe.recording import HEAD, recordings_in
from rtpipe.recordings.uci import CHANNELS, GESTURES, SFREQ, UCI
from rtpipe.training import recorded, scores
from rtpipe.training.cuetruth import REACTION
from rtpipe.training.gesturefit import (
    EPOCHS,
    Fitted,
    PersonModel,
    Settings,
    choose_epochs,
    fit_net,
    fit_person,
)
from rtpipe.training.gestureplacement import DEPTH, LEAD, NAMES, as_most
from rtpipe.training.gestureruns import (
    HOP,
    N_CHANNELS,
    N_TIMES,
    GestureRun,
    random_order,
    read_runs,
    recorded_order,
)
from rtpipe.training.report import print_protocols, tracked, working, write_results
from rtpipe.training.versions import versions

LABELS = tuple(GESTURES.values())[:6]
N_FOLDS = 5
DECISION = Decision(smoothing="mean", windows=5)
ALL_PEOPLE = Settings(sees_raw=True, dropout=0.4)
NEW_PEOPLE = Settings(n_heads=2)
TRIED = 654  # on recordings 1, 495 of them of the placement alone
PROTOCOL = (
    "windows of 200 rows ending on index 199 (mod 50), scored where all rows carry one "
    "label of 1-6; smoothed: the mean of the past five windows' probabilities, over "
    "segment borders; adaptation, and how the armband is worn, from the windows "
    "before, in the run's order; (a) one model a person, recording 1 to 2; (b) one "
    "model for all people, recordings 1 to 2, which is this bundle; (c) people left "
    "out in 5 folds, mean over a person's recordings. How training people wear the "
    "armband is told by their labels, the number of epochs is chosen on held-out "
    "people of the training recordings. While the recipe was developed, recordings 2 "
    "were read with 3 (a), 8 (b) and 9 (c) configurations: docs/gesture.md"
)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model said of the labelled windows of one run.

    Parameters
    ----------
    truth, single : list of str
        The true label of each window, and the most probable one of the window alone.
    decided : list of str or None
        The decision, smoothed over the windows before.
    """

    truth: list[str]
    single: list[str]
    decided: list[str | None]


Answers = dict[str, list[Answered]]  # by person, a run each


def train(
    data: Path,
    out: Path,
    *,
    seed: int = 0,
    stream: str | None = None,
    window: float | None = None,
    reaction: float | None = None,
    task: str = "gesture",
) -> None:
    """Train on a person's cued recordings, or on UCI's, and leave a bundle.

    Parameters
    ----------
    data : Path
        Recordings with cues; or a folder a person, each with one or two recordings of
        UCI's text layout, whose three protocols are scored, (b) being the bundle.
    out : Path
    seed : int
        From 0 on.
    stream, window, reaction, task
        Of cued recordings, see `rtpipe.training.recorded.train`.
    """
    torch.set_num_threads(1)  # more of them only wait for each other on such heads
    if not _of_armband(data):
        recorded.train(
            data,
            out,
            seed=seed,
            stream=stream,
            window=window,
            reaction=REACTION if reaction is None else reaction,
            task=task,
        )
        return
    if (stream, window, reaction, task) != (None, None, None, "gesture"):
        raise ConfigError(
            "stream, window, reaction and task are for recordings with cues, and "
            f"{data} holds UCI's"
        )
    own = _own_models(data)
    describe, weigh = ArmbandFeatures(N_CHANNELS), Effort(N_CHANNELS)
    runs = read_runs(data, describe, LABELS)
    everyone, settings, known = _all_people(runs, weigh, ALL_PEOPLE, seed)
    folds = _folds(runs, weigh, seed)
    new = _new_people(runs, folds, weigh, NEW_PEOPLE, seed)
    # What the same heads score that were shown the runs as recorded: see `fit_net`.
    script = replace(NEW_PEOPLE, shuffled=False)
    found = {
        "a": _summary(own),
        "b": _summary(known[0]),
        "b, run in random order": _summary(known[1]),
        "c": _summary(new[0]),
        "c, run in random order": _summary(new[1]),
    }
    told = _new_people(runs, folds, weigh, script, seed)
    found["c, order of gestures learnt"] = _summary(told[0])
    found["c, order of gestures learnt, run in random order"] = _summary(told[1])
    card = Card(
        name="gesture",
        task="gesture",
        labels=LABELS,
        sfreq=SFREQ,
        ch_names=CHANNELS,
        units=("none",) * len(CHANNELS),
        n_times=N_TIMES,
        hop=HOP,
        adapts=everyone.prior.worth,
        placements=Placements(names=NAMES, lead=LEAD, depth=DEPTH),
        decision=DECISION,
        training=Training(
            recipe="gesture",
            protocol=PROTOCOL,
            seed=seed,
            simulated=False,
            recordings={
                run.hash: f"{run.person}/{run.path.name}"
                for run in runs
                if run.number == 1
            },
            configurations_tried=TRIED,
            settings=asdict(settings),
            versions=versions(),
        ),
        scores=found,
    )
    confusion = scores.confusion_matrix(
        [label for each in known[0].values() for label in each[0].truth],
        [label for each in known[0].values() for label in each[0].single],
        LABELS,
    ).tolist()
    people = {
        person: {
            key: _accuracies(answers[person])
            for key, answers in (("a", own), ("b", known[0]), ("c", new[0]))
        }
        for person in own
    }
    metrics = {"scores": found, "people": people, "confusion": confusion}
    prior = everyone.prior
    mean, scale = (torch.from_numpy(each) for each in (prior.mean, prior.scale))
    exported = Exported(describe, everyone.head, mean, scale, weigh, everyone.place)
    write_results(out, "gesture", exported, card, metrics, confusion)
    print_protocols(found)


def _of_armband(data: Path) -> bool:
    """Tell whether there is a recording in UCI's layout."""
    for path in recordings_in(data):
        if path.is_file():
            with path.open("rb") as file:
                if UCI.matches(file.read(HEAD)):
                    return True
    return False


def _own_models(data: Path) -> Answers:
    """Return the answers for each person by a model of their first recording."""
    runs = read_runs(data, ArmbandFeatures(N_CHANNELS, shrinkage=0.005), LABELS)
    first = {run.person: run for run in runs if run.number == 1}
    return {
        run.person: [_answered(fit_person(first[run.person], len(LABELS)), run)]
        for run in runs
        if run.number == 2
    }


def _all_people(
    runs: Sequence[GestureRun], weigh: nn.Module, settings: Settings, seed: int
) -> tuple[Fitted, Settings, tuple[Answers, Answers]]:
    """Return the model of all people's first recordings, and its answers.

    The answers are for the second ones as they were recorded, and in random order.
    """
    first = as_most([run for run in runs if run.number == 1], weigh)
    model, settings = _fit(first, weigh, settings, seed, "(b) all people")
    second = [run for run in runs if run.number == 2]
    rng = np.random.default_rng(seed)
    known = {run.person: [_answered(model, run)] for run in second}
    mixed = {run.person: [_answered(model, run, rng)] for run in second}
    return model, settings, (known, mixed)


def _folds(
    runs: Sequence[GestureRun], weigh: nn.Module, seed: int
) -> list[tuple[set[str], list[GestureRun]]]:
    """Return, for each fold, the people left out and the runs of the others."""
    people = [run.person for run in runs if run.number == 2]
    shuffled = np.random.default_rng(seed).permutation(people)
    n_folds = min(N_FOLDS, len(people))
    found = []
    for fold in tracked("(c) how the others wear it")(range(n_folds)):
        out = set(shuffled[fold::n_folds])
        kept = as_most([run for run in runs if run.person not in out], weigh)
        found.append((out, kept))
    return found


def _new_people(
    runs: Sequence[GestureRun],
    folds: Sequence[tuple[set[str], list[GestureRun]]],
    weigh: nn.Module,
    settings: Settings,
    seed: int,
) -> tuple[Answers, Answers]:
    """Return the answers for each person by a model that never met them.

    First with the runs as they were recorded, then in random order.
    """
    found: Answers = {}
    mixed: Answers = {}
    for fold, (out, kept) in enumerate(folds, start=1):
        doing = f"(c) people left out, fold {fold} of {len(folds)}"
        model, _ = _fit(kept, weigh, settings, seed, doing)
        rng = np.random.default_rng(seed)
        for person in sorted(out):
            theirs = [run for run in runs if run.person == person]
            found[person] = [_answered(model, run) for run in theirs]
            mixed[person] = [_answered(model, run, rng) for run in theirs]
    return found, mixed


def _fit(
    runs: Sequence[GestureRun],
    weigh: nn.Module,
    settings: Settings,
    seed: int,
    doing: str,
) -> tuple[Fitted, Settings]:
    """Choose the number of epochs on held-out people, then fit on all of the runs."""
    with working(doing, sum(EPOCHS) + max(EPOCHS)) as step:
        settings = choose_epochs(runs, weigh, settings, len(LABELS), seed, step)
        return fit_net(runs, weigh, settings, len(LABELS), seed, step), settings


def _answered(
    model: Fitted | PersonModel, run: GestureRun, rng: np.random.Generator | None = None
) -> Answered:
    """Answer a run window by window, as recorded or, with `rng`, in random order."""
    order = recorded_order(run) if rng is None else random_order(run, rng)
    probabilities = model.probabilities(run, order)
    decider = Decider(DECISION, LABELS)
    decided = [decider.decide(each)[0] for each in probabilities]
    label = run.label[order]
    single = probabilities.argmax(1)
    rows = np.flatnonzero(label >= 0)
    return Answered(
        [LABELS[k] for k in label[rows]],
        [LABELS[k] for k in single[rows]],
        [decided[k] for k in rows],
    )


def _accuracies(answers: Sequence[Answered]) -> dict[str, float]:
    """Return the accuracy of single windows and of decisions, mean over runs."""
    single = [scores.accuracy(each.truth, each.single) or 0.0 for each in answers]
    decided = [scores.accuracy(each.truth, each.decided) or 0.0 for each in answers]
    return {"single": float(np.mean(single)), "smoothed": float(np.mean(decided))}


def _summary(answers: Answers) -> dict[str, dict[str, float]]:
    """Return mean, median and worst over people, of single windows and of decisions."""
    each = [_accuracies(theirs) for theirs in answers.values()]
    return {
        key: scores.over_people([one[key] for one in each])
        for key in ("single", "smoothed")
    }

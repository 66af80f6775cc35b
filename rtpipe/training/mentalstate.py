"""The recipe `mental-state`: relaxed, neutral or concentrating, from a Muse.

Protocols on windows of 1 s: recordings left out, one at a time, the other recording of
the same person in the same state being trained on; both of them left out; people left
out; people who took turns left out together. Beside them the same model on parts of the
spectrum, to tell what it reads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import torch

from rtpipe.bundle import Exported, Standardised
from rtpipe.card import Card, Training
from rtpipe.decide import Decider, Decision
from rtpipe.training import scores
from rtpipe.training.mentalstatefit import (
    ALL,
    CONTROLS,
    DROPOUT,
    N_EPOCHS,
    N_HIDDEN,
    SHRINKAGE,
    Fitted,
    Spectrum,
    StateRun,
    fit_runs,
    run_of,
)
from rtpipe.training.mentalstateruns import (
    CHANNELS,
    HOP,
    LABELS,
    N_TIMES,
    SFREQ,
    TASK,
    StateRecording,
    circles,
    read_recordings,
)
from rtpipe.training.report import print_protocols, say, working, write_results
from rtpipe.training.versions import versions

DECISION = Decision(smoothing="mean", windows=5)
TRIED = 131  # on the recordings and people left out
NOTE = "Reads muscle, mains and contact more than the brain"
PROTOCOL = (
    "windows of 1 s every 0.25 s, all of a recording; accuracy is the share of them "
    "answered rightly, mean over recordings; smoothed: the mean of the past five "
    "windows' probabilities; recordings left out: one at a time, the person's other "
    "recordings, one of the same state among them, being trained on; states left out: "
    "all recordings of a person in a state at a time; people left out: one at a time, "
    "with all their recordings; the bundle is trained on all of them. "
    "Of the published recordings, those of subjecta and subjectb were made in turns: "
    "between them and subjectc the accuracy is .50. "
    "The configuration was chosen by hand on these very scores: docs/mental-state.md"
)


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """What a model said of one run, by windows.

    Parameters
    ----------
    run : StateRun
    single : list of str
        The most probable label of each window alone.
    decided : list of str or None
        The decision, smoothed over the windows before.
    """

    run: StateRun
    single: list[str]
    decided: list[str | None]

    @property
    def truth(self) -> list[str]:
        """The state of the recording, for each window."""
        return [LABELS[self.run.source.label]] * len(self.single)

    def accuracies(self) -> dict[str, float]:
        """Return the accuracy of single windows and of decisions."""
        return {
            "single": scores.accuracy(self.truth, self.single) or 0.0,
            "smoothed": scores.accuracy(self.truth, self.decided) or 0.0,
        }


def train(data: Path, out: Path, *, seed: int = 0) -> None:
    """Score the protocols and the controls; leave the model of all recordings.

    Parameters
    ----------
    data : Path
        Muse recordings as CSV, named PERSON-STATE-NUMBER.csv.
    out : Path
    seed : int
        Not negative.
    """
    torch.set_num_threads(1)  # more of them only wait for each other on such heads
    sources, copies = read_recordings(data)
    runs = _runs(sources, ALL)
    answered = _protocols(runs, seed)
    people = sorted({source.person for source in sources})
    for person in people:
        answered[f"people left out: {person}"] = [
            each
            for each in answered["people left out"]
            if each.run.source.person == person
        ]
    for name, spectrum in CONTROLS.items():
        answered |= _protocols(_runs(sources, spectrum), seed, f", {name}")
    model = fit_runs(runs, seed)
    notes = (
        NOTE,
        f"Learnt from {len(people)} people, and from the mains where they were",
    )
    found = {name: _summary(answers) for name, answers in answered.items()}
    card = Card(
        name="mental-state",
        task=TASK,
        labels=LABELS,
        sfreq=SFREQ,
        ch_names=CHANNELS,
        units=("uV",) * len(CHANNELS),
        n_times=N_TIMES,
        hop=HOP,
        stages=ALL.stages,
        decision=DECISION,
        notes=notes,
        training=Training(
            recipe="mental-state",
            protocol=PROTOCOL,
            seed=seed,
            simulated=False,
            recordings={
                source.hash: source.name
                for source in [*sources, *(copy for copy, _ in copies)]
            },
            configurations_tried=TRIED,
            settings={
                "n_hidden": N_HIDDEN,
                "dropout": DROPOUT,
                "n_epochs": N_EPOCHS,
                "shrinkage": SHRINKAGE,
            },
            versions=versions(),
        ),
        scores=found,
    )
    judged = answered["recordings left out"]
    confusion = scores.confusion_matrix(
        [label for each in judged for label in each.truth],
        [label for each in judged for label in each.single],
        LABELS,
    ).tolist()
    metrics = {
        "scores": found,
        "recordings": {
            name: {each.run.source.name: each.accuracies() for each in answers}
            for name, answers in answered.items()
        },
        "copies": {copy.name: kept.name for copy, kept in copies},
        "confusion": confusion,
    }
    exported = Exported(
        ALL.features(), Standardised(model.head), model.mean, model.scale
    )
    write_results(out, "mental-state", exported, card, metrics, confusion)
    print_protocols(found, "recordings")
    for copy, kept in copies:
        say(f"{copy.name} is a copy of {kept.name}: counted once")
    for note in notes:
        say(note, bold=True)


def left_out(
    runs: Sequence[StateRun],
    group: Callable[[StateRecording], str],
    seed: int,
    doing: str,
) -> list[Answered]:
    """Return the answers for each run by a model that met none of its group."""
    groups = sorted({group(run.source) for run in runs})
    found = []
    with working(doing, len(groups)) as step:
        for out in groups:
            model = fit_runs([run for run in runs if group(run.source) != out], seed)
            theirs = [run for run in runs if group(run.source) == out]
            found += [_answered(model, run) for run in theirs]
            step()
    return found


def _protocols(
    runs: Sequence[StateRun], seed: int, end: str = ""
) -> dict[str, list[Answered]]:
    """Return the answers by protocol, their names ending in `end`."""
    each: dict[str, Callable[[StateRecording], str]] = {
        f"recordings left out{end}": attrgetter("name"),
        f"states left out{end}": lambda source: f"{source.person} {source.label}",
        f"people left out{end}": attrgetter("person"),
    }
    circle = circles([run.source for run in runs])
    if 1 < len(set(circle.values())) < len(circle):
        each[f"people who took turns left out{end}"] = lambda source: circle[
            source.person
        ]
    return {name: left_out(runs, group, seed, name) for name, group in each.items()}


def _runs(sources: Sequence[StateRecording], spectrum: Spectrum) -> list[StateRun]:
    describe = spectrum.features()
    return [run_of(source, spectrum, describe) for source in sources]


def _answered(model: Fitted, run: StateRun) -> Answered:
    """Answer a run window by window; after a gap decisions start anew, as live."""
    probabilities = model.probabilities(run)
    decider = Decider(DECISION, LABELS)
    decided = []
    for each, starts in zip(probabilities, run.starts, strict=True):
        if starts:
            decider.forget()
        decided.append(decider.decide(each)[0])
    return Answered(run, [LABELS[k] for k in probabilities.argmax(1)], decided)


def _summary(answers: Sequence[Answered]) -> dict[str, dict[str, float]]:
    """Return mean, median and worst over recordings, of windows and of decisions."""
    each = [answer.accuracies() for answer in answers]
    return {
        key: scores.over_people([one[key] for one in each])
        for key in ("single", "smoothed")
    }

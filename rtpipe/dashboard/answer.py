"""What a model says of a stream now: its answer, or why there is none. No Qt."""

from dataclasses import dataclass

import numpy as np

from rtpipe.dashboard.model import Answers, ModelModel, RunModel, StreamModel
from rtpipe.types import Float64

_OLD = 1.0  # seconds after which an answer without a successor stands for nothing, ...
_HOPS = 3  # ... or, where that is longer, as many windows that should have had one
_WITHOUT = {  # states of a connection without data, and what is the matter
    "lost": "the connection is lost",
    "recovering": "the connection is lost",
    "silent": "the run does not answer",
}
NONE = "NONE"  # what is shown where there is no decision


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """An answer that stands, or that none does.

    Parameters
    ----------
    label : str or None
        The decision; None where there is none.
    probabilities : ndarray of float64, shape (n_labels,)
        Of the newest window alone; nan where no answer stands.
    why : str
        Why there is no decision; empty where there is one.
    stands : bool
        Whether there is an answer: one that was rejected stands, and decides nothing.
    truth : str or None
        What the device says is true now, where it does.
    """

    label: str | None
    probabilities: Float64
    why: str
    stands: bool
    truth: str | None


def answer_of(run: RunModel, model: ModelModel, name: str, now: float) -> Answer:
    """Return what a model says of a stream at present.

    An answer stands until the run says that it ended, the stream's connection is lost,
    the run is over, or no other has followed it for long: for three hops, and at least
    a second.

    Parameters
    ----------
    run : RunModel
    model : ModelModel
    name : str
        Of the stream.
    now : float
        The present on the run's clock.
    """
    stream, answers = run.streams[name], model.streams[name]
    here = run.state == "running" and stream.state not in _WITHOUT
    truth = stream.truth.get(model.task) if here else None
    newest = answers.newest
    why = _nothing(run, model, stream, answers, now)
    if why or newest is None:
        unknown = np.full(len(model.labels), np.nan)
        return Answer(None, unknown, why, False, truth)
    return Answer(
        newest["label"],
        answers.probabilities[-1],
        str(newest.get("reason") or ""),
        True,
        truth,
    )


def _nothing(
    run: RunModel, model: ModelModel, stream: StreamModel, answers: Answers, now: float
) -> str:
    """Return why no answer stands; empty where one does."""
    if run.state != "running":
        return f"the run is {run.state}"
    if stream.state in _WITHOUT:
        return f"no data: {_WITHOUT[stream.state]}"
    age = _age(stream, answers, now)
    if answers.newest is not None and age <= max(_OLD, _HOPS * model.hop):
        return ""
    filled = (stream.raw.stop - stream.raw.first) / stream.info.sfreq
    if filled < model.window:
        which = "first" if not len(answers) else "next"
        progress = f"{filled:.1f} of {model.window:.1f} s"
        return f"filling the {which} window: {progress}"
    return answers.none or f"no answer for {age:.1f} s"


def _age(stream: StreamModel, answers: Answers, now: float) -> float:
    """Return the seconds since the newest answer was given, as far as can be known.

    When it came here says little where this process was held up, and in a recording
    nothing but that is on the run's clock; one that is played slowly has answers as
    seldom, and its seconds are as long.
    """
    age = now - answers.came
    if not len(answers):
        return float(age)
    if stream.clock == "run":
        given = answers.end[-1] + answers.latency[-1]
        return float(np.fmax(age, now - given))
    return float(age / answers.pace)

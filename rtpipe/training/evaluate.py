"""Evaluation is replay: each whole recording through a run, as fast as it answers."""

import json
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtpipe.bundle import Bundle
from rtpipe.card import Card
from rtpipe.decide import Decision
from rtpipe.errors import BundleError, ConfigError, RecordingError, RtpipeError
from rtpipe.fit import misfits
from rtpipe.recording import file_hash, read
from rtpipe.registry import find
from rtpipe.runtime.runtime import Runtime
from rtpipe.sinks.collect import Collect
from rtpipe.sinks.jsonl import as_json
from rtpipe.training import scores
from rtpipe.training.cuetruth import judged_by_cues
from rtpipe.types import Prediction

logger = logging.getLogger(__name__)
PROTOCOL = (
    "each recording replayed whole through the card's chain; scored are the windows "
    "that lie wholly inside one label of the card, which are those of cues where the "
    "recording has no others; accuracy, F1 and confusion are of "
    "single windows, accuracy_smoothed is of decisions, a rejected one being wrong; "
    "recordings the bundle was trained on are left out"
)


@dataclass(slots=True)
class Scored:
    """One recording's predictions.

    Parameters
    ----------
    path : Path
    group : str
        The folder it lies in, below that of all; or its own name where they lie in one.
    seen : bool
        Whether the bundle was trained on it.
    predictions : list of Prediction
    short : bool
        Whether no window fits into it.
    """

    path: Path
    group: str
    seen: bool
    predictions: list[Prediction] = field(default_factory=list)
    short: bool = False

    @property
    def unscored(self) -> str | None:
        """Why no window of it can be scored, as `summary` has it; None where one is."""
        if any(each.truth for each in self.predictions):
            return None
        if self.predictions:
            return "unlabelled"
        return "short" if self.short else "unanswered"


def replayed(
    path: Path, bundle: Bundle, decision: Decision, compute: str = "cpu"
) -> list[Prediction]:
    """Return a bundle's predictions on a recording, as ``replay --speed max`` does."""
    device = find("devices", "replay")(path, speed="max")
    sink = Collect()
    named = [(bundle.card.name, bundle, decision)]
    with Runtime([device], named, [sink], compute=compute, shared=False) as runtime:
        runtime.wait()
    return sink.predictions


def evaluate(
    bundle: Bundle,
    paths: Sequence[Path],
    decision: Decision,
    compute: str = "cpu",
    track: Callable[[Sequence[Scored]], Iterable[Scored]] = iter,
) -> list[Scored]:
    """Replay recordings through a bundle.

    One that cannot be read, or has no stream that the bundle fits, is left out, which
    is told in the log.

    Parameters
    ----------
    bundle : Bundle
    paths : sequence of Path
    decision : Decision
    compute : str
    track : callable
        Shows the progress of an iteration.

    Raises
    ------
    RtpipeError
        If none can be read and answered.
    """
    folders = {path.parent for path in paths}
    root = Path(os.path.commonpath(folders)) if folders else Path()
    known = bundle.card.training.recordings
    jobs = [
        Scored(
            path,
            path.parent.relative_to(root).as_posix() if len(folders) > 1 else path.stem,
            file_hash(path) in known if path.is_file() else False,
        )
        for path in paths
    ]
    done: list[Scored] = []
    unread: list[RtpipeError] = []
    for job in track(jobs):
        try:
            found = replayed(job.path, bundle, decision, compute)
            job.predictions = judged_by_cues(job.path, bundle.card, found)
            job.short = not found and _is_short(job.path, bundle.card)
        except RecordingError as error:
            unread.append(error)
            logger.warning("left out: %s", error)
        except BundleError as error:
            unread.append(error)
            logger.warning("left out: %s: %s", job.path, error)
        else:
            done.append(job)
    if unread and not done:
        raise unread[0]
    return done


def summary(bundle: Bundle, data: Path, jobs: Sequence[Scored]) -> dict[str, Any]:
    """Return the one object that ``rtpipe evaluate --json`` prints."""
    labels = bundle.card.labels
    unseen = [job for job in jobs if not job.seen]
    judged = [each for job in unseen for each in job.predictions if each.truth]
    truth = [each.truth or "" for each in judged]
    single = [best(each) for each in judged]
    groups: dict[str, list[Prediction]] = {}
    for job in unseen:
        mine = [each for each in job.predictions if each.truth]
        groups.setdefault(job.group, []).extend(mine)
    return {
        "protocol": PROTOCOL,
        "n_windows": len(judged),
        "accuracy": scores.accuracy(truth, single),
        "accuracy_smoothed": scores.accuracy(truth, [each.label for each in judged]),
        "macro_f1": scores.macro_f1(truth, single, labels),
        "labels": list(labels),
        "confusion": scores.confusion_matrix(truth, single, labels).tolist(),
        "per_group": {
            name: scores.accuracy(
                [p.truth or "" for p in mine], [best(p) for p in mine]
            )
            for name, mine in groups.items()
        },
        "seen": [str(job.path) for job in jobs if job.seen],
        "unscored": {
            why: [str(job.path) for job in unseen if job.unscored == why]
            for why in ("unlabelled", "short", "unanswered")
        },
        "bundle": {"name": bundle.card.name, "weights": bundle.card.weights},
        "data": str(data),
    }


def _is_short(path: Path, card: Card) -> bool:
    """Tell whether no stream that the bundle fits is as long as a window."""
    spans = [
        int(each.index[-1] - each.index[0]) + 1 if len(each.index) else 0
        for each in read(path)
        if not misfits(card, each.info)
    ]
    return max(spans, default=0) < card.n_times


def best(prediction: Prediction) -> str:
    """Return the most probable label of a window alone."""
    return max(prediction.probabilities, key=prediction.probabilities.__getitem__)


def refuse_predictions(path: Path, read: Sequence[Path]) -> None:
    """Raise where predictions cannot be written: told before the long work.

    Parameters
    ----------
    path : Path
        Of the predictions; a file that is there stays as it is.
    read : sequence of Path
        What is evaluated, which they may not replace.

    Raises
    ------
    ConfigError
    OSError
    """
    if path.resolve() in {each.resolve() for each in read}:
        raise ConfigError(f"--predictions {path} would replace what is evaluated")
    with path.open("a", encoding="utf-8"):
        pass


def write_predictions(path: Path, jobs: Sequence[Scored]) -> None:
    """Write the lines ``live --json`` would have printed, the recording added."""
    with path.open("w", encoding="utf-8") as file:
        for job in jobs:
            for each in job.predictions:
                line = {**as_json(each), "recording": str(job.path)}
                file.write(json.dumps(line, allow_nan=False) + "\n")

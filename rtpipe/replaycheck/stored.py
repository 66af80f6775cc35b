"""What a recording says was answered and decided, and by which models."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from rtpipe.decide import Decision
from rtpipe.errors import RecordingError
from rtpipe.recordings.xdfrun import about_run, role
from rtpipe.types import Float64
from rtpipe.xdf.read import Stream, read

NUMBERS = ("index", "missing", "batch", "place")
_TOLD = ("gap", "skipped", "lost", "recovered", "late", "malformed", "recording")
_AROUND = 2.0  # seconds


class Model(BaseModel):
    """A model of the run, as the recording names it.

    Parameters
    ----------
    path, weights, engine : str
        Where its bundle was, the hash of its parameters, and what computed.
    decision : Decision
    streams : tuple of str
    """

    path: str
    weights: str
    engine: str = ""
    decision: Decision
    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A model's answers on one stream, in the order of their windows.

    Parameters
    ----------
    model, stream : str
    labels : tuple of str
        Of the probabilities.
    index : ndarray of int64, shape (n_answers,)
        Of each window's last sample.
    ends : ndarray of float64, shape (n_answers,)
        Its time, as the recording has it.
    probabilities : ndarray of float64, shape (n_answers, n_labels)
    missing : ndarray of float64, shape (n_answers,)
    batch, place : ndarray of int64, shape (n_answers,)
        How each was answered.
    decisions : dict of int to (str or None, str or None)
        Label and reason, by the window's last sample.
    skipped : frozenset of int
        Windows that were due and not answered.
    """

    model: str
    stream: str
    labels: tuple[str, ...]
    index: NDArray[np.int64]
    ends: Float64
    probabilities: Float64
    missing: Float64
    batch: NDArray[np.int64]
    place: NDArray[np.int64]
    decisions: Mapping[int, tuple[str | None, str | None]]
    skipped: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False)
class StoredRun:
    """What a recording holds of the run's answers.

    Parameters
    ----------
    path : Path
    cut : bool
        Whether the recording was not ended, or is damaged.
    versions : dict of str to str
        Of what computed.
    models : dict of str to Model
    answers : tuple of Stored
    """

    path: Path
    cut: bool
    versions: Mapping[str, str]
    models: Mapping[str, Model]
    answers: tuple[Stored, ...]
    _events: Stream | None

    def around(self, stream: str, time: float) -> list[dict[str, Any]]:
        """Return what was told of a stream within two seconds of a time."""
        if self._events is None:
            return []
        stamps, texts = self._events.stamps, self._events.texts
        near = np.flatnonzero(np.abs(stamps - time) <= _AROUND)
        return [
            {key: each for key, each in line.items() if key not in ("type", "stream")}
            for line in map(_line, [texts[row] for row in near])
            if line.get("kind") in _TOLD and line.get("stream") in ("", stream)
        ]


def stored(path: Path) -> StoredRun:
    """Read what a recording says of its run's answers.

    Raises
    ------
    RecordingError
        If rtpipe did not record it, or it holds no decisions.
    """
    try:
        file = read(path)
    except FileNotFoundError:
        raise RecordingError(f"there is no recording {path}") from None
    by_role: dict[str, list[Stream]] = {}
    for each in file.streams:
        by_role.setdefault(role(each), []).append(each)
    if not by_role.keys() - {""}:
        raise RecordingError(
            f"{path} was not recorded by rtpipe, so it holds no decisions to check"
        )
    run = about_run(file)
    models = _models(path, run.get("models"))
    answers = [
        _stored(path, each, by_role)
        for each in by_role.get("probabilities", ())
        if len(each.stamps)
    ]
    if not answers:
        raise RecordingError(
            f"{path} holds no decisions to check: record a run with models"
        )
    for one in answers:
        if one.model not in models:
            raise RecordingError(f"{path} does not say what {one.model} was")
    return StoredRun(
        path,
        not file.whole,
        dict(run.get("versions") or {}),
        models,
        tuple(answers),
        next(iter(by_role.get("events", ())), None),
    )


def _line(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):  # of a file that is damaged
        return {}
    return told if isinstance(told, dict) else {}


def _models(path: Path, told: Any) -> dict[str, Model]:
    try:
        return {name: Model.model_validate(each) for name, each in told.items()}
    except (AttributeError, ValidationError):
        raise RecordingError(
            f"{path} does not say which models its run had: is it damaged?"
        ) from None


def _stored(
    path: Path, answers: Stream, by_role: Mapping[str, Sequence[Stream]]
) -> Stored:
    about = answers.header.about
    said = [each.label for each in answers.header.channels]
    if not set(NUMBERS) <= set(said) or "stream" not in about or "model" not in about:
        raise RecordingError(f"{path}: {answers.header.name} is damaged")
    model, stream = about["model"], about["stream"]
    columns = dict(zip(said, answers.values.T, strict=True))
    kinds = [each.type for each in answers.header.channels]
    shares = [k for k, kind in enumerate(kinds) if kind == "probability"]
    index, batch, place = (
        columns[key].astype(np.int64) for key in ("index", "batch", "place")
    )
    decided = _of(by_role.get("decisions", ()), about)
    skipped = _of(by_role.get("skipped", ()), about)
    return Stored(
        model,
        stream,
        tuple(said[k] for k in shares),
        index,
        answers.stamps,
        answers.values[:, shares],
        columns["missing"],
        batch,
        place,
        _decisions(decided) if decided else {},
        frozenset(skipped.values[:, 0].tolist() if skipped else ()),
    )


def _of(streams: Sequence[Stream], about: Mapping[str, str]) -> Stream | None:
    """Return the stream that is about the same model on the same signal."""
    for each in streams:
        if all(each.header.about.get(key) == about[key] for key in ("model", "stream")):
            return each
    return None


def _decisions(stream: Stream) -> dict[int, tuple[str | None, str | None]]:
    same: dict[str, str] = {}  # a text that comes a million times is kept once
    found: dict[int, tuple[str | None, str | None]] = {}
    for label, reason, index in zip(*[iter(stream.texts)] * 3, strict=False):
        if index.isdecimal():
            text = same.setdefault(reason or label, reason or label)
            found[int(index)] = (None, text) if reason else (text, None)
    return found

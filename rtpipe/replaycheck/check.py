"""Replay a recording as its run was answered, and compare."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import rtpipe
from rtpipe.bundle import Bundle
from rtpipe.card import Card, read_card
from rtpipe.classify import SIZES, Classifier, engine
from rtpipe.config import bundle_path
from rtpipe.counters import WindowCounters
from rtpipe.errors import BundleError, ConfigError, RecordingError
from rtpipe.fit import misfits
from rtpipe.latency import Histogram
from rtpipe.pipeline import Due, Pipeline, pieces
from rtpipe.registry import find
from rtpipe.replaycheck.compare import Comparison
from rtpipe.replaycheck.stored import Model, Stored, StoredRun, stored
from rtpipe.settling import settling
from rtpipe.sink import ModelStatus
from rtpipe.types import Chunk, Prediction, StreamInfo

_NO_TIMEOUT = 0.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What the comparison of a recording with its replay gave.

    Parameters
    ----------
    run : StoredRun
    comparisons : tuple of Comparison
        One for each model on each stream.
    begun : dict of str to int
        Index of the recording's first sample, by stream.
    sfreqs : dict of str to float
    """

    run: StoredRun
    comparisons: tuple[Comparison, ...]
    begun: dict[str, int]
    sfreqs: dict[str, float]

    @property
    def equal(self) -> bool | None:
        """Whether all are equal; None where nothing could be compared."""
        verdicts = [each.verdict for each in self.comparisons]
        if False in verdicts:
            return False
        return True if True in verdicts else None

    def after(self, stream: str, index: int) -> float:
        """Return the seconds of signal from the first sample to another one."""
        return (index - self.begun[stream]) / self.sfreqs[stream]


def check(path: Path, given: Sequence[str], compute: str) -> Checked:
    """Replay a recording of rtpipe's, and compare the answers with the stored ones.

    Parameters
    ----------
    path : Path
    given : sequence of str
        Bundles that a person names, for models that are not where they were.
    compute : str
        Torch device.

    Raises
    ------
    RecordingError
        If the file holds no decisions, or not what they were made of.
    ConfigError
        If a bundle is not where it was, and none that is given has its weights.

    Notes
    -----
    No thread and no clock: samples go through the pipeline, and each window through the
    classifier in a batch of the size, and at the place, that it had in the run. Windows
    that the run did not answer are not answered, for what follows depends on it.
    """
    run = stored(path)
    bundles = _bundles(run, given, compute)
    device = find("devices", "replay")(path, speed="max")
    infos = {info.name: info for info in device.open()}
    streams = {
        name: _Stream(info, run, bundles, compute)
        for name, info in infos.items()
        if any(each.stream == name for each in run.answers)
    }
    try:
        if lost := [e.stream for e in run.answers if e.stream not in streams]:
            raise RecordingError(f"{path} has answers on {lost[0]}, and not its signal")
        while (chunks := device.read(_NO_TIMEOUT)) is not None:
            for chunk in chunks:
                if chunk.stream in streams:
                    streams[chunk.stream].take(chunk)
        for each in streams.values():
            each.finish()
    finally:
        device.close()
        for each in streams.values():
            each.close()
    comparisons = tuple(e for one in streams.values() for e in one.comparisons)
    begun = {name: each.begun or 0 for name, each in streams.items()}
    sfreqs = {name: info.sfreq for name, info in infos.items()}
    return Checked(run, comparisons, begun, sfreqs)


class _Stream:
    """One stream of the recording on its way through the pipeline."""

    def __init__(
        self, info: StreamInfo, run: StoredRun, bundles: dict[str, Bundle], compute: str
    ) -> None:
        mine = [each for each in run.answers if each.stream == info.name]
        self._info = info
        self._cards = {each.model: bundles[each.model].card for each in mine}
        for name, card in self._cards.items():
            if faults := misfits(card, info):
                raise RecordingError(
                    f"{run.path}: {name} does not fit {info.name}: {faults[0]}"
                )
        self._models = {
            each.model: (
                _comparison(each, run, self._cards[each.model], info, compute),
                _classifier(each, run, bundles[each.model], compute),
            )
            for each in mine
        }
        self._known: NDArray[np.bool_] = np.zeros(info.sample_shape, np.bool_)
        self._first: int | None = None  # sample from which all channels are known
        self.begun: int | None = None
        self._pipeline = Pipeline(info, self._cards, "recording")

    @property
    def comparisons(self) -> list[Comparison]:
        """One for each model."""
        return [comparison for comparison, _ in self._models.values()]

    def take(self, chunk: Chunk) -> None:
        """Take in samples, and answer the windows that the run answered."""
        if self.begun is None and len(chunk):
            self.begun = chunk.index
        self._know(chunk)
        for piece in pieces(chunk):
            due, _ = self._pipeline.process(piece)
            for model, (comparison, classifier) in self._models.items():
                mine = [each for each in due if each.model == model]
                for batch, place, windows in _batches(mine, comparison):
                    found = {
                        each.index: each
                        for each in classifier.answer(windows, batch, place)
                        if isinstance(each, Prediction)
                    }
                    for each in windows:
                        answer = found.get(each.stop - 1)
                        comparison.take(each, self._first, answer)

    def finish(self) -> None:
        """Look at what was stored and did not come."""
        for model, (comparison, _) in self._models.items():
            earliest = (self.begun or 0) + self._cards[model].n_times - 1
            comparison.finish(earliest, self._pipeline.status.raw.stop)

    def close(self) -> None:
        """Let go of the rings."""
        self._pipeline.close()

    def _know(self, chunk: Chunk) -> None:
        """Note from where on each channel has had a value: before, the run's stood."""
        if self._first is not None or not len(chunk):
            return
        possible = np.isfinite(chunk.data)
        if self._info.rails is not None:
            low, high = np.asarray(self._info.rails, np.float32)
            possible &= (low <= chunk.data) & (chunk.data <= high)
        known = np.logical_or.accumulate(possible, axis=0) | self._known
        whole = known.reshape(len(chunk), -1).all(axis=1)
        if whole.any():
            self._first = chunk.index + int(whole.argmax())
        self._known = known[-1]


def _batches(
    due: Sequence[Due], comparison: Comparison
) -> Iterator[tuple[int, int, list[Due]]]:
    """Yield the windows to answer, those together that stood side by side in a batch.

    With each: the size of the batch, and the place of the first.
    """
    size, place, together = 1, 0, list[Due]()
    for each in due:
        if (wanted := comparison.wanted(each.stop - 1)) is None:
            continue
        if together and wanted == (size, place + len(together)):
            together.append(each)
            continue
        if together:
            yield size, place, together
        size, place = wanted
        if size not in SIZES or not 0 <= place < size:  # of a file that is damaged
            size, place = 1, 0
        together = [each]
    if together:
        yield size, place, together


def _comparison(
    each: Stored, run: StoredRun, card: Card, info: StreamInfo, compute: str
) -> Comparison:
    model = run.models[each.model]
    later = info.origin is not None
    settles = settling(card, info, model.decision) if later else None
    exact = not later and _same(run, model, compute)
    needs = 0
    if settles and not settles.never:
        needs = settles.samples + card.n_times + (settles.windows + 1) * card.hop
    return Comparison(each, run.cut, exact, settles, needs)


def _same(run: StoredRun, model: Model, compute: str) -> bool:
    """Tell whether what computes here computed then: every bit is to be the same."""
    here = {
        "rtpipe": rtpipe.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    return run.versions == here and model.engine == engine(compute)


def _classifier(
    each: Stored, run: StoredRun, bundle: Bundle, compute: str
) -> Classifier:
    card, windows = bundle.card, {each.stream: WindowCounters()}
    status = ModelStatus(
        each.model, card.task, card.labels, card.notes, windows, Histogram()
    )
    decision = run.models[each.model].decision
    classifier = Classifier(bundle, status, decision, compute)
    classifier.warm_up()
    return classifier


def _bundles(run: StoredRun, given: Sequence[str], compute: str) -> dict[str, Bundle]:
    """Load the models of the run: their weights are those that it had."""
    wanted = {each.model: run.models[each.model] for each in run.answers}
    at_hand = {read_card(bundle_path(each)).weights: each for each in given}
    weights = {each.weights for each in wanted.values()}
    if foreign := [each for key, each in at_hand.items() if key not in weights]:
        raise ConfigError(
            f"{foreign[0]} is none of the models whose decisions {run.path} holds"
        )
    found = {}
    for name, model in wanted.items():
        path = at_hand.get(model.weights) or model.path
        try:
            card = read_card(bundle_path(path))
        except (BundleError, ConfigError) as error:
            raise ConfigError(_ask(run, name, str(error))) from None
        if card.weights != model.weights:
            raise ConfigError(_ask(run, name, f"{path} has other weights by now"))
        found[name] = Bundle.load(bundle_path(path), compute)
    return found


def _ask(run: StoredRun, name: str, why: str) -> str:
    return (
        f"{run.path} holds decisions of {name}, which is not at hand ({why}): say "
        "--model BUNDLE, with the file it is in now"
    )

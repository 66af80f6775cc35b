"""From windows that are due to predictions: one bundle, many streams, one batch."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from rtpipe import clock
from rtpipe.adaptation import Adaptation
from rtpipe.bundle import Bundle
from rtpipe.decide import Decider, Decision
from rtpipe.errors import BundleError, Overrun
from rtpipe.pipeline import Due
from rtpipe.sink import ModelStatus
from rtpipe.skipped import REASONS, give_up
from rtpipe.types import Event, Float32, Float64, Prediction

_OVERRUN = REASONS["overrun"]
SIZES = (1, 2, 4, 8, 16, 32, 64)  # of a batch; each is compiled once, at start


class Classifier:
    """Answers windows of any number of streams, in batches of a few fixed sizes.

    Parameters
    ----------
    bundle : Bundle
    status : ModelStatus
        Whose counters and histogram it keeps.
    decision : Decision
    compute : str
        Torch device the bundle was loaded to.

    Notes
    -----
    A batch is padded with its first window, for TorchScript compiles anew for every
    size it has not seen, which takes longer than the windows are apart. The tensor is
    allocated once, in pinned memory where a GPU copies from it.
    """

    def __init__(
        self,
        bundle: Bundle,
        status: ModelStatus,
        decision: Decision,
        compute: str = "cpu",
    ) -> None:
        self.bundle, self.status, self.decision = bundle, status, decision
        self._compute = torch.device(compute)
        status.engine = engine(compute)
        card = bundle.card
        self._windows = torch.zeros(
            (SIZES[-1], len(card.ch_names), card.n_times),
            pin_memory=self._compute.type == "cuda",
        )
        self._rows: Float32 = self._windows.numpy()
        self._adaptation = self._fresh()
        self._mute: set[str] = set()  # streams whose last window had no answer
        self._overwritten: dict[str, int] = {}  # up to where such samples are counted
        self._deciders: dict[str, tuple[int, Decider]] = {}

    def warm_up(self) -> None:
        """Run every batch size, until TorchScript has specialised for it."""
        for size in SIZES:
            for _ in range(2):
                found, _ = self._answered([""] * size, size, 0)
        self._adaptation = self._fresh()
        with torch.inference_mode():
            n_features = self.bundle.module.features(
                self._windows[:1].to(self._compute)
            ).shape[1]
        known = len(self.bundle.module.mean)
        if n_features != known:  # one would be taken for all of them
            raise BundleError(f"it gives {n_features} features, not {known}")
        labels = len(self.bundle.card.labels)
        if found.shape[1] != labels:
            raise BundleError(f"it gives {found.shape[1]} probabilities, not {labels}")

    def answer(
        self, due: Sequence[Due], batch: int = 1, place: int = 0
    ) -> list[Prediction | Event]:
        """Return a prediction for each window that can be read and is finite.

        For others an event of kind "none" says why they have none, once in a row; such
        as were overwritten are told in an event "skipped", too. An event "placement"
        comes before the first window for which the electrodes are found to be placed
        otherwise than so far. `due` is in the order of the windows per stream, and at
        most `SIZES[-1]` long.

        Where windows are to be answered to the last bit as they were before, they stand
        at `place` and following in a batch of at least the size `batch`.
        """
        kept: list[Due] = []
        faults: dict[int, str] = {}  # by the place in `due`
        for k, each in enumerate(due):
            if fault := self._copied(each, place + len(kept)):
                faults[k] = fault
            else:
                kept.append(each)
        size = max(batch, _padded(place + len(kept)))
        streams = [each.stream for each in kept]
        answers = (
            zip(*self._answered(streams, size, place), strict=True) if kept else ()
        )
        rows: Iterator[tuple[int, tuple[Float64, int]]] = enumerate(answers, place)
        now = clock.now()
        # Counted from here on, where nothing can fail, so that a window counts once.
        found: list[Prediction | Event] = []
        overrun = [due[k] for k in faults if faults[k] == _OVERRUN]
        found += give_up(self.status, overrun, "overrun")
        for k, each in enumerate(due):
            if k in faults:
                self._count(each, faults[k])
                found += self._none(each, faults[k])
                continue
            at, (row, placement) = next(rows)
            found += self._told(each, placement)
            if np.isfinite(row).all():
                found.append(self._predicted(each, row, now, size, at))
                self._mute.discard(each.stream)
            else:
                self.status.windows[each.stream].not_finite += 1
                found += self._none(each, "the answer is not a finite number")
        return found

    def _copied(self, due: Due, at: int) -> str:
        """Copy a window into the batch; or return why that cannot be."""
        row = self._rows[at]
        try:
            row[...] = due.ring.view(due.start, due.stop).T
            due.ring.check(due.start)
        except Overrun:
            return _OVERRUN
        if not np.isfinite(row).all():  # eigh would fail for the whole batch
            return "a value of the window is not a finite number"
        return ""

    def _count(self, due: Due, fault: str) -> None:
        counters = self.status.windows[due.stream]
        if fault != _OVERRUN:
            counters.not_finite += 1
            return
        counted = self._overwritten.get(due.stream, due.start)
        counters.overwritten += due.stop - max(due.start, counted)
        self._overwritten[due.stream] = due.stop

    def _none(self, due: Due, reason: str) -> list[Event]:
        """Return the event that says so, for the first of several such windows."""
        if due.stream in self._mute:
            return []
        self._mute.add(due.stream)
        told = {"model": self.status.name, "reason": reason}
        return [Event(due.stream, due.end, "none", due.stop - 1, told)]

    def _told(self, due: Due, placement: int) -> list[Event]:
        """Return the event that tells of another placement than so far."""
        if self.bundle.card.placements is None:
            return []
        names, known = self.bundle.card.placements.names, self.status.placement
        if names[placement] == known.get(due.stream, names[0]):
            return []
        known[due.stream] = names[placement]
        if not placement:
            del known[due.stream]
        told = {"model": self.status.name, "placement": names[placement]}
        return [Event(due.stream, due.end, "placement", due.stop - 1, told)]

    def _answered(
        self, streams: list[str], size: int, place: int
    ) -> tuple[Float64, NDArray[np.int64]]:
        """Return the probabilities of rows of the batch, and their placements.

        Shapes (n_windows, n_labels) and (n_windows,).
        """
        stop = place + len(streams)
        self._rows[:place] = self._rows[place]
        self._rows[stop:size] = self._rows[place]
        module = self.bundle.module
        with torch.inference_mode():
            x = self._windows[:size].to(self._compute, non_blocking=True)
            features, mean, scale = module.features(x), module.mean, module.scale
            placements = np.zeros(size, np.int64)
            if self._adaptation is not None:
                features, mean, scale, placements = self._adaptation.seen(
                    features, streams, place
                )
            found = module.probabilities(features, mean, scale)
            answer = found.cpu().numpy().astype(np.float64)
        return answer[place:stop], placements[place:stop]

    def _fresh(self) -> Adaptation | None:
        """Return what has learnt nothing yet; None where nothing is learnt."""
        if self.bundle.card.adapts is None:
            return None
        return Adaptation(self.bundle, self._compute)

    def _predicted(
        self, due: Due, probabilities: Float64, now: float, batch: int, place: int
    ) -> Prediction:
        counters, labels = self.status.windows[due.stream], self.bundle.card.labels
        segment, decider = self._deciders.get(due.stream, (None, None))
        if decider is None:
            decider = Decider(self.decision, labels)
        if segment != due.segment:
            decider.forget()
            self._deciders[due.stream] = (due.segment, decider)
        label, reason = decider.decide(probabilities, due.missing, due.bad)
        latency = now - due.since
        self.status.latency.add(latency)
        counters.answered += 1
        counters.rejected += label is None
        if due.truth is not None:
            counters.judged += 1
            counters.correct += label == due.truth
        return Prediction(
            stream=due.stream,
            model=due.model,
            index=due.stop - 1,
            end=due.end,
            label=label,
            probabilities=dict(zip(labels, probabilities.tolist(), strict=True)),
            latency=latency,
            missing=due.missing,
            truth=due.truth,
            reason=reason,
            batch=batch,
            place=place,
        )


def engine(compute: str) -> str:
    """Return what computes here, as far as the last digits depend on it."""
    told = [f"torch {torch.__version__}", torch.backends.cpu.get_cpu_capability()]
    told.append(f"{torch.get_num_threads()} threads")
    if torch.device(compute).type == "cuda":
        told.append(torch.cuda.get_device_name(compute))
    return ", ".join(told)


def _padded(n: int) -> int:
    """Return the size of the batch that so many windows are answered in."""
    return SIZES[bisect_left(SIZES, n)]

"""The panel of one bundle on one stream: what it says, how sure, how late."""

from math import isfinite

from rich.segment import Segment

from rtpipe.duration import milliseconds
from rtpipe.percent import percent
from rtpipe.printable import clean
from rtpipe.sink import ModelStatus, StreamStatus
from rtpipe.terminal.answer import Answer
from rtpipe.terminal.bars import bar, bars
from rtpipe.terminal.canvas import (
    BOLD,
    DECIDED,
    PLAIN,
    QUIET,
    UNDECIDED,
    WARN,
    Line,
    box,
    cell,
    fit,
    joined,
    spread,
    width_of,
)
from rtpipe.terminal.tally import Tally
from rtpipe.types import Event, Prediction

_LABEL = 16  # cells a label may take
_BAR = 8  # cells of a bar that is worth its place
_AIR = 3  # lines more, with which the decision is large


class ModelPanel:
    """Draws one bundle's answers about one stream in as many lines as there are.

    Parameters
    ----------
    model : ModelStatus
    stream : StreamStatus
        One of those the bundle runs on.
    tally : Tally
        Of the same answers.
    """

    prominent = True

    def __init__(self, model: ModelStatus, stream: StreamStatus, tally: Tally) -> None:
        self.model, self.stream, self.tally = model, stream, tally
        self._answer = Answer(model, stream)
        self._time = 0.0
        longest = max((len(each) for each in model.labels), default=0)
        self._label = max(4, min(_LABEL, longest))

    def look(self, time: float) -> None:
        """Note the time, on the run's clock, before it is drawn."""
        self._time = time

    def heights(self, width: int) -> tuple[int, int, int, int, int, int]:
        """Return the lines it needs, and asks for when others have what they need."""
        told, _ = self._notes(width - 4)
        want = len(self.model.labels) + 4 + self._judged + len(told)
        least, airy = 3 + len(told), want + _AIR
        return least, least, want, want, airy, airy

    def filled(self, width: int, height: int) -> int:
        """Return how many of `height` lines it would fill."""
        *_, want, airy, _ = self.heights(width)
        return airy if height >= airy else min(height, want)

    def add(self, item: Prediction | Event, time: float) -> None:
        """Note an answer, or that it ended, at `time` on the run's clock."""
        self._answer.add(item, time)

    def lines(self, width: int, height: int) -> list[Line]:
        """Return `height` lines of `width` cells."""
        inner = width - 4
        title = [cell(clean(self.model.name), BOLD)]
        source = [cell(f"on {clean(self.stream.info.name)}", QUIET)]
        told, foot = self._notes(inner)
        rows = height - 2 - len(told)
        large = height >= self.heights(width)[-1]
        body = self._large(inner) if large else self._small(inner, rows)
        return box(width, height, [*told, *body], title, source, foot)

    @property
    def _judged(self) -> bool:
        return bool(self.stream.truth) or bool(self.tally.judged)

    def _notes(self, inner: int) -> tuple[list[Line], Line]:
        """Return what must be told: in lines of its own, and in the lower edge."""
        told: list[Line] = [[cell(clean(each), WARN)] for each in self.model.notes]
        foot = joined(told)
        if width_of(foot) <= inner - 2 or not told:
            return [], foot
        return told[:-1], told[-1]

    def _large(self, inner: int) -> list[Line]:
        current = self._answer.current(self._time)
        block = self._block(current)
        edge = [Segment(" " * width_of(block), block[0].style)]
        beside = [self._words(current), self._latency(), self._windows()]
        head = [
            [*left, cell("   "), *right]
            for left, right in zip([edge, block, edge], beside, strict=True)
        ]
        drawn = bars(self.model.labels, current, inner, self._label, self._judged)
        return [*head, [], *drawn, [], self._agreement()]

    def _small(self, inner: int, rows: int) -> list[Line]:
        current = self._answer.current(self._time)
        if rows == 1 and current is not None and current.label is not None:
            return [self._alone(current, current.label, inner)]
        left = [*self._block(current), cell("  "), *self._words(current)]
        head = spread(left, self._latency(), inner)
        facts = [fact for fact in (self._windows(), self._agreement()) if fact]
        facts = facts[: max(0, rows - 2)]
        labels = self._likely(current, max(0, rows - 1 - len(facts)))
        return [head, *bars(labels, current, inner, self._label, self._judged), *facts]

    def _alone(self, current: Prediction, label: str, inner: int) -> Line:
        """Return the only line there is: the decision and its bar, and how late."""
        block = self._block(current)
        middle = milliseconds(self.model.latency.percentile(50))
        late = [cell("  latency ", QUIET), cell(middle)]
        room = inner - width_of(block) - 2 - 6  # the percent behind the bar
        if room - width_of(late) < _BAR:
            late = []
        length = max(0, room - width_of(late))
        drawn = bar(current.probabilities.get(label), length, decided=True)
        return [*block, cell("  "), *drawn, *late]

    def _block(self, current: Prediction | None) -> Line:
        word = (current and current.label) or "NONE"
        style = DECIDED if current is not None and current.label else UNDECIDED
        text = clean(word)[: self._label]
        return fit([cell(f"  {text:^{self._label}}  ", style)], self._label + 4)

    def _words(self, current: Prediction | None) -> Line:
        if current is not None and current.label is None:
            return [cell(clean(current.reason or "no decision"), WARN)]
        if current is not None:
            sure = current.probabilities.get(current.label or "")
            return [cell(percent(sure).strip(), BOLD)]
        reason, worry = self._answer.why(self._time)
        return [cell(clean(reason), WARN if worry else QUIET)]

    def _likely(self, current: Prediction | None, count: int) -> tuple[str, ...]:
        """Return the labels to show where there are fewer lines than labels."""
        labels = self.model.labels
        if count >= len(labels):
            return labels
        known = {} if current is None else current.probabilities
        order = sorted(labels, key=lambda label: -_number(known.get(label)))
        chosen = set(order[:count])
        return tuple(label for label in labels if label in chosen)

    def _latency(self) -> Line:
        histogram = self.model.latency
        p50, p99 = histogram.percentile(50), histogram.percentile(99)
        if p50 is None or p99 is None:
            return [cell("latency —", QUIET)]
        middle, late = cell(milliseconds(p50)), cell(milliseconds(p99))
        return [
            cell("latency ", QUIET),
            middle,
            cell(" median · ", QUIET),
            late,
            cell(" p99", QUIET),
        ]

    def _windows(self) -> Line:
        counters = self.model.windows[self.stream.info.name]
        parts: list[Line] = [[cell(f"{counters.answered:,}"), cell(" answered", QUIET)]]
        for count, word, always in (
            (counters.skipped, "skipped", True),
            (counters.rejected, "rejected", True),
            (counters.stale, "stale", False),
            (counters.overrun, "overwritten", False),
            (counters.not_finite, "not finite", False),
        ):
            style = WARN if count and word != "rejected" else PLAIN
            if count or always:
                parts.append([cell(f"{count:,}", style), cell(f" {word}", QUIET)])
        return joined(parts)

    def _agreement(self) -> Line:
        balanced = self.tally.balanced_accuracy
        if balanced is None:
            return [cell("no truth yet", QUIET)] if self.stream.truth else []
        classes = len(self.tally.judged)
        seen = f" over {classes} class{'es' * (classes > 1)}"
        share = cell(percent(balanced).strip(), BOLD)
        parts = [[cell("balanced accuracy ", QUIET), share, cell(seen, QUIET)]]
        counters = self.model.windows[self.stream.info.name]
        if counters.judged:
            accuracy = percent(counters.correct / counters.judged).strip()
            text = f" of {counters.judged:,} correct"
            parts.append([cell(accuracy), cell(text, QUIET)])
        return joined(parts)


def _number(probability: float | None) -> float:
    return probability if probability is not None and isfinite(probability) else -1.0

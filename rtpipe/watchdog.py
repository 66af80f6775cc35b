"""When a stream's data stop or thin out, and whose decisions end with that."""

from collections import deque
from statistics import median

from rtpipe.counters import StreamCounters
from rtpipe.link import Link
from rtpipe.types import Event

_SHORTEST = 0.15  # seconds of silence that mean nothing
_INTERVALS = 3  # usual intervals between two chunks that mean nothing
_SPAN = 5.0  # seconds over which losses are looked at
_LOSSES = 0.01  # share of the samples from which a stream is degraded ...
_RATED, _RATED_FROM = 31, 11  # seconds over which the rate is measured: most, least
_OTHER = 0.1  # share by which it is another rate, and no stall or burst
_FEW = 0.005  # ... and below which it is no longer; between them it stays as it is


class Watchdog:
    """Watches one stream.

    A bundle's decision ends when the stream is lost, or when nothing has come for the
    longest of its hop, three usual intervals between what comes, and 150 ms. A stream
    is degraded while nothing comes for longer than is usual, which is known when it has
    sent twice; when of the last five seconds one sample in a hundred was lost; or when
    it has another rate than it declares, for then it is not what bundles were trained
    on.

    Parameters
    ----------
    stream : str
    sfreq : float
        Nominal, in hertz.
    link : Link
    counters : StreamCounters
        Of the stream.
    hops : dict of str to float
        Seconds from one window to the next of each bundle on the stream.
    """

    def __init__(
        self,
        stream: str,
        sfreq: float,
        link: Link,
        counters: StreamCounters,
        hops: dict[str, float],
    ) -> None:
        self._stream, self._sfreq = stream, sfreq
        self._link, self._counters = link, counters
        self._hops = hops
        self._intervals: deque[float] = deque(maxlen=32)
        self._heard: float | None = None
        self._standing: set[str] = set()  # bundles that may have a decision
        self._past: deque[tuple[float, int, int]] = deque()  # when, received, lost
        self._lossy = False
        self._came: deque[tuple[float, int]] = deque(maxlen=_RATED)  # when, how many

    def feed(self, now: float) -> None:
        """Note that samples have come, in however many chunks."""
        if self._heard is not None:
            self._intervals.append(now - self._heard)
        self._heard = now
        if not self._came or now - self._came[-1][0] >= 1:
            counters = self._counters
            self._came.append((now, counters.received + counters.lost))

    def due(self, model: str) -> None:
        """Note that a bundle was given a window: there will be a decision."""
        self._standing.add(model)

    def end(self, model: str, now: float, index: int, reason: str) -> Event | None:
        """Return the event that says a bundle has no decision; None if it had none."""
        if model not in self._standing:
            return None
        self._standing.remove(model)
        told = {"model": model, "reason": reason}
        return Event(self._stream, now, "none", index, told)

    def ended(self, now: float) -> list[tuple[str, str]]:
        """Return the bundles whose decisions have ended, each with the reason."""
        if self._heard is None:
            return []
        silent, usual = now - self._heard, self.usual
        lost = self._link.state in ("lost", "recovering")
        early = lost and silent < usual  # it was no silence that told
        reason = "the device is lost" if early else f"no data for {silent:.2f} s"
        return [
            (model, reason)
            for model in self._hops
            if model in self._standing
            and (lost or silent >= max(self._hops[model], usual))
        ]

    def patience(self, now: float) -> float:
        """Return the seconds until `ended` may have something new to say."""
        if self._heard is None:
            return float("inf")
        usual = self.usual
        waits = [max(self._hops[model], usual) for model in self._standing]
        return max(0.0, min(waits, default=float("inf")) - (now - self._heard))

    def look(self, now: float) -> list[Event]:
        """Judge the stream; return an event where its state changes."""
        link = self._link
        if link.state not in ("streaming", "degraded") or self._heard is None:
            self._past.clear()  # what an outage lost is told with the outage
            self._came.clear()
            return []
        reason = self._reason(now, self._heard)
        if reason and link.state == "streaming":
            link.become("degraded", now, reason)
            return [Event(self._stream, now, "degraded", None, {"reason": reason})]
        if not reason and link.state == "degraded":
            link.become("streaming", now)
            return [Event(self._stream, now, "steady")]
        link.reason = reason
        return []

    def _wrong_rate(self) -> str:
        """Return what is wrong with the rate, over half a minute; or nothing."""
        if len(self._came) < _RATED_FROM:
            return ""
        (first, before), (last, after) = self._came[0], self._came[-1]
        rate = (after - before) / (last - first)
        if abs(rate - self._sfreq) <= _OTHER * self._sfreq:
            return ""
        return (
            f"it sends {rate:.3g} samples a second and declares {self._sfreq:g}: set "
            "its sender right, for models take the declared rate"
        )

    @property
    def usual(self) -> float:
        """The longest silence that means nothing, in seconds."""
        usual = median(self._intervals) if self._intervals else 0.0
        return max(_SHORTEST, _INTERVALS * max(usual, 1 / self._sfreq))

    def _reason(self, now: float, heard: float) -> str:
        # Until it has sent twice, nobody knows how it sends; the connection still tells
        # that it is lost.
        if self._intervals and now - heard >= self.usual:
            return f"no data for {now - heard:.1f} s"
        counters, past = self._counters, self._past
        if not past or now - past[-1][0] >= _SPAN / 10:
            past.append((now, counters.received, counters.lost))
        while now - past[0][0] > _SPAN:
            past.popleft()
        received = counters.received - past[0][1]
        lost = counters.lost - past[0][2]
        if wrong := self._wrong_rate():
            return wrong
        share = lost / max(1, received + lost)
        enough = _FEW if self._lossy else _LOSSES
        self._lossy = share >= enough and now - past[0][0] >= _SPAN / 2
        if not self._lossy:
            return ""
        return f"{share:.1%} of the samples of the last seconds were lost"

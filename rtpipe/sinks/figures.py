"""What is counted and measured of a run, as Prometheus names and types it."""

from collections.abc import Iterator
from math import inf

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from rtpipe import __version__
from rtpipe.link import State
from rtpipe.sink import Run

STATES: tuple[State, ...] = (
    "connecting",
    "streaming",
    "degraded",
    "lost",
    "recovering",
)
# Names that end in `_total` when they are sent: counter, what it counts.
OF_STREAM = {
    "expected": "Samples of the running index, from the first received to the newest.",
    "received": "Samples the device sent.",
    "filled": "Lost samples that were filled in, because the gap was short.",
    "missing": "Received samples with a value that is not finite or at a rail.",
    "late": "Received samples that had come before or whose turn had passed.",
    "malformed": "Samples dropped for a shape that is not the stream's.",
}
OUTCOMES = {
    "answered": "answered",
    "skipped": "skipped",
    "stale": "stale",
    "overwritten": "overrun",
    "unanswered": "unanswered",
    "not_finite": "not_finite",
}


class Figures(Collector):
    """Reads a run's counters whenever it is asked.

    Parameters
    ----------
    run : Run
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def collect(self) -> Iterator[Metric]:
        """Yield each figure with all its labels."""
        info = _gauge("rtpipe_info", "Always 1.", "version", "run")
        info.add_metric([__version__, self._run.name], 1)
        yield info
        yield from self._samples()
        yield from self._streams()
        yield from self._recording()
        yield from self._windows()
        yield self._latencies()
        dropped = _counter("rtpipe_sink_items_dropped", _DROPPED, "sink")
        for sink, count in dict(self._run.dropped).items():
            dropped.add_metric([sink], count)
        yield dropped

    def _samples(self) -> Iterator[Metric]:
        streams = self._run.streams.items()
        for counted, text in OF_STREAM.items():
            found = _counter(f"rtpipe_samples_{counted}", text, "stream")
            for name, stream in streams:
                found.add_metric([name], getattr(stream.counters, counted))
            yield found
        lost = _counter("rtpipe_samples_lost", _LOST, "stream", "where")
        for name, stream in streams:
            lost.add_metric([name, "device"], stream.counters.lost_device)
            lost.add_metric([name, "transport"], stream.counters.lost_transport)
        yield lost
        overwritten = _counter("rtpipe_samples_overwritten", _OVERWRITTEN, "stream")
        unrecorded = _counter("rtpipe_samples_unrecorded", _UNRECORDED, "stream")
        for name, _ in streams:
            overwritten.add_metric([name], self._run.overwritten(name))
            unrecorded.add_metric([name], self._run.unrecorded.get(name, 0))
        yield overwritten
        yield unrecorded

    def _streams(self) -> Iterator[Metric]:
        gaps = _counter("rtpipe_gaps", "Gaps too long to fill.", "stream")
        outages = _counter("rtpipe_outages", "Times the device was lost.", "stream")
        state = _gauge("rtpipe_stream_state", _STATE, "stream", "state")
        delay = _gauge("rtpipe_stream_delay_seconds", _DELAY, "stream")
        jitter = _gauge("rtpipe_stream_jitter_seconds", _JITTER, "stream")
        for name, stream in self._run.streams.items():
            gaps.add_metric([name], stream.counters.gaps)
            outages.add_metric([name], stream.counters.outages)
            now = stream.link.state
            for each in STATES:
                state.add_metric([name, each], each == now)
            if (typical := stream.delays.typical) is not None:
                delay.add_metric([name], typical)
            if (late := stream.delays.jitter) is not None:
                jitter.add_metric([name], late)
        yield from (gaps, outages, state, delay, jitter)

    def _recording(self) -> Iterator[Metric]:
        if (recording := self._run.recording) is None:
            return
        size = _gauge("rtpipe_recording_bytes", "Size of the newest recording.")
        size.add_metric([], recording.bytes)
        yield size
        active = _gauge("rtpipe_recording_active", "1 while it goes on, else 0.")
        active.add_metric([], recording.state == "recording")
        yield active

    def _windows(self) -> Iterator[Metric]:
        due = _counter("rtpipe_windows_due", _DUE, "stream", "model")
        rejected = _counter("rtpipe_windows_rejected", _REJECTED, "stream", "model")
        windows = _counter("rtpipe_windows", _WINDOWS, "stream", "model", "outcome")
        for name, model in self._run.models.items():
            for stream, counters in model.windows.items():
                for outcome, counted in OUTCOMES.items():
                    count = getattr(counters, counted)
                    windows.add_metric([stream, name, outcome], count)
                due.add_metric([stream, name], counters.due)
                rejected.add_metric([stream, name], counters.rejected)
        yield from (due, windows, rejected)

    def _latencies(self) -> Metric:
        found = HistogramMetricFamily(
            "rtpipe_decision_latency_seconds", _LATENCY, labels=["model"]
        )
        for name, model in self._run.models.items():
            total, counts = model.latency.seconds, model.latency.at_most()
            buckets = [
                ("+Inf" if edge == inf else f"{edge:.6g}", float(count))
                for edge, count in counts
            ]
            found.add_metric([name], buckets, total)
        return found


_DROPPED = "Predictions and events that did not reach a sink: too slow, failed, closed."
_LOST = "Samples missing from the running index."
_OVERWRITTEN = "Samples overwritten before a model read them."
_UNRECORDED = "Samples a recorder was too slow for, or had failed for."
_STATE = "1 for the state the stream's connection is in, 0 for the others."
_DELAY = "Median of how long after its newest sample a chunk came."
_JITTER = "95th percentile less the median of that delay."
_DUE = "Windows whose last sample came."
_REJECTED = "Answered windows without a decision."
_WINDOWS = "Windows that were due, by what came of them."
_LATENCY = "From the end of a window, in a replay from its arrival, to the answer."


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, labels=labels)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)

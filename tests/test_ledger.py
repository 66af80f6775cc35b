"""Every loss is counted: what a device lost, sent twice or too late, and every window.

The device says what it does to its samples, in plain loops; the run's counters, its
events, its summary and its metrics must all tell the same.
"""

import threading
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from prometheus_client.parser import text_string_to_metric_families
from torch import Tensor, nn

from rtpipe import clock
from rtpipe.bundle import Bundle, Exported, Standardised, save
from rtpipe.counters import WindowCounters
from rtpipe.decide import Decision
from rtpipe.errors import BundleError
from rtpipe.grid import Grid
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Run
from rtpipe.sinks.collect import Collect
from rtpipe.sinks.metrics import Metrics
from rtpipe.skipped import REASONS
from rtpipe.types import Chunk, Event, StreamInfo

from .cards import small_card

SFREQ, N_TIMES, HOP = 200.0, 40, 10
Named = tuple[str, Bundle, Decision]


@dataclass
class Lossy:
    """A device that damages what it sends, and keeps the account of it.

    It begins at index 7, loses stretches short and long, sends some samples again,
    drops some itself as late or for their shape, and gives NaN now and then.
    """

    seed: int
    counted: bool = True
    paced: bool = False
    clock: Literal["run", "recording"] = "recording"
    received: int = 0
    device: int = 0  # samples lost
    transport: int = 0
    late: int = 0
    malformed: int = 0
    missing: int = 0
    filled: int = 0
    gaps: int = 0
    index: list[int] = field(default_factory=list)  # of what came first

    def open(self) -> Sequence[StreamInfo]:
        self.rng = np.random.default_rng(self.seed)
        self.at, self.left = 7, 300
        return [
            StreamInfo(
                "arm", SFREQ, ("A", "B"), ("emg",) * 2, ("uV",) * 2,
                counted=self.counted,
            )
        ]  # fmt: skip

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        self.left -= 1
        if self.left < 0:
            return None
        estimated = bool(self.rng.random() < 0.5)
        n = int(self.rng.integers(1, 40))
        if self.left < 299 and self.rng.random() < 0.2:
            self._lose(int(self.rng.choice([1, 5, 20, 21, 90])), estimated)
        elif self.rng.random() < 0.1:  # some that came already, and perhaps new ones
            again = min(int(self.rng.integers(1, 60)), self.at - 7)
            return [self._chunk(self.at - again, n + again % 2 * again, estimated)]
        return [self._chunk(self.at, n, estimated)]

    def close(self) -> None:
        pass

    def _lose(self, n: int, estimated: bool) -> None:
        self.at += n
        if estimated or not self.counted:
            self.transport += n
        else:
            self.device += n
        if n <= 0.1 * SFREQ:
            self.filled += n
        else:
            self.gaps += 1

    def _chunk(self, start: int, n: int, estimated: bool) -> Chunk:
        number = np.arange(start, start + n)
        fresh = number >= self.at
        data = np.repeat(number[:, None], 2, axis=1).astype(np.float32)
        bad = self.rng.random(n) < 0.05
        data[bad, 0] = np.nan
        events = []
        if dropped := int(self.rng.integers(0, 4)) * bool(self.rng.random() < 0.1):
            events.append(Event("arm", 0.0, "late", None, {"samples": dropped}))
        if wrong := int(self.rng.integers(0, 9)) * bool(self.rng.random() < 0.1):
            told = {"samples": wrong, "got": [3]}
            events.append(Event("arm", 0.0, "malformed", None, told))
        self.received += n + dropped
        self.late += int((~fresh).sum()) + dropped
        self.malformed += wrong
        self.missing += int((bad & fresh).sum())
        self.index += number[fresh].tolist()
        self.at = max(self.at, start + n)
        return Chunk(
            "arm",
            start,
            number / SFREQ,
            data,
            clock.now(),
            events=tuple(events),
            estimated=estimated,
        )

    @property
    def windows(self) -> list[int]:
        """The last sample of each window that no long gap touches."""
        stops = range(7 + N_TIMES, self.index[-1] + 2, HOP)
        steps = np.diff(self.index)
        breaks = [
            (a, a + d) for a, d in zip(self.index, steps.tolist(), strict=False)
            if d - 1 > 0.1 * SFREQ
        ]  # fmt: skip
        return [
            stop - 1
            for stop in stops
            if not any(stop - N_TIMES < b and a < stop - 1 for a, b in breaks)
        ]


class Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(-1)


class Gated:
    """A bundle's module that waits, or fails, when the test says so."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self.open, self.waiting = threading.Event(), threading.Event()
        self.open.set()
        self.left: int | None = None  # answers it still gives

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def features(self, x: Tensor) -> Tensor:
        self.waiting.set()
        assert self.open.wait(60)
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise RuntimeError("out of memory")
        found: Tensor = self._module.features(x)
        return found


@pytest.fixture
def bundle(tmp_path: Path) -> Named:
    card = small_card(name="mean", sfreq=SFREQ, n_times=N_TIMES, hop=HOP)
    path = tmp_path / "mean.pt"
    head = Standardised(nn.Identity())
    save(path, Exported(Mean(), head, torch.zeros(2), torch.ones(2)), card)
    return "mean", Bundle.load(path), card.decision


@pytest.fixture
def gated(bundle: Named) -> tuple[Named, Gated]:
    name, whole, decision = bundle
    module = Gated(whole.module)
    return (name, Bundle(whole.card, module), decision), module


def told(sink: Collect, kind: str) -> list[Event]:
    return [event for event in sink.events if event.kind == kind]


def balanced(windows: WindowCounters) -> bool:
    given_up = windows.skipped + windows.stale + windows.overrun + windows.unanswered
    return windows.due == windows.answered + given_up + windows.not_finite


# Samples ------------------------------------------------------------------------------


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_what_was_injected_is_reported(seed: int, counted: bool, bundle: Named) -> None:
    device, sink = Lossy(seed, counted), Collect()
    with Runtime([device], [bundle], [sink], shared=False) as runtime:
        runtime.wait()
    found = runtime.run.streams["arm"].counters
    assert found.summary() == {
        "received": device.received,
        "expected": device.index[-1] - device.index[0] + 1,
        "lost": device.device + device.transport,
        "lost_device": device.device,
        "lost_transport": device.transport,
        "filled": device.filled,
        "missing": device.missing,
        "late": device.late,
        "malformed": device.malformed,
        "gaps": device.gaps,
        "outages": 0,
    }
    assert device.gaps > 0
    assert device.late > 0
    assert device.malformed > 0
    assert found.expected == found.received - found.late + found.lost
    assert [each.index for each in sink.predictions] == device.windows
    windows = runtime.run.models["mean"].windows["arm"]
    assert windows.due == windows.answered == len(device.windows)
    assert not told(sink, "skipped")


def test_summary_events_and_metrics_agree(bundle: Named) -> None:
    sink, metrics = Collect(), Metrics("127.0.0.1", 0)
    with Runtime([Lossy(3)], [bundle], [sink, metrics], shared=False) as runtime:
        runtime.wait()
        figures = scraped(metrics)
    summary = runtime.run.summary()
    stream = summary["streams"]["arm"]
    lost = {"device": 0, "transport": 0}
    for event in told(sink, "gap"):
        where = "transport" if event.data["estimated"] else "device"
        lost[where] += event.data["lost"]
    assert lost == {each: stream[f"lost_{each}"] for each in lost}
    for where, count in lost.items():
        key = ("rtpipe_samples_lost_total", "arm", where)
        assert figures[key] == count > 0
    for kind in ("late", "malformed"):
        count = sum(event.data["samples"] for event in told(sink, kind))
        assert figures[f"rtpipe_samples_{kind}_total", "arm"] == count == stream[kind]
    for name in ("expected", "received", "filled", "missing", "overwritten"):
        assert figures[f"rtpipe_samples_{name}_total", "arm"] == stream[name]
    windows = summary["models"]["mean"]["windows"]["arm"]
    of_windows = {k: v for k, v in figures.items() if k[0] == "rtpipe_windows_total"}
    assert sum(of_windows.values()) == windows["due"] == len(sink.predictions)
    assert figures["rtpipe_windows_due_total", "mean", "arm"] == windows["due"]


def scraped(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Return each figure by its name and the values of its labels, in their order."""
    host, port = metrics.address
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=60) as page:
        text = page.read().decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


# Windows ------------------------------------------------------------------------------


@dataclass
class Flood:
    """A device that sends all it has at once, once told to, whoever can follow."""

    n_times: int
    paced: bool = True
    clock: Literal["run", "recording"] = "recording"

    def open(self) -> Sequence[StreamInfo]:
        self.at, self.go, self.sent = 0, threading.Event(), threading.Event()
        return [StreamInfo("arm", SFREQ, ("A", "B"), ("emg",) * 2, ("uV",) * 2)]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        if not self.go.wait(timeout):
            return []
        if self.at == self.n_times:
            self.sent.set()
            return None
        n = min(1000, self.n_times - self.at)
        index = np.arange(self.at, self.at + n)
        self.at += n
        data = np.repeat(index[:, None], 2, axis=1).astype(np.float32)
        return [Chunk("arm", int(index[0]), index / SFREQ, data, clock.now())]

    def close(self) -> None:
        pass


def flooded(n_times: int, gated: tuple[Named, Gated], sink: Collect) -> Run:
    """Return the run in which all samples came while the first batch was answered."""
    (named, module), device = gated, Flood(n_times)
    with Runtime([device], [named], [sink], shared=False) as runtime:
        module.open.clear()
        device.go.set()
        assert device.sent.wait(60)
        module.open.set()
        runtime.wait()
    return runtime.run


def every(n_times: int) -> list[int]:
    """The last sample of each window of the grid."""
    return [stop - 1 for stop in Grid(0, N_TIMES, HOP).stops(0, 0, n_times)]


def test_a_busy_bundle_skips_all_but_the_newest(
    gated: tuple[Named, Gated], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.runtime.runtime.PATIENCE", -1.0)
    sink = Collect()
    run = flooded(5000, gated, sink)
    windows = run.models["mean"].windows["arm"]
    events = told(sink, "skipped")
    assert {event.data["reason"] for event in events} == {REASONS["skipped"]}
    given_up = [index for event in events for index in event.data["indices"]]
    answered = [each.index for each in sink.predictions]
    assert sorted(given_up + answered) == every(5000)
    assert windows.skipped == len(given_up) > 400
    assert answered[-1] == every(5000)[-1]
    assert balanced(windows)


def test_windows_that_were_overwritten_are_counted_with_their_samples(
    gated: tuple[Named, Gated], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.runtime.runtime.PATIENCE", 60.0)
    n_times, sink = 30_000, Collect()
    run = flooded(n_times, gated, sink)
    windows, raw = run.models["mean"].windows["arm"], run.streams["arm"].raw
    assert raw.stop - raw.first == raw.capacity < n_times
    events = told(sink, "skipped")
    assert {event.data["reason"] for event in events} == {REASONS["overrun"]}
    given_up = [index for event in events for index in event.data["indices"]]
    answered = [each.index for each in sink.predictions]
    assert sorted(given_up + answered) == every(n_times)
    # Of the windows that waited, those that begin before the ring's oldest sample.
    late = [index for index in every(n_times) if index + 1 - N_TIMES < raw.first]
    assert given_up == [index for index in late if index not in answered]
    assert windows.overrun == len(given_up) > 0
    samples = {at for stop in given_up for at in range(stop + 1 - N_TIMES, stop + 1)}
    assert windows.overwritten == run.overwritten("arm") == len(samples)
    assert run.summary()["streams"]["arm"]["overwritten"] == len(samples)
    assert balanced(windows)


def test_windows_left_at_the_end_of_a_run_are_told(
    gated: tuple[Named, Gated], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.runtime.runtime.PATIENCE", 60.0)
    module, sink = gated[1], Collect()
    device = Flood(5000)
    runtime = Runtime([device], [gated[0]], [sink], shared=False)

    def run() -> None:
        with runtime:
            module.open.clear()
            module.left = 2
            device.go.set()
            assert device.sent.wait(60)
            module.open.set()
            runtime.wait()

    with pytest.raises(BundleError, match="out of memory"):
        run()
    windows = runtime.run.models["mean"].windows["arm"]
    events = told(sink, "skipped")
    assert {event.data["reason"] for event in events} == {REASONS["unanswered"]}
    given_up = [index for event in events for index in event.data["indices"]]
    answered = [each.index for each in sink.predictions]
    assert 0 < len(answered) <= 2 * 64
    assert answered + given_up == every(5000)
    assert windows.unanswered == len(given_up)
    assert balanced(windows)


class Misshapen(Lossy):
    """Sends samples of one value too many until it is stopped, and counts them."""

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        if self.malformed == 37:
            return []
        self.malformed += 1
        data = np.zeros((1, 3), np.float32)
        return [Chunk("arm", self.at, np.array([self.at / SFREQ]), data)]


def test_samples_of_another_shape_are_counted_when_the_run_is_stopped() -> None:
    device, sink = Misshapen(0), Collect()
    with Runtime([device], (), [sink], shared=False) as runtime:
        while device.malformed < 37:
            runtime.wait(0.01)
    assert runtime.run.streams["arm"].counters.malformed == 37
    assert sum(each.data["samples"] for each in told(sink, "malformed")) == 37

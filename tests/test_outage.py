"""A whole run whose device falls silent, is lost, and comes back."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rtpipe import clock
from rtpipe.bundle import Bundle, Exported, Standardised, save
from rtpipe.card import Card, StageCard, Training
from rtpipe.decide import Decision
from rtpipe.errors import DeviceLost, DeviceNotFound
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Item
from rtpipe.sinks.collect import Collect
from rtpipe.types import Chunk, Event, Prediction, StreamInfo

SFREQ, N_TIMES, HOP = 200.0, 40, 10


class Skip(int):
    """So many samples are lost."""


class Tap:
    """A device that gives what the test lets through, and nothing else."""

    paced = True
    clock: Literal["run", "recording"] = "run"

    def __init__(self) -> None:
        self.waiting: queue.Queue[int | Exception | None] = queue.Queue()
        self.there = threading.Event()
        self.there.set()
        self.sent = 0
        self.hangs = False
        self.late = 0.0  # seconds by which all it sends is late
        self.closed = 0
        self.opening = threading.Event()

    def let(self, *given: int | Exception | None) -> None:
        """Let samples up to a number through, an error, or the end."""
        for each in given:
            self.waiting.put(each)

    def open(self) -> Sequence[StreamInfo]:
        if self.hangs:
            self.opening.set()
            self.there.wait()
        if not self.there.is_set():
            raise DeviceNotFound("switch the armband on")
        self.first = self.sent
        self.begun = clock.now() - self.sent / SFREQ
        return [StreamInfo("emg", SFREQ, ("A",), ("emg",), ("uV",))]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        try:
            given = self.waiting.get(timeout=timeout)
        except queue.Empty:
            return []
        if given is None:
            return None
        if isinstance(given, Exception):
            raise given
        if isinstance(given, Skip):
            self.sent += given
            return []
        number = np.arange(self.sent, given)
        self.sent = given
        now = clock.now()
        times = np.minimum(self.begun + number / SFREQ, now) - self.late
        data = np.sin(number)[:, None].astype(np.float32)
        return [Chunk("emg", int(number[0]) - self.first, times, data, now)]

    def close(self) -> None:
        self.closed += 1


class Level(nn.Module):
    """Probabilities that tell the window's mean; slow, where the test says so."""

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(-1)
        return torch.cat([mean, -mean], 1)


Named = tuple[str, Bundle, Decision]


@pytest.fixture
def bundle(tmp_path: Path) -> Named:
    card = Card(
        name="level",
        task="level",
        labels=("high", "low"),
        sfreq=SFREQ,
        ch_names=("A",),
        units=("uV",),
        n_times=N_TIMES,
        hop=HOP,
        stages=(StageCard(kind="filter", settings={"low": 20.0, "high": 90.0}),),
        decision=Decision(smoothing="mean", windows=5),
        training=Training(recipe="none", protocol="none", seed=0, simulated=True),
    )
    path = tmp_path / "level.pt"
    head = Standardised(nn.Identity())
    save(path, Exported(Level(), head, torch.zeros(2), torch.ones(2)), card)
    return "level", Bundle.load(path), card.decision


class Watched(Collect):
    """Keeps everything in its order, and lets a test wait for something."""

    period = 0.01
    samples = False

    def __init__(self) -> None:
        super().__init__()
        self.items: list[Item] = []

    def take(self, items: Sequence[Item]) -> None:
        super().take(items)
        self.items += items

    def wait(self, there: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not there():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.005)

    def until(self, kind: str, n: int) -> None:
        self.wait(lambda: len(self.kinds(kind)) == n)

    def kinds(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtpipe.connection.LOST_AFTER", 0.5)
    monkeypatch.setattr("rtpipe.runtime.runtime.PATIENCE", 60.0)


def test_decisions_end_when_data_stop_and_go_on_with_them(bundle: Named) -> None:
    device, sink = Tap(), Watched()
    with Runtime([device], [bundle], [sink], shared=False) as runtime:
        for n in range(1, 4):
            device.let(n * 100 - 50, n * 100)
            sink.until("none", n)
        device.let(None)
        runtime.wait()
    assert [each.index for each in sink.predictions] == list(range(39, 300, 10))
    for event, last in zip(sink.kinds("none"), (99, 199, 299), strict=True):
        before = sink.items[: sink.items.index(event)]
        newest = [each for each in before if isinstance(each, Prediction)][-1]
        assert event.index == newest.index == last  # the end comes after the answer
        assert event.data["model"] == "level"
        assert "no data for" in event.data["reason"]


@pytest.mark.parametrize("says", [True, False], ids=["it says so", "it falls silent"])
def test_an_outage(bundle: Named, says: bool) -> None:
    device, sink = Tap(), Watched()
    outages = 3
    with Runtime([device], [bundle], [sink], shared=False) as runtime:
        link = runtime.run.streams["emg"].link
        assert link.state == "connecting"
        for n in range(1, outages + 1):
            device.let(device.sent + 100)
            if says:
                device.there.clear()
                device.let(DeviceLost("out of reach"))
            sink.until("lost", n)
            assert link.state in ("lost", "recovering")
            if says:
                sink.wait(lambda: "switch the armband on" in link.reason)
                device.sent += 1000  # what it sent meanwhile, to nobody
                device.there.set()
                sink.wait(lambda: link.state == "recovering")
            else:
                device.sent += 1000
            device.let(device.sent + 100)
            sink.until("recovered", n)
            assert link.state in ("streaming", "degraded")
        device.let(None)
        runtime.wait()
    counters = runtime.run.streams["emg"].counters
    assert counters.outages == outages
    assert len(sink.kinds("lost")) == len(sink.kinds("recovered")) == outages
    gaps = sink.kinds("gap")
    assert len(gaps) == counters.gaps == outages
    assert sum(gap.data["lost"] for gap in gaps) == counters.lost
    assert all(gap.data["estimated"] is says for gap in gaps)
    # Windows and filters started anew: the first answer after a gap is a whole window
    # after it, and no window has a part of it.
    for gap in gaps:
        after = (gap.index or 0) + gap.data["lost"]
        mine = [p for p in sink.predictions if p.index >= after]
        assert N_TIMES - 1 <= min(p.index for p in mine) - after < N_TIMES + HOP
    assert all(each.missing == 0 for each in sink.predictions)


def test_a_device_that_stays_away_ends_the_run(bundle: Named) -> None:
    device, sink = Tap(), Watched()
    run = Runtime([device], [bundle], [sink], shared=False, reconnect=0.3)
    run.__enter__()
    device.let(100)
    sink.wait(lambda: len(sink.predictions) == 7)
    device.there.clear()
    device.let(DeviceLost("out of reach"))
    run.wait()
    with pytest.raises(DeviceLost, match="out of reach; it did not come back within"):
        run.__exit__(None, None, None)
    assert len(sink.kinds("lost")) == 1


def test_the_end_of_a_decision_waits_for_an_answer_on_its_way(bundle: Named) -> None:
    name, good, decision = bundle

    class Slow:
        mean, scale = good.module.mean, good.module.scale
        probabilities = good.module.probabilities
        free = threading.Event()

        def features(self, x: Tensor) -> Tensor:
            self.free.wait()
            answer: Tensor = good.module.features(x)
            return answer

    module = Slow()
    module.free.set()  # for the warm-up
    device, sink = Tap(), Watched()
    slow = (name, Bundle(good.card, module), decision)
    with Runtime([device], [slow], [sink], shared=False) as runtime:
        module.free.clear()
        device.let(50, 100)
        sink.wait(lambda: bool(sink.kinds("degraded")))  # data have stopped
        assert not sink.kinds("none")
        module.free.set()
        sink.wait(lambda: bool(sink.kinds("none")))
        device.let(None)
        runtime.wait()
    assert isinstance(sink.items[-1], Event)
    last = [each for each in sink.items if each in sink.kinds("none")]
    assert sink.items.index(last[0]) > max(
        k for k, each in enumerate(sink.items) if isinstance(each, Prediction)
    )


def test_decisions_have_ended_before_the_device_is_opened_again(
    bundle: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.connection._FIRST_PAUSE", 0.0)
    device, sink = Tap(), Watched()
    device.hangs = True
    with Runtime([device], [bundle], [sink], shared=False) as runtime:
        device.let(100)
        sink.wait(lambda: len(sink.predictions) == 7)
        device.there.clear()
        device.opening.clear()
        device.let(DeviceLost("out of reach"))
        sink.wait(device.opening.is_set)
        sink.until("none", 1)  # while it still hangs in `open`
        device.there.set()
        device.let(None)
        runtime.wait()
    assert sink.kinds("none")[0].index == 99


def test_a_run_ends_although_a_device_hangs(
    bundle: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.connection._FIRST_PAUSE", 0.0)
    monkeypatch.setattr("rtpipe.runtime.reader._STOP", 0.1)
    device, sink = Tap(), Watched()
    device.hangs = True
    with Runtime([device], [bundle], [sink], shared=False):
        device.let(100)
        sink.wait(lambda: len(sink.predictions) == 7)
        device.there.clear()
        device.opening.clear()
        device.let(DeviceLost("out of reach"))
        sink.wait(device.opening.is_set)
    assert device.closed == 1  # when it was lost, and not while it is being opened
    device.there.set()
    sink.wait(lambda: device.closed == 2)


def test_no_decision_stands_over_a_long_gap(bundle: Named) -> None:
    """Told at once, although data go on: the first window after it comes later."""
    device, sink = Tap(), Watched()
    with Runtime([device], [bundle], [sink], shared=False) as runtime:
        device.let(100, Skip(30), 140, None)  # 150 ms
        runtime.wait()
    (event,) = sink.kinds("none")
    assert (event.index, event.data["reason"]) == (100, "30 samples were lost")
    assert sink.items.index(event) > sink.items.index(sink.predictions[-1])
    assert sink.predictions[-1].index == 99


def test_an_answer_that_is_no_number_ends_the_decision(bundle: Named) -> None:
    name, good, decision = bundle

    class Broken:
        mean, scale = good.module.mean, good.module.scale
        features = good.module.features
        broken = False

        def probabilities(
            self, features: Tensor, mean: Tensor, scale: Tensor
        ) -> Tensor:
            answer: Tensor = good.module.probabilities(features, mean, scale)
            return answer * float("nan") if self.broken else answer

    module = Broken()
    device, sink = Tap(), Watched()
    broken = (name, Bundle(good.card, module), decision)
    with Runtime([device], [broken], [sink], shared=False) as runtime:
        module.broken = True  # and was not in the warm-up
        device.let(50, None)
        runtime.wait()
    reason = "the answer is not a finite number"
    events = [e for e in sink.kinds("none") if e.data["reason"] == reason]
    assert [event.index for event in events] == [39]  # told once in a row
    assert runtime.run.models["level"].windows["emg"].not_finite == 2
    assert not sink.predictions


def test_a_device_that_is_over_leaves_no_decision(bundle: Named) -> None:
    one, other, sink = Tap(), Tap(), Watched()
    with Runtime([one, other], [bundle], [sink], shared=False) as runtime:
        one.let(100)
        other.let(100)
        sink.wait(lambda: len(sink.predictions) == 14)
        one.let(None)
        sink.wait(lambda: any(e.stream == "emg" for e in sink.kinds("none")))
        assert runtime.run.streams["emg"].link.reason == "it is over"
        other.let(None)
        runtime.wait()
    assert {event.stream for event in sink.kinds("none")} == {"emg", "emg-2"}


def test_what_is_past_is_not_answered_when_it_comes_at_last(bundle: Named) -> None:
    device, sink = Tap(), Watched()
    device.late = 3600.0
    with Runtime([device], [bundle], [sink], shared=False) as runtime:
        device.let(1000, None)
        runtime.wait()
    assert [each.index for each in sink.predictions] == [999]
    windows = runtime.run.models["level"].windows["emg"]
    assert (windows.due, windows.answered, windows.stale) == (97, 1, 96)
    (told,) = sink.kinds("skipped")
    assert told.data["indices"] == list(range(39, 999, 10))

"""The threads: what a slow bundle, a lost device or a broken sink does to a run."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rtpipe import clock
from rtpipe.bundle import Bundle, Exported, Standardised, save
from rtpipe.decide import Decision
from rtpipe.errors import BundleError, DeviceError, DeviceLost, RtpipeError
from rtpipe.pending import PATIENCE
from rtpipe.ring import Ring
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Item, Run
from rtpipe.sinks.collect import Collect
from rtpipe.types import Chunk, Event, StreamInfo

from .cards import small_card

SFREQ, N_TIMES, HOP = 200.0, 40, 10
Named = tuple[str, Bundle, Decision]


class Counting:
    """A device whose samples are their own index: a loss is seen in the data."""

    def __init__(
        self, n_times: int, *, paced: bool = False, chunk: int = 10, name: str = "count"
    ) -> None:
        self.n_times, self.paced, self.chunk, self.name = n_times, paced, chunk, name
        self.clock: Literal["run", "recording"] = "run" if paced else "recording"
        self.closed = 0

    def open(self) -> Sequence[StreamInfo]:
        self.at, self.start = 0, clock.now()
        return [StreamInfo(self.name, SFREQ, ("A", "B"), ("emg",) * 2, ("uV",) * 2)]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        if self.at >= self.n_times:
            return None
        index = np.arange(self.at, min(self.at + self.chunk, self.n_times))
        if self.paced:
            time.sleep(max(0.0, self.start + index[-1] / SFREQ - clock.now()))
        self.at += len(index)
        times = index / SFREQ + (self.start if self.paced else 0.0)
        data = np.repeat(index[:, None], 2, axis=1).astype(np.float32)
        return [Chunk(self.name, int(index[0]), times, data, clock.now())]

    def close(self) -> None:
        self.closed += 1


class Mean(nn.Module):
    """Probabilities that tell the window's mean, after so many useless products."""

    def __init__(self, products: int = 0) -> None:
        super().__init__()
        self.products = products
        self.square: Tensor
        self.register_buffer("square", torch.eye(400))

    def forward(self, x: Tensor) -> Tensor:
        waste = self.square
        for _ in range(self.products):
            waste = waste @ waste
        return x.mean(-1) + 0 * waste[0, 0]


@pytest.fixture
def bundle(tmp_path: Path) -> Callable[..., Named]:
    def make(name: str = "mean", products: int = 0, **changes: Any) -> Named:
        told = {"sfreq": SFREQ, "n_times": N_TIMES, "hop": HOP}
        card = small_card(name=name, **told | changes)
        path = tmp_path / f"{name}.pt"
        zeros, ones = torch.zeros(2), torch.ones(2)
        save(
            path,
            Exported(Mean(products), Standardised(nn.Identity()), zeros, ones),
            card,
        )
        return name, Bundle.load(path), card.decision

    return make


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window is skipped because the machine was busy with something else."""
    monkeypatch.setattr("rtpipe.runtime.runtime.PATIENCE", 60.0)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    names = [t.name for t in threading.enumerate() if t.name.startswith("rtpipe")]
    assert not names
    mine = f"run-{os.getpid()}"
    assert not list(folder_of_runs().glob(f"{mine}*"))


def test_every_window_is_answered_where_the_source_waits(
    bundle: Callable[..., Named],
) -> None:
    sink = Collect()
    with Runtime([Counting(1000, chunk=333)], [bundle()], [sink]) as runtime:
        runtime.wait()
    indices = [each.index for each in sink.predictions]
    assert indices == list(range(N_TIMES - 1, 1000, HOP))
    counters = runtime.run.models["mean"].windows["count"]
    assert counters.due == counters.answered == len(indices)
    assert runtime.run.streams["count"].counters.received == 1000


def test_many_streams_share_a_bundle_and_keep_their_order(
    bundle: Callable[..., Named],
) -> None:
    sink = Collect()
    devices = [Counting(500, chunk=90), Counting(300, chunk=70)]
    with Runtime(devices, [bundle()], [sink]) as runtime:
        runtime.wait()
    assert list(runtime.run.streams) == ["count", "count-2"]
    for stream, n_times in ("count", 500), ("count-2", 300):
        mine = [each.index for each in sink.predictions if each.stream == stream]
        assert mine == list(range(N_TIMES - 1, n_times, HOP))


def products_in(seconds: float) -> int:
    """Return how many of the products take about so long on this machine."""
    model, x = Mean(20), torch.zeros(1, 2, N_TIMES)
    torch.set_num_threads(1)
    begun = time.perf_counter()
    model(x)
    return max(1, round(20 * seconds / (time.perf_counter() - begun)))


def test_a_slow_bundle_skips_and_counts_and_leaves_the_other_alone(
    bundle: Callable[..., Named], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow one takes longer than the windows are apart, whatever the machine."""
    monkeypatch.setattr("rtpipe.runtime.runtime.PATIENCE", PATIENCE)
    sink = Collect()
    slow, fast = bundle("slow", products=products_in(0.4)), bundle("fast")
    with Runtime([Counting(600, paced=True)], [slow, fast], [sink]) as runtime:
        runtime.wait()
    windows = {name: each.windows["count"] for name, each in runtime.run.models.items()}
    assert windows["slow"].skipped > 0
    assert windows["slow"].due == windows["slow"].answered + windows["slow"].skipped
    skipped = [each.data for each in sink.events if each.kind == "skipped"]
    told = [i for e in skipped if e["model"] == "slow" for i in e["indices"]]
    assert len(told) == windows["slow"].skipped
    answered = {each.index for each in sink.predictions if each.model == "slow"}
    assert answered.isdisjoint(told)
    assert max(answered) == 599  # the newest is never given up
    assert 10 * windows["fast"].skipped <= windows["slow"].skipped
    slow_p50, fast_p50 = (
        runtime.run.models[name].latency.percentile(50) or 0
        for name in ("slow", "fast")
    )
    assert slow_p50 > 5 * fast_p50
    assert runtime.run.streams["count"].counters.received == 600


def test_a_bundle_that_fits_no_stream_is_refused_or_left_out(
    bundle: Callable[..., Named],
) -> None:
    device = Counting(100)
    other = bundle(ch_names=("A", "C"))
    with pytest.raises(BundleError, match=r"fits no stream.*channel C.*has A, B"):
        Runtime([device], [other]).__enter__()
    assert device.closed == 1
    sink = Collect()
    with Runtime([Counting(100)], [other], [sink], optional=True) as runtime:
        runtime.wait()
    assert runtime.run.models == {}
    (told,) = [event for event in sink.events if event.kind == "unfit"]
    assert "wants the channel C and the stream has A, B" in told.data["reason"]
    both = Collect()
    with Runtime([Counting(100)], [other, bundle("two")], [both], optional=True) as run:
        run.wait()
    assert not [event for event in both.events if event.kind == "unfit"]


def test_a_device_that_waits_cannot_run_beside_one_that_does_not(
    bundle: Callable[..., Named],
) -> None:
    devices = [Counting(100), Counting(100, paced=True)]
    with (
        pytest.raises(RtpipeError, match=r"Counting .* cannot run beside Counting .*:"),
        Runtime(devices, [bundle()]),
    ):
        pass
    assert [each.closed for each in devices] == [0, 0], "none was opened"


def test_a_lost_device_ends_the_run_with_its_error(
    bundle: Callable[..., Named],
) -> None:
    class Unplugged(Counting):
        def read(self, timeout: float) -> Sequence[Chunk] | None:
            if self.at == 500:
                raise DeviceLost("the cable is out")
            return super().read(timeout)

    device, sink = Unplugged(1000), Collect()
    with pytest.raises(DeviceLost, match="the cable is out"):
        with Runtime([device], [bundle()], [sink]) as runtime:
            runtime.wait()
    assert len(sink.predictions) == (500 - N_TIMES) // HOP + 1  # nothing was lost
    assert device.closed


def test_an_error_in_a_bundle_ends_the_run(bundle: Callable[..., Named]) -> None:
    name, good, decision = bundle()

    class Broken:
        mean, scale = good.module.mean, good.module.scale
        probabilities = good.module.probabilities
        calls = 0

        def features(self, x: Tensor) -> Tensor:
            self.calls += 1
            if self.calls > 20:  # after the warm-up
                raise RuntimeError("no such kernel")
            answer: Tensor = good.module.features(x)
            return answer

    broken = (name, Bundle(good.card, Broken()), decision)
    with pytest.raises(BundleError, match="bundle mean failed: no such kernel"):
        with Runtime([Counting(10_000)], [broken]) as runtime:
            runtime.wait()


class Failing(Collect):
    name = "failing"

    def take(self, items: Sequence[Item]) -> None:
        raise OSError("the disk is full")


def test_a_run_whose_every_sink_failed_ends(bundle: Callable[..., Named]) -> None:
    with pytest.raises(RtpipeError, match="failing stopped: the disk is full"):
        with Runtime([Counting(10**9, paced=True)], [bundle()], [Failing()]) as runtime:
            runtime.wait()


def test_why_a_sink_failed_is_told_where_its_error_says_nothing() -> None:
    class Wordless(Collect):
        name = "wordless"

        def take(self, items: Sequence[Item]) -> None:
            raise AssertionError

    sink = Collect()
    with pytest.raises(RtpipeError, match="wordless stopped: AssertionError"):
        with Runtime([Counting(10**9, paced=True)], sinks=[Wordless()]) as runtime:
            runtime.wait()
    devices = [Counting(200, paced=True)]
    with Runtime(devices, sinks=[Wordless(), sink]) as runtime:
        runtime.wait()
    (told,) = [each for each in sink.events if each.kind == "sink"]
    assert told.data == {"sink": "wordless", "error": "AssertionError"}


class Stuck(Collect):
    """A sink that takes nothing more until it is told to."""

    name = "stuck"

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()

    def take(self, items: Sequence[Item]) -> None:
        self.free.wait()
        super().take(items)


def test_a_failing_sink_stops_alone(bundle: Callable[..., Named]) -> None:
    sink = Collect()
    devices = [Counting(200, paced=True)]
    with Runtime(devices, [bundle()], [Failing(), sink]) as runtime:
        runtime.wait()
    assert len(sink.predictions) == (200 - N_TIMES) // HOP + 1
    (told,) = [each for each in sink.events if each.kind == "sink"]
    assert told.data == {"sink": "failing", "error": "the disk is full"}


def test_a_stuck_sink_loses_items_and_counts_them(
    bundle: Callable[..., Named], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.runtime.lane.QUEUE", 5)
    stuck, sink = Stuck(), Collect()
    with Runtime([Counting(400, paced=True)], [bundle()], [stuck, sink]) as runtime:
        runtime.wait()
        stuck.free.set()
    assert len(sink.predictions) == 37
    lost = runtime.run.dropped["stuck"]
    assert lost > 0
    assert len(stuck.predictions) + len(stuck.events) + lost == 37 + len(sink.events)


def test_a_run_that_waits_for_a_sink_can_be_stopped(
    bundle: Callable[..., Named], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a replay at max that is read page by page, and then left."""
    monkeypatch.setattr("rtpipe.runtime.lane.QUEUE", 5)
    stuck, ended = Stuck(), threading.Event()

    def free_when_the_others_have_ended() -> None:
        others = {"rtpipe-read", "rtpipe-answer"}
        for _ in range(500):
            if others.isdisjoint(t.name for t in threading.enumerate()):
                ended.set()
                break
            time.sleep(0.01)
        stuck.free.set()

    with Runtime([Counting(10**9)], [bundle()], [stuck]) as runtime:
        while runtime.run.models["mean"].windows["count"].answered < 5:
            time.sleep(0.01)
        watch = threading.Thread(target=free_when_the_others_have_ended)
        watch.start()
    watch.join()
    assert ended.is_set()  # though the sink was still stuck
    assert runtime.run.dropped["stuck"] == 0
    answered = runtime.run.models["mean"].windows["count"].answered
    assert len(stuck.predictions) == answered


def test_a_sink_may_stop_the_run(bundle: Callable[..., Named]) -> None:
    class Stopping(Collect):
        def open(self, run: Run) -> None:
            self.run = run

        def take(self, items: Sequence[Item]) -> None:
            super().take(items)
            if len(self.predictions) > 3:
                self.run.stop()

    with Runtime([Counting(10**9)], [bundle()], [Stopping()]) as runtime:
        runtime.wait()


def test_a_duration_ends_the_run(bundle: Callable[..., Named]) -> None:
    sink = Collect()
    with Runtime([Counting(10**9, paced=True)], [bundle()], [sink]) as runtime:
        runtime.wait(0.5)
    assert sink.predictions


class Gappy(Counting):
    """Drops five samples once, and a hundred later."""

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        if self.at == 200:
            self.at += 5
        if self.at == 405:
            self.at += 100
        return super().read(timeout)


def test_gaps_are_counted_and_windows_keep_the_grid(
    bundle: Callable[..., Named],
) -> None:
    sink = Collect()
    with Runtime([Gappy(800)], [bundle()], [sink]) as runtime:
        runtime.wait()
    counters = runtime.run.streams["count"].counters
    assert (counters.lost, counters.filled, counters.gaps) == (105, 5, 1)
    assert counters.received == 800 - 105
    grid = range(N_TIMES - 1, 800, HOP)
    # 405..504 are lost for good: no window touches one of them.
    assert [each.index for each in sink.predictions] == [
        k for k in grid if k < 405 or k - N_TIMES + 1 >= 505
    ]
    filled = [each for each in sink.predictions if each.missing]
    assert [each.index for each in filled] == [k for k in grid if 200 <= k < 205 + 39]
    told = [each.data for each in sink.events if each.kind == "gap"]
    assert [(each["lost"], each["filled"]) for each in told] == [
        (5, True),
        (100, False),
    ]


def test_marks_are_events_on_every_stream(bundle: Callable[..., Named]) -> None:
    sink = Collect()
    with Runtime([Counting(200, paced=True)], [bundle()], [sink]) as runtime:
        time.sleep(0.3)
        runtime.run.mark("eyes closed")
        runtime.wait()
    (told,) = [each for each in sink.events if each.kind == "marker"]
    assert told.data == {"text": "eyes closed"}
    assert 0 < (told.index or 0) < 200


def test_another_process_reads_the_ring_and_the_socket_of_a_run(
    bundle: Callable[..., Named],
) -> None:
    """What the dashboard will do, done by hand."""
    with Runtime([Counting(400, paced=True)], [bundle()]) as runtime:
        folder = folder_of_runs() / runtime.run.name
        told = json.loads((folder / "run.json").read_text())
        assert told["pid"] == os.getpid()
        (stream,) = told["streams"]
        ring = Ring.attach(Path(stream["rings"]["raw"]), tuple(stream["sample_shape"]))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(told["socket"])
            lines = client.makefile()
            kinds = [json.loads(lines.readline())["type"] for _ in range(6)]
            lines.close()
        view = ring.view(0, ring.stop).copy()
        runtime.wait()
    assert kinds[0] == "hello"
    assert "prediction" in kinds
    np.testing.assert_array_equal(view[:, 0], np.arange(len(view)))


LIVE = "from rtpipe.cli import main; main()"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_run_cleanly(stop: signal.Signals) -> None:
    arguments = ["live", "--device", "synthetic:emg", "--json", "--ui", "none"]
    with subprocess.Popen(
        [sys.executable, "-c", LIVE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        assert json.loads(first)["type"] == "event"
        process.send_signal(stop)
        lines = process.stdout.read().splitlines()
        assert process.wait() == 130
        assert process.stderr.read() == ""
    assert json.loads(lines[-1])["type"] == "summary"
    assert not list(folder_of_runs().glob(f"run-{process.pid}*"))


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    path = str(tmp_path / "run.xdf")  # without models, which take long to load
    arguments = ["record", "--device", "synthetic:emg", "--json", path]
    with subprocess.Popen(
        [sys.executable, "-c", LIVE, *arguments], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
        process.wait()
    assert list(folder_of_runs().glob(f"run-{process.pid}*"))
    with Runtime([Counting(10)]) as runtime:
        runtime.wait()
    assert not list(folder_of_runs().glob(f"run-{process.pid}*"))


def test_an_event_of_a_renamed_stream_carries_the_new_name() -> None:
    class Telling(Counting):
        def read(self, timeout: float) -> Sequence[Chunk] | None:
            chunks = super().read(timeout)
            if chunks is None:
                return None
            (chunk,) = chunks
            event = Event(self.name, 0.0, "marker", chunk.index, {"text": "x"})
            return [
                Chunk(
                    chunk.stream,
                    chunk.index,
                    chunk.times,
                    chunk.data,
                    chunk.arrived,
                    events=(event,),
                )
            ]

    sink = Collect()
    with Runtime([Telling(10), Telling(10)], sinks=[sink]) as runtime:
        runtime.wait()
    markers = [each.stream for each in sink.events if each.kind == "marker"]
    assert sorted(markers) == ["count", "count-2"]


def test_whatever_a_driver_raises_is_the_devices_error() -> None:
    class Driver(Counting):
        def read(self, timeout: float) -> Sequence[Chunk] | None:
            raise ValueError("checksum\nof packet 7 is wrong")

    class NoDriver(Counting):
        def open(self) -> Sequence[StreamInfo]:
            raise KeyError("firmware")

    with pytest.raises(DeviceError, match="Driver failed: of packet 7 is wrong"):
        with Runtime([Driver(10)]) as runtime:
            runtime.wait()
    with pytest.raises(DeviceError, match="NoDriver failed: 'firmware'"):
        Runtime([NoDriver(10)]).__enter__()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": ("a", "b", "c")}, "it gives 2 probabilities, not 3"),
        ({"ch_names": ("A",), "units": ("uV",)}, "cannot answer the windows its card"),
        ({"n_times": 10**13}, "cannot answer the windows its card describes"),
    ],
    ids=["labels", "channels", "memory"],
)
def test_a_card_that_does_not_describe_its_model(
    changes: dict[str, object], said: str, bundle: Callable[..., Named]
) -> None:
    with pytest.raises(BundleError, match=said):
        Runtime([Counting(10)], [bundle(**changes)]).__enter__()

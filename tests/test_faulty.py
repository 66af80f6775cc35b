"""The faulty device: what it does to a signal whose every sample is known."""

import re
from collections.abc import Sequence
from dataclasses import replace
from inspect import getdoc
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from rtpipe.devices.faulty import FaultyDevice, faulty
from rtpipe.devices.faulty_script import AMOUNTS
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe import clock
from rtpipe.checks import check_device
from rtpipe.config import check, device_argument
from rtpipe.errors import ConfigError, DeviceLost, DeviceNotFound
from rtpipe.types import Chunk, Event, StreamInfo

SFREQ, PACKET = 200.0, 4  # hertz; samples of 20 ms
RAILS = (-1.0, 100_000.0)
TOLD = {"task": "count", "label": "on"}


class Counting:
    """Two channels that hold the number of the sample, and a truth each second."""

    def __init__(
        self, seconds: float = 20, chunk: int = 50, names: Sequence[str] = ("count",)
    ) -> None:
        self.n_times, self.chunk, self.names = round(seconds * SFREQ), chunk, names
        self.paced, self.closed, self.at = False, 0, 0
        self.clock: Literal["run", "recording"] = "recording"
        self.rails: tuple[float, float] | None = RAILS
        self.counted = True

    def open(self) -> Sequence[StreamInfo]:
        self.at = 0
        return [
            StreamInfo(
                name,
                SFREQ,
                ("A", "B"),
                ("emg",) * 2,
                ("uV",) * 2,
                rails=self.rails,
                counted=self.counted,
            )
            for name in self.names
        ]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        if self.at >= self.n_times:
            return None
        index = np.arange(self.at, min(self.at + self.chunk, self.n_times))
        self.at += len(index)
        told = index[index % 200 == 0].tolist()
        return [
            Chunk(
                name,
                int(index[0]),
                index / SFREQ,
                np.repeat(index[:, None], 2, axis=1).astype(np.float32),
                clock.now(),
                device_times=1000 + index / SFREQ,
                events=tuple(Event(name, k / SFREQ, "truth", k, TOLD) for k in told),
            )
            for name in self.names
        ]

    def close(self) -> None:
        self.closed += 1


class Heard:
    """All that a device gave, opened again whenever it was lost."""

    def __init__(self, device: FaultyDevice) -> None:
        self.chunks: list[Chunk] = []
        self.lost: list[int] = []  # chunks that came before
        device.open()
        while True:
            try:
                chunks = device.read(0.0)
            except DeviceLost:
                self.lost.append(len(self.chunks))
                device.close()
                device.open()
                continue
            if chunks is None:
                break
            self.chunks += chunks

    @property
    def index(self) -> NDArray[np.int64]:
        return np.concatenate([np.arange(c.index, c.stop) for c in self.chunks])

    @property
    def data(self) -> NDArray[np.float32]:
        return np.concatenate([each.data for each in self.chunks])

    @property
    def times(self) -> NDArray[np.float64]:
        return np.concatenate([each.times for each in self.chunks])

    @property
    def events(self) -> list[Event]:
        return [event for each in self.chunks for event in each.events]

    def faults(self, name: str) -> list[tuple[int, int]]:
        """Return where each fault of a name began, and of how many samples it was."""
        return [
            (event.index or 0, event.data["samples"])
            for event in self.events
            if event.kind == "fault" and event.data["fault"] == name
        ]

    def hit(self, name: str) -> NDArray[np.int64]:
        """Return the indices that a fault is told to have befallen."""
        each = [np.arange(at, at + n) for at, n in self.faults(name)]
        return np.concatenate([np.empty(0, np.int64), *each])


def until_lost(device: FaultyDevice, chunks: list[Chunk]) -> None:
    while True:
        chunks += device.read(0.05) or ()


def heard(faults: str, seed: int = 0, **settings: float) -> Heard:
    return Heard(FaultyDevice(Counting(**settings), faults, seed=seed))  # type: ignore[arg-type]


def test_without_faults_it_is_the_other_device() -> None:
    check_device(FaultyDevice(Counting(10)), 5.0)
    plain = heard("")
    np.testing.assert_array_equal(plain.index, np.arange(4000))
    np.testing.assert_array_equal(plain.data[:, 0], np.arange(4000))
    np.testing.assert_array_equal(plain.times, np.arange(4000) / SFREQ)
    assert [each.index for each in plain.events] == list(range(0, 4000, 200))


@pytest.mark.parametrize("faults", ["nan 2%", "rails 2%", "drop 2%", "stall 1 at 2"])
def test_a_device_with_faults_that_any_device_may_have_keeps_the_laws(
    faults: str,
) -> None:
    check_device(FaultyDevice(Counting(10), faults), 5.0)


@pytest.mark.parametrize(
    ("faults", "lost"),
    [
        ("drop 2 at 10", [(2000, 400)]),
        ("drop at 10", [(2000, PACKET)]),
        ("drop 0.5 at 3, 6", [(600, 100), (1200, 100)]),
        ("drop 0.1 every 5", [(1000, 20), (2000, 20), (3000, 20)]),
        ("drop 0.03 at 1.001", [(204, 2 * PACKET)]),  # whole packets, none before
        ("drop at 0", [(PACKET, PACKET)]),  # the first packet is left alone
        ("drop 5 at 18", [(3600, 400)]),  # up to the end
    ],
)
def test_what_is_dropped_does_not_come_and_is_told(
    faults: str, lost: list[tuple[int, int]]
) -> None:
    found = heard(faults)
    assert found.faults("drop") == lost
    np.testing.assert_array_equal(
        found.index, np.setdiff1d(np.arange(4000), found.hit("drop"))
    )
    np.testing.assert_array_equal(found.data[:, 0], found.index)
    # What the device itself had to tell is not lost with its samples.
    told = [each.index for each in found.events if each.kind == "truth"]
    assert told == list(range(0, 4000, 200))


def test_chance_hits_the_share_it_is_given() -> None:
    found = heard("drop 5%", seconds=600)
    share = len(found.hit("drop")) / 120_000
    # Of 30 000 packets: five standard deviations of a binomial.
    assert share == pytest.approx(0.05, abs=5 * (0.05 * 0.95 / 30_000) ** 0.5)
    assert all(n % PACKET == 0 for _, n in found.faults("drop"))


@pytest.mark.parametrize(("name", "value"), [("nan", np.nan), ("rails", RAILS[1])])
def test_one_channel_is_spoilt(name: str, value: float) -> None:
    found = heard(f"{name} 1 at 5; {name} 1%")
    np.testing.assert_array_equal(found.index, np.arange(4000))
    hit = found.hit(name)
    assert {1000, 1199} < set(hit)
    must = np.repeat(np.arange(4000.0)[:, None], 2, axis=1)
    for at, n in found.faults(name):
        same = np.array_equal(found.data[at : at + n, 0], must[at : at + n, 0])
        must[at : at + n, int(same)] = value
    np.testing.assert_array_equal(found.data, must)


def test_a_flood_brings_ten_samples_for_each() -> None:
    found = heard("flood 1 at 5")
    assert found.faults("flood") == [(1000, 9 * 200)]
    np.testing.assert_array_equal(found.index, np.arange(4000 + 1800))
    many = np.concatenate(
        [np.arange(1000), np.repeat(np.arange(1000, 1200), 10), np.arange(1200, 4000)]
    )
    np.testing.assert_array_equal(found.data[:, 0], many)
    assert (np.diff(found.times) > 0).all()
    assert np.diff(found.times[1000:3000]) == pytest.approx(1 / (10 * SFREQ))
    told = [each.index for each in found.events if each.kind == "truth"]
    assert told[:7] == [0, 200, 400, 600, 800, 1000, 3000]


def test_stamps_are_wrong_and_samples_are_not() -> None:
    true = np.arange(4000) / SFREQ
    late = heard("jitter 0.05").times - true
    assert 0 <= late.min() < late.max() <= 0.05
    assert late.max() > 0.045
    # All of a packet are late by the same.
    assert np.ptp(late.reshape(-1, PACKET), axis=1).max() == pytest.approx(0, abs=1e-9)
    drift = heard("drift -300")
    np.testing.assert_allclose(drift.times - true, -300e-6 * true, atol=1e-9)
    jump = heard("jump 0.5 at 5; jump -0.2 at 10")
    off = 0.5 * (true >= 5) - 0.2 * (true >= 10)
    np.testing.assert_allclose(jump.times - true, off, atol=1e-9)
    stamps = [c.device_times for c in jump.chunks if c.device_times is not None]
    np.testing.assert_allclose(np.concatenate(stamps) - 1000 - true, off, atol=1e-9)
    for found in (drift, jump):
        np.testing.assert_array_equal(found.data[:, 0], np.arange(4000))
    told = [e.data for e in jump.events if e.kind == "fault"]
    assert told == [
        {"fault": "jump", "seconds": 0.5},
        {"fault": "jump", "seconds": -0.2},
    ]
    (told_once,) = [e.data for e in drift.events if e.kind == "fault"]
    assert told_once == {"fault": "drift", "ppm": -300.0}


def test_a_channel_too_many() -> None:
    found = heard("channels 1 at 5")
    wide = [each for each in found.chunks if each.data.shape[1] == 3]
    assert [(wide[0].index, sum(map(len, wide)))] == found.faults("channels")
    assert (wide[0].index, wide[-1].stop) == (1000, 1200)
    np.testing.assert_array_equal(found.index, np.arange(4000))


def test_packets_come_twice_or_too_late() -> None:
    twice = heard("duplicate 2%")
    assert len(twice.faults("duplicate")) > 10
    number, times = np.unique(twice.index, return_counts=True)
    np.testing.assert_array_equal(number, np.arange(4000))
    np.testing.assert_array_equal(number[times == 2], twice.hit("duplicate"))
    np.testing.assert_array_equal(twice.data[:, 0], twice.index)
    swapped = heard("reorder 2%")
    late = swapped.index < np.maximum.accumulate(swapped.index)
    np.testing.assert_array_equal(swapped.index[late], swapped.hit("reorder"))
    np.testing.assert_array_equal(np.sort(swapped.index), np.arange(4000))
    assert len(swapped.hit("reorder")) > 40
    np.testing.assert_array_equal(swapped.data[:, 0], swapped.index)


def test_after_a_stall_all_comes_at_once() -> None:
    found = heard("stall 2 at 5", chunk=10)
    assert found.faults("stall") == [(1000, 400)]
    np.testing.assert_array_equal(found.index, np.arange(4000))
    (whole,) = [each for each in found.chunks if each.index <= 1000 < each.stop]
    assert (whole.index, whole.stop >= 1400) == (1000, True)


def test_a_disconnect_is_said_and_what_was_measured_meanwhile_is_gone() -> None:
    found = heard("disconnect 3 at 5, 12")
    assert found.faults("disconnect") == [(1000, 600), (2400, 600)]
    np.testing.assert_array_equal(
        found.index, np.setdiff1d(np.arange(4000), found.hit("disconnect"))
    )
    np.testing.assert_array_equal(found.data[:, 0], found.index)
    before = [found.chunks[n - 1].stop for n in found.lost]
    after = [found.chunks[n].index for n in found.lost]
    assert (before, after) == ([1000, 2400], [1600, 3000])


def test_a_packet_from_before_an_outage_does_not_make_two_of_it() -> None:
    found = heard("reorder 0.02 at 4.98; disconnect 2 at 5")
    (at,) = found.lost
    assert found.chunks[at].index == 996
    assert sum(n for _, n in found.faults("disconnect")) == 400


def test_all_streams_are_disconnected_at_once() -> None:
    device = FaultyDevice(Counting(20, names=("one", "two")), "disconnect 1 every 5")
    found = Heard(device)
    assert len(found.lost) == 3
    for n, start in zip(found.lost, (1000, 2000, 3000), strict=True):
        stops = {each.stream: each.stop for each in found.chunks[:n]}
        assert stops == {"one": start, "two": start}
        starts = {each.stream: each.index for each in found.chunks[: n - 1 : -1]}
        assert starts == {"one": start + 200, "two": start + 200}


def test_the_other_device_stays_open_while_it_is_disconnected() -> None:
    inner = Counting()
    device = FaultyDevice(inner, "disconnect 1 at 1")
    device.open()
    with pytest.raises(DeviceLost, match="disconnected on purpose"):
        until_lost(device, [])
    device.close()
    assert inner.closed == 0
    assert device.open()[0].name == "count"
    device.close()
    assert inner.closed == 1
    device.close()  # twice is safe


def test_a_live_device_is_not_there_until_the_outage_is_over() -> None:
    inner = SyntheticDevice("emg", seed=1)
    device = FaultyDevice(inner, "disconnect 900 at 60; disconnect 0.3 at 0.1")
    infos = device.open()
    with pytest.raises(DeviceLost):
        until_lost(device, [])
    device.close()
    lost = clock.now()
    with pytest.raises(DeviceNotFound, match="not back yet"):
        device.open()
    device.close()
    while True:
        try:
            assert device.open() == infos
            break
        except DeviceNotFound:
            device.close()
        assert clock.now() - lost < 60  # of the outage that is still to come
    assert clock.now() - lost >= 0.29
    index: list[int] = []
    while len(index) < 5:
        index += [each.index for each in device.read(0.05) or ()]
    assert index[0] == 80  # 0.4 s after its first
    device.close()
    device.close()


MANY = (
    "nan 3%; rails 0.1 2%; flood 0.1 every 7; jitter 0.03; drift 200; jump 0.3 at 6; "
    "drop 4%; drop 0.2 1%; channels 2%; duplicate 3%; reorder 3%; stall 0.5 every 4; "
    "disconnect 1 every 8"
)


def rows(found: Heard) -> list[tuple[object, ...]]:
    """Return every sample in its order, whatever the chunks."""
    return [
        (int(chunk.index + k), float(chunk.times[k]), chunk.data[k].tobytes())
        for chunk in found.chunks
        for k in range(len(chunk))
    ]


@pytest.mark.parametrize("chunk", [1, 7, 100, 5000])
def test_faults_do_not_depend_on_the_chunks(chunk: int) -> None:
    whole, cut = heard(MANY, seed=3), heard(MANY, seed=3, chunk=chunk)
    assert rows(cut) == rows(whole)
    assert cut.events == whole.events
    assert len(cut.lost) == len(whole.lost)


def test_faults_depend_on_the_seed() -> None:
    assert heard("drop 5%", seed=1).events == heard("drop 5%", seed=1).events
    assert heard("drop 5%", seed=1).events != heard("drop 5%", seed=2).events


def test_two_streams_and_two_faults_have_their_own_chance() -> None:
    device = FaultyDevice(Counting(names=("one", "two")), "drop 5%; nan 5%")
    found = Heard(device).events
    hit: dict[tuple[str, str], list[int | None]] = {}
    for event in found:
        if event.kind == "fault":
            hit.setdefault((event.stream, event.data["fault"]), []).append(event.index)
    assert len(hit) == 4
    assert len({tuple(each) for each in hit.values()}) == 4


def test_where_nobody_counts_the_index_is_an_estimate() -> None:
    device = FaultyDevice(Counting(), "drop 0.08 at 4; drop 2 at 10", counted=False)
    found = Heard(device)
    assert device.open()[0].counted is False
    # 80 ms could be jitter, and nothing is known of it; two seconds are.
    np.testing.assert_array_equal(
        found.index, np.setdiff1d(np.arange(4000 - 16), np.arange(2000 - 16, 2400 - 16))
    )
    told = [(e.index, e.data["samples"]) for e in found.events if e.kind == "fault"]
    assert told == [(800, 16), (2384, 400)]
    inner = Counting()
    inner.counted = False
    again = Heard(FaultyDevice(inner, "drop 0.08 at 4; drop 2 at 10"))
    np.testing.assert_array_equal(again.index, found.index)


def test_only_the_jump_that_was_estimated_stays_so() -> None:
    class Back(Counting):
        """From row 1000 on 900 are lost, which is an estimate."""

        def read(self, timeout: float) -> Sequence[Chunk] | None:
            return [
                replace(c, index=c.index + 900, events=(), estimated=c.index == 1000)
                if c.index >= 1000
                else c
                for c in super().read(timeout) or ()
            ] or None

    found = Heard(FaultyDevice(Back(), "drop 0.02 at 9.6", seed=1))
    told = [(a.stop, b.index, b.estimated) for a, b in pairwise(found.chunks)]
    assert [each for each in told if each[0] != each[1]] == [
        (1000, 1900, True),
        (1920, 1924, False),
    ]


def test_a_device_that_is_really_lost_gives_what_was_kept_first() -> None:
    class Failing(Counting):
        def read(self, timeout: float) -> Sequence[Chunk] | None:
            if self.at >= 102:
                raise DeviceLost("the cable is out")
            return super().read(timeout)

    device = FaultyDevice(Failing(chunk=51), "stall 5 at 0.3")
    device.open()
    found: list[Chunk] = []
    with pytest.raises(DeviceLost, match="the cable is out"):
        until_lost(device, found)
    assert found[-1].stop == 102
    assert sum(map(len, found)) == 102


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ("drop 1%; melt 3", r"'melt 3' cannot be: there is no 'melt', only nan, rails"),
        ("drop", r"'drop' cannot be: say when: P%, `at SECONDS`"),
        ("drop 1% at 3", r"'drop 1% at 3' cannot be: say when"),
        ("drop at", "say when"),
        ("drop 0%", "a share is over 0 and up to 100 %, got 0%"),
        ("drop 101%", "a share is over 0"),
        ("drop x%", "the share must be a number, got 'x'"),
        ("drop nan 1%", "its seconds must be a number, got 'nan'"),
        ("drop soon at 3", "its seconds must be a number, got 'soon'"),
        ("drop -1 at 3", "its seconds must be positive, got -1"),
        ("drop 1 at x", "a time must be a number, got 'x'"),
        ("drop 1 at -4", "a time must not be negative"),
        ("drop 1 every 0", "every 0 is no time: it must be positive"),
        ("jitter", "jitter needs a number"),
        ("jitter 0.1 at 3", "jitter is there from start to end, not at 3"),
        ("drift 0", "drift needs a number"),
        ("jump at 3", "jump needs a number"),
        ("disconnect 1 2%", "disconnect takes all streams at once: say `at`"),
    ],
)
def test_a_text_that_cannot_be_read_names_the_part(faults: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        FaultyDevice(Counting(), faults)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="the seed must not be negative, got -1"):
        FaultyDevice(Counting(), seed=-1)
    inner = Counting()
    inner.rails = None
    with pytest.raises(ConfigError, match="rails cannot be: count tells none"):
        FaultyDevice(inner, "rails 1%").open()


def test_it_is_named_as_any_device() -> None:
    table = device_argument("faulty:synthetic:emg")
    table |= {"faults": "drop 1%", "settings": {"seed": 1, "paced": False}}
    (made,) = check({"device": [table]}, "a test").device
    device = faulty(**made.settings)
    inner = device.device
    assert isinstance(inner, SyntheticDevice)
    assert (inner.signal, inner.seed, device.paced) == ("emg", 1, False)
    with pytest.raises(ConfigError, match="no device is named 'toaster'"):
        faulty("toaster")
    with pytest.raises(ConfigError, match=r"speed: there is no such key"):
        faulty("synthetic", settings={"speed": 3})


def test_events_keep_what_they_say() -> None:
    """Times and data of the other device's events are its own."""
    before = heard("").events
    after = [e for e in heard("drop 3%").events if e.kind == "truth"]
    assert [replace(e, index=None) for e in after] == [
        replace(e, index=None) for e in before
    ]


def test_the_manual_and_the_docstring_name_every_fault() -> None:
    manual = (Path(__file__).parents[1] / "docs" / "faults.md").read_text()
    named = re.findall(r"^\| `(\w+) (?:S|PPM)`", manual, re.MULTILINE)
    listed = re.findall(r"^``(\w+) (?:S|PPM)``", getdoc(FaultyDevice) or "", re.M)
    assert named == listed == list(AMOUNTS)

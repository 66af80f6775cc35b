"""When decisions end, and when a stream is called degraded."""

import numpy as np
import pytest

from rtpipe.counters import StreamCounters
from rtpipe.link import Link, State
from rtpipe.watchdog import Watchdog


@pytest.fixture
def link() -> Link:
    return Link("streaming")


@pytest.fixture
def counters() -> StreamCounters:
    return StreamCounters()


@pytest.mark.parametrize(
    ("interval", "hop", "limit"),
    [(0.02, 0.05, 0.15), (0.1, 0.05, 0.3), (0.02, 0.5, 0.5)],
    ids=["at least 150 ms", "three chunks", "a hop"],
)
def test_a_decision_ends_when_nothing_comes(
    link: Link, counters: StreamCounters, interval: float, hop: float, limit: float
) -> None:
    watchdog = Watchdog("emg", 250.0, link, counters, {"model": hop})
    for k in range(50):
        watchdog.feed(10 + k * interval)
        assert not watchdog.ended(10 + (k + 1) * interval)
    last = 10 + 49 * interval
    assert watchdog.ended(last + 100) == []  # it never had a decision
    assert watchdog.patience(last) == float("inf")
    watchdog.due("model")
    assert watchdog.patience(last) == pytest.approx(limit)
    assert watchdog.ended(last + limit - 0.001) == []
    reason = f"no data for {limit:.2f} s"
    assert watchdog.ended(last + limit + 0.001) == [("model", reason)]
    event = watchdog.end("model", last + limit, 49, reason)
    assert event is not None
    assert (event.kind, event.stream, event.index) == ("none", "emg", 49)
    assert event.data == {"model": "model", "reason": reason}
    assert watchdog.ended(last + 100) == []  # told once
    assert watchdog.end("model", last + 100, 49, reason) is None
    watchdog.feed(last + 101)
    assert watchdog.ended(last + 110) == []  # nothing was decided since
    watchdog.due("model")
    assert watchdog.ended(last + 110) != []  # and again


def test_each_bundle_has_its_own_limit(link: Link, counters: StreamCounters) -> None:
    watchdog = Watchdog("eeg", 250.0, link, counters, {"quick": 0.05, "slow": 1.0})
    watchdog.feed(0.0)
    watchdog.due("quick")
    watchdog.due("slow")
    assert watchdog.ended(0.2) == [("quick", "no data for 0.20 s")]
    watchdog.end("quick", 0.2, 0, "")
    assert watchdog.patience(0.2) == pytest.approx(0.8)
    assert [model for model, _ in watchdog.ended(1.1)] == ["slow"]


@pytest.mark.parametrize("state", ["lost", "recovering"])
def test_all_decisions_end_with_the_connection(
    counters: StreamCounters, state: State
) -> None:
    watchdog = Watchdog("eeg", 250.0, Link(state), counters, {"slow": 10.0})
    watchdog.feed(0.0)
    watchdog.due("slow")
    assert [model for model, _ in watchdog.ended(0.001)] == ["slow"]


@pytest.mark.parametrize(
    ("silent", "reason"), [(0.01, "the device is lost"), (0.5, "no data for 0.50 s")]
)
def test_why_a_decision_ended_with_the_connection(
    counters: StreamCounters, silent: float, reason: str
) -> None:
    """A loss that is told before silence means anything is the reason; else silence."""
    watchdog = Watchdog("eeg", 250.0, Link("lost"), counters, {"slow": 10.0})
    for k in range(10):
        watchdog.feed(k * 0.02)
    watchdog.due("slow")
    assert watchdog.ended(0.18 + silent) == [("slow", reason)]


def test_no_decision_ends_between_two_samples(
    link: Link, counters: StreamCounters
) -> None:
    watchdog = Watchdog("pulse", 1.0, link, counters, {"model": 0.05})
    watchdog.feed(0.0)
    watchdog.due("model")
    assert watchdog.patience(0.0) == pytest.approx(3.0)
    assert watchdog.ended(2.9) == []
    assert [model for model, _ in watchdog.ended(3.1)] == ["model"]


@pytest.mark.parametrize(
    ("sfreq", "interval"), [(1.0, 1.0), (200.0, 0.2), (200.0, 1.5), (0.1, 10.0)]
)
def test_what_is_slow_or_comes_in_bursts_is_not_late(
    link: Link, counters: StreamCounters, sfreq: float, interval: float
) -> None:
    watchdog, told = Watchdog("eeg", sfreq, link, counters, {}), []
    for k in range(800):
        if k % 40 == 0:
            counters.received += round(sfreq * interval)
            watchdog.feed(k * interval / 40)
        told += watchdog.look(k * interval / 40)
    assert not told
    (event,) = watchdog.look(800 * interval / 40 + 3 * interval)
    assert event.kind == "degraded"


def test_a_slow_stream_whose_first_samples_came_together_is_not_late(
    link: Link, counters: StreamCounters
) -> None:
    """Two samples of a slow stream came at once: its rate says how long to wait."""
    watchdog = Watchdog("pulse", 1.0, link, counters, {})
    watchdog.feed(0.0)
    watchdog.feed(0.01)
    assert watchdog.look(2.9) == []
    (event,) = watchdog.look(3.1)
    assert event.kind == "degraded"


def test_nothing_ends_before_it_began(link: Link, counters: StreamCounters) -> None:
    watchdog = Watchdog("eeg", 250.0, link, counters, {"model": 0.05})
    assert watchdog.ended(1e6) == []
    assert watchdog.patience(1e6) == float("inf")
    assert watchdog.look(1e6) == []


def test_late_data_degrade_a_stream_until_they_come(
    link: Link, counters: StreamCounters
) -> None:
    watchdog = Watchdog("eeg", 250.0, link, counters, {})
    for k in range(10):
        watchdog.feed(k * 0.02)
    assert watchdog.look(0.2) == []
    (event,) = watchdog.look(0.5)
    assert (event.kind, link.state) == ("degraded", "degraded")
    assert event.data["reason"] == link.reason == "no data for 0.3 s"
    assert watchdog.look(0.6) == []  # told once, though the reason goes on
    assert link.reason == "no data for 0.4 s"
    watchdog.feed(0.7)
    (event,) = watchdog.look(0.7)
    assert (event.kind, link.state, link.reason) == ("steady", "streaming", "")


def test_losses_degrade_a_stream(link: Link, counters: StreamCounters) -> None:
    watchdog = Watchdog("eeg", 250.0, link, counters, {})
    told = []
    for k in range(2000):
        now = k * 0.02
        lossy = 10 <= now < 20
        counters.received += 4 if lossy else 5
        counters.lost_transport += lossy
        watchdog.feed(now)
        told += watchdog.look(now)
    degraded, steady = told
    assert (degraded.kind, steady.kind) == ("degraded", "steady")
    assert 10 < degraded.time < 11
    assert 24 < steady.time < 26
    assert "% of the samples" in degraded.data["reason"]


def test_losses_about_the_limit_do_not_flicker(
    link: Link, counters: StreamCounters
) -> None:
    watchdog, told = Watchdog("eeg", 250.0, link, counters, {}), []
    rng = np.random.default_rng(0)
    for k in range(5000):
        counters.received += 5
        counters.lost_transport += int(rng.random() < 0.05)  # 1 in 100 samples
        watchdog.feed(k * 0.02)
        told += watchdog.look(k * 0.02)
    assert 1 <= len(told) <= 3


@pytest.mark.parametrize(("each", "wrong"), [(5, False), (2, True), (10, True)])
def test_another_rate_than_declared_degrades_a_stream(
    link: Link, counters: StreamCounters, each: int, wrong: bool
) -> None:
    watchdog, told = Watchdog("eeg", 250.0, link, counters, {}), []
    for k in range(1500):
        counters.received += each
        watchdog.feed(k * 0.02)
        told += watchdog.look(k * 0.02)
    assert len(told) == wrong
    if wrong:
        assert f"sends {50 * each} samples a second and declares 250" in link.reason


def test_a_stall_whose_samples_come_later_is_no_other_rate(
    link: Link, counters: StreamCounters
) -> None:
    watchdog, told = Watchdog("eeg", 250.0, link, counters, {}), []
    for k in range(3000):
        if 1000 <= k < 1050:  # for a second nothing comes, and then all of it
            continue
        counters.received += 5 if k != 1050 else 5 + 250
        watchdog.feed(k * 0.02)
        told += watchdog.look(k * 0.02)
    assert not told


def test_what_an_outage_lost_is_not_told_again_as_a_loss(
    link: Link, counters: StreamCounters
) -> None:
    watchdog = Watchdog("eeg", 250.0, link, counters, {})
    for k in range(500):
        counters.received += 5
        watchdog.feed(k * 0.02)
        assert watchdog.look(k * 0.02) == []
    link.become("lost", 12.0, "gone")
    assert watchdog.look(13.0) == []
    link.become("streaming", 15.0)
    counters.lost_transport += 1250
    for k in range(750, 1000):
        counters.received += 5
        watchdog.feed(k * 0.02)
        assert watchdog.look(k * 0.02) == []

"""Metrics as Prometheus reads them: names, figures, and whoever else connects."""

import http.client
import re
import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from rtpipe import cli
from rtpipe.address import address, shown
from rtpipe.config import check
from rtpipe.counters import StreamCounters, WindowCounters
from rtpipe.errors import ConfigError
from rtpipe.latency import Histogram
from rtpipe.ring import Ring
from rtpipe.runtime.lane import Lane
from rtpipe.sink import ModelStatus, RecordingStatus, Run, StreamStatus
from rtpipe.sinks.metrics import Metrics
from rtpipe.types import StreamInfo

STREAM = 'arm "left" \\ \n'  # what a label must escape


def make_run() -> Run:
    info = StreamInfo(STREAM, 200.0, ("A",), ("emg",), ("uV",))
    counters = StreamCounters(received=90, expected=100, lost_device=12, late=2)
    status = StreamStatus(info, Ring((1,), 10), counters, ("good",))
    status.link.become("degraded", 1.0, "no data")
    status.delays.add(0.25)
    windows = {STREAM: WindowCounters(due=9, answered=5, stale=3, rejected=2)}
    model = ModelStatus("m", "task", ("a", "b"), (), windows, Histogram())
    for seconds in (-1.0, 0.002, 0.002, 0.5, 5000.0):
        model.latency.add(seconds)
    run = Run("run", 0.0, {STREAM: status}, {"m": model}, lambda: None, lambda _: None)
    run.unrecorded[STREAM] = 4
    return run


@pytest.fixture
def served() -> Iterator[tuple[Run, Metrics]]:
    """A run whose metrics are served as in a run: by the thread of the sink's lane."""
    run, sink = make_run(), Metrics("127.0.0.1", 0)
    sink.open(run)
    lane = Lane(sink, run, False, lambda *_: None)
    lane.start()
    yield run, sink
    lane.close()


def ask(sink: Metrics, method: str, path: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(*sink.address, timeout=60)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def families(sink: Metrics) -> list[Metric]:
    status, headers, body = ask(sink, "GET", "/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=")
    assert int(headers["Content-Length"]) == len(body.encode())
    return list(text_string_to_metric_families(body))


def test_figures_are_those_of_the_run_at_the_moment(
    served: tuple[Run, Metrics],
) -> None:
    run, sink = served
    run.streams[STREAM].counters.received += 1
    found = {
        (sample.name, *sorted(set(sample.labels.values()) - {STREAM, "m"})): sample
        for family in families(sink)
        for sample in family.samples
        if sample.value and not sample.name.endswith(("_bucket", "_info"))
    }
    figures = {key: sample.value for key, sample in found.items()}
    assert figures == {
        ("rtpipe_samples_received_total",): 91,
        ("rtpipe_samples_expected_total",): 100,
        ("rtpipe_samples_lost_total", "device"): 12,
        ("rtpipe_samples_late_total",): 2,
        ("rtpipe_samples_unrecorded_total",): 4,
        ("rtpipe_stream_state", "degraded"): 1,
        ("rtpipe_stream_delay_seconds",): 0.25,
        ("rtpipe_windows_due_total",): 9,
        ("rtpipe_windows_total", "answered"): 5,
        ("rtpipe_windows_total", "stale"): 3,
        ("rtpipe_windows_rejected_total",): 2,
        ("rtpipe_decision_latency_seconds_count",): 5,
        ("rtpipe_decision_latency_seconds_sum",): pytest.approx(5000.504),
    }
    assert found["rtpipe_samples_received_total",].labels == {"stream": STREAM}


def test_a_recording_is_told_once_there_is_one(served: tuple[Run, Metrics]) -> None:
    run, sink = served

    def told() -> dict[str, float]:
        return {
            sample.name: sample.value
            for family in families(sink)
            for sample in family.samples
            if sample.name.startswith("rtpipe_recording")
        }

    assert told() == {}
    run.recordings = [RecordingStatus("a.xdf", 0.0, bytes=1234)]
    assert told() == {"rtpipe_recording_bytes": 1234, "rtpipe_recording_active": 1}
    run.recordings[0].state = "stopped"
    assert told()["rtpipe_recording_active"] == 0


def test_names_and_types_are_as_prometheus_wants_them(
    served: tuple[Run, Metrics],
) -> None:
    names = set()
    for family in families(served[1]):
        assert re.fullmatch(r"rtpipe_[a-z_]+[a-z]", family.name)
        assert family.documentation.endswith(".")
        assert family.name not in names
        names.add(family.name)
        assert not re.search(r"_(count|sum|bucket|total|info|ms|bytes_total)$",
                             family.name.removesuffix("_info"))  # fmt: skip
        for sample in family.samples:
            own = sample.name.removeprefix(family.name)
            assert (
                own
                in {
                    "counter": {"_total"},
                    "gauge": {""},
                    "histogram": {"_bucket", "_count", "_sum"},
                }[family.type]
            )
            assert all(re.fullmatch("[a-z]+", label) for label in sample.labels)
            assert sample.value >= 0
    seconds = {name for name in names if re.search("delay|jitter|latency", name)}
    assert len(seconds) == 3
    assert all(name.endswith("_seconds") for name in seconds)


def test_buckets_count_the_durations_that_are_not_longer(
    served: tuple[Run, Metrics],
) -> None:
    run, sink = served
    durations = np.random.default_rng(0).lognormal(-4, 2, 500).tolist()
    for each in durations:
        run.models["m"].latency.add(each)
    (latency,) = (f for f in families(sink) if f.type == "histogram")
    buckets = [s for s in latency.samples if s.name.endswith("_bucket")]
    edges = [float(each.labels["le"]) for each in buckets]
    assert edges == sorted(edges)
    assert (edges[0], edges[-1]) == (1e-4, float("inf"))
    durations += [-1.0, 0.002, 0.002, 0.5, 5000.0]
    counts = [sum(each <= edge for each in durations) for edge in edges]
    assert [each.value for each in buckets] == counts


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/metrics?a=b", 200, "rtpipe_info"),
        ("HEAD", "/metrics", 200, ""),
        ("GET", "/", 404, "/metrics"),
        ("POST", "/metrics", 405, "GET"),
    ],
)
def test_what_else_is_asked(
    method: str, path: str, status: int, said: str, served: tuple[Run, Metrics]
) -> None:
    found, headers, body = ask(served[1], method, path)
    assert found == status
    assert said in body
    assert bool(body) == (method != "HEAD")
    assert int(headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    "said", [b"\x00\xff\r\n\r\n", b"GET /metrics\r\n\r\n", b"a" * 9000, b"\r\n\r\n"]
)
def test_what_is_no_request_is_refused(
    said: bytes, served: tuple[Run, Metrics]
) -> None:
    with socket.create_connection(served[1].address, timeout=60) as stranger:
        stranger.sendall(said)
        assert stranger.recv(100).startswith(b"HTTP/1.1 400 ")
    assert families(served[1])


def test_who_says_nothing_hinders_nobody_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed = [0.0]
    monkeypatch.setattr("rtpipe.sinks.metrics.now", lambda: passed[0])
    sink = Metrics("127.0.0.1", 0)
    sink.open(make_run())
    silent = [socket.create_connection(sink.address, timeout=60) for _ in range(40)]
    silent[0].sendall(b"GET /metr")
    asking = socket.create_connection(sink.address, timeout=60)
    asking.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    for _ in range(10):  # the first are let go, the next come in
        sink.take([])
        passed[0] += 6.0
    assert asking.recv(100).startswith(b"HTTP/1.1 200 OK")
    assert silent[0].recv(1) == b""
    sink.close()
    for each in (*silent, asking):
        each.close()


def test_nothing_is_left_at_the_end() -> None:
    before = threading.active_count()
    sink = Metrics("127.0.0.1", 0)
    sink.open(make_run())
    waiting = socket.create_connection(sink.address, timeout=60)
    sink.take([])
    sink.close()
    assert waiting.recv(1) == b""
    waiting.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(sink.address, timeout=60)
    assert threading.active_count() == before


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        sink = Metrics("127.0.0.1", port)
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port} .*another port"):
            sink.open(make_run())
    with pytest.raises(ConfigError, match=r"metrics: cannot listen on 192\.0\.2\.1:0"):
        Metrics("192.0.2.1", 0).open(make_run())


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".org", "ä" * 60])
def test_what_no_host_is_called_is_told_in_a_sentence(host: str) -> None:
    with pytest.raises(ConfigError, match=rf"metrics: cannot listen on {host}:9100 "):
        Metrics(host, 9100).open(make_run())


def test_it_listens_no_longer_where_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else who asks would wait for ever: nobody is there to answer."""

    def fail(_: object) -> bytes:
        raise ValueError("no page")

    monkeypatch.setattr("rtpipe.sinks.metrics.generate_latest", fail)
    run, sink = make_run(), Metrics("127.0.0.1", 0)
    sink.open(run)
    lane = Lane(sink, run, False, lambda *_: None)
    lane.start()
    with socket.create_connection(sink.address, timeout=60) as asking:
        asking.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert asking.recv(1) == b""
    lane.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(sink.address, timeout=60)
    assert run.failed == {"metrics": "no page"}


def test_a_free_port_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    sink = Metrics("127.0.0.1", 0)
    sink.open(make_run())
    sink.close()
    place = f"http://127.0.0.1:{sink.address[1]}/metrics"
    assert capsys.readouterr() == ("", f"rtpipe: metrics at {place}\n")


def test_an_ipv6_address() -> None:
    sink = Metrics(*address("[::1]:0"))
    try:
        sink.open(make_run())
    except ConfigError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with socket.create_connection(sink.address, timeout=60) as asking:
        asking.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        sink.take([])
        assert asking.recv(100).startswith(b"HTTP/1.1 200 OK")
    sink.close()


@pytest.mark.parametrize(
    ("text", "found", "again"),
    [
        (9100, ("127.0.0.1", 9100), "127.0.0.1:9100"),
        ("9100", ("127.0.0.1", 9100), "127.0.0.1:9100"),
        ("0.0.0.0:80", ("0.0.0.0", 80), "0.0.0.0:80"),
        ("my-host.local:0", ("my-host.local", 0), "my-host.local:0"),
        ("[::1]:9100", ("::1", 9100), "[::1]:9100"),
        ("[fe80::1%eth0]:1", ("fe80::1%eth0", 1), "[fe80::1%eth0]:1"),
    ],
)
def test_addresses(text: str | int, found: tuple[str, int], again: str) -> None:
    assert address(text) == found
    assert shown(*found) == again
    assert check({"metrics": text}, "file").metrics == found


@pytest.mark.parametrize(
    "text", ["", "x", "65536", "-1", "::1:80", ":80", "[::1]", "a b:80", "1.5", True]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ConfigError, match="metrics: wants PORT or HOST:PORT"):
        check({"metrics": text}, "file")


def test_the_command_ends_with_a_sentence_where_the_port_is_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        place = f"127.0.0.1:{other.getsockname()[1]}"
        words = ["live", "--device", "synthetic:emg", "--ui", "none"]
        with pytest.raises(SystemExit) as end:
            cli.app([*words, "--metrics", place])
    said = capsys.readouterr()
    assert (end.value.code, said.out) == (2, "")
    assert said.err.startswith(f"rtpipe: metrics: cannot listen on {place} (")
    assert said.err.count("\n") == 1

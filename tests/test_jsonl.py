"""One JSON object a line: strict, complete, and quiet when nobody listens."""

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtpipe.counters import StreamCounters, WindowCounters
from rtpipe.latency import Histogram
from rtpipe.ring import Ring
from rtpipe.sink import ModelStatus, Run, StreamStatus
from rtpipe.sinks.jsonl import JsonLines, as_json, line
from rtpipe.types import Event, Prediction, StreamInfo

PREDICTION = Prediction(
    stream="arm",
    model="gesture",
    index=399,
    end=12.25,
    label="fist",
    probabilities={"rest": 0.1 + 0.2, "fist": 1 / 3, "open": 0.36666666666666664},
    latency=0.0123,
    missing=0.0,
    truth="rest",
)
KEYS = [
    *("type", "stream", "model", "index", "end"),
    *("label", "probabilities", "latency", "missing", "truth"),
]


def make_run(stopped: list[str]) -> Run:
    info = StreamInfo("arm", 200.0, ("a", "b"), ("emg",) * 2, ("uV",) * 2)
    counters = StreamCounters(received=400, lost_transport=3, filled=3)
    stream = StreamStatus(info, Ring((2,), 100), counters, ("good", "flat"))
    windows = {"arm": WindowCounters(due=5, answered=4, skipped=1)}
    labels = ("rest", "fist", "open")
    model = ModelStatus("gesture", "gesture", labels, (), windows, Histogram())
    run = Run("r", 0.0, {"arm": stream}, {"gesture": model}, lambda: None, print)
    run.stop = lambda: stopped.append("stop")
    return run


def test_a_sink_that_failed_says_nothing_of_the_end() -> None:
    file, run = io.StringIO(), make_run([])
    sink = JsonLines(file)
    sink.open(run)
    sink.take([PREDICTION])
    run.failed[sink.name] = "no space left"
    sink.close()
    assert [json.loads(each)["type"] for each in file.getvalue().splitlines()] == [
        "prediction"
    ]


def written(items: list[Prediction | Event]) -> list[dict[str, Any]]:
    file = io.StringIO()
    sink = JsonLines(file)
    sink.open(make_run([]))
    sink.take(items)
    sink.close()
    return [json.loads(each) for each in file.getvalue().splitlines()]


def test_prediction_has_exactly_the_promised_keys_in_order() -> None:
    value = written([PREDICTION])[0]
    assert list(value) == KEYS
    assert value["type"] == "prediction"
    for key in KEYS[1:]:
        assert value[key] == getattr(PREDICTION, key), key


def test_reason_is_said_only_of_rejected_predictions() -> None:
    rejected = replace(PREDICTION, label=None, reason="low confidence", truth=None)
    value = written([rejected])[0]
    assert list(value) == [*KEYS, "reason"]
    assert (value["label"], value["reason"]) == (None, "low confidence")
    assert "reason" not in as_json(replace(PREDICTION, reason="was none before"))


def test_numbers_survive_to_the_last_digit() -> None:
    rng = np.random.default_rng(0)
    shares = {str(k): float(p) for k, p in enumerate(rng.dirichlet(np.ones(50)))}
    value = written([replace(PREDICTION, probabilities=shares, end=1e9 / 3)])[0]
    assert value["probabilities"] == shares
    assert value["end"] == 1e9 / 3


def test_event_comes_with_its_data_and_with_its_index_only_when_known() -> None:
    data = {"lost": 12, "filled": True}
    gap, run_wide = written(
        [Event("arm", 2.5, "gap", 500, data), Event("", 3.0, "sink", None, {"n": 1})]
    )[:2]
    told = {"type": "event", "stream": "arm", "time": 2.5, "kind": "gap", "index": 500}
    assert gap == told | data
    assert list(gap)[:5] == list(told)
    assert "index" not in run_wide


def test_data_of_an_event_never_hides_what_every_event_has() -> None:
    value = as_json(Event("arm", 2.5, "gap", 7, {"kind": "x", "type": "y", "index": 0}))
    assert (value["type"], value["kind"], value["index"]) == ("event", "gap", 7)


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_what_is_not_finite_becomes_null_however_deep(value: float) -> None:
    odd = replace(
        PREDICTION, latency=value, missing=value, end=value, probabilities={"a": value}
    )
    event = Event("arm", value, "odd", None, {"deep": {"list": [1.0, (value,)]}})
    first, second, _ = written([odd, event])
    assert first["latency"] is first["missing"] is first["end"] is None
    assert first["probabilities"] == {"a": None}
    assert second["time"] is None
    assert second["deep"] == {"list": [1.0, [None]]}


def test_a_line_refuses_what_json_has_no_word_for() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        line({"a": nan})


def test_a_line_is_one_line_of_ascii() -> None:
    text = line(as_json(Event("µ", 0.0, "marker", 1, {"text": "a\nb\u2028c\ud800"})))
    assert text.isascii()
    assert text.splitlines() == [text.removesuffix("\n")]


def test_summary_comes_last_with_every_counter() -> None:
    summary = written([PREDICTION])[-1]
    assert list(summary)[:3] == ["type", "streams", "models"]
    assert summary["type"] == "summary"
    assert summary["streams"]["arm"]["lost"] == 3
    assert summary["models"]["gesture"]["windows"]["arm"]["skipped"] == 1
    assert summary["models"]["gesture"]["latency"]["p50"] is None  # nothing counted


def test_lines_can_be_read_as_soon_as_they_were_taken(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with path.open("w") as file:
        sink = JsonLines(file)
        sink.open(make_run([]))
        sink.take([PREDICTION])
        assert json.loads(path.read_text())["index"] == 399
        sink.take([])
        assert len(path.read_text().splitlines()) == 1


def test_a_reader_that_goes_away_stops_the_run_once_and_quietly() -> None:
    reading, writing = os.pipe()
    stopped: list[str] = []
    with open(writing, "w") as file:  # and closing it must not fail either
        sink = JsonLines(file)
        sink.open(make_run(stopped))
        sink.take([PREDICTION])
        os.close(reading)
        assert not stopped
        for _ in range(3):
            sink.take([PREDICTION])
        sink.close()
    assert stopped == ["stop"]


def test_a_program_whose_reader_goes_away_ends_without_a_word() -> None:
    program = """if True:
        import sys
        from rtpipe.sink import Run
        from rtpipe.sinks.jsonl import JsonLines
        from rtpipe.types import Event
        stopped = []
        sink = JsonLines(sys.stdout)
        sink.open(Run("r", 0.0, {}, {}, lambda: stopped.append(1), print))
        while not stopped:
            sink.take([Event("", 0.0, "marker", None, {"text": "x" * 999})] * 9)
        sink.close()
    """
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0

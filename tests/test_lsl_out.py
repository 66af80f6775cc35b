"""Answers as LSL streams: to a plain inlet and to MNE-LSL, as --json tells them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pylsl
import pytest

from rtpipe.clock import now
from rtpipe.counters import StreamCounters, WindowCounters
from rtpipe.errors import ConfigError
from rtpipe.latency import Histogram
from rtpipe.ring import Ring
from rtpipe.runtime.lane import Lane
from rtpipe.sink import ModelStatus, Run, StreamStatus
from rtpipe.sinks.lsl import LslOut
from rtpipe.types import Event, Prediction, StreamInfo

LABELS = ("rest", "fist")


def a_run(models: dict[str, tuple[str, ...]], clock: str = "run") -> Run:
    """Return a run of these models, each on these streams."""

    def stream(name: str) -> StreamStatus:
        info = StreamInfo(name, 200.0, ("A",), ("emg",), ("uV",))
        status = StreamStatus(info, Ring((1,), 10), StreamCounters(), ("?",))
        status.clock = "recording" if clock == "recording" else "run"
        return status

    def model(name: str, streams: tuple[str, ...]) -> ModelStatus:
        windows = {each: WindowCounters() for each in streams}
        note = ("For tests",)
        return ModelStatus(
            name, "gesture", LABELS, note, windows, Histogram(), 0.2, hop=0.05
        )

    every = dict.fromkeys(each for streams in models.values() for each in streams)
    return Run(
        "test",
        now(),
        {name: stream(name) for name in every},
        {name: model(name, streams) for name, streams in models.items()},
        lambda: None,
        lambda text: None,
    )


def prediction(end: float, fist: float, label: str | None = "fist") -> Prediction:
    told = {"rest": 1 - fist, "fist": fist}
    return Prediction("arm", "hand", 199, end, label, told, 0.0, 0.0)


def found(name: str) -> Any:
    """Return the description of the stream of that name."""
    streams = pylsl.resolve_byprop("name", name, timeout=10.0)
    assert len(streams) == 1, name
    return streams[0]


def inlet(name: str) -> Any:
    inlet = pylsl.StreamInlet(found(name))
    inlet.open_stream(10.0)
    return inlet


def pulled(inlet: Any, count: int) -> tuple[list[Any], list[float]]:
    samples, stamps = [], []
    for _ in range(count):
        sample, stamp = inlet.pull_sample(10.0)
        assert sample is not None
        samples.append(sample)
        stamps.append(stamp)
    return samples, stamps


def test_one_pair_of_streams(lsl_name: str) -> None:
    sink = LslOut(lsl_name)
    sink.open(a_run({"hand": ("arm",)}))
    probabilities, decisions = inlet(lsl_name), inlet(f"{lsl_name}-decisions")
    end = now() - 0.1
    sink.take(
        [
            prediction(end, 0.75),
            prediction(end + 0.05, 0.125, None),
            Event("arm", end + 0.09, "none", 250, {"model": "hand"}),
            Event("arm", end, "gap", 100, {}),
        ]
    )
    to_lsl = pylsl.local_clock() - now()
    values, stamps = pulled(probabilities, 2)
    assert values == [[0.25, 0.75], [0.875, 0.125]]
    assert stamps == pytest.approx([end + to_lsl, end + 0.05 + to_lsl], abs=1e-3)
    values, stamps = pulled(decisions, 3)
    assert values == [["fist"], ["none"], ["none"]]
    wanted = [end + to_lsl, end + 0.05 + to_lsl, end + 0.09 + to_lsl]
    assert stamps == pytest.approx(wanted, abs=1e-3)

    about = probabilities.info(10.0)
    assert about.get_channel_labels() == list(LABELS)
    assert about.get_channel_units() == ["none", "none"]
    assert (about.type(), about.nominal_srate()) == ("Probabilities", 20.0)
    assert about.source_id() == f"rtpipe {lsl_name} hand arm", "the same at each start"
    assert about.desc().child_value("notes") == "For tests"
    about = decisions.info(10.0)
    assert (about.type(), about.nominal_srate()) == ("Markers", 0.0)
    assert about.source_id() == f"rtpipe {lsl_name} hand arm decisions"
    sink.close()


def test_where_it_failed_the_decision_ends(lsl_name: str) -> None:
    run, sink = a_run({"hand": ("arm",)}), LslOut(lsl_name)
    sink.open(run)
    decisions = inlet(f"{lsl_name}-decisions")
    lane = Lane(sink, run, False, lambda *_: None)
    lane.put([prediction(now(), 0.75), Event("leg", now(), "none", 0, {"model": "?"})])
    lane.start()
    assert pulled(decisions, 2)[0] == [["fist"], ["none"]]
    lane.close()
    assert list(run.failed) == [sink.name]


def test_stamps_never_decrease(lsl_name: str) -> None:
    """After a pause in which nothing was lost, windows come that ended before it."""
    sink = LslOut(lsl_name)
    sink.open(a_run({"hand": ("arm",)}))
    decisions, probabilities = inlet(f"{lsl_name}-decisions"), inlet(lsl_name)
    end = now() - 1.0
    sink.take(
        [
            prediction(end, 1.0),
            Event("arm", end + 0.4, "none", 250, {"model": "hand"}),
            *(prediction(end + k / 10, 1.0) for k in (1, 2, 5)),
        ]
    )
    to_lsl = pylsl.local_clock() - now()
    texts, stamps = pulled(decisions, 5)
    assert texts == [["fist"], ["none"], ["fist"], ["fist"], ["fist"]]
    wanted = [end + to_lsl + later for later in (0, 0.4, 0.4, 0.4, 0.5)]
    assert stamps == pytest.approx(wanted, abs=1e-3)
    _, stamps = pulled(probabilities, 4)
    wanted = [end + to_lsl + later for later in (0, 0.1, 0.2, 0.5)]
    assert stamps == pytest.approx(wanted, abs=1e-3)
    sink.close()


def test_the_last_decision_is_none(lsl_name: str) -> None:
    sink = LslOut(lsl_name)
    sink.open(a_run({"hand": ("arm",)}))
    decisions = inlet(f"{lsl_name}-decisions")
    sink.take([prediction(now(), 1.0)])
    sink.close()
    assert pulled(decisions, 2)[0] == [["fist"], ["none"]]
    assert not pylsl.resolve_byprop("name", lsl_name, timeout=0.5), "it is withdrawn"


def test_every_pair_has_a_name_of_its_own(lsl_name: str) -> None:
    sink = LslOut(lsl_name)
    sink.open(a_run({"hand": ("arm", "leg"), "mood": ("head",)}))
    for pair in ("hand-arm", "hand-leg", "mood-head"):
        assert found(f"{lsl_name}-{pair}").type() == "Probabilities"
        assert found(f"{lsl_name}-{pair}-decisions").type() == "Markers"
    sink.close()


def test_a_replay_looks_live(lsl_name: str) -> None:
    sink = LslOut(lsl_name)
    sink.open(a_run({"hand": ("arm",)}, "recording"))
    listener = inlet(lsl_name)
    before = pylsl.local_clock()
    sink.take([prediction(3.5, 0.5), prediction(3.55, 0.5)])
    after = pylsl.local_clock()
    _, (first, second) = pulled(listener, 2)
    assert before <= first < second <= after
    sink.close()


def test_nothing_to_send(lsl_name: str) -> None:
    with pytest.raises(ConfigError, match="no model runs, so there is nothing to send"):
        LslOut(lsl_name).open(a_run({}))


@pytest.fixture
def started(tmp_path: Path, lsl_name: str) -> Any:
    """Start a run that sends what it answers, and return what it prints."""
    out = tmp_path / "lines.jsonl"
    run = "import sys; from rtpipe.cli import main; main()"
    options = ["--model", "demo:gesture", "--lsl-out", lsl_name, "--json"]
    with out.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", run, "live", "--device", "synthetic:emg", *options],
            stdout=file,
            cwd=tmp_path,
        )

    def lines() -> dict[float, dict[str, Any]]:
        """End the run; return its predictions, and the ends of decisions, by time."""
        process.terminate()
        assert process.wait(60) == 130
        told = list(map(json.loads, out.read_text().splitlines()))
        answers = {each["end"]: each for each in told if each["type"] == "prediction"}
        # A busy machine may keep the samples, and end a decision.
        ends = {each["time"]: each for each in told if each.get("kind") == "none"}
        return ends | answers

    yield lines
    process.kill()
    process.wait()


Lines = Callable[[], dict[float, dict[str, Any]]]


def line_at(lines: dict[float, dict[str, Any]], stamp: float) -> dict[str, Any]:
    """Return the line whose window ended at a stamp of this computer's LSL clock."""
    moment = stamp + now() - pylsl.local_clock()
    nearest = min(lines, key=lambda end: abs(end - moment))
    assert nearest == pytest.approx(moment, abs=1e-3)
    return lines[nearest]


@pytest.mark.slow
def test_what_a_plain_inlet_hears(started: Lines, lsl_name: str) -> None:
    found = pylsl.resolve_byprop("name", lsl_name, timeout=60.0)
    probabilities = pylsl.StreamInlet(found[0])
    probabilities.open_stream(10.0)
    decisions = inlet(f"{lsl_name}-decisions")
    labels = probabilities.info(10.0).get_channel_labels()
    values, stamps = pulled(probabilities, 30)
    texts, at = pulled(decisions, 30)
    lines = started()
    indices = []
    for value, stamp in zip(values, stamps, strict=True):
        line = line_at(lines, stamp)
        indices.append(line["index"])
        told = [line["probabilities"][label] for label in labels]
        assert value == pytest.approx(told, abs=1e-6)
    answered = [each["index"] for each in lines.values() if "probabilities" in each]
    first = answered.index(indices[0])
    assert indices == answered[first : first + 30], "every answer, in its order"
    for (text,), stamp in zip(texts, at, strict=True):
        assert text == (line_at(lines, stamp).get("label") or "none")


@pytest.mark.slow
def test_what_mne_lsl_hears(started: Lines, lsl_name: str) -> None:
    from mne_lsl.stream import StreamLSL

    pylsl.resolve_byprop("name", lsl_name, timeout=60.0)
    stream = StreamLSL(2.0, name=lsl_name)
    stream.connect(acquisition_delay=None, processing_flags=None, timeout=30)
    try:
        end = now() + 30
        while stream.n_new_samples < 20 and now() < end:
            stream.acquire()
        data, stamps = stream.get_data()
        labels, sfreq = stream.ch_names, stream.info["sfreq"]
    finally:
        stream.disconnect()
    lines = started()
    heard = stamps > 0
    assert heard.sum() >= 20
    hop = np.diff(sorted(lines)).min()
    assert sfreq == pytest.approx(1 / hop, rel=1e-3)
    for values, stamp in zip(data.T[heard], stamps[heard], strict=True):
        told = line_at(lines, stamp)["probabilities"]
        assert list(told) == labels
        assert list(values) == pytest.approx(list(told.values()), abs=1e-6)

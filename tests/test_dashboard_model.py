"""What a dashboard knows: held against what the run itself has."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from math import isnan, nan
from pathlib import Path

import numpy as np
import pytest
from rtpipe.devices.faulty import faulty
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe import build, runfolder
from rtpipe.attach import Attachment, Line, Rings
from rtpipe.clock import now
from rtpipe.config import ModelTable
from rtpipe.dashboard.model import SPAN, Answers, RunModel, StreamModel
from rtpipe.dashboard.troubles import no_models, troubles
from rtpipe.errors import RtpipeError
from rtpipe.ring import Ring
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Item, Sink
from rtpipe.sinks.collect import Collect
from rtpipe.sinks.cues import Cues
from rtpipe.sinks.jsonl import as_json
from rtpipe.types import Chunk, Prediction, StreamInfo

PATIENCE = 60.0  # seconds, only for a test that fails
LABELS = ("rest", "fist")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place of the test's own for runs; pytest's is too deep for a socket's path."""
    with tempfile.TemporaryDirectory() as name:
        monkeypatch.setattr(runfolder, "shared_folder", lambda: Path(name))
        yield folder_of_runs()


def follow(model: RunModel, true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not happen"
        model.poll(now())
        time.sleep(0.005)


def answer(k: int, label: str | None = "fist", reason: str | None = None) -> Prediction:
    shares = {"rest": 0.25, "fist": nan}
    return Prediction("arm", "m", k, k / 10, label, shares, 0.01, 0.5, None, reason)


def test_it_knows_what_the_run_has(home: Path) -> None:
    bundles = build.bundles((ModelTable(path="demo:gesture"),), "cpu")
    kept = Collect()
    sinks: list[Sink] = [kept]
    device = SyntheticDevice(seed=4)
    with Runtime([device], bundles, sinks) as runtime:
        attachment = Attachment(home / runtime.run.name)
        model = RunModel(attachment)
        answers = model.models["demo-gesture"].streams["synthetic:emg"]
        follow(model, lambda: len(answers) >= 20)
        runtime.run.mark("first")
        runtime.run.mark("second")
        follow(model, lambda: sum(e.kind == "marker" for e in model.events) >= 2)
        follow(model, lambda: model.streams["synthetic:eeg"].quality[0] != "?")
        first = int(answers.index[0])
        seen = model.streams["synthetic:emg"]
        assert seen.now(5.0) == 5.0
        assert seen.rate is None or 100 < seen.rate < 300
        own = runtime.run.streams["synthetic:emg"]
    follow(model, lambda: model.state != "running")
    attachment.close()
    assert model.state == "over"

    assert model.summary is not None
    assert seen.info == own.info
    (chain,) = seen.filtered
    assert seen.chains == {"demo-gesture": chain}
    behind, ring = seen.filtered[chain]
    assert behind == own.behind[chain]
    np.testing.assert_array_equal(ring.view(0, 100), own.filtered[chain].view(0, 100))

    expected = [each for each in kept.predictions if each.index >= first]
    assert answers.index.tolist() == [each.index for each in expected]
    assert answers.end.tolist() == [each.end for each in expected]
    assert answers.latency.tolist() == [each.latency for each in expected]
    assert answers.missing.tolist() == [each.missing for each in expected]
    assert answers.newest == as_json(expected[-1])
    labels = model.models["demo-gesture"].labels
    shares = [[each.probabilities[label] for label in labels] for each in expected]
    np.testing.assert_array_equal(answers.probabilities, shares)
    for each, label, truth in zip(expected, answers.label, answers.truth, strict=True):
        assert each.label == (labels[label] if label >= 0 else None)
        assert each.truth == (labels[truth] if truth >= 0 else None)
    markers = [each.data["text"] for each in model.events if each.kind == "marker"]
    assert markers == ["first", "second"], "once, though on two streams"
    for stream in model.streams.values():
        told = [each.data["text"] for each in stream.events if each.kind == "marker"]
        assert told == ["first", "second"]


def test_losses_of_the_last_minute_and_events_are_those_of_the_stream(
    home: Path,
) -> None:
    device = faulty("synthetic:emg", faults="drop 10%", seed=2)
    with Runtime([device]) as runtime:
        attachment = Attachment(home / runtime.run.name)
        model = RunModel(attachment)
        seen = model.streams["synthetic:emg"]
        follow(model, lambda: seen.counters.get("lost", 0) > 20)
        assert 0 < seen.lost_minute <= seen.counters["lost"]
        gaps = [each for each in seen.events if each.kind == "gap"]
        assert gaps
        assert all(each.stream == "synthetic:emg" for each in gaps)
        attachment.close()


def test_a_replay_counts_on_its_own_clock(home: Path) -> None:
    device = SyntheticDevice("emg", seed=3, paced=False, duration=4.0)
    with Runtime([device]) as runtime:
        attachment = Attachment(home / runtime.run.name)
        model = RunModel(attachment)
        runtime.wait()
    follow(model, lambda: model.state == "over")
    assert model.streams["synthetic:emg"].now(now()) == pytest.approx(4 - 1 / 200)
    attachment.close()


def test_answers_of_the_last_ten_minutes_are_kept_in_order() -> None:
    hop = 1.0
    answers = Answers(LABELS, hop)
    for k in range(int(2.5 * SPAN)):
        answers.take(as_json(answer(k)), now())
        n = min(k + 1, int(SPAN / hop) + 1)
        assert len(answers) == n
        assert answers.index[0] == k + 1 - n
        assert answers.index[-1] == k
    assert (np.diff(answers.index) == 1).all()
    assert (answers.label == 1).all()
    assert (answers.truth == -1).all()
    assert (answers.probabilities[:, 0] == 0.25).all()
    assert np.isnan(answers.probabilities[:, 1]).all()


def test_why_there_is_no_decision_is_kept_in_words() -> None:
    answers = Answers(LABELS, 0.1)
    assert (answers.newest, len(answers)) == (None, 0)
    assert answers.none == "no window has been answered yet"
    for k, reason in enumerate(("unsure", None, "bad signal", "unsure")):
        answers.take(as_json(answer(k, None if reason else "rest", reason)), now())
    said = [answers.reasons[k] if k >= 0 else None for k in answers.reason]
    assert said == ["unsure", None, "bad signal", "unsure"]
    assert answers.label.tolist() == [-1, 0, -1, -1]
    for k in range(1000):  # of some, the words hold a number
        answers.take(as_json(answer(k, None, f"no data for {k} s")), now())
    assert len(answers.reasons) < 100
    assert len(answers.reason) == 1004
    answers.lapse("the device is lost")
    assert (answers.newest, answers.none) == (None, "the device is lost")


def test_a_decision_that_ended_is_not_the_present_one(home: Path) -> None:
    bundles = build.bundles((ModelTable(path="demo:gesture"),), "cpu")
    device = SyntheticDevice("emg", seed=3)
    with Runtime([device], bundles) as runtime:
        attachment = Attachment(home / runtime.run.name)
        model = RunModel(attachment)
        answers = model.models["demo-gesture"].streams["synthetic:emg"]
        follow(model, lambda: answers.newest is not None)
        none = {"model": "demo-gesture", "reason": "no data for 0.20 s"}
        line = {"type": "event", "stream": "synthetic:emg", "time": None}
        model.take([{**line, **none, "kind": "none", "model": "another"}], now())
        assert answers.newest is not None
        model.take([{**line, **none, "kind": "none"}], now())
        assert not answers.newest
        assert answers.none == "no data for 0.20 s"
        assert isnan(model.streams["synthetic:emg"].events[-1].time)
        attachment.close()


class Overtaken(Ring):
    """A ring whose run has written on whenever a reader has looked where it ends."""

    times_left = 0  # how often that is so

    @property
    def stop(self) -> int:
        stop = super().stop
        if self.times_left:
            self.times_left -= 1
            self.write(counted(stop, self.capacity + 1))
        return stop


def counted(start: int, n: int) -> Chunk:
    """Return samples that hold their own index, and times that are it."""
    index = np.arange(start, start + n, dtype=np.float64)
    return Chunk("band", start, index, np.repeat(index, 2).reshape(n, 2).astype("f4"))


def test_the_newest_sample_is_read_though_the_run_writes() -> None:
    info = StreamInfo("band", 10.0, ("A", "B"), ("misc",) * 2, ("uV", "%"))
    ring = Overtaken((2,), 8)
    stream = StreamModel(Rings(info, "recording", ring, {}, {}))

    def read(times_left: int = 0) -> tuple[float, float | None]:
        ring.times_left = times_left
        now = stream.now(5.0)
        ring.times_left = times_left
        battery = stream.battery
        ring.times_left = 0
        return now, battery

    assert str(read()) == "(nan, None)"
    ring.write(counted(0, 5))
    assert read() == (4.0, 4.0)
    assert read(1) == (13.0, 22.0), "it is read again"
    assert read(1000) == (13.0, None), "the time is that of what was read last"
    ring.write(counted(100_000, 1))  # after a hole
    assert read() == (100_000.0, 100_000.0)


def test_a_line_that_is_odd_is_counted_and_no_more(home: Path) -> None:
    bundles = build.bundles((ModelTable(path="demo:gesture"),), "cpu")
    with Runtime([SyntheticDevice("emg", seed=3)], bundles) as runtime:
        attachment = Attachment(home / runtime.run.name)
        model = RunModel(attachment)
        answers = model.models["demo-gesture"].streams["synthetic:emg"]
        found: dict[str, Line] = {}
        end = time.monotonic() + PATIENCE
        while not {"prediction", "status"} <= found.keys():
            assert time.monotonic() < end, "they did not come"
            found |= {each["type"]: each for each in attachment.poll()}
            time.sleep(0.005)
        attachment.close()
    prediction, status = found["prediction"], found["status"]
    stream = status["streams"]["synthetic:emg"]
    odd: list[Line] = [
        {},
        {"type": "event"},
        {"type": "dropped", "n": "many"},
        {"type": "error"},
        {**prediction, "model": "another"},
        {**prediction, "stream": "another"},
        {key: prediction[key] for key in prediction if key != "probabilities"},
        {**prediction, "probabilities": [1]},
        {**status, "streams": {"another": stream}},
        {**status, "streams": {"synthetic:emg": {**stream, "counters": None}}},
        {**status, "streams": {"synthetic:emg": {"quality": []}}},
        {**status, "models": {"demo-gesture": {}}},
    ]
    model.take([status, prediction], now())
    before = dict(model.streams["synthetic:emg"].status)
    for n, line in enumerate(odd, 1):
        model.take([line, {"type": "what a later version tells"}], now())
        assert model.odd == n, line
    assert len(answers) == 1
    assert answers.newest == prediction
    assert model.streams["synthetic:emg"].status == before
    model.take([{**prediction, "index": prediction["index"] + 1}], now())
    assert len(answers) == 2


class Breaks(Collect):
    """A sink that fails."""

    name = "breaks"

    def take(self, items: Sequence[Item]) -> None:
        raise OSError("no route to the host")


def test_what_a_person_must_know_is_told_while_it_is_so(
    home: Path, tmp_path: Path
) -> None:
    bundles = build.bundles((ModelTable(path="demo:seizure"),), "cpu")
    sinks: list[Sink] = [Collect(), Breaks()]
    asking = Cues(("fist",), 9, 60.0, 7)
    device = SyntheticDevice("emg", seed=3)
    with Runtime([device], bundles, sinks, optional=True, asking=asking) as runtime:
        attachment = Attachment(home / runtime.run.name)
        model = RunModel(attachment)
        assert troubles(model, now()) == []
        assert model.models == {}
        assert no_models(model).startswith("no model runs: demo-seizure: it fits no ")
        lacking = "NOT RECORDING: what is done now is kept nowhere"
        broken = "breaks stopped: no route to the host"
        follow(model, lambda: troubles(model, now()) == [lacking, broken])
        attachment.send({"command": "record", "file": "day.txt"})
        follow(model, lambda: len(troubles(model, now())) == 3)
        assert troubles(model, now())[1].startswith(
            "NOT RECORDED: day.txt would not be XDF"
        )
        path = tmp_path / "day.xdf"
        attachment.send({"command": "record", "file": str(path)})
        follow(model, lambda: troubles(model, now()) == [broken])
        attachment.send({"command": "stop recording"})
        follow(model, lambda: troubles(model, now()) == [lacking, broken])
        attachment.close()


def test_a_recording_that_stops_is_told_also_when_the_run_is_over(
    home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "day.xdf"
    sinks: list[Sink] = [Collect()]
    with Runtime([SyntheticDevice("emg", seed=3)], (), sinks, record=path) as runtime:
        attachment = Attachment(home / runtime.run.name)
        model = RunModel(attachment)
        follow(model, lambda: model.recording and model.recording["bytes"])
        assert troubles(model, now()) == []
        path.unlink()
        follow(model, lambda: troubles(model, now()))
    follow(model, lambda: model.state == "over")
    assert troubles(model, now())[0].startswith("RECORDING STOPPED: ")
    attachment.close()


def test_a_run_of_another_version_is_an_error(home: Path) -> None:
    with Runtime([SyntheticDevice("emg", seed=3)]) as runtime:
        attachment = Attachment(home / runtime.run.name)
        del attachment.hello["cue"]
        with pytest.raises(RtpipeError, match="is of another version of rtpipe"):
            RunModel(attachment)
        attachment.close()

"""What a person is asked for, and what of it the markers tell."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from rtpipe import cli, clock, cues
from rtpipe.config import check
from rtpipe.cues import BROKEN, OFF, ON, READY, Prompter, labels, length, order
from rtpipe.cuespans import Span, spans, truth
from rtpipe.errors import ConfigError, DeviceLost
from rtpipe.recording import read
from rtpipe.registry import find
from rtpipe.runtime.runtime import Runtime
from rtpipe.sinks.collect import Collect
from rtpipe.sinks.cues import Cues
from rtpipe.sinks.truthcues import TruthCues
from rtpipe.training.synthetic import record
from rtpipe.types import Chunk, Event, StreamInfo

Capture = pytest.CaptureFixture[str]
LABELS = ("rest", "fist", "open")
ROUNDED = 1e-9  # seconds: times are sums


# The order ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "named", [("rest",), ("rest", "fist"), LABELS, tuple("abcdef")]
)
def test_each_label_once_a_repetition_and_none_twice_in_a_row(
    named: Sequence[str],
) -> None:
    for seed in range(20):
        found = order(named, 6, seed)
        n = len(named)
        for at in range(0, len(found), n):
            assert sorted(found[at : at + n]) == sorted(named)
        if n > 1:
            assert all(a != b for a, b in pairwise(found))
    assert order(named, 6, 3) == order(named, 6, 3)


def test_the_order_is_the_seed_s() -> None:
    assert len({tuple(order(LABELS, 5, seed)) for seed in range(20)}) > 10


def test_how_long_it_takes_in_words() -> None:
    assert length(3, 5, 3.0) == "5 x 3 cues of 3 s: 1 min 15 s"
    assert length(2, 1, 1.0) == "1 x 2 cues of 1 s: 6 s"
    assert length(1, 1, 58.0) == "1 x 1 cues of 58 s: 1 min"


# The prompts ----------------------------------------------------------------------


def played(prompter: Prompter, steps: Sequence[tuple[float, str]]) -> list[Any]:
    """Return (time, marker) for all markers, and check what is shown at each step."""
    found = []
    for time, obstacle in steps:
        if prompter.over:
            break
        found += [(time, text) for text in prompter.step(time, obstacle)]
        shown = prompter.cue
        assert shown.waits == obstacle
        assert 0 <= shown.left <= shown.length + ROUNDED
        assert shown.done <= shown.total
        assert shown.label is None or not obstacle
    return found


def test_it_takes_as_long_as_was_told() -> None:
    prompter = Prompter(LABELS, 5, 3.0, seed=1)
    found = played(prompter, [(k / 20, "") for k in range(2000)])
    assert prompter.over
    assert found[-1] == (75.0, f"{OFF}{order(LABELS, 5, 1)[-1]}")
    assert [text for _, text in found] == [
        word + label for label in order(LABELS, 5, 1) for word in (ON, OFF)
    ]
    assert prompter.step(80.0) == []
    assert prompter.cue.done == prompter.cue.total == 15


def test_what_was_disturbed_is_asked_for_again() -> None:
    """At random times it cannot go on; whatever comes, each cue is whole in the end."""
    n_broken = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        times = np.cumsum(rng.uniform(0.01, 0.2, 20_000))
        blocked = np.repeat(rng.random(2000) < 0.1, 10)
        steps = [
            (float(time), "the arm is lost" if bad else "")
            for time, bad in zip(times, blocked, strict=True)
        ]
        prompter = Prompter(LABELS, 4, 1.5, seed)
        found = played(prompter, steps)
        assert prompter.over
        assert prompter.end() == []
        broken = sum(text.startswith(BROKEN) for _, text in found)
        assert (prompter.cue.broken, prompter.cue.again) == (broken, False)
        ended = Counter(text for _, text in found if text.startswith(OFF))
        assert ended == Counter(OFF + label for label in LABELS * 4)
        n_broken += sum(text.startswith(BROKEN) for _, text in found)
        free = 0.0  # since when nothing was asked for
        for (start, on), (stop, off) in zip(found[::2], found[1::2], strict=True):
            assert on.startswith(ON)
            assert start - free >= READY - ROUNDED
            free = stop
            label = on.removeprefix(ON)
            within = [bad for time, bad in steps if start <= time <= stop]
            assert off == (BROKEN if any(within) else OFF) + label
            assert off.startswith(BROKEN) or stop - start >= 1.5 - ROUNDED
        whole = [text for _, text in found if not text.startswith(BROKEN)]
        asked = [text.removeprefix(OFF) for text in whole if text.startswith(OFF)]
        assert asked == order(LABELS, 4, seed)
    assert n_broken > 30


# Spans ----------------------------------------------------------------------------


def marks(*told: tuple[int, str]) -> list[Event]:
    return [Event("arm", k / 100, "marker", k, {"text": text}) for k, text in told]


def test_spans_of_markers() -> None:
    found = spans(
        [
            *marks((5, "cues: 1 x 2 of 3 s"), (10, "cue on: fist")),
            Event("arm", 0.2, "truth", 12, {"task": "gesture", "label": "cue on: x"}),
            *marks((15, "marker 1"), (20, "cue off: fist")),
            *marks((30, "cue on: rest"), (35, "cue broken: rest")),
            *marks((40, "cue on: rest"), (50, "cue off: fist")),
            *marks((60, "cue on: rest"), (70, "cue on: fist"), (80, "cue off: fist")),
            *marks((85, "cue off: fist"), (90, "cue on:  a: b ")),
        ]
    )
    assert found == [
        Span("fist", 10, 20, True),
        Span("rest", 30, 35, False),
        Span("rest", 40, 50, False),
        Span("rest", 60, 70, False),
        Span("fist", 70, 80, True),
        Span("a: b", 90, 90, False),
    ]
    told = truth(found, 3)
    assert [told.of(k, k + 1) for k in (12, 13, 19, 20, 33, 72, 73, 80)] == [
        *(None, "fist", "fist", None, None, None, "fist", None)
    ]


# Settings -------------------------------------------------------------------------


def test_labels_from_a_text_or_a_list() -> None:
    assert labels(" rest, wrist extension ,open") == ("rest", "wrist extension", "open")
    assert labels(["rest"]) == ("rest",)
    assert labels("truth") == ("truth",)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cues": "rest,,open"}, "a cue is a word that can be shown, .* not ''"),
        ({"cues": "rest,o\x1b[2Jpen"}, "a cue is a word that can be shown"),
        ({"cues": "x" * 41}, "of at most 40 letters"),
        ({"cues": "rest,open,rest"}, "the cue rest occurs twice"),
        ({"cues": ["rest", "truth"]}, "truth stands alone"),
        ({"cues": 5}, "cues are labels with commas between"),
        ({"cues": [5]}, "cues are labels with commas between"),
        ({"repeat": 3, "seconds": 2}, "^here: repeat, seconds: there are no cues$"),
        ({"cue_seed": 3}, "cue_seed: there are no cues"),
        ({"cues": "rest", "repeat": 0}, "repeat: "),
        ({"cues": "rest", "seconds": -1}, "seconds: "),
        ({"cues": "rest", "cue_seed": -1}, "cue_seed: "),
    ],
)
def test_settings_that_ask_for_nothing(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check(given, "here")


def test_nobody_can_do_what_is_asked_for_in_a_recording() -> None:
    device = find("devices", "synthetic")("emg", seed=1, paced=False, duration=1.0)
    sinks = [Cues(LABELS, 1, 1.0, None)]
    with (
        pytest.raises(ConfigError, match="synthetic:emg does not come in its own time"),
        Runtime([device], [], sinks, shared=False),
    ):
        pass


# Runs -----------------------------------------------------------------------------


class Leaving:
    """Sends in its own time; it is lost, once, when the test says so."""

    paced = True
    clock: Literal["run", "recording"] = "run"

    def __init__(self) -> None:
        self.lose = threading.Event()
        self._index = 0

    def open(self) -> Sequence[StreamInfo]:
        self._start = clock.now()
        self._index = 0
        return [StreamInfo("arm", 1000.0, ("a",), ("emg",), ("uV",))]

    def read(self, timeout: float) -> Sequence[Chunk]:
        if self.lose.is_set():
            self.lose.clear()
            raise DeviceLost("the armband has gone: is it charged?")
        threading.Event().wait(min(timeout, 0.01))
        stop = int((clock.now() - self._start) * 1000.0)
        rows = np.arange(self._index, stop)
        self._index = stop
        data = np.zeros((len(rows), 1), np.float32)
        times = self._start + rows / 1000.0
        return [Chunk("arm", int(rows[0]), times, data, clock.now())] if stop else ()

    def close(self) -> None:
        pass


class Watching(Collect):
    """Loses the device in the middle of the first cue."""

    def __init__(self, device: Leaving) -> None:
        super().__init__()
        self._device, self._done = device, False

    def take(self, items: Sequence[Any]) -> None:
        super().take(items)
        for each in items:
            if not self._done and str(each.data.get("text", "")).startswith(ON):
                self._done = True
                self._device.lose.set()


def test_a_device_that_is_lost_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cues, "READY", 0.1)
    device = Leaving()
    sink = Watching(device)
    asking = Cues(LABELS, 1, 0.3, seed=5)
    with Runtime([device], [], [asking, sink], shared=False) as runtime:
        runtime.wait(60.0)
        shown = runtime.run.cue
    assert shown is not None
    assert (shown.done, shown.total) == (3, 3)
    texts = [e.data["text"] for e in sink.events if e.kind == "marker"]
    first, *others = order(LABELS, 1, 5)
    assert texts == [
        "cues: 1 x 3 cues of 0.3 s: 1 s, seed 5",
        *(ON + first, BROKEN + first, ON + first, OFF + first),
        *(word + label for label in others for word in (ON, OFF)),
    ]
    kinds = [each.kind for each in sink.events if each.kind in ("lost", "recovered")]
    assert kinds == ["lost", "recovered"]
    back = next(e.index for e in sink.events if e.kind == "recovered")
    whole = [each for each in spans(sink.events) if each.whole]
    assert min(each.start for each in whole) >= (back or 0)


class Stopping(Collect):
    """Ends the run in the middle of the second cue."""

    def take(self, items: Sequence[Any]) -> None:
        super().take(items)
        if sum(str(e.data.get("text", "")).startswith(ON) for e in self.events) > 1:
            self.run.stop()

    def open(self, run: Any) -> None:
        super().open(run)
        self.run = run


def asked(
    asking: Cues | TruthCues, device: Any, path: Path
) -> tuple[list[str], dict[str, Any], list[str]]:
    """Return the markers of the cues and what ends them, and what the file has."""
    sink = Stopping()
    with Runtime(
        [device], [], [sink], shared=False, record=path, asking=asking
    ) as runtime:
        runtime.wait(60.0)
    texts = [e.data["text"] for e in sink.events if e.kind == "marker"]
    (last,) = [e.data for e in sink.events if e.kind == "cues"]
    (recording,) = read(path)
    assert runtime.run.dropped["cues"] == 0
    return texts, last, [e.data["text"] for e in recording.events if "text" in e.data]


def test_a_run_that_is_ended_breaks_the_cue_and_says_so_in_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cues, "READY", 0.05)
    asking = Cues(LABELS, 2, 0.3, seed=5)
    texts, last, kept = asked(asking, Leaving(), tmp_path / "own.xdf")
    first, second, *_ = order(LABELS, 2, 5)
    assert texts[1:] == [ON + first, OFF + first, ON + second, BROKEN + second]
    assert kept == texts
    assert last == {"done": 1, "broken": 1, "left": 5}


def test_a_truth_that_is_cut_off_is_broken(tmp_path: Path) -> None:
    device = find("devices", "synthetic")("emg", seed=1_000_007, duration=6.0)
    following = TruthCues(repeat=9, seconds=1.0)
    texts, last, kept = asked(following, device, tmp_path / "own.xdf")
    first, second, *_ = [each.label for each in truth_spans(20.0, 1_000_007)]
    assert texts == [ON + first, OFF + first, ON + second, BROKEN + second]
    assert kept == texts
    assert last == {"done": 1, "broken": 1}


def test_a_seed_that_is_drawn_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cues, "READY", 0.01)
    sink = Collect()
    with Runtime(
        [Leaving()], [], [Cues(LABELS, 2, 0.01, None), sink], shared=False
    ) as runtime:
        runtime.wait(60.0)
    first, *texts = [e.data["text"] for e in sink.events if e.kind == "marker"]
    seed = int(first.rpartition(" ")[2])
    asked = [text.removeprefix(ON) for text in texts if text.startswith(ON)]
    assert asked == order(LABELS, 2, seed)


# Cues that follow the truth -------------------------------------------------------


def truth_spans(seconds: float, seed: int) -> list[Span]:
    """Return what the device does, from its own words."""
    told = [
        (event.index or 0, event.data["label"])
        for event in record("emg", seed, seconds).events
        if event.kind == "truth"
    ]
    return [
        Span(label, start, stop, True)
        for (start, label), (stop, _) in pairwise(told)
        if label is not None
    ]


def test_cues_are_what_the_device_tells(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "own.xdf"
    command = ["record", "--device", "synthetic:emg", "--set", "device.paced=false"]
    command += ["--set", "device.seed=1000007", str(path), "--ui", "none"]
    with pytest.raises(SystemExit) as end:
        cli.app([*command, "--cues", "truth", "--repeat", "2"])
    assert (end.value.code, capsys.readouterr().err) == (0, "")
    (recording,) = read(path)
    found = [each for each in spans(recording.events) if each.whole]
    assert found == truth_spans(120.0, 1_000_007)[: len(found)]
    assert Counter(each.label for each in found) == dict.fromkeys(
        {each.label for each in found}, 2
    )
    assert len(found) == 12


def test_spans_that_are_too_short_are_broken() -> None:
    """Those of the device last from 2.2 s to 2.9 s."""
    sink = Collect()
    device = find("devices", "synthetic")("emg", seed=1_000_007, paced=False)
    following = TruthCues(repeat=1, seconds=2.5)
    with Runtime([device], [], [following, sink], shared=False) as runtime:
        runtime.wait(60.0)
    found = spans(sink.events)
    told = truth_spans(200.0, 1_000_007)
    for span, wanted in zip(found, told, strict=False):
        assert (span.label, span.start) == (wanted.label, wanted.start)
        long = wanted.stop - wanted.start >= 2.5 * 200
        assert span.whole == long
    counts = Counter(each.label for each in found if each.whole)
    assert set(counts) == {each.label for each in told}
    assert {each.whole for each in found} == {True, False}


@pytest.mark.parametrize("seconds", [9, 11])
def test_a_device_that_tells_no_truth(
    seconds: int, caplog: pytest.LogCaptureFixture
) -> None:
    class Silent:
        paced = False
        clock: Literal["run", "recording"] = "recording"

        def __init__(self) -> None:
            self._device = find("devices", "synthetic")(
                "emg", paced=False, chunk=0.5, duration=float(seconds)
            )

        def open(self) -> Any:
            return self._device.open()

        def read(self, timeout: float) -> Any:
            chunks = self._device.read(timeout)
            return chunks and [replace(each, events=()) for each in chunks]

        def close(self) -> None:
            self._device.close()

    following, sink = TruthCues(repeat=1, seconds=1.0), Collect()
    with Runtime([Silent()], [], [following, sink], shared=False) as runtime:
        runtime.wait(60.0)
    told = [each.message for each in caplog.records if "no truth" in each.message]
    assert len(told) == (seconds > 10)
    assert runtime.run.cue is not None
    assert ("no truth" in runtime.run.cue.waits) == (seconds > 10)


def test_a_gap_breaks_the_cue_it_lies_in() -> None:
    """The synthetic device behind one that drops half a second."""

    class Dropping:
        paced = False
        clock: Literal["run", "recording"] = "recording"

        def __init__(self) -> None:
            self._device = find("devices", "synthetic")(
                "emg", seed=1_000_007, paced=False, chunk=0.5, duration=20.0
            )

        def open(self) -> Any:
            return self._device.open()

        def read(self, timeout: float) -> Any:
            chunks = self._device.read(timeout)
            if chunks and chunks[0].index == 800:  # 4 s
                return []
            return chunks

        def close(self) -> None:
            self._device.close()

    sink = Collect()
    with Runtime(
        [Dropping()], [], [TruthCues(repeat=9, seconds=1.0), sink], shared=False
    ) as runtime:
        runtime.wait(60.0)
    inside = [
        each.whole for each in spans(sink.events)[:-1] if each.start < 900 < each.stop
    ]
    outside = [
        each.whole
        for each in spans(sink.events)[:-1]
        if each.stop < 800 or each.start > 900
    ]
    assert inside == [False]
    assert len(outside) > 3
    assert all(outside)

"""What a run lost is the same figure wherever it is told."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpipe import cli
from rtpipe.recordings.losses import losses
from rtpipe.stages.gaps import Gaps
from rtpipe.types import Chunk, StreamInfo

Capture = pytest.CaptureFixture[str]
FAULTS = (
    "nan 0.5 at 3; drop 2%; stall 1 at 6; disconnect 3 at 9; channels 2 at 14; "
    "duplicate 1%; reorder 1%; flood 0.2 at 20"
)
SAME = ("received", "expected", "lost", "late", "missing", "filled", "gaps")


def told(capsys: Capture, *arguments: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        cli.app(list(arguments))
    assert not end.value.code
    return capsys.readouterr().out


def summary(lines: str) -> dict[str, int]:
    (counters,) = json.loads(lines.splitlines()[-1])["streams"].values()
    return {name: counters[name] for name in SAME}


def test_run_replay_inspect_and_convert_tell_the_same(
    tmp_path: Path, capsys: Capture
) -> None:
    file = str(tmp_path / "f.xdf")
    device = ["--device", "faulty:synthetic:emg", "--set", f'device.faults="{FAULTS}"']
    device += ["--set", "device.settings={paced=false, duration=60}"]
    run = summary(told(capsys, "record", *device, "--json", file))
    assert min(run.values()) > 0
    assert run["expected"] == run["received"] - run["late"] + run["lost"]
    model = ("--model", "demo:gesture")
    replay = summary(told(capsys, "replay", file, *model, "--speed", "max", "--json"))
    assert replay == run
    (stream,) = json.loads(told(capsys, "inspect", file, "--json"))["streams"]
    figures = (stream["samples"], stream["lost"], stream["late"])
    assert figures == (run["received"], run["lost"], run["late"])
    out = told(capsys, "inspect", file)
    assert re.search(rf"\b{run['lost']} in \d+", out)
    assert f"{run['late']} of its samples came late or twice" in out
    out = told(capsys, "convert", file, "--to", "edf")
    assert f"{run['lost']} of {run['expected']} samples were lost" in out
    assert f"{run['late']} samples came late or twice" in out


@given(st.lists(st.tuples(st.integers(-9, 30), st.integers(1, 5)), min_size=1))
def test_an_index_tells_what_the_stage_of_gaps_counts(
    steps: list[tuple[int, int]],
) -> None:
    stage = Gaps()
    stage.prepare(StreamInfo("s", 100.0, ("A",), ("emg",), ("uV",)))
    at, index = 0, list[int]()
    found: dict[str, Any] = {"gaps": 0, "lost": 0, "late": 0}
    for step, n in steps:
        at += step
        index += range(at, at + n)
        chunk = Chunk("s", at, np.zeros(n), np.zeros((n, 1), np.float32), 0.0)
        for event in (e for out in stage.process(chunk) for e in out.events):
            if event.kind == "gap":
                found["gaps"] += 1
                found["lost"] += event.data["lost"]
            else:
                found["late"] += event.data["samples"]
        at += n
    counted = losses(np.array(index))
    assert {name: getattr(counted, name) for name in found} == found

"""What the command `rtpipe replay --check` prints, and what it refuses."""

import io
import json
from dataclasses import replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rtpipe import cli
from rtpipe.errors import ConfigError, RecordingError
from rtpipe.replaycheck.report import as_json, print_check
from rtpipe.runtime.runtime import Runtime

from .checkedruns import (
    HOP,
    SFREQ,
    Make,
    Scripted,
    checked,
    cut,
    make_bundle,
    noise,
    record_gap,
)
from .rewritten import Content, a_decision, an_index_entry_less, rewritten

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def bundle(tmp_path: Path) -> Make:
    return partial(make_bundle, tmp_path)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return record_gap(tmp_path)


def run(capsys: Capture, *arguments: object) -> tuple[Any, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        cli.app([str(each) for each in arguments])
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


def test_the_command_tells_where_they_part(made: Path, capsys: Capture) -> None:
    status, out, _ = run(capsys, "replay", made, "--check")
    assert status == 0
    assert "The replay gives what was stored." in out
    changed = rewritten(made, a_decision)
    status, out, _ = run(capsys, "replay", changed, "--check")
    assert status == 1
    index = checked(changed).comparisons[0].first
    assert index is not None
    assert f"plain parts on arm at index {index.index}" in out
    assert "the decisions differ" in out
    status, out, _ = run(capsys, "replay", changed, "--check", "--json")
    assert status == 1
    (line,) = out.splitlines()
    told = json.loads(line)
    assert told == as_json(checked(changed))
    assert told["verdict"] == "parts"
    first = told["answers"][0]["first"]
    assert first["after"] == index.index / SFREQ
    assert {"label", "reason", "missing", "probabilities"} == first["stored"].keys()


def test_a_difference_that_no_line_shows_is_told(made: Path, capsys: Capture) -> None:
    def a_little(held: dict[str, Content]) -> None:
        held["plain arm probabilities"].values[100, 0] += 3e-12

    status, out, _ = run(capsys, "replay", rewritten(made, a_little), "--check")
    assert status == 1
    assert " is off by 3.0e-12" in out


def test_what_happened_around_is_told(made: Path, capsys: Capture) -> None:
    status, out, _ = run(
        capsys, "replay", rewritten(made, an_index_entry_less), "--check"
    )
    assert status == 1
    assert " s: gap index 10" in out


def test_what_happened_around_may_have_lost_its_time(
    made: Path, capsys: Capture
) -> None:
    def damaged(held: dict[str, Content]) -> None:
        an_index_entry_less(held)
        events = held["events"]
        events.rows = [(row[0].replace('"time"', '"tame"'),) for row in events.rows]

    status, out, _ = run(capsys, "replay", rewritten(made, damaged), "--check")
    assert status == 1
    assert "near it: gap " in out


def test_a_recording_that_is_too_short_says_how_long_it_must_be(
    bundle: Make, tmp_path: Path, capsys: Capture
) -> None:
    device = Scripted(cut(noise(8000)))
    found = {}
    for begin in (len(device.pieces) - 20, 40):
        path = tmp_path / f"from-{begin}.xdf"

        def hold(at: int, begin: int = begin, path: Path = path) -> None:
            if at == begin:
                runtime.record(str(path))

        device.hold = hold
        with Runtime([device], [bundle()], shared=False) as runtime:
            runtime.wait()
        found[begin] = path
    short, long = found.values()
    status, out, _ = run(capsys, "replay", short, "--check")
    assert status == 2
    (each,) = checked(short).comparisons
    needs = ceil(each.needs / SFREQ)
    assert f"can be compared if it lasts {needs} s or longer" in out
    (each,) = checked(long).comparisons
    settled = each.stored.index[each.unsettled] - checked(long).begun["arm"] + 1
    assert settled <= each.needs <= settled + 5 * HOP
    assert "can be compared if" not in run(capsys, "replay", long, "--check")[1]


def test_the_table_fits_eighty_columns(made: Path) -> None:
    found = checked(made)
    for each in found.comparisons:
        each.stored = replace(each.stored, model="demo-gesture", stream="synthetic:emg")
    file = io.StringIO()
    print_check(found, Console(file=file, width=80))
    out = file.getvalue()
    assert "demo-gesture synthetic:emg " in out
    assert max(map(len, out.splitlines())) <= 80


def test_wrong_use(made: Path, bundle: Make, tmp_path: Path, capsys: Capture) -> None:
    def refused(*arguments: object) -> str:
        status, out, err = run(capsys, "replay", *arguments, "--check")
        assert (status, out) == (2, "")
        return err

    assert "there is no recording" in refused(tmp_path / "none.xdf")
    text = tmp_path / "text.txt"
    text.write_text("time\n1\n")
    assert "is no XDF file" in refused(text)
    assert "nothing else" in refused(made, "--duration", 3)
    assert "not duration" in refused(made, "--set", "duration=3")

    def foreign(held: dict[str, Content]) -> None:
        for each in held.values():
            header = replace(each.stream.header, about={})
            each.stream = replace(each.stream, header=header)

    def empty(held: dict[str, Content]) -> None:
        for name in [each for each in held if "plain" in each or "adapting" in each]:
            del held[name]

    assert "was not recorded by rtpipe" in refused(rewritten(made, foreign))
    assert "holds no decisions" in refused(rewritten(made, empty))
    other = bundle("other-one")
    assert "is none of the models" in refused(made, "--model", other[1].path)


def test_a_model_that_is_elsewhere_is_asked_for(
    made: Path, tmp_path: Path, capsys: Capture
) -> None:
    moved = tmp_path / "moved.pt"
    (tmp_path / "plain.pt").rename(moved)
    with pytest.raises(ConfigError, match="decisions of plain, which is not at hand"):
        checked(made)
    status, out, _ = run(capsys, "replay", made, "--check", "--model", moved)
    assert status == 0, out
    (tmp_path / "adapting.pt").rename(tmp_path / "plain.pt")
    with pytest.raises(ConfigError, match="has other weights by now"):
        checked(made)


def test_a_file_that_does_not_say_what_ran(made: Path) -> None:
    def speechless(held: dict[str, Content]) -> None:
        stream = held["events"].stream
        header = replace(stream.header, about={"role": "events"})
        held["events"].stream = replace(stream, header=header)

    with pytest.raises(RecordingError, match="does not say which models its run had"):
        checked(rewritten(made, speechless))

    def lost(held: dict[str, Content]) -> None:
        del held["arm"]

    with pytest.raises(RecordingError):
        checked(rewritten(made, lost))

"""`rtpipe replay --check`: equal where it is, and where they part when they do."""

import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

from rtpipe import cli, clock
from rtpipe.bundle import Bundle, Exported, Standardised, save
from rtpipe.card import Card, Placements, StageCard, Training
from rtpipe.decide import Decision
from rtpipe.errors import ConfigError, RecordingError
from rtpipe.features.placement import Placement
from rtpipe.features.timedomain import LogRms
from rtpipe.replaycheck.check import Checked, check
from rtpipe.replaycheck.report import as_json, print_check
from rtpipe.runtime.runtime import Runtime
from rtpipe.types import Chunk, Float32, StreamInfo
from rtpipe.xdf import encode
from rtpipe.xdf.header import STRING
from rtpipe.xdf.read import Stream, read

SFREQ, N_TIMES, HOP = 200.0, 40, 10
INFO = StreamInfo(
    "arm", SFREQ, ("A", "B"), ("emg",) * 2, ("uV",) * 2, rails=(-500.0, 500.0)
)
Piece = tuple[int, Float32]  # index of the first sample, samples
Named = tuple[str, Bundle, Decision]
Capture = pytest.CaptureFixture[str]


class Scripted:
    """A device that gives pieces of signal, each as a chunk."""

    def __init__(self, pieces: Sequence[Piece], paced: bool = False) -> None:
        self.pieces, self.paced = pieces, paced
        self.clock: Literal["run", "recording"] = "run" if paced else "recording"
        self.hold: Callable[[int], object] = lambda at: None

    def open(self) -> Sequence[StreamInfo]:
        self.at, self.start = 0, clock.now()
        return [INFO]

    def read(self, timeout: float) -> Sequence[Chunk] | None:
        self.hold(self.at)
        if self.at == len(self.pieces):
            return None
        index, data = self.pieces[self.at]
        self.at += 1
        times = (index + np.arange(len(data))) / SFREQ
        if self.paced:
            time.sleep(max(0.0, self.start + times[-1] - clock.now()))
            times = times + self.start
        return [Chunk("arm", index, times, data.copy(), clock.now())]

    def close(self) -> None:
        pass


def noise(n: int, seed: int = 0) -> Float32:
    """Return a signal whose strength goes up and down, slowly and by leaps."""
    rng = np.random.default_rng(seed)
    strength = rng.uniform(5, 80, (n // 150 + 1, 2)).repeat(150, axis=0)[:n]
    signal: Float32 = (strength * rng.standard_normal((n, 2))).astype(np.float32)
    return signal


def cut(data: Float32, *, first: int = 0, most: int = 37) -> list[Piece]:
    """Return samples in pieces of many sizes."""
    rng = np.random.default_rng(1)
    found, at = [], 0
    while at < len(data):
        n = int(rng.integers(1, most))
        found.append((first + at, data[at : at + n]))
        at += n
    return found


Make = Callable[..., Named]


@pytest.fixture
def bundle(tmp_path: Path) -> Make:
    def make(name: str = "plain", **changes: Any) -> Named:
        torch.manual_seed(len(name))
        told = {
            "name": name,
            "task": "strength",
            "labels": ("low", "middle", "high"),
            "sfreq": SFREQ,
            "ch_names": INFO.ch_names,
            "units": INFO.units,
            "n_times": N_TIMES,
            "hop": HOP,
            "stages": (StageCard(kind="filter", settings={"low": 20, "notch": 1}),),
            "training": Training(recipe="no", protocol="no", seed=0, simulated=True),
        }
        path = tmp_path / f"{name}.pt"
        head = Standardised(nn.Linear(2, 3))
        parts = (LogRms(), head, torch.full((2,), 3.0), torch.ones(2))
        place = None
        if "placements" in changes:
            centres = np.array([[0.2, -0.2], [-0.2, 0.3]])
            place = Placement(
                [[0, 1], [1, 0]], centres, 0.01 * np.eye(2), np.ones(2), 0.0
            )
        exported = Exported(*parts, place=place)
        card = save(path, exported, Card.model_validate(told | changes))
        loaded = Bundle.load(path)
        loaded.path = str(path)
        return name, loaded, card.decision

    return make


ADAPTS: dict[str, Any] = {
    "adapts": 20,
    "stages": (
        StageCard(kind="channel_scale", settings={"prior": [20, 20], "worth": 400}),
        StageCard(kind="filter", settings={"low": 20, "notch": 1}),
    ),
}


PLACES: dict[str, Any] = {
    "adapts": 20,
    "placements": Placements(names=("as in training", "mirrored"), lead=5, depth=9),
    "stages": (),
}


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """Run a device through bundles, recorded."""

    def run(device: Scripted, *bundles: Named) -> Path:
        path = tmp_path / "run.xdf"
        with Runtime([device], bundles, record=path, shared=False) as runtime:
            runtime.wait()
        return path

    return run


Recorded = Callable[..., Path]


def checked(path: Path) -> Checked:
    return check(path, (), "cpu")


def assert_equal(found: Checked) -> None:
    assert found.equal is True, [each.first for each in found.comparisons]
    for each in found.comparisons:
        assert each.n_different == each.labels_differ == 0
        assert each.compared > 0


def whole(found: Checked) -> None:
    """Every answer was compared and has the same bits."""
    assert_equal(found)
    for each in found.comparisons:
        n = len(each.stored.index)
        assert (each.compared, each.equal_bits, each.labels_compared) == (n, n, n)
        assert (each.unsettled, each.largest) == (0, 0.0)


def test_two_bundles_of_which_one_adapts(bundle: Make, recorded: Recorded) -> None:
    named = bundle(), bundle("adapting", **ADAPTS)
    path = recorded(Scripted(cut(noise(4000), most=700)), *named)
    found = checked(path)
    whole(found)
    assert {each.stored.model for each in found.comparisons} == {"plain", "adapting"}
    batches = [set(each.stored.batch.tolist()) for each in found.comparisons]
    assert all(len(sizes) > 2 for sizes in batches), "bits do not rest on one size"


def test_placements_that_change(bundle: Make, recorded: Recorded) -> None:
    """In batches of several windows, and where some have no answer."""
    data = noise(6000)
    for k in range(0, 6000, 750):  # the louder channel is now the one, now the other
        data[k : k + 750, (k // 750) % 2] *= 1.5
    data[2500] = np.nan
    path = recorded(Scripted(cut(data, most=700)), bundle("placing", **PLACES))
    told = path.read_bytes()
    for name in PLACES["placements"].names:
        assert f'"placement": "{name}"'.encode() in told
    found = checked(path)
    whole(found)
    (each,) = found.comparisons
    assert len(set(each.stored.batch.tolist())) > 2


def test_gaps_that_are_filled_and_long_ones_and_impossible_values(
    bundle: Make, recorded: Recorded
) -> None:
    data = noise(4000)
    data[500:520, 0] = np.nan
    data[900:960] = np.inf
    data[1000:1100, 1] = 500.0  # at the rail
    data[1200:1210, 0] = 1e9
    data[1500:1900] = 7.0  # flat
    pieces = [each for each in cut(data) if not 2000 <= each[0] < 2010]
    pieces = [each for each in pieces if not 2300 <= each[0] < 2600]
    late = 2700, data[2600:2700]  # comes a second time, as index 2600 and following
    pieces.insert(len(pieces) - 10, (2600, late[1]))
    named = bundle(decision=Decision(missing=0.1, dwell=2)), bundle("other", **ADAPTS)
    found = checked(recorded(Scripted(pieces), *named))
    whole(found)
    reasons = {
        reason and " ".join(reason.split()[1:])
        for each in found.comparisons
        for _, reason in each.stored.decisions.values()
    }
    assert {"of the window is missing", "of the channels carry no signal"} <= reasons


def test_windows_without_an_answer(bundle: Make, recorded: Recorded) -> None:
    data = noise(2000)
    data[700:720] = 3e38  # a filter makes infinity of it
    info = replace(INFO, rails=None)
    device = Scripted(cut(data))
    device.open = lambda: (Scripted.open(device), [info])[1]  # type: ignore[method-assign]
    found = checked(recorded(device, bundle(adapts=20)))
    whole(found)
    (each,) = found.comparisons
    assert len(each.stored.index) < (2000 - N_TIMES) // HOP


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of windows that come together only the newest is answered."""
    monkeypatch.setattr("rtpipe.runtime.runtime.PATIENCE", -1.0)


@pytest.mark.usefixtures("hasty")
def test_skipped_windows_are_skipped_again(bundle: Make, recorded: Recorded) -> None:
    device = Scripted(cut(noise(600), most=90), paced=True)
    found = checked(recorded(device, bundle("adapting", **ADAPTS), bundle()))
    whole(found)
    for each in found.comparisons:
        assert len(each.stored.skipped) > 10
        assert each.obeyed + each.beyond >= len(each.stored.skipped)
        assert each.obeyed > 10


@pytest.mark.parametrize("smoothing", ["mean", "exponential", "majority"])
@pytest.mark.parametrize("dwell", [1, 3])
def test_a_recording_that_began_later(
    bundle: Make, tmp_path: Path, smoothing: str, dwell: int
) -> None:
    decision = Decision.model_validate(
        {"smoothing": smoothing, "dwell": dwell, "windows": 4, "confidence": 0.4}
    )
    device = Scripted(cut(noise(8000)))
    path = tmp_path / "later.xdf"

    def hold(at: int) -> None:
        if at == 40:
            runtime.record(str(path))

    device.hold = hold
    named = bundle(decision=decision), bundle("adapting", **ADAPTS)
    with Runtime([device], named, shared=False) as runtime:
        runtime.wait()
    found = checked(path)
    assert_equal_where_settled(found)
    plain, adapting = sorted(found.comparisons, key=lambda e: e.never)
    began = device.pieces[40][0]
    assert found.begun == {"arm": began}
    assert plain.settling is not None
    first = plain.stored.index[plain.unsettled] - N_TIMES + 1
    assert 0 <= first - began - plain.settling.samples < HOP
    assert plain.compared == len(plain.stored.index) - plain.unsettled > 500
    assert adapting.compared == 0
    assert adapting.labels_compared > 500


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


def test_a_difference_that_no_line_shows_is_told(made: Path, capsys: Capture) -> None:
    def a_little(held: dict[str, Content]) -> None:
        held["plain arm probabilities"].values[100, 0] += 3e-12

    status, out, _ = run(capsys, "replay", rewritten(made, a_little), "--check")
    assert status == 1
    assert " is off by 3.0e-12" in out


def test_the_table_fits_eighty_columns(made: Path) -> None:
    found = checked(made)
    for each in found.comparisons:
        each.stored = replace(each.stored, model="demo-gesture", stream="synthetic:emg")
    file = io.StringIO()
    print_check(found, Console(file=file, width=80))
    out = file.getvalue()
    assert "demo-gesture synthetic:emg " in out
    assert max(map(len, out.splitlines())) <= 80


def assert_equal_where_settled(found: Checked) -> None:
    plain, adapting = sorted(found.comparisons, key=lambda e: e.never)
    assert (plain.verdict, adapting.verdict) == (True, None), plain.first
    assert found.equal is True
    assert plain.n_different == 0
    assert 0 < plain.labels_compared <= plain.compared


def test_without_settling_it_would_be_found(
    bundle: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtpipe.stages.filter.Filter.settling", lambda *_: 0)
    monkeypatch.setattr("rtpipe.settling.SPAN", -0.5)
    device = Scripted(cut(noise(3000)))
    path = tmp_path / "later.xdf"
    device.hold = lambda at: runtime.record(str(path)) if at == 40 else None
    low = StageCard(kind="filter", settings={"low": 2.0})
    with Runtime([device], [bundle(stages=(low,))], shared=False) as runtime:
        runtime.wait()
    assert checked(path).equal is False


@dataclass
class Content:
    """What a stream of a file holds, to be changed."""

    stream: Stream
    stamps: Any
    values: Any
    rows: list[tuple[str, ...]]


def rewritten(path: Path, change: Callable[[dict[str, Content]], None]) -> Path:
    """Write a file anew, whole, with something changed; by the streams' names."""
    file = read(path)
    held = {
        each.header.name: Content(
            each, each.stamps.copy(), each.values.copy(), [*map(tuple, each.rows())]
        )
        for each in file.streams
    }
    change(held)
    told = encode.file_header({})
    for each in held.values():
        told += encode.stream_header(each.stream.stream_id, each.stream.header)
    for each in held.values():
        key, stamps = each.stream.stream_id, each.stamps
        if len(stamps) and each.stream.header.channel_format == STRING:
            told += encode.texts(key, stamps, each.rows)
        elif len(stamps):
            told += encode.samples(key, stamps, each.values)
        for offset in each.stream.offsets.tolist():
            told += encode.clock_offset(key, *offset)
    for each in held.values():
        offsets = [(at, off) for at, off in each.stream.offsets.tolist()]
        n = len(each.stamps)
        ends = (float(each.stamps[0]), float(each.stamps[-1])) if n else (0.0, 0.0)
        told += encode.stream_footer(each.stream.stream_id, *ends, n, offsets)
    new = path.with_name("changed.xdf")
    new.write_bytes(told)
    return new


@pytest.fixture
def made(bundle: Make, recorded: Recorded) -> Path:
    """A recording with a gap, in which a window is due at each 10th sample."""
    pieces = [each for each in cut(noise(3000)) if not 1000 <= each[0] < 1200]
    return recorded(Scripted(pieces), bundle(), bundle("adapting", **ADAPTS))


def nothing(held: dict[str, Content]) -> None:
    pass


def a_sample(held: dict[str, Content]) -> None:
    held["arm"].values[1500, 1] += np.float32(0.01)


def an_answer(held: dict[str, Content]) -> None:
    held["plain arm probabilities"].values[100, 0] += 1e-9


def a_missing_share(held: dict[str, Content]) -> None:
    content = held["plain arm probabilities"]
    labels = [each.label for each in content.stream.header.channels]
    content.values[100, labels.index("missing")] += 0.025


def a_decision(held: dict[str, Content]) -> None:
    rows = held["plain arm decisions"].rows
    label, reason, index = rows[100]
    rows[100] = ("high" if label != "high" else "low", reason, index)


def a_decision_less(held: dict[str, Content]) -> None:
    content = held["plain arm decisions"]
    del content.rows[100]
    content.stamps = np.delete(content.stamps, 100)


def an_answer_less(held: dict[str, Content]) -> None:
    content = held["plain arm probabilities"]
    content.stamps = np.delete(content.stamps, 100)
    content.values = np.delete(content.values, 100, axis=0)


def an_index_entry_less(held: dict[str, Content]) -> None:
    content = held["arm index"]
    assert len(content.stamps) == 2
    content.stamps, content.values = content.stamps[:1], content.values[:1]


def a_sample_less(held: dict[str, Content]) -> None:
    content = held["arm"]
    content.stamps = np.delete(content.stamps, 1500)
    content.values = np.delete(content.values, 1500, axis=0)


def the_last_samples(held: dict[str, Content]) -> None:
    content = held["arm"]
    content.stamps, content.values = content.stamps[:-50], content.values[:-50]


def test_what_is_rewritten_unchanged_is_equal(made: Path) -> None:
    whole(checked(rewritten(made, nothing)))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (a_sample, "the probabilities differ"),
        (an_answer, "the probabilities differ"),
        (a_missing_share, "what is missing differs"),
        (a_decision, "the decisions differ"),
        (a_decision_less, "the recording has no decision"),
        (an_answer_less, "the recording has no answer"),
        (an_index_entry_less, "the recording has no answer"),
        (a_sample_less, "the probabilities differ"),
        (the_last_samples, "the window does not come in the replay"),
    ],
)
def test_what_was_changed_is_found(
    change: Callable[[dict[str, Content]], None], what: str, made: Path
) -> None:
    before = {each.stored.model: each for each in checked(made).comparisons}
    stored = before["plain"].stored
    found = checked(rewritten(made, change))
    assert found.equal is False
    (plain,) = (each for each in found.comparisons if each.stored.model == "plain")
    assert plain.first is not None
    assert plain.first.what == what
    index = plain.first.index
    entries = next(e for e in read(made).streams if e.header.name == "arm index").values
    jump = int(entries[1, 0])  # the row before which samples were lost
    if change is a_sample:
        at = 1500 + int(entries[1, 1] - jump)
        assert index == min(each for each in stored.index if each >= at)
    elif change is an_index_entry_less:
        assert index > jump
        assert index - HOP <= jump + N_TIMES
    elif change is the_last_samples:
        assert index > 3000 - 50 - 1
        assert plain.n_different == 5
    elif change is not a_sample_less:
        assert index == stored.index[100]
        assert plain.n_different == 1


@pytest.mark.usefixtures("hasty")
def test_a_skip_that_is_not_told_is_found(bundle: Make, recorded: Recorded) -> None:
    device = Scripted(cut(noise(400), most=90), paced=True)
    path = recorded(device, bundle())

    def untold(held: dict[str, Content]) -> None:
        content = held["plain arm skipped"]
        content.stamps, content.values = content.stamps[1:], content.values[1:]

    found = checked(rewritten(path, untold))
    assert found.equal is False
    (each,) = found.comparisons
    assert each.first is not None
    assert each.first.what == "the recording has no answer"


def test_on_another_engine_the_last_digits_may_differ(made: Path) -> None:
    def elsewhere(held: dict[str, Content]) -> None:
        about = held["events"].stream.header.about
        run = json.loads(about["run"])
        for model in run["models"].values():
            model["engine"] = "an abacus"
        told = {**about, "run": json.dumps(run)}
        stream = held["events"].stream
        held["events"].stream = replace(
            stream, header=replace(stream.header, about=told)
        )
        held["plain arm probabilities"].values[100, 0] += 5e-6

    path = rewritten(made, elsewhere)
    found = checked(path)
    assert_equal(found)
    assert 4e-6 < max(each.largest for each in found.comparisons) < 6e-6

    def beyond(held: dict[str, Content]) -> None:
        held["plain arm probabilities"].values[100, 0] += 2e-5

    assert checked(rewritten(path, beyond)).equal is False


def test_decisions_are_those_the_run_was_set_to(
    bundle: Make, recorded: Recorded
) -> None:
    name, loaded, _ = bundle()
    set_otherwise = Decision(smoothing="exponential", windows=9, confidence=0.5)
    found = checked(recorded(Scripted(cut(noise(2000))), (name, loaded, set_otherwise)))
    whole(found)


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


def test_what_happened_around_is_told(made: Path, capsys: Capture) -> None:
    status, out, _ = run(
        capsys, "replay", rewritten(made, an_index_entry_less), "--check"
    )
    assert status == 1
    assert " s: gap index 10" in out


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

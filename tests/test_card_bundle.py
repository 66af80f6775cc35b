"""A bundle comes back as it was saved; what is none, or is not safe, is refused."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rtpipe.bundle import Bundle, Exported, Standardised, save, weights_hash
from rtpipe.card import Card, StageCard, Training, read_card, write_json
from rtpipe.checks import check_bundle
from rtpipe.decide import Decision
from rtpipe.errors import BundleError
from rtpipe.features.concat import Concat
from rtpipe.features.spectrum import BandPower
from rtpipe.features.timedomain import LogRms

N_TIMES, CHANNELS = 256, ("AF7", "AF8")
TRAINING = Training(
    recipe="none",
    protocol="none",
    seed=3,
    simulated=True,
    recordings={"a.csv": "12ab"},
    settings={"window": 0.25},
    versions={"torch": torch.__version__},
)


def card(**changes: Any) -> Card:
    settings: dict[str, Any] = {
        "name": "mood",
        "task": "emotion",
        "labels": ("calm", "glad", "sad"),
        "sfreq": 256.0,
        "ch_names": CHANNELS,
        "units": ("uV", "uV"),
        "n_times": N_TIMES,
        "hop": 16,
        "stages": (StageCard(kind="filter", settings={"low": 1.0, "high": 40.0}),),
        "adapts": 30.0,
        "decision": Decision(smoothing="majority", windows=3),
        "notes": ("DEMO",),
        "training": TRAINING,
        "scores": {"leave one person out": {"accuracy": 0.5}},
    }
    return Card(**settings | changes)


def exported(describe: nn.Module | None = None) -> Exported:
    torch.manual_seed(0)
    describe = describe or Concat(LogRms(), BandPower(sfreq=256, n_times=N_TIMES))
    n = describe(torch.zeros(1, 2, N_TIMES)).shape[1]
    head = nn.Sequential(nn.Linear(n, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
    return Exported(describe, Standardised(head), torch.randn(n), torch.rand(n) + 0.5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A bundle as a file."""
    path = tmp_path / "mood.pt"
    save(path, exported(), card())
    return path


def rewrite(path: Path, part: str, change: Callable[[bytes], bytes | None]) -> None:
    """Change the part of an archive whose name ends so, or drop it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (name,) = (name for name in parts if name.endswith(part))
    changed = change(parts.pop(name))
    if changed is not None:
        parts[name] = changed
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


# Round trip -------------------------------------------------------------------------


def test_a_bundle_keeps_its_promise(path: Path) -> None:
    check_bundle(path)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    made, path = exported(), tmp_path / "mood.pt"
    written = save(path, made, card())
    bundle = Bundle.load(path)
    assert bundle.card == read_card(path) == written
    assert written == card(weights=weights_hash(made))
    assert [each.name for each in tmp_path.iterdir()] == ["mood.pt"]
    x = torch.randn(5, 2, N_TIMES)
    with torch.inference_mode():
        torch.testing.assert_close(bundle.module(x), made(x))
        f = made.features(x)
        torch.testing.assert_close(bundle.module.features(x), f)
        mean, scale = torch.randn(5, f.shape[1]), torch.rand(5, f.shape[1]) + 1
        adapted = bundle.module.probabilities(f, mean, scale)
        torch.testing.assert_close(adapted, torch.softmax(made.head(f, mean, scale), 1))
        assert not torch.allclose(adapted, made(x), atol=1e-3)


def test_a_bundle_answers_as_trained_not_as_in_training(path: Path) -> None:
    bundle = Bundle.load(path)
    x = torch.randn(3, 2, N_TIMES)
    with torch.inference_mode():
        assert torch.equal(bundle.module(x), bundle.module(x)), "dropout is off"


def test_a_bundle_that_is_there_is_replaced_whole(path: Path) -> None:
    before = read_card(path).weights
    after = save(path, exported(LogRms()), card(name="other")).weights
    assert before != after
    assert Bundle.load(path).card.name == "other"


def test_the_hash_is_of_every_weight_and_its_name() -> None:
    torch.manual_seed(0)
    one = nn.Linear(3, 2)
    same = nn.Linear(3, 2)
    same.load_state_dict(one.state_dict())
    assert weights_hash(one) == weights_hash(same)
    with torch.no_grad():
        same.bias[1] += 1e-7
    assert weights_hash(one) != weights_hash(same)
    assert weights_hash(nn.Sequential(one)) != weights_hash(one)


class TwoNames(nn.Module):
    """One weight under two names, and a buffer the state dict leaves out."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(N_TIMES, 4, bias=False)
        self.second = nn.Linear(N_TIMES, 4, bias=False)
        self.second.weight = self.first.weight
        self.taper: Tensor
        self.register_buffer("taper", torch.hann_window(N_TIMES), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.taper
        both: Tensor = self.first(x) + self.second(x)
        return both.flatten(1)


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    written = save(tmp_path / "two.pt", exported(TwoNames()), card())
    assert weights_hash(Bundle.load(tmp_path / "two.pt").module) == written.weights


def test_the_card_is_read_without_torch(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from rtpipe.card import read_card; "
        "print(read_card(Path(sys.argv[1])).labels, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", script, str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "('calm', 'glad', 'sad') False"


def test_the_file_needs_no_rtpipe(path: Path) -> None:
    script = (
        "import sys, torch; bundle = torch.jit.load(sys.argv[1]); "
        f"print(tuple(bundle(torch.zeros(2, 2, {N_TIMES})).shape), "
        "any(name.startswith('rtpipe') for name in sys.modules))"
    )
    command = [sys.executable, "-W", "ignore", "-c", script, str(path)]
    answer = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=path.parent
    )
    assert answer.stdout.strip() == "(2, 3) False"


def test_a_card_as_text_comes_back() -> None:
    assert Card.model_validate_json(write_json(card())) == card()
    assert json.loads(write_json(card()))["adapts"] == 30.0


# Refused ----------------------------------------------------------------------------


def refused(path: Path) -> str:
    """Return with which sentence both card and bundle are refused."""
    with pytest.raises(BundleError) as of_card:
        read_card(path)
    with pytest.raises(BundleError) as of_bundle:
        Bundle.load(path)
    assert str(of_card.value) == str(of_bundle.value)
    assert "\n" not in str(of_card.value)
    return str(of_card.value)


def test_what_is_no_archive(tmp_path: Path, path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path} is a folder, not a bundle"
    gone = tmp_path / "gone.pt"
    assert refused(gone) == f"there is no bundle {gone}"
    text = tmp_path / "text.pt"
    text.write_text("no archive")
    assert "text.pt is no bundle: File is not a zip file" in refused(text)
    text.write_bytes(path.read_bytes()[:-200])
    assert "text.pt is no bundle" in refused(text)
    assert "is no bundle: " in refused(tmp_path / ("x" * 300))


def test_an_archive_without_a_card(path: Path) -> None:
    rewrite(path, "extra/card.json", lambda _: None)
    assert "it has no card.json; `rtpipe train` makes bundles" in refused(path)


def marked(path: Path, part: str, at: int, value: int) -> None:
    """Set the flags (at 6) or the compression (at 8) of an archive's part."""
    with zipfile.ZipFile(path) as archive:
        (info,) = (each for each in archive.infolist() if each.filename.endswith(part))
    content = bytearray(path.read_bytes())
    entry = content.rindex(info.filename.encode()) - 46  # in the central directory
    assert content[entry : entry + 4] == b"PK\1\2"
    for place in (info.header_offset + at, entry + at + 2):
        content[place : place + 2] = value.to_bytes(2, "little")
    path.write_bytes(content)


@pytest.mark.parametrize("part", ["extra/card.json", "data.pkl"])
def test_an_archive_that_is_encrypted(part: str, path: Path) -> None:
    marked(path, part, at=6, value=1)
    assert refused(path) == f"{path} is no bundle: it is encrypted"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells what is open")
def test_an_archive_that_is_refused_is_closed(path: Path) -> None:
    marked(path, "extra/card.json", at=6, value=1)
    with pytest.raises(BundleError) as told:
        read_card(path)
    files = [each for each in Path("/proc/self/fd").iterdir() if each.exists()]
    assert path not in [each.resolve() for each in files]
    del told  # until here it holds what was reached when the error was raised


def test_a_card_compressed_in_a_way_unknown_here(path: Path) -> None:
    marked(path, "extra/card.json", at=8, value=99)
    assert f"{path} is no bundle: " in (said := refused(path))
    assert "compression" in said


@pytest.mark.parametrize(
    "kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_card_whose_compression_is_broken(kind: int, path: Path) -> None:
    text = write_json(card()).encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mood/extra/card.json", text, compress_type=kind)
        info = archive.infolist()[0]
    assert read_card(path) == card(), "as long as it is whole it is read"
    content = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len(info.filename) + 12
    content[start : start + 40] = b"\xff" * 40
    path.write_bytes(content)
    assert f"{path} is no bundle: " in refused(path)


WORN = {"names": ["a", "b"], "lead": 1, "depth": 2}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "its card is wrong: format: Input should be 1"),
        ({"labels": ["calm"]}, "its card is wrong: labels: Tuple should have at least"),
        ({"labels": ["a", "a"]}, "its card is wrong: card.json: a name occurs twice"),
        ({"ch_names": ["A", "A"]}, "a name occurs twice in A, A"),
        ({"units": ["uV"]}, "1 units do not fit 2 channels"),
        ({"sfreq": 0}, "its card is wrong: sfreq: Input should be greater than 0"),
        ({"hop": 1.5}, "its card is wrong: hop: "),
        ({"adapts": -1}, "its card is wrong: adapts: "),
        ({"placements": {**WORN, "names": ["one"]}}, "wrong: placements.names: Tup"),
        ({"placements": {**WORN, "names": ["a", ""]}}, "wrong: placements.names.1: S"),
        ({"placements": {**WORN, "names": ["a", "a"]}}, "a name occurs twice in a, a"),
        ({"placements": {**WORN, "lead": 0}}, "wrong: placements.lead: "),
        ({"placements": {**WORN, "depth": 1}}, "a depth of 1.0 does not exceed 1.0"),
        (
            {"adapts": None, "placements": WORN},
            "placements are told by features that are adapted",
        ),
        ({"stages": [{"type": "x"}]}, "its card is wrong: stages.0.kind: Field req"),
        ({"decision": {"smoothing": "x"}}, "its card is wrong: decision.smoothing: "),
        ({"colour": "red"}, "its card is wrong: colour: Extra inputs"),
    ],
)
def test_a_card_that_is_wrong(changes: dict[str, Any], said: str, path: Path) -> None:
    def change(text: bytes) -> bytes:
        return json.dumps(json.loads(text) | changes).encode()

    rewrite(path, "extra/card.json", change)
    assert said in refused(path)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b'{"name": "x"}'])
def test_a_card_that_is_none(text: bytes, path: Path) -> None:
    rewrite(path, "extra/card.json", lambda _: text)
    assert "its card is wrong: " in refused(path)


class Saves(LogRms):
    def forward(self, x: Tensor) -> Tensor:
        torch.save(x, "stolen.pt")
        return x.mean(2)


class Reads(LogRms):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(2) + torch.from_file("/etc/hostname", size=2)


@pytest.mark.parametrize(("module", "call"), [(Saves, "save"), (Reads, "from_file")])
def test_a_program_that_reads_or_writes_files(
    module: type[LogRms],
    call: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.pt"
    made = Exported(
        module(), Standardised(nn.Linear(2, 3)), torch.zeros(2), torch.ones(2)
    )
    save(path, made, card())
    assert read_card(path).name == "mood", "its card can be read all the same"
    with pytest.raises(BundleError, match=f"is refused: its program calls '{call}'"):
        Bundle.load(path)
    assert [each.name for each in tmp_path.iterdir()] == ["bad.pt"]


@pytest.mark.parametrize(
    "call", [b"ops.evil.run(features)", b"torch.load(features)", b"open('x')", b"(("]
)
def test_a_program_that_calls_what_is_not_torchs_own(call: bytes, path: Path) -> None:
    line = b"    head = self.head\n"
    with zipfile.ZipFile(path) as archive:  # which part depends on what came before
        part, *_ = (name for name in archive.namelist() if line in archive.read(name))
    rewrite(path, part, lambda text: text.replace(line, b"    " + call + b"\n", 1))
    with pytest.raises(BundleError, match=r"mood.pt is no bundle that can be run: \w"):
        Bundle.load(path)


def test_a_program_that_is_broken(path: Path) -> None:
    rewrite(path, "data.pkl", lambda content: content[: len(content) // 2])
    with pytest.raises(BundleError, match=r"mood.pt is refused: its data.pkl has \w"):
        Bundle.load(path)


def test_weights_that_are_not_those_of_the_card(path: Path) -> None:
    def other(content: bytes) -> bytes:
        values = np.frombuffer(content, np.float32) + np.float32(1)
        return values.tobytes()

    rewrite(path, "data/0", other)
    with pytest.raises(BundleError, match="its weights are not those its card was wri"):
        Bundle.load(path)

"""A bundle that would do more than compute is refused before anything of it runs.

Each program here is TorchScript that torch itself loads and runs: what it would do is
shown first where that can be done without harm.
"""

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from rtpipe.bundle import Bundle, Exported, Standardised, save
from rtpipe.card import read_card
from rtpipe.config import DEMOS, bundle_path
from rtpipe.errors import BundleError

DEMO = bundle_path("demo:gesture")
PROGRAM = "code/__torch__/rtpipe/bundle.py"
SAYS = {
    "plain": "torch.save(1, {file})",
    "spaces": "torch .  save (1, {file})",
    "another name": "t = torch\nt.save(1, {file})",
    "another name of the function": "s = torch.save\ns(1, {file})",
    "another name of the operators": "o = ops.aten\no.save(1, {file})",
    "an attribute": 'getattr(torch, "save")(1, {file})',
    "in a branch": "if torch.gt(1, 0):\n  torch.save(1, {file})\nelse:\n  pass",
    "in a loop": "for _9 in range(2):\n  torch.save(1, {file})",
}
METHODS = ("forward", "features", "probabilities", "weights")


def parts() -> dict[str, bytes]:
    with zipfile.ZipFile(DEMO) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in content.items():
            archive.writestr(name, part)
    return path


def changed(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """Write the demo with one of its parts changed."""
    content = parts()
    (name,) = (each for each in content if each.endswith(f"/{part}"))
    content[name] = change(content[name])
    assert content != parts()
    return written(path, content)


def saying(path: Path, lines: str, method: str = "features") -> Path:
    """Write the demo with some lines more at the start of a method."""

    def change(text: bytes) -> bytes:
        before, start, rest = text.decode().partition(f"  def {method}(")
        head, end, body = rest.partition(") -> Tensor:\n")
        more = "".join(f"    {line}\n" for line in lines.splitlines())
        return (before + start + head + end + more + body).encode()

    return changed(path, PROGRAM, change)


def refused(path: Path) -> str:
    with pytest.raises(BundleError) as told:
        Bundle.load(path)
    said = str(told.value)
    assert len(said.splitlines()) == 1
    assert len(said) < 300
    return said


# Programs -----------------------------------------------------------------------------


@pytest.mark.parametrize("demo", DEMOS)
def test_what_computes_is_taken(demo: str) -> None:
    Bundle.load(bundle_path(f"demo:{demo}"))


@pytest.mark.parametrize("lines", SAYS.values(), ids=SAYS)
def test_a_program_that_writes_a_file(lines: str, tmp_path: Path) -> None:
    file = tmp_path / "written"
    path = saying(tmp_path / "x.pt", lines.format(file=f'"{file}"'))
    torch.jit.load(str(path))(torch.zeros(1, 8, 50))  # type: ignore[no-untyped-call]
    assert file.exists(), "torch does it: else this would be no test"
    file.unlink()
    assert "is refused: its program calls 'save'" in refused(path)
    assert not file.exists()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_looked_at(method: str, tmp_path: Path) -> None:
    path = saying(tmp_path / "x.pt", 'torch.save(1, "x")', method)
    assert "'save'" in refused(path)


def test_functions_and_submodules_are_looked_at(tmp_path: Path) -> None:
    for part, indent in (("functional.py", 2), ("modules/activation.py", 4)):
        line = b" " * indent + b'torch.save(1, "x")\n'
        path = changed(
            tmp_path / "x.pt",
            f"code/__torch__/torch/nn/{part}",
            lambda text, line=line: text.replace(  # type: ignore[misc]
                b") -> Tensor:\n", b") -> Tensor:\n" + line
            ),
        )
        assert "'save'" in refused(path)


@pytest.mark.parametrize(
    ("line", "called"),
    [
        ('x = torch.from_file("/etc/hostname", False, 2)', "from_file"),
        ('print("x")', "prim::Print"),
        ("torch.manual_seed(1)", "manual_seed"),
        ("x = ops.quantized.relu6(x)", "quantized::relu6"),
        ("x = ops.aten._unsafe_view(x, [1])", "_unsafe_view"),
        ("x = torch.set_(x, x)", "set_"),
    ],
)
def test_a_program_that_does_something_else(
    line: str, called: str, tmp_path: Path
) -> None:
    path = saying(tmp_path / "x.pt", line)
    assert f"is refused: its program calls {called!r}" in refused(path)


# What believes a place, a length or a shape that it is told, and reads or writes there.
BELIEVES = """
adaptive_max_pool2d_backward(x, x, far)
max_pool2d_with_indices_backward(x, x, [1], [1], [0], [1], False, far)
segment_reduce(x, "sum", lengths=far, unsafe=True)
sparse_coo_tensor(far, x, [40])
to_dense(x)
ctc_loss(x, far, far, far)
lu_solve(x, x, far)
searchsorted(x, x, sorter=far)
fractional_max_pool2d(x, [2], [2], x)
max_unpool2d(x, far, [40, 40])
repeat_interleave(far)
repeat_interleave(x, far)
as_strided(x, [40], [1], 2)
resize_(x, [40])
empty([40])
_pad_packed_sequence(x, far, True, 0.0, 4)
_weight_norm(x, x, 0)
_index_put_impl_(x, [far], x, False, True)
native_batch_norm(x, x, x, x, x, False, 0.1, 1e-5)
"""


@pytest.mark.parametrize("call", BELIEVES.strip().splitlines())
def test_a_program_that_believes_a_place(call: str, tmp_path: Path) -> None:
    path = saying(tmp_path / "x.pt", f"far = torch.to(x, 4)\nprint(torch.{call})")
    called = call.partition("(")[0]
    assert f"is refused: its program calls {called!r}" in refused(path)


def test_a_program_that_takes_a_value_for_another(tmp_path: Path) -> None:
    """Its parts would be looked for in the memory behind it."""
    lines = "a = annotate(Any, 1)\nprint(unchecked_cast(Tuple[int, int], a))"
    assert "takes a value for another" in refused(saying(tmp_path / "x.pt", lines))


def test_warnings_are_taken_out(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Torch's own layers have some; a stranger's could say anything."""
    path = saying(tmp_path / "x.pt", 'torch.warn("said", 2)')
    x = torch.zeros(1, 8, 50)
    with pytest.warns(UserWarning, match="said"):
        torch.jit.load(str(path)).features(x)  # type: ignore[no-untyped-call]
    Bundle.load(path).module.features(x)  # a warning would be an error here
    assert capfd.readouterr().err == ""


class Remembers(nn.Module):
    """Does something when it is loaded."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(2)

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return "x", self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        torch.save(1, state[0])
        self.training = state[1]


def test_a_program_that_runs_while_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = read_card(DEMO)
    n = len(told.ch_names)
    head = Standardised(nn.Linear(n, len(told.labels)))
    made = Exported(Remembers(), head, torch.zeros(n), torch.ones(n))
    save(tmp_path / "x.pt", made, told)
    torch.jit.load("x.pt")  # type: ignore[no-untyped-call]
    (tmp_path / "x").unlink()  # torch does it: else this would be no test
    assert refused(tmp_path / "x.pt").endswith("it would run while it is loaded")
    assert not (tmp_path / "x").exists()


# Archives -----------------------------------------------------------------------------


def test_what_is_run_is_what_was_looked_at(tmp_path: Path) -> None:
    """A file with two lists of its parts: Python reads one of them, torch the other."""
    evil = saying(tmp_path / "x.pt", 'torch.save(1, "x")').read_bytes()
    good, path = DEMO.read_bytes(), tmp_path / "both.pt"
    evil_end, end = evil.rindex(b"PK\5\6"), good.rindex(b"PK\5\6")
    place = evil[evil_end + 16 : evil_end + 20]  # where torch looks for the list
    path.write_bytes(evil[:evil_end] + good[: end + 16] + place + good[end + 20 :])
    ran = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
    assert "torch.save" in ran.features.code, "else this would be no test"
    assert "torch.save" not in Bundle.load(path).module.features.code


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_parts_of_the_same_name(tmp_path: Path) -> None:
    """Python takes the last one, torch the first, whether small or capital letters."""
    (name,) = (each for each in parts() if each.endswith(PROGRAM))
    for other in (name, name.upper()):
        path = written(tmp_path / "x.pt", {other: b"torch.save()"})
        with zipfile.ZipFile(path, "a") as archive:
            for each, part in parts().items():
                archive.writestr(each, part)
        assert refused(path).endswith("parts of it have the same name")


@pytest.mark.parametrize(
    "name",
    [
        "x/../../etc/passwd",
        "x/code/../../y.py",
        "/etc/passwd",
        "x/data/0/1",
        "x/extra/other.json",
        "x/code/a\x1b[2J.py",
        "y/data/99",
    ],
)
def test_parts_that_no_bundle_has(name: str, tmp_path: Path) -> None:
    content = parts() | {name: b"1"}
    said = refused(written(tmp_path / "x.pt", content))
    assert "is refused: " in said
    assert said.isprintable()


def test_an_archive_that_is_far_larger_than_its_file(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    folder = next(iter(parts())).partition("/")[0]
    path.write_bytes(DEMO.read_bytes())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(f"{folder}/data/99", "w", force_zip64=True) as part:
            for _ in range(200):
                part.write(bytes(2**20))
    assert path.stat().st_size < 2**20
    assert refused(path).endswith("unpacked it is far larger")


def test_a_card_that_is_far_too_long(tmp_path: Path) -> None:
    path = changed(
        tmp_path / "x.pt", "extra/card.json", lambda text: text + b" " * 2**21
    )
    assert refused(path).endswith("its card is too long to be read")
    with pytest.raises(BundleError, match="its card is too long to be read"):
        read_card(path)


def test_a_card_that_is_nested_deeply(tmp_path: Path) -> None:
    path = changed(
        tmp_path / "x.pt",
        "extra/card.json",
        lambda text: text[:-2] + b', "scores": ' + b'{"a":' * 10**5 + b"}" * 10**5,
    )
    assert "its card is wrong" in refused(path)


# Pickles ------------------------------------------------------------------------------


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch evil",)


@pytest.mark.parametrize("part", ["data.pkl", "constants.pkl"])
def test_a_pickle_that_names_what_is_not_torchs(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = changed(tmp_path / "x.pt", part, lambda _: pickle.dumps(Evil(), 2))
    assert "posix.system" in refused(path)
    custom = b"\x80\x02c__torch__.torch.classes.quantized\nLinear\n."
    path = changed(path, part, lambda _: custom)
    assert "torch.classes" in refused(path)
    for place in (b"r\xff\xff\xff\x7f", b"\x8d" + b"\xff" * 8):
        content = b"\x80\x02K\x01" + place + b"."
        path = changed(path, part, lambda _, content=content: content)  # type: ignore[misc]
        assert f"its {part} has " in refused(path)
    assert not (tmp_path / "evil").exists()


class Three(nn.Module):
    """Has three numbers, in a tuple."""

    parts: tuple[int, int, int]

    def __init__(self) -> None:
        super().__init__()
        self.parts = (71, 72, 73)

    def forward(self, x: Tensor) -> Tensor:
        a, b, c = self.parts
        return x.mean(2) + a + b + c


def test_an_attribute_that_is_not_what_the_program_takes_it_for(
    tmp_path: Path,
) -> None:
    """The third number would be looked for in the memory behind the two."""
    told, path = read_card(DEMO), tmp_path / "x.pt"
    n = len(told.ch_names)
    head = Standardised(nn.Linear(n, len(told.labels)))
    save(path, Exported(Three(), head, torch.zeros(n), torch.ones(n)), told)
    Bundle.load(path)
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    (name,) = (each for each in content if each.endswith("/data.pkl"))
    three, two = b"K\x47K\x48K\x49\x87", b"K\x47K\x48\x86"
    assert three in content[name]
    content[name] = content[name].replace(three, two)
    said = refused(written(path, content))
    assert said.endswith("is refused: its parts is no Tuple[int, int, int]")


@pytest.mark.parametrize("part", ["data.pkl", "constants.pkl"])
def test_a_pickle_that_is_not_there(part: str, tmp_path: Path) -> None:
    content = {n: c for n, c in parts().items() if not n.endswith(f"/{part}")}
    said = refused(written(tmp_path / "x.pt", content))
    assert said.endswith(f"x.pt is no bundle: it has no {part}")


def test_a_tensor_that_reaches_beyond_its_numbers(tmp_path: Path) -> None:
    """Its numbers would be those that stand behind them in memory."""

    def enlarged(content: bytes) -> bytes:
        at = content.index(b"K\x20K\x20")  # the shape of a layer's weights
        return content[:at] + b"M\xff\x7f" + content[at + 2 :]

    assert "reaches beyond its numbers" in refused(
        changed(tmp_path / "x.pt", "data.pkl", enlarged)
    )


def test_numbers_that_are_not_there(tmp_path: Path) -> None:
    path = changed(tmp_path / "x.pt", "data/2", lambda numbers: numbers[:8])
    assert "numbers that are not there" in refused(path)

"""From a configuration to the objects that run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from rtpipe import build
from rtpipe.config import DeviceTable, ModelTable, bundle_path, check, default_models
from rtpipe.decide import Decision
from rtpipe.errors import ConfigError


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def computed(**raw: Any) -> str:
    return build.compute(check(raw, "test"))


def there(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


def test_a_device_is_built_of_its_table() -> None:
    made: Any = build.device(
        DeviceTable(kind="synthetic", settings={"signal": "emg", "paced": False})
    )
    assert made.paced is False
    (info,) = made.open()
    made.close()
    assert info.ch_types == ("emg",) * 8


@pytest.mark.parametrize("compute", ["cuda", "mps"])
def test_what_is_not_there_cannot_be_computed_on(
    compute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there(monkeypatch, cuda=False, mps=False)
    with pytest.raises(
        ConfigError, match=f"compute = {compute}: torch finds no such device here"
    ):
        computed(compute=compute)
    there(monkeypatch, cuda=True, mps=True)
    assert computed(compute=compute) == compute


def test_auto_is_cuda_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    there(monkeypatch, cuda=False, mps=True)  # mps only when it is asked for
    assert computed() == "cpu"
    there(monkeypatch, cuda=True, mps=False)
    assert computed() == "cuda"
    assert computed(compute="cpu") == "cpu"


def test_torch_gets_its_threads() -> None:
    computed(torch_threads=2)
    assert torch.get_num_threads() == 2
    computed()
    assert torch.get_num_threads() == 1


def test_which_demos_run() -> None:
    def paths(**raw: Any) -> list[str]:
        return [table["path"] for table in default_models(raw["device"])]

    synthetic, replay = {"kind": "synthetic"}, {"kind": "replay", "file": "x"}
    demos = ["demo:gesture", "demo:emotion"]
    assert paths(device=[synthetic, synthetic]) == [*demos, "demo:seizure"]
    assert paths(device=[replay]) == demos
    assert paths(device=[synthetic, replay]) == demos
    assert paths(device={"kind": "synthetic"}) == demos  # a mistake, told by `check`


def test_names_that_are_taken_get_a_number() -> None:
    assert build.unique("a", []) == "a"
    assert build.unique("a", ["a", "a-3"]) == "a-2"
    assert build.unique("a", ["a", "a-2"]) == "a-3"


def test_bundles_have_a_name_each_and_their_decisions() -> None:
    found = build.bundles(
        (
            ModelTable(path="demo:gesture", decision={"confidence": 0.7}),
            ModelTable(path="demo:gesture"),
            ModelTable(path="demo:gesture", name="mine"),
        ),
        "cpu",
    )
    names = ["demo-gesture", "demo-gesture-2", "mine"]
    assert [name for name, _, _ in found] == names
    card = found[0][1].card
    changed, *asis = [decision for _, _, decision in found]
    assert changed == card.decision.model_copy(update={"confidence": 0.7})
    assert asis == [card.decision] * 2


def test_the_card_decides_but_for_what_is_said() -> None:
    card = Decision(smoothing="majority", windows=9)
    assert build.decision(card, {}) == card
    changed = build.decision(card, {"windows": 3, "dwell": 2})
    assert changed == Decision(smoothing="majority", windows=3, dwell=2)


def test_paths_of_bundles() -> None:
    demo = bundle_path("demo:emotion")
    assert bundle_path(str(demo)) == demo
    with pytest.raises(ConfigError, match="no demo is named 'x'; there are: gesture, "):
        bundle_path("demo:x")
    assert bundle_path("demo") == Path("demo")

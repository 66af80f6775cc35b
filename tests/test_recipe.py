"""A recipe is given what its parameters ask for, and nothing else."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rtpipe.errors import ConfigError
from rtpipe.registry import find
from rtpipe.training import recipe
from rtpipe.training.recipe import train


class Noted:
    """Recipes that note what they were given, in place of those registered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: dict[str, Any] = {}

        def learns(data: Path, out: Path, *, seed: int = 0, size: float = 1.5) -> None:
            self.given = {"data": data, "out": out, "seed": seed, "size": size}

        def makes(out: Path, *, seed: int = 0) -> None:
            self.given = {"out": out, "seed": seed}

        recipes = {"learns": learns, "makes": makes}
        monkeypatch.setattr(recipe, "find", lambda group, name: recipes[name])


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Noted:
    return Noted(monkeypatch)


def test_a_recipe_gets_its_folders_and_settings(noted: Noted, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    train("learns", data, out, [])
    assert noted.given == {"data": data, "out": out, "seed": 0, "size": 1.5}
    assert out.is_dir()
    train("learns", data, out, ["seed=7", " size = 2"])
    assert noted.given == {"data": data, "out": out, "seed": 7, "size": 2.0}
    train("makes", None, tmp_path, ["seed=1", "seed=2"])
    assert noted.given == {"out": tmp_path, "seed": 2}


@pytest.mark.parametrize(
    ("name", "assign", "said"),
    [
        ("learns", ["seed"], "--set wants key=value, got 'seed'"),
        ("learns", ["colour=red"], "recipe learns: colour: .* it has: seed, size"),
        ("learns", ["seed=x"], "recipe learns: seed: .*valid integer.* it has: seed"),
        ("learns", ["seed=1.5"], "recipe learns: seed: .*valid integer"),
        ("learns", ["out=x"], "--set out=x: say --out instead"),
        ("learns", ["data = x"], "--set data = x: say --data instead"),
    ],
)
def test_settings_that_a_recipe_does_not_take(
    name: str, assign: Sequence[str], said: str, noted: Noted, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        train(name, tmp_path, tmp_path / "out", assign)
    assert not noted.given
    assert not (tmp_path / "out").exists(), "nothing is made before all is checked"


def test_data_that_is_missing_or_too_much(noted: Noted, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="learns needs --data, the folder of the rec"):
        train("learns", None, out, [])
    with pytest.raises(ConfigError, match="makes its own signals and takes no --data"):
        train("makes", tmp_path, out, [])
    assert not noted.given
    assert not out.exists()


def test_a_folder_that_was_made_for_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(out: Path, *, writes: bool = False) -> None:
        if writes:
            (out / "notes").touch()
        raise ConfigError("too few of them")

    out, there = tmp_path / "out", tmp_path / "there"
    there.mkdir()
    monkeypatch.setattr(recipe, "find", lambda *_: fails)
    for each in (out, there):
        with pytest.raises(ConfigError, match="too few of them"):
            train("fails", None, each, [])
    assert [*tmp_path.iterdir()] == [there]
    with pytest.raises(ConfigError, match="too few of them"):
        train("fails", None, out, ["writes=true"])
    assert [each.name for each in out.iterdir()] == ["notes"]


def test_no_folder_is_made_above_that_of_the_results(
    noted: Noted, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"there is no folder .*deep to make out in"):
        train("makes", None, tmp_path / "deep" / "out", [])
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file is a file: name a folder"):
        train("makes", None, tmp_path / "file", [])
    assert not noted.given
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no such folder")
def test_a_folder_that_takes_no_files_is_told_before_the_long_work(
    noted: Noted,
) -> None:
    with pytest.raises(ConfigError, match="/proc cannot be written: "):
        train("makes", None, Path("/proc"), [])
    assert not noted.given


def test_a_recipe_that_nobody_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no recipe is named 'x'; there are: .*gest"):
        train("x", None, tmp_path, [])


@pytest.mark.parametrize("name", ["gesture", "demo-gesture"])
def test_recipes_say_what_they_take(name: str, tmp_path: Path) -> None:
    takes = inspect.signature(find("recipes", name)).parameters
    assert {"out", "seed"} <= set(takes)
    data = tmp_path if "data" in takes else None
    with pytest.raises(ConfigError, match=f"recipe {name}: colour: .* it has: seed"):
        train(name, data, tmp_path / "out", ["colour=red"])


def test_a_seed_that_numpy_would_not_take(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"a seed is a whole number from 0 on, .*, got -1"
    ):
        train("gesture", tmp_path, tmp_path / "out", ["seed=-1"])
    for seed in (2**63, 10**23):
        with pytest.raises(ConfigError, match=rf"below 2\^63, got {seed}"):
            train("demo-gesture", None, tmp_path / "out", [f"seed={seed}"])

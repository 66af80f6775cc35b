"""Names are found where packages declare them, ours and others'."""

import re
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

from rtpipe.errors import ConfigError
from rtpipe.registry import TRAIN, find, lacking, names
from rtpipe.stages.filter import Filter


def test_a_name_leads_to_what_it_stands_for() -> None:
    assert find("stages", "filter") is Filter
    assert names("stages") == sorted(names("stages"))
    assert "filter" in names("stages")


def test_a_name_that_nothing_has() -> None:
    with pytest.raises(
        ConfigError, match=r"no stage is named 'x'; there are: .*filter"
    ):
        find("stages", "x")
    with pytest.raises(ConfigError, match="no oddity is named 'x'; there are: none"):
        find("odditys", "x")


def test_another_package_adds_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = tmp_path / "other-1.0.dist-info"
    declared.mkdir()
    (declared / "METADATA").write_text("Name: other\nVersion: 1.0\n")
    (declared / "entry_points.txt").write_text(
        "[rtpipe.extras]\nmine = other_package:Mine\nlacks = other_lacking:Mine\n"
    )
    (tmp_path / "other_package.py").write_text("class Mine: pass\n")
    (tmp_path / "other_lacking.py").write_text("import not_installed_here\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert names("extras") == ["lacks", "mine"]
    assert find("extras", "mine").__name__ == "Mine"
    with pytest.raises(
        ConfigError, match=r"^extra 'lacks' needs the package 'not_installed"
    ):
        find("extras", "lacks")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("other_lacking", "x needs the package 'other_lacking': install it"),
        ("other.inner", "x needs the package 'other': install it"),
        ("rtpiped", "x needs the package 'rtpiped': install it"),
        (
            "sklearn.discriminant_analysis",
            "x needs the package 'scikit-learn': install it with "
            "`pip install 'rtpipe[train]'`",
        ),
        (
            "matplotlib",
            "x needs the package 'matplotlib': install it with "
            "`pip install 'rtpipe[train]'`",
        ),
        (
            "rtpipe.nosuch",
            "x needs rtpipe.nosuch, which this rtpipe lacks: it is not installed "
            "whole, or not in the version that declares it; install rtpipe again",
        ),
    ],
)
def test_what_to_do_about_a_module_that_is_missing(module: str, said: str) -> None:
    error = ModuleNotFoundError(f"No module named {module!r}", name=module)
    assert lacking("x", error) == said


def test_a_part_of_rtpipe_that_is_missing_is_no_package_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rtpipe.stages.pick", None)
    with pytest.raises(ConfigError, match=r"stage 'pick' needs rtpipe\.stages"):
        find("stages", "pick")


def test_modules_of_the_extra_are_those_it_declares() -> None:
    declared = {
        re.split(r"[^\w-]", each)[0]
        for each in requires("rtpipe") or ()
        if 'extra == "train"' in each
    }
    assert declared == set(TRAIN.values())
    provided = packages_distributions()
    for module, package in TRAIN.items():
        assert package in provided.get(module, [package])

"""Names are found where packages declare them, ours and others'."""

from pathlib import Path

import pytest

from rtpipe.errors import ConfigError
from rtpipe.registry import find, names
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
        ConfigError, match="extra 'lacks' needs the package 'not_installed_here': inst"
    ):
        find("extras", "lacks")

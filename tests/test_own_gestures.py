"""The walk of docs/own-gestures.md, in its quick form: benchmarks/own_gestures.py."""

import importlib.util
import shlex
from pathlib import Path
from types import ModuleType

import pytest

from rtpipe import cli

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def own_gestures() -> ModuleType:
    path = ROOT / "benchmarks" / "own_gestures.py"
    spec = importlib.util.spec_from_file_location("own_gestures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_five_commands_to_a_live_run(own_gestures: ModuleType, tmp_path: Path) -> None:
    found = own_gestures.walk(tmp_path, quick=True, seed=0)
    assert found["live, decisions"] >= own_gestures.WANTED
    # Of one and the same run, the second time from its recording.
    assert found["evaluate, decisions (accuracy)"] == found["live, accuracy"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("live.xdf", "own-1.xdf", "own-2.xdf", "trained")
    ]


def test_the_commands_of_the_walk_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    """Each option that the page names is one of the command's."""
    text = (ROOT / "docs" / "own-gestures.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("rtpipe ")]
    assert len(lines) > 5
    for line in lines:
        command, *words = shlex.split(line.split("#")[0])[1:]
        with pytest.raises(SystemExit):
            cli.app([command, "--help"])
        helped = capsys.readouterr().out
        for word in words:
            assert not word.startswith("--") or word in helped, line

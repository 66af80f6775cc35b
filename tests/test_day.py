"""Ten minutes of signal as fast as they go: benchmarks/day.py."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "day.py"


@pytest.mark.slow
def test_ten_minutes_of_signal(tmp_path: Path) -> None:
    pytest.importorskip("pyxdf")
    command = [sys.executable, str(BENCHMARK), "--quick", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("0 labels differ") == 3
    assert done.stdout.count("equal in every bit") == 3
    assert not list(tmp_path.iterdir())

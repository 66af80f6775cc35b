"""Windows on real runs, for seconds: benchmarks/dashboard.py."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "dashboard.py"


@pytest.mark.slow
def test_windows_open_draw_and_cost_no_sample(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARK), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    drawn = re.findall(
        r"dashboard +([\d.]+) frames/s|of a replay +([\d.]+)", done.stdout
    )
    assert len(drawn) == 2
    assert all(float("".join(each)) > 0 for each in drawn)
    (without, beside) = re.findall(r"\((\d+) and (\d+) decisions\)", done.stdout)[0]
    assert int(without) > 0
    assert int(beside) > 0
    assert "lost 0" in done.stdout

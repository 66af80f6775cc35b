"""Windows on real runs, for seconds: benchmarks/dashboard.py."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "dashboard.py"
HALVES = (
    ("sizes", "latency"),
    ("long", "replay"),
)  # at once: they wait most of the time


@pytest.mark.slow
def test_windows_open_draw_and_cost_no_sample(tmp_path: Path) -> None:
    halves = [
        subprocess.Popen(
            [sys.executable, str(BENCHMARK), *parts, "--quick"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        for parts in HALVES
    ]
    told = ""
    for each in halves:
        said, errors = each.communicate()
        assert each.returncode == 0, said + errors
        assert not errors
        told += said
    drawn = re.findall(r"dashboard +([\d.]+) frames/s|of a replay +([\d.]+)", told)
    assert len(drawn) == 2
    assert all(float("".join(each)) > 0 for each in drawn)
    (without, beside) = re.findall(r"\((\d+) and (\d+) decisions\)", told)[0]
    assert int(without) > 0
    assert int(beside) > 0
    assert "lost 0" in told

"""Runs that are ended while they start: benchmarks/startup.py."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "startup.py"
KINDS = ("Ctrl-C", "SIGTERM", "terminal", "SIGKILL", "pulled")


@pytest.mark.slow
def test_nothing_is_left_of_a_run_that_is_ended_while_it_starts() -> None:
    pytest.importorskip("pylsl")
    command = [sys.executable, str(BENCHMARK), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split()[:2] for line in done.stdout.splitlines()[-len(KINDS) :]]
    assert [kind for kind, _ in rows] == list(KINDS)
    assert all(int(n) > 1 for _, n in rows)

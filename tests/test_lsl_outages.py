"""A real sender that is killed, and one that is stopped: benchmarks/outages.py."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "outages.py"


@pytest.fixture(scope="module")
def outages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outages", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["outages"] = module  # where its dataclass looks itself up
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("stop", [False, True], ids=["killed", "stopped"])
def test_an_outage_of_known_length(outages: ModuleType, stop: bool) -> None:
    pytest.importorskip("pylsl")
    found = outages.series(times=1, seconds=2.5, stop=stop)
    assert found.faults() == []
    assert (found.lost, found.recovered) == (1, 1)

"""Runs of known samples through each fault, and random pairs: benchmarks/faults.py."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rtpipe.devices.faulty import FaultyDevice, faulty

from rtpipe.runtime.runtime import Runtime
from rtpipe.sinks.collect import Collect

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "faults.py"
SECONDS = 60.0


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("faults", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["faults"] = module  # where its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


faults = _load()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return faults.bundle(tmp_path_factory.mktemp("bundle"))


@pytest.mark.parametrize("fault", faults.ALONE)
def test_a_fault_is_counted_exactly_and_no_window_is_wrong(
    fault: str, shown: Any
) -> None:
    found = faults.attempt(fault, SECONDS, 5, shown)
    assert found.deviations == []
    assert found.injected
    # What the device says it did is what the run counted, and nothing else.
    injected, counted = found.injected, found.counters
    spoilt = injected.get("nan", 0) + injected.get("rails", 0)
    late = injected.get("duplicate", 0) + injected.get("reorder", 0)
    gone = sum(injected.get(k, 0) for k in ("drop", "channels", "reorder"))
    # Of an outage that lasts to the end of the signal, nobody saw the length.
    end = round(SECONDS * faults.SFREQ) + injected.get("flood", 0)
    unseen = end - counted["expected"]
    assert counted["missing"] == spoilt
    assert counted["late"] == late
    assert counted["malformed"] == injected.get("channels", 0)
    assert counted["lost"] == gone + injected.get("disconnect", 0) - unseen
    assert counted["outages"] == (4 if "disconnect" in fault else 0)
    assert counted["received"] == counted["expected"] + late - counted["lost"]


def test_a_clean_signal_is_all_there(shown: Any) -> None:
    found = faults.attempt("", SECONDS, 0, shown)
    assert found.deviations == []
    assert found.injected == {}
    assert found.windows == (SECONDS * faults.SFREQ - faults.N_TIMES) // faults.HOP + 1


def test_an_account_of_another_run_is_told_apart(shown: Any) -> None:
    """The reckoning can fail: what one run must be, another is not."""
    device = faults.Noted(FaultyDevice(faults.Known(20.0), "drop 0.5 at 5"))
    other = faults.Noted(FaultyDevice(faults.Known(20.0), "duplicate at 5"))
    sink = Collect()
    for each in (other, device):
        sink = Collect()
        with Runtime([each], [shown], [sink], shared=False) as runtime:
            runtime.wait()
    status = runtime.run.streams["known"]
    mine, others = faults.account(device.handed), faults.account(other.handed)
    assert faults.deviations(mine, status, sink.predictions) == []
    told = faults.deviations(others, status, sink.predictions)
    assert "lost is 100, not 0" in told
    assert any("windows are not due or not answered" in each for each in told)
    mine.number[1] = mine.number[1] + 1  # [0] is the gap before the first sample
    told = faults.deviations(mine, status, sink.predictions)
    assert any("windows are wrong" in each for each in told)


@pytest.mark.slow
def test_the_quick_form_of_the_benchmark() -> None:
    assert faults.main(["--quick", "--seed", "1"]) == 0


def test_streams_of_one_device_are_lost_and_found_together() -> None:
    settings = {"paced": False, "seed": 1, "duration": 60}
    device = faulty("synthetic", faults="disconnect 3 at 10, 30", settings=settings)
    sink = Collect()
    with Runtime([device], sinks=[sink], shared=False) as runtime:
        runtime.wait()
    for name, status in runtime.run.streams.items():
        told: dict[str, list[dict[str, Any]]] = {}
        for event in sink.events:
            if event.stream == name:
                told.setdefault(event.kind, []).append(event.data)
        assert len(told["lost"]) == status.counters.outages == 2
        lost = [each["samples"] for each in told["fault"]]
        assert [each["lost"] for each in told["gap"]] == lost
        assert all(each["estimated"] for each in told["gap"])
        after = [each["after"] for each in told["recovered"]]
        assert after == pytest.approx([3.0, 3.0], abs=0.03)  # seconds of signal

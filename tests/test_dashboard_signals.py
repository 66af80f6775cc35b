"""The panel of signals in a window on a run: what it shows of each stream."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from PyQt6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe.attach import Rings
from rtpipe.bundle import Bundle
from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.history import History
from rtpipe.dashboard.look import Look
from rtpipe.dashboard.model import RunModel, StreamModel
from rtpipe.dashboard.scale import Scale
from rtpipe.dashboard.sheet import Source
from rtpipe.dashboard.signals import Signals
from rtpipe.ring import Ring
from rtpipe.runtime.runtime import Runtime
from rtpipe.types import Chunk, StreamInfo

from .signalswindow import (
    PATIENCE,
    Counting,
    centre,
    click,
    drawn,
    opened,
    press,
    shows,
    signals,
    turn,
)
from .sources import SFREQ, info

pytestmark = pytest.mark.usefixtures("light")


@pytest.fixture
def device() -> Counting:
    return Counting()


@pytest.fixture
def run(device: Counting) -> Iterator[Runtime]:
    with Runtime([device], reconnect=60) as runtime:
        yield runtime


@pytest.fixture
def dashboard(qtbot: QtBot, run: Runtime, settings: QSettings) -> Iterator[Dashboard]:
    with opened(qtbot, run, settings) as made:
        yield made


def test_a_lane_for_each_channel_of_each_stream(
    qtbot: QtBot, dashboard: Dashboard
) -> None:
    found = [(g.name, g.source.shown) for g in signals(dashboard).lanes.groups]
    assert found == [("arm", [0, 1]), ("head", [0])]
    qtbot.waitUntil(
        lambda: all(g.state == "" for g in signals(dashboard).lanes.groups),
        timeout=PATIENCE,
    )
    assert all("raw" in g.about for g in signals(dashboard).lanes.groups)


def test_what_is_drawn_is_what_was_sent(qtbot: QtBot, dashboard: Dashboard) -> None:
    group = signals(dashboard).lanes.groups[0]
    qtbot.waitUntil(lambda: len(group.source.history) > 300, timeout=PATIENCE)
    history = group.source.history
    expected = 50 * np.sin(history.index[:, None] / 7 + np.arange(2))
    np.testing.assert_allclose(history.data, expected, atol=1e-3)


def test_filtered_as_a_model_sees_it_and_raw_again(
    qtbot: QtBot, settings: QSettings
) -> None:
    path = Path(__file__).parents[1] / "models" / "demo-emotion.pt"
    bundle = Bundle.load(path)
    device = SyntheticDevice("eeg", seed=1)
    with Runtime([device], [("emotion", bundle, bundle.card.decision)]) as runtime:
        with opened(qtbot, runtime, settings) as dashboard:
            panel = signals(dashboard)
            stream = next(iter(runtime.run.streams.values()))
            click(qtbot, panel, centre(panel, panel.lanes.groups[0], 2))
            control = Qt.KeyboardModifier.ControlModifier
            click(qtbot, panel, centre(panel, panel.lanes.groups[0], 3), control)
            for ring, about in (
                (next(iter(stream.filtered.values())), "filtered for emotion"),
                (stream.raw, "raw"),
            ):
                press(qtbot, panel, "F")
                qtbot.waitUntil(partial(shows, panel, about), timeout=PATIENCE)
                (group,) = panel.lanes.groups
                qtbot.waitUntil(partial(drawn, group), timeout=PATIENCE)
                history = group.source.history
                start, stop = int(history.index[0]), int(history.index[-1]) + 1
                np.testing.assert_array_equal(history.data, ring.view(start, stop))
                assert (group.source.shown, group.source.bright) == ([0, 1, 2], {2})


def test_a_stream_that_a_model_does_not_run_on_stays_raw(
    qtbot: QtBot, settings: QSettings, device: Counting
) -> None:
    bundle = Bundle.load(Path(__file__).parents[1] / "models" / "demo-emotion.pt")
    models = [(name, bundle, bundle.card.decision) for name in ("one", "other")]
    eeg = SyntheticDevice("eeg", seed=1)
    with Runtime([eeg, device], models) as runtime:
        with opened(qtbot, runtime, settings) as dashboard:
            panel = signals(dashboard)
            head, arm, _ = panel.lanes.groups
            turn(panel, centre(panel, head, 1), -9, Qt.KeyboardModifier.NoModifier)
            qtbot.waitUntil(
                lambda: bool(np.isfinite(head.source.scale.range).all()),
                timeout=PATIENCE,
            )
            by_hand = head.source.scale.range[1]
            for view in "filtered for one", "filtered for other", "raw":
                press(qtbot, panel, "F")
                qtbot.waitUntil(partial(shows, panel, view), timeout=PATIENCE)
                head, arm, _ = panel.lanes.groups
                assert arm.about.endswith("raw")
                # What hands set of the raw signal means nothing of a filtered one.
                assert head.source.scale.auto.all() == (view != "raw")
            assert head.source.scale.range[1] == by_hand


def test_a_recording_begins_with_its_first_stream_wherever_that_stands(
    qtbot: QtBot,
) -> None:
    """A window that opens late has samples of all of them at once."""
    streams = {}
    for name, start in (("late", 130.0), ("head", 100.0), ("later", 150.0)):
        ring = Ring((1,), 1000)
        times = start + np.arange(200) / SFREQ
        data = np.zeros((200, 1), np.float32)
        ring.write(Chunk(name, 0, times, data))
        kept = Rings(info(1, name=name), "recording", ring, {}, {})
        streams[name] = StreamModel(kept)
    run = cast(RunModel, SimpleNamespace(streams=streams, models={}, state="running"))
    panel = Signals("", lambda command: None)
    qtbot.addWidget(panel)
    panel.refresh(run, 1.0)
    assert [each.source.zero for each in panel.lanes.groups] == [100.0] * 3


def test_a_channel_that_a_view_lacks_stays_hidden() -> None:
    def named(*names: str) -> Source:
        kinds, units = ("eeg",) * len(names), ("uV",) * len(names)
        stream = StreamInfo("head", SFREQ, names, kinds, units)
        places = list(range(len(names)))
        return Source(
            History(stream, Ring((len(names),), 10)), Scale(len(names)), places
        )

    look, raw = Look(), named("A", "B", "AUX")
    raw.shown.remove(2)
    raw.bright = {2, 0}
    raw.scale.hold(2, 500.0)
    look.note(raw, "")
    filtered = named("B", "A")
    look.give(filtered, "model")
    assert (filtered.shown, filtered.bright) == ([0, 1], {1})
    filtered.shown.remove(0)
    look.note(filtered, "model")
    again = named("A", "B", "AUX")
    look.give(again, "")
    assert (again.shown, again.bright) == ([0], {0, 2})
    assert again.scale.auto.tolist() == [True, True, False]
    assert again.scale.range[2] == 500
    only = named("B", "AUX")
    look.give(only, "")
    assert only.shown == [0, 1]  # of a stream something is always shown


@pytest.mark.parametrize(
    ("units", "told"),
    [
        (("uV", "uV"), "raw"),
        (("none", "none"), "raw, in counts"),
        (("none", "g"), "raw"),
        (("unknown", "uV"), "raw, ? where the unit is not known"),
    ],
)
def test_the_heading_says_what_a_bare_number_counts(
    qtbot: QtBot, settings: QSettings, units: tuple[str, str], told: str
) -> None:
    class Measured(Counting):
        def open(self) -> Sequence[StreamInfo]:
            first, *rest = super().open()
            return [replace(first, units=units), *rest]

    with Runtime([Measured()]) as runtime:
        with opened(qtbot, runtime, settings) as dashboard:
            assert signals(dashboard).lanes.groups[0].about == f"200 Hz, {told}"


def test_a_marker_is_a_line_in_every_stream(
    qtbot: QtBot, dashboard: Dashboard, run: Runtime
) -> None:
    run.run.mark("blink")
    panel = signals(dashboard)

    def told() -> bool:
        marks = [[m for m in g.marks if m.text == "blink"] for g in panel.lanes.groups]
        return all(len(each) == 1 and each[0].line for each in marks)

    qtbot.waitUntil(told, timeout=PATIENCE)


@pytest.mark.parametrize(("lost", "text"), [(10, "10 filled"), (100, "100 lost")])
def test_lost_samples_are_told_in_their_stream_alone(
    qtbot: QtBot, dashboard: Dashboard, device: Counting, lost: int, text: str
) -> None:
    arm, head = signals(dashboard).lanes.groups
    device.stalled = True
    qtbot.wait(int(1000 * lost / SFREQ) + 100)
    device.skip, device.stalled = lost, False
    qtbot.waitUntil(lambda: text in [m.text for m in arm.marks], timeout=PATIENCE)
    history = arm.source.history
    if lost == 10:
        qtbot.waitUntil(lambda: history.filled.sum() == 10, timeout=PATIENCE)
        assert (np.diff(history.index) == 1).all()
    else:
        jumps = np.diff(history.index)
        assert jumps[jumps > 1].tolist() == [101]
    assert head.marks == []
    assert not head.source.history.filled.any()


def test_a_device_that_goes_and_comes_back(
    qtbot: QtBot, dashboard: Dashboard, device: Counting
) -> None:
    panel = signals(dashboard)
    arm, _ = panel.lanes.groups
    device.gone = True
    qtbot.waitUntil(
        lambda: arm.state.startswith("lost: it is unplug"), timeout=PATIENCE
    )
    before = arm.source.done
    qtbot.wait(300)
    assert arm.source.done == before
    assert arm.source.blank is not None
    assert before is not None
    assert arm.source.blank > before + 10  # time goes on, and nothing is drawn in it
    device.gone = False
    qtbot.waitUntil(lambda: arm.state == "", timeout=PATIENCE)
    qtbot.waitUntil(lambda: "back" in [m.text for m in arm.marks], timeout=PATIENCE)


def test_the_pause_of_the_view_loses_nothing(
    qtbot: QtBot, dashboard: Dashboard
) -> None:
    group = signals(dashboard).lanes.groups[0]
    dashboard.window.pause()
    n = len(group.source.history)
    qtbot.wait(300)
    assert len(group.source.history) == n
    dashboard.window.pause()
    qtbot.waitUntil(lambda: len(group.source.history) > n + 50, timeout=PATIENCE)
    assert (np.diff(group.source.history.index) == 1).all()

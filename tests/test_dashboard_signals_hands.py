"""Hands on the panel of signals: keys, mouse and menu, and what they set is kept."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt6.QtCore import QPoint, QSettings, Qt
from PyQt6.QtGui import QAction, QContextMenuEvent
from PyQt6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from rtpipe.clock import now
from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.scale import rounded
from rtpipe.dashboard.signals import SPANS, Signals
from rtpipe.runtime.runtime import Runtime

from .pictures import marked, pixels
from .signalswindow import (
    PATIENCE,
    Counting,
    centre,
    click,
    opened,
    press,
    signals,
    turn,
)

pytestmark = pytest.mark.usefixtures("light")


@pytest.fixture
def dashboard(qtbot: QtBot, settings: QSettings) -> Iterator[Dashboard]:
    with Runtime([Counting()]) as run, opened(qtbot, run, settings) as made:
        yield made


def test_keys_of_span_and_gain(qtbot: QtBot, dashboard: Dashboard) -> None:
    panel = signals(dashboard)
    lanes, first = panel.lanes, panel.lanes.groups[0].source.scale
    qtbot.waitUntil(lambda: bool(np.isfinite(first.range).all()), timeout=PATIENCE)
    press(qtbot, panel, "[")
    assert panel.span == lanes.span == 5.0
    for _ in range(9):
        press(qtbot, panel, "]")
    assert panel.span == lanes.span == SPANS[-1]
    before = first.range.copy()
    press(qtbot, panel, "-")
    assert (first.range > before).all()
    assert not first.auto.any()
    press(qtbot, panel, "+")
    assert (first.range == before).all()
    press(qtbot, panel, "=")
    assert (first.range < before).all()
    press(qtbot, panel, "A")
    assert first.auto.all()
    qtbot.waitUntil(lambda: bool((first.range >= 100).all()), timeout=PATIENCE)
    first.range[:] = 200, 300
    press(qtbot, panel, "E")
    assert panel.alike
    assert first.range.tolist() == [300, 300]
    press(qtbot, panel, "E")
    assert not panel.alike
    assert lanes.sweep
    press(qtbot, panel, "S")
    assert not lanes.sweep
    press(qtbot, panel, "S")
    assert lanes.sweep


def test_the_wheel(qtbot: QtBot, dashboard: Dashboard) -> None:
    panel = signals(dashboard)
    arm, head = panel.lanes.groups
    scale = arm.source.scale
    qtbot.waitUntil(lambda: bool(np.isfinite(scale.range).all()), timeout=PATIENCE)
    before, others = scale.range.copy(), head.source.scale.range.copy()
    none, control = (
        Qt.KeyboardModifier.NoModifier,
        Qt.KeyboardModifier.ControlModifier,
    )
    turn(panel, centre(panel, arm, 1), 2, none)
    assert scale.range.tolist() == [before[0], rounded(before[1], -2)]
    assert head.source.scale.range.tolist() == others.tolist()
    turn(panel, centre(panel, arm, 1), -2, none)
    assert scale.range.tolist() == before.tolist()
    turn(panel, centre(panel, arm, 1), 1, control)
    assert panel.span == 5.0
    turn(panel, QPoint(600, panel.lanes.height() - 4), -1, none)  # over the axis
    assert panel.span == 10.0


def test_small_turns_of_the_wheel_add_up(qtbot: QtBot, dashboard: Dashboard) -> None:
    panel = signals(dashboard)
    arm, _ = panel.lanes.groups
    at = centre(panel, arm, 0)
    control = Qt.KeyboardModifier.ControlModifier
    for k in range(8):  # as a touchpad does
        assert panel.span == (10.0 if k < 4 else 5.0)
        turn(panel, at, 0.25, control)
    assert panel.span == 2.0


def test_channels_are_highlighted_and_hidden_by_click(
    qtbot: QtBot, dashboard: Dashboard
) -> None:
    panel = signals(dashboard)
    arm, head = panel.lanes.groups
    control = Qt.KeyboardModifier.ControlModifier
    click(qtbot, panel, centre(panel, arm, 1))
    assert arm.source.bright == {1}
    press(qtbot, panel, "-")  # then means this one alone
    assert arm.source.scale.auto.tolist() == [True, False]
    assert head.source.scale.auto.all()
    click(qtbot, panel, centre(panel, arm, 1))
    assert arm.source.bright == set()
    click(qtbot, panel, centre(panel, arm, 0), control)
    assert (arm.source.shown, arm.hidden) == ([1], 1)
    click(qtbot, panel, centre(panel, arm, 1), control)
    assert arm.source.shown == [1]  # the last one stays
    press(qtbot, panel, "U")
    assert (arm.source.shown, arm.hidden) == ([0, 1], 0)
    click(qtbot, panel, centre(panel, arm, 1), control)
    click(qtbot, panel, QPoint(20, 8))  # on the heading
    assert arm.source.shown == [0, 1]


@pytest.mark.parametrize("held", ["ControlModifier", "ShiftModifier"])
def test_a_channel_is_hidden_by_a_click_with_a_key_held(
    qtbot: QtBot, dashboard: Dashboard, held: str
) -> None:
    panel = signals(dashboard)
    arm, _ = panel.lanes.groups
    keys = getattr(Qt.KeyboardModifier, held)
    click(qtbot, panel, centre(panel, arm, 1), keys)
    assert arm.source.shown == [0]


def test_the_right_button_offers_the_channel_and_the_menu(
    qtbot: QtBot, dashboard: Dashboard
) -> None:
    panel = signals(dashboard)
    arm, _ = panel.lanes.groups
    for entry, done in (
        ("Hide E2", lambda: arm.source.shown == [0]),
        ("Signals: show hidden channels", lambda: arm.source.shown == [0, 1]),
        ("Signals: sweep or scroll", lambda: not panel.lanes.sweep),
    ):
        at = panel.lanes.mapTo(panel, centre(panel, arm, arm.source.shown[-1]))
        where = panel.mapToGlobal(at)
        mouse = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(panel, QContextMenuEvent(mouse, at, where))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        action = next(each for each in menu.actions() if each.text() == entry)
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        place = menu.actionGeometry(action).center()
        qtbot.mouseClick(menu, left, none, place)  # type: ignore[no-untyped-call]
        qtbot.waitUntil(done, timeout=PATIENCE)


def test_every_entry_of_the_menu_can_be_chosen(dashboard: Dashboard) -> None:
    panel = signals(dashboard)
    chosen = 0
    for action in panel.actions():
        menu = action.menu()
        for each in [action] if menu is None else menu.actions():
            each.trigger()
            chosen += 1
    assert chosen >= len(SPANS) + 9
    assert panel.span == SPANS[-1]  # "more seconds" came after the list of them


def test_no_key_has_two_meanings(dashboard: Dashboard) -> None:
    keys = [
        key.toString()
        for action in dashboard.window.findChildren(QAction)
        for key in action.shortcuts()
    ]
    assert len(keys) > 10
    assert sorted(keys) == sorted(set(keys))


def test_a_paused_view_follows_hands(qtbot: QtBot, dashboard: Dashboard) -> None:
    panel = signals(dashboard)
    lanes, (arm, head) = panel.lanes, panel.lanes.groups
    qtbot.waitUntil(
        lambda: bool(np.isfinite(arm.source.scale.range).all()), timeout=PATIENCE
    )
    press(qtbot, panel, "P")
    n = len(arm.source.history)

    def ink() -> list[int]:
        """Return in how many columns each stream has a signal."""
        lanes.grab()
        picture = marked(lanes.shown)
        sources = [each.source for each in (arm, head)]
        rows = [picture[each.top : each.top + each.height] for each in sources]
        return [int(each.any(axis=0).sum()) for each in rows]

    def changed(before: NDArray[np.uint32]) -> bool:
        return not np.array_equal(pixels(lanes.shown), before)

    assert min(ink()) >= 5
    acts: list[Callable[[], object]] = [
        partial(press, qtbot, panel, "-"),
        lambda: click(qtbot, panel, centre(panel, arm, 0)),
    ]
    for act in acts:
        before = pixels(lanes.shown)
        act()
        qtbot.waitUntil(partial(changed, before), timeout=PATIENCE)
    acts = [
        partial(press, qtbot, panel, "["),
        partial(press, qtbot, panel, "S"),
        lambda: dashboard.window.resize(1000, 700),
        partial(press, qtbot, panel, "D", Qt.KeyboardModifier.ControlModifier),
    ]
    for act in acts:
        act()
        assert min(ink()) >= 5
    assert len(arm.source.history) == n


def test_what_hands_have_set_is_there_again(qtbot: QtBot, dashboard: Dashboard) -> None:
    panel = signals(dashboard)
    arm, _ = panel.lanes.groups
    scale = arm.source.scale
    qtbot.waitUntil(lambda: bool(np.isfinite(scale.range).all()), timeout=PATIENCE)
    press(qtbot, panel, "[")
    press(qtbot, panel, "S")
    press(qtbot, panel, "E")
    turn(panel, centre(panel, arm, 1), -3, Qt.KeyboardModifier.NoModifier)
    click(qtbot, panel, centre(panel, arm, 1))
    control = Qt.KeyboardModifier.ControlModifier
    click(qtbot, panel, centre(panel, arm, 0), control)
    kept = json.loads(json.dumps(panel.keep()))
    assert kept["streams"].keys() == {"arm"}  # nothing is set of the other one
    kept["streams"]["leg"] = {"hidden": ["E9"], "bright": [], "ranges": {}}
    run = dashboard.window.run
    assert run is not None
    again = Signals("", lambda command: None)
    qtbot.addWidget(again)
    again.restore(kept)
    assert again.keep() == kept  # also before there is a run
    again.refresh(run, now())
    twin, other = again.lanes.groups
    assert (again.span, again.sweep, again.lanes.span) == (5.0, False, 5.0)
    assert again.alike
    assert (twin.source.shown, twin.source.bright) == ([1], {1})
    assert twin.source.scale.auto.tolist() == [True, False]
    assert twin.source.scale.range[1] == scale.range[1]
    assert (other.source.shown, other.source.bright) == ([0], set())
    assert again.keep() == kept  # "leg", which this run has not, for the next time
    again.lanes.heading_clicked.emit(twin)
    again.lanes.lane_clicked.emit(twin, 1, False)
    again.refresh(run, now())
    assert again.keep()["streams"]["arm"].keys() == kept["streams"]["arm"].keys()
    assert again.keep()["streams"]["arm"]["hidden"] == []


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"span": 3.0, "sweep": "yes", "alike": 1, "view": 7, "streams": []},
        {"span": [], "view": "a model that is not here", "streams": {"arm": 3}},
        {"streams": {"arm": {"hidden": "E1", "bright": [1, None], "ranges": [2]}}},
        {"streams": {"arm": {"hidden": ["E1", "E2"], "ranges": {"": "E1"}}}},
        {
            "streams": {
                "arm": {"ranges": {"": {"E1": -1, "E2": np.inf, "E7": 10**400}}},
                "head": {"ranges": {"": {"E1": np.nan}, "x": {"E1": True}}},
            }
        },
    ],
)
def test_odd_things_that_were_kept_do_no_harm(
    qtbot: QtBot, dashboard: Dashboard, kept: dict[str, Any]
) -> None:
    panel = Signals("", lambda command: None)
    qtbot.addWidget(panel)
    panel.restore(kept)
    assert dashboard.window.run is not None
    panel.refresh(dashboard.window.run, now())
    shown = [g.source.shown for g in panel.lanes.groups]
    assert shown == [[0, 1], [0]]
    assert (panel.span, panel.sweep, panel.view) == (10.0, True, "")
    assert not panel.alike
    assert all(g.source.scale.auto.all() for g in panel.lanes.groups)
    json.dumps(panel.keep(), allow_nan=False)

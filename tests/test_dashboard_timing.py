"""The panel of latencies, windows and frames, beside the run's own counters."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QSettings
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QDockWidget, QLabel, QScrollArea
from pytestqt.qtbot import QtBot
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe import build
from rtpipe.attach import Attachment
from rtpipe.clock import now
from rtpipe.config import check
from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.latencybars import LatencyBars
from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.theme import choose, theme
from rtpipe.dashboard.timing import PERCENTILES, Timing
from rtpipe.dashboard.window import Window
from rtpipe.duration import milliseconds
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime

PATIENCE = 60_000  # milliseconds, only for a test that fails


def test_a_bar_is_as_tall_as_its_count(qtbot: QtBot) -> None:
    bars = LatencyBars()
    qtbot.addWidget(bars)
    bars.resize(600, 240)
    edges = np.logspace(-3, -1, 5)
    counts = np.array([10.0, 40.0, 0.0, 20.0])
    kept = counts > 0  # as the run tells them
    table = np.column_stack([edges[:-1], edges[1:], counts])[kept]
    bars.show_bars(table, {"p50": 0.05, "p99": None})
    image = bars.grab().toImage()
    accent = QColor(theme().accent)
    middles = np.sqrt(edges[:-1] * edges[1:])
    # The axis goes from 1 to 100 ms, which are its first and last edge.
    columns = np.log10(middles / 1e-3) / 2 * image.width()
    tall = np.array(
        [
            sum(image.pixelColor(int(x), y) == accent for y in range(image.height()))
            for x in columns
        ]
    )
    assert tall[1] > image.height() / 2
    # A pixel at either end of a bar may be mixed with the ground.
    assert np.allclose(tall, counts / 40 * tall[1], atol=2)


def test_no_answer_yet_is_said_and_one_slow_answer_is_seen(qtbot: QtBot) -> None:
    bars = LatencyBars()
    qtbot.addWidget(bars)
    bars.resize(600, 240)
    empty = bars.grab().toImage()
    bars.show_bars(np.empty((0, 3)), {})
    assert bars.grab().toImage() == empty
    one = np.array([[1e-3, 1.1e-3, 1e6]])
    bars.show_bars(one, {})
    without = bars.grab().toImage()
    bars.show_bars(np.vstack([one, [2e-3, 2.1e-3, 1]]), {})
    assert bars.grab().toImage() != without


@pytest.mark.parametrize("marks", [(3e-3, 3.1e-3, 3.2e-3), (2e-3, 20e-3, 99e-3)])
def test_names_of_percentiles_never_lie_on_each_other(
    qtbot: QtBot, marks: tuple[float, float, float]
) -> None:
    bars = LatencyBars()
    qtbot.addWidget(bars)
    bars.resize(300, 120)
    table = np.array([[1e-3, 2e-3, 5.0], [50e-3, 100e-3, 1.0]])
    alone = []
    named = dict(zip(PERCENTILES, marks, strict=True))
    text = QColor(theme().text)
    for shown in (*({name: at} for name, at in named.items()), named):
        bars.show_bars(table, shown)
        image = bars.grab().toImage()
        alone.append(
            sum(
                image.pixelColor(x, y) == text
                for x in range(image.width())
                for y in range(image.height() // 2)
            )
        )
    # Each has its row where it is near: no letter of it is lost.
    assert alone[-1] > 0.8 * sum(alone[:-1])


def test_models_use_the_room_there_is(qtbot: QtBot) -> None:
    raw = {"device": [{"kind": "synthetic"}], "model": [{"path": "demo:gesture"}]}
    bundles = build.bundles(check(raw, "test").model, "cpu")
    with (
        Runtime([SyntheticDevice("emg", seed=5)], bundles) as runtime,
        closing(Attachment(folder_of_runs() / runtime.run.name)) as attachment,
    ):
        run = RunModel(attachment)
        (model,) = run.models.values()

        def answered() -> bool:
            run.poll(now())
            return bool(len(model.histogram))

        qtbot.waitUntil(answered, timeout=PATIENCE)
        for n_models, wide, high, scrolls in (
            (1, 766, 252, False),
            (3, 766, 252, False),
            (6, 766, 252, True),
            (6, 766, 600, False),
            (2, 300, 500, False),
        ):
            run.models = {f"model-{k}": model for k in range(n_models)}
            panel = Timing("", attachment.send)
            qtbot.addWidget(panel)
            panel.resize(wide, high)
            panel.show()
            panel.follow(run, now())
            panel.refresh(run, now())
            (area,) = panel.findChildren(QScrollArea)
            bar, inside = area.verticalScrollBar(), area.widget()
            assert bar is not None
            assert inside is not None
            qtbot.wait(50)  # until Qt has laid it out
            assert (bar.maximum() > 0) == scrolls, (n_models, wide, high)
            shown = [e for e in inside.findChildren(LatencyBars) if e.isVisible()]
            assert len(shown) == n_models
            for each in shown:
                corner = each.mapTo(inside, each.rect().bottomRight())
                assert corner.x() <= inside.width() <= wide
                assert corner.y() <= inside.height()


def test_it_shows_the_runs_own_figures(qtbot: QtBot, tmp_path: Path) -> None:
    raw = {"device": [{"kind": "synthetic"}], "model": [{"path": "demo:gesture"}]}
    bundles = build.bundles(check(raw, "test").model, "cpu")
    settings = QSettings(str(tmp_path / "ini"), QSettings.Format.IniFormat)
    with Runtime([SyntheticDevice("emg", seed=5)], bundles) as runtime:
        dashboard = Dashboard(settings=settings)
        dashboard.watch(folder_of_runs() / runtime.run.name)
        dashboard.show()
        window = dashboard.window
        qtbot.waitUntil(lambda: "Timing" in window.panels, timeout=PATIENCE)
        panel = window.panels["Timing"]
        dock = panel.parentWidget()
        assert isinstance(dock, QDockWidget)

        def texts() -> list[str]:
            return [each.text() for each in panel.findChildren(QLabel)]

        def seen() -> bool:
            # Each time: another is put on top when the window is laid out, and on a
            # busy machine that may be after it was drawn first.
            dock.raise_()
            return bool(texts()) and said(texts(), window)

        qtbot.waitUntil(seen, timeout=PATIENCE)
        (status,) = runtime.run.models.values()
        assert status.windows["synthetic:emg"].answered > 0
        dashboard.close()
    choose(None)


def said(texts: list[str], window: Window) -> bool:
    """Tell whether all figures are there, once there are some."""
    assert window.run is not None
    model = window.run.models["demo-gesture"]
    if not (model.windows and model.windows["synthetic:emg"]["answered"]):
        return False
    assert {milliseconds(each) for each in model.latency.values()} <= set(texts)
    answered = model.windows["synthetic:emg"]["answered"]
    assert any(f" {answered:,} windows answered, " in each for each in texts)
    return any("frames in the last second" in each for each in texts)

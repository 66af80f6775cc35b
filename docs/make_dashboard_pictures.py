"""Take the pictures of the dashboard: real runs in the real window, nothing made up.

``python docs/make_dashboard_pictures.py`` needs no screen. It runs the synthetic
sensors through the demo models, for a minute, and asks a person for cues; and where it
is told of them, it plays recordings at their own pace: ``--muse FILE`` through the
demos of emotion and seizure, and ``--mental BUNDLE`` if it is given; ``--emg FILE``
through ``--gesture BUNDLE``. The bundles should not have been trained on these files.
What the window shows goes into docs/dashboard-*.png. docs/mental-state.md and
docs/gesture.md tell where recordings are, and how bundles are made of them.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtCore import QSettings
from PyQt6.QtGui import QImage
from PyQt6.QtWidgets import QApplication, QDockWidget

from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.seizure import SeizurePanel
from rtpipe.dashboard.theme import DARK, LIGHT, Theme, choose
from rtpipe.dashboard.window import Window
from rtpipe.runfolder import folder_of_runs

OUT = Path(__file__).parent
WIDTH, HEIGHT = 1440, 900
MENTAL = "mental-state"  # the panel of that model
MARKED = 3.0  # seconds before a picture is taken


@dataclass(frozen=True)
class Picture:
    """One picture: when, in which colours, and which panels are on top."""

    name: str
    seconds: float
    theme: Theme
    on_top: tuple[str, ...]


def main() -> None:
    """Take the pictures of what there is."""
    told = argparse.ArgumentParser()
    for name in ("--muse", "--mental", "--emg", "--gesture"):
        told.add_argument(name)
    given = told.parse_args()
    application = QApplication([])
    application.setApplicationName("rtpipe")
    take(
        ["live", "--device", "synthetic", "--set", "device.seed=1000001"],
        Picture("synthetic", 65, LIGHT, ("demo-seizure", "Quality")),
        Picture("synthetic-dark", 69, DARK, ("demo-emotion", "Timing")),
        Picture("synthetic-spectrum", 73, LIGHT, ("demo-emotion", "Spectrum")),
    )
    with tempfile.TemporaryDirectory() as folder:
        asked = ["--cues", "fist,wrist flexion,wrist extension"]
        recorded = f"{folder}/rtpipe-{{date}}-{{run}}.xdf"
        take(
            ["record", "--device", "synthetic:emg", recorded, *asked],
            Picture("cues", 8, LIGHT, ("Quality",)),
        )
    if given.muse:
        mental = [MENTAL] if given.mental else []
        take(
            ["replay", given.muse, *with_models(["demo:emotion", given.mental])],
            Picture("muse", 40, LIGHT, ("demo-emotion", "Quality")),
            Picture("muse-dark", 44, DARK, (*mental, "Spectrum")),
            Picture("muse-timing", 48, LIGHT, (*mental, "Timing")),
        )
        take(
            ["replay", given.muse, *with_models(["demo:seizure"])],
            Picture("muse-seizure", 30, LIGHT, ("demo-seizure", "Quality")),
        )
    if given.emg:
        take(
            ["replay", given.emg, *with_models([given.gesture])],
            Picture("emg", 34.5, LIGHT, ("Spectrum",)),
            Picture("emg-dark", 39, DARK, ("Quality",)),
            Picture("emg-timing", 44, LIGHT, ("Timing",)),
        )


def with_models(files: Sequence[str | None]) -> list[str]:
    """Return the options that let a run have these models."""
    return [part for file in files if file for part in ("--model", file)]


def take(command: Sequence[str], *pictures: Picture) -> None:
    """Start a run, look at it, and take pictures of the window."""
    run = subprocess.Popen([sys.executable, "-m", "rtpipe", *command, "--ui", "none"])
    with tempfile.TemporaryDirectory() as folder:
        layout = QSettings(f"{folder}/layout", QSettings.Format.IniFormat)
        dashboard = Dashboard(settings=layout)
        window = dashboard.window
        window.resize(WIDTH, HEIGHT)
        dashboard.watch(folder_of_runs() / f"run-{run.pid}")
        dashboard.show()
        watch(lambda: window.run is not None or run.poll() is not None)
        if window.run is None:
            sys.exit("the run has ended: what it said stands above")
        begun = time.monotonic()
        for picture in pictures:
            watch(until=begun + picture.seconds - MARKED)
            window.commands.text.setText("sat down")
            window.commands.mark()
            choose(picture.theme)
            raise_panels(window, picture.on_top)
            watch(until=begun + picture.seconds)
            if window.run.state != "running":
                sys.exit(f"the run was over before the picture {picture.name}")
            save(window, OUT / f"dashboard-{picture.name}.png")
        dashboard.close()
    run.send_signal(signal.SIGINT)
    run.wait()


def watch(done: Callable[[], bool] = lambda: False, until: float = inf) -> None:
    """Let the window live."""
    while not done() and time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.002)


def raise_panels(window: Window, titles: Sequence[str]) -> None:
    """Put panels on top of those that lie on them, and of alarms, which come back."""
    for panel in window.findChildren(SeizurePanel):
        if panel.title not in titles:
            panel.acknowledge()
    for title in titles:
        dock = window.panels[title].parentWidget()
        assert isinstance(dock, QDockWidget)
        dock.raise_()


def save(window: Window, path: Path) -> None:
    """Write what a window shows, in few colours and packed tightly."""
    image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB666)
    image.save(str(path), "PNG", quality=0)
    print(path, f"{path.stat().st_size / 1e3:.0f} kB")  # noqa: T201


if __name__ == "__main__":
    main()

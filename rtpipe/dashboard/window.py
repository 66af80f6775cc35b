"""The window: panels in docks, one menu, and a line below that tells how it stands."""

import json
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from itertools import chain, count
from typing import Any

from PyQt6.QtCore import QByteArray, QEvent, QSettings, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QAction, QCloseEvent, QKeySequence
from PyQt6.QtWidgets import QDockWidget, QLabel, QMainWindow

from rtpipe.clock import now as present
from rtpipe.dashboard.banner import Banner
from rtpipe.dashboard.commands import Commands
from rtpipe.dashboard.dockbuttons import paint_buttons
from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.plain import Plain, as_entry, tip
from rtpipe.dashboard.theme import DARK, LIGHT, choose, font, theme
from rtpipe.dashboard.troubles import no_models, troubles
from rtpipe.dashboard.veil import Veil
from rtpipe.duration import clock
from rtpipe.errors import last_line

_AREA = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}
_LAYOUT = 1  # of the remembered layouts; a new number forgets the old ones
_KEPT = "panels"  # the group of the settings for what panels keep
_SIZE = (1280, 800)  # at first, where the screen has room
_SHARES = (3, 2)  # of the width: what is on the left, what is on the right


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kind of panel is, and where in the window it stands at first.

    Parameters
    ----------
    module : str
        In rtpipe.dashboard.
    panel : str
        The class in it, a `Panel`.
    area : "left", "right" or "bottom"
    tab : str
        Panels of the same area and tab lie on each other; of each such pile the first
        is on top. Empty: it has its own room.
    weight : int
        Its share of the height of its side, beside those of the others there.
    """

    module: str
    panel: str
    area: str
    tab: str = ""
    weight: int = 2


# What the window shows, a line each: from top to bottom, and in the menu.
PANELS: tuple[Place, ...] = (
    Place("signals", "Signals", "left", weight=3),
    Place("cuepanel", "CuePanel", "left", weight=4),
    Place("gesture", "GesturePanel", "right", weight=3),
    Place("seizure", "SeizurePanel", "right", "mind", 3),
    Place("emotion", "EmotionPanel", "right", "mind"),
    Place("probabilities", "ProbabilitiesPanel", "right", "answers"),
    Place("nomodel", "NoModel", "bottom"),
    Place("quality", "QualityPanel", "left", "details"),
    Place("spectrum", "SpectrumPanel", "left", "details"),
    Place("timing", "Timing", "left", "details"),
)


class Window(QMainWindow):
    """The dashboard's window.

    Parameters
    ----------
    settings : QSettings
        Where the layout is remembered.
    owner : bool
        Whether closing it ends the run.

    Attributes
    ----------
    run : RunModel or None
        None until `show_run`.
    panels : dict of str to Panel
        By their titles, once there is a run. A model's that is named like another
        panel has a number behind its name.
    menu : QMenu
        The one menu.
    commands : Commands
        The bar for what hands do.
    failed : dict of str to str
        Panels that are no longer refreshed, by title, and the error of each.
    closing : pyqtSignal
        A person wants to close it. Where the window is an owner's, it stays open until
        `release`.
    """

    closing = pyqtSignal()

    def __init__(self, settings: QSettings, owner: bool = False) -> None:
        super().__init__()
        self.run: RunModel | None = None
        self.panels: dict[str, Panel] = {}
        self._paused_at: float | None = None  # when, on the run's clock
        self._veils: dict[str, Veil] = {}  # over the panels that stand still then
        self.failed: dict[str, str] = {}
        self._sentence = ""  # above the panels
        self._forgets = False  # what panels are to keep for the next time
        self._settings, self._owner, self._released = settings, owner, False
        self._docks: dict[str, QDockWidget] = {}
        self._first: list[tuple[Place, QDockWidget]] = []  # those on top at first
        self._seen: set[str] = set()  # titles of panels that lie under no other
        self._frames: list[float] = []
        self._fresh: QByteArray | None = None
        self._send: Callable[[dict[str, Any]], None] = lambda command: None
        self.setWindowTitle("rtpipe")
        screen = self.screen()
        assert screen is not None
        self.resize(QSize(*_SIZE).boundedTo(screen.availableSize()))
        self.setDockNestingEnabled(True)
        self.setTabPosition(
            Qt.DockWidgetArea.AllDockWidgetAreas, self.tabPosition(_AREA["left"])
        )
        bar = self.menuBar()
        assert bar is not None
        menu = bar.addMenu("&Menu")
        assert menu is not None
        self.menu = menu
        self._message = Plain("waiting for the run ...")
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        self._message.setMargin(24)
        self._message.setFont(font(1.6))
        self.setCentralWidget(self._message)
        self._banner = Banner(self)
        self._standing, self._rate = Plain(), QLabel()
        below = self.statusBar()
        assert below is not None
        below.setSizeGripEnabled(False)
        below.setContentsMargins(8, 0, 8, 0)
        below.addWidget(self._standing, 1)
        below.addPermanentWidget(self._rate)
        self.commands = Commands(self)
        self.addToolBar(self.commands)
        self.addToolBarBreak()
        self.addToolBar(self._banner)
        self._own_actions()

    @property
    def paused(self) -> bool:
        """While true no panel is refreshed but those that never pause; data go on."""
        return self._paused_at is not None

    def say(self, sentence: str) -> None:
        """Show a sentence: above the panels, or in the middle where there are none."""
        if self.run is None:
            self._message.setText(sentence)
            return
        self._sentence = sentence
        self._warn(present())

    def add_action(self, text: str, keys: str, called: Callable[[], object]) -> QAction:
        """Add an entry to the menu.

        Parameters
        ----------
        text : str
        keys : str
            Such as ``"M"`` or ``"Ctrl+R"``; empty for none.
        called : callable
            What it does, once for each time the key is pressed, however long.
        """
        action = QAction(text, self)
        action.setAutoRepeat(False)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda *_: called())
        self.menu.addAction(action)
        self.addAction(action)
        return action

    def show_run(self, run: RunModel, send: Callable[[dict[str, Any]], None]) -> None:
        """Make the panels of a run, and put them where they stood last time."""
        self.run, self._send = run, send
        self.commands.show_run(run, send)
        if (message := self.takeCentralWidget()) is not None:
            message.deleteLater()
        piles: dict[tuple[str, str], QDockWidget] = {}
        shown: list[tuple[Place, QDockWidget]] = []
        self.menu.addSeparator()
        kinds = [_kind(place) for place in PANELS]
        own = {kind.title for kind in kinds}
        for place, kind in zip(PANELS, kinds, strict=True):
            for subject in kind.subjects(run):
                panel = kind(subject, send)
                taken = {*self.panels} | (own if subject else set())
                panel.title = _free(panel.title, taken)
                dock = self._dock(panel, place, subject)
                self._restore(panel, dock)
                pile = (place.area, place.tab)
                if place.tab and pile in piles:
                    self.tabifyDockWidget(piles[pile], dock)
                    piles[pile].raise_()
                else:
                    piles[pile] = dock
                    shown.append((place, dock))
        # Before its docks have been laid out once, the window forgets their sizes.
        self._first = shown
        QTimer.singleShot(0, self._arrange)

    def refresh(self, now: float) -> None:
        """Show how things stand, in every panel that can be seen."""
        self.commands.refresh(now)
        self._warn(now)
        if self.run is None:
            return
        self._tell(self.run)
        for panel in self.panels.values():
            self._refresh(panel, self.run, now)

    def pause(self) -> None:
        """Stop or go on refreshing the panels."""
        self._paused_at = None if self.paused else present()
        for panel in self.panels.values():
            self._pale(panel)

    def switch_theme(self) -> None:
        """Change between light and dark."""
        choose(LIGHT if theme().name == "dark" else DARK)
        self._settings.setValue("theme", theme().name)

    def reset_layout(self) -> None:
        """Put every panel where it stands at first; next time it begins anew."""
        self._forgets = True
        if self._fresh is not None:
            self.restoreState(self._fresh, _LAYOUT)

    def release(self) -> None:
        """Close it now."""
        self._released = True
        self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Remember the layout; an owner's window waits for the run's end."""
        assert event is not None
        if self._fresh is not None:
            self._settings.setValue(self._place(), self.saveState(_LAYOUT))
            self._settings.setValue("geometry", self.saveGeometry())
            self._keep()
        if not self._released:
            self.closing.emit()
        if self._owner and not self._released:
            event.ignore()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Let the panels follow new colours."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            for panel in self.panels.values():
                panel.retheme()
            self._banner.retheme()
            for dock in self._docks.values():
                paint_buttons(dock)

    def _place(self) -> str:
        """Return where in the settings the layout of these panels is.

        A layout is of the panels that there were: Qt would put others anywhere.
        """
        names = sorted(dock.objectName() for dock in self._docks.values())
        return f"layouts/{sha256(repr(names).encode()).hexdigest()[:16]}"

    def _keep(self) -> None:
        """Remember what panels are to be next time as they are now."""
        if self._forgets:
            self._settings.remove(_KEPT)
            return
        for title, dock in self._docks.items():
            try:
                kept = json.dumps(self.panels[title].keep())
            except Exception:  # of one panel; the window is to close all the same
                traceback.print_exc()
            else:
                self._settings.setValue(f"{_KEPT}/{dock.objectName()}", kept)

    def _restore(self, panel: Panel, dock: QDockWidget) -> None:
        """Give a panel what it kept last time, if that can be read."""
        told = self._settings.value(f"{_KEPT}/{dock.objectName()}")
        try:
            kept = json.loads(told) if isinstance(told, str) else None
            if isinstance(kept, dict):
                panel.restore(kept)
        except (ValueError, RecursionError):
            return
        except Exception:  # of one panel; it is as new, or nearly
            traceback.print_exc()

    def _warn(self, now: float) -> None:
        """Show above the panels what a person must know, while it is so."""
        wrong = troubles(self.run, now) if self.run else []
        wrong += [f"{title} stopped: {why}" for title, why in self.failed.items()]
        said = self.commands.wrong
        if said and not any(said in each for each in wrong):
            wrong.append(said)
        paused = ""
        if self._paused_at is not None:
            paused = f"‖ PAUSED for {clock(present() - self._paused_at)}"
            if self.run is not None and self.run.state == "running":
                paused += ": the run goes on"
        self._banner.say(self._sentence, wrong, paused)

    def _refresh(self, panel: Panel, run: RunModel, now: float) -> None:
        """Refresh a panel; one that fails is left as it is, and the others go on.

        It goes on to follow the run: an alarm is raised also where nothing is drawn.
        """
        try:
            panel.follow(run, now)
            self._pale(panel)
            if self._shows(panel) and panel.title not in self.failed:
                panel.refresh(run, now)
        except Exception as error:
            if panel.title not in self.failed:
                traceback.print_exc()
                self.failed[panel.title] = last_line(error)

    def _shows(self, panel: Panel) -> bool:
        """Tell whether a panel can be seen, and does not stand still."""
        if self.isMinimized() or (self.paused and panel.pauses):
            return False
        return panel.title in self._seen

    def _pale(self, panel: Panel) -> None:
        """Let a veil lie over a panel while it stands still."""
        veil, still = self._veils[panel.title], self.paused and panel.pauses
        if veil.isHidden() == still:
            veil.setVisible(still)

    def _own_actions(self) -> None:
        self.add_action("Light or dark", "Ctrl+D", self.switch_theme)
        self.add_action("Reset the layout", "", self.reset_layout)
        self.add_action("Close", "Ctrl+Q", self.close)

    def _dock(self, panel: Panel, place: Place, subject: str) -> QDockWidget:
        panel.retheme()
        self.panels[panel.title] = panel
        self._veils[panel.title] = Veil(panel)
        dock = QDockWidget(as_entry(panel.title), self)
        dock.setObjectName(f"{place.panel} {subject}")
        dock.setWidget(panel)
        title, change = panel.title, {True: self._seen.add, False: self._seen.discard}
        dock.visibilityChanged.connect(lambda seen: change[seen](title))
        dock.topLevelChanged.connect(lambda: paint_buttons(dock))
        paint_buttons(dock)
        self.addDockWidget(_AREA[place.area], dock)
        self._docks[panel.title] = dock
        self.menu.addAction(dock.toggleViewAction())
        for action in panel.actions():
            self.menu.addAction(action)
        return dock

    def _arrange(self) -> None:
        """Put the panels where they stand at first, or where they stood last time."""
        self._share(self._first)
        self._fresh = self.saveState(_LAYOUT)
        if isinstance(geometry := self._settings.value("geometry"), QByteArray):
            self.restoreGeometry(geometry)
            self._fit()
        if isinstance(state := self._settings.value(self._place()), QByteArray):
            self.restoreState(state, _LAYOUT)

    def _fit(self) -> None:
        """Stay on the screen, which may not be that of last time."""
        screen = self.screen()
        if screen is None or self.isMaximized() or self.isFullScreen():
            return
        room, around = screen.availableGeometry(), self.frameGeometry().size()
        self.resize(self.size().boundedTo(room.size() - (around - self.size())))
        place = self.frameGeometry()
        place.moveRight(min(place.right(), room.right()))
        place.moveBottom(min(place.bottom(), room.bottom()))
        place.moveLeft(max(place.left(), room.left()))
        place.moveTop(max(place.top(), room.top()))
        self.move(place.topLeft())

    def _share(self, shown: list[tuple[Place, QDockWidget]]) -> None:
        """Give each side its share of the width, and in it each dock of the height."""
        widths: dict[str, QDockWidget] = {}
        for area in ("left", "right"):
            docks = [dock for place, dock in shown if place.area == area]
            heights = [place.weight * 100 for place, _ in shown if place.area == area]
            self.resizeDocks(docks, heights, Qt.Orientation.Vertical)
            if docks:
                widths[area] = docks[0]
        if len(widths) == len(_SHARES):
            shares = [self.width() * share // sum(_SHARES) for share in _SHARES]
            self.resizeDocks(list(widths.values()), shares, Qt.Orientation.Horizontal)

    def _tell(self, run: RunModel) -> None:
        at = present()  # frames are drawn also when the run's time stands still
        self._frames = [*(each for each in self._frames if each > at - 1), at]
        self._rate.setText(f"{len(self._frames)} frames/s")
        told = "   ·   ".join(_standing(run))
        if told != self._standing.text():
            self._standing.setText(told)
            self._standing.setToolTip(tip(told))


def _kind(place: Place) -> type[Panel]:
    module = import_module(f"rtpipe.dashboard.{place.module}")
    kind: type[Panel] = getattr(module, place.panel)
    return kind


def _free(title: str, taken: set[str]) -> str:
    """Return a title that no panel has: with a number behind it where one does."""
    numbered = (f"{title} ({n})" for n in count(2))
    return next(each for each in chain([title], numbered) if each not in taken)


def _standing(run: RunModel) -> Iterator[str]:
    """Return how a run stands, part by part."""
    if run.state != "running":
        yield f"{run.name} is {run.state}"
        return
    yield run.name
    yield from (f"{name} {stream.state}" for name, stream in run.streams.items())
    if why := no_models(run):
        yield why
    if run.recording and run.recording["state"] == "recording":
        yield f"● recording {run.recording['file']}"
    if unreached := sum(run.unreached.values()):
        yield f"{unreached:,} predictions and events did not reach a sink"
    if run.dropped:
        yield f"{run.dropped:,} lines missed here"

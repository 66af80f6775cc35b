"""The signals of all streams, a lane a channel."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QActionGroup, QContextMenuEvent, QKeySequence
from PyQt6.QtWidgets import QMenu, QVBoxLayout

from rtpipe.dashboard.history import SPAN, History
from rtpipe.dashboard.lanes import Group, Lanes, Mark
from rtpipe.dashboard.look import Look
from rtpipe.dashboard.model import Happened, RunModel, StreamModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.plain import as_entry
from rtpipe.dashboard.scale import Scale
from rtpipe.dashboard.sheet import Source
from rtpipe.dashboard.theme import theme
from rtpipe.ring import Ring
from rtpipe.types import StreamInfo
from rtpipe.unit import NONE, UNKNOWN

SPANS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, SPAN)  # seconds
NOTHING = "\N{EM DASH}"  # where a true label ends and no other begins
RAW = ""  # what is shown where no model's filters are chosen
_JUDGED = 0.5  # seconds between two looks at the ranges
_WELL = ("good", "?")


class Signals(Panel):
    """Lanes of every stream whose samples are a number a channel.

    Attributes
    ----------
    lanes : Lanes
    span : float
        Seconds that are seen.
    sweep : bool
        Whether what is new overwrites what is old in its place, or pushes it left.
    alike : bool
        Whether the channels of a stream that count in one unit have one range, so that
        they can be compared, or each the one that fits it.
    view : str
        The model as whose filters leave them the signals are shown; `RAW` for none.
    """

    title = "Signals"

    def __init__(self, about: str, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(about, send)
        self.lanes = Lanes()
        self.span, self.sweep, self.alike, self.view = 10.0, True, False, RAW
        self._views: list[str] = [RAW]
        self._looks: dict[str, Look] = {}  # by stream, those of other runs as well
        self._zero = np.nan  # of the streams whose times are a recording's
        self._looked, self._stale = 0.0, True
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.lanes)
        self.lanes.lane_clicked.connect(self._clicked)
        self.lanes.heading_clicked.connect(self._show_channels)
        self.lanes.gain_turned.connect(self._turn_gain)
        self.lanes.span_turned.connect(self._step_span)
        self._show_all: list[QAction] = []
        self._menus()

    def refresh(self, run: RunModel, now: float) -> None:
        """Draw what has come since the last frame."""
        if self._stale:
            self._views = [RAW, *run.models]
            if self.view not in self._views:  # it was kept of another run
                self.view = RAW
            self._list_views()
            self._choose(run)
        present = np.nan
        for group in self.lanes.groups:
            group.source.history.read()
        if np.isnan(self._zero):
            self._zero = _start(run, self.lanes.groups)
        for group in self.lanes.groups:
            stream = run.streams[group.name]
            self._tell(group, stream)
            self._set_zero(run, stream, group.source)
            if stream.clock == "run" and run.state == "running":
                present = now - run.started
        if now - self._looked >= _JUDGED:
            self._looked = now
            self._follow()
        self.lanes.step(present)

    def keep(self) -> dict[str, Any]:
        """Return what hands have set; of streams that are not here, what was kept."""
        self._note()
        return {
            "span": self.span,
            "sweep": self.sweep,
            "alike": self.alike,
            "view": self.view,
            "streams": {k: look.as_json() for k, look in self._looks.items() if look},
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Put back what hands had set."""
        if kept.get("span") in SPANS:
            self._show_span(float(kept["span"]))
        self.sweep = kept.get("sweep") is not False
        self.alike = kept.get("alike") is True
        if isinstance(view := kept.get("view"), str):
            self.view = view
        if isinstance(streams := kept.get("streams"), dict):
            self._looks = {name: Look.from_json(told) for name, told in streams.items()}

    def retheme(self) -> None:
        """Draw in the new colours."""
        self.lanes.renew()

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:  # noqa: N802
        """Offer what can be done, first with the channel under the mouse."""
        assert event is not None
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        at = self.lanes.mapFrom(self, event.pos())
        if (lane := self.lanes.lane_at(at.y())) is not None:
            group, channel = lane
            name = group.source.history.info.ch_names[channel]
            hide = menu.addAction(f"Hide {as_entry(name)}")
            assert hide is not None
            hide.triggered.connect(partial(self._clicked, group, channel, True))
            menu.addSeparator()
        menu.addActions(self.actions())
        menu.popup(event.globalPos())

    # What is shown.

    def _choose(self, run: RunModel) -> None:
        """Make the groups of the present view, which look as hands have set them."""
        self._note()
        groups = []
        for stream in run.streams.values():
            info, ring, view = self._viewed(stream)
            if info.sample_shape == (info.n_channels,):
                history, scale = History(info, ring), Scale(info.n_channels)
                source = Source(history, scale, list(range(info.n_channels)))
                about = _about(stream.info, info, view)
                group = Group(stream.info.name, source, about, view)
                group.words = [""] * info.n_channels
                if group.name in self._looks:
                    self._looks[group.name].give(source, view)
                groups.append(group)
        self._stale, self._looked = False, 0.0
        self.lanes.show_groups(groups)
        self.lanes.show_span(self.span, self.sweep)

    def _note(self) -> None:
        """Note how the streams that are shown look."""
        for group in self.lanes.groups:
            look = self._looks.setdefault(group.name, Look())
            look.note(group.source, group.view)

    def _viewed(self, stream: StreamModel) -> tuple[StreamInfo, Ring, str]:
        """Return what is seen of a stream: raw where the model does not run on it."""
        chain = stream.chains.get(self.view)
        if chain is None or chain not in stream.filtered:
            return stream.info, stream.raw, RAW
        return *stream.filtered[chain], self.view

    def _tell(self, group: Group, stream: StreamModel) -> None:
        """Note what is known of a stream and its channels."""
        state = stream.state
        group.state = "" if state == "streaming" else state
        if group.state and stream.reason:
            group.state += f": {stream.reason}"
        words = dict(zip(stream.info.ch_names, stream.quality, strict=True))
        names = group.source.history.info.ch_names
        said = [words.get(each, "?") for each in names]
        group.words = ["" if each in _WELL else each for each in said]
        group.source.dim = {k for k, word in enumerate(group.words) if word}
        times = group.source.history.times
        seen = float(times[-1]) - self.span if len(times) else -np.inf
        group.marks = list(_marks(stream, seen))

    def _set_zero(self, run: RunModel, stream: StreamModel, source: Source) -> None:
        """Note where a stream's time is zero: its run's, or its recording's start."""
        if stream.clock == "run":
            source.zero = run.started
        elif len(source.history):
            source.zero = self._zero

    def _follow(self) -> None:
        """Let the ranges follow what is seen."""
        for group in self.lanes.groups:
            history, scale = group.source.history, group.source.scale
            if len(history):
                begin = np.searchsorted(history.times, history.times[-1] - self.span)
                alike = _of_one_unit(group.source) if self.alike else []
                self._draw_anew(group, scale.fit(history.data[begin:], alike))

    def _draw_anew(self, group: Group, channels: list[int]) -> None:
        for channel in channels:
            self.lanes.redraw(group, channel)

    # What hands change.

    def _clicked(
        self, group: Group, channel: int, hide: bool, *checked: object
    ) -> None:
        """Highlight a channel, or hide it; the last one of a stream stays."""
        source = group.source
        if not hide:
            source.bright ^= {channel}
            self.lanes.redraw(group, channel)
        elif len(source.shown) > 1:
            source.shown.remove(channel)
            self.lanes.renew()

    def _show_channels(self, group: Group) -> None:
        """Show the hidden channels of a stream."""
        group.source.shown[:] = range(group.source.history.info.n_channels)
        self.lanes.renew()

    def _show_every(self) -> None:
        for group in self.lanes.groups:
            self._show_channels(group)

    def _turn_gain(self, group: Group, channel: int, steps: int) -> None:
        group.source.scale.step(channel, steps)
        self.lanes.redraw(group, channel)

    def _step_gain(self, steps: int) -> None:
        """Change the range of the highlighted channels, or of all."""
        for group, channels in self._meant():
            for channel in channels:
                self._turn_gain(group, channel, steps)

    def _follow_gain(self) -> None:
        """Let the ranges follow the signal again."""
        for group, channels in self._meant():
            group.source.scale.auto[channels] = True
        self._follow()

    def _compare(self) -> None:
        """Let the channels have one range, or each its own."""
        self.alike = not self.alike
        self._follow()

    def _meant(self) -> Iterator[tuple[Group, list[int]]]:
        """Yield the highlighted channels; all that are shown where there are none."""
        some = any(group.source.bright for group in self.lanes.groups)
        for group in self.lanes.groups:
            source = group.source
            yield group, sorted(source.bright) if some else source.shown

    def _step_span(self, steps: int) -> None:
        at = SPANS.index(self.span) + steps
        self._show_span(SPANS[min(max(at, 0), len(SPANS) - 1)])

    def _show_span(self, span: float) -> None:
        self.span = span
        self._spans[SPANS.index(span)].setChecked(True)
        self._looked = 0.0
        self.lanes.show_span(self.span, self.sweep)

    def _move(self) -> None:
        self.sweep = not self.sweep
        self.lanes.show_span(self.span, self.sweep)

    def _next_view(self) -> None:
        at = self._views.index(self.view) + 1
        self._show_view(self._views[at % len(self._views)])

    def _show_view(self, view: str) -> None:
        self.view = view
        for action, each in zip(self._view_actions, self._views, strict=False):
            action.setChecked(each == view)
        self._stale = True  # the next frame makes other lanes

    # The menu.

    def _menus(self) -> None:
        self._spans = self._choices(
            "Signals: seconds",
            [(f"{span:g} s", partial(self._show_span, span)) for span in SPANS],
            SPANS.index(self.span),
        )
        self._entry("Signals: fewer seconds", "[", partial(self._step_span, -1))
        self._entry("Signals: more seconds", "]", partial(self._step_span, 1))
        self._entry("Signals: larger", "+", partial(self._step_gain, -1), "=")
        self._entry("Signals: smaller", "-", partial(self._step_gain, 1))
        self._entry("Signals: size by itself", "A", self._follow_gain)
        self._entry("Signals: one size, or each its own", "E", self._compare)
        self._entry("Signals: sweep or scroll", "S", self._move)
        self._entry("Signals: show hidden channels", "U", self._show_every)
        self._entry("Signals: raw, or as a model sees them", "F", self._next_view)
        self._view_menu = QMenu("Signals: raw or filtered", self)
        entry = self._view_menu.menuAction()
        assert entry is not None
        self.addAction(entry)
        self._view_actions: list[QAction] = []

    def _entry(
        self, text: str, key: str, called: Callable[[], None], *more: str
    ) -> None:
        action = QAction(text, self)
        action.setShortcuts([QKeySequence(each) for each in (key, *more)])
        action.triggered.connect(lambda *_: called())
        self.addAction(action)

    def _choices(
        self, title: str, choices: list[tuple[str, Callable[[], None]]], first: int
    ) -> list[QAction]:
        menu = QMenu(title, self)
        entry = menu.menuAction()
        assert entry is not None
        self.addAction(entry)
        return _fill(menu, choices, first)

    def _list_views(self) -> None:
        """Name what can be chosen, once that is known."""
        if not self._view_actions:
            models = map(as_entry, self._views[1:])
            names = ["raw", *(f"filtered for {each}" for each in models)]
            calls = [partial(self._show_view, each) for each in self._views]
            first = self._views.index(self.view)
            self._view_actions = _fill(
                self._view_menu, zip(names, calls, strict=True), first
            )


def _start(run: RunModel, groups: Iterable[Group]) -> float:
    """Return when a recording began: its first stream did; nan where none has yet."""
    begun = [np.nan]
    for group in groups:
        stream, history = run.streams[group.name], group.source.history
        if stream.clock == "recording" and len(history):
            before = history.index[0] / stream.info.sfreq
            begun.append(float(history.times[0] - before))
    return float(np.fmin.reduce(begun))


def _of_one_unit(source: Source) -> list[list[int]]:
    """Return the channels that can be compared; one that is bad would flatten them."""
    units = source.history.info.units
    good = [k for k in source.shown if k not in source.dim]
    return [[k for k in good if units[k] == unit] for unit in sorted(set(units))]


def _about(raw: StreamInfo, shown: StreamInfo, view: str) -> str:
    """Return what is shown of a stream, and what its lanes' ranges count in."""
    words = [f"{shown.sfreq:g} Hz", f"filtered for {view}" if view else "raw"]
    if set(shown.units) == {NONE}:
        words.append("in counts" if set(raw.units) == {NONE} else "without a unit")
    if UNKNOWN in shown.units:
        words.append("? where the unit is not known")
    return ", ".join(words)


def _fill(
    menu: QMenu, choices: Iterable[tuple[str, Callable[[], None]]], first: int = 0
) -> list[QAction]:
    """Put entries into a menu, one of which is chosen."""
    group, made = QActionGroup(menu), []
    for k, (text, called) in enumerate(choices):
        action = QAction(text, menu)
        action.setCheckable(True)
        action.setChecked(k == first)
        action.triggered.connect(lambda *_, called=called: called())
        group.addAction(action)
        menu.addAction(action)
        made.append(action)
    return made


def _marks(stream: StreamModel, oldest: float) -> Iterator[Mark]:
    """Yield what is marked in a stream's lanes, the newest first."""
    for event in reversed(stream.events):
        if event.time < oldest:
            return
        if not np.isnan(event.time) and (mark := _mark(event)) is not None:
            yield mark


def _mark(event: Happened) -> Mark | None:
    """Return how an event is shown among the signals, if it is."""
    colours, data = theme(), event.data
    if event.kind == "marker":
        text = " ".join(str(data.get("text", "")).split())
        return Mark(event.time, text, colours.accent)
    if event.kind == "truth":
        return Mark(event.time, data.get("label") or NOTHING, colours.quiet)
    if event.kind == "gap":
        if data["filled"]:
            return Mark(event.time, f"{data['lost']} filled", colours.warn, line=False)
        return Mark(event.time, f"{data['lost']} lost", colours.bad, line=False)
    if event.kind == "lost":
        return Mark(event.time, "lost", colours.bad)
    if event.kind == "recovered":
        return Mark(event.time, "back", colours.good)
    return None

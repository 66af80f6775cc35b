"""The panels of models: held against what the run answered, and plain definitions."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QRect, QSettings, Qt
from PyQt6.QtGui import QColor, QImage
from PyQt6.QtWidgets import QDockWidget, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from rtpipe.devices.faulty import faulty
from rtpipe.devices.replay import ReplayDevice
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe import build
from rtpipe.clock import now
from rtpipe.config import ModelTable
from rtpipe.dashboard.agreement import Agreement, agreement
from rtpipe.dashboard.alarm import Alarm, label_of
from rtpipe.dashboard.answer import Answer, answer_of
from rtpipe.dashboard.app import Dashboard
from rtpipe.dashboard.bars import Bars
from rtpipe.dashboard.columns import edges, greatest, newest, stretches
from rtpipe.dashboard.emotion import EmotionPanel
from rtpipe.dashboard.gesture import GesturePanel, GestureView
from rtpipe.dashboard.hand import Hand
from rtpipe.dashboard.keys import Keys
from rtpipe.dashboard.model import Answers, RunModel
from rtpipe.dashboard.modelpanel import ModelPanel, View
from rtpipe.dashboard.probabilities import ProbabilitiesPanel
from rtpipe.dashboard.seizure import Banner, SeizurePanel, SeizureView
from rtpipe.dashboard.spectra import spectra_of
from rtpipe.dashboard.theme import DARK, LIGHT, Theme, choose, colour_of
from rtpipe.dashboard.tile import Tile
from rtpipe.dashboard.timeline import FOOT
from rtpipe.dashboard.trend import threshold
from rtpipe.dashboard.veil import Veil
from rtpipe.dashboard.window import Window
from rtpipe.decide import Decider, Decision
from rtpipe.device import Device
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.sinks.decided import APART, Decided
from rtpipe.sinks.jsonl import as_json
from rtpipe.terminal.tally import Tally
from rtpipe.types import Prediction

PATIENCE = 60_000  # milliseconds, only for a test that fails
EMG, EEG = "synthetic:emg", "synthetic:eeg"
LABELS = ("background", "seizure")
GESTURES = (
    "rest",
    "fist",
    "open",
    "wrist flexion",
    "wrist extension",
    "radial deviation",
    "ulnar deviation",
)


@pytest.fixture(autouse=True)
def light() -> Iterator[None]:
    yield
    choose(None)


@pytest.fixture
def look(qtbot: QtBot, tmp_path: Path) -> Iterator[Callable[[Runtime], Window]]:
    """Open a window on a run."""
    opened: list[Dashboard] = []

    def look(runtime: Runtime) -> Window:
        settings = QSettings(str(tmp_path / "ini"), QSettings.Format.IniFormat)
        settings.setValue("theme", "light")
        dashboard = Dashboard(settings=settings)
        opened.append(dashboard)
        dashboard.watch(folder_of_runs() / runtime.run.name)
        dashboard.show()
        qtbot.waitUntil(lambda: bool(dashboard.window.panels), timeout=PATIENCE)
        return dashboard.window

    yield look
    for each in opened:
        each.close()


def run(
    devices: Sequence[Device],
    *paths: str,
    task: str | None = None,
    **decision: Any,
) -> Runtime:
    """Return a run of these models, perhaps with another task or decision."""
    tables = tuple(ModelTable(path=each, decision=decision) for each in paths)
    bundles = build.bundles(tables, "cpu")
    for _, bundle, _ in bundles:
        if task is not None:
            bundle.card = bundle.card.model_copy(update={"task": task})
    return Runtime(devices, bundles)


def panel_of(window: Window, name: str) -> ModelPanel:
    """Return a model's panel, on top of those that lie with it."""
    panel = window.panels[name]
    assert isinstance(panel, ModelPanel)
    dock_of(panel).raise_()
    return panel


def dock_of(panel: QWidget) -> QDockWidget:
    dock = panel.parentWidget()
    assert isinstance(dock, QDockWidget)
    return dock


def seen(panel: ModelPanel) -> bool:
    return not panel.visibleRegion().isEmpty()


def said(qtbot: QtBot, view: View) -> None:
    """Wait until a view shows a decision."""
    qtbot.waitUntil(lambda: view.tile.text in view.model.labels, timeout=PATIENCE)


def view_of(qtbot: QtBot, window: Window, name: str, stream: str) -> View:
    """Return what is shown of a model on a stream, once it is."""
    panel = panel_of(window, name)

    def shown() -> bool:
        return stream in panel.views and panel.views[stream].answer is not None

    qtbot.waitUntil(shown, timeout=PATIENCE)
    return panel.views[stream]


def told(k: int, label: str | None, hop: float = 0.1) -> Prediction:
    shares = {"background": 0.25, "seizure": 0.75}
    return Prediction("s", "m", k, k * hop, label, shares, 0.01, 0.0, None, None)


# Columns of a picture.


def test_a_column_has_the_newest_answer_that_still_holds() -> None:
    rng = np.random.default_rng(1)
    hop = 0.2
    for n_columns in (1, 7, 60, 400):
        end = np.cumsum(rng.choice([hop, hop, hop, 1.5], 80))
        between = edges(end[-1] + 0.3, 12.0, n_columns)
        assert np.diff(between) == pytest.approx(12.0 / n_columns)
        assert between[-2] <= end[-1] + 0.3 < between[-1]
        values = rng.random(len(end))
        found = newest(end, between, hop)
        peaks = greatest(end, values, between, hop)
        for column in range(n_columns):
            low, high = between[column : column + 2]
            inside = np.flatnonzero((end >= low) & (end < high))
            before = np.flatnonzero((end < low) & (low - end <= 1.6 * hop))
            plain = inside if len(inside) else before[-1:]
            assert found[column] == (plain[-1] if len(plain) else -1)
            held = [*inside, *(before[-1:] if not len(inside) else [])]
            if held:
                assert peaks[column] == max(values[k] for k in held)
            else:
                assert np.isnan(peaks[column]), "a gap is never bridged"


def test_no_answer_fills_no_column() -> None:
    between = edges(5.0, 2.0, 10)
    assert (newest(np.empty(0), between, 0.1) == -1).all()
    assert np.isnan(greatest(np.empty(0), np.empty(0), between, 0.1)).all()


def test_a_picture_stays_while_no_column_is_over() -> None:
    first = edges(100.21, 60.0, 200)
    np.testing.assert_array_equal(edges(100.49, 60.0, 200), first)
    np.testing.assert_allclose(edges(100.51, 60.0, 200)[:-1], first[1:])


def test_stretches_are_all_of_it_and_each_of_one_value() -> None:
    rng = np.random.default_rng(2)
    values = rng.integers(0, 3, 200)
    found = stretches(values)
    assert [k for a, b in found for k in range(a, b)] == list(range(200))
    for (_, stop), (start, _) in pairwise(found):
        assert stop == start
        assert values[stop - 1] != values[start]
    assert all(len(set(values[a:b].tolist())) == 1 for a, b in found)
    assert stretches(np.empty(0)) == []


# The alarm, and the threshold.


def test_an_alarm_stays_until_it_is_acknowledged_and_comes_with_the_next() -> None:
    rng = np.random.default_rng(3)
    decided, alarm = Decided(0.1), Alarm("seizure")
    raised, times, on, since, last, k = False, 0, False, np.nan, -np.inf, 0
    for _ in range(300):
        for _ in range(rng.integers(0, 4)):  # answers between two looks
            label = (None, "background", "seizure", "seizure")[rng.integers(4)]
            decided.add(label, k * 0.1)
            if label == "seizure":
                if not on or k * 0.1 - last > APART:
                    raised, times, since = True, times + 1, k * 0.1
                last = k * 0.1
            on = on if label is None else label == "seizure"
            k += 1 if rng.random() < 0.9 else 60  # samples are lost, at times
        before = alarm.raised
        assert alarm.follow(decided.labels) == (raised and not before)
        assert (alarm.raised, alarm.going_on, alarm.times) == (raised, on, times)
        np.testing.assert_equal(alarm.since, since)
        if rng.random() < 0.2:
            alarm.acknowledge()
            raised, times = False, 0
    assert k > 300


@pytest.mark.parametrize(
    ("come", "again"),
    [
        (["seizure", "seizure"], False),
        ([None, "seizure"], False),
        (["background", "seizure"], True),
        (["background"], False),
    ],
)
def test_acknowledged_it_is_silent_while_the_same_seizure_goes_on(
    come: list[str | None], again: bool
) -> None:
    decided, alarm = Decided(0.1), Alarm("seizure")
    decided.add("seizure", 0.0)
    assert alarm.follow(decided.labels)
    alarm.acknowledge()
    for k, label in enumerate(come, 1):
        decided.add(label, k * 0.1)
    assert alarm.follow(decided.labels) == again


def test_a_seizure_after_a_loss_of_data_raises_the_alarm_again() -> None:
    decided, alarm = Decided(0.1), Alarm("seizure")
    for time, again in ((0.0, True), (0.9 * APART, False), (2 * APART, True)):
        decided.add("seizure", time)
        assert alarm.follow(decided.labels) == again
        alarm.acknowledge()


def test_a_seizure_of_a_slow_model_is_one_seizure() -> None:
    decided = Decided(10.0)
    for k in range(7):
        decided.add("seizure", 10.0 * k)
    assert decided.labels["seizure"] == {"begin": 0.0, "end": 60.0, "times": 1}
    decided.add("seizure", 91.0)
    assert decided.labels["seizure"]["times"] == 2


def test_a_decision_of_which_no_time_is_known_counts_all_the_same() -> None:
    decided = Decided(0.1)
    for label, end in (("background", 3.0), ("seizure", np.nan), ("seizure", 4.0)):
        decided.add(label, end)
    assert decided.labels["seizure"] == {"begin": 3.0, "end": 4.0, "times": 1}


@pytest.mark.parametrize(
    ("labels", "now", "said"),
    [
        ("|s", 0.0, "for 0 s"),
        ("s|n", 4.0, "for 4 s"),
        ("s|s", 0.1, "for 0 s"),
        ("|s", 3.0 + APART, "8 s ago, no decision since"),
        ("|sb", 30.0, "30 s ago, over"),
        ("|sb", 150.0, "2 min ago, over"),
        ("|sbs", 10.0, "10 s ago, no decision since * 2 times"),
        ("sb|", 22.0, "22 s ago, over * before this window opened"),
        ("sbsb|b", 22.0, "22 s ago, over * 2 times * before this window opened"),
        ("sb|sb", 22.0, "22 s ago, over * 2 times"),
    ],
)
def test_an_alarm_says_since_when_and_whether_it_goes_on(
    qtbot: QtBot, labels: str, now: float, said: str
) -> None:
    """The bar is where the window opens."""
    names = {"s": "seizure", "b": "background", "n": None}
    decided, alarm = Decided(0.1), Alarm("seizure")
    for k, each in enumerate(labels.replace("|", "")):
        if k == labels.index("|"):
            alarm.follow(decided.labels)
        decided.add(names[each], k * 0.1)
    alarm.follow(decided.labels)
    banner = Banner(alarm.acknowledge)
    qtbot.addWidget(banner)
    banner.show_alarm(alarm, now, 0.1)
    said = said.replace("*", "\N{MIDDLE DOT}")
    assert banner.said.text() == f"\N{WARNING SIGN} SEIZURE  {said}"
    click(qtbot, banner.button)
    banner.show_alarm(alarm, now, 0.1)
    assert not banner.isVisible()


def test_what_is_warned_of_is_the_seizure_or_else_the_last_label() -> None:
    assert label_of(("seizure", "background")) == "seizure"
    assert label_of(("Ictal", "interictal")) == "Ictal"
    assert label_of(("quiet", "spikes")) == "spikes"


@pytest.mark.parametrize("confidence", [0.0, 0.3, 0.5, 0.8])
def test_the_threshold_is_where_the_decision_changes(confidence: float) -> None:
    decision = Decision(smoothing="none", confidence=confidence)
    limit = threshold(LABELS, decision.model_dump())
    assert limit is not None
    for share in np.linspace(0.005, 0.995, 100):
        label, _ = Decider(decision, LABELS).decide(np.array([1 - share, share]))
        assert (label == "seizure") == (share >= limit)


def test_among_three_labels_only_a_confidence_is_a_threshold() -> None:
    labels = ("a", "b", "c")
    assert threshold(labels, Decision().model_dump()) is None
    assert threshold(labels, Decision(confidence=0.7).model_dump()) == 0.7


# How often a model was right.


def test_how_often_it_is_right_is_what_the_end_of_a_run_tells() -> None:
    rng = np.random.default_rng(5)
    answers, tally = Answers(("a", "b", "c"), 0.1), Tally()
    shares = dict.fromkeys("abc", 1 / 3)
    assert not agreement(answers).short()
    for k in range(400):
        truth = (None, "a", "a", "a", "b")[rng.integers(5)]
        label = (None, "a", "b", "c")[rng.integers(4)]
        one = Prediction("s", "m", k, k / 10, label, shares, 0.01, 0.0, truth, None)
        answers.take(as_json(one), 0.0)
        tally.add(one)
    counted = agreement(answers)
    assert (counted.judged, counted.correct) == (tally.judged, tally.correct)
    balanced = tally.balanced_accuracy
    assert balanced is not None
    assert counted.balanced_accuracy == pytest.approx(balanced)
    shown = f"{np.floor(1000 * balanced) / 10:.1f}%"
    assert counted.short() == f"balanced accuracy {shown}, 2 of 3 labels"
    for label, n in tally.judged.items():
        assert f"{label}: " in counted.long()
        assert f"of {n:,} windows" in counted.long()


def test_all_is_only_said_where_it_is_all() -> None:
    assert "100.0%" in Agreement({"a": 9999}, {"a": 9999}, 1).short()
    assert "99.9%" in Agreement({"a": 9999}, {"a": 9998}, 1).short()


# The drawings.


def picture(qtbot: QtBot, label: str | None) -> QImage:
    hand = Hand()
    qtbot.addWidget(hand)
    hand.resize(200, 200)
    hand.show_label(label, QColor("#0072b2"))
    return hand.grab().toImage()


def inked(image: QImage, ink: QColor | None = None) -> tuple[Any, Any]:
    """Return columns and rows of the pixels in a colour, or in the hand's own."""
    spots = [
        (x, y)
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y) == (ink or QColor("#0072b2"))
    ]
    x, y = np.array(spots, float).reshape(-1, 2).T
    return x, y


def test_every_gesture_has_a_drawing_of_its_own(qtbot: QtBot) -> None:
    choose(LIGHT)
    images = [picture(qtbot, each) for each in (*GESTURES, "wave", None)]
    for k, one in enumerate(images):
        assert all(one != other for other in images[:k])
    assert picture(qtbot, "Wrist_Flexion") == picture(qtbot, "wrist flexion")
    for name, same in (("open hand", "open"), ("Hand-Close", "fist")):
        assert picture(qtbot, name) == picture(qtbot, same)
    assert not len(inked(picture(qtbot, None))[0]), "no gesture, no colour"


def test_a_gesture_without_a_drawing_is_a_pale_hand_that_claims_nothing(
    qtbot: QtBot,
) -> None:
    choose(LIGHT)
    wave = picture(qtbot, "wave")
    assert picture(qtbot, "lift the pen") == wave
    assert not len(inked(wave)[0]), "not in full colour, as what is known"
    pale = wave.pixelColor(100, 140)
    assert pale not in (QColor(LIGHT.ground), QColor(LIGHT.faint))
    assert len(inked(wave, pale)[0]) > 2000


def test_a_wrist_bends_the_way_its_name_says(qtbot: QtBot) -> None:
    choose(LIGHT)
    middle = {
        each: [np.mean(c) for c in inked(picture(qtbot, each))] for each in GESTURES
    }
    assert middle["wrist flexion"][1] > middle["wrist extension"][1] + 20, "downwards"
    assert middle["radial deviation"][0] > 100 > middle["ulnar deviation"][0], "thumb"
    assert np.min(inked(picture(qtbot, "thumbs up"))[1]) < 20, "the thumb is up"
    assert np.min(inked(picture(qtbot, "fist"))[1]) > np.min(
        inked(picture(qtbot, "open"))[1]
    ), "a fist is shorter"


@pytest.mark.parametrize(
    "label",
    ["a", "ulnar deviation", "lift the left foot and wait " * 2, "Handschuh" * 20],
)
def test_a_label_fits_its_tile_however_long_it_is(qtbot: QtBot, label: str) -> None:
    choose(LIGHT)
    tile = Tile()
    qtbot.addWidget(tile)
    tile.resize(300, 80)
    tile.show_label(label, QColor("#0072b2"))
    image = tile.grab().toImage()
    inside = {image.pixel(x, y) for x in range(20, 280) for y in (30, 40, 50)}
    assert len(inside) > 2, "there are letters"
    assert {image.pixelColor(6, y).name() for y in range(12, 68)} == {"#0072b2"}
    for x in (13, 296):
        assert len({image.pixel(x, y) for y in range(12, 68)}) == 1, "and none is cut"
    assert image.pixelColor(0, 0) == QColor(LIGHT.ground)


def test_a_label_of_common_length_is_shown_to_its_last_letter(qtbot: QtBot) -> None:
    choose(LIGHT)
    tile = Tile()
    qtbot.addWidget(tile)
    for wide in range(100, 420, 20):
        tile.resize(wide, 60)
        images = []
        for label in ("ulnar deviation", "ulnar deviatiom"):
            tile.show_label(label, QColor("#0072b2"))
            images.append(tile.grab().toImage())
        assert images[0] != images[1], f"{wide} pixels"


def test_two_words_are_larger_below_each_other_where_it_is_narrow(
    qtbot: QtBot,
) -> None:
    choose(LIGHT)
    tile = Tile()
    qtbot.addWidget(tile)
    tile.resize(160, 90)
    tile.show_label("ulnar deviation", QColor("#0072b2"))
    image, text = tile.grab().toImage(), QColor(LIGHT.text)
    _, y = inked(image, text)
    assert np.ptp(y) > 40
    assert set(range(int(y.min()), int(y.max()))) - {*y.astype(int)}, "two lines"


def brightness(colour: QColor) -> float:
    """Return the relative luminance as WCAG 2 defines it."""
    parts = np.array(colour.getRgbF()[:3])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: QColor, other: QColor) -> float:
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_a_label_can_be_read_on_every_colour(qtbot: QtBot, colours: Theme) -> None:
    choose(colours)
    tile = Tile()
    qtbot.addWidget(tile)
    tile.resize(300, 80)
    for each in colours.labels:
        tile.show_label("i", QColor(each))
        behind = tile.grab().toImage().pixelColor(280, 40)
        assert behind != QColor(colours.ground)
        assert contrast(behind, QColor(colours.text)) >= 7
    assert contrast(QColor(colours.bad), QColor(colours.ground)) >= 4.5, "the alarm"


class Counted(Bars):
    """Counts how often it is to be drawn."""

    n = 0

    def update(self) -> None:  # type: ignore[override]
        self.n += 1


def test_a_quick_model_does_not_make_the_window_draw_more_often(qtbot: QtBot) -> None:
    bars, answers = Counted(LABELS, 0.01), Answers(LABELS, 0.01)
    qtbot.addWidget(bars)
    bars.n = 0
    shares = np.array([0.25, 0.75])
    for k in range(300):
        answers.take(as_json(told(k, "seizure", hop=0.01)), 0.0)
        bars.show_answers(Answer("seizure", shares, "", True, None), answers, k * 0.01)
    assert 20 < bars.n <= 32, "ten times in each of three seconds"
    for k in range(30):
        label = LABELS[k % 2]
        before = bars.n
        bars.show_answers(Answer(label, shares, "", True, None), answers, 3.0)
        assert bars.n == before + 1, "another label is seen at once"


@pytest.mark.parametrize("n", [2, 6, 7, 30, 40])
def test_all_labels_have_a_row_that_can_be_read(qtbot: QtBot, n: int) -> None:
    bars = Bars([f"label {k}" for k in range(n)], 0.1)
    qtbot.addWidget(bars)
    for wide, high in ((300, 220), (480, 240), (560, 760)):
        bars.resize(wide, high)
        rows, columns, below = bars.rows_and_columns()
        assert rows * columns >= n > rows * (columns - 1)
        if n <= 30 and wide > 300:
            assert below == FOOT
            assert (high - FOOT) / rows >= 12
    assert bars.minimumSizeHint().height() < 130, "many do not make the window high"


def test_where_it_is_low_no_row_lies_on_another_and_what_is_decided_stays(
    qtbot: QtBot,
) -> None:
    choose(LIGHT)
    bars, answers = Bars(GESTURES, 0.1), Answers(GESTURES, 0.1)
    qtbot.addWidget(bars)
    shares = np.array([0.3, 0.02, 0.2, 0.2, 0.2, 0.03, 0.05])
    answer = Answer("fist", shares, "", True, "ulnar deviation")
    bars.show_answers(answer, answers, 1.0)
    for high in range(bars.minimumSizeHint().height(), 10, -3):
        bars.resize(200, high)
        image, ground = bars.grab().toImage(), QColor(LIGHT.ground)
        letters = [
            any(image.pixelColor(x, y) != ground for x in range(188, 200))
            for y in range(high)
        ]
        bands = sum(b and not a for a, b in pairwise([False, *letters]))
        rows, columns, _ = bars.rows_and_columns()
        assert columns == 1
        assert bands == min(rows, len(GESTURES)), "numbers with a gap between them"
        for label in ("fist", "ulnar deviation")[:rows]:
            colour = colour_of(label, GESTURES)
            assert len(inked(image, colour)[0]), f"{label} at {high}"


# The panels of a run.


def test_each_model_has_the_panel_of_its_task(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    models = ("demo:gesture", "demo:emotion", "demo:seizure")
    with run([SyntheticDevice(seed=4)], *models) as runtime:
        window = look(runtime)
        kinds = {
            "demo-gesture": (GesturePanel, EMG),
            "demo-emotion": (EmotionPanel, EEG),
            "demo-seizure": (SeizurePanel, EEG),
        }
        for name, (kind, stream) in kinds.items():
            view = view_of(qtbot, window, name, stream)
            panel = panel_of(window, name)
            assert type(panel) is kind
            assert "DEMO: trained on simulated signals" in panel.notes.text()
            assert panel.notes.isVisible()
            said(qtbot, view)
            assert not view.tile.why
        notes = panel_of(window, "demo-seizure").notes.text()
        assert notes.lower().count("not a medical device") == 1


def test_any_other_task_has_the_general_panel(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    with run([SyntheticDevice("emg", seed=4)], "demo:gesture", task="pose") as runtime:
        window = look(runtime)
        assert isinstance(window.panels["demo-gesture"], ProbabilitiesPanel)
        view = view_of(qtbot, window, "demo-gesture", EMG)
        said(qtbot, view)


def test_a_model_of_seizures_is_never_shown_without_its_warning(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    with run([SyntheticDevice("emg", seed=4)], "demo:gesture", task="seizure") as own:
        window = look(own)
        view_of(qtbot, window, "demo-gesture", EMG)
        notes = panel_of(window, "demo-gesture").notes
        assert "Not a medical device" in notes.text()
        assert notes.isVisible()


def test_what_is_shown_is_what_was_answered(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    with run([SyntheticDevice("emg", seed=4)], "demo:gesture") as runtime:
        window = look(runtime)
        view = view_of(qtbot, window, "demo-gesture", EMG)
        assert isinstance(view, GestureView)
        assert window.run is not None
        model = window.run.models["demo-gesture"]
        answers = model.streams[EMG]
        seen = set()

        def once() -> bool:
            answer = view.answer
            if answer is None or not answer.stands or answers.newest is None:
                return False
            window.refresh(now())
            answer, newest_one = view.answer, answers.newest
            assert answer is not None
            assert answer.label == newest_one["label"]
            shares = [newest_one["probabilities"][each] for each in model.labels]
            assert answer.probabilities.tolist() == shares
            assert view.hand.label == answer.label
            assert view.tile.text == (answer.label or "NONE")
            if answer.label:
                colour = colour_of(answer.label, model.labels)
                image = view.tile.grab().toImage()
                assert image.pixelColor(4, image.height() // 2) == colour
                seen.add(answer.label)
            return len(seen) >= 2

        qtbot.waitUntil(once, timeout=PATIENCE)
        qtbot.waitUntil(lambda: bool(view.accuracy.text()), timeout=PATIENCE)
        assert view.accuracy.isVisible()
        qtbot.waitUntil(
            lambda: view.accuracy.text() == agreement(answers).short(), timeout=PATIENCE
        )
        assert "balanced accuracy" in view.accuracy.text()
        assert "mean of the last" in view.tile.toolTip()


def test_a_model_on_two_streams_has_a_view_of_each(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    devices = [SyntheticDevice("emg", seed=seed) for seed in (4, 5)]
    with run(devices, "demo:gesture") as runtime:
        window = look(runtime)
        panel = panel_of(window, "demo-gesture")
        streams = [*runtime.run.models["demo-gesture"].windows]
        assert len(streams) == 2
        for name in streams:
            view = view_of(qtbot, window, "demo-gesture", name)
            said(qtbot, view)
        assert [*panel.views] == streams
        assert all(each.isVisible() for each in panel.views.values())


def test_a_rejected_answer_is_none_with_the_reason_and_its_probabilities(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    device = SyntheticDevice("emg", seed=4)
    with run([device], "demo:gesture", confidence=1.0) as runtime:
        window = look(runtime)
        view = view_of(qtbot, window, "demo-gesture", EMG)
        qtbot.waitUntil(lambda: "confidence" in view.tile.why, timeout=PATIENCE)
        assert view.tile.text == "NONE"
        assert view.answer is not None
        assert view.answer.stands
        assert view.answer.probabilities.sum() == pytest.approx(1, abs=1e-3)
        assert isinstance(view, GestureView)
        assert view.hand.label is None


def test_an_outage_is_none_and_the_answers_come_back(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    device = faulty(EMG, faults="disconnect 3 at 3", seed=1)
    with run([device], "demo:gesture") as runtime:
        window = look(runtime)
        view = view_of(qtbot, window, "demo-gesture", EMG)
        said(qtbot, view)
        qtbot.waitUntil(lambda: view.tile.text == "NONE", timeout=PATIENCE)
        assert view.tile.why
        assert view.answer is not None
        assert np.isnan(view.answer.probabilities).all(), "nothing old is shown"
        lost = "no data: the connection is lost"
        qtbot.waitUntil(lambda: view.tile.why == lost, timeout=PATIENCE)
        assert view.answer.truth is None, "what was true is not true now"
        said(qtbot, view)


def test_when_the_run_is_over_its_last_answer_is_not_shown_as_the_current_one(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    with run([SyntheticDevice("emg", seed=4)], "demo:gesture") as runtime:
        window = look(runtime)
        view = view_of(qtbot, window, "demo-gesture", EMG)
        said(qtbot, view)
    qtbot.waitUntil(lambda: view.tile.why == "the run is over", timeout=PATIENCE)
    assert view.tile.text == "NONE"


def test_an_answer_that_has_no_successor_grows_old(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    with run([SyntheticDevice("emg", seed=4)], "demo:gesture") as runtime:
        window = look(runtime)
        view = view_of(qtbot, window, "demo-gesture", EMG)
        said(qtbot, view)
        told = window.run
        assert isinstance(told, RunModel)
        model = told.models["demo-gesture"]
        newest_one = model.streams[EMG].newest
        assert newest_one is not None
        given = newest_one["end"] + newest_one["latency"]
        assert answer_of(told, model, EMG, given + 0.9).stands
        late = answer_of(told, model, EMG, given + 5.0)
        assert (late.stands, late.label) == (False, None)
        assert late.why == "no answer for 5.0 s"
        # Where this process was held up, it is when it was given that counts.
        model.streams[EMG].came = given + 4.9
        assert not answer_of(told, model, EMG, given + 5.0).stands


@pytest.fixture(scope="module")
def seizure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with a seizure from 23.6 to 31.1 s."""
    file = tmp_path_factory.mktemp("seizure") / "head.xdf"
    source = SyntheticDevice("eeg", seed=12, paced=False, duration=35.0)
    with Runtime([source], record=file) as recorded:
        recorded.wait()
    return file


def only_view(panel: object) -> SeizureView:
    """Return the view of a panel of seizures that has one."""
    assert isinstance(panel, SeizurePanel)
    (view,) = panel.views.values()
    assert isinstance(view, SeizureView)
    return view


def test_an_alarm_can_neither_be_covered_nor_closed_until_somebody_has_seen_it(
    qtbot: QtBot, look: Callable[[Runtime], Window], seizure: Path
) -> None:
    models = ("demo:seizure", "demo:emotion")
    with run([ReplayDevice(seizure, speed=4.0)], *models) as runtime:
        window = look(runtime)
        panel, emotion = (window.panels[f"demo-{k}"] for k in ("seizure", "emotion"))
        assert isinstance(panel, SeizurePanel)
        assert isinstance(emotion, EmotionPanel)
        window.activateWindow()

        def covered() -> bool:
            dock_of(emotion).raise_()
            return seen(emotion) and not seen(panel)

        qtbot.waitUntil(covered, timeout=PATIENCE)
        window.pause()
        qtbot.waitUntil(lambda: panel.alarmed, timeout=PATIENCE)
        view = only_view(panel)
        qtbot.waitUntil(lambda: seen(panel), timeout=PATIENCE)
        (veil,) = panel.findChildren(Veil)
        qtbot.waitUntil(veil.isHidden, timeout=PATIENCE)
        assert "SEIZURE" in view.banner.said.text()
        covered()
        qtbot.waitUntil(lambda: seen(panel), timeout=PATIENCE)
        dock_of(panel).close()
        qtbot.waitUntil(lambda: seen(panel), timeout=PATIENCE)
        torn, banner = dock_of(window.panels["Signals"]), view.banner
        torn.setFloating(True)
        torn.setGeometry(QRect(banner.mapToGlobal(QPoint()), banner.size()))
        qtbot.waitUntil(lambda: not torn.isFloating(), timeout=PATIENCE)
        qtbot.waitUntil(lambda: not view.alarm.going_on, timeout=PATIENCE)
        qtbot.waitUntil(
            lambda: view.banner.said.text().endswith("ago, over"), timeout=PATIENCE
        )
        assert view.banner.isVisible()
        click(qtbot, view.banner.button)
        assert not view.banner.isVisible()
        qtbot.waitUntil(covered, timeout=PATIENCE)
        qtbot.wait(200)
        assert seen(emotion), "and now it may be"
        assert not veil.isHidden(), "it stands still, as the others"


def test_a_panel_that_cannot_be_drawn_raises_its_alarm_all_the_same(
    qtbot: QtBot,
    look: Callable[[Runtime], Window],
    seizure: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*arguments: object) -> None:
        raise ValueError("it cannot be drawn")

    monkeypatch.setattr(SeizureView, "draw", broken)
    with run([ReplayDevice(seizure, speed=4.0)], "demo:seizure") as runtime:
        window = look(runtime)
        panel = window.panels["demo-seizure"]
        assert isinstance(panel, SeizurePanel)
        qtbot.waitUntil(lambda: bool(window.failed), timeout=PATIENCE)
        qtbot.waitUntil(lambda: panel.alarmed, timeout=PATIENCE)
        qtbot.waitUntil(lambda: only_view(panel).banner.isVisible(), timeout=PATIENCE)
    assert capsys.readouterr().err.count("Traceback") == 1


def test_a_key_acknowledges_the_alarm_that_is_seen_and_the_next_one_comes(
    qtbot: QtBot, look: Callable[[Runtime], Window], seizure: Path
) -> None:
    models = ("demo:seizure", "demo:seizure")
    with run([ReplayDevice(seizure, speed=4.0)], *models) as runtime:
        window = look(runtime)
        panels = [window.panels[f"demo-seizure{k}"] for k in ("", "-2")]
        one, two = (each for each in panels if isinstance(each, SeizurePanel))
        keys = [
            each
            for each in window.menu.actions()
            if each.text() == "Acknowledge the alarm"
        ]
        qtbot.waitUntil(lambda: one.alarmed and two.alarmed, timeout=PATIENCE)
        assert [each.shortcut().toString() for each in keys if each.isVisible()] == [
            "K"
        ]
        qtbot.waitUntil(lambda: seen(one) or seen(two), timeout=PATIENCE)
        window.activateWindow()
        first, second = (one, two) if seen(one) else (two, one)
        qtbot.keyClick(window, Qt.Key.Key_K)  # type: ignore[no-untyped-call]
        assert not first.alarmed
        assert second.alarmed, "nobody has seen it yet"
        qtbot.waitUntil(lambda: seen(second), timeout=PATIENCE)
        dock_of(first).close()
        qtbot.keyClick(window, Qt.Key.Key_K)  # type: ignore[no-untyped-call]
        assert not second.alarmed


def test_the_channel_of_the_spectrogram_is_chosen_by_keys(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    with run([SyntheticDevice("eeg", seed=4)], "demo:seizure") as runtime:
        window = look(runtime)
        view = view_of(qtbot, window, "demo-seizure", EEG)
        assert isinstance(view, SeizureView)
        qtbot.waitUntil(view.choice.isVisible, timeout=PATIENCE)
        qtbot.waitUntil(lambda: bool(view.spectrogram.image.any()), timeout=PATIENCE)
        before = view.spectrogram.image.copy()
        qtbot.keyClick(view.choice, Qt.Key.Key_Down)  # type: ignore[no-untyped-call]
        assert view.choice.currentText() == "AF7"
        qtbot.waitUntil(
            lambda: not np.array_equal(view.spectrogram.image, before),
            timeout=PATIENCE,
        )


def test_what_must_be_told_is_never_cut_off(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    with run([SyntheticDevice("eeg", seed=4)], "demo:seizure") as runtime:
        window = look(runtime)
        view_of(qtbot, window, "demo-seizure", EEG)
        panel = panel_of(window, "demo-seizure")
        notes, dock = panel.notes, dock_of(panel)
        dock.setFloating(True)

        def whole() -> bool:
            high = notes.heightForWidth(notes.width())
            return notes.height() >= high and panel.rect().contains(notes.geometry())

        for wide in (700, 400, 100):  # the last is less than it can be
            dock.resize(wide, 100)
            qtbot.waitUntil(lambda: dock.width() < 420 or dock.width() == 700)
            qtbot.waitUntil(whole, timeout=PATIENCE)
            assert notes.isVisible()


def test_a_panel_of_seizures_fits_into_a_low_window(
    qtbot: QtBot, look: Callable[[Runtime], Window], seizure: Path
) -> None:
    with run([ReplayDevice(seizure, speed=4.0)], "demo:seizure") as runtime:
        window = look(runtime)
        panel = panel_of(window, "demo-seizure")
        qtbot.waitUntil(lambda: only_view(panel).banner.isVisible(), timeout=PATIENCE)
        view = only_view(panel)
        dock = dock_of(panel)
        dock.setFloating(True)
        dock.resize(400, 700)
        qtbot.waitUntil(view.spectrogram.isVisible, timeout=PATIENCE)
        dock.resize(400, 180)
        qtbot.waitUntil(lambda: not view.spectrogram.isVisible(), timeout=PATIENCE)
        assert dock.height() < 320
        assert panel.rect().contains(panel.notes.geometry())
        assert view.banner.height() >= view.banner.button.height()
        assert view.banner.isVisible()


@pytest.mark.parametrize("wide", [200, 270, 294, 384, 480, 800])
@pytest.mark.parametrize("times", [1, 12])
def test_neither_a_word_of_an_alarm_nor_its_button_is_cut(
    qtbot: QtBot, wide: int, times: int
) -> None:
    decided, alarm = Decided(0.1), Alarm("seizure")
    for k in range(times):
        decided.add("seizure", 2.0 * k)
        decided.add("background", 2.0 * k + 1)
    alarm.follow(decided.labels)
    assert alarm.before
    banner = Banner(alarm.acknowledge)
    qtbot.addWidget(banner)
    banner.resize(wide, 10)
    banner.show_alarm(alarm, 100.0, 0.1)
    qtbot.waitUntil(lambda: banner.width() == wide, timeout=PATIENCE)
    words, button = banner.said, banner.button
    letters = words.fontMetrics()
    needed = letters.boundingRect(
        words.rect().adjusted(0, 0, 0, 10_000),
        int(Qt.TextFlag.TextWordWrap),
        words.text(),
    )
    assert needed.height() <= words.height()
    assert needed.width() <= words.width()
    assert button.width() >= button.sizeHint().width()
    assert button.height() >= button.sizeHint().height()
    for each in (words, button):
        assert banner.rect().contains(each.geometry())
    assert not words.geometry().intersects(button.geometry())


def test_an_alarm_that_nobody_acknowledged_is_there_in_a_window_that_opens_later(
    qtbot: QtBot, look: Callable[[Runtime], Window], seizure: Path
) -> None:
    with run([ReplayDevice(seizure, speed=8.0)], "demo:seizure") as runtime:
        first = look(runtime)
        panel = panel_of(first, "demo-seizure")
        qtbot.waitUntil(
            lambda: "ago, over" in only_view(panel).banner.said.text(), timeout=PATIENCE
        )
        first.close()
        second = look(runtime)
        panel = panel_of(second, "demo-seizure")
        qtbot.waitUntil(lambda: only_view(panel).banner.isVisible(), timeout=PATIENCE)
        said = only_view(panel).banner.said.text()
        assert "SEIZURE" in said
        assert said.endswith("before this window opened")
        second.activateWindow()
        qtbot.keyClick(second, Qt.Key.Key_K)  # type: ignore[no-untyped-call]
        assert not only_view(panel).alarm.raised
        qtbot.wait(600)  # the run tells how it stands four times a second
        assert not only_view(panel).banner.isVisible(), "it has not come again"


def test_what_is_decided_last_is_told_before_a_run_ends(
    qtbot: QtBot, look: Callable[[Runtime], Window], seizure: Path
) -> None:
    with run([ReplayDevice(seizure, speed=8.0)], "demo:seizure") as runtime:
        window = look(runtime)
        panel = panel_of(window, "demo-seizure")
        assert isinstance(panel, SeizurePanel)
        qtbot.waitUntil(lambda: panel.alarmed, timeout=PATIENCE)
    qtbot.waitUntil(
        lambda: window.run is not None and window.run.state == "over", timeout=PATIENCE
    )
    assert window.run is not None
    model = window.run.models["demo-seizure"]
    (answers,) = model.streams.values()
    (decided,) = model.decided.values()
    assert isinstance(panel, SeizurePanel)
    for k, label in enumerate(model.labels):
        there = np.flatnonzero(answers.label == k)
        assert decided[label]["end"] == answers.end[there[-1]]
        assert decided[label]["begin"] in answers.end[there]
    assert panel.alarmed


def test_panels_of_the_same_stream_share_its_spectra(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    with run([SyntheticDevice(seed=4)], "demo:seizure") as runtime:
        told = look(runtime).run
        assert told is not None
        one, other = (spectra_of(told.streams[each]) for each in (EEG, EMG))
        assert one is spectra_of(told.streams[EEG]) is not other
        assert one.info == told.streams[EEG].info
        qtbot.waitUntil(lambda: one.come > 0, timeout=PATIENCE)


def test_a_list_of_keys_never_covers_an_alarm(
    qtbot: QtBot, look: Callable[[Runtime], Window], seizure: Path
) -> None:
    with run([ReplayDevice(seizure, speed=4.0)], "demo:seizure") as runtime:
        window = look(runtime)
        panel = panel_of(window, "demo-seizure")
        assert isinstance(panel, SeizurePanel)
        window.resize(700, 500)
        (sheet,) = window.findChildren(Keys)
        sheet.toggle()
        assert sheet.isVisible()
        qtbot.waitUntil(lambda: panel.alarmed, timeout=PATIENCE)
        banner = only_view(panel).banner

        def whole() -> bool:
            seen = banner.visibleRegion().boundingRect()
            return seen == banner.rect() and banner.isVisible()

        qtbot.waitUntil(whole, timeout=PATIENCE)


def click(qtbot: QtBot, button: QPushButton) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)  # type: ignore[no-untyped-call]

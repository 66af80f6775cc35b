"""The alarm of seizures: when it comes, what it says, and its threshold."""

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from pytestqt.qtbot import QtBot

from rtpipe.dashboard.alarm import Alarm, label_of
from rtpipe.dashboard.seizure import Banner
from rtpipe.dashboard.trend import threshold
from rtpipe.decide import Decider, Decision
from rtpipe.sinks.decided import APART, Decided

from .modelpanels import LABELS, PATIENCE, click


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

"""The panels of models, held against what the run answered."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from PyQt6.QtCore import QSettings
from pytestqt.qtbot import QtBot
from rtpipe.devices.faulty import faulty
from rtpipe.devices.synthetic import SyntheticDevice

from rtpipe.attach import Line, Rings
from rtpipe.clock import now
from rtpipe.dashboard.agreement import agreement
from rtpipe.dashboard.answer import answer_of
from rtpipe.dashboard.emotion import EmotionPanel
from rtpipe.dashboard.gesture import GesturePanel, GestureView
from rtpipe.dashboard.model import ModelModel, RunModel, StreamModel
from rtpipe.dashboard.probabilities import ProbabilitiesPanel
from rtpipe.dashboard.seizure import SeizurePanel
from rtpipe.dashboard.spectra import spectra_of
from rtpipe.dashboard.theme import colour_of
from rtpipe.dashboard.window import Window
from rtpipe.ring import Ring
from rtpipe.runtime.runtime import Runtime
from rtpipe.sinks.jsonl import as_json
from rtpipe.types import Chunk, Prediction, StreamInfo

from .modelpanels import EEG, EMG, PATIENCE, looking, panel_of, run, said, view_of

pytestmark = pytest.mark.usefixtures("light")


@pytest.fixture
def look(qtbot: QtBot, settings: QSettings) -> Iterator[Callable[[Runtime], Window]]:
    with looking(qtbot, settings) as look:
        yield look


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


def test_electrodes_that_are_placed_otherwise_are_told(
    qtbot: QtBot, look: Callable[[Runtime], Window]
) -> None:
    with run([SyntheticDevice("emg", seed=4)], "demo:gesture") as runtime:
        view = view_of(qtbot, look(runtime), "demo-gesture", EMG)
        assert not view.placed.isVisible()
        runtime.run.models["demo-gesture"].placement[EMG] = "mirrored"
        qtbot.waitUntil(view.placed.isVisible, timeout=PATIENCE)
        assert view.placed.text() == "Electrodes: mirrored"


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
    device = faulty(EMG, faults="disconnect 1.5 at 2.5", seed=1)
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


@pytest.mark.parametrize("slower", [0.1, 1.0, 10.0])
def test_an_answer_about_a_recording_stands_as_long_as_it_is_played_slowly(
    slower: float,
) -> None:
    info, ring = StreamInfo("arm", 10.0, ("A",), ("emg",), ("uV",)), Ring((1,), 100)
    ring.write(Chunk("arm", 0, np.arange(50) / 10, np.zeros((50, 1), np.float32)))
    stream = StreamModel(Rings(info, "recording", ring, {}, {}))
    told: Line = {"name": "m", "task": "pose", "labels": ["rest"], "notes": []}
    told |= {"window": 1.0, "hop": 0.5, "decision": {}, "streams": ["arm"]}
    model = ModelModel(told)
    run = cast(RunModel, SimpleNamespace(state="running", streams={"arm": stream}))
    for k in range(5):
        at = 4.9 + (k - 4) * 0.5
        given = Prediction("arm", "m", 29 + 5 * k, at, "rest", {"rest": 1.0}, 0.01, 0.0)
        model.streams["arm"].take(as_json(given), 100.0 + slower * at)
    came, second = 100.0 + slower * 4.9, max(slower, 1.0)
    assert answer_of(run, model, "arm", came + 1.4 * second).label == "rest"
    # In a hole of the recording nothing comes, and nobody says so.
    late = answer_of(run, model, "arm", came + 1.6 * second)
    assert (late.stands, late.label, late.why) == (False, None, "no answer for 1.6 s")


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

"""Spectra, band powers and the spectrogram, against SciPy and what sines must give."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt6.QtCore import QPoint, QSettings, Qt
from PyQt6.QtWidgets import QDockWidget
from pytestqt.qtbot import QtBot
from rtpipe.devices.synthetic import SyntheticDevice
from scipy.signal import welch

from rtpipe.attach import Attachment, Rings
from rtpipe.clock import now
from rtpipe.dashboard.bands import BANDS, amplitudes, band_powers, newest
from rtpipe.dashboard.model import RunModel, StreamModel
from rtpipe.dashboard.spectra import LEAST, PAST, Spectra, density, has_spectra
from rtpipe.dashboard.spectrogram import Spectrogram, ago
from rtpipe.dashboard.spectrum import SpectrumPanel
from rtpipe.dashboard.window import Window
from rtpipe.features.spectrum import BANDS as TRAINED
from rtpipe.ring import Ring
from rtpipe.runfolder import folder_of_runs
from rtpipe.runtime.runtime import Runtime
from rtpipe.types import Chunk, Float32, StreamInfo

PATIENCE = 60_000  # milliseconds, only for a test that fails
# Decibels are kept in 16 bits: up to 128 they are told to a sixteenth.
HALF = 0.07


def noise(n_times: int, n_channels: int, seed: int = 1) -> Float32:
    rng = np.random.default_rng(seed)
    return (20 * rng.standard_normal((n_times, n_channels))).astype(np.float32)


def write(ring: Ring, info: StreamInfo, data: Float32, index: int = 0) -> None:
    times = 100.0 + (index + np.arange(len(data))) / info.sfreq
    ring.write(Chunk(info.name, index, times, data.copy()))


def catch_up(spectra: Spectra) -> None:
    """Look as often as there is something new."""
    while True:
        before = spectra.newest
        spectra.follow()
        if spectra.newest == before:
            return


def decibels(spectra: Spectra, channel: int = 0) -> Float32:
    """What there is of a channel, oldest first."""
    out = np.empty((spectra.n_columns, len(spectra.freqs)), np.float32)
    spectra.copy(channel, out)
    return out[spectra.n_columns - spectra.come :]


def expected(window: Float32, spectra: Spectra) -> NDArray[np.float64]:
    """SciPy's answer for one window of one channel, in decibels."""
    sfreq = spectra.info.sfreq
    freqs, power = welch(window.astype(np.float64), sfreq, nperseg=len(window))
    assert np.allclose(freqs[: len(spectra.freqs)], spectra.freqs)
    return np.asarray(10 * np.log10(power[: len(spectra.freqs)]))


@pytest.mark.parametrize("n_times", [64, 65, 512])
def test_a_density_is_scipys(n_times: int) -> None:
    data = noise(n_times, 3) + 500
    _, power = welch(data.astype(np.float64), 256, nperseg=n_times, axis=0)
    # The offset of 500 leaves its rounding at 0 hertz.
    assert np.allclose(density(data, 256), power, rtol=1e-9, atol=1e-20)


def test_bands_are_those_that_models_are_trained_on() -> None:
    assert dict(BANDS) == dict(TRAINED)


@pytest.mark.parametrize("name", [*BANDS])
def test_a_sine_has_half_its_amplitude_squared_in_its_band(name: str) -> None:
    hertz = np.floor(sum(BANDS[name]) / 2)  # a bin in the middle of the band
    sine = 30 * np.sin(2 * np.pi * hertz * np.arange(4 * 256) / 256)
    powers = band_powers(sine, 256)
    assert powers.pop(name) == pytest.approx(30**2 / 2)
    assert max(powers.values()) < 1e-9


def test_band_powers_are_the_sums_of_welchs_bins() -> None:
    data = noise(1000, 1)[:, 0].astype(np.float64)
    freqs, power = welch(data, 250, nperseg=500, noverlap=250)
    for name, (low, high) in BANDS.items():
        inside = (freqs >= low) & (freqs < high)
        assert band_powers(data, 250)[name] == pytest.approx(power[inside].sum() / 2)


def test_a_slow_stream_has_no_bands_above_half_its_rate() -> None:
    assert list(band_powers(noise(200, 1)[:, 0], 50)) == ["delta", "theta", "alpha"]


def test_amplitudes_are_around_the_mean() -> None:
    sines = np.sin(np.linspace(0, 20 * np.pi, 1000, endpoint=False))
    data = sines[:, None] * np.array([3.0, 40.0]) + 1000
    assert amplitudes(data) == pytest.approx(np.array([3, 40]) / np.sqrt(2))


def test_the_newest_samples_are_whole_or_none(muse: StreamInfo) -> None:
    ring = Ring((4,), 1000)
    data = noise(300, 4)
    write(ring, muse, data)
    assert newest(ring, 301) is None
    whole = newest(ring, 300)
    assert whole is not None
    assert np.array_equal(whole, data)
    write(ring, muse, data[:100], 350)  # 50 were lost: nothing goes across
    assert newest(ring, 101) is None
    after = newest(ring, 100)
    assert after is not None
    assert np.array_equal(after, data[:100])


@pytest.mark.parametrize("chunk", [1000, 77, 12])
def test_every_half_second_has_scipys_spectrum(muse: StreamInfo, chunk: int) -> None:
    ring, data = Ring((4,), 5000), noise(2000, 4)
    spectra = Spectra(muse, ring)
    for at in range(0, len(data), chunk):
        write(ring, muse, data[at : at + chunk], at)
        catch_up(spectra)
    stops = range(512, 2001, 128)
    assert spectra.come == len(stops)
    for channel in range(4):
        shown = decibels(spectra, channel)
        for column, stop in zip(shown, stops, strict=True):
            window = data[stop - 512 : stop, channel]
            answer = expected(window, spectra)
            # At 0 hertz nothing is left but rounding: the mean is removed.
            assert np.allclose(column[2:], answer[2:], atol=HALF)
    assert spectra.end == pytest.approx(100 + (stops[-1] - 1) / 256)
    assert spectra.freqs[-1] == 60


def test_muscle_is_shown_up_to_half_its_rate(armband: StreamInfo) -> None:
    ring, data = Ring((8,), 1000), noise(600, 8)
    write(ring, armband, data)
    spectra = Spectra(armband, ring)
    catch_up(spectra)
    assert spectra.come == 6
    answer = expected(data[-100:, 5], spectra)
    assert np.allclose(decibels(spectra, 5)[-1][2:], answer[2:], atol=HALF)
    assert spectra.freqs[-1] == 100


def empty(spectra: Spectra) -> list[bool]:
    shown = np.isnan(decibels(spectra)).mean(1)
    assert set(shown.tolist()) <= {0.0, 1.0}
    return [each == 1 for each in shown.tolist()]


def test_spectra_of_lost_samples_are_empty_and_the_others_whole(
    muse: StreamInfo,
) -> None:
    ring, data = Ring((4,), 5000), noise(3000, 4)
    spectra = Spectra(muse, ring)
    write(ring, muse, data[:1000], 0)
    catch_up(spectra)
    write(ring, muse, data[1300:], 1300)
    catch_up(spectra)
    stops = np.arange(512, 3001, 128)
    touched = (stops > 1000) & (stops - 512 < 1300)
    assert empty(spectra) == touched.tolist()
    last = expected(data[stops[-1] - 512 : stops[-1], 0], spectra)
    assert np.allclose(decibels(spectra)[-1][2:], last[2:], atol=HALF)


def test_a_spectrum_of_samples_that_were_filled_in_is_empty(muse: StreamInfo) -> None:
    ring, data = Ring((4,), 5000), noise(1024, 4)
    missing = np.zeros(1024, np.float32)
    missing[10:40] = 1  # few of the first window
    missing[600:700] = 1
    times = np.arange(1024) / 256
    ring.write(Chunk("muse", 0, times, data, missing=missing))
    spectra = Spectra(muse, ring)
    catch_up(spectra)
    stops = range(512, 1025, 128)
    filled = [missing[stop - 512 : stop].mean() > 0.1 for stop in stops]
    assert filled == [False, False, True, True, True]
    assert empty(spectra) == filled


def test_what_nobody_read_in_time_is_left_empty(muse: StreamInfo) -> None:
    ring, data = Ring((4,), 1280), noise(9000, 4)
    spectra = Spectra(muse, ring)
    write(ring, muse, data[:512], 0)
    catch_up(spectra)
    for at in range(512, 9000, 100):
        write(ring, muse, data[at : at + 100], at)
    catch_up(spectra)
    stops = np.arange(512, 9001, 128)
    held = stops - 512 >= 9000 - 1280
    held[0] = True  # it was read
    assert empty(spectra) == (~held).tolist()


def test_ten_minutes_are_kept_and_no_more(muse: StreamInfo) -> None:
    info = StreamInfo("slow", 32.0, ("a",), ("eeg",), ("uV",))
    ring, data = Ring((1,), 2000), noise(round(32 * (PAST + 100)), 1)
    spectra = Spectra(info, ring)
    out = np.empty((spectra.n_columns, len(spectra.freqs)), np.float32)
    for at in range(0, len(data), 160):
        write(ring, info, data[at : at + 160], at)
        catch_up(spectra)
    assert spectra.n_columns * spectra.step == PAST
    assert spectra.come == spectra.n_columns
    spectra.copy(0, out)
    assert np.isfinite(out).all()
    for back in (1, spectra.n_columns):
        stop = len(data) - (back - 1) * 16
        answer = expected(data[stop - 64 : stop, 0], spectra)
        assert np.allclose(out[-back][2:], answer[2:], atol=HALF)


def test_many_fast_channels_have_spectra_too() -> None:
    names = tuple(f"E{k}" for k in range(64))
    info = StreamInfo("fast", 1000.0, names, ("emg",) * 64, ("mV",) * 64)
    ring, data = Ring((64,), 4000), noise(2000, 64)
    write(ring, info, data)
    spectra = Spectra(info, ring)
    catch_up(spectra)
    assert spectra.come == 4
    assert spectra.freqs[-1] == 500
    for channel in (0, 63):
        answer = expected(data[-500:, channel], spectra)
        assert np.allclose(decibels(spectra, channel)[-1][2:], answer[2:], atol=HALF)


def test_a_signal_in_volts_has_scipys_spectrum_and_a_flat_one_none() -> None:
    info = StreamInfo("volts", 256.0, ("a", "b"), ("eeg",) * 2, ("V",) * 2)
    ring, data = Ring((2,), 1000), 1e-6 * noise(512, 2)
    data[:, 1] = 123456.7  # its mean is not exactly that
    write(ring, info, data)
    spectra = Spectra(info, ring)
    catch_up(spectra)
    answer = expected(data[:, 0], spectra)
    # Above 128 decibels are told to an eighth.
    assert np.allclose(decibels(spectra, 0)[0][2:], answer[2:], atol=2 * HALF)
    assert (decibels(spectra, 1)[0] == LEAST).all()


def test_a_value_that_is_no_number_leaves_its_spectra_empty(muse: StreamInfo) -> None:
    ring, data = Ring((4,), 5000), noise(1280, 4)
    data[600, 2] = np.nan
    write(ring, muse, data)
    spectra = Spectra(muse, ring)
    catch_up(spectra)
    stops = np.arange(512, 1281, 128)
    assert empty(spectra) == ((stops > 600) & (stops - 512 <= 600)).tolist()


def test_only_streams_of_signals_have_spectra(muse: StreamInfo) -> None:
    battery = StreamInfo("battery", 0.1, ("level",), ("misc",), ("%",))
    camera = StreamInfo("eye", 60.0, ("i",), ("misc",), ("none",), (3, 8, 8))
    assert [has_spectra(each) for each in (muse, battery, camera)] == [
        True,
        False,
        False,
    ]


def test_the_picture_has_a_sine_where_it_is_and_nothing_where_it_was_lost(
    qtbot: QtBot, muse: StreamInfo
) -> None:
    view = Spectrogram()
    qtbot.addWidget(view)
    n_times, sines = 20 * 256, []
    for hertz in (10, 25, 40, 50):
        sines.append(np.sin(2 * np.pi * hertz * np.arange(n_times) / 256))
    data = (20 * np.stack(sines, 1) + 0.01 * noise(n_times, 4)).astype(np.float32)
    ring = Ring((4,), 2 * n_times)
    write(ring, muse, data[:2560], 0)
    spectra = Spectra(muse, ring)
    catch_up(spectra)
    write(ring, muse, data[3840:], 3840)
    catch_up(spectra)
    for channel, hertz in enumerate((10, 25, 40, 50)):
        view.show_channel(spectra, channel, spectra.end)
        shown = view.image[-spectra.come :]
        whole = shown.any(1)
        assert (~whole).tolist() == empty(spectra)
        assert set(spectra.freqs[shown[whole].argmax(1)]) == {hertz}
        assert not view.image[: -spectra.come].any()
    assert "µV²/Hz" in view.legend.text()


def test_the_picture_grows_by_steps_up_to_ten_minutes(qtbot: QtBot) -> None:
    info = StreamInfo("slow", 32.0, ("a",), ("eeg",), ("uV",))
    ring, view = Ring((1,), 2000), Spectrogram()
    qtbot.addWidget(view)
    spectra, data, spans = Spectra(info, ring), noise(32 * 400, 1), []
    for at in range(0, len(data), 160):
        write(ring, info, data[at : at + 160], at)
        catch_up(spectra)
        view.show_channel(spectra, 0, spectra.end)
        spans.append(view.span)
    assert [*dict.fromkeys(spans)] == [60, 120, 300, 600]
    assert spans.index(120) * 5 == pytest.approx(60, abs=5)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "now"), (-15.0, "\N{MINUS SIGN}15 s"), (-120.0, "\N{MINUS SIGN}2 min")],
)
def test_the_past_is_told_in_words(seconds: float, words: str) -> None:
    assert ago(seconds) == words


class Desk:
    """A run of both synthetic sensors, and the window's panel of spectra."""

    def __init__(self, qtbot: QtBot, runtime: Runtime, settings: QSettings) -> None:
        self.qtbot = qtbot
        self.attachment = Attachment(folder_of_runs() / runtime.run.name)
        self.run = RunModel(self.attachment)
        self.window = Window(settings)
        qtbot.addWidget(self.window)
        self.window.show_run(self.run, self.attachment.send)
        self.window.show()
        panel = self.window.panels[SpectrumPanel.title]
        assert isinstance(panel, SpectrumPanel)
        self.panel = panel

    def look(self) -> None:
        self.run.poll(now())
        self.window.refresh(now())
        self.qtbot.wait(1)

    def until(self, true: Callable[[], bool]) -> None:
        def seen() -> bool:
            self.look()
            return true()

        self.qtbot.waitUntil(seen, timeout=PATIENCE)

    def press(self, key: Qt.Key) -> None:
        held = Qt.KeyboardModifier.ControlModifier
        self.qtbot.keyClick(self.window, key, held)  # type: ignore[no-untyped-call]

    def dock(self) -> QDockWidget:
        dock = self.panel.parentWidget()
        assert isinstance(dock, QDockWidget)
        return dock


@pytest.fixture
def desk(qtbot: QtBot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    ini = tmp_path_factory.mktemp("settings") / "ini"
    settings = QSettings(str(ini), QSettings.Format.IniFormat)
    with Runtime([SyntheticDevice("both", seed=3)]) as runtime:
        desk = Desk(qtbot, runtime, settings)
        yield desk
        desk.attachment.close()


def test_every_channel_can_be_chosen_by_keys_and_has_its_bars(desk: Desk) -> None:
    desk.dock().raise_()
    panel, streams = desk.panel, desk.run.streams
    names = [n for each in streams.values() for n in each.info.ch_names]
    desk.until(lambda: panel.choice.count() == len(names))
    brain = {"TP9", "AF7", "AF8", "TP10"}
    seen = []
    for _ in names:
        seen.append(panel.choice.currentText().split()[0])
        wanted = list(BANDS) if seen[-1] in brain else list(names[:8])
        # Band powers need four seconds.
        desk.until(partial(known, panel, wanted))
        desk.press(Qt.Key.Key_Period)
    assert seen == names
    assert panel.choice.currentIndex() == 0
    desk.press(Qt.Key.Key_Comma)
    assert panel.choice.currentText().split()[0] == names[-1]


def known(panel: SpectrumPanel, names: list[str]) -> bool:
    levels = panel.bars.levels
    return [e.name for e in levels] == names and all(e.share > 0 for e in levels)


def test_a_click_on_a_bar_chooses_its_channel(desk: Desk) -> None:
    desk.dock().raise_()
    panel = desk.panel
    desk.until(lambda: len(panel.bars.levels) == 8)
    tall = panel.bars.height() / 8
    most = 2.2 * panel.bars.fontMetrics().height()
    spot = QPoint(30, int(5.5 * min(tall, most)))
    left = Qt.MouseButton.LeftButton
    desk.qtbot.mouseClick(panel.bars, left, pos=spot)  # type: ignore[no-untyped-call]
    assert panel.choice.currentText().split()[0] == "EMG6"
    desk.until(lambda: panel.bars.levels[5].chosen)


def test_every_channel_can_be_chosen_in_the_box(desk: Desk) -> None:
    desk.dock().raise_()
    panel = desk.panel
    desk.until(lambda: len(panel.bars.levels) == 8)
    left = Qt.MouseButton.LeftButton
    desk.qtbot.mouseClick(panel.choice, left)  # type: ignore[no-untyped-call]
    offered = panel.choice.view()
    assert offered is not None
    desk.until(offered.isVisible)
    for key in (Qt.Key.Key_End, Qt.Key.Key_Return):
        desk.qtbot.keyClick(offered, key)  # type: ignore[no-untyped-call]
    assert panel.choice.currentText().split() == ["TP10", "synthetic:eeg"]
    desk.until(partial(known, panel, [*BANDS]))
    desk.until(lambda: bool(panel.spectrogram.image.any()))
    # A band is no channel: there is nothing to choose.
    spot = QPoint(30, panel.bars.height() // 10)
    desk.qtbot.mouseClick(panel.bars, left, pos=spot)  # type: ignore[no-untyped-call]
    assert panel.choice.currentText().split()[0] == "TP10"


def test_a_channel_that_is_chosen_while_the_view_is_paused_is_shown(desk: Desk) -> None:
    desk.dock().raise_()
    panel = desk.panel
    desk.until(lambda: bool(panel.bars.levels) and panel.bars.levels[0].chosen)
    desk.window.pause()
    desk.press(Qt.Key.Key_Period)
    assert [each.chosen for each in panel.bars.levels] == [False, True, *[False] * 6]
    desk.press(Qt.Key.Key_Comma)
    desk.press(Qt.Key.Key_Comma)
    assert [each.name for each in panel.bars.levels] == [*BANDS]


def test_each_bar_counts_in_the_unit_of_its_channel(qtbot: QtBot) -> None:
    units = ("uV", "mV", "mV", "unknown")
    info = StreamInfo("all", 100.0, tuple("ABCD"), ("emg", *["misc"] * 3), units)
    ring = Ring((4,), 1000)
    sine = np.sqrt(2) * np.sin(2 * np.pi * 10 * np.arange(200) / 100)
    write(ring, info, (sine[:, None] * (40, 1.5, 0.5, 7)).astype(np.float32))
    stream = StreamModel(Rings(info, "run", ring, {}, {}))
    run = cast(RunModel, SimpleNamespace(streams={"all": stream}))
    panel = SpectrumPanel("", lambda command: None)
    qtbot.addWidget(panel)
    panel.follow(run, 1.0)
    for _ in units:
        panel.refresh(run, 1.0)
        levels = panel.bars.levels
        assert [e.figure for e in levels] == ["40 µV", "1.5 mV", "0.5 mV", "7"]
        assert [e.share for e in levels] == pytest.approx([0.8, 0.75, 0.25, 0.7])
        panel.step(1)


def test_the_channel_of_last_time_is_chosen_again(desk: Desk) -> None:
    desk.until(lambda: desk.panel.choice.count() == 12)
    desk.panel.step(9)
    kept = desk.panel.keep()
    assert json.loads(json.dumps(kept)) == kept
    again = SpectrumPanel("", desk.attachment.send)
    desk.qtbot.addWidget(again)
    again.restore(kept)
    again.follow(desk.run, now())
    assert again.choice.currentText() == desk.panel.choice.currentText()
    assert again.keep() == kept


@pytest.mark.parametrize(
    "kept",
    [{}, {"stream": "synthetic:emg"}, {"stream": [1], "channel": {}}, {"color": 3}],
)
def test_what_is_not_there_again_is_forgotten(
    desk: Desk, kept: dict[str, object]
) -> None:
    panel = SpectrumPanel("", desk.attachment.send)
    desk.qtbot.addWidget(panel)
    assert panel.keep() == {}
    panel.restore(kept)
    panel.follow(desk.run, now())
    panel.refresh(desk.run, now())
    assert panel.choice.currentIndex() == 0
    assert panel.keep() == {"stream": "synthetic:emg", "channel": "EMG1"}


def test_it_follows_while_it_cannot_be_seen(desk: Desk) -> None:
    desk.dock().hide()
    desk.window.pause()
    desk.until(lambda: desk.panel.choice.count() == 12)
    assert not desk.panel.bars.levels

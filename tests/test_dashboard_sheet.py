"""Signals as drawn: decimation against its definition, pictures against each other."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt6.QtGui import QColor

from rtpipe.dashboard.decimate import peaks
from rtpipe.dashboard.history import History
from rtpipe.dashboard.scale import Scale
from rtpipe.dashboard.sheet import Sheet, Source
from rtpipe.ring import Ring
from rtpipe.types import Chunk

from .pictures import marked, pixels
from .sources import SFREQ, chunk, info, source

pytestmark = pytest.mark.usefixtures("light")


def alike(one: Sheet, other: Sheet) -> bool:
    """Tell whether nobody sees a difference: Qt rounds where it cuts a line off."""
    a, b = (pixels(each.image).view(np.uint8).astype(int) for each in (one, other))
    return bool(np.abs(a - b).max() <= 40 and (a != b).mean() < 1e-3)


def column_of(index: int, step: float) -> int:
    return int(np.floor(index / SFREQ / step + 1e-9))


@pytest.mark.parametrize("n_times", [0, 1, 7, 500])
def test_peaks_are_the_lowest_and_the_highest_of_each_column(n_times: int) -> None:
    rng = np.random.default_rng(n_times)
    data = rng.standard_normal((n_times, 3)).astype(np.float32)
    places = np.sort(rng.integers(-20, 60, n_times))
    columns, low, high = peaks(data, places)
    assert columns.tolist() == sorted(set(places.tolist()))
    for k, column in enumerate(columns):
        inside = [row for row, at in zip(data, places, strict=True) if at == column]
        np.testing.assert_array_equal(low[k], np.min(inside, axis=0))
        np.testing.assert_array_equal(high[k], np.max(inside, axis=0))


@pytest.mark.parametrize("span", [1.0, 10.0, 30.0])
def test_drawn_bit_by_bit_it_looks_as_drawn_at_once(span: float) -> None:
    rng = np.random.default_rng(int(span))
    ring = Ring((2,), 20_000)
    parts, whole = source(ring), source(ring)
    bits = Sheet(500, 200, span)
    index = 0
    while index < 8000:
        n = int(rng.integers(1, 40))
        index += int(rng.choice([0] * 30 + [50]))
        missing = np.full(n, rng.integers(0, 30) == 0, np.float32)
        ring.write(chunk(index, rng.standard_normal((n, 2)), missing))
        index += n
        parts.history.read()
        bits.advance([parts], column_of(index - 1, bits.step), 10)
    whole.history = parts.history
    once = Sheet(500, 200, span)
    once.advance([whole], column_of(index - 1, once.step), 10)
    assert alike(bits, once)
    for channel in (0, 1):  # nor does a lane that is drawn anew look otherwise
        bits.redraw(parts, channel)
    assert alike(bits, once)
    bits.image.setPixelColor(250, 100, QColor("red"))
    assert not alike(bits, once)


def test_a_single_sample_is_seen_among_thousands() -> None:
    ring = Ring((1,), 20_000)
    data = np.zeros((12_000, 1))
    data[7001] = 4.5  # of 5 above the middle
    ring.write(chunk(0, data[:6000]))
    drawn = source(ring, 1)
    drawn.history.read()
    ring.write(chunk(6000, data[6000:]))
    drawn.history.read()
    sheet = Sheet(300, 200, 60.0)
    sheet.advance([drawn], 299, 0)
    ink = marked(sheet.image)[:60].any(axis=0)
    assert 1 <= ink.sum() <= 3
    assert abs(np.flatnonzero(ink).mean() - 7001 / 12_000 * 300) <= 1.5


@pytest.mark.parametrize("span", [5.0, 60.0])
def test_a_gap_is_never_bridged_and_is_marked(span: float) -> None:
    ring = Ring((1,), 20_000)
    drawn = source(ring, 1)
    for index in (0, 500):  # samples 200 to 499 are lost
        ring.write(chunk(index, np.full((200, 1), 3.0)))
        drawn.history.read()
    sheet = Sheet(600, 200, span)
    sheet.advance([drawn], column_of(699, sheet.step), 0)
    begin, end = column_of(200, sheet.step), column_of(500, sheet.step)
    red = (pixels(sheet.image) >> 16) & 0xFF  # the signal has less than what marks gaps
    signal: NDArray[np.bool_] = np.asarray((red < 190).any(axis=0))
    ground = ~marked(sheet.image)
    assert signal[2 : begin - 2].all()
    assert signal[end + 2 : column_of(699, sheet.step) - 2].all()
    assert not signal[begin + 1 : end - 1].any()
    assert not ground[:, begin + 2 : end - 1].all(axis=0).any()
    assert ground[120:, : begin - 2].all()


def test_filled_samples_are_marked_and_only_they() -> None:
    ring = Ring((1,), 20_000)
    drawn = source(ring, 1)
    missing = np.zeros(600, np.float32)
    missing[300:330] = 1
    missing[400:430] = 0.5  # one of two channels at a rail, say
    ring.write(chunk(0, np.zeros((600, 1)), missing))
    drawn.history.read()
    sheet = Sheet(600, 200, 3.0)
    sheet.advance([drawn], 599, 0)
    assert np.flatnonzero(marked(sheet.image)[10]).tolist() == list(range(299, 330))


def test_what_is_late_leaves_nothing_old_in_its_place() -> None:
    ring = Ring((1,), 20_000)
    drawn = source(ring, 1)
    ring.write(chunk(0, np.zeros((600, 1))))
    drawn.history.read()
    sheet = Sheet(600, 200, 3.0)
    sheet.advance([drawn], 599, 10)
    ink = marked(sheet.image).any(axis=0)
    assert np.flatnonzero(~ink).tolist() == list(range(10))  # ahead of the sweep
    sheet.advance([drawn], 599 + 250, 10)
    ink = marked(sheet.image).any(axis=0)
    assert np.flatnonzero(~ink).tolist() == list(range(260))


def test_what_is_no_number_is_not_bridged() -> None:
    ring = Ring((2,), 20_000)
    drawn = source(ring)
    data = np.full((600, 2), 3.0)
    data[200:400, 0] = np.inf, *[np.nan] * 198, -np.inf
    ring.write(chunk(0, data))
    drawn.history.read()
    drawn.scale.range[:] = drawn.scale.middle[:] = np.nan
    assert drawn.scale.fit(drawn.history.data) == [0, 1]
    assert np.isfinite(drawn.scale.middle).all()
    drawn.scale.range[:], drawn.scale.middle[:] = 10.0, 0.0
    sheet = Sheet(600, 200, 3.0)
    sheet.advance([drawn], 599, 0)
    upper, lower = marked(sheet.image)[:100], marked(sheet.image)[100:]
    assert lower.any(axis=0).all()
    assert upper[:, :200].any(axis=0).all()
    assert not upper[:, 202:398].any()
    assert upper[:, 400:].any(axis=0).all()


@pytest.mark.parametrize("value", [0.0, 1e30, -3e38, 1e-30])
def test_a_value_of_any_size_stays_in_its_lane(value: float) -> None:
    ring = Ring((2,), 20_000)
    drawn = source(ring)
    data = np.zeros((600, 2))
    data[300:, 0] = value
    ring.write(chunk(0, data))
    drawn.history.read()
    for fitted in (False, True):
        if fitted:
            drawn.scale.fit(drawn.history.data)
        drawn.done = None
        sheet = Sheet(600, 200, 3.0)
        sheet.advance([drawn], 599, 0)
        ink = marked(sheet.image)
        assert ink[:100].any(axis=0).all()
        assert ink[101:, 2:-2].any(axis=1).sum() <= 2  # the other one is a line


@pytest.mark.parametrize("sfreq", [0.3, 1.0, 200.0])
def test_nothing_is_drawn_before_the_first_sample(sfreq: float) -> None:
    ring = Ring((1,), 20_000)
    made = History(info(1, sfreq), ring)
    drawn = Source(made, Scale(1), [0], height=100, zero=0.0)
    drawn.scale.range[:], drawn.scale.middle[:] = 10.0, 0.0
    sheet = Sheet(300, 100, 10.0)
    for index in range(4):
        times = np.array([index / sfreq])
        ring.write(Chunk("arm", index, times, np.zeros((1, 1), np.float32)))
        made.read()
        column = sheet.column(drawn)
        assert column is not None
        if column < 290:
            sheet.advance([drawn], column, 6)
            assert not marked(sheet.image)[:, column + 3 :].any()
            assert marked(sheet.image)[:, column].any() or column == 0

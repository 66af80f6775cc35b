"""The truth of a window against the labels of its samples."""

import numpy as np
import pytest

from rtpipe.truth import Truth

N = 120


@pytest.fixture
def told() -> tuple[Truth, list[str | None]]:
    """A truth, and the label of each sample; the first 10 have none."""
    truth, labels = Truth(), [None] * N  # type: tuple[Truth, list[str | None]]
    for index, label in [(10, "a"), (30, "b"), (31, "a"), (50, None), (60, "b")]:
        truth.tell(index, label)
        labels[index:] = [label] * (N - index)
    return truth, labels


def one_of(labels: list[str | None]) -> str | None:
    return labels[0] if len(set(labels)) == 1 else None


def test_a_window_has_the_label_all_its_samples_have(
    told: tuple[Truth, list[str | None]],
) -> None:
    truth, labels = told
    for start in range(N):
        for stop in range(start + 1, N):
            assert truth.of(start, stop) == one_of(labels[start:stop])


def test_what_is_forgotten_is_not_needed_any_more(
    told: tuple[Truth, list[str | None]],
) -> None:
    truth, labels = told
    for before in [0, 9, 10, 29, 30, 55, 100]:
        truth.forget(before)
        for start in range(before, N):
            assert truth.of(start, start + 9) == one_of(labels[start : start + 9])


def test_nothing_told_is_nothing_known() -> None:
    assert Truth().of(0, 10) is None
    truth = Truth()
    truth.forget(100)
    truth.tell(100, "a")
    assert truth.of(99, 110) is None
    assert truth.of(100, 110) == "a"


def test_of_two_labels_for_one_sample_the_later_holds() -> None:
    truth = Truth()
    truth.tell(5, "a")
    truth.tell(5, "b")
    assert truth.of(5, 20) == "b"


def test_the_same_label_told_again_is_one_label() -> None:
    truth = Truth()
    for index in np.arange(0, 50, 10).tolist():
        truth.tell(index, "a")
    assert truth.of(3, 47) == "a"

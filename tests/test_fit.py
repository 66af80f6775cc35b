"""Which bundle fits which stream, what is said where not, and what joins the two."""

from dataclasses import replace
from typing import Any

import pytest

from rtpipe import fit
from rtpipe.card import Card, StageCard
from rtpipe.checks import check_stage
from rtpipe.errors import BundleError
from rtpipe.few import few
from rtpipe.stages.filter import Filter
from rtpipe.stages.pick import Pick
from rtpipe.types import StreamInfo

from .cards import small_card


def card(**changes: Any) -> Card:
    fits = {
        "sfreq": 256.0,
        "ch_names": ("TP9", "AF7", "AF8", "TP10"),
        "units": ("uV",) * 4,
        "n_times": 64,
        "hop": 16,
    }
    return small_card(**fits | changes)


def test_a_bundle_that_fits(muse: StreamInfo) -> None:
    assert fit.misfits(card(), muse) == []
    assert fit.misfits(card(ch_names=("AF8", "TP9"), units=("uV",) * 2), muse) == []
    assert fit.misfits(card(), replace(muse, sfreq=256.2)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sfreq": 250.0}, ["it wants 250 Hz and the stream has 256 Hz"]),
        (
            {"ch_names": ("Cz",), "units": ("uV",)},
            ["it wants the channel Cz and the stream has TP9, AF7, AF8, TP10"],
        ),
        (
            {"ch_names": ("Cz", "AF7", "Pz"), "units": ("uV",) * 3},
            ["it wants the channels Cz, Pz and the stream has TP9, AF7, AF8, TP10"],
        ),
        (
            {"units": ("uV", "none", "V", "uV")},
            ["it wants AF7 in 'none', which is in 'uV'"],
        ),
        (
            {"sfreq": 1000.0, "ch_names": ("Cz",), "units": ("V",)},
            [
                "it wants 1000 Hz and the stream has 256 Hz",
                "it wants the channel Cz and the stream has TP9, AF7, AF8, TP10",
            ],
        ),
    ],
)
def test_what_keeps_a_bundle_from_a_stream(
    changes: dict[str, Any], said: list[str], muse: StreamInfo
) -> None:
    assert fit.misfits(card(**changes), muse) == said


def test_a_unit_that_nobody_told_can_be_told(muse: StreamInfo) -> None:
    untold = replace(muse, units=("unknown",) * 4)
    (said,) = fit.misfits(card(), untold)
    assert "the recording does not tell its unit" in said
    assert "--set device.units=uV" in said


def test_units_are_compared_by_the_channels_name(muse: StreamInfo) -> None:
    mixed = replace(muse, units=("none", "uV", "uV", "none"))
    assert fit.misfits(card(ch_names=("AF8", "AF7"), units=("uV",) * 2), mixed) == []
    assert fit.misfits(card(ch_names=("AF8", "TP9"), units=("uV", "none")), mixed) == []
    assert fit.misfits(card(ch_names=("TP9", "AF8"), units=("uV", "none")), mixed)


def test_channels_are_picked_only_where_they_differ(muse: StreamInfo) -> None:
    stage = StageCard(kind="filter", settings={"low": 1.0, "high": 40.0})
    assert fit.stages(card(stages=(stage,)), muse) == (stage,)
    turned = card(stages=(stage,), ch_names=("AF8", "TP9"), units=("uV",) * 2)
    first, second = fit.stages(turned, muse)
    assert (first.kind, first.settings) == ("pick", {"ch_names": ["AF8", "TP9"]})
    assert second == stage


def test_a_chain_is_built_from_its_card(muse: StreamInfo) -> None:
    chain = fit.chain(
        (
            StageCard(kind="pick", settings={"ch_names": ["AF8", "TP9"]}),
            StageCard(kind="filter", settings={"low": 1.0, "high": 40.0}),
        )
    )
    assert [type(stage) for stage in chain.stages] == [Pick, Filter]
    assert chain.prepare(muse).ch_names == ("AF8", "TP9")
    check_stage(chain, muse)
    assert fit.chain(()).stages == ()


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (
            StageCard(kind="wavelet"),
            "needs a stage that is not here: no stage is named 'wavelet'; there are: ",
        ),
        (
            StageCard(kind="filter", settings={"lower": 1.0}),
            "stage 'filter' of the bundle: lower: Extra inputs",
        ),
        (
            StageCard(kind="pick"),
            "stage 'pick' of the bundle: ch_names: Field",
        ),
    ],
)
def test_a_stage_that_cannot_be_built(stage: StageCard, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        fit.chain((stage,))


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("filter", {"low": "x"}, "stage 'filter' of the bundle: low: "),
        ("filter", {"lo": 1.0}, "stage 'filter' of the bundle: lo: "),
        ("filter", {"high": 9.0, "order": 0}, "order: Input should be greater than"),
        ("filter", {"high": 9.0, "order": 21}, "order: Input should be less than"),
        ("filter", {"notch": -1}, "notch: Input should be greater than"),
        ("filter", {"notch": 101}, "notch: Input should be less than"),
        ("filter", {"notch": 1, "quality": 0.0}, "quality: Input should be greater"),
        ("rereference", {"ref_channels": 5}, "ref_channels: "),
        ("channel_scale", {"prior": "abc", "worth": 1.0}, "prior: "),
    ],
)
def test_settings_that_a_stage_does_not_take(
    kind: str, settings: dict[str, object], said: str
) -> None:
    with pytest.raises(BundleError, match=said):
        fit.chain((StageCard(kind=kind, settings=settings),))


@pytest.mark.parametrize("n", [1, 8, 9, 200])
def test_a_sentence_holds_eight_names(n: int) -> None:
    names = [f"E{k}" for k in range(n)]
    *listed, last = few(names).split(", ")
    if n <= 8:
        assert [*listed, last] == names
    else:
        assert (listed, last) == (names[:8], f"... ({n} in all)")

"""Whether a bundle fits a stream, and by which stages the one meets the other."""

from typing import Any

from pydantic import ValidationError

from rtpipe.card import Card, StageCard
from rtpipe.errors import BundleError, ConfigError
from rtpipe.few import few
from rtpipe.registry import find
from rtpipe.stage import Chain
from rtpipe.table import table_of
from rtpipe.types import StreamInfo
from rtpipe.unit import UNKNOWN


def misfits(card: Card, info: StreamInfo) -> list[str]:
    """Return what keeps a bundle from running on a stream, a phrase each; or none."""
    faults = []
    if abs(card.sfreq - info.sfreq) > 1e-3 * card.sfreq:
        faults.append(
            f"it wants {card.sfreq:g} Hz and the stream has {info.sfreq:g} Hz"
        )
    if lacking := [name for name in card.ch_names if name not in info.ch_names]:
        faults.append(
            f"it wants the channel{'s' * (len(lacking) > 1)} {few(lacking)} "
            f"and the stream has {few(info.ch_names)}"
        )
    else:
        have = dict(zip(info.ch_names, info.units, strict=True))
        for name, unit in zip(card.ch_names, card.units, strict=True):
            if have[name] == UNKNOWN:
                faults.append(
                    f"it wants {name} in {unit!r}, and the recording does not tell its "
                    f"unit: tell it with --set device.units={unit}, if that is it"
                )
                break
            if have[name] != unit:
                faults.append(
                    f"it wants {name} in {unit!r}, which is in {have[name]!r}"
                )
                break
    return faults


def stages(card: Card, info: StreamInfo) -> tuple[StageCard, ...]:
    """Return the stages from a stream to a bundle's windows.

    They are the card's, preceded by the choice of its channels where the stream has
    more of them or has them in another order.
    """
    if tuple(card.ch_names) == info.ch_names:
        return card.stages
    pick = StageCard(kind="pick", settings={"ch_names": list(card.ch_names)})
    return (pick, *card.stages)


def chain(cards: tuple[StageCard, ...]) -> Chain:
    """Build the stages that a card names; they are not prepared.

    Raises
    ------
    BundleError
        If a stage is not known, or does not take these settings.
    """
    return Chain([_stage(each) for each in cards])


def _stage(card: StageCard) -> Any:
    try:
        make = find("stages", card.kind)
        checked = table_of(make).model_validate(card.settings)
    except ConfigError as error:
        raise BundleError(
            f"the bundle needs a stage that is not here: {error}"
        ) from None
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise BundleError(
            f"stage {card.kind!r} of the bundle: {where}: {fault['msg']}"
        ) from None
    return make(**{key: getattr(checked, key) for key in card.settings})

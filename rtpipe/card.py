"""What a bundle says of itself: JSON in the archive, readable without loading it."""

import json
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from rtpipe.archive import read_card_text
from rtpipe.decide import Decision
from rtpipe.errors import BundleError

FILE = "card.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StageCard(_Part):
    """A stage to run before the windows: its registered name and its settings."""

    kind: str
    settings: dict[str, Any] = {}


class Placements(_Part):
    """How the electrodes may be placed, where the bundle can tell it from the signals.

    Parameters
    ----------
    names : tuple of str
        For a person, in the order of the bundle's evidence; the first is that of the
        training.
    lead : float
        By how much the evidence for another one, summed over the run, must exceed that
        for the first: a difference of log-likelihoods.
    depth : float
        No sum falls further behind the greatest; more than `lead`.
    """

    names: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=2)
    lead: PositiveFloat
    depth: PositiveFloat

    @model_validator(mode="after")
    def _fits_itself(self) -> Self:
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"a name occurs twice in {', '.join(self.names)}")
        if not self.lead < self.depth < inf:
            raise ValueError(f"a depth of {self.depth} does not exceed {self.lead}")
        return self


class Training(_Part):
    """How and on what a bundle was trained.

    Parameters
    ----------
    recipe, protocol : str
    seed : int
    simulated : bool
        Whether the signals were made by a program, not by a person.
    recordings : dict of str to str
        Name of each recording trained on, by the SHA-256 of its file; a repaired or
        converted copy has another one, and is taken for new.
    configurations_tried : int
        How many settings were compared before these were chosen.
    settings : dict
    versions : dict of str to str
    """

    recipe: str
    protocol: str
    seed: int
    simulated: bool
    recordings: dict[str, str] = {}
    configurations_tried: PositiveInt = 1
    settings: dict[str, Any] = {}
    versions: dict[str, str] = {}


class Card(_Part):
    """All that is needed to run a bundle, and to know what its answers are worth.

    Parameters
    ----------
    name : str
    task : str
        What the labels are of: ``"gesture"``, ``"emotion"``, ``"seizure"``, ...
    labels : tuple of str
        In the order of the probabilities.
    sfreq : float
        Of the streams it fits, in hertz.
    ch_names, units : tuple of str
        In the order of the windows' channels, before the stages.
    n_times, hop : int
        Length of a window, and from one window to the next, in samples.
    stages : tuple of StageCard
        From the raw stream to the windows.
    adapts : float or None
        How many windows the training's feature mean and variance count as in the
        running ones; None when features are not adapted.
    placements : Placements or None
        None when the electrodes are taken to be placed as in training.
    decision : Decision
        How its probabilities become decisions, unless the user says otherwise.
    notes : tuple of str
        What a person must be told beside every answer.
    training : Training
    scores : dict
        Figures by protocol.
    weights : str
        SHA-256 of the parameters and buffers.
    """

    format: Literal[1] = 1
    name: str
    task: str
    labels: tuple[str, ...] = Field(min_length=2)
    sfreq: PositiveFloat
    ch_names: tuple[str, ...] = Field(min_length=1)
    units: tuple[str, ...]
    n_times: PositiveInt
    hop: PositiveInt
    stages: tuple[StageCard, ...] = ()
    adapts: PositiveFloat | None = None
    placements: Placements | None = None
    decision: Decision = Decision()
    notes: tuple[str, ...] = ()
    training: Training
    scores: dict[str, Any] = {}
    weights: str = ""

    @model_validator(mode="after")
    def _fits_itself(self) -> Self:
        for names in (self.labels, self.ch_names):
            if len(set(names)) < len(names):
                raise ValueError(f"a name occurs twice in {', '.join(names)}")
        if len(self.units) != len(self.ch_names):
            raise ValueError(
                f"{len(self.units)} units do not fit {len(self.ch_names)} channels"
            )
        if self.placements is not None and self.adapts is None:
            raise ValueError("placements are told by features that are adapted")
        return self


def read_card(path: Path) -> Card:
    """Read the card of a bundle from its file, without loading the model.

    Raises
    ------
    BundleError
        If the file is no bundle; the text says what is wrong with it.
    """
    return checked_card(path, read_card_text(path))


def checked_card(path: Path, text: bytes) -> Card:
    """Return the card that a text says.

    Raises
    ------
    BundleError
        Naming the bundle and what is wrong.
    """
    try:
        return Card.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or FILE
        what = fault["msg"].removeprefix("Value error, ")
        raise BundleError(f"{path}: its card is wrong: {where}: {what}") from None


def write_json(card: Card) -> str:
    """Return the card as the text stored in the archive."""
    return json.dumps(card.model_dump(mode="json"), indent=1)

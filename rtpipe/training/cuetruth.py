"""The truth of windows by the cues of a recording, where its device tells none."""

from dataclasses import replace
from pathlib import Path

from rtpipe.card import Card
from rtpipe.cuespans import spans, truth
from rtpipe.recording import read
from rtpipe.types import Prediction

REACTION = 0.5  # seconds from the onset of a cue until a person does what it says


def judged_by_cues(
    path: Path, card: Card, predictions: list[Prediction]
) -> list[Prediction]:
    """Return predictions with the label of the cue that their window lies wholly in.

    Parameters
    ----------
    path : Path
        The recording they are of.
    card : Card
        Of the bundle; it says how long a person is given to react.
    predictions : list of Prediction
        Returned as they are where one has a truth, or there are no cues.
    """
    if any(each.truth is not None for each in predictions):
        return predictions
    reaction = float(card.training.settings.get("reaction", REACTION))
    told = {
        recording.info.name: truth(cues, round(reaction * recording.info.sfreq))
        for recording in read(path)
        if (cues := spans(recording.events))
    }
    judged = []
    for each in predictions:
        start, stop = each.index + 1 - card.n_times, each.index + 1
        label = told[each.stream].of(start, stop) if each.stream in told else None
        judged.append(replace(each, truth=label if label in card.labels else None))
    return judged

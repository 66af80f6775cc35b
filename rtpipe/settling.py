"""How long until what came before is forgotten: a run that is seen only from later on.

A recording that began after its run knows nothing of what came before it. Filters
forget that by themselves, smoothing after some windows; running adaptation never does.
"""

from dataclasses import dataclass
from math import ceil, log

from rtpipe import fit
from rtpipe.card import Card
from rtpipe.decide import Decision
from rtpipe.stages.quality import EVERY, SPAN
from rtpipe.types import StreamInfo

FORGOTTEN = 1e-6  # share of what came before that may still be seen


@dataclass(frozen=True, slots=True)
class Settling:
    """When answers and decisions no longer depend on what came before.

    Parameters
    ----------
    never : str
        What never forgets; empty where all does.
    samples : int
        A window that begins so many samples after the first one known is answered as if
        all had been known.
    windows : int
        So many answered windows after the first of these, decisions are settled, too.
    """

    never: str
    samples: int
    windows: int


def settling(card: Card, info: StreamInfo, decision: Decision) -> Settling:
    """Return how long a bundle on a stream takes to forget.

    Parameters
    ----------
    card : Card
    info : StreamInfo
    decision : Decision
        How decisions are drawn in the run.

    Notes
    -----
    A stage that can tell how long it takes has a method ``settling(info, share) -> int
    | None``, in samples; of one that has none it is taken to be never. Of stages in a
    row the times add up. Before a verdict on its channels a stream needs two seconds,
    too. A label held by `Decision.dwell` is settled when the next one comes.
    """
    samples = 0
    for told in fit.stages(card, info):
        stage = fit.chain((told,)).stages[0]
        tell = getattr(stage, "settling", None)
        takes = tell(info, FORGOTTEN) if tell else None
        if takes is None:
            return Settling(f"what the stage {told.kind} has learnt", 0, 0)
        samples += takes
        info = stage.prepare(info)
    if card.adapts is not None:
        return Settling("what is learnt of its features", 0, 0)
    verdict = ceil((SPAN + EVERY) * info.sfreq)
    return Settling("", max(samples, verdict), _windows(decision))


def _windows(decision: Decision) -> int:
    """Return how many windows before the present one smoothing looks at."""
    if decision.smoothing == "none" or decision.windows == 1:
        return 0
    if decision.smoothing == "exponential":
        return ceil(log(FORGOTTEN) / log(1 - 2 / (decision.windows + 1)))
    return decision.windows - 1

"""The annotations of EDF+ and BDF+ files, which also say when a record begins."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rtpipe.types import Float64

_FILLED = re.compile(rb"[^\0]+\0")
# Onset, perhaps a duration, then texts. The first of a record has an empty text: its
# onset is the record's.
_LIST = re.compile(
    rb"(?s)([+-]\d{1,12}(?:\.\d*)?)(?:\x15(\d{1,12}(?:\.\d*)?))?\x14(.*)\x14\0"
)


@dataclass(frozen=True, slots=True, eq=False)
class Annotations:
    """What the annotation signals of a file tell.

    Parameters
    ----------
    starts : ndarray of float64, shape (n_records,)
        When each record begins, in seconds since the first one did; NaN where that is
        not told.
    texts : list of (float, float, str)
        Onset in seconds since the first record, duration in seconds, text.
    """

    starts: Float64
    texts: list[tuple[float, float, str]]


def read_annotations(
    signals: Sequence[NDArray[np.uint8]], n_records: int, most: int
) -> Annotations:
    """Read all annotations.

    Parameters
    ----------
    signals : sequence of ndarray of uint8, shape (n_records, n_bytes)
        The annotation signals; there may be none.
    n_records : int
    most : int
        Texts that are kept; where there are more, so many and one.
    """
    starts = np.full(n_records, np.nan)
    texts: list[tuple[float, float, str]] = []
    for k in range(n_records):
        for signal in signals:
            for part in _FILLED.finditer(signal[k].tobytes()):
                # Else the search would look for the end from each place anew.
                if not part[0].endswith(b"\x14\0"):
                    continue
                if not (found := _LIST.search(part[0])):
                    continue
                onset, duration = float(found[1]), float(found[2] or 0)
                said = found[3].decode("utf-8", "replace").split("\x14")
                if not said[0] and np.isnan(starts[k]):
                    starts[k] = onset
                texts += [
                    (onset, duration, text)
                    for text in islice(filter(None, said), most + 1 - len(texts))
                ]
    zero = 0.0 if np.isnan(starts[:1]).any() else float(starts[0])
    return Annotations(starts - zero, [(each[0] - zero, *each[1:]) for each in texts])

"""Where a BrainVision recording was paused, which only its markers' dates tell."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from rtpipe.recordings.brainvisionguard import marker_file

# A new segment begins at a sample, counted from 1, and at a date with microseconds.
_SEGMENT = re.compile(
    r"^Mk\d+=New Segment,[^,]*,(\d+),\d+,\d+,(\d{20})\s*$", re.MULTILINE
)


def pauses(header: Path, sfreq: float) -> list[tuple[int, int]]:
    """Return before which samples a recording was paused, and for how many samples.

    Parameters
    ----------
    header : Path
        The ``.vhdr`` file; its marker file is there.
    sfreq : float

    Notes
    -----
    A pause is what the dates of two segments lie further apart than the samples
    between them, where that is more than four samples and 100 ms: see
    `rtpipe.estimate.IndexEstimate`.
    """
    markers = marker_file(header)
    begun = []
    for row, date in _SEGMENT.findall(markers.read_text("latin-1")):
        try:
            when = datetime.strptime(date, "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)
        except ValueError:  # a date of zeros, for one
            continue
        begun.append((int(row) - 1, when))
    found = []
    for (row, when), (next_row, later) in pairwise(begun):
        lost = round((later - when).total_seconds() * sfreq) - (next_row - row)
        if lost > max(4.0, 0.1 * sfreq):
            found.append((next_row, lost))
    return found

"""Some channels of a recording."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rtpipe.errors import RecordingError
from rtpipe.few import few
from rtpipe.recording import Recording
from rtpipe.stages.pick import Pick


def picked(
    path: Path, recordings: Sequence[Recording], ch_names: Sequence[str]
) -> list[Recording]:
    """Return the streams with the named channels only, in the streams' own order.

    A stream that has none of them is left out.

    Raises
    ------
    RecordingError
        If no stream has such a channel.
    """
    known = [name for each in recordings for name in each.info.ch_names]
    if lacking := [name for name in ch_names if name not in known]:
        raise RecordingError(
            f"{path} has no channel {few(lacking)}: --channels takes "
            f"{few(list(dict.fromkeys(known)))}"
        )
    found = []
    for each in recordings:
        kept = [k for k, name in enumerate(each.info.ch_names) if name in ch_names]
        if kept:
            pick = Pick(ch_names=tuple(each.info.ch_names[k] for k in kept))
            info = pick.prepare(each.info)
            found.append(replace(each, info=info, data=each.data[:, kept]))
    return found

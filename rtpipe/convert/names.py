"""Names that a file format has room for."""

import re
import unicodedata
from collections.abc import Sequence

from rtpipe.recordings.names import different

LABEL = 16  # characters of a channel's name in EDF
_SIGNS = str.maketrans(
    {"\N{GREEK SMALL LETTER MU}": "u", "\N{MICRO SIGN}": "u", "°": "deg", "Ω": "Ohm"}
)


def ascii_text(text: str, most: int) -> str:
    """Return a text in the characters that EDF's header may hold, at most so many."""
    plain = unicodedata.normalize("NFKD", text.translate(_SIGNS))
    kept = "".join(each for each in plain if " " <= each <= "~")
    return kept[:most].strip()


def labels(names: Sequence[str]) -> tuple[str, ...]:
    """Return channels' names cut to what EDF's header holds, each another."""
    cut = different([ascii_text(each, LABEL) or "channel" for each in names])
    if all(len(each) <= LABEL for each in cut):
        return cut
    # Numbers in place of the last characters tell apart what the cut made the same.
    return tuple(
        each if len(each) <= LABEL else f"{each[: LABEL - 4]}-{k:03d}"
        for k, each in enumerate(cut, 1)
    )


def file_name(text: str) -> str:
    """Return a text as a part of a file's name: letters, digits, points, hyphens."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "stream"


def bids_label(text: str) -> str:
    """Return a text as a label of BIDS: letters and digits of ASCII."""
    return re.sub(r"[^A-Za-z0-9]", "", ascii_text(text, len(text)))

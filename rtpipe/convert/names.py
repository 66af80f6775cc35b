"""Names that a file format has room for."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

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
    found: dict[str, None] = {}
    times: Counter[str] = Counter()
    for name in names:
        text = label = ascii_text(name, LABEL) or "channel"
        while label in found:
            times[text] += 1
            end = f"-{times[text]}"
            label = text[: LABEL - len(end)] + end
        found[label] = None
    return tuple(found)


def file_name(text: str) -> str:
    """Return a text as a part of a file's name: letters, digits, points, hyphens."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "stream"


def bids_label(text: str) -> str:
    """Return a text as a label of BIDS: letters and digits of ASCII."""
    return re.sub(r"[^A-Za-z0-9]", "", ascii_text(text, len(text)))

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


def files_apart(names: Sequence[str], ends: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the files of each stream, which no other stream has: its name with `ends`.

    A stream of which a file has the name of an earlier one's gets ``-2``, and so on.
    Small letters and capitals are told apart by their file systems alone, so not here.
    """
    taken: set[str] = set()
    found = []
    for name in names:
        k, tried = 1, name
        while not taken.isdisjoint((tried + end).casefold() for end in ends):
            k += 1
            tried = f"{name}-{k}"
        files = tuple(tried + end for end in ends)
        taken.update(each.casefold() for each in files)
        found.append(files)
    return found


def bids_label(text: str) -> str:
    """Return a text as a label of BIDS: letters and digits of ASCII."""
    return re.sub(r"[^A-Za-z0-9]", "", ascii_text(text, len(text)))

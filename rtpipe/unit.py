"""One word for each unit, however a device or a file spells it."""

NONE = "none"  # raw or arbitrary counts
UNKNOWN = "unknown"  # not told; no bundle takes it
# Types of channels whose voltage is that of a body, so in uV here.
POTENTIALS = ("eeg", "seeg", "ecog", "dbs", "eog", "ecg", "emg", "bio")

_SPELLINGS = {
    "uV": ("uv", "\N{GREEK SMALL LETTER MU}v", "microvolt", "microvolts"),
    "mV": ("mv", "millivolt", "millivolts"),
    "V": ("v", "volt", "volts"),
    "nV": ("nv", "nanovolt", "nanovolts"),
    NONE: ("none", "count", "counts", "raw", "a.u.", "au", "arbitrary", "unitless"),
}
_WORDS = {each: word for word, spelt in _SPELLINGS.items() for each in spelt}


def unit(text: str) -> str:
    """Return the word that stands for a unit here.

    Parameters
    ----------
    text : str
        As the sender or the file spells it: LSL leaves that open.

    Returns
    -------
    str
        ``"uV"``, ``"mV"``, ``"V"`` or ``"nV"`` for the spellings of these; ``"none"``
        for raw or arbitrary counts; any other text without the blanks around it. What
        is empty stays empty: a unit that is not told is not guessed.
    """
    text = text.strip()
    # This makes one of the two signs for micro, which look the same, into the other.
    return _WORDS.get(text.casefold(), text)

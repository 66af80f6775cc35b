"""MNE's word for what a channel carries, however its sender calls it."""

MISC = "misc"

_WORDS = {
    "ekg": "ecg",
    "exg": "bio",
    "eda": "gsr",
    "respiration": "resp",
    "gaze": "eyegaze",
    "trigger": "stim",
    **{
        word: word
        for word in (
            *("eeg", "emg", "ecg", "eog", "ecog", "seeg", "dbs", "bio"),
            *("gsr", "resp", "temperature", "eyegaze", "pupil", "stim"),
        )
    },
}

KNOWN = tuple(sorted({*_WORDS.values(), MISC}))


def chtype(*words: str) -> str:
    """Return MNE's channel type for the first word that has one, else ``"misc"``.

    Parameters
    ----------
    *words : str
        The nearest first: a channel's own, then its stream's.
    """
    known = (_WORDS.get(word.strip().casefold()) for word in words)
    return next((word for word in known if word), MISC)

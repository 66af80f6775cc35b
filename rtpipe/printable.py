"""Words from outside, without what could steer the place where they are shown."""


def clean(text: str) -> str:
    """Return a text with blanks for what is no letter, sign or blank of its line.

    Such could move a terminal's cursor, end a line, or turn the direction of words that
    stand beside it.
    """
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    return character if character.isprintable() else " "

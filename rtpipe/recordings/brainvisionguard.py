"""Whether the text parts of a BrainVision recording may be given to MNE.

They name other files, an encoding and counts, all of which MNE believes.
"""

import re
from pathlib import Path

from rtpipe.errors import RecordingError
from rtpipe.recording import MOST

_LONGEST = 4096  # characters of a line; searches of MNE's take the square of it
_LARGEST = 2**22  # bytes of a header; the channels of the densest arrays fill a tenth
# Characters in a table of the texts of all annotations, each as wide as the longest:
# so NumPy keeps them for MNE, some times over.
TABLE = 2**22
_NAME = re.compile(r"[ \t]*(datafile|markerfile)[ \t]*[=:](.*)", re.IGNORECASE)
_COUNT = re.compile(
    r"[ \t]*(numberofchannels|skiplines)[ \t]*[=:][ \t]*(\d{0,9}\b)?", re.IGNORECASE
)
_PAGE = re.compile(r"codepage=(.*)", re.IGNORECASE)
# ANSI is that of Windows. No encoding in which plain text means another one.
_PAGES = re.compile(
    r"utf-?8|ansi|ascii|us-ascii|latin-?1|iso-?8859-\d+|(cp|windows-)125\d", re.I
)


def refuse_unsafe(header: Path) -> None:
    """Raise where a recording names what is not a file beside it, or cannot be read.

    Parameters
    ----------
    header : Path
        The ``.vhdr`` file.

    Raises
    ------
    RecordingError
        If a name is more than a file's, a line or the header is too long, or an
        encoding or a count is none that a recording has.
    """
    if header.stat().st_size > _LARGEST:
        raise RecordingError(f"{header}: a header of BrainVision's is not so long")
    for line in _lines(header):
        if (named := _NAME.match(line)) and not _beside(header, named[2].strip()):
            raise RecordingError(
                f"{header}: {named[1]} is to name a file in the header's folder, and "
                f"says {named[2].strip()[:80]!r}"
            )
        if (counted := _COUNT.match(line)) and not int(counted[2] or MOST + 1) <= MOST:
            raise RecordingError(f"{header}: {counted[1]} is no number up to {MOST}")
    for markers in {marker_file(header), header.with_suffix(".vmrk")} - {header}:
        if markers.is_file():
            texts = [len(each) for each in _lines(markers) if each.startswith("Mk")]
            if len(texts) * max(texts, default=0) > TABLE:
                raise RecordingError(
                    f"{markers}: there are {len(texts)} markers, too many for one to "
                    f"be {max(texts)} characters long"
                )


def marker_file(header: Path) -> Path:
    """Return the file of a recording's markers, the header where it names none."""
    for line in header.read_text("latin-1").splitlines():
        named = _NAME.match(line)
        if named and named[1].lower() == "markerfile" and named[2].strip():
            return header.with_name(named[2].strip().replace("$b", header.stem))
    return header


def _lines(path: Path) -> list[str]:
    """Return a text's lines, if it is one that can be read line by line."""
    lines = path.read_text("latin-1").splitlines()
    if max(map(len, lines), default=0) > _LONGEST:
        raise RecordingError(f"{path}: a line is longer than {_LONGEST} characters")
    for line in lines:
        page = _PAGE.search(line)
        if page and not _PAGES.fullmatch(page[1].strip()):
            raise RecordingError(
                f"{path}: Codepage is to be UTF-8 or ANSI, and is {page[1].strip()!r}"
            )
    return lines


def _beside(header: Path, name: str) -> bool:
    """Tell whether a name is that of a file, there or not, in the header's folder."""
    if not name:
        return True
    if Path(name).name != name or "\0" in name:
        return False
    path = header.with_name(name.replace("$b", header.stem))
    return path.is_file() or not path.exists()

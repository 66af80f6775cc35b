"""Whether a FIF file is whole, by its tags alone."""

import struct
from pathlib import Path

START = b"\0\0\0\x64\0\0\0\x1f\0\0\0\x14"  # the first tag: the file's number
_TAG = struct.Struct(">iiii")  # kind, type, bytes of data, where the next tag is
_NONE = -1  # there is no next tag; 0: it is right behind the data


def is_cut(path: Path) -> bool:
    """Return whether a file is FIF, and ends before the tag that is marked as last."""
    size, place = path.stat().st_size, 0
    with path.open("rb") as file:
        if file.read(len(START)) != START:
            return False
        while place + _TAG.size <= size:
            file.seek(place)
            _, _, n_bytes, following = _TAG.unpack(file.read(_TAG.size))
            behind = place + _TAG.size + n_bytes
            if following == _NONE:
                return bool(behind > size)
            if (following or behind) <= place:
                return False  # broken in another way
            place = following or behind
    return True

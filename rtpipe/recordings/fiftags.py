"""The tags of a FIF file, and by them alone whether it is whole."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

START = b"\0\0\0\x64\0\0\0\x1f\0\0\0\x14"  # the first tag: the file's number
HEAD = struct.Struct(">iIii")  # kind, type, bytes of data, where the next tag is
NONE = -1  # there is no next tag; 0: it is right behind the data


@dataclass(frozen=True, slots=True)
class Tag:
    """What stands before each piece of data.

    Parameters
    ----------
    kind, type : int
    n_bytes : int
        Of the data.
    following : int
        Where the next tag is.
    place : int
        Of the tag in the file.
    """

    kind: int
    type: int
    n_bytes: int
    following: int
    place: int

    @property
    def stop(self) -> int:
        """Where its data end."""
        return self.place + HEAD.size + self.n_bytes


def tag_at(file: IO[bytes], place: int) -> Tag:
    """Return the tag at a place, which has to be in the file."""
    file.seek(place)
    kind, type_, n_bytes, following = HEAD.unpack(file.read(HEAD.size))
    return Tag(kind, type_, n_bytes, following, place)


def tags(file: IO[bytes], size: int) -> Iterator[Tag]:
    """Yield the tags of a file of so many bytes, while each leads to a later one."""
    place = 0
    while place + HEAD.size <= size:
        tag = tag_at(file, place)
        yield tag
        if tag.following == NONE or (tag.following or tag.stop) < place + HEAD.size:
            return
        place = tag.following or tag.stop


def is_cut(path: Path) -> bool:
    """Return whether a file is FIF, and ends before the tag that is marked as last."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(len(START)) != START:
            return False
        for last in tags(file, size):
            if last.following == NONE:
                return last.stop > size
            if (last.following or last.stop) < last.place + HEAD.size:
                return False  # broken in another way
    return True

"""Whether what a FIF file claims can be: MNE believes every size and place in it."""

import math
import struct
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import IO

from rtpipe.errors import RecordingError
from rtpipe.recordings.brainvisionguard import TABLE
from rtpipe.recordings.fiftags import HEAD, NONE, START, Tag, tag_at, tags

_POINTER, _BLOCK = 101, 104  # kinds: where the directory is, where a block begins
_LAST = -1  # a kind: after the directory's last entry
_ROLE, _NUMBER, _NAME = 115, 117, 118  # kinds: of a file that belongs to this one
_NEXT = 2  # the role of the file that goes on with this one
_COMMENT = 206  # a kind
_INT, _DIRECTORY, _POINTS = 3, 32, 36  # types; points have their number before them
_MATRIX, _DENSE = 0xFFFF0000, 0x40000000  # of a type
_WIDTHS = {3: 4, 4: 4, 5: 8, 6: 4, 20: 8, 21: 16}  # bytes of a matrix's numbers
_POINT = 20  # bytes
_SPARE = 2**24  # bytes that may be missing of a file that is cut
_MOST, _EACH = 2**16, 100  # tags a small file may have, and bytes for one more


def refuse_impossible(path: Path) -> None:
    """Raise where a file, or one that goes on with it, claims what cannot be.

    Raises
    ------
    RecordingError
        If a tag reaches beyond the file, the directory tells of more than there is, or
        what the recording goes on with is no other file beside it.
    """
    seen: set[Path] = set()
    left = [path]
    while left:
        part = left.pop()
        if part in seen:
            raise RecordingError(f"{path} is damaged: it goes on in {part.name} twice")
        seen.add(part)
        try:
            left += _looked_through(part)
        except (ValueError, struct.error):
            raise RecordingError(
                f"{part} is damaged: it tells of what is not in it"
            ) from None


def _looked_through(path: Path) -> list[Path]:
    """Return the files that go on with this one; raise ValueError if it cannot be."""
    size = path.stat().st_size
    with path.open("rb") as file:
        _require(file.read(len(START)) == START)
        first = list(islice(tags(file, size), 2))
        pointer = [each for each in first if each.kind == _POINTER]
        place = _whole(file, pointer[0]) if pointer else 0
        directory = tag_at(file, place) if 0 < place <= size - HEAD.size else None
        if directory and directory.type == _DIRECTORY:
            _require(0 <= directory.n_bytes <= size - place)
            chain = _possible(_listed(file, directory), size, 0)
        else:  # it is cut, and MNE goes from tag to tag
            chain = _possible(tags(file, size), size, _SPARE)
            _require(
                all(
                    each.following in (NONE, 0) or each.following >= each.stop
                    for each in chain
                )
            )
        for each in chain:
            _check(file, each)
        return _parts(path, file, chain)


def _possible(found: Iterable[Tag], size: int, spare: int) -> list[Tag]:
    """Return the tags, unless they are too many or tell of more than there is."""
    kept: list[Tag] = []
    total = 0
    for tag in found:
        total += HEAD.size + tag.n_bytes
        _require(tag.n_bytes >= 0 and tag.stop <= size + spare)
        _require(total <= size + spare and len(kept) < _MOST + size // _EACH)
        kept.append(tag)
    return kept


def _listed(file: IO[bytes], directory: Tag) -> Iterable[Tag]:
    """Yield the tags that a directory lists, which are to be what it says of them."""
    entries = _data(file, directory)
    entries = entries[: len(entries) // HEAD.size * HEAD.size]
    for kind, type_, n_bytes, place in HEAD.iter_unpack(entries):
        if kind == _LAST:
            continue
        _require(place >= 0)
        tag = tag_at(file, place)
        _require((tag.kind, tag.type, tag.n_bytes) == (kind, type_, n_bytes))
        yield tag


def _check(file: IO[bytes], tag: Tag) -> None:
    """Look at the numbers within the data by which more data is read."""
    if tag.kind == _COMMENT:
        texts = _data(file, tag).split(b":")  # of annotations; see `TABLE`
        _require(len(texts) * max(map(len, texts)) <= TABLE)
    if tag.type == _POINTS:
        _, _, n = struct.unpack(">iii", _data(file, tag)[:12])
        _require(0 <= n * _POINT <= tag.n_bytes + _POINT)
    elif tag.type & _MATRIX and tag.n_bytes:
        width = _WIDTHS.get(tag.type & ~_MATRIX, 0)
        data = _data(file, tag)
        (n,) = struct.unpack(">i", data[-4:])
        _require(1 <= n <= 3)
        dense = tag.type & _MATRIX == _DENSE
        n += not dense
        shape = struct.unpack(f">{n}i", data[-4 * (n + 1) : -4])
        _require(min(shape) >= 0)
        read = math.prod(shape) * width if dense else max(shape)
        _require(read <= tag.n_bytes)


def _parts(path: Path, file: IO[bytes], chain: Iterable[Tag]) -> list[Path]:
    """Return the files that a file says it goes on in, where they are there."""
    names, numbers = set(), set()
    role = _NEXT
    for tag in chain:
        if tag.kind == _BLOCK:
            role = _NEXT
        elif tag.kind == _ROLE:
            role = _whole(file, tag)
        elif tag.kind == _NAME and role == _NEXT:
            name = _data(file, tag).decode("latin-1")
            _require(Path(name).name == name)
            names.add(path.with_name(name))
        elif tag.kind == _NUMBER and role == _NEXT:
            numbers.add(path.with_name(_numbered(path.name, _whole(file, tag))))
    return [each for each in names or numbers if each.is_file()]


def _numbered(name: str, number: int) -> str:
    """Return the name of the part of a number, as MNE makes it of another's."""
    stem, _, suffix = name.partition(".")
    before, dash, own = stem.rpartition("-")
    return f"{before if dash and own.isdigit() else stem}-{number}.{suffix}"


def _whole(file: IO[bytes], tag: Tag) -> int:
    _require((tag.type, tag.n_bytes) == (_INT, 4))
    return int.from_bytes(_data(file, tag), "big", signed=True)


def _data(file: IO[bytes], tag: Tag) -> bytes:
    file.seek(tag.place + HEAD.size)
    return file.read(tag.n_bytes)


def _require(possible: bool) -> None:
    if not possible:
        raise ValueError

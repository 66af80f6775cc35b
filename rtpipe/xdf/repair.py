"""A whole copy of a file that was cut off or damaged."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rtpipe.errors import RecordingError
from rtpipe.xdf.encode import MAGIC, file_header, stream_footer
from rtpipe.xdf.read import File, Stream, read

_AT_ONCE = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did.

    Parameters
    ----------
    saved, lost : int
        Bytes of the damaged file that are in the copy, and that are not.
    samples : dict of str to int
        How many there are of each stream, by its name.
    footers : int
        How many streams have a new footer.
    """

    saved: int
    lost: int
    samples: dict[str, int]
    footers: int


def repair(path: Path, target: Path) -> Repaired:
    """Write all that can be read to a new file, and the footers it lacks.

    Every chunk that can be read is copied as it is; the headers come first. A stream
    of which samples may be missing gets another footer, which says where: the copy
    itself would not show it.

    Raises
    ------
    RecordingError
        If `path` is no XDF file, or `target` is there already.
    OSError
        If it cannot be written; nothing is left of it then.
    """
    file = read(path)
    lacking = [each for each in file.streams if not each.footer or each.breaks]
    try:
        copy = target.open("xb")
    except FileExistsError:
        raise RecordingError(
            f"{target} is there already: remove it, or give it another name, first"
        ) from None
    try:
        with path.open("rb") as source, copy:
            copy.write(file_header({}) if file.about is None else MAGIC)
            for start, stop in file.spans:
                _copy(source, copy, start, stop)
            for stream in lacking:
                copy.write(_footer(stream))
            copy.flush()
            os.fsync(copy.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    saved = len(MAGIC) + sum(stop - start for start, stop in file.spans)
    return Repaired(saved, file.size - saved, _samples(file), len(lacking))


def _copy(source: BinaryIO, target: BinaryIO, start: int, stop: int) -> None:
    source.seek(start)
    while start < stop:
        part = source.read(min(_AT_ONCE, stop - start))
        if not part:
            raise OSError("the file became shorter while it was copied")
        target.write(part)
        start += len(part)


def _footer(stream: Stream) -> bytes:
    stamps = stream.stamps
    first, last = (stamps[0], stamps[-1]) if len(stamps) else (0.0, 0.0)
    offsets = [(at, offset) for at, offset in stream.offsets.tolist()]
    told = {}
    if stream.breaks:
        told["breaks"] = " ".join(map(str, stream.breaks))
        if stream.footer and stream.footer.count is not None:
            told["written"] = str(stream.footer.count)
    return stream_footer(stream.stream_id, first, last, len(stamps), offsets, told)


def _samples(file: File) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in file.streams:
        name = each.header.name
        found[name] = found.get(name, 0) + len(each.stamps)
    return found

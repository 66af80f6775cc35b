"""Recordings written anew, with something changed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtpipe.xdf import encode
from rtpipe.xdf.header import STRING
from rtpipe.xdf.read import Stream, read


@dataclass
class Content:
    """What a stream of a file holds, to be changed."""

    stream: Stream
    stamps: Any
    values: Any
    rows: list[tuple[str, ...]]


def rewritten(path: Path, change: Callable[[dict[str, Content]], None]) -> Path:
    """Write a file anew, whole, with something changed; by the streams' names."""
    file = read(path)
    held = {
        each.header.name: Content(
            each, each.stamps.copy(), each.values.copy(), [*map(tuple, each.rows())]
        )
        for each in file.streams
    }
    change(held)
    told = encode.file_header({})
    for each in held.values():
        told += encode.stream_header(each.stream.stream_id, each.stream.header)
    for each in held.values():
        key, stamps = each.stream.stream_id, each.stamps
        if len(stamps) and each.stream.header.channel_format == STRING:
            told += encode.texts(key, stamps, each.rows)
        elif len(stamps):
            told += encode.samples(key, stamps, each.values)
        for offset in each.stream.offsets.tolist():
            told += encode.clock_offset(key, *offset)
    for each in held.values():
        offsets = [(at, off) for at, off in each.stream.offsets.tolist()]
        n = len(each.stamps)
        ends = (float(each.stamps[0]), float(each.stamps[-1])) if n else (0.0, 0.0)
        told += encode.stream_footer(each.stream.stream_id, *ends, n, offsets)
    new = path.with_name("changed.xdf")
    new.write_bytes(told)
    return new


def a_decision(held: dict[str, Content]) -> None:
    rows = held["plain arm decisions"].rows
    label, reason, index = rows[100]
    rows[100] = ("high" if label != "high" else "low", reason, index)


def an_index_entry_less(held: dict[str, Content]) -> None:
    content = held["arm index"]
    assert len(content.stamps) == 2
    content.stamps, content.values = content.stamps[:1], content.values[:1]

"""A whole copy of what was cut off or damaged, opened by pyxdf."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf

from rtpipe.errors import RecordingError
from rtpipe.xdf.encode import (
    boundary,
    clock_offset,
    file_header,
    samples,
    stream_footer,
    stream_header,
    texts,
)
from rtpipe.xdf.header import Channel, Header
from rtpipe.xdf.read import read
from rtpipe.xdf.repair import repair

NUMBERS = Header("N", "EEG", "float32", 100.0, (Channel("A"),))
TEXTS = Header("T", "Markers", "string", 0.0, (Channel(),))


def rows(start: int, stop: int) -> bytes:
    stamps = 1 + np.arange(start, stop) / 100
    return samples(1, stamps, np.arange(start, stop, dtype=np.float32)[:, None])


# The chunks that hold samples, with how many of each stream there are behind them.
CHUNKS: list[tuple[bytes, int, int]] = [
    (file_header({"datetime": "now"}), 0, 0),
    (stream_header(1, NUMBERS), 0, 0),
    (stream_header(2, TEXTS), 0, 0),
    (clock_offset(1, 1.0, 0.5), 0, 0),
    (rows(0, 5), 5, 0),
    (texts(2, np.array([1.5]), [["first"]]), 5, 1),
    (boundary(), 5, 1),
    (clock_offset(1, 6.0, 0.5), 5, 1),
    (rows(5, 9), 9, 1),
    (texts(2, np.array([2.5, 2.6]), [["second"], ["third"]]), 9, 3),
    (stream_footer(1, 1.0, 1.08, 9, [(1.0, 0.5), (6.0, 0.5)]), 9, 3),
    (stream_footer(2, 1.5, 2.6, 3, []), 9, 3),
]
WHOLE = b"".join(chunk for chunk, _, _ in CHUNKS)
WORDS = [["first"], ["second"], ["third"]]


def opened(path: Path) -> dict[str, Any]:
    streams, about = pyxdf.load_xdf(
        path, synchronize_clocks=False, dejitter_timestamps=False
    )
    assert about["info"]["version"] == ["1.0"]
    for each in streams:
        footer = each["footer"]["info"]
        assert int(footer["sample_count"][0]) == len(each["time_stamps"])
        if len(each["time_stamps"]):
            assert float(footer["first_timestamp"][0]) == each["time_stamps"][0]
            assert float(footer["last_timestamp"][0]) == each["time_stamps"][-1]
        told = (footer["clock_offsets"][0] or {}).get("offset", [])
        assert [float(each["time"][0]) for each in told] == each["clock_times"]
    return {each["info"]["name"][0]: each for each in streams}


def test_cut_at_every_byte_it_is_read_up_to_there_and_repaired_whole(
    tmp_path: Path,
) -> None:
    path, target = tmp_path / "x.xdf", tmp_path / "y.xdf"
    ends = np.cumsum([len(chunk) for chunk, _, _ in CHUNKS])
    for cut in range(4, len(WHOLE)):
        path.write_bytes(WHOLE[:cut])
        n_whole = int(np.searchsorted(ends, cut, "right"))
        n_numbers, n_texts = CHUNKS[n_whole - 1][1:] if n_whole else (0, 0)
        begun = 4 if cut < ends[0] else int(ends[n_whole - 1])
        found = read(path)
        assert not found.whole or cut == ends[0]  # it may have had no streams
        assert found.cut == (begun if begun < cut else None)
        made = repair(path, target)
        assert (made.saved, made.lost) == (begun, cut - begun)
        assert read(target).whole
        streams = opened(target)
        assert len(streams) == min(2, max(0, n_whole - 1))
        if "N" in streams:
            numbers = streams["N"]
            values = np.ravel(numbers["time_series"]).tolist()
            assert values == list(range(n_numbers))
            assert numbers["time_stamps"].tolist() == [
                1 + k / 100 for k in range(n_numbers)
            ]
        if "T" in streams:
            assert streams["T"]["time_series"] == WORDS[:n_texts]
        target.unlink()


@pytest.mark.parametrize("bad", [b"\0", b"\1\4\3\0xx", b"\4\xff\xff\xff\0\3\0"])
@pytest.mark.parametrize("at", range(3, len(CHUNKS)))
def test_what_can_be_read_around_damage_is_copied_as_it_is(
    bad: bytes, at: int, tmp_path: Path
) -> None:
    """Damage between chunks costs none of them, also where no boundary follows."""
    path, target = tmp_path / "x.xdf", tmp_path / "y.xdf"
    chunks = [chunk for chunk, _, _ in CHUNKS]
    content = b"".join([*chunks[:at], bad, *chunks[at:]])
    path.write_bytes(content)
    made = repair(path, target)
    assert target.read_bytes().startswith(WHOLE)
    assert (made.saved, made.lost) == (len(WHOLE), len(bad))
    assert read(target).whole
    assert {"N", "T"} == set(made.samples)


def test_headers_come_first_and_what_has_none_is_left_out(tmp_path: Path) -> None:
    path, target = tmp_path / "x.xdf", tmp_path / "y.xdf"
    late = [CHUNKS[0][0], rows(0, 5), texts(2, np.array([1.0]), [["first"]])]
    path.write_bytes(b"".join([*late, CHUNKS[2][0]]))
    made = repair(path, target)
    assert made.lost == len(rows(0, 5))
    assert opened(target)["T"]["time_series"] == [["first"]]


def test_a_copy_takes_nobodys_place(tmp_path: Path) -> None:
    path, target = tmp_path / "x.xdf", tmp_path / "y.xdf"
    path.write_bytes(WHOLE[:-5])
    target.write_bytes(b"mine")
    with pytest.raises(RecordingError, match=r"y\.xdf is there already"):
        repair(path, target)
    assert target.read_bytes() == b"mine"
    path.write_bytes(b"no")
    target.unlink()
    with pytest.raises(RecordingError, match=r"x\.xdf is no XDF file"):
        repair(path, target)
    assert not target.exists()

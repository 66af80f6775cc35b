"""Reading XDF: against pyxdf where the file is whole, by what is left where not."""

import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rtpipe.errors import RecordingError, RtpipeError
from rtpipe.recording import Answers
from rtpipe.recordings.facts import facts
from rtpipe.recordings.xdf import XDF
from rtpipe.xdf.encode import (
    boundary,
    clock_offset,
    file_header,
    samples,
    stream_footer,
    stream_header,
    texts,
)
from rtpipe.xdf.header import FORMATS, Channel, Header
from rtpipe.xdf.read import read

DATA = Path(__file__).parents[2] / "shared" / "data" / "recordings"


def head(stream_id: int, kind: str = "float32", n: int = 2, name: str = "") -> bytes:
    channels = tuple(Channel(f"C{k}", "microvolts", "EEG") for k in range(n))
    name = name or f"S{stream_id}"
    return stream_header(stream_id, Header(name, "EEG", kind, 100.0, channels))


def part(stream_id: int, start: int, stop: int) -> bytes:
    """Return the samples of some rows; each holds its own number."""
    rows = np.arange(start, stop, dtype=np.float64)
    values = np.stack([rows, -rows], 1).astype(np.float32)
    return samples(stream_id, 10 + rows / 100, values)


def written(path: Path, *chunks: bytes) -> Path:
    path.write_bytes(b"".join(chunks))
    return path


def loose(
    stream_id: int, stamps: Sequence[float | None], rows: Sequence[bytes]
) -> bytes:
    """Return a chunk in which samples may come without a time."""
    content = struct.pack("<IBI", stream_id, 4, len(rows))
    for stamp, row in zip(stamps, rows, strict=True):
        content += b"\0" if stamp is None else struct.pack("<Bd", 8, stamp)
        content += row
    return struct.pack("<BQH", 8, len(content) + 2, 3) + content


def same_as_pyxdf(path: Path) -> None:
    found = read(path)
    assert not found.damage
    assert found.cut is None
    theirs, _ = pyxdf.load_xdf(
        path, synchronize_clocks=False, dejitter_timestamps=False
    )
    assert len(found.streams) == len(theirs)
    for ours, other in zip(found.streams, theirs, strict=True):
        assert ours.stream_id == other["info"]["stream_id"]
        assert ours.stamps.tobytes() == other["time_stamps"].tobytes()
        if ours.header.channel_format == "string":
            assert list(ours.rows()) == other["time_series"]
        elif len(ours.stamps):
            assert ours.values.dtype == other["time_series"].dtype
            assert ours.values.tobytes() == other["time_series"].tobytes()
        offsets = zip(other["clock_times"], other["clock_values"], strict=True)
        assert ours.offsets.tolist() == [list(each) for each in offsets]


# Whole files --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["minimal", "empty_streams", "clock_resets"])
def test_published_files_are_read_as_by_pyxdf(name: str) -> None:
    path = DATA / f"{name}.xdf"
    if not path.exists():
        pytest.skip("the folder of real recordings is missing")
    same_as_pyxdf(path)
    assert read(path).whole


STAMPS: list[list[float | None]] = [
    [1.0, 1.01, 1.02],
    [None, None, None],
    [1.0, None, None],
    [None, 1.0, None],
    [0.1, None, 5.0],
]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("stamps", STAMPS)
def test_times_that_are_left_out_are_added_up(
    kind: str, stamps: list[float | None], tmp_path: Path
) -> None:
    dtype = np.dtype(FORMATS[kind])
    rows = [np.array([k, 2 * k], dtype).tobytes() for k in range(3)]
    path = written(
        tmp_path / "x.xdf",
        file_header({}),
        head(5, kind),
        loose(5, stamps, rows),
        loose(5, [None, 2.0, None], rows),
        loose(5, [], []),
    )
    same_as_pyxdf(path)


@pytest.mark.parametrize("stamps", STAMPS)
def test_texts_may_lack_times_too(stamps: list[float | None], tmp_path: Path) -> None:
    rows = [b"\1\1a\1\0", b"\4\2\0\0\0\xc3\xa9\1\1b", b"\1\2\xff!\1\1c"]
    path = written(
        tmp_path / "x.xdf", file_header({}), head(1, "string"), loose(1, stamps, rows)
    )
    same_as_pyxdf(path)


def test_chunks_may_come_before_the_header_of_their_stream(tmp_path: Path) -> None:
    chunks = [
        head(1),
        part(2, 0, 5),
        part(1, 0, 5),
        clock_offset(2, 1.0, 2.0),
        head(2),
        part(2, 5, 9),
    ]
    found = read(written(tmp_path / "x.xdf", file_header({}), *chunks))
    assert not found.damage
    by_id = {each.stream_id: each for each in found.streams}
    assert by_id[1].values[:, 0].tolist() == list(range(5))
    assert by_id[2].values[:, 0].tolist() == list(range(9))
    assert by_id[2].offsets.tolist() == [[1.0, 2.0]]


def test_a_file_is_whole_once_every_stream_has_its_footer(tmp_path: Path) -> None:
    chunks = [file_header({"datetime": "now"}), head(1), head(2), part(1, 0, 5)]
    footers = [stream_footer(1, 10.0, 10.04, 5, []), stream_footer(2, 0.0, 0.0, 0, [])]
    found = read(written(tmp_path / "x.xdf", *chunks, footers[0]))
    assert not found.whole
    found = read(written(tmp_path / "x.xdf", *chunks, *footers))
    assert found.whole
    assert found.about == {"version": "1.0", "datetime": "now"}
    counts = [each.footer and each.footer.count for each in found.streams]
    assert counts == [5, 0]


# Damaged files ------------------------------------------------------------------------


def spoilt(chunk: bytes, at: int, by: bytes) -> bytes:
    at %= len(chunk)
    return chunk[:at] + by + chunk[at + len(by) :]


def chunk_of(tag: int, content: bytes) -> bytes:
    return struct.pack("<BIH", 4, len(content) + 2, tag) + content


ONE = struct.pack("<I", 1)
SPOILT = [
    (chunk_of(3, b"\1\0"), "a chunk without the number of its stream"),
    (chunk_of(5, b"x" * 16), "a boundary that is none"),
    (chunk_of(4, ONE + b"x" * 15), "a clock offset of 15 bytes"),
    (chunk_of(4, struct.pack("<Idd", 9, 1, 1)), "stream 9 has no header"),
    (chunk_of(6, ONE + b"<info>"), "a footer: it is no XML"),
    (chunk_of(1, b"<info/>"), "a second header of the file"),
    (head(1), "a second header of stream 1"),
    (chunk_of(2, struct.pack("<I", 7) + b"x"), "the header of stream 7: it is no XML"),
    (chunk_of(2, struct.pack("<I", 7) + b" " * (5 << 20)), "more than 4194304"),
    (chunk_of(3, ONE), "samples without their number"),
    (chunk_of(3, ONE + b"\3\0"), "samples without their number"),
    (chunk_of(3, ONE + b"\4" + b"\xff" * 4), "4294967295 samples where there is room"),
    (chunk_of(3, ONE + b"\x08" + b"\xff" * 8), "samples where there is room for fewer"),
    (chunk_of(3, ONE + b"\1\1\7" + b"x" * 16), "neither 0 nor 8 bytes"),
    (chunk_of(3, ONE + b"\1\1\0" + b"x" * 9), "samples that do not fill their chunk"),
    (chunk_of(3, struct.pack("<IBBBB", 2, 1, 1, 0, 2) + b"x"), "beyond its chunk"),
    (chunk_of(7, b""), "there is no whole chunk"),
    (b"\0\0\0", "there is no whole chunk"),
    (b"\4\xff\xff\xff\x7f\3\0", "there is no whole chunk"),
    (b"\1\1\3\0", "there is no whole chunk"),
]


@pytest.mark.parametrize(("bad", "said"), SPOILT)
def test_reading_goes_on_behind_damage(bad: bytes, said: str, tmp_path: Path) -> None:
    before = [file_header({}), head(1), head(2, "string", 1), part(1, 0, 20)]
    behind = [boundary(), part(1, 20, 30), texts(2, np.array([1.0]), [["a"]])]
    at = len(b"".join(before))
    found = read(written(tmp_path / "x.xdf", *before, bad, *behind))
    assert len(found.damage) == 1
    assert said in found.damage[0]
    assert found.damage[0].startswith(f"bytes {at} to {at + len(bad)}: ")
    assert found.cut is None
    assert not found.whole
    numbers, marks = found.streams
    assert numbers.values[:, 0].tolist() == list(range(30))
    assert marks.texts == ["a"]
    assert (numbers.breaks, marks.breaks) == ((20,), (0,))


def test_a_length_that_is_wrong_costs_no_more_than_up_to_a_boundary(
    tmp_path: Path,
) -> None:
    for wrong in (b"\4\x80\0\0\0", b"\4\x07\0\0\0", b"\4\xff\xff\0\0"):
        chunks = [file_header({}), head(1), part(1, 0, 20), part(1, 20, 40)]
        chunks[-1] = spoilt(chunks[-1], 0, wrong)
        chunks += [boundary(), part(1, 40, 50)]
        (stream,) = read(written(tmp_path / "x.xdf", *chunks)).streams
        assert stream.values[:, 0].tolist() == [*range(20), *range(40, 50)]
        assert stream.breaks == (20,)


@pytest.mark.parametrize("removed", [1, 7, 40, 200, 700])
def test_bytes_that_are_missing_cost_the_chunks_they_were_in_and_one_more(
    removed: int, tmp_path: Path
) -> None:
    chunks = [part(1, 10 * k, 10 * k + 10) for k in range(12)]
    begin = len(b"".join([file_header({}), head(1), *chunks[:4]]))
    whole = b"".join([file_header({}), head(1), *chunks])
    size = len(chunks[4])
    for at in range(begin, begin + size, 3):
        path = written(tmp_path / "x.xdf", whole[:at] + whole[at + removed :])
        (stream,) = read(path).streams
        last = 4 + (at - begin + removed - 1) // size  # that was hit
        kept = [k // 10 for k in stream.values[:, 0].astype(int).tolist()][::10]
        assert kept[:4] == [*range(4)]
        assert [k for k in kept if k > last + 1] == [*range(last + 2, 12)]
        behind = next(k for k in range(4, 12) if kept[k] != k)
        assert stream.breaks == (10 * behind,)


def test_a_file_that_was_joined_to_another_is_told(tmp_path: Path) -> None:
    first = [file_header({}), head(1), part(1, 0, 20), boundary(), part(1, 20, 30)]
    first += [stream_footer(1, 10.0, 10.3, 30, [])]
    size = len(b"".join(first))
    for cut in (size, size - 5, size - len(first[-1]) - 30):
        path = tmp_path / "x.xdf"
        path.write_bytes(b"".join(first)[:cut] + SMALL)
        found = read(path)
        assert found.cut == cut
        assert f"bytes {cut} to {cut + len(SMALL)}: another file" in found.damage[-1]
        assert f"tail -c +{cut + 1} takes it out" in found.damage[-1]
        (stream,) = found.streams
        rows = range(30 if cut >= size - 5 else 20)
        assert stream.values[:, 0].tolist() == list(rows)


def test_places_of_damage_are_listed_up_to_twenty(tmp_path: Path) -> None:
    chunks = [file_header({}), head(1)]
    chunks += [boundary(), b"\0"] * 50
    found = read(written(tmp_path / "x.xdf", *chunks, boundary()))
    assert len(found.damage) == 21
    assert found.damage[-1] == "and 30 more places"


@pytest.mark.parametrize("content", [b"", b"X", b"XDF", b"xdf:..."])
def test_what_does_not_begin_as_xdf(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"x\.xdf is no XDF file"):
        read(written(tmp_path / "x.xdf", content))


def test_there_are_no_more_streams_than_can_be(tmp_path: Path) -> None:
    heads = [head(k, "int8", 1) for k in range(10_002)]
    found = read(written(tmp_path / "x.xdf", file_header({}), *heads))
    assert len(found.streams) == 10_000
    assert "stream 10000, which is one more than 10000" in found.damage[0]


# Any bytes ----------------------------------------------------------------------------


def small_file() -> bytes:
    rng = np.random.default_rng(0)
    chunks = [file_header({}), head(1), head(2, "string", 1), head(3, "int8", 1)]
    for k in range(6):
        chunks += [part(1, 10 * k, 10 * k + 10), boundary()]
        chunks += [texts(2, np.array([10.0 + k]), [["mark"]])]
        chunks += [loose(3, [10.0 + k, None, None], [b"\1"] * 3)]
        chunks += [clock_offset(i, 10.0 + k, float(rng.normal())) for i in (1, 2, 3)]
    chunks += [stream_footer(1, 10.0, 10.59, 60, [(10.0, 0.5)])]
    return b"".join(chunks)


SMALL = small_file()
INTERESTING = (b"\0", b"\xff", b"\x04", b"\x08", b"\xff" * 8, b"<", b"1e999", b"nan")


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(SMALL) - 1),
            st.sampled_from(INTERESTING) | st.binary(min_size=1, max_size=12),
            st.integers(0, 40),
        ),
        max_size=6,
    ),
    st.integers(0, len(SMALL)),
)
@example([], len(SMALL))
def test_damage_gives_a_sentence_or_a_result_and_takes_little_memory(
    tmp_path: Path, damage: list[tuple[int, bytes, int]], cut: int
) -> None:
    content: bytes = SMALL
    for at, by, removed in damage:
        content = content[:at] + by + content[at + removed :]
    path = written(tmp_path / "x.xdf", content[: max(cut, len(content) - 40)])
    tracemalloc.start()
    try:
        for look in (look_at, play):
            with suppress(RtpipeError):
                look(path)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < (64 << 20) + 10 * len(content)


def look_at(path: Path) -> Any:
    return facts(path, XDF)


def play(path: Path) -> Any:
    for each in XDF.read(path, Answers()):
        assert len(each.index) == len(each.times) == len(each.data)
        assert (np.diff(each.times) >= 0).all()
    return None


def hostile(kind: str, size: int) -> bytes:
    """Return a file in which few bytes claim, or take, much memory."""
    start = file_header({}) + head(1, "int8", 1) + head(2, "string", 1)
    if kind == "samples without times":
        n = size // 2
        return start + chunk_of(3, struct.pack("<IBI", 1, 4, n) + b"\0\1" * n)
    if kind == "short texts":
        n = size // 5
        numbers: NDArray[Any] = np.arange(n, dtype="<u2")
        rows = np.zeros(n, [("head", "S3"), ("text", "<u2")])
        rows["head"], rows["text"] = b"\0\1\2", numbers
        return start + chunk_of(3, struct.pack("<IBI", 2, 4, n) + rows.tobytes())
    if kind == "headers":
        xml = b"<info>" + b"<a/>" * 400_000 + b"</info>"
        return start + b"".join(chunk_of(2, struct.pack("<I", k) + xml) for k in (7, 8))
    if kind == "resets":
        rows = np.zeros(size // 27, [("head", "V7"), ("of", "<u4"), ("o", "<f8", 2)])
        rows["head"] = np.void(struct.pack("<BIH", 4, 22, 4))
        rows["of"], rows["o"][:, 0] = 1, -np.arange(len(rows))
        return start + rows.tobytes()
    if kind == "nearly chunks":
        return start + b"\0" + b"\1\x14\4\0\1\0\0\0" * (size // 8)
    return start + (boundary() + b"\0") * (size // 23)


@pytest.mark.parametrize(
    "kind",
    [
        "samples without times",
        "short texts",
        "headers",
        "resets",
        "nearly chunks",
        "damage",
    ],
)
def test_a_file_that_is_made_to_take_memory(kind: str, tmp_path: Path) -> None:
    content = hostile(kind, 1 << 19)
    path = written(tmp_path / "x.xdf", content)
    tracemalloc.start()
    try:
        look_at(path)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < (64 << 20) + 10 * len(content)


def test_the_comparison_with_pyxdf_finds_no_difference() -> None:
    benchmark = Path(__file__).parents[1] / "benchmarks" / "xdf.py"
    command = [sys.executable, str(benchmark), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "bit for bit the same" in done.stdout

"""What is encoded, against pyxdf as the independent reader."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf

from rtpipe.types import StreamInfo
from rtpipe.xdf.encode import (
    boundary,
    clock_offset,
    file_header,
    samples,
    stream_footer,
    stream_header,
    texts,
)
from rtpipe.xdf.header import FORMATS, Channel, Header, from_xml, to_xml
from rtpipe.xdf.signal import about_signal, signal_info


def header(name: str, kind: str, n_channels: int, **told: Any) -> Header:
    channels = tuple(Channel(f"C{k}", "microvolts", "EEG") for k in range(n_channels))
    return Header(name, "EEG", kind, 100.0, channels, **told)


def opened(path: Path, *chunks: bytes) -> dict[str, Any]:
    path.write_bytes(b"".join(chunks))
    streams, _ = pyxdf.load_xdf(
        path, synchronize_clocks=False, dejitter_timestamps=False
    )
    return {each["info"]["name"][0]: each for each in streams}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("n_times", [1, 20, 300])
def test_numbers_and_stamps_come_back_bit_for_bit(
    kind: str, n_times: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    dtype = np.dtype(FORMATS[kind])
    if dtype.kind == "f":
        values = rng.normal(0, 1e3, (n_times, 3)).astype(dtype)
        values[0] = np.nan, -np.inf, np.finfo(dtype).tiny
    else:
        limits = np.iinfo(dtype)
        values = rng.integers(limits.min, limits.max, (n_times, 3), dtype, True)
    stamps = 1e6 + np.cumsum(rng.uniform(0, 0.02, n_times))
    found = opened(
        tmp_path / "x.xdf",
        file_header({"datetime": "2026-11-21T10:00:00+0000"}),
        stream_header(7, header("A", kind, 3)),
        samples(7, stamps[:10], values[:10]),
        boundary(),
        samples(7, stamps[10:], values[10:]),
    )["A"]
    assert found["time_series"].dtype == dtype
    assert found["time_series"].tobytes() == values.tobytes()
    assert found["time_stamps"].tobytes() == stamps.tobytes()


def test_texts_offsets_and_footers_come_back(tmp_path: Path) -> None:
    rows = [["a", ""], ["é\n<&>", "x" * 300], ["\N{GRINNING FACE}", "\x00"]]
    stamps = np.array([1.5, 2.5, 2.5])
    offsets = [(1.0, -0.125), (6.0, 1e-7)]
    found = opened(
        tmp_path / "x.xdf",
        file_header({}),
        stream_header(1, header("T", "string", 2)),
        texts(1, stamps, rows),
        *(clock_offset(1, *each) for each in offsets),
        stream_footer(1, 1.5, 2.5, 3, offsets),
    )["T"]
    assert found["time_series"] == rows
    assert found["time_stamps"].tolist() == stamps.tolist()
    both = zip(found["clock_times"], found["clock_values"], strict=True)
    assert list(both) == offsets
    footer = found["footer"]["info"]
    assert float(footer["first_timestamp"][0]) == 1.5
    assert float(footer["last_timestamp"][0]) == 2.5
    assert int(footer["sample_count"][0]) == 3
    told = footer["clock_offsets"][0]["offset"]
    assert [(float(o["time"][0]), float(o["value"][0])) for o in told] == offsets


def test_a_header_says_what_liblsl_says(tmp_path: Path) -> None:
    told = header(
        "EEG <1> & \x07\ud800",
        "float32",
        2,
        source_id="id",
        hostname="here",
        uid="u",
        session_id="s",
        manufacturer="Maker",
        created_at=12.345678901234567,
        about={"role": "signal", "rails": "[-1, 1]"},
    )
    (found,) = opened(
        tmp_path / "x.xdf", file_header({}), stream_header(1, told)
    ).values()
    info = found["info"]
    assert info["name"] == ["EEG <1> & \ufffd\ufffd"]
    assert float(info["nominal_srate"][0]) == 100.0
    assert float(info["created_at"][0]) == 12.345678901234567
    for key, value in {
        "type": "EEG",
        "channel_count": "2",
        "channel_format": "float32",
        "source_id": "id",
        "hostname": "here",
        "uid": "u",
        "session_id": "s",
        "version": "1.1",
    }.items():
        assert info[key] == [value]
    (desc,) = info["desc"]
    assert desc["manufacturer"] == ["Maker"]
    assert desc["channels"][0]["channel"] == [
        {"label": [f"C{k}"], "unit": ["microvolts"], "type": ["EEG"]} for k in range(2)
    ]
    assert desc["rtpipe"] == [{"role": ["signal"], "rails": ["[-1, 1]"]}]


@pytest.mark.parametrize("name", ["A", " a\tb\r\nc ", "]]>", "\N{SNOWMAN}"])
def test_a_header_comes_back_from_its_xml(name: str) -> None:
    told = header(name, "int16", 3, about={"role": name}, created_at=1e9 + 1 / 3)
    assert from_xml(to_xml(told)) == told


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        ("<info>", "it is no XML"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><info/>", "it defines entities"),
        ("<info/>", "its channel format is ''"),
        ("<info><channel_format>int8</channel_format></info>", "its channel_count is"),
        *(
            (
                "<info><channel_format>int8</channel_format>"
                f"<channel_count>{count}</channel_count>"
                "<nominal_srate>1</nominal_srate></info>",
                said,
            )
            for count, said in {
                "0": "it has 0 channels",
                "-3": "it has -3 channels",
                "1.5": "its channel_count cannot be 1.5",
                "inf": "its channel_count cannot be inf",
                "two": "its channel_count is 'two', no number",
            }.items()
        ),
        (to_xml(header("A", "int8", 1)).replace("100.0", "fast"), "its nominal_srate"),
    ],
)
def test_a_header_that_cannot_be(xml: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_xml(xml)


@pytest.mark.parametrize("shape", [(3,), (4, 1), (3, 1, 1)])
def test_arrays_that_do_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        samples(1, np.zeros(3), np.zeros(shape))


@pytest.mark.parametrize("origin", [None, 1234])
@pytest.mark.parametrize(
    ("shape", "rails"), [((), None), ((3, 4, 5), (-187.5, 1e-3)), ((1,), (0.1, 0.2))]
)
def test_a_stream_comes_back_from_what_its_header_tells(
    shape: tuple[int, ...], rails: tuple[float, float] | None, origin: int | None
) -> None:
    info = StreamInfo(
        "arm \x00", 1000 / 3, ("A\x01",), ("emg",), ("uV",), shape, rails, 60.0, False
    )
    told = header("x", "float32", 1, about=about_signal(info, "run"))
    found = signal_info(from_xml(to_xml(told)).about, origin)
    assert found.origin == origin
    told = header("x", "float32", 1, about=about_signal(found, "run"))
    assert signal_info(from_xml(to_xml(told)).about) == info


@pytest.mark.parametrize(
    ("key", "said"),
    [
        *((key, None) for key in ("name", "sfreq", "units", "rails", "counted")),
        *((key, "") for key in ("name", "sfreq", "units", "rails", "counted")),
        *(("sfreq", said) for said in ("0", "NaN", "{}", "[1]", '"fast"')),
        *(("units", said) for said in ("7", "[]", '["uV", "uV"]')),
        *(("sample_shape", said) for said in ("7", "[-1]", "[1e999]", '["x"]')),
        *(("rails", said) for said in ("7", "{}", "[1]", "[" * 100_000)),
    ],
)
def test_what_is_told_of_a_stream_but_not_whole(key: str, said: str | None) -> None:
    about = about_signal(StreamInfo("arm", 200.0, ("A",), ("emg",), ("uV",)), "run")
    del about[key]
    if said is not None:
        about[key] = said
    with pytest.raises(ValueError, match="what rtpipe says of it is not whole"):
        signal_info(about)

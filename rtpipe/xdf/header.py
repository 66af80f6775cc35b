"""What a stream's header says, to XML and from it, as liblsl lays it out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import escape

FORMATS = {
    "float32": "<f4",
    "double64": "<f8",
    "int8": "<i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
}
STRING = "string"
_MOST = 256  # things that a header may tell under <rtpipe>
_WIDEST = 1 << 24  # channels; NumPy has no room for much wider samples
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Channel:
    """What is said of one channel; an empty text where nothing is.

    Parameters
    ----------
    label, unit, type : str
        In the sender's words: units are spelt out (``"microvolts"``).
    """

    label: str = ""
    unit: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What stays true of a stream of a file.

    Parameters
    ----------
    name, type : str
    channel_format : str
        A key of `FORMATS`, or ``"string"``.
    nominal_srate : float
        In hertz; 0 where samples come at no fixed rate.
    channels : tuple of Channel
        Those that are described, in order; a foreign file may leave some out.
    source_id, hostname, uid, session_id, manufacturer : str
    created_at : float
        Seconds on the sender's clock.
    about : mapping of str to str
        The children of ``<desc><rtpipe>``, where our own files say what only we know.
    channel_count : int
        How many values a sample has; that of `channels` unless given.
    """

    name: str
    type: str
    channel_format: str
    nominal_srate: float
    channels: tuple[Channel, ...]
    source_id: str = ""
    hostname: str = ""
    uid: str = ""
    session_id: str = ""
    manufacturer: str = ""
    created_at: float = 0.0
    about: Mapping[str, str] = field(default_factory=dict)
    channel_count: int = 0

    def __post_init__(self) -> None:
        if not self.channel_count:
            object.__setattr__(self, "channel_count", len(self.channels))


def to_xml(header: Header) -> str:
    """Return a header as XML; a character that XML does not know becomes U+FFFD."""
    channels = "".join(
        element(
            "channel",
            element("label", text(each.label))
            + element("unit", text(each.unit))
            + element("type", text(each.type)),
        )
        for each in header.channels
    )
    about = "".join(element(key, text(each)) for key, each in header.about.items())
    desc = element("channels", channels)
    if header.manufacturer:
        desc += element("manufacturer", text(header.manufacturer))
    if about:
        desc += element("rtpipe", about)
    inside = "".join(
        element(key, text(str(each)))
        for key, each in {
            "name": header.name,
            "type": header.type,
            "channel_count": header.channel_count,
            "nominal_srate": float(header.nominal_srate),
            "channel_format": header.channel_format,
            "source_id": header.source_id,
            "version": "1.1",
            "created_at": float(header.created_at),
            "uid": header.uid,
            "session_id": header.session_id,
            "hostname": header.hostname,
        }.items()
    )
    return '<?xml version="1.0"?>' + element("info", inside + element("desc", desc))


def from_xml(xml: str) -> Header:
    """Return what a header says; what it leaves out is empty.

    Raises
    ------
    ValueError
        If it is no XML, defines entities, or lacks what is needed to read samples.
    """
    info = parsed(xml)
    told = {
        key: told_in(info, key)
        for key in ("source_id", "hostname", "uid", "session_id", "name", "type")
    }
    kind = told_in(info, "channel_format").strip()
    if kind not in FORMATS and kind != STRING:
        raise ValueError(f"its channel format is {kind!r}, which XDF does not have")
    count = int(_number(info, "channel_count"))
    if not 1 <= count <= _WIDEST:
        raise ValueError(f"it has {count} channels")
    return Header(
        **told,
        channel_format=kind,
        nominal_srate=_number(info, "nominal_srate"),
        channels=tuple(
            Channel(*(told_in(each, key) for key in ("label", "unit", "type")))
            for each in info.findall("desc/channels/channel")[:count]
        ),
        manufacturer=told_in(info, "desc/manufacturer"),
        created_at=_created(info),
        about={
            each.tag: each.text or "" for each in info.findall("desc/rtpipe/*")[:_MOST]
        },
        channel_count=count,
    )


def text(said: str) -> str:
    """Return a text as XML holds it."""
    return escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", said), {"\r": "&#13;"})


def element(tag: str, inside: str) -> str:
    """Return an element, its inside being XML already."""
    return f"<{tag}>{inside}</{tag}>" if inside else f"<{tag} />"


def parsed(xml: str) -> Element:
    """Return the root of a document.

    Raises
    ------
    ValueError
        If it is no XML, or defines entities, which could be endless.
    """
    if "<!DOCTYPE" in xml:
        raise ValueError("it defines entities, which no recorder does")
    try:
        return fromstring(xml)
    except ParseError as error:
        raise ValueError(f"it is no XML: {error}") from None


def told_in(info: Element, path: str) -> str:
    """Return the text of an element's child, empty where there is none."""
    return info.findtext(path) or ""


def _number(info: Element, key: str) -> float:
    said = told_in(info, key)
    try:
        number = float(said)
    except ValueError:
        raise ValueError(f"its {key} is {said!r}, no number") from None
    if key == "channel_count" and not (isfinite(number) and number == int(number)):
        raise ValueError(f"its {key} cannot be {said}")
    return number


def _created(info: Element) -> float:
    try:
        return float(told_in(info, "created_at"))
    except ValueError:
        return 0.0

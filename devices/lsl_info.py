"""What an LSL stream's description says of it, completed by what a person answers."""

from collections.abc import Sequence
from typing import Any

from rtpipe import lsl
from rtpipe.chtype import KNOWN, MISC, chtype
from rtpipe.errors import ConfigError
from rtpipe.few import few
from rtpipe.recording import MOST
from rtpipe.types import StreamInfo
from rtpipe.unit import unit

from .lsl_search import is_text, shown

FASTEST = 1e6  # hertz


def stream_info(
    description: Any,
    ch_names: Sequence[str] | None,
    ch_types: str | Sequence[str] | None,
    units: str | Sequence[str] | None,
) -> StreamInfo:
    """Return what is known of a stream.

    Parameters
    ----------
    description : pylsl.StreamInfo
        The full one, as an inlet gives it.
    ch_names, ch_types, units : str, sequence of str, or None
        A person's answers, which are believed before the description; a word is meant
        for every channel.

    Raises
    ------
    ConfigError
        If the stream is none of samples at a fixed rate, a unit is neither described
        nor answered, an answer has the wrong length, or a name occurs twice.
    """
    name = shown(description.name()) or "lsl"
    where, n_channels = f"lsl:{name}", description.channel_count()
    refuse_irregular(description)

    def answered(key: str, answer: str | Sequence[str] | None) -> list[str] | None:
        if answer is None or isinstance(answer, str):
            return None if answer is None else [answer] * n_channels
        if len(answer) != n_channels:
            raise ConfigError(
                f"{where}: device.{key} says {len(answer)} of {n_channels} channels"
            )
        return list(answer)

    labels = answered("ch_names", ch_names) or [
        shown(label) or str(k)  # a channel without a label goes by its number
        for k, label in enumerate(lsl.channels(description, "label"), 1)
    ]
    if twice := sorted({each for each in labels if labels.count(each) > 1}):
        raise ConfigError(
            f"{where}: several channels have the same name ({few(twice)}): "
            'name all channels with --set \'device.ch_names=["A", "B"]\''
        )
    words = answered("ch_types", ch_types)
    if odd := sorted({w for w in words or () if chtype(w) == MISC != w.casefold()}):
        raise ConfigError(
            f"{where}: device.ch_types: {few(odd)} is none of {', '.join(KNOWN)}"
        )
    told = lsl.channels(description, "type")
    types: list[tuple[str, ...]] = [(each, description.type()) for each in told]
    if words:
        types = [(word,) for word in words]
    spelt = answered("units", units) or lsl.channels(description, "unit")
    found = [unit(shown(each)) for each in spelt]
    if lacking := [
        label for label, each in zip(labels, found, strict=True) if not each
    ]:
        raise ConfigError(
            f"{where} does not say the unit of {few(lacking)}: answer with "
            "--set device.units=uV (a word, or a list for the channels), none for raw "
            "counts"
        )
    return StreamInfo(
        name=name,
        sfreq=description.nominal_srate(),
        ch_names=tuple(labels),
        ch_types=tuple(chtype(*each) for each in types),
        units=tuple(found),
        counted=False,
    )


def refuse_irregular(stream: Any) -> None:
    """Raise ConfigError where a stream is none of samples at a fixed rate."""
    where = f"lsl:{shown(stream.name())}"
    if is_text(stream):
        raise ConfigError(
            f"{where} sends texts, not samples: name the stream of samples, and this "
            f"one with --set 'device.markers={shown(stream.name())}'"
        )
    if (n_channels := stream.channel_count()) > MOST:
        raise ConfigError(
            f"{where} declares {n_channels} channels, more than the {MOST} that are "
            "taken: look after its sender"
        )
    if stream.nominal_srate() > FASTEST:
        raise ConfigError(
            f"{where} declares {stream.nominal_srate():g} Hz, more than the "
            f"{FASTEST:g} that are taken: look after its sender"
        )
    if not stream.nominal_srate() > 0:
        raise ConfigError(
            f"{where} has no fixed sampling rate, which filters and windows need: let "
            "its sender declare its nominal rate"
        )

"""A stream of the Lab Streaming Layer, from any sender on the network."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

import numpy as np

from rtpipe import lsl
from rtpipe.clock import now
from rtpipe.clockmodel import ClockModel
from rtpipe.device import Offer
from rtpipe.errors import DeviceLost, DeviceNotFound, RtpipeError
from rtpipe.estimate import IndexEstimate, stretches
from rtpipe.types import Chunk, Float32, Float64, StreamInfo

from .lsl_info import refuse_irregular, stream_info
from .lsl_markers import Markers
from .lsl_search import (
    AGAIN,
    WITHIN,
    Wanted,
    advice,
    alike,
    argument,
    find,
    find_again,
    is_text,
    marker_argument,
    shown,
)
from .lsl_search import summary as summary_of

MOST = 4096  # samples handed over at once
FARTHEST = 1e12  # seconds, 30,000 years: no clock tells more


class LslDevice:
    """One stream of samples at a fixed rate, found by what is said of it.

    Parameters
    ----------
    name, type, source_id : str or None
        What the stream must have; together they must fit one stream alone.
    markers : str or None
        Name of a stream of texts, or ``type=...`` or ``source_id=...``: each of its
        texts becomes an event of kind "marker".
    ch_names : list of str or None
        In place of the labels that the sender gives. Channels that neither names are
        called 1, 2, ...
    ch_types : str, list of str or None
        MNE's, one for all channels or one each, in place of what the sender says.
    units : str, list of str or None
        In place of the sender's; needed where it says none. ``"none"`` for raw counts.

    Notes
    -----
    The sender's stamps are kept as they are (`Chunk.device_times`); `Chunk.times` are
    a straight line through them, mapped to the run's clock by LSL's estimate of the
    offset between the two computers. A stamp in the future is not true, and one
    more than a minute ago is not on LSL's clock (some senders use the wall clock): the
    arrival stands in for them. LSL counts no samples: the index is estimated from the
    stamps, see `rtpipe.estimate`.
    """

    paced = True
    clock: Literal["run"] = "run"

    def __init__(
        self,
        name: str | None = None,
        *,
        type: str | None = None,
        source_id: str | None = None,
        markers: str | None = None,
        ch_names: list[str] | None = None,
        ch_types: str | list[str] | None = None,
        units: str | list[str] | None = None,
    ) -> None:
        self.wanted = Wanted(name or None, type, source_id)
        self.ch_names, self.ch_types, self.units = ch_names, ch_types, units
        self._markers = Markers(markers) if markers else None
        self._known: Any = None  # the stream that was found first
        self._inlet: Any = None

    @staticmethod
    def look(seconds: float) -> list[Offer]:
        """Return the streams on the network, or why none can be seen."""
        try:
            streams = lsl.load().resolve_streams(seconds)
        except RtpipeError as error:
            return [Offer("lsl:NAME", "a stream on the network", "missing", str(error))]
        if not streams:
            hint = "no stream on the network now; start its sender"
            return [Offer("lsl:NAME", "a stream on the network", "unknown", hint)]
        offers = {_offer(each, streams) for each in streams}
        return sorted(offers, key=lambda each: (each.argument, each.what, each.hint))

    def open(self) -> Sequence[StreamInfo]:
        """Find the stream and connect; after a loss, the very same one."""
        self.close()
        pylsl = lsl.load()
        again = self._known is not None
        stream = find_again(self._known, self.wanted) if again else find(self.wanted)
        refuse_irregular(stream)
        within = AGAIN if again else WITHIN
        self._offset = lsl.offset()
        try:
            # Lost streams are for the run to get back: it must know of each loss.
            self._inlet = pylsl.StreamInlet(stream, lsl.BACKLOG, recover=False)
            described = self._inlet.info(within)
            info = stream_info(described, self.ch_names, self.ch_types, self.units)
            if self._markers:
                with suppress(pylsl.util.TimeoutError):  # goes on in the background
                    self._inlet.time_correction(0.0)
                self._markers.open(info, self._offset)
            self._inlet.time_correction(within)  # slow once, then kept up to date
            self._inlet.open_stream(within)  # last, so that nothing waits to be read
        except (pylsl.util.TimeoutError, pylsl.util.LostError):
            raise DeviceNotFound(
                f"{self.wanted} is announced on the network but does not answer: "
                f"{advice()}"
            ) from None
        self._info, self._known = info, stream
        self._index = IndexEstimate(info.sfreq)
        self._clock = ClockModel(info.sfreq)
        self._rows = np.empty((MOST, info.n_channels), _dtype(stream))
        return [info]

    def read(self, timeout: float) -> Sequence[Chunk]:
        """Return what has come, cut where the stamps jump."""
        lost = lsl.load().util.LostError
        try:
            stamps = self._pull(timeout)
            shift = self._inlet.time_correction(0.0) + self._offset
        except lost:
            raise DeviceLost(
                f"the sender of {self.wanted} has gone: start it again, or look after "
                "the network"
            ) from None
        chunks = self._chunks(stamps, shift)
        return self._markers.put_on(chunks) if self._markers else chunks

    def close(self) -> None:
        """Disconnect."""
        self._inlet = None  # which closes the connection
        if self._markers:
            self._markers.close()

    def _pull(self, timeout: float) -> Float64:
        """Wait for a first sample, and take all that is there; return the stamps."""
        # For more than one sample liblsl would wait the whole time.
        _, first = self._inlet.pull_chunk(timeout, 1, self._rows[:1])
        rest = []
        if first:
            _, rest = self._inlet.pull_chunk(0.0, MOST - 1, self._rows[1:])
        return np.array([*first, *rest], np.float64)

    def _chunks(self, stamps: Float64, shift: float) -> list[Chunk]:
        arrived = now()
        with np.errstate(over="ignore"):  # a float64 too large for float32 is infinite
            data: Float32 = self._rows[: len(stamps)].astype(np.float32)
        # What is no time at all would make an index that is none.
        known = np.where(np.abs(stamps) < FARTHEST, stamps, arrived - shift)
        index = self._index.indices(known, arrived)
        chunks = []
        for rows in stretches(index):
            start, device_times = int(index[rows.start]), stamps[rows]
            seen = lsl.observed(float(known[rows][-1]) + shift, arrived)
            times = self._clock.times(start, len(device_times), seen, arrived)
            chunks.append(
                Chunk(
                    self._info.name,
                    start,
                    times,
                    data[rows],
                    arrived,
                    device_times=device_times,
                )
            )
        return chunks


def _dtype(stream: Any) -> Any:
    pylsl = lsl.load()
    formats = {
        pylsl.cf_float32: np.float32,
        pylsl.cf_double64: np.float64,
        pylsl.cf_int64: np.int64,
        pylsl.cf_int32: np.int32,
        pylsl.cf_int16: np.int16,
        pylsl.cf_int8: np.int8,
    }
    return formats[stream.channel_format()]


def _offer(stream: Any, among: Sequence[Any]) -> Offer:
    what = summary_of(stream)
    where = f"on {shown(stream.hostname())}{alike(stream, among)}"
    if is_text(stream):
        setting = shlex.quote(f"device.markers={marker_argument(stream, among)}")
        hint = f"markers for another stream, {where}"
        return Offer(f"lsl:NAME --set {setting}", what, "ready", hint)
    first, *more = argument(stream, among)
    typed = shlex.join([first, *more]) if more else first
    if not stream.nominal_srate():
        return Offer(typed, what, "missing", f"no fixed rate, {where}")
    return Offer(typed, what, "missing" if alike(stream, among) else "ready", where)

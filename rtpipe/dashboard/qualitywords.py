"""The words of the panel of quality: what is said of a stream and its channels."""

from math import isnan

from rtpipe.dashboard.model import MINUTE, RATED, StreamModel
from rtpipe.dashboard.sign import ENDED, reason_of
from rtpipe.duration import clock, milliseconds

#: What is said of a stream when its run has ended.
OVER = "the run has ended; these are its last figures"
#: What stands in the place of a figure that is not known.
UNKNOWN = "\N{EM DASH}"
#: What a connection's state means.
STATES = {
    "connecting": "It has not sent anything yet.",
    "streaming": "It comes as it should.",
    "degraded": "It comes, but late or with many samples missing.",
    "lost": "Nothing comes any more. It is tried again by itself.",
    "recovering": "It is being opened again.",
    "silent": "The run does not tell how it stands.",
}
_LOW = 20.0  # percent of a battery, up to which it is told that it is low
_NAMED = 8  # channels that are named beside what is wrong with them; else their number


def sentence_of(stream: StreamModel, started: float, now: float) -> str:
    """Return since when a stream does not come, why, and what to try.

    Empty where it comes as it should.
    """
    since, reason = stream.status["link"]["since"], stream.reason
    if stream.clock == "run" and (newest := stream.newest) is not None:
        # It was silent for some seconds before it was called lost.
        since = min(since, newest)
    if stream.state == "silent":
        return "the run does not answer: nothing is known of it now"
    if stream.state == "connecting":
        first = f"waiting for the first sample ({clock(now - started)})"
    elif stream.state in ENDED:
        first = f"no data for {clock(now - since)}; still trying"
    elif stream.state == "degraded":
        return reason
    else:
        return ""
    return f"{first}: {reason}" if reason else first


def facts_of(stream: StreamModel) -> dict[str, str]:
    """Return what is counted and measured of a stream, in words.

    There is nothing before the run has told anything, and no battery where it is not
    known.
    """
    counters = stream.counters
    if not counters:
        return {}
    rate, delay, battery = stream.rate, stream.status["delay"], stream.battery
    if stream.state in ENDED:
        rate = delay = None
    measured = UNKNOWN if rate is None else f"{rate:.1f}"
    facts = {
        "rate": f"{measured} of {stream.info.sfreq:g} Hz",
        "delay": milliseconds(delay),
        "lost": _share(counters["lost"], counters["received"]),
        "last minute": f"{stream.lost_minute:,}",
    }
    if battery is not None and not isnan(battery):
        low = ", low" if is_low(battery) else ""
        facts["battery"] = f"{battery:.0f} %{low}"
    return facts


def meaning_of(stream: StreamModel) -> dict[str, str]:
    """Return what each of the figures means, a sentence or two each."""
    c = {"lost_device": 0, "lost_transport": 0, "filled": 0, **stream.counters}
    rate = f"Samples a second that came in the last {RATED:g} seconds, and how many "
    rate += "the sensor says it sends."
    delay = "Between a sample's time and its coming here: the median."
    if stream.clock == "recording":
        rate += " A recording may be played faster than it was made."
        delay = "A recording has none: its samples are played when they are due."
    return {
        "rate": rate,
        "delay": delay,
        "lost": "Samples that are missing since the run began: "
        f"{c['lost_device']:,} by the sensor's own count, {c['lost_transport']:,} by "
        f"their times or while it was away. {c['filled']:,} of them, in short gaps, "
        "were filled in.",
        "last minute": "Samples that were lost in the last minute: "
        f"{min(MINUTE, stream.lost_minute / stream.info.sfreq):.1f} seconds of signal.",
        "battery": "What is left of it, says the sensor.",
    }


def is_low(battery: float | None) -> bool:
    """Tell whether a battery will soon be empty; not where nothing is known of it."""
    return battery is not None and battery <= _LOW


def said_of(word: str) -> str:
    """Return a channel's quality, and behind it what it means and what to try."""
    reason = reason_of(word)
    return f"{word}: {reason}" if reason else word


def names_of(names: list[str]) -> str:
    """Return the channels' names; where they are many, their number."""
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} channels"


def _share(lost: int, received: int) -> str:
    if not lost:
        return "0"
    share = lost / (lost + received)
    return f"{lost:,} ({share:.2%})" if share < 0.1 else f"{lost:,} ({share:.1%})"

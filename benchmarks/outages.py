"""What a run tells of outages whose length is known: a sender killed, or stopped.

``python benchmarks/outages.py [--times 20] [--seconds 5] [--quick]`` starts a sender of
an armband's stream, 200 Hz, each sample of which holds its own number, and a run with
the gesture demo; kills the sender and starts it again, so often and for so long; then
the same with SIGSTOP and SIGCONT. It prints what happened, and ends with status 1 where
something is not as it should be.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

SFREQ = 200.0
NAMES = tuple(f"EMG{k}" for k in range(1, 9))
HOP = 0.05  # seconds, of the gesture demo
QUICK, SLOW = 0.02, 0.1  # seconds between two chunks of the sender
STILL = 0.5  # seconds after which no chunk is on its way any more
LOOPBACK = """[multicast]
ResolveScope = machine
AddressesOverride = {127.0.0.1}
[ports]
IPv6 = disable
[log]
level = -3
"""


def send(name: str, begun: float, push: float) -> None:
    """Push samples for ever, each `push` seconds those that are due.

    Number k is due at `begun` + k / SFREQ, on LSL's clock.
    """
    import pylsl

    info = pylsl.StreamInfo(name, "EMG", len(NAMES), SFREQ, "float32", f"{name}-id")
    channels = info.desc().append_child("channels")
    for each in NAMES:
        channel = channels.append_child("channel")
        channel.append_child_value("label", each)
        channel.append_child_value("unit", "microvolts")
        channel.append_child_value("type", "EMG")
    outlet = pylsl.StreamOutlet(info)
    while not outlet.have_consumers():
        time.sleep(0.001)
    sent = int((pylsl.local_clock() - begun) * SFREQ)
    while True:
        due = int((pylsl.local_clock() - begun) * SFREQ)
        if due - sent > 10 * push * SFREQ:
            sent = due - 1  # it was stopped: what was not measured is lost
        if due > sent:
            number = np.arange(sent, due, dtype=np.float32)
            data = np.repeat(number[:, None], len(NAMES), axis=1)
            outlet.push_chunk(data, begun + (due - 1) / SFREQ)
            sent = due
        time.sleep(push)


@dataclass
class Found:
    """What one series of outages gave.

    Parameters
    ----------
    outages, lost, recovered : int
        How many there were, and how many were told.
    error : int
        Largest difference between a sample's index and its true number, in samples.
    limit : float
        Seconds without data in which a decision has to end.
    silence : float
        Longest time from the arrival of the newest chunk until a sink had the word that
        there is no decision, in seconds.
    age : float
        The same from when the newest sample was taken: the way to us counts, too.
    back : float
        Longest time from the sender's return to the first decision after it, seconds.
    latency : float
        Longest latency of a decision, in seconds.
    stale : int
        Decisions that came while there were no data.
    mixed : int
        Decisions on windows that reach over an outage.
    """

    outages: int
    limit: float
    lost: int = 0
    recovered: int = 0
    error: int = 0
    silence: float = 0.0
    age: float = 0.0
    back: float = 0.0
    latency: float = 0.0
    stale: int = 0
    mixed: int = 0

    def faults(self) -> list[str]:
        """Return what is not as it should be."""
        found = []
        if not self.lost == self.recovered == self.outages:
            found.append(
                f"{self.outages} outages, {self.lost} told lost, "
                f"{self.recovered} told recovered"
            )
        if self.error > 2:
            found.append(f"the index is off by {self.error} samples")
        if self.stale:
            found.append(f"{self.stale} decisions while there were no data")
        if self.mixed:
            found.append(f"{self.mixed} windows reach over an outage")
        return found

    def late(self) -> list[str]:
        """Return what took too long; on a machine with nothing else to do."""
        if self.silence <= self.limit + 0.05:
            return []
        return [f"a decision stood for {self.silence:.2f} s, not {self.limit:.2f} s"]


def series(times: int, seconds: float, stop: bool, push: float = QUICK) -> Found:
    """Run a series of outages and return what was found.

    Parameters
    ----------
    times : int
    seconds : float
        Of each outage.
    stop : bool
        Whether the sender is stopped, or killed and started again.
    push : float
        Seconds between two chunks of the sender.
    """
    import pylsl

    from rtpipe.build import bundles
    from rtpipe.config import ModelTable
    from rtpipe.registry import find
    from rtpipe.runtime.runtime import Runtime
    from rtpipe.sink import Item
    from rtpipe.sinks.collect import Collect
    from rtpipe.types import Chunk, Event, Prediction

    name = f"outages-{os.getpid()}-{'stop' if stop else 'kill'}-{push:g}"
    begun = pylsl.local_clock()
    command = [sys.executable, __file__, "--send", name, str(begun), str(push)]

    class Noting(Collect):
        """Notes whether there is a decision, when the last one ended, and stale ones.

        Stale is one that comes after the end of another and before a chunk.
        """

        stands = False
        told = ended = 0.0  # when the end was noticed by the run, and heard here
        stale = 0

        def take(self, items: Sequence[Item]) -> None:
            for item in items:
                if isinstance(item, Prediction):
                    self.stale += not self.stands and self.told > arrived[0]
                    self.stands = True
                elif isinstance(item, Event) and item.kind == "none":
                    self.stands, self.told = False, item.time
                    self.ended = time.monotonic()
            super().take(items)

    arrived = [0.0]  # the newest chunk
    sink = Noting()
    sink.period = 0.01
    found = Found(times, max(HOP, 3 * push, 0.15))
    sender = subprocess.Popen(command)
    try:
        device = find("devices", "lsl")(name)
        read = device.read

        def noted(timeout: float) -> Sequence[Chunk]:
            chunks: Sequence[Chunk] = read(timeout)
            if chunks:
                arrived[0] = chunks[-1].arrived
            return chunks

        device.read = noted
        named = bundles((ModelTable(path="demo:gesture"),), "cpu")
        with Runtime([device], named, [sink], shared=False) as runtime:
            status = runtime.run.streams[name]
            raw = status.raw

            def kinds(kind: str) -> int:
                return sum(event.kind == kind for event in sink.events)

            def silent() -> bool:
                """Whether nothing is on its way, and no decision stands.

                A decision may have ended before, where this process was held up: to
                have seen it end is not enough.
                """
                return time.monotonic() - arrived[0] > STILL and not sink.stands

            def answers(than: int) -> bool:
                return len(sink.predictions) > than

            def number(index: int) -> int:
                """Return the true number of a sample: it is what the sample holds."""
                return round(float(raw.view(index, index + 1)[0, 0]))

            _until(lambda: bool(sink.predictions))
            first = raw.stop - 1
            offset = number(first) - first
            for _ in range(times):
                time.sleep(1.5)
                if stop:
                    sender.send_signal(signal.SIGSTOP)
                else:
                    sender.kill()
                    sender.wait()
                _until(silent)
                last = raw.stop
                newest = float(raw.times(last - 1, last)[0])
                found.silence = max(found.silence, sink.ended - arrived[0])
                found.age = max(found.age, sink.ended - newest)
                answered = len(sink.predictions)
                found.error = max(
                    found.error, abs(number(last - 1) - last + 1 - offset)
                )
                time.sleep(max(0.0, seconds - (time.monotonic() - newest)))
                returned = time.monotonic()
                if stop:
                    sender.send_signal(signal.SIGCONT)
                else:
                    sender = subprocess.Popen(command)
                _until(partial(answers, answered))
                found.back = max(found.back, time.monotonic() - returned)
                prediction = sink.predictions[answered]
                at = raw.stop - 1
                found.error = max(found.error, abs(number(at) - at - offset))
                gaps = [e for e in sink.events if e.kind == "gap"]
                ended = (gaps[-1].index or 0) + gaps[-1].data["lost"]
                window = round(runtime.run.models["demo-gesture"].window * SFREQ)
                found.mixed += prediction.index - window + 1 < ended
        found.lost, found.recovered = kinds("lost"), kinds("recovered")
        found.stale = sink.stale
        found.latency = max(each.latency for each in sink.predictions)
    finally:
        sender.send_signal(signal.SIGCONT)
        sender.kill()
        sender.wait()
    return found


def _until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not there():
        if time.monotonic() > end:
            raise TimeoutError("what was to happen did not within a minute")
        time.sleep(0.005)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both series and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--quick", action="store_true", help="two of 2.5 s each")
    parser.add_argument("--send", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.send:
        send(given.send[0], *map(float, given.send[1:]))
    if given.quick:
        given.times, given.seconds = 2, 2.5
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lsl_api.cfg"
        path.write_text(LOOPBACK)
        os.environ["LSLAPICFG"] = str(path)
        faults = []
        for stop, push in (False, QUICK), (True, QUICK), (False, SLOW):
            found = series(given.times, given.seconds, stop, push)
            print("stopped:" if stop else "killed:", found)
            faults += found.faults() + found.late()
    for fault in faults:
        print("FAULT:", fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

"""How well the clock model finds the times of samples, beside when they arrived.

``python benchmarks/clock.py DATA`` takes the delays of real radios from two recordings
in the folder DATA: OpenBCI's ``recordings/openbci_*.txt``, whose stamps are arrivals at
the host, and muse-lsl's ``muse_markers/N170_*.csv``. It prints the table of
docs/clock.md: milliseconds, after the first thirty seconds.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtpipe.clockmodel import ClockModel

Float64 = NDArray[np.float64]
SETTLED = 30.0  # seconds that are left out
MUSE, PACKET = 256.0, 12  # hertz, samples


def openbci_arrivals(data: Path) -> Float64:
    """Return when each sample arrived, in seconds."""
    (path,) = data.glob("recordings/openbci_*.txt")
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines if line[:1].isdigit()]
    return np.array([float(row[-3]) for row in rows]) / 1000


def muse_arrivals(data: Path) -> Float64:
    """Return the stamp of the last sample of each packet, in seconds."""
    path = sorted(data.glob("muse_markers/N170_*.csv"))[0]
    stamps = np.loadtxt(path, delimiter=",", skiprows=1, usecols=0)
    whole = stamps[: len(stamps) // PACKET * PACKET]
    packets: Float64 = whole.reshape(-1, PACKET)[:, -1]
    return packets


def delays(arrivals: Float64) -> Float64:
    """Return how much later than the earliest ones each arrived: at least 0."""
    k = np.arange(len(arrivals))
    off: Float64 = arrivals - np.polyval(np.polyfit(k, arrivals, 1), k)
    return off - float(np.quantile(off, 0.01))


def packets(
    delay: Float64, drift: float, step: float
) -> Iterator[tuple[int, Float64, float]]:
    """Yield index, true times and arrival of a Muse's packets, so delayed.

    Parameters
    ----------
    delay : ndarray of float64, shape (n_packets,)
    drift : float
        By how much the device's second is longer than ours.
    step : float
        Seconds by which the clock is set on, in the middle.
    """
    latest = 0.0
    for k, late in enumerate(np.maximum(delay, 0)):
        index = k * PACKET
        true = np.arange(index, index + PACKET) / MUSE * (1 + drift)
        true += step * (k >= len(delay) // 2)
        latest = max(latest, float(true[-1] + late))  # a radio keeps the order
        yield index, true, latest


def measured(delay: Float64, drift: float, step: float) -> tuple[Float64, float]:
    """Return two rows, plain and modelled, of spread, 1 to 99 % range, and drift."""
    model = ClockModel(MUSE)
    true: list[Float64] = []
    plain: list[Float64] = []
    modelled: list[Float64] = []
    before = None
    for index, times, arrived in packets(delay, drift, step):
        true.append(times)
        modelled.append(model.times(index, PACKET, arrived, arrived))
        before = arrived - PACKET / MUSE if before is None else before
        # What drivers do: spread a packet over the time since the one before.
        plain.append(np.linspace(before, arrived, PACKET + 1)[1:])
        before = arrived
    at = np.concatenate(true)
    late = (at > SETTLED) & ~((at > at[-1] / 2) & (at < at[-1] / 2 + 5) & (step != 0))
    rows = []
    for found in np.concatenate(plain), np.concatenate(modelled):
        off = (found - at)[late]
        rows.append([off.std() * 1e3, np.ptp(np.quantile(off, [0.01, 0.99])) * 1e3])
    return np.array(rows), model.drift


def straightness(arrivals: Float64, sfreq: float, n: int) -> Float64:
    """Return plain and modelled deviations from an even spacing, as in `measured`.

    Nothing else is known of the truth where only a recording is at hand.
    """
    model = ClockModel(sfreq)
    relative = arrivals - arrivals[0]
    found = np.concatenate(
        [model.times(k * n, n, seen, seen)[-1:] for k, seen in enumerate(relative)]
    )
    k = np.arange(len(relative))
    rows = []
    for series in relative, found:
        late = series > SETTLED
        off = series[late] - np.polyval(np.polyfit(k[late], series[late], 1), k[late])
        rows.append([off.std() * 1e3, np.ptp(np.quantile(off, [0.01, 0.99])) * 1e3])
    return np.array(rows)


def main(data: Path) -> None:
    """Print the table."""
    cyton, muse = openbci_arrivals(data), muse_arrivals(data)
    sources = {
        "radio of the OpenBCI recording": np.resize(delays(cyton), 4000),
        "radio of the Muse recording": np.resize(delays(muse), 4000),
    }
    line = "| {:<64} | {:>13} | {:>13} | {:>12} |".format
    print(line("Muse packets, delayed as by the", "plain", "modelled", "drift, ppm"))
    for name, delay in sources.items():
        for drift, step in (0.0, 0.0), (50e-6, 0.0), (-200e-6, 0.0), (50e-6, 0.02):
            rows, found = measured(delay, drift, step)
            told = f"{name}; {drift * 1e6:+.0f} ppm"
            told += f"; clock set on by {step * 1e3:.0f} ms" if step else ""
            print(line(told, *map(_spread, rows), f"{found * 1e6:+.0f}"))
    for name, (arrivals, sfreq, n) in {
        "OpenBCI's own arrivals": (cyton, 250.0, 1),
        "muse-lsl's own stamps": (muse, MUSE, PACKET),
    }.items():
        rows = straightness(arrivals, sfreq, n)
        print(line(f"{name}, off an even spacing", *map(_spread, rows), ""))


def _spread(row: Float64) -> str:
    return f"{row[0]:.2f} ({row[1]:.1f})"


if __name__ == "__main__":
    main(Path(sys.argv[1]))

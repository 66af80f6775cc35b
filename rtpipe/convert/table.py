"""Streams as comma separated text, a row for each index."""

import csv
from pathlib import Path

from rtpipe.convert.grid import Grid

BLOCK = 2**14  # rows that are made into text at once


def write_csv(grid: Grid, file: Path, events: Path) -> list[str]:
    """Write a stream and what happened in it; return what a person should know.

    Parameters
    ----------
    grid : Grid
    file : Path
        Has the columns index, time in seconds, and ``NAME [UNIT]`` for each channel.
        Numbers are the shortest that read back as the same float32 (times: float64).
        A row that was lost is of ``nan``.
    events : Path
        Has the columns onset and duration in seconds after the first row, index, text.
    """
    info = grid.info
    with file.open("w", newline="", encoding="utf-8") as out:
        heads = zip(info.ch_names, info.units, strict=True)
        names = [f"{name} [{word}]" for name, word in heads]
        csv.writer(out).writerow(["index", "time", *names])
        for start in range(0, len(grid.data), BLOCK):
            rows = slice(start, start + BLOCK)
            times = grid.times[rows].tolist()
            texts = grid.data[rows].astype(str).tolist()
            for k, (time, values) in enumerate(zip(times, texts, strict=True), start):
                out.write(f"{grid.first + k},{time!r},{','.join(values)}\r\n")
    with events.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["onset", "duration", "index", "text"])
        for each in grid.annotations:
            row = [grid.onset(each), each.duration, grid.first + each.row, each.text]
            writer.writerow(row)
    return []

"""A run in an XDF file, of which nothing is lost but the last moments of a crash."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from rtpipe.clock import now
from rtpipe.errors import last_line
from rtpipe.sink import RecordingStatus, Run, SamplesLost, Taken
from rtpipe.sinks.recorderfile import RecorderFile
from rtpipe.sinks.recorderstreams import RecorderStreams
from rtpipe.types import Event
from rtpipe.xdf import encode

FLUSH = 0.2  # seconds between two writes; with `Recorder.period`, at most 0.25
SYNC = 1.0  # seconds between two times of waiting for the disk, and of looking at it
BOUNDARY = 10.0  # seconds between two marks at which a damaged file is read again
LEDGER = 10.0  # seconds between two times of storing the counters
LARGE = 1 << 20  # bytes that are written at once, and marked, however soon they come
HOUR = 3600.0  # seconds: where the disk has less left, a person is warned
_SURE = 5.0  # seconds after which it is known how fast a file grows


class Recorder:
    """Writes samples as they came, events, answers and decisions.

    The streams of the file are those of `rtpipe.sinks.recorderheaders`. The file
    appears with all its headers when the run begins, grows by whole chunks five times a
    second, is on the disk every second, and gets its footers at the end.

    Parameters
    ----------
    path : Path
        A file that is not there.
    tell : callable
        Is given the events that the recorder itself has to tell.
    origins : mapping of str to int
        Index of the run's first sample of each stream that has begun already.
    again : callable or None
        Gives another name, where the file is there when it is to be made.

    Attributes
    ----------
    status : RecordingStatus

    Notes
    -----
    Where the disk is full or fails, or the file is taken away, `take` raises and the
    recording is over: it ends with the last whole chunk, and with footers where there
    is room for them.
    """

    name = "recorder"
    period = 0.05
    samples = True

    def __init__(
        self,
        path: Path,
        tell: Callable[[Sequence[Event]], None],
        origins: Mapping[str, int] | None = None,
        again: Callable[[], Path] | None = None,
    ) -> None:
        self._file, self._tell = RecorderFile(path, again), tell
        self._origins = origins or {}
        self.status = RecordingStatus(str(path), now())
        self._warned = False

    def open(self, run: Run) -> None:
        """Make the file, with the headers of all streams.

        Raises
        ------
        ConfigError
            If it is there already, or cannot be made.
        """
        self._streams = RecorderStreams(run, self._origins)
        made = datetime.now().astimezone().isoformat(timespec="seconds")
        head = encode.file_header({"datetime": made})
        self._file.create(head + self._streams.head() + encode.boundary())
        time = now()
        self._flushed = self._synced = self._marked = self._counted = time
        self._marked_at = self.status.bytes = self._file.size
        self.status.started, self.status.file = time, str(self._file.path)
        self._say("started")

    def take(self, items: Sequence[Taken]) -> None:
        """Take what came, and write when it is time.

        Raises
        ------
        SamplesLost
            If it can go on no more.
        """
        before = self._streams.waiting
        try:
            time = now()
            if time - self._synced >= SYNC:
                # Before the items: where this fails, none of them is in the file.
                self._file.look()
                self._file.sync()
                self._synced = time
                self._measure(time)
            for item in items:
                self._streams.add(item)
            if time - self._flushed >= FLUSH or self._streams.bytes >= LARGE:
                self._write(time)
        except Exception as error:
            self._give_up(error)
            lost = before if self._streams.bytes else {}
            raise SamplesLost(self.status.error, lost) from error

    def close(self) -> None:
        """Write what waits, the last counters, and the footers.

        Where `take` failed, the file has had its end already.
        """
        if self.status.state == "stopped":
            return
        try:
            self._file.look()
            self._counted = float("-inf")
            self._write(now())
            self._file.append(self._streams.footers())
            self._file.sync()
        except Exception as error:
            self._give_up(error)
            raise SamplesLost(self.status.error, self._streams.waiting) from error
        self._file.close()
        self.status.bytes, self.status.state = self._file.size, "finished"
        self._say("finished", bytes=self._file.size)

    def _write(self, time: float) -> None:
        if time - self._counted >= LEDGER:
            self._counted = time
            self._streams.add_ledger()
        chunks = self._streams.chunks()
        size = self._file.size + len(chunks)
        if time - self._marked >= BOUNDARY or size - self._marked_at >= LARGE:
            self._marked, self._marked_at = time, size
            chunks += encode.boundary()
        self._file.append(chunks)
        self._streams.written()
        self._flushed, self.status.bytes = time, self._file.size

    def _measure(self, time: float) -> None:
        """See how long the disk will do, and warn once."""
        if (lasted := time - self.status.started) < _SURE:
            return
        left = self._file.room() * lasted / self._file.size
        self.status.left = left
        if left < HOUR and not self._warned:
            self._warned = True
            told = {"left": round(left), "file": self.status.file}
            self._tell([Event("", self._streams.moment(), "disk", None, told)])

    def _say(self, state: str, **more: str | int) -> None:
        told = {"state": state, **more, "file": self.status.file}
        self._tell([Event("", self._streams.moment(), "recording", None, told)])

    def _give_up(self, error: Exception) -> None:
        """End the file as well as can be."""
        self.status.error = getattr(error, "strerror", None) or last_line(error)
        self.status.state = "stopped"
        try:
            self._file.append(self._streams.footers())
        except OSError:
            pass  # it ends with the last whole chunk
        finally:
            self.status.bytes = self._file.size
            self._file.close()
            self._say("stopped", error=self.status.error)

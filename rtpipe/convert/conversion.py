"""From a recording that rtpipe reads to files that others read."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from rtpipe.convert.annotation import BAD_VALUE
from rtpipe.convert.bids import Entities, datatype, replaced, targets, write_bids
from rtpipe.convert.edf import BITS, write_edf
from rtpipe.convert.fif import write_fif
from rtpipe.convert.grid import Grid, grid
from rtpipe.convert.names import file_name, files_apart
from rtpipe.convert.picked import picked
from rtpipe.convert.staging import refuse_present, staged
from rtpipe.convert.table import write_csv
from rtpipe.errors import ConfigError, RecordingError, RtpipeError, last_line
from rtpipe.few import few
from rtpipe.recording import Answers, Recording, read
from rtpipe.unit import UNKNOWN

FORMATS = ("edf", "bdf", "fif", "csv", "bids")
_ENDS = {  # of the files of a stream
    "edf": (".edf",),
    "bdf": (".bdf",),
    "fif": ("_raw.fif",),
    "csv": (".csv", "-events.csv"),
}
_NOTHING = Answers()
Busy = Callable[[str], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of one stream.

    Parameters
    ----------
    stream : str
    file : Path or None
        None where the format has no place for the stream.
    told : tuple of str
        What a person should know of it, a line each.
    """

    stream: str
    file: Path | None
    told: tuple[str, ...]


def entities(
    to: str, subject: str | None, task: str | None, session: str | None, run: str | None
) -> Entities | None:
    """Return what names the files of BIDS, None for another format.

    Raises
    ------
    ConfigError
        If BIDS lacks one that it needs, or another format is given one.
    """
    if to != "bids":
        if any((subject, task, session, run)):
            raise ConfigError("--subject, --task, --session, --run are for --to bids")
        return None
    if subject is None or task is None:
        raise ConfigError("BIDS names its files after --subject and --task: add both")
    return Entities(subject, task, session, run)


def convert(
    path: Path,
    to: str,
    out: Path | None = None,
    *,
    answers: Answers = _NOTHING,
    channels: Sequence[str] = (),
    named: Entities | None = None,
    busy: Busy = nullcontext,
) -> list[Converted]:
    """Write a recording in another format, a file for each stream.

    Parameters
    ----------
    path : Path
    to : str
        One of `FORMATS`.
    out : Path or None
        The folder to write in; that of the recording unless given, and for BIDS
        ``NAME-bids`` in it. It is made if only its parent is there.
    answers : Answers
        What the recording does not say itself.
    channels : sequence of str
        Those to write; all of them where none is named.
    named : Entities or None
        For BIDS, and for it alone: see `entities`.
    busy : callable
        Given a sentence, returns a context that is entered while that is done.

    Returns
    -------
    list of Converted
        In the order of the streams.

    Raises
    ------
    RtpipeError
        If the recording cannot be read, or cannot be written so. No file is left then,
        and none is ever overwritten.
    """
    if to not in FORMATS:
        raise ConfigError(f"--to {to}: choose one of {', '.join(FORMATS)}")
    if (to == "bids") != (named is not None):
        raise ConfigError("BIDS needs entities, and no other format has any")
    with busy(f"reading {path.name} ..."):
        recordings = read(path, answers)
    if channels:
        recordings = picked(path, recordings, channels)
    if to != "csv":
        _refuse_unknown(path, recordings)
    grids = [grid(each) for each in recordings]
    if named is not None:
        return _data_set(path, grids, out, named, busy)
    return _files(path, grids, to, out or path.parent, busy)


def _files(
    path: Path, grids: Sequence[Grid], to: str, out: Path, busy: Busy
) -> list[Converted]:
    streams = [f"{path.stem}-{file_name(each.info.name)}" for each in grids]
    names = files_apart(streams, _ENDS[to])
    refuse_present([out / name for files in names for name in files])
    found = []
    with staged(out) as folder:
        for each, (name, *events) in zip(grids, names, strict=True):
            with busy(f"writing {name} ..."), _quiet(out / name):
                if to in BITS:
                    told = write_edf(each, folder / name, to)
                elif to == "fif":
                    told = write_fif(each, folder / name)
                else:
                    told = write_csv(each, folder / name, folder / events[0])
            found.append(
                Converted(each.info.name, out / name, (*_facts(each, to), *told))
            )
    return found


def _data_set(
    path: Path, grids: Sequence[Grid], out: Path | None, named: Entities, busy: Busy
) -> list[Converted]:
    root = out or path.parent / f"{path.stem}-bids"
    placed = [each for each in grids if datatype(each.info)]
    if not placed:
        raise RecordingError(
            f"{path} has no EEG and no EMG, which are what BIDS is written for here: "
            f"its streams are {few([each.info.name for each in grids])}"
        )
    refuse_present(targets([each.info for each in placed], root, named))
    with staged(root, replaced(named)) as folder:
        with busy(f"writing {root.name} ..."), _quiet(root):
            written = write_bids(placed, root, folder, named)
        files = {
            each.info.name: (root / file.relative_to(folder), told)
            for each, file, told in written
        }
    found = []
    for each in grids:
        name = each.info.name
        if name in files:
            file, told = files[name]
            found.append(Converted(name, file, (*_facts(each, "bids"), *told)))
        else:
            why = "left out: BIDS has EEG and EMG alone here; convert it to csv"
            found.append(Converted(name, None, (why,)))
    return found


def _facts(each: Grid, to: str) -> Iterator[str]:
    """Yield what every format has in common."""
    info = each.info
    n_times = len(each.data)
    yield (
        f"{info.n_channels} channels, {info.sfreq:g} Hz, {n_times / info.sfreq:.1f} s, "
        f"{len(each.annotations)} annotations"
    )
    yield from _losses(each, to)
    if to != "csv":
        if any(noted.text == BAD_VALUE for noted in each.annotations):
            yield f"values that are not finite: held, and annotated as {BAD_VALUE}"
        if each.dead:
            names = few([info.ch_names[k] for k in each.dead])
            yield f"no finite value in {names}: written as 0"


def _losses(each: Grid, to: str) -> Iterator[str]:
    """Yield the ledger's figures, and what became of those samples here."""
    lost, late = each.losses.lost, each.losses.late
    placed = lost - each.n_lost
    how = "nan" if to == "csv" else "held, and annotated as BAD_lost"
    if lost:
        rest = f"{placed} of them came late, the others are {how}" if placed else how
        yield f"{lost} of {len(each.data)} samples were lost: {rest}"
    if late:
        what = f"{late - placed} of them are left out" if placed else "left out"
        yield f"{late} samples came late or twice: {what}"


def _refuse_unknown(path: Path, recordings: Sequence[Recording]) -> None:
    lacking = [
        name
        for each in recordings
        for name, word in zip(each.info.ch_names, each.info.units, strict=True)
        if word == UNKNOWN
    ]
    if lacking:
        raise RecordingError(
            f"{path} does not tell the unit of {few(lacking)}: add --units uV, or "
            "none for counts, or convert to csv"
        )


@contextmanager
def _quiet(file: Path) -> Iterator[None]:
    """Keep the libraries' words off the screen, and make their errors one sentence."""
    from mne.utils import use_log_level

    try:
        with use_log_level("CRITICAL"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except RtpipeError:
        raise
    except (FileExistsError, ValueError, RuntimeError) as error:
        raise RtpipeError(f"{file} cannot be written: {last_line(error)}") from None
    except OSError as error:
        said = error.strerror or "only a part of it; is the disk full?"
        raise RtpipeError(f"{file} cannot be written: {said}") from None

"""Streams as a part of a data set of BIDS, written by MNE-BIDS."""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rtpipe import __version__
from rtpipe.chtype import KNOWN, MISC
from rtpipe.convert.edf import write_edf
from rtpipe.convert.grid import Grid
from rtpipe.convert.names import bids_label, labels
from rtpipe.errors import ConfigError
from rtpipe.recordings.names import named_apart
from rtpipe.types import StreamInfo

DATATYPES = ("eeg", "emg")
SHARED = ("participants.tsv", "participants.json")
VERSION = "1.11.0"  # the first with EMG
README = """Recordings of biosignals, written by rtpipe with MNE-BIDS and edfio.

Say here who was recorded, how, and what for.

Samples that were lost on their way hold the last value before them, and are marked by
events BAD_lost; what fills the last record of a BDF file is marked by BAD_padding.
"""
NOT_TOLD = "not told by the recording"
MONTAGE = "standard_1005"


@dataclass(frozen=True, slots=True)
class Entities:
    """Who was recorded, when, and doing what: parts of the names of BIDS files.

    Parameters
    ----------
    subject, task : str
        Letters and digits.
    session, run : str or None

    Raises
    ------
    ConfigError
        If one has other characters, or the run is no whole number.
    """

    subject: str
    task: str
    session: str | None = None
    run: str | None = None

    def __post_init__(self) -> None:
        for name in ("subject", "task", "session", "run"):
            value = getattr(self, name)
            if value is not None and (not value or value != bids_label(value)):
                raise ConfigError(
                    f"--{name} {value!r}: BIDS allows letters and digits alone"
                )
        if self.run is not None and not self.run.isdigit():
            raise ConfigError(f"--run {self.run!r}: BIDS wants a whole number")


def datatype(info: StreamInfo) -> str | None:
    """Return where BIDS has a stream: that of most channels, None where it has none."""
    counts = Counter(each for each in info.ch_types if each in DATATYPES)
    return counts.most_common(1)[0][0] if counts else None


def replaced(entities: Entities) -> frozenset[Path]:
    """Return the files of a data set, relative to it, that a new recording adds to."""
    folder = _person(entities)
    scans = "_".join([*folder.parts, "scans.tsv"])
    return frozenset([*map(Path, SHARED), folder / scans])


def write_bids(
    grids: Sequence[Grid], root: Path, staging: Path, entities: Entities
) -> list[tuple[Grid, Path, list[str]]]:
    """Write streams; return for each its file and what a person should know of it.

    Parameters
    ----------
    grids : sequence of Grid
        Of streams that have a `datatype`.
    root : Path
        The data set, which need not be there yet.
    staging : Path
        Where to write; moves into `root` later.
    entities : Entities

    Notes
    -----
    The signals are BDF files, as `write_edf` makes them. Where all EEG channels have
    names of the 10-05 system the positions of a model head are added.
    """
    for file in replaced(entities):
        if (root / file).exists():
            (staging / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / file, staging / file)
    paths = _paths([each.info for each in grids], staging, entities)
    written = []
    with TemporaryDirectory(dir=staging) as sources:
        for k, (each, path) in enumerate(zip(grids, paths, strict=True)):
            source = Path(sources) / f"{k}.bdf"
            told = write_edf(each, source, "bdf", typed=False)
            written.append((each, _add(each, source, path), told))
    _describe(root, staging)
    return written


def targets(infos: Sequence[StreamInfo], root: Path, entities: Entities) -> list[Path]:
    """Return the files that the signals of streams are written to."""
    return [
        Path(each.update(suffix=each.datatype, extension=".bdf").fpath)
        for each in _paths(infos, root, entities)
    ]


def _paths(infos: Sequence[StreamInfo], root: Path, entities: Entities) -> list[Any]:
    """Return paths of MNE-BIDS; the streams' names tell apart those of one type."""
    from mne_bids import BIDSPath

    kinds = Counter(datatype(each) for each in infos)
    names = [bids_label(each.name) or "stream" for each in infos]
    while len(set(names)) < len(names):  # without its hyphen a number can fit another
        names = [bids_label(each) for each in named_apart(names)]
    return [
        BIDSPath(
            subject=entities.subject,
            session=entities.session,
            task=entities.task,
            run=entities.run,
            acquisition=name if kinds[datatype(info)] > 1 else None,
            datatype=datatype(info),
            root=root,
        )
        for info, name in zip(infos, names, strict=True)
    ]


def _person(entities: Entities) -> Path:
    folder = Path(f"sub-{entities.subject}")
    return folder / f"ses-{entities.session}" if entities.session else folder


def _describe(root: Path, staging: Path) -> None:
    """Say what data set this is, where it does not say so yet."""
    description = staging / "dataset_description.json"
    description.unlink()  # MNE-BIDS has made one, with authors that nobody is
    if not (root / description.name).exists():
        told = {
            "Name": root.resolve().name,
            "BIDSVersion": VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [{"Name": "rtpipe", "Version": __version__}],
        }
        description.write_text(json.dumps(told, indent=4) + "\n", "utf-8")
    if not any(root.glob("README*")):
        (staging / "README.md").write_text(README, "utf-8")


def _add(grid: Grid, source: Path, path: Any) -> Path:
    """Add a BDF file to the data set; return what it is called there."""
    import mne
    import mne_bids

    raw = mne.io.read_raw_bdf(source, stim_channel=None)
    names = labels(grid.info.ch_names)
    kinds = [each if each in KNOWN else MISC for each in grid.info.ch_types]
    raw.set_channel_types(dict(zip(names, kinds, strict=True)), on_unit_change="ignore")
    raw.info["line_freq"] = grid.info.mains
    raw.info["bads"] = [names[k] for k in grid.dead]
    if path.datatype == "eeg":
        _place(raw)
    if grid.started is None:
        raw.set_meas_date(None)  # BDF has a date in every case
    placement = "Other" if path.datatype == "emg" else None
    added = mne_bids.write_raw_bids(raw, path, emg_placement=placement, readme=False)
    _mend(added.copy().update(extension=".json").fpath)
    return Path(added.fpath)


def _place(raw: Any) -> None:
    """Give electrodes the positions of a model head, where all have its names."""
    import mne

    montage = mne.channels.make_standard_montage(MONTAGE)
    known = {each.casefold() for each in montage.ch_names}
    used = [raw.ch_names[k] for k in mne.pick_types(raw.info, eeg=True, exclude=())]
    if used and {each.casefold() for each in used} <= known:
        raw.set_montage(montage, match_case=False, on_missing="ignore")


def _mend(sidecar: Path) -> None:
    """Say of the recording what MNE-BIDS guesses from the kind of file."""
    told = json.loads(sidecar.read_text("utf-8"))
    told["Manufacturer"] = "n/a"  # not BioSemi, though the format is theirs
    told["SoftwareVersions"] = f"rtpipe {__version__}"
    if "EMGPlacementSchemeDescription" in told:
        told["EMGPlacementSchemeDescription"] = NOT_TOLD
    sidecar.write_text(json.dumps(told, indent=4) + "\n", "utf-8")

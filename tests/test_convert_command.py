"""`rtpipe convert`: what it writes, what it tells, what it refuses in one sentence."""

import gzip
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mne
import numpy as np
import pytest

from rtpipe import cli
from rtpipe.convert.conversion import convert
from rtpipe.errors import RtpipeError
from rtpipe.recording import read
from rtpipe.xdf.encode import file_header, samples, stream_header, texts
from rtpipe.xdf.header import Channel, Header

DATA = Path(__file__).parents[2] / "shared" / "data" / "recordings"
Capture = pytest.CaptureFixture[str]
HEAD = "timestamps,TP9,AF7,AF8,TP10,Right AUX"


@pytest.fixture
def muse(tmp_path: Path) -> Path:
    """Ten seconds of a Muse from the middle of which half a second is missing."""
    rng = np.random.default_rng(7)
    lines = [
        f"{1_700_000_000 + row / 256:.6f},"
        + ",".join(f"{each:.3f}" for each in rng.normal(0, 50, 5))
        for row in range(2560)
        if not 1000 <= row < 1128
    ]
    path = tmp_path / "subjecta-relaxed-1.csv"
    path.write_text("\n".join([HEAD, *lines]) + "\n")
    return path


def run(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        cli.app(["convert", *map(str, arguments)])
    printed = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, printed.out, printed.err


def refused(capsys: Capture, *arguments: object) -> str:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, ""), err
    assert err.startswith("rtpipe: ")
    assert err.count("\n") == 1, err
    return err.removeprefix("rtpipe: ").rstrip()


@pytest.mark.parametrize(
    ("to", "names"),
    [
        ("edf", ["subjecta-relaxed-1-eeg.edf"]),
        ("bdf", ["subjecta-relaxed-1-eeg.bdf"]),
        ("fif", ["subjecta-relaxed-1-eeg_raw.fif"]),
        ("csv", ["subjecta-relaxed-1-eeg-events.csv", "subjecta-relaxed-1-eeg.csv"]),
    ],
)
def test_it_writes_and_tells(
    muse: Path, tmp_path: Path, capsys: Capture, to: str, names: list[str]
) -> None:
    out = tmp_path / "out"
    status, told, err = run(capsys, muse, "--to", to, "--out", out)
    assert (status, err) == (0, "")
    assert sorted(each.name for each in out.iterdir()) == names
    assert f"eeg: {out / names[-1]}" in told
    assert "5 channels, 256 Hz, 10.0 s" in told
    assert "128 of 2560 samples were lost" in told


def test_it_writes_beside_the_recording(muse: Path, capsys: Capture) -> None:
    assert run(capsys, muse, "--to", "edf")[0] == 0
    raw = mne.io.read_raw_edf(
        muse.with_name("subjecta-relaxed-1-eeg.edf"), infer_types=True, verbose="ERROR"
    )
    assert raw.get_channel_types() == ["eeg"] * 4 + ["misc"]
    noted = {
        (round(each["onset"] * 256), each["description"]) for each in raw.annotations
    }
    assert noted == {(0, "mental-state: relaxed"), (1000, "BAD_lost")}


def test_bids(muse: Path, capsys: Capture) -> None:
    who = ["--subject", "07", "--task", "calm"]
    status, told, _ = run(capsys, muse, "--to", "bids", *who)
    assert status == 0
    (file,) = muse.with_name("subjecta-relaxed-1-bids").rglob("*.bdf")
    assert file.name == "sub-07_task-calm_eeg.bdf"
    assert f"eeg: {file}" in told


@pytest.mark.parametrize(
    "example",
    [
        line.strip()
        for line in (cli.convert.__doc__ or "").splitlines()
        if line.strip().startswith("rtpipe ")
    ],
)
def test_the_examples_in_the_help_work_as_typed(
    example: str, muse: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(muse.parent)
    muse.rename("run.xdf")  # a layout is known by its content, not by its name
    status, _, err = run(capsys, *example.split()[2:])
    assert (status, err) == (0, "")


def test_wrong_use(muse: Path, tmp_path: Path, capsys: Capture) -> None:
    assert "choose one of edf, bdf, fif" in refused(capsys, muse, "--to", "mat")
    nowhere = tmp_path / "no" / "where"
    assert f"there is no folder {nowhere.parent}" in refused(
        capsys, muse, "--to", "edf", "--out", nowhere
    )
    assert "is a file" in refused(capsys, muse, "--to", "edf", "--out", muse)
    assert "there is no recording" in refused(capsys, "missing.xdf", "--to", "edf")
    assert "--subject and --task" in refused(capsys, muse, "--to", "bids")
    assert "are for --to bids" in refused(
        capsys, muse, "--to", "edf", "--subject", "01"
    )
    who = ["--subject", "0/1", "--task", "rest"]
    assert "letters and digits" in refused(capsys, muse, "--to", "bids", *who)
    (tmp_path / "text.txt").write_text("nothing known\n")
    assert "laid out in no way" in refused(capsys, tmp_path / "text.txt", "--to", "edf")
    assert sorted(each.name for each in tmp_path.iterdir()) == [muse.name, "text.txt"]


@pytest.mark.parametrize("to", ["edf", "fif", "csv"])
def test_nothing_is_overwritten(muse: Path, capsys: Capture, to: str) -> None:
    assert run(capsys, muse, "--to", to)[0] == 0
    before = {each: each.read_bytes() for each in muse.parent.iterdir()}
    assert "is there already" in refused(capsys, muse, "--to", to)
    assert {each: each.read_bytes() for each in muse.parent.iterdir()} == before


def test_half_of_what_csv_writes_is_there_already(muse: Path, capsys: Capture) -> None:
    events = muse.with_name("subjecta-relaxed-1-eeg-events.csv")
    events.write_text("mine")
    assert f"{events} is there already" in refused(capsys, muse, "--to", "csv")
    assert sorted(muse.parent.iterdir()) == sorted([muse, events])
    assert events.read_text() == "mine"


def streams_named(path: Path, *names: str) -> Path:
    """Write streams of one channel; the k-th is of the value k. They share a marker."""
    content = file_header({})
    for k, name in enumerate(names):
        told = Header(name, "EEG", "float32", 100.0, (Channel("C", "uV", "EEG"),))
        values = np.full((50, 1), k, np.float32)
        content += stream_header(k + 1, told)
        content += samples(k + 1, np.arange(50) / 100, values)
    told = Header("marks", "Markers", "string", 0.0, (Channel(),))
    content += stream_header(99, told) + texts(99, np.array([0.1]), [["hello"]])
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "names",
    [
        ("EEG", "EEG events"),
        ("EEG events", "EEG"),
        ("EEG", "EEG", "EEG-2", "EEG 2 events", "EEG events"),
        ("EEG", "eeg", "Eeg events"),
    ],
    ids=str,
)
def test_no_file_of_a_stream_is_that_of_another(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    found = convert(streams_named(tmp_path / "a.xdf", *names), "csv", tmp_path / "out")
    files = list((tmp_path / "out").iterdir())
    assert len({each.name.casefold() for each in files}) == 2 * len(names)
    for k, each in enumerate(found):
        assert each.file is not None
        head, *rows = each.file.read_text().splitlines()
        assert head == "index,time,C [uV]"
        assert [float(row.split(",")[2]) for row in rows] == [k] * 50
        events = each.file.with_name(f"{each.file.stem}-events.csv").read_text()
        assert events.splitlines()[0] == "onset,duration,index,text"
        assert events.splitlines()[1].endswith("hello")


def test_a_name_that_ends_like_what_is_written(tmp_path: Path, capsys: Capture) -> None:
    path = streams_named(tmp_path / "a.csv.xdf", "EEG")
    assert run(capsys, path, "--to", "csv")[0] == 0
    written = {each.name for each in tmp_path.iterdir()} - {path.name}
    assert written == {"a.csv-EEG.csv", "a.csv-EEG-events.csv"}


def test_what_is_there_is_told_before_anything_is_written(tmp_path: Path) -> None:
    path = streams_named(tmp_path / "a.xdf", "EEG")
    (tmp_path / "a-EEG-events.csv").write_text("mine")
    done: list[str] = []

    @contextmanager
    def noted(what: str) -> Iterator[None]:
        done.append(what)
        yield

    with pytest.raises(RtpipeError, match=r"a-EEG-events\.csv is there already"):
        convert(path, "csv", busy=noted)
    assert done == ["reading a.xdf ..."]


@contextmanager
def small_files() -> Iterator[None]:
    """Let no file grow beyond 10 kB: to a writer that is a disk that is full.

    Only while something is written: the tests' own report may go to a file, too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("to", ["edf", "bdf", "fif", "csv", "bids"])
def test_a_disk_that_is_full(muse: Path, capsys: Capture, to: str) -> None:
    who = ["--subject", "01", "--task", "rest"] if to == "bids" else []
    with small_files():
        said = refused(capsys, muse, "--to", to, *who)
    assert "cannot be written: " in said
    assert list(muse.parent.iterdir()) == [muse]


@pytest.mark.parametrize("to", ["edf", "fif", "csv"])
def test_what_is_broken_off_leaves_nothing(muse: Path, to: str) -> None:
    @contextmanager
    def broken_off(what: str) -> Iterator[None]:
        yield
        if what.startswith("writing"):  # all of it is written, and in no one's way
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(muse, to, muse.parent / "out", busy=broken_off)
    assert list(muse.parent.iterdir()) == [muse]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(muse: Path, capsys: Capture) -> None:
    muse.parent.chmod(0o500)
    assert "Permission denied" in refused(capsys, muse, "--to", "edf")
    muse.parent.chmod(0o700)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no such folder")
def test_a_folder_that_takes_no_files(muse: Path, capsys: Capture) -> None:
    said = refused(capsys, muse, "--to", "csv", "--out", "/proc")
    assert said.startswith("nothing can be written in /proc: ")
    assert "name another folder with --out" in said


def test_a_recording_without_units(capsys: Capture, tmp_path: Path) -> None:
    if not DATA.exists():
        pytest.skip("the folder of real recordings is missing")
    file = DATA / "minimal.xdf"
    asked = refused(capsys, file, "--to", "fif", "--out", tmp_path)
    assert "does not tell the unit of 1, 2, 3: add --units" in asked
    assert run(capsys, file, "--to", "csv", "--out", tmp_path)[0] == 0
    units = ["--units", "uV,none,V"]
    assert run(capsys, file, "--to", "fif", "--out", tmp_path, *units)[0] == 0
    (written,) = tmp_path.glob("*.fif")
    (found,), (given,) = read(written), read(file)
    assert found.info.units == ("uV", "none", "uV")
    np.testing.assert_allclose(found.data, given.data * [1, 1, 1e6], rtol=1e-6)


@pytest.mark.parametrize("to", ["edf", "fif"])
def test_real_recordings_come_back(capsys: Capture, tmp_path: Path, to: str) -> None:
    if not DATA.exists():
        pytest.skip("the folder of real recordings is missing")
    names = ("mne_test.bdf.gz", "openbci_cyton_8ch_250hz_v6.txt.gz")
    for name in names:
        file = tmp_path / name.removesuffix(".gz")
        file.write_bytes(gzip.decompress((DATA / name).read_bytes()))
        assert run(capsys, file, "--to", to)[0] == 0
        for given in read(file):
            end = "_raw.fif" if to == "fif" else ".edf"
            (found,) = read(file.with_name(f"{file.stem}-{given.info.name}{end}"))
            assert found.info.ch_types == given.info.ch_types
            reach = np.ptp(given.data, axis=0) / 2**16 if to == "edf" else 0
            off = np.abs(found.data[: len(given.data)] - given.data)
            assert (off.max(axis=0) <= reach + 1e-3 * (to == "edf")).all()


def test_help_and_reading_load_no_torch(muse: Path) -> None:
    code = (
        "import sys\nfrom rtpipe import cli\n"
        f"try: cli.app(['convert', {str(muse)!r}, '--to', 'csv'])\n"
        "except SystemExit: pass\n"
        "print(*{'torch', 'mne_bids', 'edfio'}.intersection(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == ""


def test_some_channels(muse: Path, tmp_path: Path, capsys: Capture) -> None:
    said = refused(capsys, muse, "--to", "edf", "--channels", "TP9,Cz,Fz")
    assert "has no channel Cz, Fz: --channels takes TP9, AF7" in said
    status, _, err = run(capsys, muse, "--to", "fif", "--channels", "AF8,TP9")
    assert (status, err) == (0, "")
    raw = mne.io.read_raw_fif(muse.parent / "subjecta-relaxed-1-eeg_raw.fif")
    (all_of_it,) = read(muse)
    assert raw.ch_names == ["TP9", "AF8"]
    assert raw.get_data()[1, 0] * 1e6 == pytest.approx(all_of_it.data[0, 2], rel=1e-6)

"""Every published recording is replayed, or refused in one sentence."""

import gzip
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rtpipe.devices.replay import ReplayDevice

from rtpipe.checks import check_device
from rtpipe.errors import RtpipeError

DATA = Path(__file__).parents[2] / "shared" / "data"
REFUSED = {
    "out_of_order_sample_chunk.xdf": "holds no samples at a fixed rate",
    "test.eeg": r"open test\.vhdr instead",
    "test.vmrk": r"open test\.vhdr instead",
}
ARCHIVES = ("muse_markers_csv", "muse_mental_state_csv")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not DATA.exists():
        pytest.skip("the folder of real recordings is missing")
    folder = tmp_path_factory.mktemp("published")
    for file in (DATA / "recordings").iterdir():
        if file.suffix == ".gz":
            content = gzip.decompress(file.read_bytes())
            (folder / file.stem).write_bytes(content)
        else:
            shutil.copy(file, folder)
    for name in ARCHIVES:
        with tarfile.open(DATA / f"{name}.tar.xz") as archive:
            archive.extractall(folder, filter="data")
    return folder


def test_every_published_recording(published: Path) -> None:
    played, refused = set(), set()
    for file in files(published):
        device = ReplayDevice(file, speed="max", board=board_of(file))
        if file.name in REFUSED:
            with pytest.raises(RtpipeError, match=REFUSED[file.name]) as told:
                device.open()
            assert "\n" not in str(told.value)
            refused.add(file.name)
        else:
            check_device(device, np.inf)
            played.add(file.name)
    assert refused == REFUSED.keys()
    assert len(played) == 9 + 8 + 19


def files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())


def board_of(file: Path) -> str | None:
    return "SYNTHETIC_BOARD" if file.name.startswith("brainflow") else None

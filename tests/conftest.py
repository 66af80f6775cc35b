import pytest

from rtpipe.types import StreamInfo


@pytest.fixture
def muse() -> StreamInfo:
    """Four EEG channels at the Muse's rate, in microvolts between its rails."""
    return StreamInfo(
        name="muse",
        sfreq=256.0,
        ch_names=("TP9", "AF7", "AF8", "TP10"),
        ch_types=("eeg",) * 4,
        units=("uV",) * 4,
        rails=(-1000.0, 999.5),
    )


@pytest.fixture
def armband() -> StreamInfo:
    """Eight EMG channels at the Myo's rate, in counts."""
    return StreamInfo(
        name="armband",
        sfreq=200.0,
        ch_names=tuple(f"EMG{k}" for k in range(1, 9)),
        ch_types=("emg",) * 8,
        units=("none",) * 8,
        rails=(-128.0, 127.0),
    )

"""Data sets of BIDS: read by MNE-BIDS, and judged by the standard's own validator."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import mne
import mne_bids
import numpy as np
import pytest

from rtpipe.convert.bids import Entities, targets
from rtpipe.convert.conversion import Converted, convert
from rtpipe.errors import ConfigError, RtpipeError
from rtpipe.types import StreamInfo
from rtpipe.xdf.encode import file_header, samples, stream_header, texts
from rtpipe.xdf.header import Channel, Header

mne.set_log_level("ERROR")
VALIDATOR = Path(sys.executable).with_name("bids-validator-deno")
# Warnings of what only people know, and of a recording in which nothing happened.
ALLOWED = ("RECOMMENDED", "AUTHORS", "README_FILE_SMALL", "EVENTS_TSV_MISSING")
WHO = Entities("01", "grasp", "a", "2")
SFREQ, LOST = 200.0, range(600, 800)


def signal(name: str, kind: str, labels: list[str], unit: str) -> Header:
    channels = tuple(Channel(each, unit, kind) for each in labels)
    return Header(name, kind, "float32", SFREQ, channels)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Four EEG and three EMG channels, 10 s with a second lost, and markers."""
    heads = [
        signal("Head", "EEG", ["TP9", "AF7", "AF8", "TP10"], "microvolts"),
        signal("Arm band", "EMG", ["L1", "L2", "L3"], "none"),
        Header("Marks", "Markers", "string", 0.0, (Channel(),)),
        signal("Pulse", "PPG", ["red"], "none"),
    ]
    content = file_header({})
    for k, head in enumerate(heads, 1):
        content += stream_header(k, head)
    kept = np.array([row for row in range(2000) if row not in LOST])
    stamps = 50 + kept / SFREQ
    for k, data in ((1, signals(4)), (2, np.rint(signals(3))), (4, signals(1))):
        content += samples(k, stamps, data[kept].astype(np.float32))
    marks = [(51.0, "cue on: fist"), (52.5, "cue off: fist"), (57.0, "done")]
    when = np.array([time + 0.001 for time, _ in marks])
    content += texts(3, when, [[text] for _, text in marks])
    file = tmp_path / "run.xdf"
    file.write_bytes(content)
    return file


def signals(n_channels: int) -> Any:
    return np.random.default_rng(n_channels).normal(0, 30, (2000, n_channels))


def made(recording: Path, root: Path, who: Entities = WHO) -> list[Converted]:
    return convert(recording, "bids", root, named=who)


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8-sig") as text:
        return list(csv.DictReader(text, delimiter="\t"))


def errors(root: Path) -> list[str]:
    """Return what the validator of BIDS finds wrong, without what only people know."""
    if not VALIDATOR.exists():
        pytest.skip("bids-validator-deno is not installed")
    done = subprocess.run(
        [VALIDATOR, root, "--json"], capture_output=True, text=True, check=False
    )
    issues = json.loads(done.stdout)["issues"]["issues"]
    return [
        f"{each['code']} {each.get('subCode')} {each['location']}"
        for each in issues
        if each.get("severity") == "error"
        or not any(word in each["code"] for word in ALLOWED)
    ]


def test_mne_bids_reads_what_was_recorded(recording: Path, tmp_path: Path) -> None:
    eeg, emg, pulse = made(recording, tmp_path / "study")
    name = "sub-01_ses-a_task-grasp_run-2"
    folder = tmp_path / "study" / "sub-01" / "ses-a"
    assert eeg.file == folder / "eeg" / f"{name}_eeg.bdf"
    assert emg.file == folder / "emg" / f"{name}_emg.bdf"
    assert pulse.file is None
    for kind, data, scale in (("eeg", signals(4), 1e6), ("emg", signals(3), 1)):
        path = mne_bids.BIDSPath(
            root=tmp_path / "study",
            subject="01",
            session="a",
            task="grasp",
            run="2",
            datatype=kind,
        )
        raw = mne_bids.read_raw_bids(path)
        assert set(raw.get_channel_types()) == {kind}
        assert raw.info["line_freq"] == 50.0
        values = raw.get_data().T[:2000] * scale
        meant = data if kind == "eeg" else np.rint(data)
        meant = np.where(np.isin(np.arange(2000), LOST)[:, None], meant[599], meant)
        np.testing.assert_allclose(values, meant, atol=1e-4 if kind == "eeg" else 0)
        noted = {
            (
                round(each["onset"] * SFREQ),
                round(each["duration"], 6),
                each["description"],
            )
            for each in raw.annotations
            if each["description"] != "BAD_padding"
        }
        assert noted == {
            (200, 1.5, "fist"),
            (1400, 0.0, "done"),
            (600, 1.0, "BAD_lost"),
        }


def test_the_sidecars_say_what_is_known(recording: Path, tmp_path: Path) -> None:
    eeg, emg, _ = made(recording, tmp_path / "study")
    assert eeg.file is not None
    assert emg.file is not None
    told = json.loads(emg.file.with_suffix(".json").read_text())
    assert told["SamplingFrequency"] == SFREQ
    assert told["PowerLineFrequency"] == 50.0
    assert told["RecordingType"] == "continuous"
    assert told["SoftwareFilters"] == told["Manufacturer"] == "n/a"
    assert told["EMGChannelCount"] == 3
    channels = rows(eeg.file.with_name(eeg.file.stem[:-3] + "channels.tsv"))
    assert [each["name"] for each in channels] == ["TP9", "AF7", "AF8", "TP10"]
    assert {each["type"] for each in channels} == {"EEG"}
    assert {each["units"] for each in channels} <= {"uV", "µV", "μV"}
    channels = rows(emg.file.with_name(emg.file.stem[:-3] + "channels.tsv"))
    assert {(each["type"], each["units"]) for each in channels} == {("EMG", "n/a")}
    (events,) = emg.file.parent.glob("*events.tsv")
    assert {
        (each["onset"], each["duration"], each["sample"], each["trial_type"])
        for each in rows(events)
    } >= {("1.0", "1.5", "200", "fist"), ("7.0", "0.0", "1400", "done")}
    (electrodes,) = eeg.file.parent.glob("*electrodes.tsv")
    assert float(rows(electrodes)[0]["x"]) < 0 < float(rows(electrodes)[3]["x"])


def test_the_validator_finds_nothing_wrong(recording: Path, tmp_path: Path) -> None:
    made(recording, tmp_path / "study")
    made(recording, tmp_path / "study", Entities("01", "rest", "b"))
    made(recording, tmp_path / "study", Entities("02", "grasp"))
    assert errors(tmp_path / "study") == []
    people = rows(tmp_path / "study" / "participants.tsv")
    assert [each["participant_id"] for each in people] == ["sub-01", "sub-02"]


def test_the_validator_can_find_something(recording: Path, tmp_path: Path) -> None:
    _, emg, _ = made(recording, tmp_path / "study")
    assert emg.file is not None
    sidecar = emg.file.with_suffix(".json")
    told = json.loads(sidecar.read_text())
    del told["EMGPlacementScheme"]
    sidecar.write_text(json.dumps(told))
    assert errors(tmp_path / "study")


def test_what_a_person_wrote_stays(recording: Path, tmp_path: Path) -> None:
    root = tmp_path / "study"
    made(recording, root)
    (root / "README.md").write_text("Mine.")
    described = root / "dataset_description.json"
    mine = json.loads(described.read_text()) | {"License": "CC0", "Authors": ["Me"]}
    described.write_text(json.dumps(mine))
    made(recording, root, Entities("01", "rest", "a"))
    assert (root / "README.md").read_text() == "Mine."
    assert json.loads(described.read_text()) == mine
    assert errors(root) == []
    (scans,) = root.rglob("*scans.tsv")
    assert len(rows(scans)) == 4
    assert {each["acq_time"] for each in rows(scans)} == {"n/a"}


def test_nothing_is_overwritten(recording: Path, tmp_path: Path) -> None:
    root = tmp_path / "study"
    made(recording, root)
    before = {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}
    with pytest.raises(RtpipeError, match="is there already, and nothing is overwr"):
        made(recording, root)
    after = {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}
    assert after == before


@pytest.mark.parametrize(("to", "who"), [("bids", None), ("edf", WHO)])
def test_bids_alone_has_entities(
    recording: Path, tmp_path: Path, to: str, who: Entities | None
) -> None:
    with pytest.raises(ConfigError, match="BIDS needs entities, and no other format"):
        convert(recording, to, tmp_path / "out", named=who)


def test_streams_whose_names_bids_makes_alike(tmp_path: Path) -> None:
    infos = [
        StreamInfo(name, SFREQ, ("a",), ("emg",), ("uV",))
        for name in ("arm", "a-rm", "arm2")
    ]
    who = Entities("01", "grasp")
    found = [each.name for each in targets(infos, tmp_path, who)]
    assert [each.split("_")[-2] for each in found] == [
        "acq-arm",
        "acq-arm2",
        "acq-arm22",
    ]


def test_two_streams_of_one_type_have_two_names(tmp_path: Path) -> None:
    content = file_header({})
    for k, name in enumerate(("Left arm", "Right arm"), 1):
        content += stream_header(k, signal(name, "EMG", ["a", "b"], "microvolts"))
    for k in (1, 2):
        data = signals(2).astype(np.float32)
        content += samples(k, 50 + np.arange(2000) / SFREQ, data)
    (tmp_path / "two.xdf").write_bytes(content)
    found = made(tmp_path / "two.xdf", tmp_path / "study", Entities("01", "grasp"))
    assert [each.file and each.file.name for each in found] == [
        "sub-01_task-grasp_acq-Leftarm_emg.bdf",
        "sub-01_task-grasp_acq-Rightarm_emg.bdf",
    ]
    assert errors(tmp_path / "study") == []


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({"subject": "S 1"}, "--subject 'S 1': BIDS allows letters and digits"),
        ({"task": ""}, "--task ''"),
        ({"session": "a-b"}, "--session 'a-b'"),
        ({"run": "two"}, "--run 'two': BIDS wants a whole number"),
    ],
)
def test_names_that_bids_does_not_allow(told: dict[str, str], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        Entities(**{"subject": "01", "task": "rest", **told})

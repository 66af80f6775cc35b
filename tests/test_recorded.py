"""A person's own labels: learnt from cues, and honest about what was left out."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from scipy.signal import butter, iirnotch, sosfilt, sosfilt_zi, tf2sos

from rtpipe import cli
from rtpipe.bundle import Bundle
from rtpipe.card import read_card
from rtpipe.checks import check_bundle
from rtpipe.cuespans import spans
from rtpipe.errors import ConfigError, RecordingError
from rtpipe.features.armband import ArmbandFeatures
from rtpipe.fit import misfits
from rtpipe.recording import file_hash, read
from rtpipe.stages.filter import Filter
from rtpipe.training.evaluate import best, evaluate, summary
from rtpipe.training.recipe import train
from rtpipe.training.recordedfit import fit, method
from rtpipe.training.synthetic import record
from rtpipe.types import Float32, Float64, StreamInfo
from rtpipe.xdf import encode
from rtpipe.xdf.header import Channel, Header
from rtpipe.xdf.repair import repair

Capture = pytest.CaptureFixture[str]
SFREQ = 200.0
CUE, PAUSE = 400, 200  # samples
LABELS = ("fist", "open", "rest")
LEVELS = {"fist": (30, 5, 5), "open": (5, 30, 5), "rest": (3, 3, 3)}
"""Root mean squares of the channels, in uV."""

START = 1000.0  # seconds, of the first sample on the sender's clock
Marks = Sequence[tuple[int, str]]  # a row of the signal, and a text


def write(
    path: Path,
    data: Float32,
    marks: Marks,
    *,
    sfreq: float = 200.0,
    kind: str = "EMG",
    unit: str = "microvolts",
    kinds: Sequence[str] = (),
    times: Float64 | None = None,
    more: Mapping[str, tuple[str, Float32]] = MappingProxyType({}),
) -> Path:
    """Write a stream of signals, named arm, and one of markers.

    Parameters
    ----------
    path : Path
    data : ndarray of float32, shape (n_times, n_channels)
    marks : sequence of (int, str)
    sfreq : float
        In hertz.
    kind, unit : str
        In LSL's words.
    kinds : sequence of str
        One a channel, where they differ.
    times : ndarray of float64, shape (n_times,), or None
        Seconds since the first sample, where some were lost.
    more : mapping of str to (str, ndarray)
        Other streams: the type and the samples of each, by name.
    """
    if times is None:
        times = np.arange(len(data)) / sfreq
    streams = {"arm": (kind, data), **more}
    marked = START + np.array([row for row, _ in marks]) / sfreq
    texts = Header("cues", "Markers", "string", 0.0, (Channel(),))
    parts = [
        encode.file_header({}),
        encode.stream_header(0, texts),
        encode.texts(0, marked, [[text] for _, text in marks]),
    ]
    for k, (name, (of, samples)) in enumerate(streams.items(), 1):
        each = kinds or [of] * samples.shape[1]
        channels = tuple(Channel(f"C{j}", unit, word) for j, word in enumerate(each))
        header = Header(name, of, "float32", sfreq, channels)
        parts += [
            encode.stream_header(k, header),
            encode.samples(k, START + times, samples),
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(parts))
    return path


def signal(did: Sequence[str], seed: int) -> Float32:
    """Return noise as loud as what was done, a label a sample, says."""
    rng = np.random.default_rng(seed)
    levels = np.array([LEVELS[each] for each in did], float)
    return (levels * rng.standard_normal(levels.shape)).astype(np.float32)


def script(
    labels: Sequence[str],
    *,
    late: int = 0,
    lag: int = 0,
    broken: Sequence[int] = (),
    done: Sequence[str] | None = None,
) -> tuple[list[str], list[tuple[int, str]]]:
    """Return what a person did, a label a sample, and the markers of the cues.

    Parameters
    ----------
    labels : sequence of str
        What was asked for.
    late, lag : int
        Samples that the person begins late, and goes on doing it after.
    broken : sequence of int
        Which cues are.
    done : sequence of str or None
        What was done; None is what was asked for.
    """
    did: list[str] = ["rest"] * PAUSE
    marks = []
    for k, (label, true) in enumerate(zip(labels, done or labels, strict=True)):
        start = len(did)
        marks.append((start, f"cue on: {label}"))
        did += [true] * CUE
        did[start : start + late] = ["rest" if true != "rest" else "fist"] * late
        marks.append((len(did), f"cue {'broken' if k in broken else 'off'}: {label}"))
        did += [true] * lag + ["rest"] * (PAUSE - lag)
    return did, marks


def write_own(path: Path, seed: int, n: int = 3, **how: Any) -> Path:
    did, marks = script(LABELS * n, **how)
    return write(path, signal(did, seed), marks)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings; a third whose cues tell another label than what was done."""
    folder = tmp_path_factory.mktemp("own")
    write_own(folder / "1.xdf", 1)
    write_own(folder / "2.xdf", 2, broken=[4])
    write_own(folder / "other.xdf", 3, done=("open", "rest", "fist") * 3)
    return folder


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    train("gesture", data, folder, ["seed=3"])
    return folder


# What is left ---------------------------------------------------------------------


def test_a_bundle_its_card_its_figures_and_a_picture(out: Path, data: Path) -> None:
    names = ["card.json", "confusion.png", "gesture.pt", "metrics.json"]
    assert sorted(each.name for each in out.iterdir()) == names
    assert (out / "confusion.png").read_bytes().startswith(b"\x89PNG")
    check_bundle(out / "gesture.pt")
    card = read_card(out / "gesture.pt")
    assert card.labels == LABELS
    assert (card.n_times, card.hop, card.sfreq) == (40, 10, SFREQ)
    assert card.units == ("uV",) * 3
    assert [each.kind for each in card.stages] == ["filter"]
    assert card.training.recordings == {
        file_hash(path): path.name for path in data.glob("*.xdf")
    }
    assert (card.training.seed, card.training.simulated) == (3, False)
    assert card.notes == ()
    assert "flatters" in card.training.protocol
    assert card.scores["chance"] == pytest.approx(1 / 3)
    assert card.scores["cues"] == {
        "used": {"fist": 9, "open": 8, "rest": 9},
        "left out": {"broken": 1},
    }
    (recording,) = read(data / "1.xdf")
    assert misfits(card, recording.info) == []


def test_what_is_left_out_is_not_trained_on(out: Path) -> None:
    """What was done in the third recording goes by other names in the first two."""
    metrics = json.loads((out / "metrics.json").read_text())
    recordings = metrics["scores"]["recordings left out"]["single"]
    assert recordings["worst"] < 0.1
    assert np.sum(metrics["confusion"]) > 500
    repetitions = metrics["scores"]["repetitions left out"]["single"]
    assert repetitions["mean"] > recordings["mean"]


def test_without_the_misled_one_all_is_right(data: Path, tmp_path: Path) -> None:
    two = tmp_path / "two"
    two.mkdir()
    for name in ("1.xdf", "2.xdf"):
        (two / name).write_bytes((data / name).read_bytes())
    train("gesture", two, tmp_path / "out", [])
    scores = read_card(tmp_path / "out" / "gesture.pt").scores
    for name in ("recordings left out", "repetitions left out"):
        assert scores[name]["single"]["worst"] > 0.97
        assert scores[name]["smoothed"]["worst"] > 0.97
    assert set(scores["recall, recordings left out"]) == set(LABELS)


def test_the_time_to_react_is_not_learnt_from(tmp_path: Path) -> None:
    """The person begins 0.4 s late, and does not stop at once."""
    write_own(tmp_path / "own" / "1.xdf", 1, late=80, lag=100)
    found = {}
    for reaction in (0, 0.4, 0.5):
        out = tmp_path / str(reaction)
        train("gesture", tmp_path / "own", out, [f"reaction={reaction}"])
        card = read_card(out / "gesture.pt")
        found[reaction] = card.scores["repetitions left out"]["single"]["mean"]
        assert card.training.settings["reaction"] == reaction
    assert found[0.5] > 0.97
    assert found[0.4] > 0.97
    assert found[0] < 0.9


def test_broken_cues_are_not_learnt_from(tmp_path: Path) -> None:
    """What is done in them is wrong: with them every second fist would be."""
    asked = ("fist", "fist", "open", "rest") * 3
    done = ("rest", "fist", "open", "rest") * 3
    scores = {}
    for name, broken in (("broken", (0, 4, 8)), ("whole", ())):
        did, marks = script(asked, done=done, broken=broken)
        write(tmp_path / name / "1.xdf", signal(did, 1), marks)
        train("gesture", tmp_path / name, tmp_path / f"out-{name}", [])
        scores[name] = read_card(tmp_path / f"out-{name}" / "gesture.pt").scores
    assert scores["broken"]["repetitions left out"]["single"]["worst"] > 0.97
    assert scores["broken"]["cues"]["left out"] == {"broken": 3}
    assert scores["whole"]["repetitions left out"]["single"]["mean"] < 0.9


def test_a_cue_in_which_samples_were_lost_is_left_out(tmp_path: Path) -> None:
    did, marks = script(LABELS * 3)
    x = signal(did, 1)
    lost = slice(PAUSE + 200, PAUSE + 260)  # in the first cue, a fist
    times = np.delete(np.arange(len(x)), np.r_[lost]) / SFREQ
    path = write(tmp_path / "1.xdf", np.delete(x, np.r_[lost], 0), marks, times=times)
    train("gesture", path, tmp_path / "out", [])
    cues = read_card(tmp_path / "out" / "gesture.pt").scores["cues"]
    assert cues["used"] == {"fist": 2, "open": 3, "rest": 3}
    assert cues["left out"] == {"with lost samples": 1}


def test_a_cue_before_the_first_window_is_left_out(tmp_path: Path) -> None:
    """The recording begins with it, and then samples are lost until its middle."""
    did, marks = script(LABELS * 3)
    there = np.r_[PAUSE - 10 : PAUSE + 10, PAUSE + 200 : len(did)]
    path = write(tmp_path / "1.xdf", signal(did, 1)[there], marks, times=there / SFREQ)
    train("gesture", path, tmp_path / "out", [])
    cues = read_card(tmp_path / "out" / "gesture.pt").scores["cues"]
    assert cues["used"] == {"fist": 2, "open": 3, "rest": 3}
    assert cues["left out"] == {"with lost samples": 1}


def test_one_recording_says_that_it_flatters(tmp_path: Path, capsys: Capture) -> None:
    write_own(tmp_path / "1.xdf", 1)
    write(tmp_path / "without.xdf", signal(["rest"] * 500, 2), [(3, "hello")])
    train("gesture", tmp_path, tmp_path / "out", [])
    said = " ".join(capsys.readouterr().out.split())
    assert "9 cues of 1 recording learnt from" in said
    assert "without cues, left out: without.xdf" in said
    assert "One recording: the figures flatter." in said
    assert "chance gives 0.333" in said
    card = read_card(tmp_path / "out" / "gesture.pt")
    assert "recordings left out" not in card.scores
    assert len(card.training.recordings) == 1


def test_one_seed_or_another_gives_one_bundle(data: Path, tmp_path: Path) -> None:
    weights = set()
    for k, seed in enumerate((1, 1, 2)):
        train("gesture", data, tmp_path / str(k), [f"seed={seed}"])
        weights.add(read_card(tmp_path / str(k) / "gesture.pt").weights)
    assert len(weights) == 1


# Training side and live path are one ----------------------------------------------


def test_evaluate_takes_cues_for_the_truth(out: Path, tmp_path: Path) -> None:
    """Which windows are scored is found from the markers alone."""
    path = write_own(tmp_path / "new.xdf", 9, broken=[2])
    _, marks = script(LABELS * 3, broken=[2])
    wanted = {}
    for (start, on), (stop, off) in zip(marks[::2], marks[1::2], strict=True):
        for end in range(40, 10_000, 10):
            if off.startswith("cue off") and end - 40 >= start + 100 and end <= stop:
                wanted[end - 1] = on.removeprefix("cue on: ")
    bundle = Bundle.load(out / "gesture.pt")
    jobs = evaluate(bundle, [path], bundle.card.decision)
    found = {p.index: p.truth for p in jobs[0].predictions if p.truth}
    assert found == wanted
    told = summary(bundle, path, jobs)
    assert told["n_windows"] == len(wanted) > 200
    right = np.mean([best(p) == p.truth for p in jobs[0].predictions if p.truth])
    assert told["accuracy"] == pytest.approx(right)


def test_the_bundle_answers_as_scipy_and_torch_alone(out: Path, data: Path) -> None:
    (recording,) = read(data / "1.xdf")
    sos = butter(4, 20, "hp", fs=SFREQ, output="sos")
    sos = np.concatenate([sos, tf2sos(*iirnotch(50, 30, SFREQ))])
    zi = sosfilt_zi(sos)[:, :, None] * recording.data[0]
    filtered = sosfilt(sos, recording.data, axis=0, zi=zi)[0].astype(np.float32)
    module = torch.jit.load(str(out / "gesture.pt"))  # type: ignore[no-untyped-call]
    bundle = Bundle.load(out / "gesture.pt")
    (job,) = evaluate(bundle, [data / "1.xdf"], bundle.card.decision)
    assert len(job.predictions) > 500
    for prediction in job.predictions[::40]:
        last = prediction.index + 1
        x = torch.from_numpy(filtered[last - 40 : last].T.copy())[None]
        with torch.inference_mode():
            alone = module(x)[0].tolist()
        assert list(prediction.probabilities.values()) == pytest.approx(alone, abs=1e-5)


# What suits a stream --------------------------------------------------------------


def info(kind: str, sfreq: float, unit: str = "uV", n: int = 4) -> StreamInfo:
    names = tuple(f"C{k}" for k in range(n))
    return StreamInfo("s", sfreq, names, (kind,) * n, (unit,) * n)


@pytest.mark.parametrize(
    ("stream", "n_times", "hop", "settings"),
    [
        (info("emg", 2000), 400, 100, {"low": 20.0, "notch": 4}),
        (info("emg", 200), 40, 10, {"low": 20.0, "notch": 4}),
        (info("emg", 60), 12, 3, None),
        (info("emg", 200, "none"), 40, 10, None),
        (info("eeg", 256), 256, 64, {"low": 4.0, "high": 45.0}),
        (info("eeg", 100), 100, 25, {"low": 4.0, "high": 45.0}),
        (info("eeg", 80), 80, 20, {"low": 4.0}),
        (info("misc", 100), 20, 5, None),
    ],
)
def test_windows_and_filters_by_type_and_rate(
    stream: StreamInfo, n_times: int, hop: int, settings: dict[str, float] | None
) -> None:
    way = method(stream, None)
    assert (way.n_times, way.hop) == (n_times, hop)
    assert [each.settings for each in way.stages] == ([settings] if settings else [])
    for each in way.stages:
        Filter(**each.settings).prepare(stream)
    x = np.random.default_rng(0).standard_normal((5, 4, n_times)).astype(np.float32)
    features = way.features(torch.from_numpy(x))
    assert features.shape[0] == 5
    assert torch.isfinite(features).all()
    counts = stream.units[0] == "none"
    assert isinstance(way.features, ArmbandFeatures) == counts


def test_a_window_of_one_s_own() -> None:
    assert method(info("eeg", 256), 2.0).n_times == 512
    assert method(info("emg", 200), 0.3).n_times == 60
    with pytest.raises(ConfigError, match=r"a window of 0.2 s has 4 samples of s, and"):
        method(info("emg", 20), None)


def test_channels_of_the_commonest_type() -> None:
    stream = StreamInfo(
        "s", 250, ("Fp1", "Oz", "trigger"), ("eeg", "eeg", "stim"), ("uV", "uV", "none")
    )
    way = method(stream, None)
    assert (way.ch_names, way.units) == (("Fp1", "Oz"), ("uV", "uV"))


def test_a_trigger_channel_is_left_out(tmp_path: Path) -> None:
    did, marks = script(LABELS * 2)
    x = np.column_stack([signal(did, 1), np.arange(len(did)) % 2 * 1e6])
    kinds = ("EMG", "EMG", "EMG", "stim")
    path = write(tmp_path / "1.xdf", x.astype(np.float32), marks, kinds=kinds)
    train("gesture", path, tmp_path / "out", [])
    card = read_card(tmp_path / "out" / "gesture.pt")
    assert card.ch_names == ("C0", "C1", "C2")
    assert card.scores["repetitions left out"]["single"]["worst"] > 0.97
    bundle = Bundle.load(tmp_path / "out" / "gesture.pt")
    (job,) = evaluate(bundle, [path], card.decision)
    assert np.mean([best(p) == p.truth for p in job.predictions if p.truth]) > 0.97


def test_the_probabilities_are_those_of_scikit_learn() -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rng = np.random.default_rng(0)
    for n_labels in (2, 4):
        y = np.repeat(np.arange(n_labels), (60, 20, 40, 30)[:n_labels])
        x = rng.standard_normal((len(y), 7)) * rng.uniform(0.1, 9, 7) + y[:, None]
        z = (x - x.mean(0)) / x.std(0)
        lda = LinearDiscriminantAnalysis(
            solver="lsqr", shrinkage="auto", priors=[1 / n_labels] * n_labels
        )
        wanted = lda.fit(z, y).predict_proba(z)
        assert fit(x, y, n_labels).probabilities(x) == pytest.approx(wanted)


def test_a_label_that_was_not_there_is_never_the_answer() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 2], 30)
    shares = fit(rng.standard_normal((60, 4)) + y[:, None], y, 3).probabilities(
        rng.standard_normal((50, 4))
    )
    assert (shares[:, 1] == 0).all()
    assert shares.sum(1) == pytest.approx(np.ones(50))


def test_moods_of_a_synthetic_head(tmp_path: Path) -> None:
    recording = record("eeg", 1_000_001, 120.0)
    marks, on = [], ""
    for event in recording.events:
        if event.kind == "truth" and event.data["task"] == "emotion":
            marks += [(event.index or 0, f"cue off: {on}")] * bool(on)
            on = event.data["label"] or ""
            marks += [(event.index or 0, f"cue on: {on}")] * bool(on)
    path = write(tmp_path / "1.xdf", recording.data, marks, sfreq=256.0, kind="EEG")
    train("gesture", path, tmp_path / "out", ["task=emotion"])
    card = read_card(tmp_path / "out" / "gesture.pt")
    assert (card.task, card.n_times) == ("emotion", 256)
    assert card.scores["repetitions left out"]["smoothed"]["mean"] > 0.8


# Refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "how", "said"),
    [
        ((), {}, "holds no cues to learn from: record some with `rtpipe record --cues"),
        (("fist",) * 4, {}, "has cues of fist only: a model needs two labels"),
        (
            ("fist", "fist", "rest", "rest"),
            {"broken": [0]},
            r"has 1 whole cues of fist, and two are needed .*\(1 cue broken left out\)",
        ),
        (("fist", "rest"), {}, "has 1 whole cues of fist"),
    ],
)
def test_cues_that_are_not_enough(
    labels: Sequence[str], how: dict[str, Any], said: str, tmp_path: Path
) -> None:
    did, marks = script(labels, **how)
    write(tmp_path / "own" / "1.xdf", signal(did, 1), marks)
    with pytest.raises(RecordingError, match=said):
        train("gesture", tmp_path / "own", tmp_path / "out", [])


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a", "\x1b[2J"], r"a cue is a word that can be shown, .* not '\\x1b\[2J'"),
        (["a", ""], "a cue is a word that can be shown"),
        (["a", "b" * 41], "of at most 40 letters"),
        ([f"label {k}" for k in range(65)], "have 65 labels, and at most 64 are told"),
    ],
)
def test_labels_of_a_program_that_sends_anything(
    labels: Sequence[str], said: str, tmp_path: Path
) -> None:
    marks = [(k, f"cue on: {label}") for k, label in enumerate(labels)]
    write(tmp_path / "1.xdf", signal(["rest"] * 500, 1), marks)
    with pytest.raises(RecordingError, match=said):
        train("gesture", tmp_path / "1.xdf", tmp_path / "out", [])


def test_labels_that_mean_something_to_what_prints_them(
    tmp_path: Path, capsys: Capture
) -> None:
    asked = ("[/bold]", "$x$", "truth") * 2
    did, marks = script(asked, done=("rest", "fist", "open") * 2)
    write(tmp_path / "1.xdf", signal(did, 1), marks)
    train("gesture", tmp_path / "1.xdf", tmp_path / "out", [])
    assert (
        "recall, repetitions left out: $x$ 1.000, [/bold] " in capsys.readouterr().out
    )
    assert (tmp_path / "out" / "confusion.png").exists()


def test_cues_shorter_than_a_window(tmp_path: Path) -> None:
    write_own(tmp_path / "1.xdf", 1)
    with pytest.raises(RecordingError, match=r"has 0 whole cues .* \(9 cues too short"):
        train("gesture", tmp_path / "1.xdf", tmp_path / "out", ["reaction=1.9"])


@pytest.mark.parametrize(
    ("how", "n", "said"),
    [
        ({"sfreq": 250.0}, 3, "2.xdf is at 250 Hz, and 1.xdf at 200 Hz: one model"),
        (
            {},
            2,
            "2.xdf is of the channels C0, C1, and 1.xdf of the channels C0, C1, C2",
        ),
        ({"unit": "volts"}, 3, "2.xdf is in V, and 1.xdf in uV: one model"),
    ],
)
def test_recordings_of_two_devices(
    how: dict[str, Any], n: int, said: str, tmp_path: Path
) -> None:
    did, marks = script(LABELS * 2)
    write(tmp_path / "own" / "1.xdf", signal(did, 1), marks)
    write(tmp_path / "own" / "2.xdf", signal(did, 2)[:, :n], marks, **how)
    with pytest.raises(RecordingError, match=said):
        train("gesture", tmp_path / "own", tmp_path / "out", [])


def test_a_cut_off_recording_and_its_repaired_copy(tmp_path: Path) -> None:
    """They differ in their bytes, and a model of the one knows the other."""
    whole = write_own(tmp_path / "own" / "1.xdf", 1)
    whole.write_bytes(whole.read_bytes() + b"\x04")
    copy = tmp_path / "own" / "1-repaired.xdf"
    repair(whole, copy)
    with pytest.raises(
        RecordingError,
        match=r"1-repaired.xdf and .*1.xdf are of one recording, .* take one of them",
    ):
        train("gesture", tmp_path / "own", tmp_path / "out", [])
    whole.unlink()
    train("gesture", tmp_path / "own", tmp_path / "out", [])


def test_a_damaged_file_is_left_out_and_told(
    out: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "own"
    sound = write_own(own / "1.xdf", 1)
    bundle = Bundle.load(out / "gesture.pt")
    wanted = evaluate(bundle, [sound], bundle.card.decision)
    (own / "2.xdf").write_bytes(b"XDF:" + b"\xff" * 99)
    train("gesture", own, tmp_path / "out", [])
    found = evaluate(bundle, sorted(own.iterdir()), bundle.card.decision)
    told = [each for each in caplog.messages if each.startswith("left out: ")]
    assert len(told) == 2
    assert all("2.xdf" in each for each in told)
    assert [job.path for job in found] == [sound]
    assert summary(bundle, own, found) == summary(bundle, own, wanted)
    card = read_card(tmp_path / "out" / "gesture.pt")
    assert len(card.training.recordings) == 1
    sound.unlink()
    with pytest.raises(RecordingError, match=r"2\.xdf"):
        train("gesture", own, tmp_path / "out", [])
    with pytest.raises(RecordingError, match=r"2\.xdf"):
        evaluate(bundle, [own / "2.xdf"], bundle.card.decision)


def test_a_recording_without_a_label_that_only_it_lacks(tmp_path: Path) -> None:
    for k, labels in enumerate((("fist", "fist"), ("rest", "rest"))):
        did, marks = script(labels)
        write(tmp_path / "own" / f"{k}.xdf", signal(did, k), marks)
    with pytest.raises(
        RecordingError, match=r"without 0.xdf there are cues of one lab"
    ):
        train("gesture", tmp_path / "own", tmp_path / "out", [])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("stream=leg", "1.xdf has cues on arm, and none on leg"),
        ("window=0", "window wants seconds, got 0"),
        ("reaction=-1", "reaction wants seconds, 0 or more, got -1"),
        ("window=0.01", "a window of 0.01 s has 2 samples of arm"),
    ],
)
def test_settings_that_do_not_fit(setting: str, said: str, tmp_path: Path) -> None:
    write_own(tmp_path / "1.xdf", 1)
    with pytest.raises((ConfigError, RecordingError), match=said):
        train("gesture", tmp_path / "1.xdf", tmp_path / "out", [setting])


def test_which_of_several_streams(tmp_path: Path, capsys: Capture) -> None:
    did, marks = script(LABELS * 2)
    path = tmp_path / "1.xdf"
    more = {"leg": ("EMG", signal(did, 2)), "head": ("EEG", signal(did, 3))}
    write(path, signal(did, 1), marks, kind="EEG", more=more)
    train("gesture", path, tmp_path / "leg", [])
    assert read_card(tmp_path / "leg" / "gesture.pt").n_times == 40
    train("gesture", path, tmp_path / "arm", ["stream=arm"])
    assert read_card(tmp_path / "arm" / "gesture.pt").n_times == 200
    del more["leg"]
    write(path, signal(did, 1), marks, kind="EEG", more=more)
    with pytest.raises(SystemExit) as end:
        cli.app(["train", "gesture", "--data", str(path), "--out", str(tmp_path / "x")])
    assert end.value.code == 2
    assert "has cues on arm, head: say which to learn from" in capsys.readouterr().err


def test_settings_of_cues_for_uci_s_recordings(tmp_path: Path) -> None:
    header = "\t".join(["time", *(f"channel{k}" for k in range(1, 9)), "class"])
    file = tmp_path / "01" / "1.txt"
    file.parent.mkdir()
    file.write_text(f"{header}\n" + ("0\t" * 9 + "1\n") * 500)
    with pytest.raises(ConfigError, match=r"for recordings with cues, and .* UCI's"):
        train("gesture", tmp_path, tmp_path / "out", ["window=0.3"])


def test_cues_of_one_stream_of_two(tmp_path: Path) -> None:
    """Cues that follow the truth lie on the stream whose truth it is."""
    path = tmp_path / "both.xdf"
    options = ["device.paced=false", "device.seed=1000001", "device.duration=60"]
    command = ["record", "--device", "synthetic:both", str(path), "--ui", "none"]
    for each in options:
        command += ["--set", each]
    with pytest.raises(SystemExit) as end:
        cli.app([*command, "--cues", "truth", "--repeat", "3"])
    assert end.value.code == 0
    cued = [each for each in read(path) if spans(each.events)]
    assert len(cued) == 1
    train("gesture", path, tmp_path / "out", [])
    card = read_card(tmp_path / "out" / "gesture.pt")
    assert card.ch_names == cued[0].info.ch_names
    assert card.training.simulated
    assert card.notes == ("DEMO: trained on simulated signals",)

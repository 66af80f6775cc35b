"""What a configuration may say; each fault is named by its file and its key."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rtpipe.config import (
    assign,
    check,
    default_models,
    device_argument,
    load,
    scalar,
)
from rtpipe.errors import ConfigError
from rtpipe.table import table_of


def checked(text: str, tmp_path: Path) -> Any:
    path = tmp_path / "run.toml"
    path.write_text(text)
    return check(load(path), "run.toml")


def test_a_whole_configuration(tmp_path: Path) -> None:
    config = checked(
        """
        duration = 2.5
        mains = 60
        compute = "cpu"
        torch_threads = 2
        ui = "none"
        json = true

        [[device]]
        kind = "synthetic"
        signal = "emg"
        seed = 7

        [[device]]
        kind = "replay"
        file = "a.csv"
        speed = "max"

        [[model]]
        path = "demo:gesture"

        [[model]]
        path = "mine.pt"
        name = "mine"
        smoothing = "majority"
        windows = 9
        """,
        tmp_path,
    )
    assert (config.duration, config.mains, config.torch_threads) == (2.5, 60, 2)
    assert (config.ui, config.json_lines) == ("none", True)
    synthetic, replay = config.device
    assert (synthetic.kind, synthetic.settings) == (
        "synthetic",
        {"signal": "emg", "seed": 7},
    )
    assert replay.settings == {"file": Path("a.csv"), "speed": "max"}
    demo, mine = config.model
    assert (demo.path, demo.name, demo.decision) == ("demo:gesture", None, {})
    assert (mine.name, mine.decision) == (
        "mine",
        {"smoothing": "majority", "windows": 9},
    )


def test_an_empty_configuration_is_all_defaults() -> None:
    config = check({}, "nothing")
    assert (config.duration, config.mains, config.compute) == (None, None, "auto")
    assert (config.torch_threads, config.ui, config.json_lines) == (1, "auto", False)
    assert not config.device
    assert not config.model


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "run.toml: colour: there is no such key"),
        ("json_lines = true", "run.toml: json_lines: there is no such key"),
        ("duration = 0", "run.toml: duration: Input should be greater than 0"),
        ("mains = 55", "run.toml: mains: Input should be 50 or 60"),
        ("compute = 'tpu'", "run.toml: compute: Input should be 'auto', 'cpu', "),
        ("torch_threads = 0", "run.toml: torch_threads: Input should be greater"),
        (
            "ui = 'x'",
            "run.toml: ui: Input should be 'auto', 'qt', 'terminal' or 'none'",
        ),
        (
            "mains = 55\nhum = 1\nui = 3",
            "run.toml: mains: .*; ui: .*; hum: there is no such key",
        ),
        ("device = 'synthetic'", r"run.toml: device: is a list .* \[\[device\]\]"),
        ("device = [1]", "run.toml: device.0: Input should be a valid dict"),
        (
            "[device]\nkind = 'synthetic'",
            "run.toml: device: is a list of tables",
        ),
        ("[[device]]", "run.toml: device: kind = None is no device; there are: .*re"),
        ("[[device]]\nkind = 'muse3'", "device: kind = 'muse3' is no device; there"),
        ("[[device]]\nkind = ['replay']", r"device: kind = \['replay'\] is no device"),
        ("[[device]]\nkind = 'replay'", "run.toml: device: file: Field required"),
        (
            "[[device]]\nkind = 'replay'\nfile = 'a'\nspeed = 'fast'\nspee = 1",
            "device: speed.float: .*; speed.literal.*: .*; spee: there is no such key",
        ),
        (
            "[[device]]\nkind = 'synthetic'\nsettings = {signal = 'emg'}",
            "device: settings: there is no such key",
        ),
        ("[[model]]\nname = 'x'", "run.toml: model.0.path: Field required"),
        (
            "[[model]]\npath = 'x'\nsmoothing = 'median'",
            "run.toml: model: smoothing: Input should be 'none'",
        ),
        (
            "[[model]]\npath = 'x'\nsmoothness = 1",
            "run.toml: model: smoothness: there is no such key",
        ),
    ],
)
def test_a_fault_is_named_by_file_and_key(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said) as failure:
        checked(text, tmp_path)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"mains =", "x.toml is no configuration: Invalid value"),
        (b"\xff\xfe", "x.toml is no configuration: 'utf-8' codec"),
    ],
)
def test_a_file_that_is_not_toml(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        load(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no configuration .*gone\.toml"):
        load(tmp_path / "gone.toml")
    with pytest.raises(ConfigError, match="is a folder, not a configuration"):
        load(tmp_path)
    with pytest.raises(ConfigError, match=r"is no configuration: .*too long"):
        load(tmp_path / ("x" * 300))


def test_one_that_is_shipped_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = check(load(Path("synthetic")), "synthetic")
    assert shipped.device[0].kind == "synthetic"
    Path("synthetic").write_text("mains = 60")  # a file of that name comes first
    assert load(Path("synthetic")) == {"mains": 60}


# --device ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("synthetic", {"kind": "synthetic"}),
        ("synthetic:emg", {"kind": "synthetic", "signal": "emg"}),
        ("synthetic:seed=7", {"kind": "synthetic", "seed": 7}),
        ("synthetic:paced=false", {"kind": "synthetic", "paced": False}),
        ("replay:a b.csv", {"kind": "replay", "file": "a b.csv"}),
        ("replay:x=1.csv", {"kind": "replay", "file": "x=1.csv"}),
        ("replay:C:\\a.csv", {"kind": "replay", "file": "C:\\a.csv"}),
    ],
)
def test_a_device_in_one_word(text: str, table: dict[str, Any]) -> None:
    assert device_argument(text) == table


@pytest.mark.parametrize(
    "given",
    [
        {"repeat": 30_000_000},
        {"repeat": 10**400},
        {"seconds": 1e12},
        {"seconds": float("inf")},
        {"repeat": 100, "seconds": 500.0},  # 27.9 hours, for there are two
    ],
)
def test_cues_take_no_more_than_a_day(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="cues would take more than a day: fewer"):
        check({"cues": "rest,fist", **given}, "test")
    assert check({"cues": "rest,fist", "repeat": 100, "seconds": 400}, "t").repeat


def test_a_device_that_is_not_there_or_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(
        ConfigError, match=r"no device is named 'muse3'; there are: .*re"
    ):
        device_argument("muse3:1")

    class Simple:
        """Takes nothing."""

    monkeypatch.setattr("rtpipe.config.find", lambda *_: Simple)
    assert device_argument("simple") == {"kind": "simple"}
    with pytest.raises(ConfigError, match="device simple takes no argument, got '1'"):
        device_argument("simple:1")


def test_a_kind_that_does_not_say_which() -> None:
    with pytest.raises(ConfigError, match="replay needs its file: write replay:FILE"):
        device_argument("replay")


# --set ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1.5", 1.5),
        ("true", True),
        ('"a b"', "a b"),
        ("[1, 2]", [1, 2]),
        ("max", "max"),
        (" a b ", "a b"),
        ("", ""),
        ("inf", float("inf")),
    ],
)
def test_a_value_on_the_command_line(text: str, value: Any) -> None:
    assert scalar(text) == value


def test_an_assignment_reaches_every_table() -> None:
    raw: dict[str, Any] = {
        "device": [{"kind": "synthetic", "seed": 1}, {"kind": "synthetic"}],
        "model": [{"path": "x"}],
    }
    for each in ("mains=60", "device.seed = 8", "model.windows=3", "ui=none"):
        assign(raw, each)
    assert raw == {
        "mains": 60,
        "ui": "none",
        "device": [{"kind": "synthetic", "seed": 8}, {"kind": "synthetic", "seed": 8}],
        "model": [{"path": "x", "windows": 3}],
    }
    assert check(raw, "command line").device[1].settings == {"seed": 8}


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("mains", "--set wants key=value, got 'mains'"),
        ("=60", "--set wants key=value, got '=60'"),
        ("device.=1", "--set wants key=value, got 'device.=1'"),
        ("sink.rate=1", "--set: there is no table 'sink', only device and model"),
        ("device.seed=1", "--set device.seed: no device is named, so none can be set"),
        ("model.windows=1", "--set model.windows: no model is named, so none can"),
    ],
)
def test_an_assignment_that_is_none(assignment: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        assign({"device": []}, assignment)


@pytest.mark.parametrize("device", ["synthetic", 3, True, {"kind": "synthetic"}, [4]])
def test_what_is_no_list_of_tables_is_told_by_check(device: Any) -> None:
    raw = {"device": device, "model": default_models(device)}
    assign(raw, "device.seed=1")
    with pytest.raises(ConfigError, match="command line: device"):
        check(raw, "command line")
    raw = {"model": device}
    assign(raw, "model.path=a.pt")
    with pytest.raises(ConfigError, match="command line: model"):
        check(raw, "command line")


# Tables of constructors -------------------------------------------------------------


class Made:
    """A device with all kinds of parameters."""

    def __init__(self, file: Path, *, speed: float = 1.0, ends: bool = False) -> None:
        self.file, self.speed, self.ends = file, speed, ends


def made(out: Path, *, untyped=3) -> None:  # type: ignore[no-untyped-def]
    """Make something: a function has a table too."""


def test_a_table_is_read_from_a_signature() -> None:
    table = table_of(Made)
    assert list(table.model_fields) == ["file", "speed", "ends"]
    assert table.model_validate({"file": "a", "speed": 2}).model_dump() == {
        "file": Path("a"),
        "speed": 2.0,
        "ends": False,
    }
    assert table_of(made).model_validate({"out": "x"}).model_dump() == {
        "out": Path("x"),
        "untyped": 3,
    }


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({}, "file"),
        ({"file": "a", "speed": "x"}, "speed"),
        ({"file": "a", "b": 1}, "b"),
    ],
)
def test_a_table_refuses_what_the_signature_does(
    keys: dict[str, Any], where: str
) -> None:
    with pytest.raises(ValidationError) as failure:
        table_of(Made).model_validate(keys)
    assert [each["loc"] for each in failure.value.errors()] == [(where,)]


def test_one_path_is_not_that_of_several_models() -> None:
    raw = {"model": [{"path": "a.pt"}, {"path": "b.pt"}]}
    with pytest.raises(ConfigError, match=r"there are 2 models.*say --model c.pt inst"):
        assign(raw, "model.path=c.pt")
    assign(one := {"model": [{"path": "a.pt"}]}, "model.path=c.pt")
    assert one == {"model": [{"path": "c.pt"}]}

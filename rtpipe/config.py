"""The settings of a run: what a file, the command line and ``--set`` may say.

A file is TOML: the run's own keys, then a ``[[device]]`` table for each device and a
``[[model]]`` table for each bundle. A device's keys are its constructor's parameters,
a model's are its path and those of `rtpipe.decide.Decision`.
"""

import inspect
import tomllib
from collections.abc import Callable, Sequence
from importlib.resources import files
from os.path import exists
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from rtpipe.address import address
from rtpipe.cues import READY, labels
from rtpipe.decide import Decision
from rtpipe.errors import ConfigError
from rtpipe.lsl import Scope
from rtpipe.registry import find, names
from rtpipe.table import table_of

DEMOS = ("gesture", "emotion", "seizure")
LONGEST = 1000  # characters of all faults together
DAY = 86_400.0  # seconds: as long as all cues may take
ONLY_NAMED = "seizure"  # never runs on a person who did not ask for it


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeviceTable(_Table):
    """A device: its registered name, and what its constructor is given.

    The settings stand beside `kind` in a file; here they are kept apart.
    """

    kind: str
    settings: dict[str, Any] = {}


class ModelTable(_Table):
    """A bundle: a file or ``demo:TASK``, and what of its decision is set otherwise.

    Parameters
    ----------
    path : str
    name : str or None
        In this run; the card's unless given.
    decision : dict
        Keys of `rtpipe.decide.Decision` that replace the card's.
    """

    path: str
    name: str | None = None
    decision: dict[str, Any] = {}


class Config(_Table):
    """A whole run.

    Parameters
    ----------
    duration : float or None
        Seconds to run; None until stopped.
    mains : 50, 60 or None
        Frequency of the power line, in hertz; None keeps what the devices say.
    reconnect : float
        Seconds a device that was lost may take to come back; inf waits for ever.
    compute : str
        Where bundles run; auto is a CUDA device where there is one.
    torch_threads : int
        Per bundle.
    ui : str
        qt is a window, auto one where there is a display; where it cannot be opened,
        it is the terminal view.
    json : bool
        Predictions and events as JSON lines on standard output, and no view.
    lsl_scope : str or None
        How far LSL streams are announced and looked for: ``"machine"``, ``"link"``,
        ``"site"``, ``"organization"``, ``"global"``; None is what LSL's own
        configuration says.
    lsl_out : str or None
        Name of the LSL streams on which answers are sent; None sends none.
    metrics : (str, int) or None
        Host and port where Prometheus may read what is counted; None opens none.
    record : str or None
        File to record in, or a template for its name: see `rtpipe.filename`.
    subject, task : str or None
        What the template's fields stand for.
    cues : tuple of str
        Labels that a person is asked for, in random order; ``truth`` alone follows what
        the device tells of itself. The run ends with the last cue.
    repeat : int
        How often each label is asked for.
    seconds : float or None
        Length of a cue; None is 3, and 1 at least where the truth is followed.
    cue_seed : int or None
        Of the order; None draws one.
    device, model : tuple of tables
    """

    duration: PositiveFloat | None = None
    mains: Literal[50, 60] | None = None
    reconnect: NonNegativeFloat = 60.0
    compute: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    torch_threads: PositiveInt = 1
    ui: Literal["auto", "qt", "terminal", "none"] = "auto"
    json_lines: bool = Field(default=False, alias="json")
    lsl_scope: Scope | None = None
    lsl_out: str | None = Field(default=None, min_length=1)
    metrics: tuple[str, int] | None = None
    record: str | None = Field(default=None, min_length=1)
    subject: str | None = Field(default=None, min_length=1)
    task: str | None = Field(default=None, min_length=1)
    cues: tuple[str, ...] = ()
    repeat: PositiveInt = 5
    seconds: PositiveFloat | None = None
    cue_seed: NonNegativeInt | None = None
    device: tuple[DeviceTable, ...] = ()
    model: tuple[ModelTable, ...] = ()

    @field_validator("metrics", mode="before")
    @classmethod
    def _address(cls, told: Any) -> Any:
        return address(told)

    @field_validator("cues", mode="before")
    @classmethod
    def _labels(cls, told: Any) -> Any:
        return labels(told)

    @model_validator(mode="after")
    def _has_cues(self) -> Self:
        given = {"repeat", "seconds", "cue_seed"} & self.model_fields_set
        if given and not self.cues:
            raise ValueError(f"{', '.join(sorted(given))}: there are no cues")
        each = READY + (self.seconds or 3.0)
        if self.repeat > DAY or len(self.cues) * self.repeat * each > DAY:
            raise ValueError(
                "the cues would take more than a day: fewer with repeat, or shorter "
                "ones with seconds"
            )
        return self

    @field_validator("device", mode="before")
    @classmethod
    def _device_keys(cls, tables: Any) -> Any:
        return _each(tables, _device)

    @field_validator("model", mode="before")
    @classmethod
    def _model_keys(cls, tables: Any) -> Any:
        return _each(tables, _model)


def load(path: Path) -> dict[str, Any]:
    """Read a configuration file; its keys are checked by `check`.

    A name that is no file may be one of those shipped: ``synthetic``.

    Raises
    ------
    ConfigError
        If it cannot be read or is not TOML.
    """
    shipped = Path(str(files("rtpipe.configs"))) / "live" / f"{path}.toml"
    # Unlike those of Path, these say no where a name is too long to be a file's.
    if not exists(path) and exists(shipped):
        path = shipped
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no configuration {path}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path} is a folder, not a configuration") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no configuration: {error!s:.200}") from None


def check(raw: dict[str, Any], source: str) -> Config:
    """Return the configuration that keys and values make.

    Parameters
    ----------
    raw : dict
    source : str
        Where it comes from, for the error.

    Raises
    ------
    ConfigError
        Naming the source and every key at fault.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        faults = [_fault(each["loc"], each["msg"]) for each in error.errors()]
        told = "; ".join(faults)
        more = " ..." if len(told) > LONGEST else ""
        raise ConfigError(f"{source}: {told[:LONGEST]}{more}") from None


def device_argument(text: str) -> dict[str, Any]:
    """Return the device table that ``KIND[:ARG]`` stands for.

    ``ARG`` is the constructor's first parameter, or ``key=value`` for another one.

    Raises
    ------
    ConfigError
        If there is no device of that kind, or it takes no argument.
    """
    kind, colon, argument = text.partition(":")
    settings = dict(inspect.signature(find("devices", kind)).parameters)
    if not colon:
        _refuse_bare(kind, settings)
        return {"kind": kind}
    key, equals, value = argument.partition("=")
    if equals and key in settings:
        meant = scalar(value)
        if settings[key].annotation in (str, str | None) and not isinstance(meant, str):
            meant = value  # an identity of digits is no number
        return {"kind": kind, key: meant}
    if not settings:
        raise ConfigError(f"device {kind} takes no argument, got {argument!r}")
    return {"kind": kind, next(iter(settings)): argument}


def _refuse_bare(kind: str, settings: dict[str, inspect.Parameter]) -> None:
    """Raise if the kind alone does not say which device is meant."""
    for name, parameter in list(settings.items())[:1]:
        if parameter.default is inspect.Parameter.empty:
            raise ConfigError(
                f"device {kind} needs its {name}: write {kind}:{name.upper()}"
            )


def assign(raw: dict[str, Any], assignment: str) -> None:
    """Put one ``key=value`` of ``--set`` in place.

    ``device.key`` and ``model.key`` are set for every device and every model.

    Raises
    ------
    ConfigError
        If it is no assignment, or its table is empty.
    """
    path, equals, value = assignment.partition("=")
    table, dot, key = path.strip().partition(".")
    if not equals or not table or (dot and not key):
        raise ConfigError(f"--set wants key=value, got {assignment!r}")
    if not dot:
        raw[table] = scalar(value)
        return
    if table not in ("device", "model"):
        raise ConfigError(f"--set: there is no table {table!r}, only device and model")
    if not raw.get(table):
        raise ConfigError(f"--set {path}: no {table} is named, so none can be set")
    tables = raw[table]
    if not isinstance(tables, list):
        return  # it is told by `check`, as what is no table
    if path.strip() == "model.path" and len(tables) > 1:
        raise ConfigError(
            f"--set {assignment}: there are {len(tables)} models, and all would be "
            f"this one: say --model {value.strip()} instead"
        )
    for each in tables:
        if isinstance(each, dict):
            each[key] = scalar(value)


def scalar(text: str) -> Any:
    """Return what a value on the command line means: TOML's value, or else the text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text.strip()


def default_models(devices: Any) -> list[dict[str, Any]]:
    """Return the tables of the demo bundles, for a run that names no model.

    On a device that is not synthetic the seizure demo runs only when it is named.
    What is no list of tables is told by `check`.
    """
    synthetic = isinstance(devices, list) and all(
        isinstance(table, dict) and table.get("kind") == "synthetic"
        for table in devices
    )
    return [
        {"path": f"demo:{name}"} for name in DEMOS if synthetic or name != ONLY_NAMED
    ]


def bundle_path(path: str) -> Path:
    """Return the file of a bundle: a path, or ``demo:TASK`` for one that is shipped.

    Raises
    ------
    ConfigError
        If there is no such demo.
    """
    kind, colon, name = path.partition(":")
    if kind != "demo" or not colon:
        return Path(path)
    if name not in DEMOS:
        raise ConfigError(f"no demo is named {name!r}; there are: {', '.join(DEMOS)}")
    return Path(str(files("rtpipe.models") / f"demo-{name}.pt"))


def _each(tables: Any, change: Callable[[dict[str, Any]], Any]) -> Any:
    if not isinstance(tables, Sequence) or isinstance(tables, str):
        raise ValueError("is a list of tables, written [[device]] or [[model]]")
    return [
        _changed(each, change) if isinstance(each, dict) else each for each in tables
    ]


def _changed(keys: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> Any:
    try:
        return change(keys)
    except ValidationError as error:
        faults = [_fault(each["loc"], each["msg"]) for each in error.errors()]
        raise ValueError("; ".join(faults)) from None


def _device(keys: dict[str, Any]) -> Any:
    """Check a device's keys against its constructor."""
    kind = keys.get("kind")
    if kind not in names("devices"):
        raise ValueError(
            f"kind = {kind!r} is no device; there are: {', '.join(names('devices'))}"
        )
    settings = {key: value for key, value in keys.items() if key != "kind"}
    checked = table_of(find("devices", kind)).model_validate(settings)
    given = {key: getattr(checked, key) for key in settings}
    return {"kind": kind, "settings": given}


def _model(keys: dict[str, Any]) -> Any:
    """Check a model's keys: its own, and those of a decision."""
    own = {key: value for key, value in keys.items() if key in ("path", "name")}
    decision = {key: value for key, value in keys.items() if key not in own}
    Decision.model_validate(decision)
    return {**own, "decision": decision}


def _fault(place: tuple[int | str, ...], message: str) -> str:
    where = ".".join(map(str, place))
    if message == "Extra inputs are not permitted":
        message = "there is no such key"
    message = message.removeprefix("Value error, ")
    return f"{where}: {message}" if where else message

"""The command line: parse, load, build, run. No logic of its own.

Nothing slow is imported before a command needs it, so that help comes at once.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import typer

from rtpipe import __version__, options
from rtpipe.errors import RtpipeError
from rtpipe.interrupt import STATUS, end_at_once, interruptible, leave

app = typer.Typer(
    name="rtpipe",
    help="From a biosensor to a live decision. Try: rtpipe live --device synthetic",
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _options_of_all(version: options.Version = False) -> None:
    if version:
        typer.echo(f"rtpipe {__version__}")
        raise typer.Exit


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    end_at_once()
    logging.getLogger("rtpipe").addHandler(_Warnings(logging.WARNING))
    try:
        with _reporting(begins_run=True):  # help and version, which no command says
            app()
    except typer.Exit as end:
        sys.exit(end.exit_code)
    except SystemExit as end:
        leave(end.code)
        raise
    sys.exit(0)


@app.command()
def live(
    device: options.Device = None,
    model: options.Model = None,
    config: options.ConfigFile = None,
    ui: options.Ui = None,
    json_lines: options.JsonLines = False,
    duration: options.Duration = None,
    compute: options.Compute = None,
    lsl_out: options.LslOut = None,
    lsl_scope: options.LslScope = None,
    metrics: options.Metrics = None,
    record: options.Record = None,
    subject: options.Subject = None,
    task: options.Task = None,
    assign: options.Set = None,
) -> None:
    """Show a device's signals, their quality, and live decisions.

    Without --model the demo models run that fit the device.

    \b
    rtpipe live --device synthetic
    rtpipe live --device synthetic:emg --model demo:gesture --json --duration 5
    rtpipe live --device synthetic:emg --lsl-out Hand
    rtpipe live --device synthetic:emg --record "emg-{date}-{run}.xdf"
    rtpipe live --device synthetic --set device.seed=7 --set model.confidence=0.6
    """
    with _reporting(begins_run=True):
        raw = _options(
            config,
            device,
            model,
            json_lines,
            ui=ui,
            duration=duration,
            compute=compute,
            lsl_out=lsl_out,
            lsl_scope=lsl_scope,
            metrics=metrics,
            record=record,
            subject=subject,
            task=task,
        )
        _run(raw, assign, config)


@app.command()
def replay(
    file: options.Recording,
    speed: options.Speed = "1",
    check: options.Check = False,
    model: options.Model = None,
    config: options.ConfigFile = None,
    ui: options.Ui = None,
    json_lines: options.JsonLines = False,
    duration: options.Duration = None,
    compute: options.Compute = None,
    lsl_out: options.LslOut = None,
    lsl_scope: options.LslScope = None,
    metrics: options.Metrics = None,
    record: options.Record = None,
    subject: options.Subject = None,
    task: options.Task = None,
    assign: options.Set = None,
) -> None:
    """Play a recording through models as if it were live.

    At --speed max every window is answered, as fast as the models can.

    \b
    rtpipe replay 1_raw_data.txt --model gesture.pt
    rtpipe replay 1_raw_data.txt --model gesture.pt --speed max --json
    rtpipe replay run.xdf --check
    """
    with _reporting(begins_run=True):
        if check:
            given = (config, ui, duration, lsl_out, lsl_scope, metrics, record)
            if any(each is not None for each in (*given, subject, task)):
                raise RtpipeError(
                    "--check takes --model, --compute, --set and --json, nothing else"
                )
            _check_replay(file, model or [], compute, assign, json_lines)
        raw = _options(
            config,
            None,
            model,
            json_lines,
            ui=ui,
            duration=duration,
            compute=compute,
            lsl_out=lsl_out,
            lsl_scope=lsl_scope,
            metrics=metrics,
            record=record,
            subject=subject,
            task=task,
        )
        from rtpipe.config import scalar

        keys = {"kind": "replay", "file": str(file), "speed": scalar(speed)}
        raw["device"] = [keys]
        _run(raw, assign, config)


@app.command(name="record")
def record_command(
    file: options.NewFile = None,
    device: options.Device = None,
    config: options.ConfigFile = None,
    ui: options.Ui = None,
    json_lines: options.JsonLines = False,
    duration: options.Duration = None,
    lsl_scope: options.LslScope = None,
    metrics: options.Metrics = None,
    subject: options.Subject = None,
    task: options.Task = None,
    cues: options.Cues = None,
    repeat: options.Repeat = None,
    seconds: options.Seconds = None,
    assign: options.Set = None,
) -> None:
    """Record a device's signals and markers; no models run.

    What is in the file can be played, checked and converted, also when the run or the
    computer was stopped by force: all but the last second is there.

    \b
    rtpipe record --device lsl:Armband hand.xdf
    rtpipe record --device muse:2 "data/{subject}_{run}.xdf" --subject S1
    rtpipe record --device lsl:Armband hand.xdf --cues rest,fist,open --repeat 5
    """
    with _reporting(begins_run=True):
        raw = _options(
            config,
            device,
            None,
            json_lines,
            ui=ui,
            duration=duration,
            lsl_scope=lsl_scope,
            metrics=metrics,
            record=file,
            subject=subject,
            task=task,
            cues=cues,
            repeat=repeat,
            seconds=seconds,
        )
        if not raw.get("record"):
            raise RtpipeError("no file is named: rtpipe record --device ... FILE.xdf")
        raw["model"] = []
        _run(raw, assign, config, demos=False)


@app.command()
def view(run: options.RunName = None) -> None:
    """Open a window on a run that goes on; closing it does not touch the run.

    \b
    rtpipe view
    rtpipe view run-4711
    """
    with _reporting():
        from rtpipe.attach import chosen
        from rtpipe.dashboard.launch import look

        look(chosen(run).folder)


@app.command()
def devices(
    scan: options.Scan = 2,
    json_lines: options.JsonObject = False,
    lsl_scope: options.LslScope = None,
) -> None:
    """Show what could be typed after --device here: what is found, and what is missing.

    \b
    rtpipe devices
    rtpipe devices --scan 5 --json
    """
    with _reporting():
        if not 0 < scan < float("inf"):
            raise RtpipeError(f"--scan wants seconds, got {scan:g}")
        from rtpipe import lsl

        lsl.limit(lsl_scope)
        from rtpipe.console import Output, waiting
        from rtpipe.offers import offers
        from rtpipe.terminal.offers import print_offers

        with nullcontext() if json_lines else waiting(f"looking for {scan:g} s ..."):
            found = offers(scan)
        if json_lines:
            told = [{"kind": kind, **asdict(offer)} for kind, offer in found]
            typer.echo(json.dumps({"devices": told}))
        else:
            print_offers(found, Output())


@app.command()
def train(
    recipe: options.Recipe,
    data: options.TrainingData = None,
    out: options.Results = None,
    assign: options.Set = None,
) -> None:
    """Train a bundle: OUT/RECIPE.pt, and beside it card, metrics and pictures.

    OUT is made, but no folder above it. What an earlier training left there is kept as
    RECIPE-1.pt, card-1.json and so on: recordings of its answers are checked with it.

    From recordings made with --cues, `gesture` learns a person's own labels.

    \b
    rtpipe train gesture --data . --out trained
    rtpipe train gesture --data EMG_data_for_gestures-master --out trained
    rtpipe train demo-emotion --out trained --set seed=2
    """
    with _reporting():
        from rtpipe.training.recipe import train as run_recipe

        folder = out or Path(recipe)
        run_recipe(recipe, data, folder, assign or [])


@app.command()
def evaluate(
    bundle: options.Bundle,
    data: options.TestData,
    json_lines: options.JsonObject = False,
    predictions: options.Predictions = None,
    compute: options.Compute = None,
    assign: options.Set = None,
) -> None:
    """Score a bundle on labelled recordings, as it is: nothing is fitted.

    Recordings it was trained on are marked SEEN and left out of the figures. They are
    known by their bytes: a repaired or converted copy of one is taken for new.

    \b
    rtpipe evaluate trained/gesture.pt --data EMG_data_for_gestures-master
    """
    with _reporting():
        from rtpipe.training.report import print_evaluation, tracked

        raw: dict[str, Any] = {"model": [{"path": bundle}]}
        if compute:
            raw["compute"] = compute
        checked = _checked(raw, assign, None)

        from rtpipe import build
        from rtpipe.recording import recordings_in
        from rtpipe.training import evaluate as evaluation

        paths = recordings_in(data)
        where = build.compute(checked)
        ((_, loaded, decision),) = build.bundles(checked.model, where)
        if predictions:
            evaluation.refuse_predictions(predictions, [*paths, Path(bundle)])
        jobs = evaluation.evaluate(
            loaded, paths, decision, where, tracked("recordings")
        )
        if predictions:
            evaluation.write_predictions(predictions, jobs)
        found = evaluation.summary(loaded, data, jobs)
        if json_lines:
            typer.echo(json.dumps(found, allow_nan=False))
        else:
            print_evaluation(found, loaded.card)


@app.command()
def inspect(
    file: options.RecordingOrBundle,
    json_lines: options.JsonOfAll = False,
    repair: options.Repair = False,
    board: options.Board = None,
) -> None:
    """Show what is in a recording and whether it is whole, or a bundle's card.

    A bundle's model is not loaded. A repair keeps the file as it is. The exit status is
    1 where a recording is not whole, and was not repaired.

    \b
    rtpipe inspect 1_raw_data.txt
    rtpipe inspect --repair cut-off.xdf
    rtpipe inspect trained/gesture.pt
    """
    with _reporting():
        if file.startswith("demo:") or _is_archive(Path(file)):
            _inspect_bundle(file, json_lines, repair)
        else:
            _inspect_recording(Path(file), json_lines, repair, board)


def _inspect_bundle(bundle: str, json_lines: bool, repair: bool) -> None:
    from rtpipe.card import read_card
    from rtpipe.config import bundle_path
    from rtpipe.training.report import print_card

    if repair:
        raise RtpipeError(f"{bundle} is a bundle: only recordings are repaired")
    card = read_card(bundle_path(bundle))
    if json_lines:
        typer.echo(json.dumps(card.model_dump(mode="json")))
    else:
        print_card(card)


def _inspect_recording(
    path: Path, json_lines: bool, repair: bool, board: str | None
) -> None:
    from rtpipe import inspection
    from rtpipe.console import Output, waiting
    from rtpipe.sinks.jsonl import finite
    from rtpipe.terminal.recordingtable import print_recording, print_repair

    with nullcontext() if json_lines else waiting(f"reading {path} ..."):
        found = inspection.inspected(path, _answers(board, None))
        made = inspection.repaired(found) if repair else None
    if json_lines:
        typer.echo(json.dumps(finite(inspection.as_json(found, made)), allow_nan=False))
    else:
        print_recording(found, Output())
    if made and not json_lines:
        print_repair(*made, Output())
    if found.whole is False and not made:
        raise typer.Exit(1)


def _is_archive(path: Path) -> bool:
    """Tell whether a file begins as a zip archive, which a bundle is."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(2) == b"PK"


@app.command()
def convert(
    file: options.Recording,
    to: options.Format,
    out: options.Converted = None,
    subject: options.BidsSubject = None,
    task: options.BidsTask = None,
    session: options.BidsSession = None,
    run: options.BidsRun = None,
    units: options.Units = None,
    board: options.Board = None,
    channels: options.Channels = None,
) -> None:
    """Write a recording for other programs: a file for each of its streams.

    \b
    rtpipe convert run.xdf --to edf
    rtpipe convert run.xdf --to csv --out tables
    rtpipe convert run.xdf --to bids --out study --subject 01 --task grasp
    """
    with _reporting():
        from rtpipe.console import waiting
        from rtpipe.convert.conversion import convert as write
        from rtpipe.convert.conversion import entities
        from rtpipe.printable import clean

        said = _answers(board, units)
        who = entities(to, subject, task, session, run)
        written = write(
            file,
            to,
            out,
            answers=said,
            channels=channels.split(",") if channels else (),
            named=who,
            busy=waiting,
        )
        for each in written:
            typer.echo(f"{clean(each.stream)}: {each.file or 'not written'}")
            for line in each.told:
                typer.echo(f"  {clean(line)}")


def _answers(board: str | None, units: str | None) -> Any:
    """Return what a person says of a recording that does not say it itself."""
    from rtpipe.config import scalar
    from rtpipe.recording import Answers

    return Answers(
        scalar(board) if board else None,
        units.split(",") if units and "," in units else units,
        option="--{} {}",
    )


def _options(
    config: Path | None,
    device: list[str] | None,
    model: list[str] | None,
    json_lines: bool,
    **given: Any,
) -> dict[str, Any]:
    """Return the file's keys with those of the command line over them."""
    from rtpipe.config import device_argument, load

    raw = load(config) if config else {}
    raw |= {key: value for key, value in given.items() if value is not None}
    if json_lines:
        raw["json"] = True
    if device:
        raw["device"] = [device_argument(text) for text in device]
    if model:
        raw["model"] = [{"path": path} for path in model]
    return raw


def _checked(raw: dict[str, Any], assign: list[str] | None, source: Path | None) -> Any:
    from rtpipe.config import assign as put
    from rtpipe.config import check

    for assignment in assign or []:
        put(raw, assignment)
    return check(raw, str(source) if source else "command line")


def _run(
    raw: dict[str, Any],
    assign: list[str] | None,
    source: Path | None,
    demos: bool = True,
) -> None:
    from rtpipe.config import default_models

    if unnamed := demos and not raw.get("model"):
        raw["model"] = default_models(raw.get("device"))
    config = _checked(raw, assign, source)
    if not config.device:
        raise RtpipeError("no device is named: add --device, for example synthetic")
    from rtpipe.start import start

    start(config, optional=unnamed)


def _check_replay(
    file: Path,
    model: list[str],
    compute: str | None,
    assign: list[str] | None,
    json_lines: bool,
) -> NoReturn:
    """Compare a recording with its replay: status 0 equal, 1 they part."""
    raw: dict[str, Any] = {"compute": compute} if compute else {}
    checked = _checked(raw, assign, None)
    if other := checked.model_fields_set - {"compute", "torch_threads"}:
        raise RtpipeError(f"--check sets compute and torch_threads, not {min(other)}")
    from rtpipe import build
    from rtpipe.console import Output, waiting
    from rtpipe.replaycheck.check import check
    from rtpipe.replaycheck.report import as_json, print_check

    busy = nullcontext() if json_lines else waiting(f"replaying {file} ...")
    with interruptible(), busy:
        found = check(file, model, build.compute(checked))
    if json_lines:
        typer.echo(json.dumps(as_json(found), allow_nan=False))
    else:
        print_check(found, Output())
    raise typer.Exit({True: 0, False: 1, None: 2}[found.equal])


@contextmanager
def _reporting(begins_run: bool = False) -> Iterator[None]:
    """Turn errors into one sentence and the exit status that is documented.

    A run says itself from when on there is something to put in order when it is ended.
    """
    try:
        with nullcontext() if begins_run else interruptible():
            yield
    except RtpipeError as error:
        _say(str(error))
        raise typer.Exit(error.exit_status) from None
    except KeyboardInterrupt:
        raise typer.Exit(STATUS) from None
    except BrokenPipeError:
        # Who read our output has gone; nothing is left to say, and to no one.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        _say(f"{what}{error.strerror or error}")
        raise typer.Exit(2) from None


def _say(sentence: str) -> None:
    typer.echo(f"rtpipe: {_harmless(sentence)}", err=True)


def _harmless(text: str) -> str:
    """Return what may be of a file or a network without what could steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


class _Warnings(logging.Handler):
    """Says what is logged, in the same way as errors are said."""

    def emit(self, record: logging.LogRecord) -> None:
        _say(record.getMessage())

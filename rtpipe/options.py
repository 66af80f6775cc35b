"""What may be typed behind a command: each option and argument, written once.

Their defaults stand with the commands, in `rtpipe.cli`.
"""

from pathlib import Path
from typing import Annotated

import typer

Version = Annotated[
    bool, typer.Option("--version", is_eager=True, help="Show it and exit.")
]

# Of runs: what goes in.
Device = Annotated[
    list[str] | None,
    typer.Option(help="KIND[:ARG]; may be given several times. Example: synthetic:emg"),
]
Recording = Annotated[Path, typer.Argument(help="A recording.", readable=False)]
Speed = Annotated[str, typer.Option(help="1, 8, ... or max.")]
Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Compare with the decisions that the recording holds: status 1 where "
        "they part. Takes --model, --compute, --set and --json beside.",
    ),
]
Model = Annotated[
    list[str] | None,
    typer.Option(help="A bundle's file, or demo:gesture|emotion|seizure; repeats."),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", help="A TOML file, or one shipped: synthetic.", readable=False
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="key=value, as in a config: --set device.seed=7"),
]

# Of runs: how they run, and what comes out.
Ui = Annotated[str | None, typer.Option(help="auto, qt, terminal or none.")]
JsonLines = Annotated[
    bool, typer.Option("--json", help="JSON lines on standard output, and no view.")
]
Duration = Annotated[float | None, typer.Option(help="Seconds to run.")]
Compute = Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")]
LslOut = Annotated[
    str | None,
    typer.Option(help="Send the answers as LSL streams: NAME and NAME-decisions."),
]
LslScope = Annotated[
    str | None,
    typer.Option(
        help="How far LSL streams are seen: machine, link, site, organization, global."
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        metavar="PORT",
        help="[HOST:]PORT where Prometheus may read the counters; 127.0.0.1 only.",
    ),
]

# Of runs: what is recorded.
Record = Annotated[
    str | None,
    typer.Option(
        metavar="FILE.xdf",
        help="Record all of it in a new file; {date}, {run}, {subject}, {task} may "
        "stand in its name.",
    ),
]
NewFile = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE.xdf",
        help="A new file; {date}, {run} (the first number that is free), {subject} "
        "and {task} may stand in its name. Its folder is made, but none above it.",
    ),
]
Subject = Annotated[str | None, typer.Option(help="What {subject} stands for.")]
Task = Annotated[str | None, typer.Option(help="What {task} stands for.")]
Cues = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,C",
        help="Labels to ask for, in random order; truth follows the device's own.",
    ),
]
Repeat = Annotated[
    int | None, typer.Option(help="How often each label is asked for: 5.")
]
Seconds = Annotated[float | None, typer.Option(help="Length of a cue: 3.")]

# Of `view` and `devices`.
RunName = Annotated[str | None, typer.Argument(help="Its name, where several go on.")]
Scan = Annotated[float, typer.Option(help="Seconds that each kind may search.")]
JsonObject = Annotated[
    bool, typer.Option("--json", help="One JSON object on standard output.")
]

# Of `train` and `evaluate`.
Recipe = Annotated[
    str,
    typer.Argument(
        help="gesture, mental-state, demo-gesture, demo-emotion, demo-seizure, or a "
        "recipe of another package."
    ),
]
TrainingData = Annotated[
    Path | None, typer.Option(help="Folder of recordings.", readable=False)
]
Results = Annotated[
    Path | None, typer.Option(help="Folder for the results.", readable=False)
]
Bundle = Annotated[str, typer.Argument(help="A bundle; or demo:gesture, ...")]
TestData = Annotated[
    Path, typer.Option(help="A recording, or a folder of them.", readable=False)
]
Predictions = Annotated[
    Path | None,
    typer.Option(help="Write every prediction, a JSON line each.", readable=False),
]

# Of `inspect` and `convert`.
RecordingOrBundle = Annotated[
    str, typer.Argument(help="A recording; or a bundle: its file, demo:gesture, ..")
]
JsonOfAll = Annotated[
    bool, typer.Option("--json", help="All of it as one JSON object.")
]
Repair = Annotated[
    bool,
    typer.Option("--repair", help="Write a whole copy of a broken XDF file beside."),
]
Board = Annotated[
    str | None, typer.Option(help="Of which board a file of BrainFlow's is.")
]
Format = Annotated[str, typer.Option(help="edf, bdf, fif, csv or bids.")]
Converted = Annotated[
    Path | None,
    typer.Option(help="Folder for the files; else the recording's.", readable=False),
]
BidsSubject = Annotated[str | None, typer.Option(help="For BIDS: who.")]
BidsTask = Annotated[str | None, typer.Option(help="For BIDS: doing what.")]
BidsSession = Annotated[str | None, typer.Option(help="For BIDS: on which visit.")]
BidsRun = Annotated[str | None, typer.Option(help="For BIDS: which repetition.")]
Units = Annotated[
    str | None,
    typer.Option(help="Of channels that tell none: uV, none, or one,for,each."),
]
Channels = Annotated[
    str | None, typer.Option(metavar="A,B,C", help="Those to write; else all.")
]

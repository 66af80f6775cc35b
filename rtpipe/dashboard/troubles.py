"""What a person must know of a run at all times, in sentences. No Qt here."""

from collections.abc import Iterator

from rtpipe.dashboard.model import RunModel

_RECORDER = "recorder"  # the sink whose end its recording tells itself


def troubles(run: RunModel, now: float) -> list[str]:
    """Return what is wrong with a run, for as long as it is so; the worst first.

    Parameters
    ----------
    run : RunModel
    now : float
        The present on the run's clock.
    """
    return [*_silent(run, now), *_unkept(run), *_stopped(run)]


def no_models(run: RunModel) -> str:
    """Return why a run that was given models has none; empty where it has some."""
    told = "; ".join(f"{name}: {why}" for name, why in run.refused.items())
    return told and f"no model runs: {told}"


def _silent(run: RunModel, now: float) -> Iterator[str]:
    """Tell that all which is shown may be wrong by now."""
    if run.silent:
        yield f"the run has not answered for {now - run.told:.0f} s: is it stopped?"


def _unkept(run: RunModel) -> Iterator[str]:
    """Tell what is in no recording though it was to be."""
    recording = run.recording
    going = recording is not None and recording["state"] == "recording"
    if run.known and run.state == "running" and _asks(run) and not going:
        yield "NOT RECORDING: what is done now is kept nowhere"
    if recording is not None and recording["state"] == "stopped":
        yield f"RECORDING STOPPED: {recording['error']}"
    if run.not_recorded:
        yield f"NOT RECORDED: {run.not_recorded}"
    if lacking := sum(run.unrecorded.values()):
        yield f"{lacking:,} samples not recorded"


def _stopped(run: RunModel) -> Iterator[str]:
    """Tell what no longer hears of the run."""
    for sink, error in run.failed.items():
        if sink != _RECORDER:
            yield f"{sink} stopped: {error}"
    if run.odd:
        yield (
            f"{run.odd:,} lines of the run were not understood: is it of another "
            "version of rtpipe?"
        )


def _asks(run: RunModel) -> bool:
    """Tell whether a person is asked for something, now or later."""
    cue = run.cue
    return cue is not None and not 0 < cue["total"] == cue["done"]

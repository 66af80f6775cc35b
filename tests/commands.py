"""Commands in processes of their own, for which what loads slowly is loaded once."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

Done = subprocess.CompletedProcess[str]

# Each command is a copy of this process. It ends as it would from a shell, but for what
# Python does on its way out: to take down all that was loaded takes a second.
LOADED = """
import atexit, json, os, sys, tempfile
import scipy.signal, torch
from rtpipe.cli import main
asked, done = json.load(sys.stdin), []
for arguments in asked:
    said = [tempfile.TemporaryFile("w+") for _ in range(2)]
    if not (child := os.fork()):
        for number, file in enumerate(said, 1):
            os.dup2(file.fileno(), number)
        sys.argv[1:] = arguments
        try:
            main()
        except SystemExit as end:
            atexit._run_exitfuncs()  # what they say of an error belongs to the command
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code or 0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for file in said:
        file.seek(0)
    done.append((status, *(file.read() for file in said)))
print(json.dumps(done))
"""


def rtpipe(
    *commands: Sequence[object],
    cwd: Path | None = None,
    before: str = "",
    environment: Mapping[str, str] | None = None,
) -> list[Done]:
    """Run commands one after another, and return how each ended and what it said.

    Parameters
    ----------
    *commands : sequence of object
        The arguments of each.
    cwd : Path, optional
    before : str
        Python that is run before anything is loaded.
    environment : mapping of str to str, optional
        What differs from this process's.
    """
    asked = [[str(each) for each in command] for command in commands]
    done = subprocess.run(
        [sys.executable, "-c", before + LOADED],
        input=json.dumps(asked),
        capture_output=True,
        encoding="utf-8",
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return [Done(command, *each) for command, each in zip(asked, told, strict=True)]

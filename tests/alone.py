"""What makes the tests of one process blind to the streams and runs of another's.

Tests say "there is no stream" and "nobody has removed it yet": they hear no neighbour.
"""

import atexit
import getpass
import os
from pathlib import Path
from tempfile import TemporaryDirectory

PORTS = 128  # one process has the streams of all tests; one without a port is not found


def alone(worker: str | None) -> None:
    """Set, in the environment, an LSL session, its ports, and whose runs' folder it is.

    liblsl reads its configuration once, when it is first used, here and in the
    processes of tests.

    Parameters
    ----------
    worker : str or None
        ``gw0``, ``gw1``, ...: one of pytest-xdist's processes.
    """
    folder = TemporaryDirectory(prefix="rtpipe-tests-")
    atexit.register(folder.cleanup)
    own = Path(folder.name) / "lsl_api.cfg"
    general = Path(__file__).with_name("lsl_api.cfg").read_text()
    n = int(worker.removeprefix("gw")) if worker else 0
    own.write_text(
        general.format(session=os.getpid(), base=16572 + PORTS * n, ports=PORTS)
    )
    os.environ["LSLAPICFG"] = str(own)
    if worker:
        os.environ["LOGNAME"] = f"{getpass.getuser()}-{worker}"

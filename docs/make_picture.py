"""Take the picture of the terminal view for the README: a real run, nothing made up.

``python docs/make_picture.py [SECONDS]`` runs the synthetic devices through the demo
models, as ``rtpipe live --device synthetic`` does, puts a marker near the end, and
keeps the last drawing.
"""

import io
import sys
from pathlib import Path

from rich.console import Console

from rtpipe import build
from rtpipe.config import check, default_models
from rtpipe.runtime.runtime import Runtime
from rtpipe.terminal.view import TerminalView

OUT = Path(__file__).with_name("terminal.svg")


WIDTH, HEIGHT = 120, 37
MARKED = 2.0  # seconds before the end


class Photograph(TerminalView):
    """A view that writes its last drawing into a file."""

    def close(self) -> None:
        """Write the drawing, not the table that follows it."""
        paper = Console(record=True, width=WIDTH, file=io.StringIO())
        paper.print(self.picture)
        OUT.write_text(paper.export_svg(title="rtpipe live"), encoding="utf-8")
        super().close()


def main(seconds: float) -> None:
    """Run, and write the picture."""
    devices = [{"kind": "synthetic", "seed": 1_000_001}]
    raw = {"device": devices, "model": default_models(devices)}
    config = check(raw, "picture")
    console = Console(
        width=WIDTH,
        height=HEIGHT,
        force_terminal=True,
        color_system="truecolor",
        file=io.StringIO(),
    )
    opened = [build.device(table) for table in config.device]
    bundles = build.bundles(config.model, build.compute(config))
    with Runtime(opened, bundles, [Photograph(console, period=1.0)]) as runtime:
        runtime.wait(seconds - MARKED)
        runtime.run.mark("sat down")
        runtime.wait(MARKED)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 40.0)

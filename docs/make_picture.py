"""Take the picture of the terminal view for the README: a real run, nothing made up.

``python docs/make_picture.py [SECONDS]`` runs the synthetic devices through the demo
models, as ``rtpipe live --device synthetic`` does, and keeps the last drawing.
"""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from rtpipe import build
from rtpipe.config import check, default_models
from rtpipe.runtime.runtime import Runtime
from rtpipe.sink import Item
from rtpipe.terminal.view import TerminalView

OUT = Path(__file__).with_name("terminal.svg")


class Photograph(TerminalView):
    """A view whose console keeps the newest drawing only."""

    def take(self, items: Sequence[Item]) -> None:
        """Forget the last drawing and make the next."""
        super().take(items)
        if self._drawn:
            drawing = self.console.export_svg(title="rtpipe live", clear=True)
            if drawing.count("<text") > 50:  # not the calls between two drawings
                self.drawing = drawing

    def close(self) -> None:
        """Keep the drawing, not the table that follows it."""
        OUT.write_text(self.drawing, encoding="utf-8")
        super().close()


def main(seconds: float) -> None:
    """Run, and write the picture."""
    devices = [{"kind": "synthetic", "seed": 1_000_001}]
    raw = {"device": devices, "model": default_models(devices)}
    config = check(raw, "picture")
    console = Console(
        record=True,
        width=120,
        height=36,
        force_terminal=True,
        color_system="truecolor",
        file=io.StringIO(),
    )
    opened = [build.device(table) for table in config.device]
    bundles = build.bundles(config.model, build.compute(config))
    with Runtime(opened, bundles, [Photograph(console, period=1.0)]) as runtime:
        runtime.wait(seconds)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 40.0)

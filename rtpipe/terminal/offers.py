"""What could be typed after ``--device``, as a table or as lines."""

from collections.abc import Sequence

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from rtpipe.device import Offer
from rtpipe.printable import clean
from rtpipe.terminal.canvas import BOLD, GOOD, QUIET, WARN, Portable

_SIGNS: dict[str, tuple[str, Style]] = {
    "ready": ("✓ ready", GOOD),
    "unknown": ("? perhaps", QUIET),
    "missing": ("✕ not now", WARN),
}


def print_offers(offers: Sequence[tuple[str, Offer]], console: Console) -> None:
    """Print a table, or where it is no terminal a line for each.

    Parameters
    ----------
    offers : sequence of (str, Offer)
        Each with its kind of device.
    console : Console
    """
    if not console.is_terminal:
        for _, offer in offers:
            told = [offer.state, offer.argument, offer.what, offer.hint]
            line = "  ".join(clean(each) for each in told if each)
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("rtpipe live --device ...", overflow="fold", max_width=34)
    table.add_column("what it is", overflow="fold", ratio=1)
    for _, offer in offers:
        sign, style = _SIGNS[offer.state]
        what = Text(clean(offer.what))
        if offer.hint:
            what.append(f"\n{clean(offer.hint)}", QUIET)
        table.add_row(Text(sign, style), Text(clean(offer.argument), BOLD), what)
    console.print(Portable(table))

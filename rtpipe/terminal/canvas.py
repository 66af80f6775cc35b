"""Lines of styled text that are put into boxes and beside each other.

Rich's own tables and panels measure and wrap what they hold, which costs more than a
screen that is drawn eight times a second should. Here every line knows its width.
"""

from collections.abc import Iterable, Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style

Line = list[Segment]

# Told apart by people who do not see red and green as others do, legible on dark and
# on light, and never the only sign: a word or a symbol always says the same.
PLAIN = Style()
BOLD = Style(bold=True)
QUIET = Style.parse("#8a8a8a")
FRAME = Style.parse("#5f6b73")
GOOD = Style.parse("#2aa198")
WAVE = Style.parse("#6f9fbc")
ACCENT = Style.parse("#3aa0d8")
STRONG = Style.parse("bold #3aa0d8")
WARN = Style.parse("#e08e0b")
BAD = Style.parse("bold #e0532f")
DECIDED = Style.parse("bold #ffffff on #0b6fa8")
UNDECIDED = Style.parse("bold #ffffff on #5a5a5a")
PAUSED = Style.parse("bold #ffffff on #a65f00")

TIMES = "\N{MULTIPLICATION SIGN}"

_ASCII = str.maketrans(
    "╭╮╰╯─│━╸▁▂▃▄▅▆▇█" + "●▬▲≈◆○◌▸◂▴✓✕·…±µ—" + TIMES,
    "++++-|=-_.-~=+*#" + "o_^~%oo><^vx.~~u-" + "x",
)


def cell(text: str, style: Style = PLAIN) -> Segment:
    """Return a piece of text in one style."""
    return Segment(text, style)


def width_of(line: Line) -> int:
    """Return how many cells of the terminal a line takes."""
    return Segment.get_line_length(line)


def fit(line: Line, width: int) -> Line:
    """Return the line with exactly this width, cut or filled with spaces."""
    return Segment.adjust_line_length(line, max(0, width), PLAIN)


def spread(left: Line, right: Line, width: int) -> Line:
    """Return a line with a left and a right end; the right one gives way."""
    space = width - width_of(left) - width_of(right)
    return fit(left, width) if space < 2 else [*left, cell(" " * space), *right]


def joined(lines: Iterable[Line], between: str = " · ") -> Line:
    """Return the lines one after the other, with something quiet between them."""
    whole: Line = []
    for each in lines:
        if each:
            whole += [cell(between, QUIET), *each] if whole else each
    return whole


def fitting(parts: Iterable[Line], width: int) -> Line:
    """Return as many of the parts, joined, as fit; the first ones matter most."""
    whole: Line = []
    for each in parts:
        longer = joined([whole, each])
        if width_of(longer) > width:
            break
        whole = longer
    return whole


def box(
    width: int,
    height: int,
    body: Sequence[Line],
    title: Line,
    corner: Line | None = None,
    foot: Line | None = None,
) -> list[Line]:
    """Return the lines in a frame, cut or filled to fit.

    Parameters
    ----------
    width, height : int
        Of the frame, outside; height at least 2.
    body : sequence of Line
    title, corner, foot : Line
        In the frame's upper edge left and right, and in its lower edge.
    """
    inner = width - 4
    side, end = cell("│ ", FRAME), cell(" │", FRAME)
    rows = [*body, *([] for _ in range(height - 2 - len(body)))][: height - 2]
    return [
        _edge("╭╮", title, corner or [], width),
        *([side, *fit(row, inner), end] for row in rows),
        _edge("╰╯", foot or [], [], width),
    ]


def _edge(corners: str, left: Line, right: Line, width: int) -> Line:
    start = [cell(corners[0] + "─", FRAME)]
    end = [cell("─" + corners[1], FRAME)]
    inner = width - 4
    if left:
        room = inner - 2
        left = fit(left, room) if width_of(left) > room else left
        start += [cell(" "), *left, cell(" ")]
        inner -= width_of(left) + 2
    if right and width_of(right) + 2 <= inner:
        end = [cell(" "), *right, cell(" "), *end]
        inner -= width_of(right) + 2
    return [*start, cell("─" * inner, FRAME), *end]


def beside(blocks: Sequence[tuple[int, list[Line]]]) -> list[Line]:
    """Return blocks, each with its width, next to each other and filled below."""
    height = max(len(lines) for _, lines in blocks)
    rows: list[Line] = []
    for row in range(height):
        whole: Line = []
        for width, lines in blocks:
            whole += fit(lines[row] if row < len(lines) else [], width)
        rows.append(whole)
    return rows


class Picture:
    """Lines as something Rich can print, without an end of the last one."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        """Yield the lines' pieces."""
        for row, line in enumerate(self.lines):
            if row:
                yield Segment.line()
            yield from map(_letters, line) if options.ascii_only else line


class Portable:
    """What Rich can print, in letters where the console knows nothing else."""

    def __init__(self, whole: RenderableType) -> None:
        self.whole = whole

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        """Yield the pieces of the whole."""
        pieces = console.render(self.whole, options)
        yield from map(_letters, pieces) if options.ascii_only else pieces


def letters(text: str) -> str:
    """Return the text with an ASCII character in place of every other one."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()


def _letters(piece: Segment) -> Segment:
    return Segment(letters(piece.text), piece.style, piece.control)

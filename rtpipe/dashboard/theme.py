"""Colours and letters: light and dark, and told apart by colour-blind people.

The colours of labels and states begin with those of Okabe and Ito, "Color universal
design" (2008), the darker ones made lighter on a dark ground. A state never has a
colour alone: a word or a shape stands beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PyQt6.QtWidgets import QApplication


@dataclass(frozen=True, slots=True)
class Theme:
    """One set of colours, as ``#rrggbb``.

    Parameters
    ----------
    name : "light" or "dark"
    ground : str
        Behind everything.
    raised : str
        Behind what is set off from it, such as a button.
    text, quiet, faint : str
        What is read; what is read when looked for; lines that only separate.
    accent : str
        The one colour that says: this.
    good, warn, bad : str
        States, always beside a word.
    signal : str
        A channel's line that is not highlighted.
    labels : tuple of str
        Of the labels of a model, in their order.
    """

    name: str
    ground: str
    raised: str
    text: str
    quiet: str
    faint: str
    accent: str
    good: str
    warn: str
    bad: str
    signal: str
    labels: tuple[str, ...]


LIGHT = Theme(
    name="light",
    ground="#fbfbfa",
    raised="#f0f0ee",
    text="#1c1d1f",
    quiet="#6a6d72",
    faint="#dddddb",
    accent="#0072b2",
    good="#00795a",
    warn="#a06000",
    bad="#c2410c",
    signal="#34495e",
    labels=(
        "#0072b2",
        "#d55e00",
        "#009e73",
        "#cc79a7",
        "#5a2a9c",
        "#3f96c9",
        "#6b4a00",
        "#4a4a4a",
    ),
)
DARK = Theme(
    name="dark",
    ground="#16181b",
    raised="#22252a",
    text="#eceef0",
    quiet="#9aa0a8",
    faint="#33373d",
    accent="#56b4e9",
    good="#2fbf95",
    warn="#e69f00",
    bad="#ff7a45",
    signal="#b9c6d3",
    labels=(
        "#56b4e9",
        "#f2813d",
        "#1fc79a",
        "#dd95bd",
        "#f0e442",
        "#8fd0f5",
        "#e69f00",
        "#ffffff",
    ),
)
_chosen: list[Theme] = []  # empty: as the system says
_system: list[Theme] = []  # what it says; empty: it is to be asked


def theme() -> Theme:
    """Return the colours in force; ask again after a change."""
    if _chosen:
        return _chosen[0]
    if not _system:  # it is asked seldom: colours are needed many times a frame
        _system.append(_of_system())
    return _system[0]


def choose(theme: Theme | None) -> None:
    """Put colours in force in the whole application; None follows the system."""
    _chosen[:] = [theme] if theme else []
    paint()


def paint() -> None:
    """Give Qt's own widgets the colours in force, also after the system's change."""
    _system.clear()
    colours, roles = theme(), QPalette.ColorRole
    palette = QPalette()
    for role, colour in {
        roles.Window: colours.ground,
        roles.Base: colours.ground,
        roles.AlternateBase: colours.raised,
        roles.Button: colours.raised,
        roles.ToolTipBase: colours.raised,
        roles.WindowText: colours.text,
        roles.Text: colours.text,
        roles.ButtonText: colours.text,
        roles.ToolTipText: colours.text,
        roles.PlaceholderText: colours.quiet,
        roles.Highlight: colours.accent,
        roles.HighlightedText: colours.ground,
        roles.Light: colours.raised,
        roles.Midlight: colours.raised,
        roles.Mid: colours.faint,
        roles.Dark: colours.faint,
        roles.Shadow: colours.faint,
    }.items():
        palette.setColor(role, QColor(colour))
    off = QPalette.ColorGroup.Disabled
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(off, role, QColor(colours.quiet))
    QApplication.setPalette(palette)


def colour_of(label: str, labels: Sequence[str]) -> QColor:
    """Return a label's colour: the same wherever it is shown.

    Parameters
    ----------
    label : str
    labels : sequence of str
        All labels of its model.
    """
    colours = theme().labels
    at = list(labels).index(label) if label in labels else -1
    return QColor(theme().quiet if at < 0 else colours[at % len(colours)])


def state_colour(word: str) -> QColor:
    """Return the colour of a quality or of a connection's state.

    Its word is to stand beside it: good, flat, railed, mains, noisy, ?; connecting,
    streaming, degraded, lost, recovering, silent; running, over, gone.
    """
    colours = theme()
    known = {
        **dict.fromkeys(("good", "streaming", "running"), colours.good),
        **dict.fromkeys(("noisy", "mains", "degraded", "recovering"), colours.warn),
        **dict.fromkeys(("flat", "railed", "lost", "silent", "gone"), colours.bad),
    }
    return QColor(known.get(word, colours.quiet))


def font(size: float = 1.0, bold: bool = False) -> QFont:
    """Return the system's font, so many times its size.

    1 is for what is read at the desk, 1.4 for what is read from a chair, 3 and more for
    what is read across a room.
    """
    chosen = QFont(QApplication.font())
    chosen.setPointSizeF(size * max(chosen.pointSizeF(), 8.0))
    chosen.setBold(bold)
    return chosen


def _of_system() -> Theme:
    hints = QGuiApplication.styleHints()
    dark = hints is not None and hints.colorScheme() == Qt.ColorScheme.Dark
    return DARK if dark else LIGHT

"""Where answers would be: why no model runs, and what to type so that one does."""

from collections.abc import Callable, Sequence
from typing import Any

from PyQt6.QtCore import QSize
from PyQt6.QtWidgets import QVBoxLayout

from rtpipe.dashboard.model import RunModel
from rtpipe.dashboard.panel import Panel
from rtpipe.dashboard.plain import Plain
from rtpipe.dashboard.theme import font

_SAID = "No model runs: none fits these streams"
_HINT = (
    "To run one that was trained for them: --model FILE. "
    "“rtpipe inspect FILE” tells what a model wants."
)


class NoModel(Panel):
    """A run whose models fit no stream: each with the reason."""

    title = "Answers"

    def __init__(self, about: str, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(about, send)
        self._why = Plain()
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 8, 12, 8)
        said, hint = Plain(_SAID), Plain(_HINT)
        said.setFont(font(1.4, bold=True))
        for each in (said, self._why, hint):
            each.setWordWrap(True)
            box.addWidget(each)
        box.addStretch(1)

    @classmethod
    def subjects(cls, run: RunModel) -> Sequence[str]:
        """Return one where models were refused."""
        return [""] if run.refused else []

    def refresh(self, run: RunModel, now: float) -> None:
        """Show the reasons, which stay as they are."""
        if not self._why.text():
            reasons = (f"{name}: {why}" for name, why in run.refused.items())
            self._why.setText("\n".join(reasons))

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return room for some lines."""
        return QSize(400, 7 * self.fontMetrics().height())

"""What every panel of the dashboard is."""

from collections.abc import Callable, Sequence
from typing import Any

from PyQt6.QtWidgets import QWidget

from rtpipe.dashboard.model import RunModel


class Panel(QWidget):
    """A part of the window that shows one thing of the run.

    One file a panel; a line in `rtpipe.dashboard.window.PANELS` brings it into the
    window, which puts it in a dock, calls `follow`, `refresh` and `retheme`, and lists
    in its menu what the panel was given by `addAction`, with the keys. A panel makes no
    timer, reads nothing but the `RunModel` it is given (whose docstrings say what is
    there), and makes its widgets once, in the constructor or the first `refresh`.
    Colours and letters come from `rtpipe.dashboard.theme`, which is Qt's palette, too:
    a plain QLabel looks right as it is.

    Parameters
    ----------
    about : str
        What the panel is about, one of those that `subjects` returned.
    send : callable
        Sends a command to the run: ``send({"command": "marker", "text": "blink"})``.

    Attributes
    ----------
    title : str
        Of the dock, of the menu's entry. A class whose panels have a subject each sets
        it in the constructor.
    pauses : bool
        Whether it stands still while the view is paused. What a person has to act on,
        such as an alarm, does not.
    """

    title = ""
    pauses = True

    def __init__(self, about: str, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self.about, self.send = about, send

    @classmethod
    def subjects(cls, run: RunModel) -> Sequence[str]:
        """Return what there is to be a panel about: one panel is made of each.

        By default there is one, about nothing in particular. A panel for each model
        returns ``[*run.models]``; one that has nothing to show in this run, ``[]``.
        """
        return [""]

    def follow(self, run: RunModel, now: float) -> None:
        """Take in what must not be missed; before each `refresh`, and without it, too.

        Called as often while the panel cannot be seen or the view is paused, so that it
        has no hole in what it shows of the past. By default there is nothing to do.
        """

    def refresh(self, run: RunModel, now: float) -> None:
        """Show how things stand; at most 30 times a second, while it can be seen.

        Parameters
        ----------
        run : RunModel
            The same object at each call.
        now : float
            The present on the run's clock. While the view is paused there are no calls.
        """
        raise NotImplementedError

    def keep(self) -> dict[str, Any]:
        """Return what is to be next time as it is now; only what JSON can write.

        Called when the window closes. By default there is nothing.
        """
        return {}

    def restore(self, kept: dict[str, Any]) -> None:
        """Put back what `keep` returned last time.

        Called at most once, after the constructor and before the first refresh. Another
        version may have written it, of another run: what is not known, or odd, is left
        out, and nothing is raised.
        """

    def retheme(self) -> None:
        """Take the colours of `theme()` anew; called once before the first refresh."""

"""Who may import whom, read from the sources: works in any kind of install."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path
    for top in ("rtpipe", "devices", "models")
    for path in (ROOT / top).rglob("*.py")
)
ADAPTERS = ("rtpipe.devices", "rtpipe.models", "brainflow", "pylsl")
QT = ("PyQt6", "pyqtgraph", "rtpipe.dashboard")
SCREEN = (*QT, "rich", "typer")
# What stands later in the signal's way may not be imported by what stands earlier.
MAY_NOT = {
    "rtpipe": ADAPTERS,
    "rtpipe/types.py": ("rtpipe", "torch", "scipy", "pydantic"),
    "rtpipe/errors.py": ("rtpipe",),
    "rtpipe/ring.py": ("torch", "scipy", *SCREEN),
    "rtpipe/stages": (
        "torch",
        "rtpipe.runtime",
        "rtpipe.config",
        "rtpipe.sink",
        *SCREEN,
    ),
    "rtpipe/features": ("scipy", "rtpipe.runtime", "rtpipe.stages", "rtpipe.config"),
    "rtpipe/recordings": ("torch", "rtpipe.runtime", "rtpipe.config", "rtpipe.sink"),
    "rtpipe/xdf": (
        "torch",
        "scipy",
        "pyxdf",
        "rtpipe.recording",
        "rtpipe.recordings",
        "rtpipe.runtime",
        "rtpipe.config",
        "rtpipe.sink",
        *SCREEN,
    ),
    "rtpipe/convert": (
        "torch",
        "rtpipe.runtime",
        "rtpipe.config",
        "rtpipe.sink",
        *SCREEN,
    ),
    "rtpipe/attach.py": ("torch", "scipy", "rtpipe.runtime", "rtpipe.config", *SCREEN),
    "rtpipe/dashboard": (
        "torch",
        "rich",
        "typer",
        "rtpipe.bundle",
        "rtpipe.build",
        "rtpipe.runtime",
        "rtpipe.config",
        "rtpipe.terminal",
        "rtpipe.training",
    ),
    "rtpipe/dashboard/launch.py": ("PyQt6", "pyqtgraph", "rtpipe.dashboard"),
    "rtpipe/dashboard/model.py": ("PyQt6", "pyqtgraph"),
    "rtpipe/card.py": ("torch", "rtpipe.runtime", "rtpipe.config"),
    "rtpipe/config.py": ("torch", "scipy", "rtpipe.runtime", "rtpipe.bundle"),
    "rtpipe/runtime": ("rtpipe.config", "rtpipe.build", "rtpipe.training", *SCREEN),
    "rtpipe/training": ("threading",),
    "rtpipe/cli.py": ("numpy", "torch", "scipy", "pydantic", "rich"),
    "devices": (
        "torch",
        "pylsl",
        "threading",
        "rtpipe.runtime",
        "rtpipe.stages",
        "rtpipe.models",
    ),
    "models": ("threading", "rtpipe.runtime", "rtpipe.stages", "rtpipe.devices"),
}


def imported(path: Path, anywhere: bool) -> set[str]:
    """Return the modules a file imports: at its top, or anywhere in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree) if anywhere else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    where = path.relative_to(ROOT).as_posix()
    banned = [
        name
        for place, names in MAY_NOT.items()
        if where == place or where.startswith(place + "/")
        for name in names
    ]
    if where == "rtpipe/lsl.py":  # the one file that loads it, for adapter and sink
        banned.remove("pylsl")
    # The command line may import late what it may not import first.
    found = imported(path, anywhere=where != "rtpipe/cli.py")
    bad = {n for n in found for b in banned if n == b or n.startswith(b + ".")}
    assert not bad


def test_threads_live_in_one_folder() -> None:
    users = {
        path.parent.relative_to(ROOT).as_posix()
        for path in FILES
        if any(
            n.split(".")[0] in ("threading", "_thread") for n in imported(path, True)
        )
    }
    assert users == {"rtpipe/runtime"}


def test_processes_are_started_by_the_dashboards_launcher_only() -> None:
    starters = ("multiprocessing", "subprocess", "concurrent")
    users = [
        path.relative_to(ROOT).as_posix()
        for path in FILES
        if any(name.split(".")[0] in starters for name in imported(path, True))
    ]
    assert users == ["rtpipe/dashboard/launch.py"]


def test_qt_is_in_one_folder() -> None:
    users = {
        path.parent.relative_to(ROOT).as_posix()
        for path in FILES
        if any(n.split(".")[0] in ("PyQt6", "pyqtgraph") for n in imported(path, True))
    }
    assert users == {"rtpipe/dashboard"}

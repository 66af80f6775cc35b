"""liblsl is loaded late, stays quiet, and is not needed by what does not use it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rtpipe import lsl
from rtpipe.errors import ConfigError

from .commands import rtpipe

# What a person runs, and pylsl or its library missing.
COMMAND = "import sys; from rtpipe.cli import main; main()"
NO_PYLSL = "import sys; sys.modules['pylsl'] = None"
NO_LIBRARY = "import os, sys; os.environ['PYLSL_LIB'] = sys.executable"
TALK = "from rtpipe import lsl; lsl.load().resolve_streams(0.1)"


def python(
    code: str, *arguments: str, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=120,
    )


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (f"{NO_PYLSL}\n", "LSL needs the package 'pylsl': install it"),
        (f"{NO_LIBRARY}\n", "LSL's library liblsl cannot be loaded ("),
    ],
    ids=["no pylsl", "no liblsl"],
)
def test_without_lsl(missing: str, said: str, tmp_path: Path) -> None:
    usual = ("live", "--device", "synthetic:emg", "--json", "--duration", "0.5")
    *refused, devices, live = rtpipe(
        ("live", "--device", "lsl:Armband", "--json"),
        ("live", "--device", "synthetic:emg", "--lsl-out", "Hand", "--json"),
        ("devices", "--scan", "0.1"),
        usual,
        cwd=tmp_path,
        before=missing,
    )
    for done in refused:
        assert (done.returncode, done.stdout.count("\n")) == (2, 0), done.stderr
        assert done.stderr.startswith(f"rtpipe: {said}")
        assert done.stderr.count("\n") == 1
    assert devices.returncode == 0
    assert f"missing  lsl:NAME  a stream on the network  {said}" in devices.stdout
    assert live.returncode == 0


def test_nobody_hears_the_library(tmp_path: Path) -> None:
    own = tmp_path / "own.cfg"
    own.write_text("[multicast]\nResolveScope = machine\n")
    done = python(TALK, cwd=tmp_path, LSLAPICFG=str(own))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_who_asks_hears_the_library(tmp_path: Path) -> None:
    own = tmp_path / "lsl_api.cfg"  # where the library looks for it, too
    own.write_text("[multicast]\nResolveScope = machine\n[log]\nlevel = 5\n")
    done = python(TALK, cwd=tmp_path, LSLAPICFG="")
    assert done.returncode == 0
    assert "lsl_api.cfg" in done.stderr


def test_a_persons_configuration_stays_in_force(tmp_path: Path) -> None:
    # A session of its own: outlets of others are not seen.
    own = tmp_path / "own.cfg"
    own.write_text(
        "[lab]\nSessionID = elsewhere\n[multicast]\nResolveScope = machine\n"
    )
    code = (
        "from rtpipe import lsl; pylsl = lsl.load()\n"
        "made = pylsl.StreamOutlet(pylsl.StreamInfo('A', 'EMG', 1, 1, 1, 'a'))\n"
        "print(made.get_info().session_id())"
    )
    done = python(code, cwd=tmp_path, LSLAPICFG=str(own))
    assert (done.stdout, done.stderr) == ("elsewhere\n", "")


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    options = ("record", "--device", "lsl:X", "--json", "x.xdf")
    done = python(COMMAND, *options, cwd=tmp_path, LSLAPICFG="/no/such.cfg")
    assert done.returncode == 2
    assert done.stderr == (
        "rtpipe: LSLAPICFG names /no/such.cfg, which cannot be read: "
        "No such file or directory\n"
    )


def test_the_clocks_are_one_on_linux() -> None:
    if sys.platform != "linux":
        pytest.skip("elsewhere the clocks differ")
    assert abs(lsl.offset()) < 1e-3


class Library:
    """Stands for pylsl, to see what it is configured with."""

    def __init__(self, *, old: bool = False) -> None:
        self.old, self.told = old, ""

    def set_config_content(self, text: str) -> None:
        if self.old:
            raise NotImplementedError
        self.told = text


def loaded(monkeypatch: pytest.MonkeyPatch, library: Library | None) -> None:
    monkeypatch.setitem(sys.modules, "pylsl", library)
    lsl.load.__wrapped__()


def test_which_configuration_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, here, named = tmp_path / "home", tmp_path / "here", tmp_path / "named.cfg"
    (home / "lsl_api").mkdir(parents=True)
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("LSLAPICFG")
    library = Library()
    loaded(monkeypatch, library)
    assert library.told == "\n[log]\nlevel = -3\n"
    for place in (home / "lsl_api/lsl_api.cfg", here / "lsl_api.cfg", named):
        place.write_text(f"[lab]\nSessionID = {place.parent.name}\n")
        if place == named:
            monkeypatch.setenv("LSLAPICFG", str(named))
        loaded(monkeypatch, library)
        assert library.told == place.read_text() + "\n[log]\nlevel = -3\n"
    named.write_text("[log]\nlevel = 2\n")
    library.told = "untouched"
    loaded(monkeypatch, library)
    assert library.told == "untouched", "the log was asked for"
    named.write_text("")
    loaded(monkeypatch, Library(old=True))  # talks, but works
    named.unlink()
    with pytest.raises(ConfigError, match=r"LSLAPICFG names .*named\.cfg"):
        loaded(monkeypatch, library)


def test_what_is_said_without_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="LSL needs the package 'pylsl'"):
        loaded(monkeypatch, None)
    (tmp_path / "pylsl.py").write_text("raise RuntimeError('no file.\\nMore.')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pylsl")
    with pytest.raises(ConfigError, match=r"cannot be loaded \(no file\): "):
        lsl.load.__wrapped__()

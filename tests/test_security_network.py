"""What another computer could reach: nothing, unless it is asked for."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")

COMMAND = (sys.executable, "-c", "from rtpipe.cli import main; main()")
KINDS = ("tcp", "tcp6", "udp", "udp6")
SYNTHETIC = ("live", "--device", "synthetic:emg", "--model", "demo:gesture", "--json")
SCOPES = ("machine", "link", "site", "organization", "global")


@contextmanager
def running(
    command: Sequence[str], **environment: str
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def answers(process: subprocess.Popen[str]) -> None:
    """Wait until a run has answered a first window."""
    assert process.stdout
    for line in process.stdout:
        if json.loads(line)["type"] == "prediction":
            return
    raise AssertionError("it ended before it answered")


def ports(pid: int) -> set[tuple[str, str]]:
    """Return a process's sockets of a network: the protocol, and the address bound."""
    own = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            own.add(os.readlink(each))
        except OSError:
            continue
    found = set()
    for kind in KINDS:
        for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]:
            _, local, _, _, *rest = line.split()
            if f"socket:[{rest[5]}]" in own:
                found.add((kind.rstrip("6"), local.partition(":")[0]))
    return found


# No port unless asked for -------------------------------------------------------------


def test_a_live_run_opens_no_port() -> None:
    with running((*COMMAND, *SYNTHETIC)) as process:
        answers(process)
        assert ports(process.pid) == set()


def test_a_replay_opens_no_port(tmp_path: Path) -> None:
    rows = [f"{k}\t" + "\t".join(["1e-05"] * 8) + "\t1" for k in range(20_000)]
    names = "\t".join(["time", *(f"channel{k}" for k in range(1, 9)), "class"])
    path = tmp_path / "x.txt"
    path.write_text("\n".join([names, *rows, ""]))
    bundle = str(uci_bundle(tmp_path))
    command = ("replay", str(path), "--model", bundle, "--json", "--speed", "1")
    with running((*COMMAND, *command)) as process:
        answers(process)
        assert ports(process.pid) == set()


def uci_bundle(folder: Path) -> Path:
    """Return a bundle that fits 8 channels at 1000 Hz."""
    from torch import nn, ones, zeros

    from rtpipe.bundle import Bundle, Exported, Standardised, save
    from rtpipe.card import read_card
    from rtpipe.config import bundle_path
    from rtpipe.features.timedomain import LogRms

    told = read_card(bundle_path("demo:gesture"))
    changes = {
        "sfreq": 1000.0,
        "ch_names": tuple(f"EMG{k}" for k in range(1, 9)),
        "units": ("none",) * 8,
        "n_times": 200,
        "hop": 50,
        "stages": (),
        "adapts": None,
    }
    head = Standardised(nn.Linear(8, len(told.labels)))
    made = Exported(LogRms(), head, zeros(8), ones(8))
    save(folder / "x.pt", made, told.model_copy(update=changes))
    assert Bundle.load(folder / "x.pt").card.sfreq == 1000
    return folder / "x.pt"


# LSL ----------------------------------------------------------------------------------


def test_lsl_listens_on_every_network_and_says_so() -> None:
    """What docs/security.md says of LSL: its outlets are open, whatever the scope."""
    with running((*COMMAND, *SYNTHETIC, "--lsl-out", "Hand")) as process:
        answers(process)
        assert {("tcp", "00000000"), ("udp", "00000000")} <= ports(process.pid)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_stands_beside_a_configuration_of_ones_own(
    scope: str, tmp_path: Path
) -> None:
    own = tmp_path / "own.cfg"
    own.write_text(
        "[lab]\nSessionID = elsewhere\nknownpeers = {192.0.2.77}\n[multicast]\n"
        "ResolveScope = site\n"
    )
    script = (
        "import sys; from rtpipe import lsl; lsl.limit(sys.argv[1]); "
        "pylsl = lsl.load()\n"
        "with lsl.offering(): made = pylsl.StreamOutlet("
        "pylsl.StreamInfo('A', 'EMG', 1, 1, 1, 'a'))\n"
        "print(made.get_info().session_id())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, scope],
        capture_output=True,
        text=True,
        env={**os.environ, "LSLAPICFG": str(own)},
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("elsewhere\n", "")


@pytest.mark.parametrize("command", [SYNTHETIC, ("devices", "--scan", "0.1")])
def test_a_scope_that_is_none(command: Sequence[str]) -> None:
    done = subprocess.run(
        [*COMMAND, *command, "--lsl-scope", "room"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "lsl_scope" in done.stderr
    assert "machine" in done.stderr
    assert done.stderr.count("\n") == 1


# Two computers: this one, and another that is joined to it by a wire. All of it goes
# when the first process ends.
WIRED = """
set -e
ip link set lo up
unshare --net --fork --kill-child sleep 600 &
other=$!
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do :; done
ip link add near type veth peer name far netns $other
ip addr add 10.9.0.1/24 dev near
ip link set near up
there() { nsenter --target $other --net --preserve-credentials "$@"; }
there ip addr add 10.9.0.2/24 dev far
there ip link set far up
there ip link set lo up
"""
FIND = """
import pylsl, sys
content = "[lab]\\nKnownPeers = {%s}\\n[ports]\\nIPv6 = disable\\n[log]\\nlevel = -3\\n"
pylsl.set_config_content(content % sys.argv[1])
print(sorted({each.name() for each in pylsl.resolve_streams(2.0)}))
"""
OFFER = """
import pylsl, sys, time
pylsl.set_config_content("[ports]\\nIPv6 = disable\\n[log]\\nlevel = -3\\n")
made = pylsl.StreamOutlet(pylsl.StreamInfo("Theirs", "EMG", 1, 100, 1, "a"))
print("there", flush=True)
time.sleep(600)
"""


def wired() -> list[str]:
    """Return what starts a shell in a network of its own; skip where nobody may."""
    for privilege in ([], ["--map-root-user"]):
        alone = ["--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        command = ["unshare", *privilege, *alone]
        tools = all(map(shutil.which, ("unshare", "ip", "nsenter", "bash")))
        if (
            tools
            and not subprocess.run(
                [*command, "ip", "link", "set", "lo", "up"], capture_output=True
            ).returncode
        ):
            return [*command, "bash", "-c"]
    pytest.skip("no network of one's own can be made here")


def among_two(script: str, *arguments: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [*wired(), WIRED + script, "bash", sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["machine", "site"])
def test_who_sees_our_streams(scope: str, tmp_path: Path) -> None:
    """Another computer, even one that asks this one's address."""
    script = """
    coproc "$1" -c 'from rtpipe.cli import main; main()' "${@:4}" --lsl-scope "$2"
    while read -r line <&"${COPROC[0]}" && [[ $line != *prediction* ]]; do :; done
    exec 3< <(there "$1" -c "$3" 10.9.0.1)
    here=$("$1" -c "$3" 127.0.0.1)
    read -r found <&3
    printf '%s\\n' "$found" "$here"
    """
    config = tmp_path / "none.cfg"
    config.write_text("[ports]\nIPv6 = disable\n")
    options = (*SYNTHETIC, "--lsl-out", "Ours")
    there, here = among_two(script, scope, FIND, *options, LSLAPICFG=str(config))
    both = "['Ours', 'Ours-decisions']"
    assert (there, here) == (both if scope == "site" else "[]", both)


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["machine", "site"])
def test_whose_streams_we_see(scope: str, tmp_path: Path) -> None:
    script = """
    coproc there "$1" -c "$3"
    read -r line <&"${COPROC[0]}"
    "$1" -c 'from rtpipe.cli import main; main()' devices --lsl-scope "$2" --json
    """
    config = tmp_path / "peers.cfg"
    config.write_text("[lab]\nKnownPeers = {10.9.0.2}\n[ports]\nIPv6 = disable\n")
    (told,) = among_two(script, scope, OFFER, LSLAPICFG=str(config))
    assert ("Theirs" in told) == (scope == "site")

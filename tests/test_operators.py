"""The operators that a bundle may call: other people's models pass, and places are
looked at before anything is written there.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from rtpipe.bundle import Bundle, Exported, Standardised, save
from rtpipe.card import read_card
from rtpipe.config import bundle_path

SHAPE = (8, 64)  # channels and samples of a window


class Convolutional(nn.Module):
    """As published networks for EEG are: in time, over channels, pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, (1, 9), padding="same", bias=False),
            nn.BatchNorm2d(4),
            nn.Conv2d(4, 8, (8, 1), groups=4),
            nn.ELU(inplace=True),
            nn.AvgPool2d((1, 4)),
            nn.Dropout2d(0.2),
            nn.ZeroPad2d((1, 1, 0, 0)),
            nn.Conv2d(8, 8, (1, 3)),
            nn.GroupNorm(2, 8),
            nn.GELU(),
            nn.AdaptiveAvgPool2d((1, 4)),
            nn.Flatten(),
        )

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers(x.unsqueeze(1))
        return found


class UpAndDown(nn.Module):
    """A small U-Net with the other kinds of pooling, padding and activation."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv1d(8, 8, 5, stride=2, padding=2, padding_mode="reflect")
        self.pool = nn.MaxPool1d(2)
        self.up = nn.Upsample(scale_factor=2.0, mode="linear")
        self.across = nn.ConvTranspose1d(8, 8, 2, stride=2)
        self.norm = nn.InstanceNorm1d(8, affine=True)
        self.bend = nn.Sequential(nn.PReLU(), nn.Hardswish(), nn.Softplus(), nn.Mish())
        self.power = nn.LPPool1d(2, 4)

    def forward(self, x: Tensor) -> Tensor:
        low = self.pool(self.down(x))
        x = x + self.norm(self.across(self.up(low)))
        found: Tensor = self.power(self.bend(x)).flatten(1)
        return found


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True, dropout=0.1)
        self.second = nn.GRU(12, 5, batch_first=True)
        self.third = nn.RNN(5, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x.transpose(1, 2))[0]
        x = self.third(self.second(x)[0])[0]
        return x[:, -1]


class Attentive(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Embedding(64, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        x = self.layer(x + self.place(torch.arange(64, device=x.device)))
        x = x + self.attention(x, x, x)[0]
        x = functional.scaled_dot_product_attention(x, x, x)
        found: Tensor = self.norm(x).mean(1)
        return found


class Spectral(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        window = torch.hann_window(32, device=x.device)
        short = torch.stft(x.flatten(0, 1), 32, 8, window=window, return_complex=True)
        power = torch.fft.rfft(x - x.mean(-1, keepdim=True)).abs().square()
        share = power / power.sum(-1, keepdim=True).clamp(min=1e-6)
        entropy = -(share * torch.log(share + 1e-6)).sum(-1)
        return torch.cat((short.abs().mean((1, 2)).view(len(x), -1), entropy), 1)


class Geometric(nn.Module):
    """Logarithms of covariances, as for Riemannian classifiers."""

    def forward(self, x: Tensor) -> Tensor:
        x = x - x.mean(-1, keepdim=True)
        c = torch.einsum("bit,bjt->bij", x, x) / x.shape[2]
        c = c + 1e-3 * torch.eye(8, dtype=x.dtype, device=x.device)
        values, vectors = torch.linalg.eigh(c)
        log = vectors * values.clamp(min=1e-6).log().unsqueeze(-2)
        log = log @ vectors.transpose(-1, -2)
        whole = torch.linalg.solve(torch.linalg.cholesky(c), x).var(-1)
        rows = torch.triu_indices(8, 8)
        return torch.cat((log[:, rows[0], rows[1]], whole), 1)


class Lists(nn.Module):
    """Loops, lists, branches and the indexing of ordinary Python."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(64, 64) for _ in range(3)])

    def forward(self, x: Tensor, more: Tensor | None = None) -> Tensor:
        found: list[Tensor] = []
        for k, layer in enumerate(self.layers):
            x = torch.where(x > 0, layer(x), x)
            if more is not None:
                x = x + more
            if k % 2 == 0:
                found.append(x[:, :, k : 60 : k + 1].amax(-1))
        best, place = x.topk(3, dim=-1)
        one = torch.zeros_like(x).scatter_(-1, place, 1.0)
        if x.dim() != 3:
            raise ValueError(f"{x.dim()} dimensions")
        parts = torch.stack([best.sum(-1), one.gather(-1, place).mean(-1)], 1)
        return torch.cat([torch.cat(found, 1), parts.flatten(1)], 1)


NETS = (Convolutional, UpAndDown, Recurrent, Attentive, Spectral, Geometric, Lists)


def bundled(path: Path, describe: nn.Module) -> Bundle:
    """Write and read a bundle of eight channels with these features."""
    told = read_card(bundle_path("demo:gesture"))
    n = describe(torch.randn(3, *SHAPE)).shape[1]
    head = Standardised(nn.Linear(n, len(told.labels)))
    save(path, Exported(describe, head, torch.zeros(n), torch.ones(n)), told)
    return Bundle.load(path)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("net", NETS)
def test_other_peoples_models_are_taken(
    net: type[nn.Module], traced: bool, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    describe, x = net().eval(), torch.randn(3, *SHAPE)
    expected = describe(x)
    if traced:
        describe = torch.jit.trace(describe, x, check_trace=False)  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        found = bundled(tmp_path / "x.pt", describe).module.features(x)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


# Places ------------------------------------------------------------------------------

# What is called with a place that is none, in a process of its own for each, which
# must end by itself, with an error or a result.
ASKED = """
import os, sys, torch, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from rtpipe.errors import BundleError
from rtpipe.operators import refuse_operators
torch.set_num_threads(1)
for line in sys.stdin.read().splitlines():
    text = "def asked(x: Tensor, wide: Tensor, far: Tensor) -> Tensor:\\n  return "
    asked = torch.jit.CompilationUnit(text + line + "\\n").asked
    try:
        refuse_operators(Path("x"), asked.graph)
    except BundleError:
        print("refused:", line)
        continue
    if not (child := os.fork()):
        for place in (2**33, -2**33):
            far = torch.full((40,), place)
            try:
                asked(torch.ones(40), torch.ones(40, 40), far)
                ended = 0
            except RuntimeError:
                ended = 1
        os._exit(ended)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        print("crashed:", line)
    else:
        print(("taken" if status == 0 else "an error") + ":", line)
"""
LOOKED_AT = """
x[far]
wide[:, far]
torch.gather(x, 0, far)
torch.gather(wide, 1, far.view(1, 40))
torch.index_select(x, 0, far)
torch.index_select(wide, 1, far)
torch.index_add(x, 0, far, x)
torch.index_add(wide, 0, far, wide)
torch.index_copy(wide, 0, far, wide)
torch.index_fill(wide, 0, far, 1.0)
torch.index_put(x, [far], x)
x.index_put_([far], x, True)
torch.index_reduce(wide, 0, far, wide, "amax")
torch.put(x, far, x)
torch.put(x, far, x, True)
torch.scatter(x, 0, far, x)
torch.scatter(x, 0, far, 1.0)
wide.scatter_(1, far.view(40, 1), 1.0)
torch.scatter_add(x, 0, far, x)
torch.scatter_add(wide, 0, far.view(40, 1).expand(40, 40), wide)
torch.scatter_reduce(x, 0, far, x, "sum")
torch.scatter_reduce(wide, 0, far.view(40, 1).expand(40, 40), wide, "amax")
torch.take(x, far)
torch.take_along_dim(x, far, 0)
torch.nn.functional.one_hot(far, 5)
torch.embedding(wide, far)
torch.embedding_bag(wide, far, torch.arange(40))[0]
torch.embedding_bag(wide, torch.arange(40), far)[0]
torch.select(x, 0, int(far[0]))
torch.narrow(x, 0, int(far[0]), 1)
x.unfold(0, int(far[0]), 1)
torch.roll(x, int(far[0]))
torch.diagonal(wide, int(far[0]))
torch.triu(wide, int(far[0]))
torch.kthvalue(x, int(far[0]))[0]
torch.topk(x, int(far[0]))[0]
torch.repeat_interleave(x, int(far[0]))
torch.split(x, int(far[0]))[0]
torch.split_with_sizes(x, [int(far[0]), 1])[0]
torch.unflatten(x, 0, [int(far[0]), -1])
torch.pixel_shuffle(wide.view(1, 4, 20, 20), int(far[0]))
torch.channel_shuffle(wide.view(1, 4, 20, 20), int(far[0]))
torch.group_norm(wide, int(far[0]))
torch.conv1d(wide.view(1, 40, 40), wide.view(40, 40, 1), None, [1], [0], [int(far[0])])
"""
HARMLESS = """
torch.take_along_dim(x, far, 0)
torch.roll(x, int(far[0]))
torch.diagonal(wide, int(far[0]))
torch.triu(wide, int(far[0]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_place_that_is_none_is_looked_at() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKED],
        input=LOOKED_AT.strip(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = dict(line.split(": ", 1)[::-1] for line in done.stdout.splitlines())
    assert list(said) == LOOKED_AT.strip().splitlines(), done.stderr
    assert set(said.values()) == {"taken", "an error"}, said
    taken = [line for line, ended in said.items() if ended == "taken"]
    assert taken == HARMLESS.strip().splitlines()

"""The trained model as one TorchScript file: the only place that knows the format.

The file answers raw windows with probabilities and needs no rtpipe to do so::

    bundle = torch.jit.load("gesture.pt")
    bundle(windows)                        # (batch, n_channels, n_times) -> (batch, n)
    f = bundle.features(windows)           # the same in two steps, so that the
    bundle.probabilities(f, mean, scale)   # features can be adapted in between,
    bundle.weights(f)                      # to windows that count by these weights
    bundle.evidence(f, mean, scale)        # and to how the electrodes are placed:
    bundle.placed(f, placement)            # that of f, mean and scale in what it knows

A bundle is a program: run only one you trust. What would read or write files, print,
or call operators that are not PyTorch's own is refused before anything of it runs,
which is no proof that the rest is harmless.
"""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.jit._recursive import wrap_cpp_module

from rtpipe.archive import CARD, packed, read_parts, refuse_odd_pickles
from rtpipe.attributes import refuse_odd_attributes
from rtpipe.card import FILE, Card, checked_card, read_card, write_json
from rtpipe.errors import BundleError
from rtpipe.operators import refuse_operators

# Run while a program is loaded, before its operators can be looked at.
_AT_ONCE = b"__setstate__"


class Exported(nn.Module):
    """What a bundle contains: features, their usual mean and scale, a head, and more.

    Parameters
    ----------
    describe : Module
        (batch, n_channels, n_times) float32 to (batch, n_features) float32.
    head : Module
        Features, and a mean and a scale of them, to logits (batch, n_labels); see
        `Standardised` for the usual one.
    mean, scale : Tensor, shape (n_features,)
        Over the training windows, as placed in every way that is told apart; without
        adaptation they are what the head is given,
        with it they are the prior of the running ones.
    weigh : Module or None
        (batch, n_features) to how much each window counts in the running moments,
        shape (batch,), from 0 to 1; None means that all count 1.
    place : Module or None
        What tells how the electrodes are placed: `rtpipe.features.placement.Placement`;
        None means that they are placed as in training.
    """

    def __init__(
        self,
        describe: nn.Module,
        head: nn.Module,
        mean: Tensor,
        scale: Tensor,
        weigh: nn.Module | None = None,
        place: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.describe, self.head = describe, head
        self.weigh = weigh or Alike()
        self.place = place or AsTrained()
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", mean.float())
        self.register_buffer("scale", scale.float())

    def forward(self, x: Tensor) -> Tensor:
        """Return probabilities, shape (batch, n_labels), of windows."""
        return self.probabilities(self.features(x), self.mean, self.scale)

    @torch.jit.export
    def features(self, x: Tensor) -> Tensor:
        """Return the features, shape (batch, n_features), of windows."""
        described: Tensor = self.describe(x)
        return described

    @torch.jit.export
    def probabilities(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """Return probabilities of features, seen with the mean and scale given here.

        `mean` and `scale` have the shape (n_features,) or (batch, n_features).
        """
        return torch.softmax(self.head(features, mean, scale), 1)

    @torch.jit.export
    def weights(self, features: Tensor) -> Tensor:
        """Return how much each window counts in the running moments, shape (batch,)."""
        weights: Tensor = self.weigh(features)
        return weights

    @torch.jit.export
    def evidence(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """Return how much more probable each placement makes windows than the first.

        A difference of log-likelihoods, shape (batch, n_placements); features, mean
        and scale have the shape (batch, n_features).
        """
        evidence: Tensor = self.place(features, mean, scale)
        return evidence

    @torch.jit.export
    def placed(self, values: Tensor, placement: Tensor) -> Tensor:
        """Return features, or moments of them, as if placed as in training.

        `values` has the shape (batch, n_features), `placement` of int64 (batch,).
        """
        placed: Tensor = self.place.placed(values, placement)  # type: ignore[operator]
        return placed


class Standardised(nn.Module):
    """A head on features less their mean, over their scale.

    Parameters
    ----------
    head : Module
        (batch, n_features) to logits (batch, n_labels).
    """

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """Return logits, shape (batch, n_labels)."""
        logits: Tensor = self.head((features - mean) / scale)
        return logits


class Alike(nn.Module):
    """Weights of 1: every window counts the same."""

    def forward(self, features: Tensor) -> Tensor:
        """Return ones, shape (batch,)."""
        return torch.ones(features.shape[0], device=features.device)


class AsTrained(nn.Module):
    """Placed as in training, and in no other way."""

    def forward(self, features: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """Return zeros, shape (batch, 1)."""
        return torch.zeros(features.shape[0], 1, device=features.device)

    @torch.jit.export
    def placed(self, values: Tensor, placement: Tensor) -> Tensor:
        """Return the values."""
        return values


class Bundle:
    """A card, and the model it describes, loaded.

    Attributes
    ----------
    card : Card
    module : ScriptModule
        With the methods of `Exported`.
    path : str
        Where a recording of a run says that it is from.
    """

    def __init__(self, card: Card, module: Any, path: str = "") -> None:
        self.card, self.module, self.path = card, module, path

    def noted(self, note: str) -> "Bundle":
        """Return the same bundle, with a note for the person more on its card."""
        notes = (*self.card.notes, note)
        card = self.card.model_copy(update={"notes": notes})
        return Bundle(card, self.module, self.path)

    @classmethod
    def load(cls, path: Path, compute: str = "cpu") -> "Bundle":
        """Read a bundle from its file.

        Parameters
        ----------
        path : Path
        compute : str
            Torch device to run on: ``"cpu"``, ``"cuda"``, ``"mps"``.

        Raises
        ------
        BundleError
            If the file is no bundle, or one that is refused.
        """
        parts = read_parts(path)
        if CARD not in parts:
            read_card(path)  # which says so
        card = checked_card(path, parts[CARD])
        module = _loaded(path, parts, compute)
        if card.weights != weights_hash(module):
            raise BundleError(
                f"{path}: its weights are not those its card was written for"
            )
        return cls(card, module)


def save(path: Path, exported: Exported, card: Card) -> Card:
    """Write a bundle; return its card, completed by the hash of the weights.

    The file is written beside its place first and moved there when it is whole.
    """
    exported = exported.cpu().eval()
    card = card.model_copy(update={"weights": weights_hash(exported)})
    with _without_deprecation():
        scripted = torch.jit.script(exported)
        part = path.with_name(path.name + ".part")
        torch.jit.save(scripted, str(part), _extra_files={FILE: write_json(card)})
    part.replace(path)
    return card


def weights_hash(module: Any) -> str:
    """Return the SHA-256 of a module's parameters and buffers, by their names.

    Of every buffer: TorchScript stores those too that are not part of the state dict.
    """
    digest = hashlib.sha256()
    every = {"remove_duplicate": False}  # tied weights are stored under each name
    tensors = dict(module.named_parameters(**every))
    tensors |= dict(module.named_buffers(**every))
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).tobytes())
    return digest.hexdigest()


def _loaded(path: Path, parts: dict[str, bytes], compute: str) -> Any:
    """Return the module that an archive's parts make, if it may be run."""
    refuse_odd_pickles(path, parts)
    if any(_AT_ONCE in text for name, text in parts.items() if name.endswith(".py")):
        raise BundleError(f"{path} is refused: it would run while it is loaded")
    # What torch.jit.load does; but so all functions can be looked at.
    library: Any = torch._C
    unit, device = library.CompilationUnit(), torch.device(compute)
    try:
        found = library.import_ir_module_from_buffer(
            unit, packed(parts), device, {}, False
        )
    except (RuntimeError, ValueError, IndexError) as error:
        first = str(error).strip().splitlines()[0]
        raise BundleError(f"{path} is no bundle that can be run: {first}") from None
    graphs = [function.graph for function in unit.get_functions()]
    for graph in graphs:
        refuse_operators(path, graph)
    refuse_odd_attributes(path, found, graphs)
    return wrap_cpp_module(found).eval()  # type: ignore[no-untyped-call]


@contextmanager
def _without_deprecation() -> Iterator[None]:
    """Silence torch's word that TorchScript is deprecated: we know, and keep to it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.", DeprecationWarning)
        warnings.filterwarnings("ignore", r"`torch\.jit\.", FutureWarning)
        yield

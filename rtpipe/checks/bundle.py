"""What a bundle promises."""

from pathlib import Path
from typing import Any

import numpy as np

from rtpipe.card import read_card
from rtpipe.checks.quiet import quiet
from rtpipe.checks.signals import BATCHES, windows_of_noise
from rtpipe.types import Float32

_CLOSE = 1e-5  # between a window's probabilities alone and in a batch


def check_bundle(path: Path) -> None:
    """Check that a bundle does what `rtpipe.bundle` says, in torch alone.

    Parameters
    ----------
    path : Path
    """
    import torch

    from rtpipe.bundle import Bundle

    card = read_card(path)
    Bundle.load(path)  # is not refused, and has the weights its card was written for
    with quiet():
        module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    n_labels, shape = len(card.labels), (len(card.ch_names), card.n_times)

    def answer(x: Float32) -> Float32:
        with torch.inference_mode():
            found: Float32 = module(torch.from_numpy(x)).numpy()
        return found

    windows = windows_of_noise(max(BATCHES), *shape)
    try:
        alone = np.concatenate([answer(window[None]) for window in windows])
    except RuntimeError as error:
        last = str(error).strip().splitlines()[-1]
        raise AssertionError(
            f"it does not take the {shape[0]} channels of {shape[1]} samples that its "
            f"card names: {last}"
        ) from None
    for size in BATCHES:
        found = answer(windows[:size])
        assert found.dtype == np.float32, f"probabilities are {found.dtype}"
        assert found.shape == (size, n_labels), (
            f"{size} windows give {found.shape}, the card has {n_labels} labels"
        )
        assert (found >= 0).all(), "a probability is negative"
        assert np.allclose(found.sum(1), 1, atol=_CLOSE), "they do not sum to one"
        assert np.allclose(found, alone[:size], rtol=0, atol=_CLOSE), (
            f"a window in a batch of {size} is answered otherwise than alone"
        )
    for what, x in {
        "zeros": np.zeros((2, *shape), np.float32),
        "a large offset": windows[:2] + np.float32(1e6),
        "large values": windows[:2] * np.float32(1e4),
    }.items():
        assert np.isfinite(answer(x)).all(), f"the answer to {what} is not finite"
    with torch.inference_mode():
        features = module.features(torch.from_numpy(windows))
        two_steps = module.probabilities(features, module.mean, module.scale).numpy()
        weights = module.weights(features).numpy()
        weights_alone = [module.weights(row[None]).numpy() for row in features]
    assert np.allclose(two_steps, alone, rtol=0, atol=_CLOSE), (
        "features and probabilities give another answer than both in one"
    )
    assert weights.shape == (len(windows),), (
        f"{len(windows)} windows have weights shaped {weights.shape}"
    )
    assert ((weights >= 0) & (weights <= 1)).all(), "a weight is not within 0 and 1"
    assert np.allclose(weights, np.concatenate(weights_alone), atol=_CLOSE), (
        "a window in a batch weighs otherwise than alone"
    )
    if card.placements is not None:
        _check_placements(module, features, len(card.placements.names))


def _check_placements(module: Any, features: Any, n_placements: int) -> None:
    """Check that evidence is of the card's placements, the first being as it is."""
    import torch

    for method in ("evidence", "placed"):
        assert hasattr(module, method), (
            f"its card names placements, and it has no method {method}"
        )
    mean, scale = (
        each.expand_as(features).contiguous() for each in (module.mean, module.scale)
    )
    rows = zip(features.split(1), mean.split(1), scale.split(1), strict=True)
    with torch.inference_mode():
        evidence = module.evidence(features, mean, scale)
        alone = [module.evidence(*row) for row in rows]
    shape = tuple(evidence.shape)
    assert shape == (len(features), n_placements), (
        f"evidence is shaped {shape}, the card has {n_placements} placements"
    )
    first = torch.zeros(len(features), dtype=torch.int64)
    with torch.inference_mode():
        placed = [module.placed(features, first + k) for k in range(n_placements)]
    assert (evidence[:, 0] == 0).all(), "there is evidence against the first placement"
    assert torch.isfinite(evidence).all(), "evidence is not finite"
    assert torch.allclose(evidence, torch.cat(alone), rtol=_CLOSE, atol=_CLOSE), (
        "a window in a batch is other evidence than alone"
    )
    assert torch.equal(placed[0], features), "the first placement changes features"
    for k, each in enumerate(placed):
        same = torch.equal(each.sort(1)[0], features.sort(1)[0])
        assert same, f"placement {k} is no other order of the features"

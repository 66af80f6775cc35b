"""The laws of a feature."""

from typing import Any

import numpy as np

from rtpipe.checks.quiet import quiet
from rtpipe.checks.signals import BATCHES, windows_of_noise


def check_feature(module: Any, n_channels: int, n_times: int) -> None:
    """Check what training and bundles rely on in a feature.

    Parameters
    ----------
    module : Module
        (batch, n_channels, n_times) float32 to (batch, n_features) float32, with a
        method ``names(ch_names)``.
    n_channels, n_times : int
        Of the windows it is made for.
    """
    import torch

    x = torch.from_numpy(windows_of_noise(max(BATCHES), n_channels, n_times))
    before = x.clone()
    with quiet():
        try:
            scripted = torch.jit.script(module)
        except Exception as error:
            first = str(error).strip().splitlines()[0]
            raise AssertionError(f"it cannot be scripted: {first}") from None
    with torch.inference_mode():
        alone = torch.cat([module(window[None]) for window in x])
        assert torch.equal(x, before), "the windows are modified"
        assert alone.dtype == torch.float32, f"features are {alone.dtype}, not float32"
        assert alone.ndim == 2, f"features are shaped {tuple(alone.shape)}"
        for size in BATCHES:
            assert _same(module(x[:size]), alone[:size]), (
                f"a window in a batch of {size} is described otherwise than alone"
            )
            assert _same(scripted(x[:size]), alone[:size]), (
                "scripted, it describes a window otherwise"
            )
        zeros = module(torch.zeros_like(x[:2]))
    assert torch.isfinite(alone).all(), "a feature of noise is not finite"
    assert torch.isfinite(zeros).all(), "a feature of zeros is not finite"
    names = module.names([f"channel{k}" for k in range(n_channels)])
    assert len(names) == alone.shape[1], (
        f"{len(names)} names for {alone.shape[1]} features"
    )
    assert len(set(names)) == len(names), "two features have the same name"


def _same(found: Any, wanted: Any) -> bool:
    return found.shape == wanted.shape and np.allclose(
        found.numpy(), wanted.numpy(), rtol=1e-4, atol=1e-5
    )

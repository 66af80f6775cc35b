"""What a bundle has learnt of each stream's features, and how it sees them for it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rtpipe.bundle import Bundle
from rtpipe.errors import BundleError
from rtpipe.evidence import RunningEvidence
from rtpipe.moments import RunningMoments


class Adaptation:
    """Running moments of features, and where the bundle tells it, the placement.

    Parameters
    ----------
    bundle : Bundle
        Whose card says that it adapts.
    compute : torch.device
        The bundle was loaded to.
    """

    def __init__(self, bundle: Bundle, compute: torch.device) -> None:
        self._module, self._compute = bundle.module, compute
        worth, self._placements = bundle.card.adapts, bundle.card.placements
        assert worth is not None
        self._worth = worth
        self._moments: dict[str, RunningMoments] = {}
        self._evidence: dict[str, RunningEvidence] = {}

    def seen(
        self, features: Tensor, streams: Sequence[str], place: int = 0
    ) -> tuple[Tensor, Tensor, Tensor, NDArray[np.int64]]:
        """Take in windows and return how the head is to see each of them.

        Parameters
        ----------
        features : Tensor, shape (size, n_features)
            As many rows from `place` on as there are `streams` are windows; the others
            are padding.
        streams : sequence of str
            Of each window; those of one stream in their order.
        place : int

        Returns
        -------
        features, mean, scale : Tensor, shape (size, n_features)
            In the order they have when the electrodes are placed as in training.
        placements : ndarray of int64, shape (size,)
            The placement each window is seen in; 0 where the bundle knows of one only.
        """
        weights = self._array(self._module.weights(features))
        values = self._array(features)
        mean, scale = np.zeros_like(values), np.ones_like(values)
        rows = {
            stream: [k for k, each in enumerate(streams, place) if each == stream]
            for stream in dict.fromkeys(streams)
        }
        for stream, k in rows.items():
            moments = self._moments.get(stream) or self._prior()
            mean[k], scale[k] = moments.advance(values[k], weights[k])
            self._moments[stream] = moments
        placements = np.zeros(len(values), np.int64)
        found = features, self._tensor(mean), self._tensor(scale)
        if self._placements is None:
            return *found, placements
        told = self._array(self._module.evidence(*found))
        n_placements = len(self._placements.names)
        if told.shape[1] != n_placements:
            raise BundleError(
                f"it gives evidence of {told.shape[1]} placements, not {n_placements}"
            )
        for stream, k in rows.items():
            evidence = self._evidence.get(stream) or RunningEvidence(
                n_placements, self._placements.lead, self._placements.depth
            )
            placements[k] = evidence.advance(told[k], weights[k])
            self._evidence[stream] = evidence
        at = self._tensor(placements)
        placed = [self._module.placed(each, at) for each in found]
        return placed[0], placed[1], placed[2], placements

    def _prior(self) -> RunningMoments:
        mean, scale = self._module.mean, self._module.scale
        return RunningMoments(self._array(mean), self._array(scale), self._worth)

    def _array(self, values: Tensor) -> NDArray[Any]:
        found: NDArray[Any] = values.cpu().numpy()
        return found

    def _tensor(self, values: NDArray[Any]) -> Tensor:
        return torch.as_tensor(values, device=self._compute)

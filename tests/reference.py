"""What a bundle should answer on a UCI recording, worked out without rtpipe.

``python reference.py RECORDING.txt BUNDLE.pt OUT.jsonl``: the whole file is read by
NumPy, filtered at once by SciPy, and answered by the file that `torch.jit.load` gives.
"""

import json
import sys
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

warnings.simplefilter("ignore")
import torch  # noqa: E402

Array = NDArray[Any]


def channel_scale(x: Array, prior: list[float], worth: float) -> Array:
    squares = worth * np.square(prior) + np.cumsum(x**2, axis=0)
    n = worth + 1 + np.arange(len(x))
    scaled: Array = x / np.sqrt(squares / n[:, None])
    return scaled


def one_shot(
    x: Array,
    low: float | None = None,
    high: float | None = None,
    order: int = 4,
    notch: int = 0,
    quality: float = 30.0,
) -> Array:
    band = [edge for edge in (low, high) if edge]
    kind = "bandpass" if low and high else "highpass" if low else "lowpass"
    edges = band if len(band) == 2 else band[:1]
    sos = [signal.butter(order, edges, kind, fs=1000, output="sos")] if band else []
    for k in range(notch):
        if 50 * (k + 1) < 500:
            b, a = signal.iirnotch(50 * (k + 1), quality, 1000)
            sos.append(np.atleast_2d(np.concatenate((b, a))))
    cascade = np.concatenate(sos)
    rest = signal.sosfilt_zi(cascade)[:, :, None] * x[0]
    filtered: Array = signal.sosfilt(cascade, x, axis=0, zi=rest)[0]
    return filtered


STAGES: dict[str, Callable[..., Array]] = {
    "channel_scale": channel_scale,
    "filter": one_shot,
}


def main(recording: str, bundle: str, out: str) -> None:
    with zipfile.ZipFile(bundle) as archive:
        inside = next(n for n in archive.namelist() if n.endswith("extra/card.json"))
        card = json.loads(archive.read(inside))
    table = np.loadtxt(recording, skiprows=1)
    x = np.round(table[:, 1:9] * 1e5).astype(np.float32)
    for stage in card["stages"]:
        run = STAGES[stage["kind"]]
        x = run(x.astype(np.float64), **stage["settings"]).astype(np.float32)

    n, hop = card["n_times"], card["hop"]
    ends = np.arange(n - 1, len(x), hop)
    windows = np.stack([x[end + 1 - n : end + 1].T for end in ends])
    model: Any = torch.jit.load(bundle).eval()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        f = torch.cat(
            [model.features(w) for w in torch.split(torch.from_numpy(windows), 100)]
        )
        mean, scale = model.mean, model.scale
        if card["adapts"]:
            prior = mean.numpy(), scale.numpy(), card["adapts"]
            weights = model.weights(f).numpy()
            mean, scale = running(f.numpy(), weights, *prior)
        seen = [torch.as_tensor(each) for each in (f, mean, scale)]
        if card["placements"]:
            evidence = model.evidence(*seen).numpy()
            limits = card["placements"]["lead"], card["placements"]["depth"]
            worn = torch.tensor(placed(evidence, weights, *limits))
            seen = [model.placed(each, worn) for each in seen]
        p = model.probabilities(*seen).numpy()

    names = ["", *card["labels"]]  # class k of the file is label k - 1 of the card
    with open(out, "w") as file:
        for k, end in enumerate(ends):
            smooth = p[max(0, k + 1 - card["decision"]["windows"]) : k + 1].mean(0)
            classes = set(table[end + 1 - n : end + 1, 9].astype(int))
            truth = names[classes.pop()] if len(classes) == 1 else ""
            line = {
                "index": int(end),
                "probabilities": dict(zip(card["labels"], p[k].tolist(), strict=True)),
                "label": card["labels"][int(smooth.argmax())],
                "margin": float(np.diff(np.sort(smooth))[-1]),
                "truth": truth or None,
            }
            file.write(json.dumps(line) + "\n")
    assert "rtpipe" not in sys.modules


def running(
    features: Array, weights: Array, mean: Array, scale: Array, worth: float
) -> tuple[Array, Array]:
    """Mean and scale of the features before each window, one window after the other."""
    f, mean, scale = (each.astype(np.float64) for each in (features, mean, scale))
    total, squares = worth * mean, worth * (scale**2 + mean**2)
    means, scales = [], []
    for row, weight in zip(f, weights.astype(np.float64), strict=True):
        m = total / worth
        means.append(m)
        scales.append(np.sqrt(np.maximum(squares / worth - m**2, (scale / 100) ** 2)))
        worth += weight
        total, squares = total + weight * row, squares + weight * row**2
    return np.array(means, np.float32), np.array(scales, np.float32)


def placed(evidence: Array, weights: Array, lead: float, depth: float) -> list[int]:
    """The placement before each window: the first, until another is so far ahead."""
    total, found = np.zeros(evidence.shape[1]), []
    for row, weight in zip(evidence, weights, strict=True):
        best = int(total[1:].argmax()) + 1
        found.append(best if total[best] - lead > total[0] else 0)
        total += float(weight) * row
        total = np.maximum(total, total.max() - depth)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])

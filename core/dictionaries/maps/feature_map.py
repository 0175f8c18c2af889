"""The map of a dictionary's features, kept under a key of all that decides it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core import workspace
from core.activations import read_arrays, write_arrays
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.maps.graph import fuzzy_graph, nearest
from core.dictionaries.maps.layout import layout
from core.errors import UserError
from core.progress import Listener, silent

FORMAT = 1  # raised when the same dictionary comes out elsewhere
NEIGHBOURS = 15
FEWEST = 4  # features
WIDE = 10.0  # where the points begin: as far as this to either side


def known_map(dictionary: Dictionary, *, seed: int = 0) -> NDArray[np.float32] | None:
    """The map if it was drawn before. Computes nothing."""
    found = read_arrays(_key(dictionary, seed))
    points = None if found is None else found.get("points")
    return points if points is not None and points.shape == (dictionary.coder.n_features, 2) else None


def feature_map(dictionary: Dictionary, *, seed: int = 0, progress: Listener = silent) -> NDArray[np.float32]:
    """(m, 2) float32 points, one per feature: UMAP of what features write, by 1 - cosine, over 15 neighbours.

    Who is next to whom tells something, how far groups lie apart hardly anything. Raises UserError for fewer than four
    features.
    """
    known = known_map(dictionary, seed=seed)
    if known is not None:
        return known
    rows = dictionary.coder.written.detach().float().cpu()
    if len(rows) < FEWEST:
        raise UserError(f"{len(rows)} features make no map; it takes {FEWEST} at the least.")
    ids, distances = nearest(rows, min(NEIGHBOURS, len(rows) - 1), progress=progress)
    edges = fuzzy_graph(ids, distances)
    points = layout(_start(rows, seed), *edges, seed=seed, progress=progress).astype(np.float32)
    write_arrays(_key(dictionary, seed), {"points": points})
    return points


def _start(rows: Tensor, seed: int) -> NDArray[np.float64]:
    """The first two principal components of the directions, with a little noise that keeps equals apart."""
    unit = (rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-30)).double()
    centred = unit - unit.mean(dim=0)
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    best = vectors[:, -2:].flip(1)
    best = best * best.gather(0, best.abs().argmax(dim=0, keepdim=True)).sign()
    points = (centred @ best).numpy()
    points *= WIDE / max(float(np.abs(points).max()), 1e-30)
    return np.asarray(points + np.random.default_rng(seed).normal(0, 1e-4 * WIDE, points.shape))


def _key(dictionary: Dictionary, seed: int) -> str:
    return workspace.digest(
        {"what": "map", "format": FORMAT, "dictionary": dictionary.key, "neighbours": NEIGHBOURS, "seed": seed}
    )

"""The map of a dictionary's features, kept under a key of all that decides it.

McInnes, Healy, Melville 2018, "UMAP: Uniform Manifold Approximation and Projection", by the authors' own library. It is
given exact neighbours: they take a second for 8,192 features, and the library's approximate ones a minute of compiling.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core import workspace
from core.activations import read_arrays, write_arrays
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.nearest import nearest
from core.errors import UserError
from core.progress import Listener, Progress, silent
from core.versions import version

FORMAT = 2  # raised when the same dictionary comes out elsewhere
NEIGHBOURS = 15  # of a feature, itself among them
DISTANCE = 0.1  # the smallest between points, as the library's default
FEWEST = 4  # features


def known_map(dictionary: Dictionary, *, seed: int = 0) -> NDArray[np.float32] | None:
    """The map if it was drawn before. Computes nothing."""
    found = read_arrays(_key(dictionary, seed))
    points = None if found is None else found.get("points")
    return points if points is not None and points.shape == (dictionary.coder.n_features, 2) else None


def feature_map(dictionary: Dictionary, *, seed: int = 0, progress: Listener = silent) -> NDArray[np.float32]:
    """(m, 2) float32 points, one per feature: UMAP of what features write, by 1 - cosine, over 15 neighbours.

    Who is next to whom tells something, how far groups lie apart hardly anything. The same seed gives the same map on
    the same machine. Raises UserError for fewer than four features, or for a width of one.
    """
    known = known_map(dictionary, seed=seed)
    if known is not None:
        return known
    rows = dictionary.coder.written.detach().float().cpu()
    if len(rows) < FEWEST or rows.shape[1] < 2:
        raise UserError(
            f"{len(rows)} features of width {rows.shape[1]} make no map; it takes {FEWEST} of width 2 at the least."
        )
    points = drawn(rows, seed=seed, progress=progress)
    write_arrays(_key(dictionary, seed), {"points": points})
    return points


def drawn(rows: Tensor, *, seed: int = 0, progress: Listener = silent) -> NDArray[np.float32]:
    """(m, 2) points for (m, d) rows, m and d at least FEWEST and 2, as on the map of features; kept nowhere."""
    k = min(NEIGHBOURS, len(rows))
    others, cosines = nearest(rows, k - 1, progress=progress)
    # The library takes each row for the first of its own neighbours.
    ids = np.column_stack([np.arange(len(rows), dtype=np.int32), others])
    distances = np.column_stack([np.zeros(len(rows), dtype=np.float32), 1 - cosines])
    from umap import UMAP  # compiles for seconds

    drawing = UMAP(
        n_neighbors=k,
        min_dist=DISTANCE,
        metric="cosine",
        init="pca",
        random_state=seed,
        n_jobs=1,  # several threads would not draw the same map twice
        precomputed_knn=(ids, distances, None),
        tqdm_kwds={"disable": False, "file": _Told(progress), "bar_format": "{n_fmt}/{total_fmt}"},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no further rows can be placed on the map
        points: NDArray[np.float32] = np.asarray(drawing.fit_transform(_unit(rows).numpy()), dtype=np.float32)
    return points - points.mean(axis=0)


def _unit(rows: Tensor) -> Tensor:
    rows = rows.float()
    return rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-30)


@dataclass(frozen=True)
class _Told:
    """Where the library writes its progress as text, "12/200", and from where it is told on."""

    progress: Listener

    def write(self, text: str) -> None:
        done, _, total = text.strip().partition("/")
        if done.isdigit() and total.isdigit():
            self.progress(Progress(int(done), int(total), "rounds", "drawing the map"))

    def flush(self) -> None:
        pass


def _key(dictionary: Dictionary, seed: int) -> str:
    about: dict[str, Any] = {"what": "map", "format": FORMAT, "umap": version("umap-learn")}
    about |= {"neighbours": NEIGHBOURS, "distance": DISTANCE}
    return workspace.digest({**about, "dictionary": dictionary.key, "seed": seed})

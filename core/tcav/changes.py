"""How a target changes under pushes of given doses: measured once, then from the workspace."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core import versions, workspace
from core.activations import read_result, write_result
from core.activations.recipe import corpus_hash
from core.models import Site
from core.progress import Listener, silent
from core.tcav.disjoint import Item
from core.tcav.reader import Reader
from core.tcav.targets import Target

VERSION = 2  # raised when the numbers change: part of the key of what is kept


def changes(
    reader: Reader,
    target: Target,
    items: Sequence[Item],
    site: Site,
    directions: np.ndarray,
    doses: Sequence[float],
    *,
    progress: Listener = silent,
) -> np.ndarray:
    """How the target changes, (k, doses, m), when unit `directions` (k, d) are added at `doses`; kept on disk.

    A dose counts in units of the site's typical norm. What is kept is found again by the directions' own bytes and by
    that norm, which may be measured anew on other texts.
    """
    norm = reader.typical_norm(site, progress)
    key = workspace.digest(
        {
            "what": "pushes",
            "version": VERSION,
            **reader.identity(),
            "target": target.to_json(),
            "texts": reader.corpus(items),
            "site": str(site),
            "directions": corpus_hash([np.ascontiguousarray(row, dtype="<f8").tobytes().hex() for row in directions]),
            "doses": list(doses),
            "norm": norm,
            "torch": versions.release("torch"),
            "transformers": versions.version("transformers"),
        }
    )
    if (known := read_result(key)) is not None:
        return np.array(known["changes"])
    moves = np.concatenate([np.zeros((1, directions.shape[1])), *(dose * norm * directions for dose in doses)])
    values = reader.pushed(target, items, site, moves, progress)
    found = (values[1:] - values[0]).reshape(len(doses), len(directions), len(items)).transpose(1, 0, 2)
    write_result(key, {"changes": found.round(6).tolist()})
    return found.round(6)

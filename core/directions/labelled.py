"""From labelled examples to a direction: recording, fitting, and how well it reads texts it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from core.directions.method import Found, Reading
from core.directions.rows import usable_rows
from core.errors import UserError
from core.examples import Examples, split
from core.progress import Listener
from core.stats import auroc, auroc_interval

if TYPE_CHECKING:
    from core.directions.finder import Finder
    from core.models import Model, Site

FEWEST = 4  # groups per class below which a held-out part would say nothing


def find_labelled(
    finder: Finder, model: Model, examples: Examples, site: Site, reading: Reading, seed: int, progress: Listener
) -> Found:
    """The direction of `examples` at `site`.

    Its quality is measured first: fitted on the train part (70% of the groups), scored on the held-out rest, the
    very split that `probing.sweep` shows for the same seed. What a cross-validation can choose (a penalty) is
    chosen within the train part, and kept. Then the vector that is returned is fitted on *all* rows with the same
    settings. So `auroc` is that of a sister of the vector, fitted on 70% of the rows, and never of rows seen.

    Texts without an unmasked token are left out and counted.
    """
    from core.activations import record_texts

    (store,) = record_texts(
        model, examples.texts, [site], pool=reading.pool, max_length=reading.max_length, progress=progress
    )
    rows = usable_rows([store.load()], examples)
    X, y, groups = rows.X[0], rows.y, rows.groups
    settled, held_out = read_held_out(X, y, groups, finder, seed)
    raw = settled.fit(X, y, groups=groups, seed=seed)
    return Found(
        raw=raw,
        settled=settled,
        origin=examples.title or examples.id,
        held_out=held_out,
        provenance={
            "examples": {
                "id": examples.id,
                "title": examples.title,
                "source": examples.source,
                "digest": examples.digest,
                "limit": reading.limit,
                "positives": int(y.sum()),
                "negatives": int((1 - y).sum()),
                "left_out": rows.left_out,
                "sinks": rows.sinks[0],
            },
            "sign": "positives have the higher activation @ vector",
            "fitted_on": "all rows, with the settings found on the train part",
        },
    )


def read_held_out(
    X: np.ndarray, y: np.ndarray, groups: np.ndarray, finder: Finder, seed: int
) -> tuple[Finder, dict[str, Any]]:
    """The finder with its settings chosen, and how a direction of the train part reads the held-out part."""
    fewest = min(len(np.unique(groups[y == label])) for label in (0, 1))
    try:
        if fewest < FEWEST:
            raise UserError(f"A class has only {fewest} independent examples, fewer than {FEWEST}.")
        train, test = split(y, groups, seed=seed)
    except UserError as reason:
        # A few pasted texts still make a direction to play with; that its quality is unknown is said, not hidden.
        settled = finder.settle(X, y, groups=groups, seed=seed).finder
        return settled, {"auroc": None, "interval": None, "n_train": len(y), "n_test": 0, "note": str(reason)}
    settled = finder.settle(X[train], y[train], groups=groups[train], seed=seed).finder
    scores = X[test] @ settled.fit(X[train], y[train], groups=groups[train], seed=seed)
    return settled, {
        "auroc": auroc(y[test], scores),
        "interval": list(auroc_interval(y[test], scores, groups=groups[test], seed=seed)),
        "n_train": len(train),
        "n_test": len(test),
    }

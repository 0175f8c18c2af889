"""Making a direction from labelled examples."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from core import workspace
from core.activations import Pool
from core.directions.direction import Direction
from core.directions.finder import Finder
from core.directions.parameters import with_parameters
from core.directions.rows import Rows, usable_rows
from core.directions.table import finder_named
from core.errors import UserError
from core.examples import Examples, split
from core.progress import Listener, silent
from core.stats import auroc, auroc_interval

if TYPE_CHECKING:
    from core.models import Model, Site

FEWEST = 4  # groups per class below which a held-out part would say nothing


def make_direction(
    model: Model,
    examples: Examples,
    site: Site,
    method: str | Finder,
    *,
    name: str,
    pool: Pool = "mean",
    max_length: int = 256,
    parameters: Mapping[str, Any] | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: Listener = silent,
) -> Direction:
    """The direction of `examples` at `site`, as found by `method` (a key of FINDERS, or a finder).

    Its quality is measured first: fitted on the train part (70% of the groups), scored on the held-out rest, the
    very split that `probing.sweep` shows for the same seed. What a cross-validation can choose (a penalty) is
    chosen within the train part, and kept. Then the vector that is returned is fitted on *all* rows with the same
    settings. So `auroc` is that of a sister of the vector, fitted on 70% of the rows, and never of rows seen.

    pool: "mean" or "last". parameters: of the finder. limit: as it was given to `open_examples`, for the record.
    Texts without an unmasked token are left out and counted. Raises UserError for an unknown method or parameter
    or pool, for one class only, and for a vector of length 0.
    """
    from core.activations import record_texts

    workspace.checked_name(name)
    finder = finder_named(method) if isinstance(method, str) else method
    finder = with_parameters(finder, parameters or {})
    if pool == "none":
        raise UserError("A direction needs one activation per text: use pool mean or last.")
    (store,) = record_texts(model, examples.texts, [site], pool=pool, max_length=max_length, progress=progress)
    rows = usable_rows([store.load()], examples)
    settled, held_out = _held_out(rows, finder, seed)
    raw = settled.fit(rows.X[0], rows.y, groups=rows.groups, seed=seed)
    raw_norm = float(np.linalg.norm(raw))
    if not raw_norm > 0:
        raise UserError(f"{examples.id} shows no difference between its classes at {site}: there is no direction.")
    provenance = {
        "examples": {
            "id": examples.id,
            "title": examples.title,
            "source": examples.source,
            "digest": examples.digest,
            "limit": limit,
            "positives": int(rows.y.sum()),
            "negatives": int((1 - rows.y).sum()),
            "left_out": rows.left_out,
        },
        "pool": pool,
        "max_length": max_length,
        "device": model.device.type,
        "dtype": model.dtype_name,
        "architecture": model.architecture,
        **settled.to_json(),
        "seed": seed,
        "sign": "positives have the higher activation @ vector",
        "fitted_on": "all rows, with the settings found on the train part",
        "held_out": held_out,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {package: version(package) for package in ("torch", "transformers", "scikit-learn", "numpy")},
    }
    return Direction(
        name=name,
        model_id=model.id,
        model_fingerprint=model.fingerprint,
        site=str(site),
        layer=site.layer,
        vector=(raw / raw_norm).astype(np.float32),
        raw_norm=raw_norm,
        method=finder.name,
        provenance=provenance,
    )


def _held_out(rows: Rows, finder: Finder, seed: int) -> tuple[Finder, dict[str, Any]]:
    """The finder with its settings chosen, and how a direction of the train part reads the held-out part."""
    X, y, groups = rows.X[0], rows.y, rows.groups
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

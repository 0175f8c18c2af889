"""Making a direction, by any method and from whatever that method is made from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from core import workspace
from core.activations import Pool
from core.directions.direction import Direction
from core.directions.method import Method, Reading
from core.directions.methods import method_named
from core.directions.parameters import with_parameters
from core.directions.sources import SOURCES, ModelPair, TokenLists
from core.errors import UserError
from core.examples import Examples
from core.progress import Listener, silent
from core.versions import version

if TYPE_CHECKING:
    from core.models import Model, Site


def make_direction(
    model: Model,
    source: Examples | TokenLists | ModelPair,
    site: Site,
    method: str | Method,
    *,
    name: str,
    pool: Pool = "mean",
    max_length: int = 256,
    parameters: Mapping[str, Any] | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: Listener = silent,
) -> Direction:
    """The direction that `method` (a key of METHODS, or a method) makes from `source` at `site`.

    Each method says in its own file what vector it takes and how its quality is measured. pool: "mean" or "last".
    parameters: of the method. limit: as it was given to `open_examples`, for the record.
    Raises UserError for an unknown method or parameter or pool, for a source that the method cannot use, and for a
    vector of length 0.
    """
    workspace.checked_name(name)
    chosen = with_parameters(method_named(method) if isinstance(method, str) else method, parameters or {})
    wanted = SOURCES[chosen.made_from]
    if not isinstance(source, wanted.cls):
        raise UserError(f"{chosen.title} makes a direction from {wanted.title}; give these.")
    if pool == "none":
        raise UserError("A direction needs one activation per text: use pool mean or last.")
    found = chosen.find(model, source, site, Reading(pool, max_length, limit), seed=seed, progress=progress)
    raw_norm = float(np.linalg.norm(found.raw))
    if not 0 < raw_norm < float("inf"):
        raise UserError(f"{found.origin} shows no difference at {site}: there is no direction.")
    provenance = {
        "origin": found.origin,
        **found.provenance,
        "pool": pool,
        "max_length": max_length,
        "device": model.device.type,
        "dtype": model.dtype_name,
        "architecture": model.architecture,
        **found.settled.to_json(),
        "seed": seed,
        "held_out": found.held_out,
        "checks": [check.to_json() for check in found.checks],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {package: version(package) for package in ("torch", "transformers", "scikit-learn", "numpy")},
    }
    return Direction(
        name=name,
        model_id=model.id,
        model_fingerprint=model.fingerprint,
        site=str(site),
        layer=site.layer,
        vector=(found.raw / raw_norm).astype(np.float32),
        raw_norm=raw_norm,
        method=chosen.name,
        provenance=provenance,
    )

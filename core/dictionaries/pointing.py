"""A feature as a direction: what it writes, to be pushed along, read along and compared like any other."""

from __future__ import annotations

from datetime import UTC, datetime

import torch

from core import workspace
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.writing import arrives_at
from core.directions import Direction
from core.errors import UserError
from core.models import Model, Site


def feature_direction(
    dictionary: Dictionary, model: Model, feature: int, *, name: str, label: str = "", created: str | None = None
) -> Direction:
    """What one unit of `feature` writes, as a direction at the place where the dictionary (bound to `model`) writes.

    raw_norm is the length of that vector: activations per unit of the feature's code, at a token of scale 1 where the
    dictionary divides each by its own, which the record then says. label: text of others, kept for the record. Raises
    UserError for a feature that there is not or that writes nothing, and for a place at which no direction can stand.
    """
    workspace.checked_name(name)
    coder, card = dictionary.coder, dictionary.card
    if not 0 <= feature < coder.n_features:
        raise UserError(f"There is no feature {feature}: they are numbered 0 to {coder.n_features - 1}.")
    row = coder.written[feature].detach().cpu().double()
    length = float(torch.linalg.vector_norm(row))
    if not 0 < length < float("inf"):
        raise UserError(f"Feature {feature} of {dictionary.name!r} writes nothing: there is no direction.")
    if card.writes_to is None:
        raise UserError(f"The dictionary {dictionary.name!r} is bound to no place in a model; import it first.")
    site, scaled = _site(card.writes_to, model), coder.writes_scaled
    said = f"feature {feature} of {dictionary.name}" + (f": {label}" if label else "")
    return Direction(
        name=name,
        model_id=model.id,
        model_fingerprint=model.fingerprint,
        site=str(site),
        layer=site.layer,
        vector=(row / length).float().numpy(),
        raw_norm=length,
        method="feature",
        provenance={
            "origin": said,
            **(
                {"unit": "of a code at a token of scale 1; the dictionary divides by each token's own"}
                if scaled
                else {}
            ),
            "dictionary": {"name": dictionary.name, "key": dictionary.key, "kind": coder.kind, "feature": feature},
            "held_out": {"note": "It was not made from examples; how well it reads a concept can be asked of it."},
            "created": created or datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )


def _site(written: Site, model: Model) -> Site:
    """Where directions can stand, holding the very tensor into which the feature writes."""
    found = arrives_at(written, model)
    if found is None:
        raise UserError(
            f"{model.id} has no place for directions at {written}, where the feature writes: what it writes there is"
            " not what reaches the stream."
        )
    return found

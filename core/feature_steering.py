"""Pushing a dictionary's feature: where dictionaries and steering, which do not know each other, meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from core.dictionaries import fitted, open_dictionary
from core.dictionaries.pointing import feature_direction
from core.errors import UserError

if TYPE_CHECKING:
    from core.dictionaries import Dictionary
    from core.models import Model
    from core.steering import Feature


def open_feature(model: Model, dictionary: str, number: int) -> Feature:
    """As `feature_of`, from a dictionary that is saved under a name, or bundled."""
    return feature_of(fitted(open_dictionary(dictionary), model), model, number)


def feature_of(found: Dictionary, model: Model, number: int) -> Feature:
    """Feature `number` of a dictionary that is bound to `model`, ready for an edit of its code.

    Raises UserError for a feature that is not there, for a dictionary that reads one place and rebuilds another (a
    transcoder, neurons), whose code is no part of the activation that is edited, and for one that scales each token by
    itself, in which a code has no length that doses could count in.
    """
    from core.steering import Feature

    card = found.card
    if card.reads != card.rebuilds or card.reads is None:
        raise UserError(
            f"{found.name!r} reads {card.reads} and rebuilds {card.rebuilds}; only the code of a dictionary that "
            "rebuilds what it reads can be edited in place. Save the feature as a direction, and push along that."
        )
    if found.coder.writes_scaled:
        raise UserError(
            f"{found.name!r} scales each token by itself, so that one unit of a code moves every token differently. "
            "Save the feature as a direction, and push along that."
        )
    direction = feature_direction(found, model, number, name=f"feature-{number}")
    # Edits are computed in 32 bits at the least, whatever the model is stored in.
    coder = found.coder.to(model.device, model.dtype if model.dtype.itemsize > 4 else torch.float32)
    return Feature(direction, found.key, number, coder.encode, coder.decode, direction.raw_norm)

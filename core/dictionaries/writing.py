"""Where what a feature writes arrives: at a site of the model as it is, or at none."""

from __future__ import annotations

import torch

from core.models import Model, Site, batch, record, tokenize

ADDED = ("before", "after", "attention", "mlp")  # kinds of sites that are the stream, or are added to it
TEXT = "The film was good."  # over which two places are compared


def arrives_at(written: Site, model: Model) -> Site | None:
    """The site of `model` (see `Model.find_site`) that holds the tensor at `written`; None if there is none.

    What the down projection puts out is what the MLP as a whole adds to the stream in most models, and is not where a
    norm stands behind it; so for attention. The model is asked, over a few tokens.
    """
    found = model.find_site(written.layer, written.kind)
    if found is None or str(found) == str(written):
        return found
    if written.kind not in ("attention", "mlp") or written.side != "output":
        return None
    if written.module not in dict(model.network.named_modules()):
        return None
    there = record(model, batch(model, tokenize(model, [TEXT], 16)), [written, found])
    one, other = there[written], there[found]
    return found if one.shape == other.shape and torch.equal(one, other) else None


def is_added(written: Site | None, model: Model) -> bool:
    """Whether what is written at `written` is part of the residual stream, or is added to it as it is."""
    return written is not None and written.kind in ADDED and arrives_at(written, model) is not None

"""Targets of a model that need not be open: what its tokenizer or its classes said of them is kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from core import workspace
from core.activations import read_result, write_result
from core.models import KnownModel, NotOpened
from core.tcav.readers import reads_images
from core.tcav.targets import ClassLogit, NextWords, Target, make_target

if TYPE_CHECKING:
    from core.models import AnyModel, ImageModel

VERSION = 1


def known_target(model: AnyModel | ImageModel, spec: str) -> Target:
    """`make_target`, kept in the workspace, so that what was computed for it is found again without the model.

    Raises UserError as `make_target` does, and NotOpened where nothing was kept and the model is not open.
    """
    if reads_images(model):  # its classes may be named anew at any time
        return make_target(cast("ImageModel", model), spec)
    model = cast("AnyModel", model)
    key = target_key(model, spec)
    if (kept := read_result(key)) is not None:
        if "index" in kept:
            return ClassLogit(kept["name"], kept["index"], kept["against"])
        return NextWords(kept["name"], tuple(kept["more"]), tuple(kept["less"]))
    if isinstance(model, KnownModel):
        raise NotOpened(f"{model.id} has to be opened to tell what {spec!r} names.")
    target = make_target(model, spec)
    write_result(key, asdict(target))
    return target


def target_key(model: AnyModel, spec: str) -> str:
    """Under which the target of `spec` is kept."""
    return workspace.digest({"what": "target", "version": VERSION, "model": model.fingerprint, "spec": spec})

"""Changing what flows through a network, for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from core.models.hooks import OnSite, on_sites
from core.models.loaded import Loaded
from core.models.site import Site


@contextmanager
def edit(model: Loaded, edits: Mapping[Site, OnSite]) -> Iterator[None]:
    """Let each function replace the activations at its site while the block lasts.

    They are (batch, tokens, width), or (batch * tokens, width) inside the few MLPs that join their rows; in a
    network for images also (batch, channels, height, width). A function that returns None has only looked.

    The model is restored at the end of the block, also after an exception. The block holds the model's
    lock: keep it to one forward pass or one token step, and never `yield` inside it, so that other
    sessions get their turn and an abandoned generator cannot leave an edit on.
    """
    with on_sites(model, edits):
        yield

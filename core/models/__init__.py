"""Models: opening them, naming their sites, reading and editing what flows through them."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.models.editing import edit
    from core.models.layout import Layout, find_layout
    from core.models.model import Model
    from core.models.open import open_model
    from core.models.recording import gradients, record
    from core.models.shelf import ModelInfo, list_models
    from core.models.site import KINDS, Site
    from core.models.tokens import batch, counted_positions, tokenize

__all__ = [
    "KINDS",
    "Layout",
    "Model",
    "ModelInfo",
    "Site",
    "batch",
    "counted_positions",
    "edit",
    "find_layout",
    "gradients",
    "list_models",
    "open_model",
    "record",
    "tokenize",
]

__getattr__ = attach(
    __name__,
    {
        "KINDS": "site",
        "Layout": "layout",
        "Model": "model",
        "ModelInfo": "shelf",
        "Site": "site",
        "batch": "tokens",
        "counted_positions": "tokens",
        "edit": "editing",
        "find_layout": "layout",
        "gradients": "recording",
        "list_models": "shelf",
        "open_model": "open",
        "record": "recording",
        "tokenize": "tokens",
    },
)

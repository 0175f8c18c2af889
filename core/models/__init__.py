"""Models: opening them, naming their sites, reading and editing what flows through them."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.models.editing import edit
    from core.models.embedder import embed, embedder_version
    from core.models.layout import Layout, find_layout
    from core.models.model import Model
    from core.models.open import open_model
    from core.models.pieces import text_pieces, token_texts
    from core.models.recording import gradients, record
    from core.models.shelf import ModelInfo, list_models
    from core.models.site import KINDS, Site
    from core.models.tokens import batch, counted_positions, tokenize
    from core.models.unembedding import (
        Promoted,
        TokenValue,
        direction_logits,
        logits_at,
        logits_of_chunks,
        promoted,
        token_direction,
    )

__all__ = [
    "KINDS",
    "Layout",
    "Model",
    "ModelInfo",
    "Promoted",
    "Site",
    "TokenValue",
    "batch",
    "counted_positions",
    "direction_logits",
    "edit",
    "embed",
    "embedder_version",
    "find_layout",
    "gradients",
    "list_models",
    "logits_at",
    "logits_of_chunks",
    "open_model",
    "promoted",
    "record",
    "text_pieces",
    "token_direction",
    "token_texts",
    "tokenize",
]

__getattr__ = attach(
    __name__,
    {
        "KINDS": "site",
        "Layout": "layout",
        "Model": "model",
        "ModelInfo": "shelf",
        "Promoted": "unembedding",
        "Site": "site",
        "TokenValue": "unembedding",
        "batch": "tokens",
        "counted_positions": "tokens",
        "direction_logits": "unembedding",
        "edit": "editing",
        "embed": "embedder",
        "embedder_version": "embedder",
        "find_layout": "layout",
        "gradients": "recording",
        "list_models": "shelf",
        "logits_at": "unembedding",
        "logits_of_chunks": "unembedding",
        "open_model": "open",
        "text_pieces": "pieces",
        "promoted": "unembedding",
        "record": "recording",
        "token_direction": "unembedding",
        "token_texts": "pieces",
        "tokenize": "tokens",
    },
)

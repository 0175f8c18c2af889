"""Models: opening them, naming their sites, reading and editing what flows through them."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.models.editing import edit
    from core.models.embedder import embed, embedder_version
    from core.models.feature_maps import FeatureMap
    from core.models.image_model import ImageModel
    from core.models.kinds import kind_of
    from core.models.known import AnyModel, KnownModel, NotOpened, as_known, known_model, opened
    from core.models.layout import Layout, find_layout
    from core.models.loaded import Loaded
    from core.models.model import Model
    from core.models.needs import Needs, needs_of
    from core.models.open import open_model
    from core.models.open_image import open_image_model
    from core.models.pieces import text_pieces, token_texts
    from core.models.preprocessing import Preprocessing
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
    "AnyModel",
    "FeatureMap",
    "ImageModel",
    "KnownModel",
    "Layout",
    "Loaded",
    "Model",
    "ModelInfo",
    "Needs",
    "NotOpened",
    "Preprocessing",
    "Promoted",
    "Site",
    "TokenValue",
    "as_known",
    "batch",
    "counted_positions",
    "direction_logits",
    "edit",
    "embed",
    "embedder_version",
    "find_layout",
    "gradients",
    "kind_of",
    "known_model",
    "list_models",
    "logits_at",
    "logits_of_chunks",
    "needs_of",
    "open_image_model",
    "open_model",
    "opened",
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
        "AnyModel": "known",
        "FeatureMap": "feature_maps",
        "ImageModel": "image_model",
        "KINDS": "site",
        "KnownModel": "known",
        "Layout": "layout",
        "Loaded": "loaded",
        "Model": "model",
        "ModelInfo": "shelf",
        "Needs": "needs",
        "NotOpened": "known",
        "Preprocessing": "preprocessing",
        "Promoted": "unembedding",
        "Site": "site",
        "TokenValue": "unembedding",
        "as_known": "known",
        "batch": "tokens",
        "counted_positions": "tokens",
        "direction_logits": "unembedding",
        "edit": "editing",
        "embed": "embedder",
        "embedder_version": "embedder",
        "find_layout": "layout",
        "gradients": "recording",
        "kind_of": "kinds",
        "known_model": "known",
        "list_models": "shelf",
        "logits_at": "unembedding",
        "logits_of_chunks": "unembedding",
        "needs_of": "needs",
        "open_image_model": "open_image",
        "open_model": "open",
        "opened": "known",
        "text_pieces": "pieces",
        "promoted": "unembedding",
        "record": "recording",
        "token_direction": "unembedding",
        "token_texts": "pieces",
        "tokenize": "tokens",
    },
)

"""Activations: recorded over a corpus, kept on disk, read back by memory mapping; typical norms of sites."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.activations.extract import record_texts
    from core.activations.images import ClassGradients, class_gradients, record_images
    from core.activations.recipe import POOLS, Pool, Recipe
    from core.activations.reference import TypicalNorm, known_norm, typical_norm, typical_norms
    from core.activations.results import read_arrays, read_result, write_arrays, write_result
    from core.activations.store import Store

__all__ = [
    "POOLS",
    "ClassGradients",
    "Pool",
    "Recipe",
    "Store",
    "TypicalNorm",
    "class_gradients",
    "known_norm",
    "read_arrays",
    "read_result",
    "record_images",
    "record_texts",
    "typical_norm",
    "typical_norms",
    "write_arrays",
    "write_result",
]

__getattr__ = attach(
    __name__,
    {
        "ClassGradients": "images",
        "POOLS": "recipe",
        "Pool": "recipe",
        "Recipe": "recipe",
        "Store": "store",
        "TypicalNorm": "reference",
        "class_gradients": "images",
        "known_norm": "reference",
        "read_arrays": "results",
        "read_result": "results",
        "record_images": "images",
        "record_texts": "extract",
        "typical_norm": "reference",
        "typical_norms": "reference",
        "write_arrays": "results",
        "write_result": "results",
    },
)

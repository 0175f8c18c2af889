"""Activations: recorded over a corpus, kept on disk, read back by memory mapping; typical norms of sites."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.activations.extract import record_texts
    from core.activations.recipe import POOLS, Pool, Recipe
    from core.activations.reference import TypicalNorm, known_norm, typical_norm, typical_norms
    from core.activations.results import read_result, write_result
    from core.activations.store import Store

__all__ = [
    "POOLS",
    "Pool",
    "Recipe",
    "Store",
    "TypicalNorm",
    "known_norm",
    "read_result",
    "record_texts",
    "typical_norm",
    "typical_norms",
    "write_result",
]

__getattr__ = attach(
    __name__,
    {
        "POOLS": "recipe",
        "Pool": "recipe",
        "Recipe": "recipe",
        "Store": "store",
        "TypicalNorm": "reference",
        "known_norm": "reference",
        "read_result": "results",
        "record_texts": "extract",
        "typical_norm": "reference",
        "typical_norms": "reference",
        "write_result": "results",
    },
)

"""Dictionaries: sparse autoencoders and others of their kind, opened, trained, measured, compared."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.dictionaries.card import Card
    from core.dictionaries.coder import Coder
    from core.dictionaries.dictionary import Dictionary
    from core.dictionaries.fitting import NotSure, fitted
    from core.dictionaries.library import (
        delete_dictionary,
        export_dictionary,
        labels_of,
        list_dictionaries,
        open_dictionary,
        save_dictionary,
    )

__all__ = [
    "Card",
    "Coder",
    "Dictionary",
    "NotSure",
    "delete_dictionary",
    "export_dictionary",
    "fitted",
    "labels_of",
    "list_dictionaries",
    "open_dictionary",
    "save_dictionary",
]

__getattr__ = attach(
    __name__,
    {
        "Card": "card",
        "Coder": "coder",
        "Dictionary": "dictionary",
        "NotSure": "fitting",
        "delete_dictionary": "library",
        "export_dictionary": "library",
        "fitted": "fitting",
        "labels_of": "library",
        "list_dictionaries": "library",
        "open_dictionary": "library",
        "save_dictionary": "library",
    },
)

"""The index of a dictionary: what each feature is on at, how often and how strongly, gathered in one pass.

`build_index` makes or goes on with one, `open_index` reads it, also while it grows. An index holds places of texts and
no texts; these are read from their source when they are shown.
"""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.dictionaries.index.build import build_index
    from core.dictionaries.index.corpora import Indexed, from_corpus, from_examples, from_file
    from core.dictionaries.index.index import Index, list_indexes, open_index
    from core.dictionaries.index.settings import Settings

__all__ = [
    "Index",
    "Indexed",
    "Settings",
    "build_index",
    "from_corpus",
    "from_examples",
    "from_file",
    "list_indexes",
    "open_index",
]

__getattr__ = attach(
    __name__,
    {
        "Index": "index",
        "Indexed": "corpora",
        "Settings": "settings",
        "build_index": "build",
        "from_corpus": "corpora",
        "from_examples": "corpora",
        "from_file": "corpora",
        "list_indexes": "index",
        "open_index": "index",
    },
)

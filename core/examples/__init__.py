"""Labelled texts: the bundled sets, files, pasted lists and the user's saved sets; and fair splits of them."""

from core.examples.catalogue import catalogue, open_examples, prepare
from core.examples.examples import Examples, Info, from_lists
from core.examples.files import column_names, open_file, open_upload, read_texts
from core.examples.grouping import tidied
from core.examples.reference import reference_texts
from core.examples.saved import delete_examples, list_saved, save_examples
from core.examples.splitting import folds, split

__all__ = [
    "Examples",
    "Info",
    "catalogue",
    "column_names",
    "delete_examples",
    "folds",
    "from_lists",
    "list_saved",
    "open_examples",
    "open_file",
    "open_upload",
    "prepare",
    "read_texts",
    "reference_texts",
    "save_examples",
    "split",
    "tidied",
]

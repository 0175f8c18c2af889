"""Labelled texts: the bundled sets, files, pasted lists and the user's saved sets; and fair splits of them."""

from core.examples.catalogue import catalogue, open_examples, prepare, search
from core.examples.checks_near import join_near_repeats, overlap
from core.examples.encoding import ENCODINGS
from core.examples.examples import Examples, Info, from_lists, some_rows
from core.examples.files import open_file, open_table, open_two, open_upload, read_texts
from core.examples.finding import Finding, Report
from core.examples.grouping import tidied
from core.examples.labels import label_values
from core.examples.lint import lint
from core.examples.reference import reference_texts
from core.examples.saved import (
    delete_examples,
    list_saved,
    rename_examples,
    restore_examples,
    save_examples,
    to_csv,
    to_jsonl,
)
from core.examples.splitting import folds, split
from core.examples.tables import Table, read_table
from core.examples.templates import from_template, slots_of

__all__ = [
    "ENCODINGS",
    "Examples",
    "Finding",
    "Info",
    "Report",
    "Table",
    "catalogue",
    "delete_examples",
    "folds",
    "from_lists",
    "from_template",
    "join_near_repeats",
    "label_values",
    "lint",
    "list_saved",
    "open_examples",
    "open_file",
    "open_table",
    "open_two",
    "open_upload",
    "overlap",
    "prepare",
    "read_table",
    "read_texts",
    "reference_texts",
    "rename_examples",
    "restore_examples",
    "save_examples",
    "search",
    "slots_of",
    "some_rows",
    "split",
    "tidied",
    "to_csv",
    "to_jsonl",
]

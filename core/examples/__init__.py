"""Labelled texts: the bundled sets, files, pasted lists and the user's saved sets; labelled images; fair splits."""

from typing import TYPE_CHECKING

from core.examples.bundled import shift_partner
from core.examples.catalogue import catalogue, open_examples, prepare, search, stamp
from core.examples.checks_near import join_near_repeats, overlap
from core.examples.encoding import ENCODINGS, in_another_encoding
from core.examples.examples import Examples, Info, from_lists, some_rows
from core.examples.files import open_file, open_table, open_two, open_upload, read_texts
from core.examples.finding import Finding, Report
from core.examples.grouping import tidied
from core.examples.image_ids import is_images, list_images
from core.examples.labels import guess_columns, label_values
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
from core.lazy import attach

if TYPE_CHECKING:
    from core.examples.image_files import open_folder, open_zip
    from core.examples.image_sets import open_images
    from core.examples.images import Image, ImageExamples
    from core.examples.saved_images import delete_images, restore_images, save_images
    from core.examples.variants import random_patches, with_crops

__all__ = [
    "ENCODINGS",
    "Examples",
    "Finding",
    "Image",
    "ImageExamples",
    "Info",
    "Report",
    "Table",
    "catalogue",
    "delete_examples",
    "delete_images",
    "folds",
    "from_lists",
    "from_template",
    "guess_columns",
    "in_another_encoding",
    "is_images",
    "join_near_repeats",
    "label_values",
    "lint",
    "list_images",
    "list_saved",
    "open_examples",
    "open_file",
    "open_folder",
    "open_images",
    "open_table",
    "open_two",
    "open_upload",
    "open_zip",
    "overlap",
    "prepare",
    "random_patches",
    "read_table",
    "read_texts",
    "reference_texts",
    "rename_examples",
    "restore_examples",
    "restore_images",
    "save_examples",
    "save_images",
    "search",
    "shift_partner",
    "slots_of",
    "some_rows",
    "split",
    "stamp",
    "tidied",
    "to_csv",
    "to_jsonl",
    "with_crops",
]

# Only those who use images wait for what reads them.
__getattr__ = attach(
    __name__,
    {
        "Image": "images",
        "ImageExamples": "images",
        "open_folder": "image_files",
        "open_images": "image_sets",
        "open_zip": "image_files",
        "delete_images": "saved_images",
        "restore_images": "saved_images",
        "save_images": "saved_images",
        "random_patches": "variants",
        "with_crops": "variants",
    },
)

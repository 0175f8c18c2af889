"""TCAV: do the model's own answers depend on a concept, beyond chance and beyond any other concept?"""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.tcav.analysis import Question, Settings, analyse
    from core.tcav.cavs import KINDS
    from core.tcav.checking import check
    from core.tcav.concept import Concept, make_concept
    from core.tcav.controls import open_controls
    from core.tcav.disjoint import Inputs, make_inputs
    from core.tcav.image_controls import open_image_controls
    from core.tcav.reader import Reader, Reading
    from core.tcav.readers import reader_of
    from core.tcav.sources import Pool, items_of, pool_of, pool_of_texts
    from core.tcav.targets import ClassLogit, NextWords, Target, class_target, make_target, word_target
    from core.tcav.testing import Tcav, tcav
    from core.tcav.verdict import MEANINGS

__all__ = [
    "KINDS",
    "MEANINGS",
    "ClassLogit",
    "Concept",
    "Inputs",
    "NextWords",
    "Pool",
    "Question",
    "Reader",
    "Reading",
    "Settings",
    "Target",
    "Tcav",
    "analyse",
    "check",
    "class_target",
    "items_of",
    "make_concept",
    "make_inputs",
    "make_target",
    "open_controls",
    "open_image_controls",
    "pool_of",
    "pool_of_texts",
    "reader_of",
    "tcav",
    "word_target",
]

__getattr__ = attach(
    __name__,
    {
        "KINDS": "cavs",
        "MEANINGS": "verdict",
        "ClassLogit": "targets",
        "Concept": "concept",
        "Inputs": "disjoint",
        "NextWords": "targets",
        "Pool": "sources",
        "Question": "analysis",
        "Reader": "reader",
        "Reading": "reader",
        "Settings": "analysis",
        "Target": "targets",
        "Tcav": "testing",
        "analyse": "analysis",
        "check": "checking",
        "class_target": "targets",
        "items_of": "sources",
        "make_concept": "concept",
        "make_inputs": "disjoint",
        "make_target": "targets",
        "open_controls": "controls",
        "open_image_controls": "image_controls",
        "pool_of": "sources",
        "pool_of_texts": "sources",
        "reader_of": "readers",
        "tcav": "testing",
        "word_target": "targets",
    },
)

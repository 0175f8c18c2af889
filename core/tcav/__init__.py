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
    from core.tcav.keys import Reading
    from core.tcav.sources import Pool, pool_of, pool_of_texts
    from core.tcav.targets import ClassLogit, NextWords, Target, word_target
    from core.tcav.texts import Tcav, tcav
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
    "Reading",
    "Settings",
    "Target",
    "Tcav",
    "analyse",
    "check",
    "make_concept",
    "make_inputs",
    "open_controls",
    "pool_of",
    "pool_of_texts",
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
        "Reading": "keys",
        "Settings": "analysis",
        "Target": "targets",
        "Tcav": "texts",
        "analyse": "analysis",
        "check": "checking",
        "make_concept": "concept",
        "make_inputs": "disjoint",
        "open_controls": "controls",
        "pool_of": "sources",
        "pool_of_texts": "sources",
        "tcav": "texts",
        "word_target": "targets",
    },
)

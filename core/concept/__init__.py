"""One concept in one model: what every room knows of it, together, and where their answers disagree."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.concept.gathering import PARTS, Concept, command_line, compute_missing, gather
    from core.concept.part import Part, View
    from core.concept.question import Question, Sizes

__all__ = [
    "PARTS",
    "Concept",
    "Part",
    "Question",
    "Sizes",
    "View",
    "command_line",
    "compute_missing",
    "gather",
]

__getattr__ = attach(
    __name__,
    {
        "PARTS": "gathering",
        "Concept": "gathering",
        "Part": "part",
        "Question": "question",
        "Sizes": "question",
        "View": "part",
        "command_line": "gathering",
        "compute_missing": "gathering",
        "gather": "gathering",
    },
)

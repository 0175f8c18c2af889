"""TCAV in words: what each number is, what each verdict looks like, and what a target asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import first_concept
from core.glossary import defined
from core.tcav.verdict import (
    FOUND,
    MEANINGS,
    NO_CONTROLS,
    NOT_ACTING,
    NOT_DETECTED,
    NOT_PUSHED,
    NOT_READABLE,
    NOT_SPECIFIC,
    SUPPORTED,
)

# The strongest answer first. Icon and colour of a badge, and the mark in a cell.
LOOKS: Mapping[str, tuple[str, str]] = {
    SUPPORTED: (":material/verified:", "green"),
    NOT_PUSHED: (":material/rule:", "blue"),
    NOT_ACTING: (":material/rule:", "blue"),
    NO_CONTROLS: (":material/rule:", "blue"),
    NOT_SPECIFIC: (":material/difference:", "orange"),
    NOT_DETECTED: (":material/remove:", "gray"),
    NOT_READABLE: (":material/visibility_off:", "gray"),
}

TARGETS = {
    first_concept.TARGET: "good, great ↔ bad, terrible",
    "yes|no": "yes ↔ no",
    "true|false": "true ↔ false",
    "he|she": "he ↔ she",
    "I|you": "I ↔ you",
}
TARGET_HELP = (
    "What is asked of the model: how much likelier the next word is one of the first set than one of the second, "
    "logsumexp log p − logsumexp log p, in nats. Type your own as `words|other words`, such as `good,great|bad`; each "
    "word has to be one token to the model."
)

CLASS = "class:"
CLASS_HELP = (
    "The logit of a class, before the softmax. Type to search the names; or type what is not in the list: the class's "
    "number, such as `340`, or one class less another, such as `zebra|horse`."
)

SCORE_HELP = defined("sign score")
DERIVATIVE_HELP = defined("mean derivative")
COSINE_HELP = defined("mean cosine")
Z_HELP = defined("z")
PUSH_HELP = defined("push effect")
RANK_HELP = defined("push rank")
AUROC_HELP = f"How well the CAV reads the concept, cross-validated over groups. {defined('auroc')}"
P_HELPS = {"holm": defined("adjusted p"), "bh": defined("adjusted p (benjamini–hochberg)")}  # by the correction
SPECIFICITY_HELP = defined("specificity")
CI = "95% interval by bootstrap of positives, negatives and inputs together, bias-corrected"

SCORES = {
    "score": ("Sign score", SCORE_HELP, 0.5),
    "mean_cosine": ("Mean cosine", COSINE_HELP, 0.0),
    "mean_derivative": ("Mean derivative", DERIVATIVE_HELP, 0.0),
    "z": ("z", Z_HELP, 0.0),
    "push_effect": ("Push effect", PUSH_HELP, 0.0),
}


def target_name(spec: str) -> str:
    """A target for people: `good ↔ bad` for `good|bad`; the name of a class as it is."""
    if spec.startswith(CLASS):
        return " − ".join(_class_name(name.removeprefix(CLASS)) for name in spec.split("|"))
    return TARGETS.get(spec) or " ↔ ".join(", ".join(w.strip() for w in side.split(",")) for side in spec.split("|"))


def _class_name(name: str) -> str:
    first = name.split(",")[0].strip()
    return f"class {first}" if first.isdigit() else first


def meaning(verdict: str) -> str:
    """What a verdict means, in a sentence or two."""
    return MEANINGS[verdict]


def counts(cell: dict[str, Any]) -> bool:
    """Whether the answer was found to depend on the concept there, beyond sampling noise."""
    return cell["verdict"] in FOUND

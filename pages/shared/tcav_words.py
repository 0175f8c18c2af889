"""TCAV in words: what each number is, what each verdict looks like, and what a target asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import first_concept
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

SCORE_HELP = (
    "Sign score, the familiar TCAV number (Kim et al. 2018): share of the inputs on which the target grows along the "
    "CAV, 0 to 1. 0.5 is a direction that points nowhere."
)
DERIVATIVE_HELP = (
    "Mean over the inputs of how fast the target changes along the CAV, in nats (images: logits) per unit of "
    "activation. 0: not at all; no bounds."
)
COSINE_HELP = (
    "Mean over the inputs of the cosine between gradient and CAV, −1 to 1: the derivative without the gradients' "
    "lengths. Directions at random have about 0."
)
Z_HELP = (
    "How far the statistic (mean of unit gradient · CAV) lies from where it falls when the labels of positives and "
    "negatives are dealt anew, in standard deviations of those. Beyond ±2 or so is rare by chance."
)
PUSH_HELP = (
    "Half the measured change of the target between real pushes of +0.1 and −0.1 typical norms along the CAV, in "
    "nats (images: logits). Not a gradient: the model is run."
)
RANK_HELP = (
    "Place of that push among those of 20 random directions, 1 (the largest) to 21; the worse of the doses 0.1 and "
    "0.5. Only rank 1 counts as acting."
)
AUROC_HELP = (
    "How well the CAV reads the concept, 0 to 1: the chance that a positive lies further along it than a negative, "
    "cross-validated over groups. 0.5 is guessing."
)
P_HELP = (
    "Chance of so large a statistic if positives and negatives were alike, 0 to 1: labels dealt anew, whole groups, at "
    "least 999 times; adjusted for all layers, targets, kinds of CAV and concepts of this test."
)
SPECIFICITY_HELP = (
    "Share of the control concepts, about as readable as this one, whose mean cosine is smaller, 0 to 1. At least 0.95 "
    "of at least 40 counts as beyond other concepts."
)
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

"""The three answers put together, in words."""

from __future__ import annotations

LEVEL = 0.05

SUPPORTED = "supported"
NOT_SPECIFIC = "depends, not specific"
NO_CONTROLS = "depends, specificity not tested"
NOT_PUSHED = "depends, push not tested"
NOT_ACTING = "depends, not shown to act"
NOT_DETECTED = "not detected"
NOT_READABLE = "not readable"

# The strongest answer first; in the first five the answer depends on the concept beyond sampling noise.
ORDER = (SUPPORTED, NOT_PUSHED, NOT_ACTING, NO_CONTROLS, NOT_SPECIFIC, NOT_DETECTED, NOT_READABLE)
FOUND = ORDER[:5]

MEANINGS = {
    SUPPORTED: "The concept can be read, the answer depends on it beyond sampling noise and beyond other concepts, and"
    " pushing it moves the answer further than random directions do.",
    NOT_SPECIFIC: "The answer depends on the concept beyond sampling noise, but no more than on other concepts that are"
    " about as readable.",
    NO_CONTROLS: "The answer depends on the concept beyond sampling noise; there were too few other concepts to"
    " compare it with.",
    NOT_PUSHED: "The answer depends on the concept beyond sampling noise and beyond other concepts; no push was made.",
    NOT_ACTING: "The answer depends on the concept beyond sampling noise, by its gradients; a real push moves it no"
    " further than random directions do, or the other way.",
    NOT_DETECTED: "No dependence was found beyond sampling noise. With few examples that says little.",
    NOT_READABLE: "The concept cannot be read from these activations, so that a test of it says nothing.",
}


def verdict(p_readable: float, p_adjusted: float, specific: bool | None, acts: bool | None) -> str:
    """One of MEANINGS. specific, acts: None where it was not tested.

    The order is that in which the questions make sense: what cannot be read has no direction worth testing.
    """
    if p_readable > LEVEL:
        return NOT_READABLE
    if p_adjusted > LEVEL:
        return NOT_DETECTED
    if specific is None:
        return NO_CONTROLS
    if not specific:
        return NOT_SPECIFIC
    if acts is None:
        return NOT_PUSHED
    return SUPPORTED if acts else NOT_ACTING

"""The concept that a first visit meets: positive sentiment, in the bundled model; and what is first asked about it.

What pages offer at first is said here and nowhere else, since it decides the key of the result that is prepared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core import workspace
from core.progress import Listener, silent

if TYPE_CHECKING:
    from core.models import AnyModel, Model
    from core.tcav import Tcav

MODEL = "smollm2"
EXAMPLES = "sae-probes/92_glue_sst2"
LIMIT = 1000  # rows of the sweep over all layers; the direction is made from all rows, at its one layer
LAYER = 13
DIRECTION = "sentiment"
DICTIONARY = "smollm2-14"  # the bundled one
IMAGES = "textures/striped"  # the first concept of a model that reads images
TARGET = "good,great|bad,terrible"  # the answer that it is tested on
# Tested beside it: easy to read, and nothing to do with praise.
BESIDE = ("sae-probes/96_spam_is", "sae-probes/5_hist_fig_ismale")
INPUTS = 100  # texts whose answers are asked about
_SPREAD = (0.15, 0.32, 0.49, 0.66, 0.83)  # where five layers stand, as shares of the depth
PROMPT = "I watched the film last night and I thought it was"


def has_direction() -> bool:
    """Whether the direction was made; a look at the folder, without torch."""
    return workspace.found("directions", f"{DIRECTION}.safetensors").is_file()


def spread(n_layers: int) -> tuple[int, ...]:
    """Five layers from a shallow to a deep one; all of a model of fewer."""
    if n_layers <= 5:
        return tuple(range(n_layers))
    return tuple(round(share * (n_layers - 1)) for share in _SPREAD)


def first_test(model: AnyModel, *, progress: Listener = silent) -> tuple[str, Tcav]:
    """The TCAV test that the page asks for by itself, with the key of its result.

    Minutes, unless it was computed before. Raises NotOpened where it was not and the model is only known.
    """
    from core.tcav import tcav

    asked, controls = _first_question(model)
    return first_test_key(model), tcav(model, *asked, controls=controls, progress=progress)


def first_test_key(model: AnyModel) -> str:
    """The key of that result, whether it is there or not."""
    from core.tcav.testing import key_of

    asked, controls = _first_question(model)
    return key_of(model, *asked, controls=controls)


def _first_question(model: AnyModel) -> tuple[Any, Any]:
    """What `tcav` is called with, and its controls."""
    from core.examples import open_examples
    from core.tcav import make_inputs, open_controls
    from core.tcav.known import known_target

    concepts = [open_examples(id, limit=LIMIT) for id in (EXAMPLES, *BESIDE)]
    asked = open_examples(EXAMPLES, limit=INPUTS)
    inputs = make_inputs(EXAMPLES, asked.texts, asked.groups)
    return (concepts, [known_target(model, TARGET)], inputs, spread(model.n_layers)), open_controls()


def make_first_concept(model: Model, *, progress: Listener = silent) -> dict[str, Any]:
    """Probe every layer of `model` for the concept and save its direction. Quick where it was done before."""
    from core.directions import list_directions, make_direction, save_direction
    from core.examples import open_examples
    from core.probing import sweep

    found = sweep(model, open_examples(EXAMPLES, limit=LIMIT), list(range(model.n_layers)), progress=progress)
    known = {one.name: one for one in list_directions()}
    if DIRECTION not in known or known[DIRECTION].model_fingerprint != model.fingerprint:
        examples = open_examples(EXAMPLES)
        save_direction(
            make_direction(model, examples, model.site(LAYER), "diffmean", name=DIRECTION, progress=progress)
        )
    return {"best_layer": found.best.layer, "auroc": found.best.auroc, "direction": DIRECTION}

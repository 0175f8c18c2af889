"""The concept that a first visit meets: positive sentiment, in the bundled model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core import workspace
from core.progress import Listener, silent

if TYPE_CHECKING:
    from core.models import Model

MODEL = "smollm2"
EXAMPLES = "sae-probes/92_glue_sst2"
LIMIT = 1000  # rows of the sweep over all layers; the direction is made from all rows, at its one layer
LAYER = 13
DIRECTION = "sentiment"
IMAGES = "textures/striped"  # the first concept of a model that reads images
PROMPT = "I watched the film last night and I thought it was"


def has_direction() -> bool:
    """Whether the direction was made; a look at the folder, without torch."""
    return workspace.place("directions", f"{DIRECTION}.safetensors").is_file()


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

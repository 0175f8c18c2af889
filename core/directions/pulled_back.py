"""A linear function of next-token logits, differentiated with respect to the activations at a site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core import workspace
from core.activations import Pool, read_arrays, write_arrays
from core.activations.extract import is_out_of_memory
from core.activations.recipe import BATCH_TOKENS, corpus_hash
from core.errors import UserError
from core.models import Model, Site, batch, counted_positions, gradients, tokenize
from core.models.next_token import at_next
from core.progress import Listener, Progress, silent
from core.versions import release

FORMAT = 1  # raised when the numbers change


@dataclass(frozen=True, eq=False)
class PulledBack:
    """rows: (m,) places of the texts that were read. values: (m,) the function of each. gradients: (m, d) float32."""

    rows: np.ndarray
    values: np.ndarray
    gradients: np.ndarray


def pulled_back(
    model: Model,
    site: Site,
    weights: Mapping[int, float],
    texts: Sequence[str],
    *,
    length: int,
    pool: Pool = "mean",
    progress: Listener = silent,
) -> PulledBack:
    """For each text, the gradient of `sum of weight x logit` of the token that comes next, at `site`.

    weights: by token id. length: tokens at which texts are cut. pool: the gradient is summed over the tokens that
    count (all but first and special ones) for "mean": the derivative by one vector that is added to all of them; or
    taken at the last of them for "last". Texts without such a token are left out. From the workspace where it was
    computed before.
    """
    key = workspace.digest(
        {
            "what": "pulled back logits",
            "format": FORMAT,
            "fingerprint": model.fingerprint,
            "site": str(site),
            "weights": sorted((int(id), float(weight)) for id, weight in weights.items()),
            "texts": corpus_hash(texts),
            "length": length,
            "pool": pool,
            "device": model.device.type,
            "dtype": model.dtype_name,
            "torch": release("torch"),
        }
    )
    known = read_arrays(key)
    if known is not None and set(known) == {"rows", "values", "gradients"}:
        return PulledBack(**known)
    found = _computed(model, site, weights, tokenize(model, texts, length), pool, progress)
    write_arrays(key, vars(found))
    return found


def _computed(
    model: Model, site: Site, weights: Mapping[int, float], ids: list[list[int]], pool: Pool, progress: Listener
) -> PulledBack:
    allowance = BATCH_TOKENS.get(model.device.type, BATCH_TOKENS["cpu"])
    values: dict[int, float] = {}
    vectors: dict[int, Tensor] = {}
    waiting = sorted(range(len(ids)), key=lambda row: (-len(ids[row]), row))
    note = f"gradients of {model.id}"
    progress(Progress(0, len(ids), "texts", note))
    while waiting:
        chunk = waiting[: max(1, allowance // len(ids[waiting[0]]))]
        inputs = batch(model, [ids[row] for row in chunk])
        counted = _acted_on(counted_positions(model, inputs), pool)
        try:
            of_batch, summed = _of_batch(model, site, weights, inputs, counted)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(chunk) == 1:
                raise UserError(
                    f"There is not enough memory to differentiate one text of {len(ids[chunk[0]])} tokens; use a "
                    "smaller length."
                ) from error
            allowance = len(chunk) * len(ids[chunk[0]]) // 2
            continue
        for number, row in enumerate(chunk):
            if bool(counted[number].any()):
                values[row], vectors[row] = float(of_batch[number]), summed[number]
        waiting = waiting[len(chunk) :]
        progress(Progress(len(ids) - len(waiting), len(ids), "texts", note))
    if not vectors:
        raise UserError("No text has a token that counts, next to its first one and special ones; give longer texts.")
    rows = sorted(vectors)
    found = torch.stack([vectors[row] for row in rows]).numpy()
    if not np.isfinite(found).all():
        raise UserError(f"Gradients of {model.id} are not finite in {model.dtype_name}; open the model in float32.")
    return PulledBack(np.array(rows), np.array([values[row] for row in rows]), found)


def _of_batch(
    model: Model, site: Site, weights: Mapping[int, float], inputs: dict[str, Tensor], counted: Tensor
) -> tuple[Tensor, Tensor]:
    """Values (batch,) and summed gradients (batch, d), float32 on the CPU."""
    tokens = torch.tensor(list(weights), device=model.device)
    sizes = torch.tensor(list(weights.values()), device=model.device)
    wanted, scalar = at_next(model, inputs, lambda logits: logits[:, tokens].float() @ sizes)
    values, found = gradients(model, wanted, [site], scalar)
    gradient = found[site].reshape(*counted.shape, -1).float()
    return values.float().cpu(), (gradient * counted[..., None]).sum(dim=1).cpu()


def _acted_on(counted: Tensor, pool: Pool) -> Tensor:
    if pool != "last":
        return counted
    return counted & (counted.flip(1).cumsum(1).flip(1) == 1)

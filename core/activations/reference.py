"""The typical norm of a site: the unit in which doses are counted.

Taken over a fixed sample of texts, the reference, so that the same dose is the same size of push in any
layer of any model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch

from core import workspace
from core.activations.pooling import kept_tokens
from core.activations.recipe import FORMAT, corpus_hash
from core.activations.results import read_result, write_result
from core.errors import UserError
from core.examples import reference_texts
from core.models.loaded import Loaded
from core.models.model import Model
from core.models.recording import record
from core.models.site import Site
from core.models.tokens import batch, counted_positions, tokenize
from core.progress import Listener, Progress, silent

# Tokens read of each reference text. Norms hardly change along a text, and this bounds the cost.
LENGTH = 64
ROWS = 16  # texts per batch: all layers of a batch are held at once, and a large model's are large


@dataclass(frozen=True)
class TypicalNorm:
    """Median norm of a site's activations over the reference, without first and special tokens and sinks.

    n_tokens: how many it was taken over; n_sinks: how many were left out as sinks; n_texts: size of the reference.
    """

    median: float
    n_tokens: int
    n_sinks: int
    n_texts: int


def typical_norm(model: Model, site: Site, *, progress: Listener = silent) -> TypicalNorm:
    """The typical norm at `site`; at most one pass over the reference, then from the workspace."""
    return typical_norms(model, [site], progress=progress)[site]


def known_norm(model: Model, site: Site) -> TypicalNorm | None:
    """The typical norm at `site` if it was measured before. Computes nothing."""
    value = read_result(key_of(model, site, reference_texts()))
    return None if value is None else TypicalNorm(**value)


def typical_norms(model: Model, sites: Sequence[Site], *, progress: Listener = silent) -> dict[Site, TypicalNorm]:
    """Typical norms of many sites from one pass over the reference."""
    texts = reference_texts()
    keys = {site: key_of(model, site, texts) for site in sites}
    known = {site: TypicalNorm(**value) for site, key in keys.items() if (value := read_result(key)) is not None}
    if missing := [site for site in keys if site not in known]:
        if all(site.kind == "after" for site in missing):
            # The residual stream of every layer costs little more than that of the deepest one.
            missing = [model.site(layer) for layer in range(max(site.layer for site in missing) + 1)]
        for site, norm in measure(model, missing, texts, progress).items():
            write_result(keys.get(site) or key_of(model, site, texts), asdict(norm))
            known[site] = norm
    return {site: known[site] for site in sites}


def key_of(model: Model, site: Site, texts: Sequence[str]) -> str:
    """Under which the typical norm of a site is kept among the results."""
    return workspace.digest(
        {
            "what": "typical norm",
            "format": FORMAT,
            "fingerprint": model.fingerprint,
            "site": str(site),
            "texts": corpus_hash(texts),
            "length": LENGTH,
            "device": model.device.type,
            "dtype": model.dtype_name,
        }
    )


def measure(
    model: Model, sites: Sequence[Site], texts: Sequence[str], progress: Listener = silent
) -> dict[Site, TypicalNorm]:
    """Typical norms of `sites` over `texts`, computed now.

    Raises UserError where a token that counts has activations that are not finite, or none is left to count.
    """
    ids = sorted(tokenize(model, texts, LENGTH), key=len, reverse=True)
    size = ROWS
    norms: dict[Site, list[torch.Tensor]] = {site: [] for site in sites}
    sinks = dict.fromkeys(sites, 0)
    for start in range(0, len(ids), size):
        progress(Progress(start, len(ids), "texts", f"typical norm of {model.id}"))
        inputs = batch(model, ids[start : start + size])
        counted = counted_positions(model, inputs)
        for site, h in record(model, inputs, sites).items():
            kept = kept_tokens(h, counted, keep_sinks=False)
            of_tokens = torch.linalg.vector_norm(h.float(), dim=-1)
            require_finite(model, site, of_tokens[counted])  # infinite ones are no sinks, which would leave them out
            norms[site].append(of_tokens[kept].cpu())
            sinks[site] += int((counted & ~kept).sum())
    progress(Progress(len(ids), len(ids), "texts", f"typical norm of {model.id}"))
    found = {site: torch.cat(of_site) for site, of_site in norms.items()}
    if empty := [site for site, all_norms in found.items() if not len(all_norms)]:
        raise UserError(f"No token of the reference counts at {empty[0]} of {model.id}, so that it has no doses.")
    return {
        site: TypicalNorm(float(all_norms.median()), len(all_norms), sinks[site], len(texts))
        for site, all_norms in found.items()
    }


def require_finite(model: Loaded, site: Site, norms: torch.Tensor) -> None:
    """Raises UserError unless all norms at `site` are finite."""
    if not bool(norms.isfinite().all()):
        raise UserError(
            f"The reference has activations of {model.id} at {site} that are not finite in {model.dtype_name}; open "
            "the model in float32."
        )

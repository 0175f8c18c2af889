"""Reading activations and gradients in one forward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from core.errors import UserError
from core.models.hooks import OnSite, on_sites
from core.models.loaded import Loaded
from core.models.site import Site

Inputs = Mapping[str, Tensor]


class _Enough(BaseException):
    """Raised inside the forward pass when every site has been seen.

    A BaseException, since the forward code of some architectures catches Exception.
    """


def record(model: Loaded, inputs: Inputs, sites: Sequence[Site]) -> dict[Site, Tensor]:
    """Activations at `sites`, from one forward pass that ends at the deepest of them.

    inputs: `input_ids` and `attention_mask`, each (batch, tokens), as `core.models.tokens.batch` makes them; or the
    `pixel_values` of images (batch, 3, height, width), as `core.models.ImageModel.prepare` makes them.
    Returns a tensor (batch, tokens, width), or (batch, channels, height, width), per site, in the model's dtype and on
    its device, bit-equal to what the untouched model computes there.
    """
    seen: dict[Site, Tensor] = {}

    def reader(site: Site) -> OnSite:
        def read(h: Tensor) -> None:
            # A copy: some architectures go on to add to this very tensor in place.
            seen[site] = h.detach().clone()
            if len(seen) == len(wanted):
                raise _Enough

        return read

    wanted = dict.fromkeys(sites)
    if not wanted:
        return {}
    readers = {site: reader(site) for site in wanted}
    with torch.no_grad(), on_sites(model, readers), suppress(_Enough):
        forward(model, inputs)
    _refuse_unseen(model, wanted, seen)
    return {site: _with_batch(seen[site], inputs) for site in wanted}


def gradients(
    model: Loaded, inputs: Inputs, sites: Sequence[Site], scalar: Callable[[Any], Tensor]
) -> tuple[Tensor, dict[Site, Tensor]]:
    """The gradient, at each site, of a scalar of each row's output.

    scalar: takes the output, whose `.logits` are (batch, tokens, vocabulary) or (batch, classes); returns (batch,).
    Returns the scalars (batch,) and per site a gradient in the shape of the activations. Rows do not mix: row i of a
    gradient is that of scalar i. Parameters need no gradient, so the backward pass ends at the first site.
    """
    seen: dict[Site, Tensor] = {}

    def leaf(site: Site) -> OnSite:
        def keep(h: Tensor) -> Tensor:
            # A site that no earlier one feeds begins its own graph; behind another it is already in one.
            seen[site] = h if h.requires_grad else h.detach().requires_grad_(True)
            return seen[site].clone()  # some architectures go on to add to this very tensor in place

        return keep

    wanted = dict.fromkeys(sites)
    with torch.enable_grad(), on_sites(model, {site: leaf(site) for site in wanted}):
        values = scalar(forward(model, inputs))
        _refuse_unseen(model, wanted, seen)
        found = torch.autograd.grad(values.sum(), [seen[site] for site in wanted], allow_unused=True)
    return values.detach(), {
        site: torch.zeros_like(seen[site]) if gradient is None else gradient
        for site, gradient in zip(wanted, found, strict=True)
    }


def forward(model: Loaded, inputs: Inputs) -> Any:
    """One plain pass over `inputs`. Call it under the model's lock (`on_sites` and `edit` hold it)."""
    return model.run(inputs)


def _refuse_unseen(model: Loaded, wanted: Mapping[Site, None], seen: Mapping[Site, Tensor]) -> None:
    if unseen := [str(site) for site in wanted if site not in seen]:
        raise UserError(f"The forward pass of {model.id} did not go through {', '.join(unseen)}; choose another site.")


def _with_batch(h: Tensor, inputs: Inputs) -> Tensor:
    """Some MLPs see their tokens as one long row: give them their batch back."""
    if h.dim() != 2 or "input_ids" not in inputs:
        return h
    return h.reshape(*inputs["input_ids"].shape, h.shape[-1])

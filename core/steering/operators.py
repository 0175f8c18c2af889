"""What can be done to activations. Pure functions: they never change their arguments."""

from __future__ import annotations

from torch import Tensor


def add(h: Tensor, push: Tensor, fires: Tensor) -> Tensor:
    """h + push where `fires`, h elsewhere.

    h: (batch, tokens, width). push: (batch, width), raw coefficient times unit direction, a row's own.
    fires: boolean (batch, tokens). A push of 0 adds 0: there is no special case for it.
    """
    return h + push[:, None, :] * fires[:, :, None].to(h.dtype)

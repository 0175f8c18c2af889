"""What transformers says of a directory: why it cannot be opened, and whether all weights were there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import UserError

# Its many loaders raise whatever they like, a bare Exception from the tokenizer's Rust and struct.error from a cut file
# among them; for the user they all mean that the directory cannot be opened, and the first sentence says why.
UNREADABLE = (Exception,)


def reason(error: BaseException) -> str:
    """The error's first line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def require_all_weights(id: str, loaded: Mapping[str, Any]) -> None:
    """loaded: as `from_pretrained` gives it with `output_loading_info`. Raises UserError where weights are missing.

    They were drawn at random, and every number would be of a model that nobody trained.
    """
    missing = sorted(loaded["missing_keys"])
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UserError(f"{id} lacks weights that its config asks for: {missing[0]}{more}.")

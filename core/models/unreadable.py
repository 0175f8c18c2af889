"""What transformers raises for a directory that it cannot open."""

from __future__ import annotations

from safetensors import SafetensorError

# Whatever its many loaders raise; for the user they all mean that the directory cannot be opened, and the first
# sentence says why.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, ImportError, RuntimeError, AttributeError, SafetensorError)


def reason(error: BaseException) -> str:
    """The error's first line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

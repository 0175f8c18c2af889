"""Which versions of other packages compute here: part of the keys of what is kept, and of what a report says."""

from __future__ import annotations

import importlib.metadata
from functools import cache


@cache
def version(package: str) -> str:
    """As installed; read once, since a page that looks for what is there asks many times."""
    return importlib.metadata.version(package)


def release(package: str) -> str:
    """Without the tag of a build: numbers of torch 2.12.0+cpu are those of torch 2.12.0."""
    return version(package).split("+")[0]

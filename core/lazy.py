"""Names that a room offers but only imports when somebody asks: pages and the command line start without torch."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def attach(room: str, homes: dict[str, str]) -> Callable[[str], Any]:
    """A module `__getattr__` (PEP 562) for `room`: each name is fetched from its module at first use."""

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{room}.{homes[name]}"), name)

    return get

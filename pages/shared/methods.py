"""Methods of making directions as pages offer them: built from the family's table, never from a list of names."""

from __future__ import annotations

from functools import cache

OTHERS = {"combined": "Combined", "imported": "From a file"}


@cache
def method_titles() -> dict[str, str]:
    """Title of each method by its name."""
    from core.directions import METHODS

    return {name: method.title for name, method in METHODS.items()}


def method_title(name: str) -> str:
    """A method's name for people; of a method that is not known here, its name."""
    return {**method_titles(), **OTHERS}.get(name, name)

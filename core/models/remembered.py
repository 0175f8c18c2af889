"""The models that were opened before, and, where several people share a server, which of all models they may open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core import spaces, workspace
from core.errors import UserError
from core.models.bundled import BUNDLED


def remembered() -> list[dict[str, Any]]:
    """What is known of each, as `shelf.remember` notes it: one's own, then those of the shared library."""
    own = in_own()
    return own + [one for one in in_library() if one["id"] not in {known["id"] for known in own}]


def in_own() -> list[dict[str, Any]]:
    """Those that were opened in the present space."""
    return _read(path())


def in_library() -> list[dict[str, Any]]:
    """Those of the shared library; none where there is no other space than the whole workspace."""
    if not spaces.space():
        return []
    with spaces.within(""):
        return _read(path())


def path() -> Path:
    """Where one's own list lies."""
    return workspace.place("models", "opened.json")


def is_permitted(spec: str) -> bool:
    """Whether the present user may open `spec`: on one's own machine anything; on a server what is bundled, what its
    owner has opened, and what lies in one's own space or the shared library."""
    spec = spec.strip()
    if not spaces.space() or spec in BUNDLED or any(spec == one["id"] for one in in_library()):
        return True
    try:
        return bool(workspace.readable(Path(spec)))
    except UserError:
        return False


def require_permitted(spec: str) -> None:
    """Raises UserError for a model that is not for the present user, whether or not there is one."""
    if not is_permitted(spec):
        raise UserError(
            f"{spec.strip()[:80]!r} is not among the models of this server; choose one from the list, or ask whoever "
            "runs the server to open it once."
        )


def _read(where: Path) -> list[dict[str, Any]]:
    value = workspace.read_json(where)
    return [one for one in value or [] if isinstance(one, dict) and {"id", "directory", "layers", "width"} <= set(one)]

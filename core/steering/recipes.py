"""The saved recipes: `recipes/<name>.json` in the workspace."""

from __future__ import annotations

from pathlib import Path

from core import workspace
from core.errors import UserError
from core.steering.recipe import LARGEST, Recipe


def save_recipe(recipe: Recipe, name: str, *, replace: bool = False) -> Path:
    """Keep a recipe under a name. Raises UserError if the name is taken and not to be replaced."""
    path = _path(name)
    if path.exists() and not replace:
        raise UserError(f"There is a recipe called {name!r} already: choose another name, or delete it.")
    workspace.write_json(path, recipe.to_json())
    return path


def keep_for_job(recipe: Recipe) -> Path:
    """A file that a job can read the recipe from, named by what it holds and in no list."""
    path = workspace.place("recipes", f".{workspace.digest(recipe.to_json())}.json")
    if workspace.read_json(path) != recipe.to_json():  # it is not there, or damaged
        workspace.write_json(path, recipe.to_json())
    return path


def load_recipe(name: str) -> Recipe:
    """The saved recipe of that name. Raises UserError if there is none, or none that is sound."""
    path = workspace.found(*_parts(name))
    if not path.is_file():
        raise UserError(f"There is no recipe called {name!r}; saved are: {', '.join(list_recipes()) or 'none yet'}.")
    return read_recipe(path)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file. Raises UserError if it cannot be read, or is none."""
    workspace.readable(path)
    try:
        if path.stat().st_size > LARGEST:
            raise UserError(f"{path} is larger than {LARGEST:,} bytes, which no recipe needs.")
        return Recipe.from_text(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None


def list_recipes() -> list[str]:
    """Names of the saved recipes, in order."""
    return sorted(path.name.removesuffix(".json") for path in workspace.listed("recipes", "[!.]*.json"))


def delete_recipe(name: str) -> None:
    """Remove a saved recipe. Raises UserError if there is none of that name."""
    workspace.require_own(name, *_parts(name))
    path = _path(name)
    if not path.exists():
        raise UserError(f"There is no recipe called {name!r} to delete.")
    path.unlink()
    workspace.sync_directory(path.parent)


def _path(name: str) -> Path:
    return workspace.place(*_parts(name))


def _parts(name: str) -> tuple[str, str]:
    return "recipes", f"{workspace.checked_name(name)}.json"

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
    workspace.write_bytes(path, recipe.to_text().encode("utf-8", errors="surrogatepass"))
    return path


def keep_for_job(recipe: Recipe) -> Path:
    """A file that a job can read the recipe from, named by what it holds and in no list."""
    path = workspace.place("recipes", f".{workspace.digest(recipe.to_json())}.json")
    if not path.is_file():
        workspace.write_bytes(path, recipe.to_text().encode())
    return path


def load_recipe(name: str) -> Recipe:
    """The saved recipe of that name. Raises UserError if there is none, or none that is sound."""
    path = _path(name)
    if not path.is_file():
        raise UserError(f"There is no recipe called {name!r}; saved are: {', '.join(list_recipes()) or 'none yet'}.")
    return read_recipe(path)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file. Raises UserError if it cannot be read, or is none."""
    try:
        if path.stat().st_size > LARGEST:
            raise UserError(f"{path} is larger than {LARGEST:,} bytes, which no recipe needs.")
        return Recipe.from_text(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None


def list_recipes() -> list[str]:
    """Names of the saved recipes, in order."""
    return sorted(path.name.removesuffix(".json") for path in _path("x").parent.glob("[!.]*.json"))


def delete_recipe(name: str) -> None:
    """Remove a saved recipe. Raises UserError if there is none of that name."""
    path = _path(name)
    if not path.exists():
        raise UserError(f"There is no recipe called {name!r} to delete.")
    path.unlink()
    workspace.sync_directory(path.parent)


def _path(name: str) -> Path:
    return workspace.place("recipes", f"{workspace.checked_name(name)}.json")

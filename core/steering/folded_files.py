"""A folded push as a directory that transformers opens by itself, with the list of its edits beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from core import workspace
from core.errors import UserError
from core.models.checksums import note_checksums
from core.models.model import Model
from core.models.shelf import remember
from core.models.source import Source
from core.steering.folding import Folded
from core.steering.ready import Ready, with_digests
from core.whole_folders import mend, mended, remove_folder, whole_folder

README = """# {title}

{model} with a push folded into its weights, by Conceptscope. Open it like any model of transformers:

    AutoModelForCausalLM.from_pretrained("{folder}")

`edits.json` lists what was changed, and `edits.safetensors` holds each change: subtract it from the tensor of that name
to undo it. `recipe.json` is the recipe that it came from; the hooked model and this one differ by at most
{difference:.1e} of the largest logit on the recipe's prompt.

{edits}
"""


def save_folded(model: Model, ready: Ready, folded: Folded, name: str, *, replace: bool = False) -> Path:
    """Write `exports/<name>/` in the workspace: weights, config, tokenizer, recipe, edits. It appears whole or not, and
    stands in the list of models from then on.

    Raises UserError if the name is taken, or the disk does not take it.
    """
    folder = mended(workspace.place("exports", workspace.checked_name(name)))
    if folder.exists() and not replace:
        raise UserError(f"There is an export called {name!r} already: choose another name, or delete {folder}.")
    size = sum(one.numel() * one.element_size() for one in folded.network.parameters())
    with whole_folder(folder, size=size) as part:
        folded.network.save_pretrained(part)
        with model.tokenizer_lock:
            model.tokenizer.save_pretrained(part)
        recipe = with_digests(ready.recipe, ready, model)
        workspace.write_json(part / "recipe.json", recipe.to_json())
        listed = [edit.to_json() for edit in folded.edits]
        about: dict[str, Any] = {"edits": listed, "added_biases": folded.added_biases, "difference": folded.difference}
        workspace.write_json(part / "edits.json", about)
        safetensors.torch.save_file(_tensors(folded), part / "edits.safetensors")
        note_checksums(part)  # before the README, which decides nothing and may be written into
        lines = "\n".join(f"- `{edit['tensor']}`: {edit['what']}, of length {edit['norm']:.4g}" for edit in listed)
        text = README.format(title=name, model=model.id, folder=name, difference=folded.difference, edits=lines)
        (part / "README.md").write_text(text, "utf-8")
    remember(Source(str(folder), "local", folder), model.n_layers, model.width)
    return folder


@dataclass(frozen=True)
class FoldedModel:
    """A folded push that lies in the workspace. model: what it was folded into. edits: tensor, what was done to it, and
    the length (Frobenius norm) of the change. difference: see `Folded`. n_bytes: of the whole directory."""

    name: str
    folder: Path
    model: str
    edits: tuple[tuple[str, str, float], ...]
    difference: float
    n_bytes: int


def list_folded() -> list[FoldedModel]:
    """The folded pushes in the workspace, by name. A directory without a sound list of edits is none of ours."""
    found = []
    exports = workspace.place("exports", "x").parent
    mend(exports)
    for path in sorted(exports.glob("[!.]*/edits.json")):
        if path.parent.is_symlink():
            continue
        about, recipe = workspace.read_json(path), workspace.read_json(path.parent / "recipe.json")
        if not isinstance(about, dict) or not isinstance(recipe, dict):
            continue
        try:
            edits = tuple((str(one["tensor"]), str(one["what"]), float(one["norm"])) for one in about["edits"])
            made = FoldedModel(
                name=path.parent.name,
                folder=path.parent,
                model=str(recipe["model"]),
                edits=edits,
                difference=float(about["difference"]),
                n_bytes=sum(file.stat().st_size for file in path.parent.iterdir() if file.is_file()),
            )
        except (KeyError, TypeError, ValueError, OSError):
            continue
        found.append(made)
    return found


def delete_folded(name: str) -> None:
    """Undo a folding: remove its directory. What it was made from was never changed. UserError if there is none."""
    folder = mended(workspace.place("exports", workspace.checked_name(name)))
    if folder.is_symlink() or not (folder / "edits.json").is_file():
        raise UserError(f"There is no folded model called {name!r} to delete.")
    remove_folder(folder)


def _tensors(folded: Folded) -> dict[str, Tensor]:
    """The changes by the tensor's name; several of one tensor are added up."""
    found: dict[str, Tensor] = {}
    for edit in folded.edits:
        found[edit.tensor] = (found[edit.tensor] + edit.delta if edit.tensor in found else edit.delta).contiguous()
    return {name: delta.float() for name, delta in found.items()}

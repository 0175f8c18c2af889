"""Training from beginning to end: resumed where it stood, saved under its name."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core import workspace
from core.dictionaries.card import Card
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.library import list_dictionaries, save_dictionary
from core.dictionaries.metrics.explained import explained_variance
from core.dictionaries.training import checkpoint
from core.dictionaries.training.curves import Curves
from core.dictionaries.training.method import Method
from core.dictionaries.training.recipe import Recipe
from core.dictionaries.training.sources import Source, activations_of
from core.dictionaries.training.together import Together
from core.dictionaries.training.trainer import Trainer
from core.errors import UserError
from core.models import Model, Site
from core.progress import Listener, Progress, silent
from core.versions import release

FORMAT = 1  # raised when the same recipe gives other numbers
SECONDS = 60.0  # between checkpoints; they change no number
HELD_OUT_TOKENS = 8192


@dataclass(frozen=True)
class Trained:
    """dictionary: as it was saved. cached: it had been trained before. resumed: tokens that an earlier run had learnt
    from. seconds: of this run. folder: where its curves are."""

    dictionary: Dictionary
    cached: bool
    resumed: int
    seconds: float
    folder: Path


def run_key(model: Model, site: Site, method: Method, recipe: Recipe, source: Source) -> str:
    """24 hexadecimal digits of all that decides a run's numbers; names its folder."""
    # Named only where it acts: all longer runs keep their numbers, and their keys.
    capped = {} if recipe.acting_patience == recipe.patience else {"patience": recipe.acting_patience}
    return workspace.digest(
        {
            **capped,
            "what": "training",
            "format": FORMAT,
            "fingerprint": model.fingerprint,
            "site": str(site),
            "dtype": model.dtype_name,
            "device": model.device.type,
            "method": method.to_json(),
            "recipe": recipe.to_json(),
            "source": source.to_json(),
            "torch": release("torch"),
        }
    )


def folder_of(key: str) -> Path:
    """Where a run keeps its checkpoint and its curves."""
    return workspace.place("training", key, "x").parent


def train(
    model: Model,
    site: Site,
    method: Method,
    recipe: Recipe,
    source: Source,
    *,
    name: str,
    held_out: Sequence[str] = (),
    about: dict[str, Any] | None = None,
    curves_in: Sequence[Path] = (),
    store: torch.dtype | None = None,
    replace: bool = False,
    team: Together | None = None,
    progress: Listener = silent,
) -> Trained:
    """Train by `recipe` on the blocks of `source` and save the result as `name`.

    held_out: texts on which the explained variance is followed. about: plain JSON on the corpus, for the card.
    curves_in: folders beside the run's own that get the curves. A run that was stopped goes on from its last
    checkpoint and ends with the same weights, bit for bit on the same machine; one that was finished is returned as it
    was saved. Raises UserError for a name that is taken by something else. team: the processes that train it together,
    of which the first writes. More or fewer of them may go on with a run: its key knows nothing of them.
    """
    first = team is None or team.first
    source.team = team
    workspace.checked_name(name)
    key, began = run_key(model, site, method, recipe, source), time.perf_counter()
    folder = folder_of(key)
    for known in list_dictionaries():
        if known.name == name:
            if known.card.recipe.get("key") == key:
                return Trained(known, True, recipe.tokens, 0.0, folder)
            if not replace:
                raise UserError(f"There is a dictionary called {name!r} already: choose another name, or delete it.")
    trainer, number = checkpoint.load(folder, method, recipe, model.device) or (None, 0)
    resumed = trainer.tokens if trainer else 0
    some = list(held_out) if first else []
    watched = activations_of(model, site, some, recipe.max_length)[:HELD_OUT_TOKENS] if some else None
    curves, last = Curves([folder, *curves_in] if first else [], resumed), time.monotonic()
    while trainer is None or not trainer.over:
        progress(Progress(trainer.tokens if trainer else 0, recipe.tokens, "tokens", f"training {name}"))
        block = source.block(number)
        trainer = trainer or Trainer.start(method, recipe, block)
        if team is not None and trainer.team is None:
            team.agree(trainer, number)
            trainer.team = team
        for step in trainer.learn(block):
            curves.add(step)
            progress(Progress(trainer.tokens, recipe.tokens, "tokens", f"training {name}"))
        number += 1
        if first and time.monotonic() - last > SECONDS and not trainer.over:
            checkpoint.save(folder, trainer, number)
            curves.flush(_on_held_out(trainer, watched))
            last = time.monotonic()
    curves.flush(_on_held_out(trainer, watched))
    recipe_of_card = {
        "key": key,
        **method.to_json(),
        "training": recipe.to_json(),
        "source": source.to_json(),
        "corpus": about or {},
        "passes": number / source.per_pass,
        "scale": trainer.scale,
        "device": model.device.type,
        "dtype": model.dtype_name,
        "versions": {"torch": release("torch")},
        **({} if team is None else {"processes": team.count}),
    }
    card = Card(
        model_id=model.id,
        model_fingerprint=model.fingerprint,
        reads=site,
        rebuilds=site,
        writes_to=site,
        source=f"trained here on {model.id}",
        recipe=recipe_of_card,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    metadata = {
        "model_name": model.id,
        "hook_name": site.module,
        "model_class_name": "AutoModelForCausalLM",
        "context_size": recipe.max_length,
        "training_architecture": method.name,
    }
    made = Dictionary(name, trainer.finish(), card, metadata=metadata)
    if first:
        made = save_dictionary(made, name, store=store, replace=replace)
        # Only now: until the dictionary lies in the library a stopped run has to be able to go on.
        (folder / checkpoint.FILE).unlink(missing_ok=True)
    if team is not None:
        team.wait()
    return Trained(made, False, resumed, time.perf_counter() - began, folder)


def forget(key: str) -> None:
    """Remove a run's checkpoint and curves."""
    shutil.rmtree(folder_of(key), ignore_errors=True)


def _on_held_out(trainer: Trainer, watched: Tensor | None) -> float | None:
    if watched is None or len(watched) < 2:
        return None
    coder = trainer.finish()
    x = watched.float().cpu()
    rebuilt = torch.cat([coder.reconstruct(part) for part in x.split(1024)])
    return explained_variance(x, rebuilt)

"""What every question about probes starts from: the rows, and the key under which its answer is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from core import workspace
from core.activations import Pool, read_result, write_result
from core.activations.recipe import corpus_hash, make_recipe
from core.directions import FINDERS, Finder, Rows, finder_named, usable_rows
from core.errors import UserError
from core.examples import Examples
from core.models import AnyModel, Site, opened
from core.probing.plain import from_plain, to_plain
from core.progress import Listener, silent
from core.versions import version

T = TypeVar("T")

# A probe is a direction that is read along: every finder is one. The first is the default of pages.
METHODS: dict[str, Finder] = {name: FINDERS[name] for name in ("logistic", "diffmean", "ridge", "lda", "pca")}
FEWEST = 4  # groups per class below which neither part of a split would say anything


def load_rows(
    model: AnyModel,
    examples: Examples,
    sites: Sequence[Site],
    *,
    pool: Pool = "mean",
    max_length: int = 256,
    progress: Listener = silent,
) -> Rows:
    """The examples' activations at each site, recorded where they are not stored yet, fit to be split.

    Raises UserError for a pool that does not give one activation per text, and for fewer than 4 groups of a class.
    """
    from core.activations import record_texts

    check_pool(pool)
    stores = record_texts(opened(model), examples.texts, sites, pool=pool, max_length=max_length, progress=progress)
    rows = usable_rows([store.load() for store in stores], examples)
    for label, name in ((1, "positives"), (0, "negatives")):
        found = len(np.unique(rows.groups[rows.y == label]))
        if found < FEWEST:
            raise UserError(
                f"{examples.title or examples.id} holds only {found} independent {name} that can be read; a probe"
                f" needs {FEWEST} at the least, and 50 or more to say much."
            )
    return rows


def check_pool(pool: Pool) -> None:
    """Raise UserError unless the pool gives one activation per text."""
    if pool not in ("mean", "last"):
        raise UserError(f"A probe needs one activation per text: use pool mean or last, not {pool!r}.")


def sites_of(model: AnyModel, layers: Sequence[int]) -> list[Site]:
    """The residual stream after each layer, each once."""
    if not layers:
        raise UserError(f"No layers to probe: name some of 0 to {model.n_layers - 1}, or all.")
    return [model.site(layer) for layer in dict.fromkeys(layers)]


def finders_of(methods: Sequence[str | Finder]) -> list[Finder]:
    """The finders of these names, each once."""
    if not methods:
        raise UserError(f"No methods to probe with: name some of {', '.join(METHODS)}.")
    return list(dict.fromkeys(finder_named(m) if isinstance(m, str) else m for m in methods))


def key_of(
    model: AnyModel, examples: Examples, sites: Sequence[Site], *, pool: Pool, max_length: int, **more: Any
) -> str:
    """Names a result: what changes activations is in the stores' recipes; `more` holds everything else that counts."""
    corpus = corpus_hash(examples.texts)
    recipes = [
        make_recipe(
            model, site, examples.texts, pool=pool, all_positions=False, max_length=max_length, corpus=corpus
        ).key
        for site in sites
    ]
    return workspace.digest(
        {"recipes": recipes, "examples": examples.digest, "scikit-learn": version("scikit-learn"), **more}
    )


def remembered(model: AnyModel, kind: type[T], key: str, compute: Callable[[], T]) -> T:
    """The result under `key`, computed and kept where it is not there yet. kind: a dataclass of plain values.

    Raises NotOpened where it is not there and the model is only known: so a page asks for what need not be computed.
    """
    value = read_result(key)
    if value is not None:
        return from_plain(kind, value)
    opened(model)
    result = compute()
    write_result(key, to_plain(result))
    return result

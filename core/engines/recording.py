"""Recording by an engine: each worker makes whole shards of the same stores, and the asking process enters them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor

from core import workspace
from core.activations import Pool, Recipe, Store, shards
from core.activations.extract import missing_shards, record_shard
from core.activations.ledger import Ledger
from core.activations.published import Published, publish_to
from core.activations.recipe import corpus_hash, make_recipe
from core.activations.store import ShardEntry
from core.engines.team import Engine, Holder, Opener, Team
from core.errors import UserError
from core.models import Model, Site
from core.models.site import Kind
from core.progress import Listener, Progress, silent
from core.versions import release, version


def record_on(
    engine: Engine,
    opener: Opener,
    texts: Sequence[str],
    layers: Sequence[int] | None,
    *,
    kind: Kind = "after",
    pool: Pool = "mean",
    all_positions: bool = False,
    max_length: int = 256,
    storage: str | None = None,
    fetch: bool = True,
    progress: Listener = silent,
) -> list[Store]:
    """As `core.activations.record_texts` at these layers (None: all), by the workers of `engine`: the same stores.

    storage: a URL under which finished shards are published, for workers that do not see this workspace; shards that
    are there already are not made again. fetch: bring them into this workspace in the end. Raises UserError where a
    worker can neither write to this workspace nor to a URL, or where what it publishes is not there for this process.
    """
    if not texts:
        raise UserError("There are no texts to record; give at least one.")
    workspace.clear_parts()
    asked = Asked(tuple(layers) if layers is not None else None, kind, pool, all_positions, max_length)
    with engine.team(opener, progress=progress) as team:
        return record_by(team, asked, texts, storage=storage, fetch=fetch, progress=progress)


@dataclass(frozen=True)
class Asked:
    """What is to be recorded of texts; see `record_texts`. layers: None for all."""

    layers: tuple[int, ...] | None
    kind: Kind = "after"
    pool: Pool = "mean"
    all_positions: bool = False
    max_length: int = 256


def record_by(
    team: Team,
    asked: Asked,
    texts: Sequence[str],
    *,
    storage: str | None = None,
    fetch: bool = True,
    progress: Listener = silent,
) -> list[Store]:
    """`record_on` by a team that is there already."""
    (planned,) = team.run([Plan(asked, corpus_hash(texts), len(texts))])
    stores = {site: Store(recipe, cached=True) for site, recipe in planned.value}
    missing = missing_shards(stores, range(next(iter(stores.values())).recipe.n_shards))
    published = None if storage is None else Published(storage)
    pieces = _pieces(stores, missing, texts, published)
    note = f"recording {team.identity['id']}"
    total, done = len(texts), len(texts) - sum(len(piece.texts) for piece in pieces)
    progress(Progress(done, total, "texts", note))
    ledgers = {site: Ledger(store) for site, store in stores.items()}
    heard: set[str] = set()
    try:
        for finished in team.run(pieces):
            piece = pieces[finished.place]
            for site, entry in finished.value:
                stores[site].cached = False
                if published is None:
                    ledgers[site].enter(piece.number, entry)
                elif finished.worker not in heard:  # the first of each, so that nobody waits hours for nothing
                    published.require(stores[site].recipe, piece.number)
            heard.add(finished.worker)
            done += len(piece.texts)
            progress(Progress(done, total, "texts", note))
    finally:  # whatever ends the work: what was finished stays
        for ledger in ledgers.values():
            ledger.close()
    if published is not None:
        for store in stores.values():
            published.finish(store)
            if fetch:
                published.fetch(store, progress=progress)
    return list(stores.values())


def _pieces(
    stores: dict[Site, Store], missing: dict[int, list[Site]], texts: Sequence[str], published: Published | None
) -> list[Shard]:
    """What is to be made: shards that are neither here nor, where they are published, there; those here are sent."""
    if published is not None:
        there = {site: published.entries(store) for site, store in stores.items()}
        for site, store in stores.items():
            for number in range(store.recipe.n_shards):
                if number not in there[site] and site not in missing.get(number, []):
                    published.send(store, number)
        missing = {number: [site for site in sites if number not in there[site]] for number, sites in missing.items()}
    found = []
    for number, sites in missing.items():
        if sites:
            recipes = tuple((site, stores[site].recipe) for site in sites)
            rows = recipes[0][1].texts_of(number)
            own = tuple(texts[rows.start : rows.stop])
            found.append(Shard(number, recipes, own, None if published is None else published.url))
    return found


@dataclass(frozen=True)
class Plan:
    """Asks a worker, which holds the model, for the sites and recipes of all that is to be recorded."""

    asked: Asked
    corpus: str
    n_texts: int

    def done_by(self, holder: Holder) -> list[tuple[Site, Recipe]]:
        model, asked = holder.model, self.asked
        layers = range(model.n_layers) if asked.layers is None else asked.layers
        sites = [model.site(layer, asked.kind) for layer in layers]
        return [
            (
                site,
                make_recipe(
                    model,
                    site,
                    range(self.n_texts),  # type: ignore[arg-type]  # nothing but how many they are is asked
                    pool=asked.pool,
                    all_positions=asked.all_positions,
                    max_length=asked.max_length,
                    corpus=self.corpus,
                ),
            )
            for site in sites
        ]


@dataclass(frozen=True)
class Shard:
    """One shard of some stores. texts: of this shard. storage: the URL to publish it under, None for the workspace."""

    number: int
    recipes: tuple[tuple[Site, Recipe], ...]
    texts: tuple[str, ...]
    storage: str | None = None

    def done_by(self, holder: Holder) -> list[tuple[Site, ShardEntry]]:
        if self.storage is None and not holder.shared:
            raise UserError(
                "A worker does not see this workspace; put CONCEPTSCOPE_HOME into a folder that all machines share, or"
                " name a URL with --storage."
            )
        outlets: dict[Site, Store] = {}
        for site, recipe in self.recipes:
            check_same(recipe, holder.model)
            outlets[site] = Unentered(recipe) if self.storage is None else publish_to(self.storage, recipe)
        for _ in record_shard(holder.model, self.texts, outlets, self.number):
            pass
        return [(site, outlet.made[self.number]) for site, outlet in outlets.items()]  # type: ignore[attr-defined]


@dataclass
class Unentered(Store):
    """A store into which shards are only written; somebody else keeps its manifest."""

    made: dict[int, ShardEntry] = field(default_factory=dict)

    def put(self, number: int, tensors: dict[str, Tensor], **about: Any) -> None:
        file = shards.name_of(number)
        self.made[number] = ShardEntry(file, shards.write(self.path / file, tensors), **about)


def check_same(recipe: Recipe, model: Model) -> None:
    """Raise UserError unless `model`, in this process, makes what the recipe names."""
    here = replace(
        recipe,
        fingerprint=model.fingerprint,
        device=model.device_type,
        dtype=model.dtype_name,
        torch=release("torch"),
        transformers=version("transformers"),
    )
    if here != recipe:
        other = asdict(here)
        names = [name for name, value in asdict(recipe).items() if value != other[name]]
        raise UserError(f"A worker has another {' and '.join(names)} than the others; give all machines the same.")

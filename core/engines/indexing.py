"""Indexing by an engine: workers read and encode blocks of texts, the asking process gathers their codes in order.

What an index gathers depends on the order of what it is given (sums of floats, token lists of bounded length), so that
the same numbers, bit for bit, come of one hand that gathers. docs/scaling.md says how many workers it keeps up with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.activations import Recipe, Store
from core.dictionaries import Card, Dictionary
from core.dictionaries.coder import Coder
from core.dictionaries.index import Indexed, Settings, build_index
from core.dictionaries.index.blocks import Blocks, FromModel, FromStore
from core.dictionaries.index.chunk import Chunk, Read
from core.engines.team import Engine, Holder, Opener, Team
from core.errors import UserError
from core.models import Model
from core.progress import Listener, silent


def index_on(
    engine: Engine,
    opener: Opener,
    model: Model,
    dictionary: Dictionary,
    indexed: Indexed,
    settings: Settings | None = None,
    *,
    store: Store | None = None,
    progress: Listener = silent,
) -> Path:
    """As `core.dictionaries.index.build_index`, with blocks read and encoded by the workers of `engine`.

    model: the same as `opener` opens, in this process, which tells what features promote. store: has to lie where the
    workers see it.
    """
    settings = settings or Settings()
    given = Given(dictionary.card, dictionary.coder, settings.max_length, None if store is None else store.recipe)
    with ExitStack() as until_done:

        def elsewhere(blocks: Blocks) -> Blocks:
            team = until_done.enter_context(engine.team(opener, given, progress=progress))
            check_alike(team, model)
            return FromWorkers(team, blocks, indexed.texts)

        return build_index(model, dictionary, indexed, settings, store=store, elsewhere=elsewhere, progress=progress)


@dataclass(frozen=True, eq=False)
class Given:
    """What every worker needs once. recipe: of the store that blocks are taken from, None where the model reads."""

    card: Card
    coder: Coder
    max_length: int
    recipe: Recipe | None


class FromWorkers(Blocks):
    """The blocks of `inner`, read and encoded by a team; asked for in their order, from whichever on."""

    def __init__(self, team: Team, inner: Blocks, texts: Sequence[str]) -> None:
        self.name = inner.name
        self._team, self._inner, self._texts = team, inner, texts
        self._answers: Iterator[Any] | None = None

    @property
    def count(self) -> int:
        return self._inner.count

    def texts_of(self, number: int) -> range:
        return self._inner.texts_of(number)

    def read(self, number: int) -> Iterator[Read]:
        return self._inner.read(number)

    def chunks(self, number: int, coder: Coder) -> Iterator[Chunk]:
        if self._answers is None:
            self._answers = self._team.run([self._piece(at) for at in range(number, self.count)], ordered=True)
        for sparse in next(self._answers).value:
            yield sparse.chunk(coder.n_features)

    def _piece(self, number: int) -> BlockPiece:
        rows = self.texts_of(number)
        return BlockPiece(number, rows.start, tuple(self._texts[rows.start : rows.stop]))


@dataclass(frozen=True)
class BlockPiece:
    """One block. first: number of its first text. texts: of this block."""

    number: int
    first: int
    texts: tuple[str, ...]

    def done_by(self, holder: Holder) -> list[Sparse]:
        given: Given = holder.given
        model = holder.model
        if "coder" not in holder.kept:
            holder.kept["coder"] = given.coder.to(model.device)
        coder = holder.kept["coder"]
        with torch.no_grad():
            return [_sparse(chunk) for chunk in self._blocks(holder, given, model).chunks(self.number, coder)]

    def _blocks(self, holder: Holder, given: Given, model: Model) -> Blocks:
        texts = Placed(self.first, self.texts)
        if given.recipe is None:
            return FromModel(model, given.card, texts, given.max_length)
        if not holder.shared:
            raise UserError("A worker does not see the store; index without --from-store, or share the workspace.")
        return FromStore(Store(given.recipe), model, given.card, texts, given.max_length, corpus=given.recipe.corpus)


@dataclass(frozen=True)
class Placed(Sequence[str]):
    """Some texts of a longer list, at the places that they have in it."""

    first: int
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return self.first + len(self.texts)

    def __getitem__(self, place: Any) -> Any:
        return self.texts[place - self.first]


@dataclass(frozen=True, eq=False)
class Sparse:
    """A Chunk without its activations and without the codes that are 0."""

    texts: NDArray[np.int64]
    bounds: NDArray[np.int64]
    positions: NDArray[np.int64]
    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    features: NDArray[np.int64]
    values: NDArray[np.float32]

    def chunk(self, features: int) -> Chunk:
        codes = torch.zeros(len(self.positions), features)
        codes[torch.from_numpy(self.rows.copy()), torch.from_numpy(self.features.copy())] = torch.from_numpy(
            self.values.copy()
        )
        read = Read(self.texts, self.bounds, self.positions, self.ids, torch.empty(len(self.positions), 0))
        return Chunk(read, codes, self.rows, self.features, self.values)


def _sparse(chunk: Chunk) -> Sparse:
    read = chunk.read
    return Sparse(read.texts, read.bounds, read.positions, read.ids, chunk.rows, chunk.features, chunk.values)


def check_alike(team: Team, model: Model) -> None:
    """Raise UserError unless the workers hold what this process holds."""
    mine = {"fingerprint": model.fingerprint, "device_type": model.device_type, "dtype_name": model.dtype_name}
    other = [name for name, value in mine.items() if team.identity[name] != value]
    if other:
        raise UserError(
            f"The workers have another {' and '.join(other)} than this process, which takes part; use the same model,"
            " --device and --dtype everywhere."
        )

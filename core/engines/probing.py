"""Probing many sets by an engine: each set is a piece, and the table is made of their answers here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.engines.team import Engine, Holder, Opener, Team, in_order
from core.errors import UserError
from core.examples import Info, open_examples
from core.models import KnownModel
from core.probing import Sweep, Table, probe_all
from core.probing.all_sets import sweep_over
from core.probing.sweeping import cached_sweep, keep_sweep
from core.progress import Listener, silent


def probe_all_on(
    engine: Engine,
    opener: Opener,
    layers: Sequence[int] | None,
    *,
    sets: Sequence[Info] | None = None,
    progress: Listener = silent,
    **settings: Any,
) -> Table:
    """As `core.probing.probe_all` at these layers (None: all), by the workers of `engine`. settings: as there."""
    with engine.team(opener, progress=progress) as team:
        model = known_of(team)
        chosen = list(range(model.n_layers)) if layers is None else list(layers)

        def sweeper(wanted: Sequence[Info], asked: dict[str, Any]) -> Iterator[Sweep | UserError]:
            # Workers that do not see this workspace would make again what it holds.
            kept = [_kept(model, info.id, asked) for info in wanted]
            answers = in_order(
                team.run([SetPiece(info.id, asked) for info, known in zip(wanted, kept, strict=True) if known is None])
            )
            for info, known in zip(wanted, kept, strict=True):
                if known is not None:
                    yield known
                    continue
                found, shared, digest = next(answers).value
                if isinstance(found, str):
                    yield UserError(found)
                    continue
                if not shared:
                    examples = open_examples(info.id, limit=asked["limit"])
                    if digest != examples.digest:  # it would be kept as the answer for texts that nobody read
                        yield UserError(f"{info.id} holds other texts where the workers are; bring the same there.")
                        continue
                    keep_sweep(model, examples, found, **asked)
                yield found

        return probe_all(model, chosen, sets=sets, sweeper=sweeper, progress=progress, **settings)


def _kept(model: KnownModel, id: str, asked: dict[str, Any]) -> Sweep | None:
    """What this workspace holds of a set. None as well where the set cannot be opened: whoever probes it says why."""
    own = {name: value for name, value in asked.items() if name not in ("layers", "limit")}
    try:
        return cached_sweep(model, open_examples(id, limit=asked["limit"]), asked["layers"], **own)
    except UserError:
        return None


@dataclass(frozen=True)
class SetPiece:
    """One set. asked: see `core.probing.all_sets.Sweeper`."""

    id: str
    asked: dict[str, Any]

    def done_by(self, holder: Holder) -> tuple[Sweep | str, bool, str]:
        """The sweep, or why there is none; whether it was kept where the asking process finds it; of which examples."""
        try:
            examples = open_examples(self.id, limit=self.asked["limit"])
        except UserError as error:
            return str(error), holder.shared, ""
        found = sweep_over(holder.model, examples, self.asked)
        return (str(found) if isinstance(found, UserError) else found), holder.shared, examples.digest


def known_of(team: Team) -> KnownModel:
    """The model that the workers hold, as far as its identity counts."""
    own = dict(team.identity)
    own.pop("libraries")
    return KnownModel(**{**own, "blocks": tuple(own["blocks"])})

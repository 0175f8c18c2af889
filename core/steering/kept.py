"""Texts that were written before are not written again: kept in the workspace under everything that decides them.

Rows go in blocks (the doses of one direction, say). A block is written as a whole and kept as soon as it is there, so
that a stopped sweep goes on with its next block, and two sweeps share the random directions that both want.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core import workspace
from core.activations import read_result, write_result
from core.models.model import Model
from core.progress import Listener, Progress, silent
from core.steering.decoding import Decoding
from core.steering.guarding import Guards, guards
from core.steering.interventions import Condition, Intervention
from core.steering.versions import TEXTS
from core.steering.writing import ROWS, Row, Written, write_all
from core.versions import release

UNREAD = Guards(*[float("nan")] * 4)


@dataclass(frozen=True, eq=False)
class Block:
    """Rows that are kept together. read_after: the prompt, token ids per row, after which each text is judged by its
    guards; mostly the one that it was written after. guarded: whether guards are wanted; without, they are NaN.
    """

    rows: tuple[Row, ...]
    read_after: tuple[tuple[int, ...], ...]
    guarded: bool = True


@dataclass(frozen=True)
class Told:
    """One text with its guards."""

    written: Written
    guards: Guards


@dataclass(frozen=True)
class Blocks:
    """Texts per block, in the order of its rows. tokens_per_second: of the writing alone; 0 where nothing was new."""

    texts: tuple[tuple[Told, ...], ...]
    tokens_per_second: float


def write_blocks(
    model: Model,
    blocks: Sequence[Block],
    decoding: Decoding,
    *,
    targets: Sequence[int] = (),
    progress: Listener = silent,
) -> Blocks:
    """Write what is not kept yet. Blocks that are too small for a batch are written together.

    Targets decide no text: one that was written without them, or for others, is only read again.
    """
    keys = [_key(model, block, decoding, targets) for block in blocks]
    bare = [_key(model, block, decoding, ()) for block in blocks] if targets else keys
    found: dict[int, tuple[Told, ...]] = {}
    there: dict[int, tuple[Written, ...]] = {}
    for number, (key, other) in enumerate(zip(keys, bare, strict=True)):
        if key is not None and (value := read_result(key)) is not None:
            found[number] = tuple(_told(one) for one in value["texts"])
        elif targets and other is not None and (value := read_result(other)) is not None:
            there[number] = tuple(_told(one).written for one in value["texts"])
    total = sum(len(block.rows) for block in blocks)
    n_tokens, seconds = 0, 0.0

    def keep(group: Sequence[int], written: Sequence[Written]) -> None:
        told = iter(_guarded(model, [blocks[number] for number in group], written, targets))
        for number in group:
            found[number] = tuple(next(told) for _ in blocks[number].rows)
            for key, own in {bare[number]: False, keys[number]: True}.items():
                if key is not None:
                    write_result(key, {"texts": [_plain(one, target=own) for one in found[number]]})

    for number, texts in there.items():
        progress(Progress(sum(map(len, found.values())), total, "texts", "reading again"))
        keep([number], texts)
    for group in _groups([number for number in range(len(blocks)) if number not in found], blocks):
        done = sum(map(len, found.values()))

        def shifted(moment: Progress, done: int = done) -> None:
            progress(Progress(done + moment.done, total, "texts", moment.note))

        began = time.perf_counter()
        rows = [row for number in group for row in blocks[number].rows]
        written = write_all(model, rows, decoding, progress=shifted)
        seconds += time.perf_counter() - began
        n_tokens += sum(len(one.tokens) for one in written)
        keep(group, written)
    rate = n_tokens / seconds if n_tokens else 0.0
    return Blocks(tuple(found[number] for number in range(len(blocks))), rate)


def _guarded(
    model: Model, blocks: Sequence[Block], written: Sequence[Written], targets: Sequence[int]
) -> Iterator[Told]:
    """The texts of all rows of the blocks with their guards."""
    rows = [(row, before, block) for block in blocks for row, before in zip(block.rows, block.read_after, strict=True)]
    wanted = [i for i, (_, _, block) in enumerate(rows) if block.guarded]
    read = guards(
        model,
        [rows[i][1] for i in wanted],
        [written[i].tokens for i in wanted],
        [rows[i][0].interventions for i in wanted],
        targets=targets,
    )
    by_row = dict(zip(wanted, read, strict=True))
    for i, text in enumerate(written):
        yield Told(text, by_row.get(i, UNREAD))


def _groups(missing: Sequence[int], blocks: Sequence[Block]) -> Iterator[list[int]]:
    """Blocks that together fill a batch."""
    group: list[int] = []
    for number in missing:
        group.append(number)
        if sum(len(blocks[one].rows) for one in group) >= ROWS:
            yield group
            group = []
    if group:
        yield group


def _key(model: Model, block: Block, decoding: Decoding, targets: Sequence[int]) -> str | None:
    """None for rows of which something cannot be told: a reader is a function."""
    interventions = [one for row in block.rows for one in row.interventions]
    if any(one.reader or (one.condition and one.condition.reader) for one in interventions):
        return None
    rows = [[list(row.prompt), row.seed, [_of(one) for one in row.interventions]] for row in block.rows]
    return workspace.digest(
        {
            "what": "steered texts",
            "version": TEXTS,
            "libraries": [release("torch"), release("transformers")],
            "fingerprint": model.fingerprint,
            "device": model.device.type,
            "dtype": model.dtype_name,
            "decoding": {name: value for name, value in asdict(decoding).items() if name != "seed"},
            "rows": rows,
            "read_after": [list(ids) for ids in block.read_after],
            "targets": list(targets),
            "guarded": block.guarded,
        }
    )


def _of(one: Intervention) -> dict[str, Any]:
    return {
        "site": str(one.site),
        "vector": _digest(one.vector),
        "coefficient": float(one.coefficient),
        "positions": asdict(one.positions),
        "operator": one.operator.to_json(),
        "condition": None if one.condition is None else _condition(one.condition),
    }


def _condition(one: Condition) -> dict[str, Any]:
    return {"per": one.per, "above": float(one.above), "site": str(one.site), "vector": _digest(one.vector)}


def _digest(vector: np.ndarray) -> str:
    return workspace.digest([str(vector.dtype), vector.tobytes().hex()])


def _plain(one: Told, *, target: bool) -> dict[str, Any]:
    guards = asdict(one.guards) | ({} if target else {"target": None})
    numbers = {name: None if value is None or not np.isfinite(value) else value for name, value in guards.items()}
    return {"tokens": list(one.written.tokens), "ended": one.written.ended, "guards": numbers}


def _told(value: dict[str, Any]) -> Told:
    kept = value["guards"]
    numbers = {name: float("nan") if kept[name] is None else kept[name] for name in kept if name != "target"}
    written = Written(tuple(value["tokens"]), value["ended"])
    return Told(written, Guards(**numbers, target=kept["target"]))

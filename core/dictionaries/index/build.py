"""Building an index: one pass over a corpus, for all features; goes on where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core import workspace
from core.activations import Store
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.index import files
from core.dictionaries.index.blocks import Blocks, FromModel, FromStore
from core.dictionaries.index.corpora import Indexed
from core.dictionaries.index.gathering import Gathering
from core.dictionaries.index.settings import FORMAT, Settings
from core.dictionaries.index.texts import keep_texts
from core.dictionaries.index.together import partners
from core.dictionaries.index.view import columns_of
from core.dictionaries.index.weights import neighbours, promotions
from core.dictionaries.writing import is_added
from core.errors import UserError
from core.models import Model
from core.progress import Listener, Progress, silent
from core.versions import release

SECONDS = 60.0  # between states on disk, at the least; they change no number
PATIENCE = 15  # and this many times as long as writing one takes


def build_index(
    model: Model,
    dictionary: Dictionary,
    indexed: Indexed,
    settings: Settings | None = None,
    *,
    store: Store | None = None,
    elsewhere: Callable[[Blocks], Blocks] | None = None,
    progress: Listener = silent,
) -> Path:
    """Index `dictionary` (bound to `model`, see `fitted`) over the texts of `indexed`; returns the index's folder.

    store: an unpooled store of these very texts at the dictionary's site, in the place of forward passes. elsewhere:
    has the blocks read and encoded by somebody else. An index that is there already is left alone, one that was stopped
    goes on where it was last laid down and ends as an undisturbed one would, bit for bit on the same machine.
    `core.dictionaries.index.open_index` reads it, also while it grows.
    Raises UserError for a dictionary that is bound to no model, texts without tokens, and if another program is
    building the same index.
    """
    settings = settings or Settings()
    blocks: Blocks = (
        FromModel(model, dictionary.card, indexed.texts, settings.max_length)
        if store is None
        else FromStore(store, model, dictionary.card, indexed.texts, settings.max_length)
    )
    key = index_key(model, dictionary, indexed, settings, blocks.name)
    folder = files.folder_of(key)
    with files.building(key):
        workspace.clear_parts()
        manifest = files.read_manifest(folder) or {}
        files.clear(folder, manifest)
        keep_texts(indexed)
        if not manifest.get("complete") or not _sound(folder, manifest):
            blocks = blocks if elsewhere is None else elsewhere(blocks)
            _build(folder, manifest, model, dictionary, indexed, settings, blocks, key, progress)
    return folder


def index_key(model: Model, dictionary: Dictionary, indexed: Indexed, settings: Settings, source: str) -> str:
    """24 hexadecimal digits of all that decides an index's numbers; names its folder."""
    # Not a higher FORMAT: only these were named tokens by mistake, and of all others an index holds what it held.
    apart = dictionary.coder.written.shape[1] == model.width and not is_added(dictionary.card.writes_to, model)
    return workspace.digest(
        {
            **({"promoted": "none"} if apart else {}),
            "what": "index",
            "format": FORMAT,
            "dictionary": dictionary.key,
            "fingerprint": model.fingerprint,
            "device": model.device.type,
            "dtype": model.dtype_name,
            "corpus": [indexed.kind, indexed.digest],
            "settings": settings.to_json(),
            "from": source,
            "torch": release("torch"),
        }
    )


@torch.no_grad()
def _build(
    folder: Path,
    manifest: dict[str, Any],
    model: Model,
    dictionary: Dictionary,
    indexed: Indexed,
    settings: Settings,
    blocks: Blocks,
    key: str,
    progress: Listener,
) -> None:
    coder, began = dictionary.coder.to(model.device), time.perf_counter()
    gathering = Gathering(coder.n_features, coder.signed, len(model.tokenizer), settings)
    done = _restored(folder, manifest, gathering)
    writer = files.Writer(folder, manifest if done is not None else {})
    before = float(writer.manifest.get("seconds", 0.0))
    if done is None:
        done = 0
        _begin(writer, model, dictionary, indexed, settings, blocks, key, progress)
    last, cost = time.monotonic(), 0.0
    note = f"indexing {dictionary.name}"
    for number in range(done, blocks.count):
        progress(Progress(blocks.texts_of(number).start, len(indexed.texts), "texts", note))
        for chunk in blocks.chunks(number, coder):
            gathering.add(chunk)
        over = number + 1 == blocks.count
        if not over and time.monotonic() - last > max(SECONDS, PATIENCE * cost):
            start = time.monotonic()
            _lay_down(writer, gathering, blocks, number + 1, before + time.perf_counter() - began)
            last = time.monotonic()
            cost = last - start
    progress(Progress(len(indexed.texts), len(indexed.texts), "texts", note))
    if int(gathering.counts.tokens[0]) == 0:
        raise UserError("The texts hold no tokens that the dictionary reads; give longer ones.")
    columns, windows = columns_of(gathering)
    columns |= partners(gathering.sampled, coder.n_features, progress=progress)
    writer.write("columns", columns)
    writer.write("windows", {"window": windows})
    for name in gathering.parts:
        writer.drop(f"state-{name}")
    writer.publish(**_progress(gathering, blocks, blocks.count, before + time.perf_counter() - began), complete=True)


def _begin(
    writer: files.Writer,
    model: Model,
    dictionary: Dictionary,
    indexed: Indexed,
    settings: Settings,
    blocks: Blocks,
    key: str,
    progress: Listener,
) -> None:
    """What needs no corpus, and what the index says of itself."""
    card = dictionary.card
    about = {
        "dictionary": dictionary.name,
        "dictionary_key": dictionary.key,
        "kind": dictionary.coder.kind,
        "features": dictionary.coder.n_features,
        "signed": dictionary.coder.signed,
        "model": model.id,
        "fingerprint": model.fingerprint,
        "site": str(card.reads),
        "layer": card.layer,
        "positions": card.positions,
        "device": model.device.type,
        "dtype": model.dtype_name,
        "from": blocks.name,
    }
    corpus = {"kind": indexed.kind, "sets": list(indexed.sets), "digest": indexed.digest, "about": indexed.about}
    writer.write("places", {"places": indexed.places, "checks": indexed.checks})
    weights = promotions(model, dictionary, progress=progress)
    weights |= neighbours(dictionary.coder.written.to(model.device), progress=progress)
    writer.write("weights", weights)
    writer.manifest |= {
        "format": FORMAT,
        "key": key,
        "about": about,
        "corpus": corpus,
        "settings": settings.to_json(),
        "texts": len(indexed.texts),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _lay_down(writer: files.Writer, gathering: Gathering, blocks: Blocks, done: int, seconds: float) -> None:
    """State to go on from, and what a reader sees meanwhile."""
    for name, part in gathering.parts.items():
        writer.write(f"state-{name}", part.arrays())
    columns, windows = columns_of(gathering)
    writer.write("columns", columns)
    writer.write("windows", {"window": windows})
    writer.publish(**_progress(gathering, blocks, done, seconds), complete=False)


def _progress(gathering: Gathering, blocks: Blocks, done: int, seconds: float) -> dict[str, Any]:
    return {
        "unit": gathering.unit,
        "blocks": blocks.count,
        "blocks_done": done,
        "texts_done": blocks.texts_of(done - 1).stop,
        "tokens": int(gathering.counts.tokens[0]),
        "seconds": seconds,
    }


def _restored(folder: Path, manifest: dict[str, Any], gathering: Gathering) -> int | None:
    """Take up the state of an earlier run: how many blocks it had done, or None where there is nothing sound."""
    done, unit = manifest.get("blocks_done"), manifest.get("unit")
    if manifest.get("complete") or not isinstance(done, int) or not isinstance(unit, float):
        return None
    try:
        arrays: dict[str, dict[str, np.ndarray]] = {
            name: files.load(folder, manifest, f"state-{name}") for name in gathering.parts
        }
        files.load(folder, manifest, "weights")
        files.load(folder, manifest, "places")
        gathering.restore(unit, arrays)
    except (UserError, KeyError):
        return None  # damaged: begun anew, which costs time and no number
    return done


def _sound(folder: Path, manifest: dict[str, Any]) -> bool:
    """Whether every file of a finished index holds what was written."""
    try:
        for name in manifest["files"]:
            files.load(folder, manifest, name)
    except (UserError, KeyError, TypeError):
        return False
    return True

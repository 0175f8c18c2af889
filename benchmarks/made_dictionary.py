"""Large dictionaries with an index, made in a minute: a small one's features many times over.

A small TopK dictionary of random features is indexed by the project's own command over some hundred texts. A large one
has its features again and again, each time turned a little and under another number, and so has the index: every
feature has all that a real one has (examples with their windows, histogram, tokens, neighbours, label), and the files
have a real one's size and form. Nothing on it means anything; pages are timed with it, no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core import workspace
from core.dictionaries import Card, Dictionary, save_dictionary
from core.dictionaries.index import Index, build_index, files, from_examples
from core.dictionaries.index.labelling import label_features
from core.dictionaries.index.labels import automatic_labels, write_labels
from core.dictionaries.sae import Config, Sae
from core.models import Model

LAYER, K, BASE = 14, 32, 1024
TEXTS, LIMIT = "sae-probes/92_glue_sst2", 600
# Columns without a line per feature, and those that name other features.
SHARED = ("tokens", "example_band", "seen_text", "seen_position", "seen_size", "seen_feature", "seen_value")
NAMING = ("near_id", "together_id")


@dataclass(frozen=True, eq=False)
class Small:
    """What large ones are made of: the model, the small dictionary and its index."""

    model: Model
    dictionary: Dictionary
    index: Index


def make_small(model: Model) -> Small:
    """Random features of length 1 around the mean activation of some texts, indexed and labelled."""
    from core.dictionaries.index.blocks import FromModel

    site = model.site(LAYER)
    card = Card(model.id, model.fingerprint, site, site, site, source="made by a benchmark")
    indexed = from_examples(TEXTS, limit=LIMIT)
    blocks = FromModel(model, card, list(indexed.texts)[:64], 256)
    mean = torch.cat([read.x for number in range(blocks.count) for read in blocks.read(number)]).float().mean(dim=0)
    rows = torch.nn.functional.normalize(
        torch.randn(BASE, model.width, generator=torch.Generator().manual_seed(0)), dim=1
    )
    small = _saved(model, "made-small", rows, mean, card)
    index = Index(build_index(model, small, indexed))
    label_features(index, model)
    return Small(model, small, index)


def make_large(small: Small, name: str, times: int) -> Dictionary:
    """The small dictionary's features `times` over, saved under `name`, with its index."""
    coder = small.dictionary.coder.tensors()
    chance = torch.Generator().manual_seed(1)
    rows = coder["W_dec"].float().repeat(times, 1)
    rows = torch.nn.functional.normalize(rows + 0.01 * torch.randn(rows.shape, generator=chance), dim=1)
    made = _saved(small.model, name, rows, coder["b_dec"].float(), small.dictionary.card)
    index, manifest = small.index, small.index.manifest
    key = workspace.digest({"made": made.key})
    about = manifest["about"] | {"dictionary": name, "dictionary_key": made.key, "features": len(rows)}
    kept = {part: value for part, value in manifest.items() if part != "files"}
    writer = files.Writer(files.folder_of(key), {**kept, "key": key, "about": about})
    for part in ("places", "weights", "columns"):
        arrays = files.load(index.folder, manifest, part)
        many = arrays if part == "places" else {one: _many(one, array, times) for one, array in arrays.items()}
        writer.write(part, many)
    window = files.mapped(index.folder, manifest, "windows").get_tensor("window")
    writer.write("windows", {"window": np.tile(window, (times, 1, 1))})
    writer.publish(complete=True)
    labels = automatic_labels(index)
    every = {one + BASE * n: label for n in range(times) for one, label in labels.items()}
    write_labels(files.folder_of(key), every, {"made": True})
    return made


def _many(name: str, array: NDArray[Any], times: int) -> NDArray[Any]:
    if name in SHARED:
        return array
    if name in ("histogram", "histogram_first"):  # a line per feature within each side
        return np.concatenate([array] * times, axis=1)
    if name in NAMING:
        return np.concatenate([np.where(array >= 0, array + BASE * n, -1) for n in range(times)]).astype(array.dtype)
    return np.concatenate([array] * times)


def _saved(model: Model, name: str, rows: torch.Tensor, mean: torch.Tensor, card: Card) -> Dictionary:
    m, width = rows.shape
    config = Config("topk", width, m, width, k=K, apply_b_dec_to_input=True)
    weights = {"W_dec": rows, "W_enc": rows.T.contiguous(), "b_enc": torch.zeros(m), "b_dec": mean}
    return save_dictionary(Dictionary(name, Sae(config, weights), card, metadata={"model_name": model.id}), name)

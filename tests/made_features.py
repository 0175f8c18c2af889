"""A small dictionary of a model with its index, as pages and their tests want one."""

from __future__ import annotations

from pathlib import Path

import torch

from core.dictionaries import Card, Dictionary, save_dictionary
from core.dictionaries.index import Index, Settings, build_index, from_file
from core.dictionaries.index.labelling import label_features
from core.dictionaries.sae import Config, Sae
from core.models import Model
from tests.test_dictionaries_index import make_texts

FEATURES, LAYER = 24, 1
HOSTILE = "<img src=x onerror=alert(1)> **bold** \u202eabc :smile: $x$"
SETTINGS = Settings(top=4, sample=16, before=4, after=3)


def save_small(model: Model, name: str = "mine", seed: int = 0, replace: bool = False) -> Dictionary:
    """A TopK autoencoder of random weights, saved under `name`; its last feature never comes on."""
    chance = torch.Generator().manual_seed(seed)
    config = Config("topk", model.width, FEATURES, model.width, k=4)
    weights = {part: torch.randn(shape, generator=chance) for part, shape in config.shapes().items()}
    weights["b_enc"][-1] = -1e6
    site = model.site(LAYER)
    card = Card(model.id, model.fingerprint, site, site, site, source="a test")
    made = Dictionary(name, Sae(config, weights), card, metadata={"model_name": model.id})
    return save_dictionary(made, name, replace=replace)


def index_small(model: Model, dictionary: Dictionary, folder: Path) -> Index:
    """Its index over some sentences, of which one holds what could be taken for markup; with automatic labels."""
    texts = folder / "texts.txt"
    texts.write_text("\n".join([*make_texts(60), HOSTILE]), encoding="utf-8")
    index = Index(build_index(model, dictionary, from_file(str(texts)), SETTINGS))
    label_features(index, model)
    return index

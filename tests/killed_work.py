"""The long works that `tests.killed` kills: each writes into a folder, and finds what an earlier run of it left there.

A work returns how much of it was there when it began, in units of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core import workspace
from core.activations import TypicalNorm, record_texts
from core.dictionaries import Card, Dictionary, export_dictionary
from core.dictionaries.index import Settings as IndexSettings
from core.dictionaries.index import build, build_index
from core.dictionaries.index.corpora import Indexed
from core.dictionaries.sae import Config, Sae
from core.dictionaries.training import checkpoint, run
from core.dictionaries.training.recipe import Recipe as Training
from core.dictionaries.training.sources import FromModel
from core.dictionaries.training.topk import TopK
from core.directions import Direction, export, save_direction
from core.examples import Examples, from_lists
from core.models import Model
from core.steering import Decoding, Part, Recipe, Source, fold, prepare, ready, save_folded
from core.tcav import Settings, make_inputs, word_target
from core.tcav.scan import scan

TEXTS = [
    f"Number {n}: the {'very ' * (n % 23)}long film about the river {n * n} was good, or bad." for n in range(2600)
]
FEATURES = 65536
SETS, ROWS = 8, 60
TRAINING = Training(features=512, tokens=60_000, batch=256, block=64)


@dataclass(frozen=True)
class Work:
    """run: does it for a model in the workspace; a folder beside it is for what is exported. changing: what the names
    of files begin with that are written anew while it runs, or hold times of day, so that they are not compared."""

    run: Callable[[Model, Path], int]
    changing: tuple[str, ...] = ()


def record(model: Model, outside: Path) -> int:
    before = shards()
    record_texts(model, TEXTS, [model.site(0), model.site(1)], pool="none")
    return before


def train(model: Model, outside: Path) -> int:
    run.SECONDS = 0.0  # a checkpoint after every block
    site = model.site(1)
    source = FromModel(model, site, TEXTS[:640], TRAINING)
    method = TopK(k=4)
    folder = run.folder_of(run.run_key(model, site, method, TRAINING, source))
    found = checkpoint.load(folder, method, TRAINING, model.device)
    trained = run.train(model, site, method, TRAINING, source, name="trained")
    expected = TRAINING.tokens if trained.cached else found[0].tokens if found else 0
    if trained.resumed != expected:
        raise AssertionError(f"a checkpoint at {expected} tokens was there, and training went on at {trained.resumed}")
    return trained.resumed


def index(model: Model, outside: Path) -> int:
    build.SECONDS, build.PATIENCE = 0.0, 0  # its state is laid down after every block
    site = model.site(1)
    dictionary = Dictionary("made", made_sae(model, 512), Card(model.id, model.fingerprint, site, site, site))
    places = np.array([(0, row, 0, len(text)) for row, text in enumerate(TEXTS)], dtype=np.int32)
    folder = Path(workspace.place("indexes"))
    before = max((json.loads(path.read_text())["blocks_done"] for path in folder.glob("*/manifest.json")), default=0)
    build_index(model, dictionary, Indexed("file", ("nowhere.txt",), places, TEXTS, {}), IndexSettings(sample=500))
    return before


def scan_sets(model: Model, outside: Path) -> int:
    before = shards()
    concepts = [labelled(number) for number in range(SETS)]
    inputs = make_inputs("inputs", TEXTS[:60])
    scan(model, concepts, word_target(model, "the,was|and"), inputs, 1, settings=Settings(permutations=99), pushed=0)
    return before


def exports(model: Model, outside: Path) -> int:
    """A dictionary, a control vector, and weights with a push folded in; each is left alone where it is there."""
    site, targets = (
        model.site(1),
        (outside / "dictionary", outside / "direction.gguf", workspace.place("exports", "folded")),
    )
    before = sum(target.exists() for target in targets)
    if not targets[0].exists():
        card = Card(model.id, model.fingerprint, site, site, site)
        export_dictionary(Dictionary("made", made_sae(model, FEATURES), card), targets[0])
    vector = np.ones(model.width, np.float32) / np.float32(model.width) ** 0.5
    direction = Direction("warm", model.id, model.fingerprint, str(site), 1, vector, 1.0, "diffmean", {})
    if not targets[1].exists():
        workspace.write_bytes(targets[1], export([direction], "gguf"))
    if not targets[2].exists():
        ready.known_norm = lambda *_: TypicalNorm(2.0, 1, 0, 1)
        if not workspace.place("directions", "warm.safetensors").exists():
            save_direction(direction)
        part = Part(Source("saved", "warm"), 0.5, "add", tokens=("prompt", "first", "later", "special"))
        made = prepare(model, Recipe("x", TEXTS[0], (part,), Decoding(max_new_tokens=4)))
        save_folded(model, made, fold(model, made), "folded")
    return before


WORKS: Mapping[str, Work] = {
    "record": Work(record),
    "train": Work(train, ("curves", "events", "checkpoint")),
    "index": Work(index),
    "scan": Work(scan_sets),
    "export": Work(exports, ("opened",)),
}


def shards() -> int:
    """How many are entered in the manifests of all stores."""
    folder = workspace.place("activations", "x").parent
    return sum(len(json.loads(path.read_text())["shards"]) for path in folder.glob("*/manifest.json"))


def made_sae(model: Model, features: int) -> Sae:
    chance = torch.Generator().manual_seed(0)
    config = Config("topk", model.width, features, model.width, k=4)
    return Sae(config, {name: torch.randn(shape, generator=chance) for name, shape in config.shapes().items()})


def labelled(number: int) -> Examples:
    texts = [f"{number}: {text}" for text in TEXTS[100 * number : 100 * number + ROWS]]
    return from_lists(texts[::2], texts[1::2], f"set-{number}")

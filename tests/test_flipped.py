"""A flipped bit in any file that the program keeps is found: nothing is ever read from it that was not written."""

from __future__ import annotations

import random
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from core import jobs, workspace
from core.activations import TypicalNorm, read_arrays, read_result, record_texts, write_arrays, write_result
from core.activations.shards import _verified
from core.dictionaries import Card, Dictionary, open_dictionary, save_dictionary
from core.dictionaries.index import Settings, build_index, open_index
from core.dictionaries.index.labels import Label, automatic_labels, write_labels
from core.dictionaries.index.notes import notes_of, say
from core.dictionaries.training import checkpoint
from core.dictionaries.training.recipe import Recipe
from core.dictionaries.training.topk import TopK
from core.dictionaries.training.trainer import Trainer
from core.directions import Direction, load_direction, save_direction
from core.errors import UserError
from core.examples import from_lists, list_saved, open_examples, open_images, save_examples, save_images
from core.lenses import LensSettings, TunedLens, load_lens
from core.lenses.course import Course
from core.lenses.library import save_lens
from core.lenses.vocabulary import Vocabulary
from core.models import Model, tokenize
from core.models.checksums import FILE, note_checksums
from core.models.fingerprint import fingerprint
from core.models.source import find_source
from core.progress import silent
from core.steering import (
    Decoding,
    Part,
    Source,
    fold,
    list_folded,
    load_recipe,
    prepare,
    save_folded,
    save_recipe,
)
from core.steering import Recipe as Steered
from tests.killed_work import TEXTS, made_sae
from tests.test_dictionaries_index import indexed

FLIPS = 60  # random bits of each file


@dataclass
class Kept:
    """files: whose bits are flipped. read: everything that the program takes from them, to be compared."""

    files: list[Path]
    read: Callable[[], Any]


def shard(model: Model) -> Kept:
    (store,) = record_texts(model, TEXTS[:40], [model.site(1)])
    return Kept(sorted(store.path.iterdir()), lambda: (store.load().tobytes(), store.n_tokens, store.n_sinks))


def result(model: Model) -> Kept:
    write_result("a" * 24, {"auroc": 0.75, "words": ["x", "ä"], "deep": {"n": 3}})
    return Kept([workspace.place("results", "a" * 24 + ".json")], lambda: read_result("a" * 24))


def arrays(model: Model) -> Kept:
    write_arrays("b" * 24, {"one": np.arange(6.0).reshape(2, 3), "two": np.arange(4, dtype=np.int16)})

    def read() -> Any:
        found = read_arrays("b" * 24)
        return found and [(name, one.dtype.str, one.shape, one.tobytes()) for name, one in sorted(found.items())]

    return Kept([workspace.place("results", "b" * 24 + ".safetensors")], read)


def direction(model: Model) -> Kept:
    vector = np.ones(model.width, np.float32) / np.float32(8)
    save_direction(
        Direction("warm", model.id, model.fingerprint, str(model.site(1)), 1, vector, 2.5, "diffmean", {"n": 10})
    )
    file = workspace.place("directions", "warm.safetensors")
    return Kept([file], lambda: (load_direction("warm").vector.tobytes(), repr(load_direction("warm"))))


def made(model: Model) -> Dictionary:
    site = model.site(1)
    return Dictionary("made", made_sae(model, 16), Card(model.id, model.fingerprint, site, site, site))


def dictionary(model: Model) -> Kept:
    folder = save_dictionary(made(model), "made").folder
    assert folder is not None

    def read() -> Any:
        found = open_dictionary("made")
        tensors = {name: one.numpy().tobytes() for name, one in found.coder.tensors().items()}
        return tensors, found.coder.config(), found.card, found.metadata

    return Kept(sorted(folder.iterdir()), read)


def index(model: Model) -> Kept:
    saved = made(model)
    folder = build_index(model, saved, indexed(TEXTS[:30]), Settings(top=3, sample=12))
    write_labels(folder, {2: Label("colours", "automatic", 0.9)}, {"how": "by hand"})

    def read() -> Any:
        found = open_index(saved)
        columns = {name: np.asarray(found.columns[name]).tobytes() for name in found.columns}
        texts = found.texts.of(range(30))
        labels = automatic_labels(found)
        if "" in texts or not labels:  # each is passed over by itself, and shown as missing
            raise UserError("a text or the labels are not what was written")
        windows = [found.windows(number).tobytes() for number in range(found.n_features)]
        return columns, texts, windows, repr(found.manifest), labels

    kept = [*folder.iterdir(), *workspace.place("indexes", "texts", "x").parent.glob("*.safetensors")]
    return Kept(sorted(kept), read)


def notes(model: Model) -> Kept:
    say("c" * 24, 3, label="colours", note="a note")
    (file,) = workspace.place("notes", "x").parent.glob("*.json")
    return Kept([file], lambda: notes_of("c" * 24))


def trainer(model: Model) -> Kept:
    recipe, method = Recipe(features=16, tokens=400, batch=50), TopK(k=4)
    x = made_sae(model, 300).tensors()["W_dec"]
    learning = Trainer.start(method, recipe, x)
    list(learning.learn(x))
    folder = workspace.place("training", "key", "x").parent
    checkpoint.save(folder, learning, 1)

    def read() -> Any:
        found = checkpoint.load(folder, method, recipe, model.device)
        return found and (found[1], found[0].tokens, {name: one.tolist() for name, one in found[0].state().items()})

    return Kept([folder / checkpoint.FILE], read)


def examples(model: Model) -> Kept:
    save_examples(from_lists(TEXTS[:8], TEXTS[8:16], "mine"), "mine")

    def read() -> Any:
        found = open_examples("mine")
        return found.texts, found.labels.tolist(), found.groups.tolist(), found.title, found.source, list_saved()

    return Kept([workspace.place("examples", "mine.jsonl")], read)


def images(model: Model) -> Kept:
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        for number in range(6):
            picture = BytesIO()
            PIL.Image.new("RGB", (4, 4), (40 * number, 9, 9)).save(picture, "PNG")
            packed.writestr(f"{'negative' if number % 2 else 'positive'}/{number}.png", picture.getvalue())
    save_images("mine", data.getvalue())

    def read() -> Any:
        found = open_images("saved/mine")
        return found.labels.tolist(), [image.load().tobytes() for image in found.images], found.title

    return Kept([*workspace.place("images", "x").parent.glob("mine*")], read)


def job(model: Model) -> Kept:
    made = jobs.start(["models"], "the models at hand")
    while jobs.get(made.id).state == "running":
        pass
    folder = workspace.place("jobs", made.id)
    assert jobs.get(made.id).state == "done"

    def read() -> Any:
        found = jobs.find(made.id)
        return found and found.state == "done" and (found.result, found.arguments, found.started, found.ended)

    return Kept([folder / name for name in ("job.json", "outcome.json", "result.json")], read)


def converted(model: Model) -> Kept:
    """A model that the program made itself."""
    folder = workspace.place("models", "own")
    shutil.copytree(model.id, folder)
    note_checksums(folder)
    return Kept(sorted(folder.iterdir()), lambda: fingerprint(find_source(str(folder))))


def converted_earlier(model: Model) -> Kept:
    """The same by a version that noted its sums beside the folder."""
    folder = converted(model).files[0].parent
    beside = (folder / FILE).rename(folder.with_name(f"{folder.name}.checksums.json"))
    return Kept([*sorted(folder.iterdir()), beside], lambda: fingerprint(find_source(str(folder))))


def lens(model: Model) -> Kept:
    chance = torch.Generator().manual_seed(0)
    shapes = {"matrices": (1, model.width, model.width), "centres": (1, model.width), "biases": (1, model.width)}
    maps = {name: torch.randn(shape, generator=chance) for name, shape in shapes.items()}
    recipe = {"model_id": model.id, "fingerprint": model.fingerprint, "n_texts": 10}
    made = TunedLens("e" * 24, model.id, model.fingerprint, (0,), **maps, manifest={"recipe": recipe, "held_out": 0.25})

    def read() -> Any:
        found = load_lens("e" * 24)
        return found.layers, found.manifest, [getattr(found, name).numpy().tobytes() for name in maps]

    return Kept([save_lens(made)], read)


def course(model: Model) -> Kept:
    """A lens that is being trained."""
    settings = LensSettings(batch_tokens=64, max_length=16, round_tokens=100)
    ids = tokenize(model, TEXTS[:12], 16)

    def begun() -> Course:
        return Course(model, "f" * 24, (0,), ids, range(12), settings)

    def read() -> Any:
        going = begun()
        going.vocabulary = Vocabulary(model)
        going._resume()
        state = [{name: one.tolist() for name, one in each.tensors().items()} for each in going.translators]
        return going.position and (going.position, going.steps, going.tokens, going.mass.tolist(), state)

    made = begun()
    made.run(silent, 0, 1)
    return Kept([made.path], read)


def steered(model: Model) -> Steered:
    part = Part(Source("saved", "warm"), 0.5, "add", tokens=("prompt", "first", "later", "special"))
    return Steered(model.id, TEXTS[0], (part,), Decoding(max_new_tokens=4))


def recipe(model: Model) -> Kept:
    return Kept([save_recipe(steered(model), "mine")], lambda: load_recipe("mine"))


def folded(model: Model) -> Kept:
    direction(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.steering.ready.known_norm", lambda *_: TypicalNorm(2.0, 1, 0, 1))
        made = prepare(model, steered(model))
        folder = save_folded(model, made, fold(model, made), "mine")
    files = [path for path in sorted(folder.iterdir()) if path.name != "README.md"]
    return Kept(files, lambda: list_folded() and (list_folded(), fingerprint(find_source(str(folder)))))


KINDS = (
    *(shard, result, arrays, direction, dictionary, index, notes, trainer, examples, images, job),
    *(converted, converted_earlier, lens, course, recipe, folded),
)


@pytest.mark.parametrize("make", KINDS)
def test_what_is_read_after_a_flip_is_what_was_written_or_nothing(
    make: Callable[[Model], Kept], tiny: Model, home: Path
) -> None:
    kept, chance = make(tiny), random.Random(0)
    sound, found = kept.read(), 0
    assert sound
    for path in kept.files:
        data = path.read_bytes()
        for _ in range(FLIPS):
            place = chance.randrange(8 * len(data))
            flipped = bytearray(data)
            flipped[place // 8] ^= 1 << place % 8
            workspace.write_bytes(path, bytes(flipped))
            _verified.clear()
            try:
                after = kept.read()
            except UserError:
                after = None
            assert not after or after == sound, (path.name, place)
            found += not after
        workspace.write_bytes(path, data)
    assert kept.read() == sound
    assert found > FLIPS / 2

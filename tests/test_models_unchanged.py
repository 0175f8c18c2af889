"""A model in memory and the files that it was opened from: what is told when they are no longer the same."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from core.activations import record_texts, typical_norm
from core.errors import UserError
from core.models import Model, batch, direction_logits, edit, open_image_model, open_model, record, tokenize
from core.models import open as opening
from core.models.recording import forward, gradients
from tests.tiny import tiny_directory
from tests.tiny_images import tiny_image_directory

TEXTS = ["one two three", "four five six"]
CHANGED = r"files of .* have changed since it was opened; open it again\."


@pytest.fixture
def directory(home: Path, tmp_path: Path) -> Path:
    return tiny_directory(tmp_path, "llama")


def write_into(path: Path) -> None:
    """Other weights in the same file, as `cp` and `rsync --inplace` write them."""
    data = bytearray(path.read_bytes())
    with path.open("r+b") as file:
        file.seek(len(data) - 4096)
        file.write(bytes(4096))


def inputs_of(model: Model) -> Any:
    return batch(model, tokenize(model, TEXTS, None))


def test_weights_that_were_written_into_are_not_read_under_the_old_fingerprint(directory: Path, home: Path) -> None:
    model = open_model(str(directory), device="cpu", dtype="float32")
    inputs, site = inputs_of(model), model.site(2)
    assert record(model, inputs, [site])
    write_into(directory / "model.safetensors")
    with pytest.raises(UserError, match=CHANGED):
        record_texts(model, TEXTS, [site])
    assert not list(home.glob("activations/*/*.safetensors"))  # nothing of it was kept
    with pytest.raises(UserError, match=CHANGED):
        record(model, inputs, [site])
    with pytest.raises(UserError, match=CHANGED):
        gradients(model, inputs, [site], lambda output: output.logits[:, -1, 0])
    with pytest.raises(UserError, match=CHANGED), edit(model, {}):
        forward(model, inputs)
    with pytest.raises(UserError, match=CHANGED):
        typical_norm(model, site)
    with pytest.raises(UserError, match=CHANGED):
        direction_logits(model, torch.ones(1, model.width))
    again = open_model(str(directory), device="cpu", dtype="float32")
    assert again.fingerprint != model.fingerprint
    assert record(again, inputs, [again.site(2)])


def test_weights_that_were_replaced_are_told_and_what_only_was_touched_is_not(directory: Path) -> None:
    model = open_model(str(directory))
    inputs, site = inputs_of(model), model.site(1)
    weights = directory / "model.safetensors"
    os.utime(weights, (1, 1))
    os.link(weights, directory / "other.link")  # which sets the time of its change
    assert record(model, inputs, [site])
    other = AutoModelForCausalLM.from_pretrained(directory)
    with torch.no_grad():
        other.get_input_embeddings().weight.add_(1.0)
    other.save_pretrained(directory.parent / "other")
    (directory.parent / "other" / "model.safetensors").replace(weights)
    with pytest.raises(UserError, match=CHANGED):
        record(model, inputs, [site])
    weights.unlink()
    with pytest.raises(UserError, match=CHANGED):
        record(model, inputs, [site])


def test_a_link_that_is_made_while_files_are_read_changes_nothing(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, weights = opening._load, directory / "model.safetensors"

    def linking(*args: Any) -> Any:
        os.link(weights, directory / "other.link")
        return load(*args)

    monkeypatch.setattr(opening, "_load", linking)
    assert open_model(str(directory)).fingerprint


def test_files_that_change_while_they_are_read_are_told(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = opening._load

    def slowly(*args: Any) -> Any:
        loaded = load(*args)
        write_into(directory / "model.safetensors")
        return loaded

    monkeypatch.setattr(opening, "_load", slowly)
    with pytest.raises(UserError, match="changed while it was being opened; open it again"):
        open_model(str(directory))


def test_a_model_of_images_is_looked_after_too(home: Path, tmp_path: Path) -> None:
    folder = tiny_image_directory(tmp_path, "resnet")
    model = open_image_model(str(folder), device="cpu")
    pixels = {"pixel_values": torch.zeros((1, 3, *model.preprocessing.size))}
    assert record(model, pixels, [model.site(0)])
    write_into(folder / "model.safetensors")
    with pytest.raises(UserError, match=CHANGED):
        record(model, pixels, [model.site(0)])

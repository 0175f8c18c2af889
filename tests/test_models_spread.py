"""A model over several places gives the numbers of one in one place: with disk, and shapes alone on pretended GPUs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from core.activations import record_texts
from core.cli import arguments
from core.dictionaries.neurons import neurons_of
from core.errors import UserError
from core.models import (
    Model,
    batch,
    edit,
    gradients,
    logits_at,
    needs_of,
    open_image_model,
    open_model,
    promoted,
    record,
    tokenize,
)
from core.models import needs as needs_module
from core.models.recording import forward
from core.models.source import find_source
from core.models.spread import places_of, waits_elsewhere
from core.steering import Decoding, stream
from tests.test_models_recording import hooks
from tests.test_steering_generate import push, written
from tests.tiny import tiny_directory

TEXTS = ["The film was good, and we went home late.", "Nobody came."]
KINDS = ("llama", "gpt2", "gemma3_text", "opt")


def inputs_of(model: Model) -> dict[str, torch.Tensor]:
    return batch(model, tokenize(model, TEXTS, 64))


def some_on_disk(directory: Path) -> dict[str, str | int]:
    """Every second layer, the embedding and the last norm on disk, the rest in memory."""
    with torch.device("meta"):
        network = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(directory))
    found: dict[str, str | int] = {}
    layers = open_model(str(directory)).layout.blocks
    outside = [
        path
        for path, module in network.named_modules()
        if path and not any(True for _ in module.children()) and not path.startswith(layers)
    ]
    for number, path in enumerate(outside):
        found[path] = "disk" if number % 2 == 0 else "cpu"
    if network.config.tie_word_embeddings:  # one matrix, in one place
        input_, output = network.get_input_embeddings(), network.get_output_embeddings()
        paths = {path for path, module in network.named_modules() if path and module in (input_, output)}
        found |= dict.fromkeys(paths, "disk")
    return {**found, **{path: "disk" if number % 2 else "cpu" for number, path in enumerate(layers)}}


@pytest.fixture(params=KINDS)
def both(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> tuple[Model, Model]:
    directory = tiny_directory(tmp_path, request.param)
    return open_model(str(directory)), open_model(str(directory), places=some_on_disk(directory))


def of_last(output: Any) -> torch.Tensor:
    return output.logits[:, -1, 5] - output.logits[:, -1, 9]


def test_what_is_read_pushed_and_differentiated_is_the_same_bit_for_bit(both: tuple[Model, Model]) -> None:
    plain, spread = both
    assert {"disk", "cpu"} <= set(places_of(spread.network).values())
    assert any(parameter.is_meta for parameter in spread.network.parameters())
    assert waits_elsewhere(spread.network)
    assert spread.layout == plain.layout
    assert spread.fingerprint == plain.fingerprint
    before = hooks(spread)
    inputs = inputs_of(plain)
    kinds = ("before", "after", "attention", "mlp", "hidden")
    found = [plain.find_site(layer, kind) for layer in range(plain.n_layers) for kind in kinds]
    sites = [site for site in found if site is not None]
    assert len(sites) > 4 * plain.n_layers - 1
    one, two = (record(model, inputs, sites) for model in both)
    assert all(torch.equal(one[site], two[site]) for site in sites)
    (of_one, one), (of_two, two) = (gradients(model, inputs, sites, of_last) for model in both)
    assert torch.equal(of_one, of_two)
    for site in sites:
        assert torch.equal(one[site], two[site]), str(site)
        assert one[site].any() or site.kind == "hidden", str(site)
    push = torch.randn(plain.width, generator=torch.Generator().manual_seed(0))
    pushed = []
    for model in both:
        with torch.no_grad(), edit(model, {model.site(1): lambda h: h + push, model.site(2, "mlp"): lambda h: 2 * h}):
            pushed.append(forward(model, inputs).logits)
    assert torch.equal(*pushed)
    with torch.no_grad():
        assert not torch.equal(pushed[0], forward(plain, inputs).logits)
    assert hooks(spread) == before
    assert torch.equal(*(logits_at(model, two[plain.site(1)]) for model in both))
    assert promoted(plain, push[None]) == promoted(spread, push[None])


def test_weights_on_disk_are_let_go_after_each_pass(both: tuple[Model, Model]) -> None:
    _, spread = both
    inputs = inputs_of(spread)
    there = sum(parameter.is_meta for parameter in spread.network.parameters())
    for site in (spread.site(1), spread.site(2, "before"), spread.site(1, "mlp")):
        record(spread, inputs, [site])
        gradients(spread, inputs, [site], of_last)
        assert sum(parameter.is_meta for parameter in spread.network.parameters()) == there


def test_texts_are_written_as_in_one_place(home: Path, tmp_path: Path) -> None:
    directory = tiny_directory(tmp_path, "llama")
    plain, spread = open_model(str(directory)), open_model(str(directory), places=some_on_disk(directory))
    ids = plain.tokenizer(TEXTS[0])["input_ids"]
    rows = [[], [push(plain, 4.0)]]
    one, two = (written(stream(model, [ids, ids], rows, Decoding(max_new_tokens=12))) for model in (plain, spread))
    assert one == two
    assert one[0] != one[1]
    stores = [record_texts(model, TEXTS, [model.site(1)])[0] for model in (plain, spread)]
    assert stores[1].cached  # the same weights on the same kind of device: the same numbers


def test_what_does_not_fit_is_left_on_disk(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = str(tiny_directory(tmp_path, "llama"))
    plain = open_model(directory)
    whole = open_model(directory, device="spread")
    assert not places_of(whole.network)  # all of it fits
    half = needs_module.PROGRAM + needs_module.READING + int(0.7 * needs_of(directory).weights)
    monkeypatch.setattr(needs_module, "_free", lambda _: half)
    spread = open_model(directory, device="spread")
    assert "disk" in places_of(spread.network).values()
    site, inputs = plain.site(3), inputs_of(plain)
    assert torch.equal(record(plain, inputs, [site])[site], record(spread, inputs, [site])[site])
    assert torch.equal(record(plain, inputs, [site])[site], record(whole, inputs, [site])[site])


def test_another_precision_than_the_files_is_read_from_disk_too(home: Path, tmp_path: Path) -> None:
    directory = tiny_directory(tmp_path, "llama")
    places = some_on_disk(directory)
    plain, spread = (open_model(str(directory), dtype="bfloat16", places=one) for one in (None, places))
    site, inputs = plain.site(3), inputs_of(plain)
    assert torch.equal(record(plain, inputs, [site])[site], record(spread, inputs, [site])[site])


def test_needs_count_all_places(home: Path, tmp_path: Path) -> None:
    directory = str(tiny_directory(tmp_path, "llama"))
    needs = needs_of(directory, device="spread")
    assert (needs.device, needs.weights) == ("spread", needs_of(directory, device="cpu").weights)
    assert needs.free <= needs_of(directory, device="cpu").free


def test_what_cannot_be_spread_gets_a_sentence(home: Path, tmp_path: Path) -> None:
    directory = tiny_directory(tmp_path, "llama")
    places = some_on_disk(directory)
    spread = open_model(str(directory), places=places)
    with pytest.raises(UserError, match="needs all weights in one place"):
        neurons_of(spread, 1)
    with pytest.raises(UserError, match=r"no device 'cuda:7'"):
        open_model(str(directory), places={"": 7})
    moe = tiny_directory(tmp_path, "mixtral")
    with pytest.raises(UserError, match="cannot be left on disk; choose a smaller precision"):
        open_model(str(moe), places={"model": "disk", "lm_head": "cpu"})
    parser = arguments.Parser()
    arguments.add_model(parser)
    arguments.add_engine(parser)
    with pytest.raises(UserError, match="each worker holds the whole model"):
        arguments.engine_of(parser.parse_args([str(directory), "--engine", "ray", "--device", "spread"]))


def test_a_gguf_file_and_an_adapter_on_disk_are_refused(home: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    from core.models.spread import check_spread

    directory = tiny_directory(tmp_path, "llama")
    with pytest.raises(UserError, match="is a GGUF file, which is opened in one place"):
        check_spread(replace(find_source(str(directory)), gguf="model.gguf"), None, False)
    network = AutoModelForCausalLM.from_pretrained(directory)
    get_peft_model(network, LoraConfig(target_modules=["q_proj"], r=2)).save_pretrained(tmp_path / "adapter")
    config = tmp_path / "adapter" / "adapter_config.json"
    assert str(directory) in config.read_text()
    with pytest.raises(UserError, match="merge it into its base model first"):
        open_model(str(tmp_path / "adapter"), places=some_on_disk(directory))


@pytest.mark.parametrize("kind", ["llama", pytest.param("gpt2", marks=pytest.mark.slow)])
def test_over_two_gpus_all_that_is_read_and_pushed_meets_on_the_first(kind: str, home: Path, tmp_path: Path) -> None:
    # In a process of its own, since torch keeps a device that it was told of for ever.
    program = [sys.executable, "-m", "tests.pretended_gpus", str(tiny_directory(tmp_path, kind))]
    answer = subprocess.run(program, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert answer.stdout.split() == ["found", "read", "differentiated", "pushed", "worded"]


def test_a_model_for_images_is_opened_in_one_place() -> None:
    with pytest.raises(UserError, match="opened in one place"):
        open_image_model("efficientnet-lite0", device="spread")

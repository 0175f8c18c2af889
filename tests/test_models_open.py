"""Models are opened from every kind of place, safely, and refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from core.errors import UserError
from core.models import Model, batch, list_models, open_model, record, tokenize
from tests.tiny import tiny_directory


@pytest.fixture
def directory(home: Path, tmp_path: Path) -> Path:
    return tiny_directory(tmp_path, "llama")


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_bundled_model_is_what_the_design_says(smollm2: Model) -> None:
    assert (smollm2.n_layers, smollm2.width, smollm2.dtype_name) == (30, 576, "float32")
    assert str(smollm2.site(13)) == "model.layers.13 output"
    assert not smollm2.network.training
    assert not any(parameter.requires_grad for parameter in smollm2.network.parameters())


def test_a_directory_opens_and_is_remembered(directory: Path) -> None:
    model = open_model(str(directory))
    found = {info.id: info for info in list_models()}
    assert found[str(directory)].layers == model.n_layers
    assert found[str(directory)].width == model.width
    assert found["smollm2"].ready is False


def test_device_and_dtype_are_as_asked(directory: Path) -> None:
    assert open_model(str(directory), dtype="bfloat16").network.dtype == torch.bfloat16
    with pytest.raises(UserError, match="no device 'tpu'"):
        open_model(str(directory), device="tpu")
    for odd in ("cpu:foo", "cuda:99"):
        with pytest.raises(UserError, match="no device"):
            open_model(str(directory), device=odd)
    with pytest.raises(UserError, match="no dtype 'int3'"):
        open_model(str(directory), dtype="int3")


def test_the_fingerprint_follows_weights_config_and_tokenizer(directory: Path, tmp_path: Path) -> None:
    first = open_model(str(directory)).fingerprint
    assert open_model(str(directory)).fingerprint == first
    again = tmp_path / "copy"
    again.mkdir()
    assert open_model(str(tiny_directory(again, "llama"))).fingerprint == first
    rewrite(directory / "config.json", rms_norm_eps=1e-4)
    assert open_model(str(directory)).fingerprint != first
    other = tmp_path / "other"
    other.mkdir()
    assert open_model(str(tiny_directory(other, "llama", seed=1))).fingerprint != first


def test_an_adapter_opens_on_its_base_model(directory: Path, tmp_path: Path) -> None:
    base = AutoModelForCausalLM.from_pretrained(directory)
    torch.manual_seed(0)
    adapted = get_peft_model(base, LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False))
    adapted.save_pretrained(tmp_path / "adapter")
    model = open_model(str(tmp_path / "adapter"))
    plain_model = open_model(str(directory))
    assert model.layout == plain_model.layout
    assert model.fingerprint != plain_model.fingerprint
    inputs = batch(model, tokenize(model, ["The film was good."], 32))
    peft = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(directory), tmp_path / "adapter").eval()
    with torch.no_grad():
        expected = peft(**inputs, output_hidden_states=True).hidden_states
    assert torch.equal(record(model, inputs, [model.site(0)])[model.site(0)], expected[1])
    assert not torch.equal(expected[1], record(plain_model, inputs, [plain_model.site(0)])[plain_model.site(0)])


def test_an_adapter_is_never_read_from_a_pickle(directory: Path, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    base = AutoModelForCausalLM.from_pretrained(directory)
    get_peft_model(base, LoraConfig(r=4, target_modules=["q_proj"])).save_pretrained(folder)
    (folder / "adapter_model.safetensors").rename(folder / "other.safetensors")
    torch.save({}, folder / "adapter_model.bin")
    with pytest.raises(UserError, match=r"without adapter_model\.safetensors"):
        open_model(str(folder))


def test_an_adapter_upon_itself_is_refused(directory: Path, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    base = AutoModelForCausalLM.from_pretrained(directory)
    get_peft_model(base, LoraConfig(r=4, target_modules=["q_proj"])).save_pretrained(folder)
    rewrite(folder / "adapter_config.json", base_model_name_or_path=str(folder))
    with pytest.raises(UserError, match="an adapter upon an adapter"):
        open_model(str(folder))


def test_pickled_weights_are_refused(directory: Path) -> None:
    torch.save({}, directory / "pytorch_model.bin")
    (directory / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"pytorch_model\.bin but no \.safetensors"):
        open_model(str(directory))


@pytest.mark.parametrize("change", [{"attention_bias": True}, {"num_hidden_layers": 5}])
def test_a_model_whose_weights_are_not_all_there_is_refused(directory: Path, change: dict[str, object]) -> None:
    rewrite(directory / "config.json", **change)
    with pytest.raises(UserError, match=r"lacks weights that its config asks for: model\.layers\.\S+ and \d+ more"):
        open_model(str(directory))


@pytest.mark.parametrize("change", [{"num_hidden_layers": 10**30}, {"text_config": {"n_layer": -(10**9)}}])
def test_a_number_of_layers_that_no_model_has_is_refused_at_once(directory: Path, change: dict[str, object]) -> None:
    rewrite(directory / "config.json", **change)
    with pytest.raises(UserError, match="and 10,000 is the most"):
        open_model(str(directory))


def test_code_that_comes_with_a_model_never_runs(directory: Path, tmp_path: Path) -> None:
    (directory / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Model: pass\n")
    rewrite(
        directory / "config.json",
        model_type="evil",
        auto_map={"AutoModelForCausalLM": "evil.Model", "AutoConfig": "evil.Model"},
    )
    with pytest.raises(UserError, match="cannot be opened as a causal language model"):
        open_model(str(directory))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("./nowhere", "no model directory"),
        ("/nowhere/at/all", "no model directory"),
        ("nobody/nothing-of-this-name", "HF_HUB_OFFLINE is set"),
        ("not a name!", "no model directory"),
        ("", "Name a model"),
        ("~nobody-of-this-name/x", "cannot be looked at"),
        ("x" * 300, "cannot be looked at"),
    ],
)
def test_what_is_not_there_gets_a_sentence(
    home: Path, spec: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match=sentence):
        open_model(spec)


def test_damaged_files_get_a_sentence(directory: Path) -> None:
    weights = (directory / "model.safetensors").read_bytes()
    (directory / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(UserError, match="cannot be opened"):
        open_model(str(directory))
    (directory / "config.json").write_text("{not json")
    with pytest.raises(UserError):
        open_model(str(directory))


def test_layers_can_be_named_by_hand(directory: Path) -> None:
    assert open_model(str(directory), blocks="model.layers").n_layers == open_model(str(directory)).n_layers
    with pytest.raises(UserError, match=r"model\.layers"):
        open_model(str(directory), blocks="model.no_such_list")


@pytest.mark.parametrize("kind", ["roberta", "camembert", "xlm-roberta"])
def test_a_network_that_counts_positions_from_behind_padding_takes_fewer(kind: str, home: Path, tmp_path: Path) -> None:
    model = open_model(str(tiny_directory(tmp_path, kind)))
    promised = model.network.config.max_position_embeddings
    text = "word " * 2 * promised
    ids = tokenize(model, [text], 10 * promised)
    assert len(ids[0]) == model.context_length == promised - model.network.config.pad_token_id - 1
    assert record(model, batch(model, ids), [model.site(1)])


def test_others_take_what_they_promise(home: Path, tmp_path: Path) -> None:
    for kind in ("gpt2", "opt", "llama"):
        model = open_model(str(tiny_directory(tmp_path, kind)))
        assert model.context_length == model.network.config.max_position_embeddings

"""Weights in 8 and 4 bits: another model by name, near the plain one in numbers, read and differentiated rightly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig

from core.activations import record_texts
from core.activations.recipe import make_recipe
from core.dictionaries.neurons import neurons_of
from core.errors import UserError
from core.models import Model, batch, edit, gradients, known_model, needs_of, open_model, record, tokenize
from core.models import quantised as module
from core.models.device import choose_device, choose_dtype
from core.models.quantised import QUANTISED, config_for, is_there
from core.models.recording import forward
from core.models.source import find_source
from tests.test_models_needs import OPENED
from tests.tiny import tiny_directory, tiny_tokenizer

TEXTS = ["The film was good, and we went home late.", "The capital of France is Paris.", "Nobody came."]
HERE = [
    pytest.param(name, marks=pytest.mark.skipif(not is_there(one), reason=f"needs {one.library}: make quantised"))
    for name, one in QUANTISED.items()
]
each = pytest.mark.parametrize("name", HERE)


@pytest.fixture
def directory(home: Path, tmp_path: Path) -> Path:
    return tiny_directory(tmp_path, "llama")


def inputs_of(model: Model) -> dict[str, torch.Tensor]:
    return batch(model, tokenize(model, TEXTS, 64))


@pytest.mark.parametrize("name", QUANTISED)
def test_without_the_library_one_sentence_says_how_to_get_it(
    name: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=f"{name} needs {QUANTISED[name].library}.*make quantised"):
        open_model(str(directory), device="cpu", dtype=name)
    with pytest.raises(UserError, match="make quantised"):
        needs_of(str(directory), device="cpu", dtype=name)
    assert known_model(str(directory), device="cpu", dtype=name) is None


def test_computing_is_in_what_the_device_does_well() -> None:
    cpu = choose_device("cpu")
    assert choose_dtype(cpu, "int8") is choose_dtype(cpu, "int4") is choose_dtype(cpu) is torch.float32
    with pytest.raises(UserError, match="float16, int8, int4"):
        choose_dtype(cpu, "int3")


@each
def test_nothing_of_the_plain_model_is_taken_for_the_packed_one(name: str, directory: Path) -> None:
    plain, packed = (open_model(str(directory), device="cpu", dtype=dtype) for dtype in (None, name))
    assert packed.quantised == name
    assert plain.dtype is packed.dtype is torch.float32
    assert len({plain.fingerprint, packed.fingerprint}) == 2
    keys = {
        make_recipe(m, m.site(1), TEXTS, pool="mean", all_positions=False, max_length=64, corpus="c").key
        for m in (plain, packed)
    }
    assert len(keys) == 2
    stores = [record_texts(m, TEXTS, [m.site(1)])[0] for m in (plain, packed)]
    assert not stores[1].cached
    assert not (stores[0].load() == stores[1].load()).all()
    assert record_texts(packed, TEXTS, [packed.site(1)])[0].cached
    known = known_model(str(directory), device="cpu", dtype=name)
    assert known is not None
    assert (known.fingerprint, known.dtype_name) == (packed.fingerprint, packed.dtype_name)
    assert open_model(str(directory), device="cpu").fingerprint == plain.fingerprint


@each
def test_another_version_of_the_library_is_another_model(
    name: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_model(str(directory), device="cpu", dtype=name).fingerprint
    monkeypatch.setattr(module, "release", lambda _: "0.0.1")
    assert open_model(str(directory), device="cpu", dtype=name).fingerprint != before


@each
@pytest.mark.parametrize("kind", ["llama", "gpt_neox", "gemma3_text", "opt"])
def test_what_is_recorded_is_what_plain_transformers_computes(name: str, kind: str, home: Path, tmp_path: Path) -> None:
    model = open_model(str(tiny_directory(tmp_path, kind)), device="cpu", dtype=name)
    theirs = AutoModelForCausalLM.from_pretrained(
        find_source(str(tmp_path / kind)).directory,
        dtype=torch.float32,
        quantization_config=config_for(name, torch.device("cpu"), torch.float32),
        device_map={"": "cpu"},
    ).eval()
    module.made_differentiable(theirs)
    inputs = inputs_of(model)
    with torch.no_grad():
        expected = theirs(**inputs, output_hidden_states=True).hidden_states
    sites = [model.site(layer) for layer in range(model.n_layers - 1)]
    found = record(model, inputs, sites)
    for layer, site in enumerate(sites):
        assert torch.equal(found[site], expected[layer + 1]), str(site)


@each
@pytest.mark.parametrize("kind", ["llama", "gpt_neox", "gemma3_text", "olmo2"])
def test_sites_are_found_as_in_the_plain_model(name: str, kind: str, home: Path, tmp_path: Path) -> None:
    directory = str(tiny_directory(tmp_path, kind))
    plain, packed = (open_model(directory, device="cpu", dtype=dtype) for dtype in (None, name))
    assert packed.layout == plain.layout


@each
def test_a_token_depends_on_nothing_else_in_its_batch(name: str, directory: Path) -> None:
    model = open_model(str(directory), device="cpu", dtype=name)
    site = model.site(2)
    together = record(model, inputs_of(model), [site])[site]
    for row, text in enumerate(TEXTS):
        alone = record(model, batch(model, tokenize(model, [text], 64)), [site])[site][0]
        assert (together[row, : len(alone)] - alone).norm() < 1e-5 * alone.norm()


@each
def test_gradients_are_those_of_what_was_computed(name: str, directory: Path) -> None:
    model = open_model(str(directory), device="cpu", dtype=name)
    inputs, site = inputs_of(model), model.site(1)
    # After a pass without gradients, which is when bitsandbytes would repack its weights.
    h = record(model, inputs, [site])[site]

    def scalar(output: object) -> torch.Tensor:
        return output.logits[:, -1, 5] - output.logits[:, -1, 9]  # type: ignore[attr-defined]

    values, found = gradients(model, inputs, [site], scalar)
    with torch.no_grad():
        assert torch.allclose(values, scalar(forward(model, inputs)), atol=1e-6)
    step = found[site] / found[site].norm(dim=(1, 2), keepdim=True) * h.norm(dim=(1, 2), keepdim=True) * 1e-3
    ends = []
    for sign in (1, -1):
        with torch.no_grad(), edit(model, {site: lambda h, s=sign: h + s * step}):
            ends.append(scalar(forward(model, inputs)))
    slope = (ends[0] - ends[1]) / 2
    assert slope == pytest.approx((found[site] * step).sum(dim=(1, 2)), rel=0.02)


@each
def test_the_bundled_model_is_near_its_plain_self(name: str, home_with_model: Path, smollm2: Model) -> None:
    model = open_model("smollm2", device="cpu", dtype=name)
    inputs = inputs_of(model)
    with torch.no_grad():
        ours, plain = (forward(one, inputs).logits[0].log_softmax(-1) for one in (model, smollm2))
    apart = float((plain.exp() * (plain - ours)).sum(-1).mean())  # nats
    # Measured .004 and .4: 4 bits cost a model of 135 million parameters dearly.
    assert 0 < apart < {"int8": 0.02, "int4": 1.0}[name]


@each
def test_an_adapter_sits_on_it(name: str, directory: Path, tmp_path: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(directory)
    config = LoraConfig(target_modules=["q_proj", "v_proj"], r=4, init_lora_weights=False)
    get_peft_model(network, config).save_pretrained(tmp_path / "adapter")
    (tmp_path / "adapter" / "adapter_config.json").write_text(
        (tmp_path / "adapter" / "adapter_config.json")
        .read_text()
        .replace('"base_model_name_or_path": null', f'"base_model_name_or_path": "{directory}"')
    )
    base, worn = (open_model(str(path), device="cpu", dtype=name) for path in (directory, tmp_path / "adapter"))
    site = worn.site(2)
    one, two = (record(model, inputs_of(model), [site])[site] for model in (base, worn))
    assert not torch.allclose(one, two)
    plain = open_model(str(tmp_path / "adapter"), device="cpu")
    three = record(plain, inputs_of(plain), [site])[site]
    assert (two - three).norm() < {"int8": 0.05, "int4": 0.3}[name] * three.norm()


@each
def test_what_reads_the_weights_themselves_is_refused(name: str, directory: Path) -> None:
    model = open_model(str(directory), device="cpu", dtype=name)
    with pytest.raises(UserError, match=f"dictionary of neurons needs plain weights.*{name}"):
        neurons_of(model, 1)


@pytest.mark.skipif(not is_there(QUANTISED["int8"]), reason="needs torchao: make quantised")
def test_a_network_without_linear_layers_is_refused(home: Path, tmp_path: Path) -> None:
    # GPT-2 keeps its matrices in modules of its own, which torchao leaves as they are.
    with pytest.raises(UserError, match="no linear layers that can be kept in int8"):
        open_model(str(tiny_directory(tmp_path, "gpt2")), device="cpu", dtype="int8")


@each
@pytest.mark.parametrize("kind", ["llama", "gpt_neox", "mixtral"])
def test_the_bytes_are_told_beforehand(name: str, kind: str, home: Path, tmp_path: Path) -> None:
    directory = str(tiny_directory(tmp_path, kind))
    network = open_model(directory, device="cpu", dtype=name).network
    there = 0
    for parameter in network.parameters():
        parts = [getattr(parameter, part, None) for part in ("qdata", "scale")]  # torchao's
        state = getattr(parameter, "quant_state", None)  # bitsandbytes'
        parts = [part for part in parts if part is not None] or [parameter.data]
        parts += [] if state is None else [state.absmax]
        there += sum(part.numel() * part.element_size() for part in parts)
    there += sum(buffer.numel() * buffer.element_size() for buffer in network.buffers())
    needs = needs_of(directory, device="cpu", dtype=name)
    assert needs.dtype == name
    assert needs.weights == pytest.approx(there, rel=0.02)
    assert needs.weights < needs_of(directory, device="cpu", dtype="float32").weights


@pytest.mark.slow
@each
def test_the_peak_is_within_a_fifth(name: str, home: Path, tmp_path: Path) -> None:
    """Of a model of 415 million parameters with matrices as large as those of 7 billion have them."""
    config = LlamaConfig(num_hidden_layers=2, hidden_size=4096, intermediate_size=11008, vocab_size=1024)
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(tmp_path / "wide")
    tiny_tokenizer().save_pretrained(tmp_path / "wide")
    directory = str(tmp_path / "wide")
    told = needs_of(directory, device="cpu", dtype=name).peak
    answer = subprocess.run([sys.executable, "-c", OPENED, directory, name], capture_output=True, text=True, check=True)
    measured = int(answer.stdout.split()[-1])
    print(f"{name}: told {told / 2**20:.0f} MiB, measured {measured / 2**20:.0f} MiB")
    assert told / measured == pytest.approx(1, abs=0.2)

"""Which model a dictionary belongs to, and where: the table of hook names, widths, names."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.dictionaries.card import Card
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.fitting import NotSure, fitted, same_model
from core.dictionaries.formats.legacy import modernised
from core.dictionaries.hook_names import site_named
from core.dictionaries.sae import Sae
from core.dictionaries.sae.config import Config, Unfit
from core.errors import UserError
from core.models import Model, batch, open_model, record, tokenize
from tests.tiny import INNER, WIDTH, tiny_directory


def sae(width: int, out: int | None = None) -> Sae:
    architecture = "standard" if out is None else "transcoder"
    config = Config(architecture, width, 8, width if out is None else out, apply_b_dec_to_input=out is None)
    return Sae(config, {name: torch.zeros(shape) for name, shape in config.shapes().items()})


def named(width: int = WIDTH, out: int | None = None, **metadata: object) -> Dictionary:
    return Dictionary("d", sae(width, out), Card(), metadata=metadata)


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("blocks.2.hook_resid_post", "model.layers.2 output"),
        ("blocks.2.hook_resid_pre", "model.layers.1 output"),
        ("blocks.0.hook_resid_pre", "model.layers.0 input"),
        ("blocks.1.hook_mlp_out", "model.layers.1.mlp output"),
        ("blocks.1.hook_attn_out", "model.layers.1.self_attn output"),
        ("blocks.1.mlp.hook_post", "model.layers.1.mlp.down_proj input"),
        ("blocks.1.attn.hook_z", "model.layers.1.self_attn.o_proj input"),
        ("blocks.1.hook_mlp_in", "model.layers.1.mlp input"),
        ("blocks.1.mlp.hook_in", "model.layers.1.mlp input"),
        ("blocks.1.mlp.hook_out", "model.layers.1.mlp output"),
        ("blocks.1.attn.hook_out", "model.layers.1.self_attn output"),
        ("model.layers.3", "model.layers.3 output"),
        ("model.layers.3.mlp", "model.layers.3.mlp output"),
        ("model.layers.3.mlp.down_proj", "model.layers.3.mlp.down_proj output"),
        ("model.layers.3 output", "model.layers.3 output"),
        ("model.layers.3.self_attn.q_proj", "model.layers.3.self_attn.q_proj output"),
    ],
)
def test_names_of_others(name: str, site: str, tiny: Model) -> None:
    assert str(site_named(name, tiny).site) == site


def test_the_pre_hook_reads_what_the_layer_before_wrote(tiny: Model) -> None:
    inputs = batch(tiny, tokenize(tiny, ["The film was good."], 16))
    pre = site_named("blocks.2.hook_resid_pre", tiny).site
    entering = tiny.site(2, "before")
    found = record(tiny, inputs, [pre, entering])
    assert torch.equal(found[pre], found[entering])


def test_heads_side_by_side_in_gpt2(tmp_path: Path, home: Path) -> None:
    model = open_model(str(tiny_directory(tmp_path, "gpt2")))
    assert str(site_named("blocks.1.attn.hook_z", model).site) == "transformer.h.1.attn.c_proj input"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("blocks.9.hook_resid_post", "only 4 layers"),
        ("blocks.1.hook_resid_mid", "no single module"),
        ("transformer.h.1", "no module of the model"),
        ("model.layers.1 middle", "no module of the model"),
        ("", "no module of the model"),
    ],
)
def test_names_that_are_nothing_here(name: str, sentence: str, tiny: Model) -> None:
    with pytest.raises(Unfit, match=sentence):
        site_named(name, tiny)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("smollm2", "HuggingFaceTB/SmolLM2-135M-Instruct", True),
        ("gpt2-small", "openai-community/gpt2", True),
        ("gemma-2-2b", "google/gemma-2-2b", True),
        ("gemma-2-2b", "google/gemma-2-2b-it", False),
        ("gpt2", "gpt2-medium", False),
    ],
)
def test_names_of_one_model(one: str, other: str, same: bool) -> None:
    assert same_model(one, other) is same
    assert same_model(other, one) is same


def test_bound_to_its_model(tiny: Model) -> None:
    bound = fitted(named(model_name=tiny.id, hook_name="blocks.2.hook_resid_pre"), tiny)
    card = bound.card
    assert (card.model_id, card.model_fingerprint, card.layer) == (tiny.id, tiny.fingerprint, 1)
    assert card.reads == card.rebuilds == card.writes_to == tiny.site(1)
    assert fitted(bound, tiny).card == card


def test_a_width_that_does_not_fit_is_refused_with_both(tiny: Model) -> None:
    with pytest.raises(UserError, match=f"width {WIDTH + 1}, and model.layers.2 output has width {WIDTH}"):
        fitted(named(WIDTH + 1, model_name=tiny.id, hook_name="blocks.2.hook_resid_post"), tiny, accept=True)
    fitted(named(INNER, model_name=tiny.id, hook_name="blocks.2.mlp.hook_post"), tiny)


def test_names_that_do_not_match_are_asked_about(tiny: Model) -> None:
    other = named(model_name="gpt2", hook_name="blocks.2.hook_resid_post")
    with pytest.raises(NotSure, match="trained on 'gpt2'") as error:
        fitted(other, tiny)
    assert len(error.value.questions) == 1
    assert fitted(other, tiny, accept=True).card.model_id == tiny.id
    with pytest.raises(NotSure, match="do not say which model"):
        fitted(named(hook_name="blocks.2.hook_resid_post"), tiny)
    with pytest.raises(UserError, match="at which layer"):
        fitted(named(model_name=tiny.id), tiny)
    assert fitted(named(model_name=tiny.id), tiny, at=tiny.site(3)).card.layer == 3


def test_another_models_dictionary_is_asked_about(tiny: Model, tmp_path: Path, home: Path) -> None:
    bound = fitted(named(model_name=tiny.id, hook_name="blocks.2.hook_resid_post"), tiny)
    sister = open_model(str(tiny_directory(tmp_path, "llama", seed=1)))
    with pytest.raises(NotSure, match="It was made on"):
        fitted(bound, sister)


def test_transcoders_name_what_they_rebuild(tiny: Model) -> None:
    names = {"model_name": tiny.id, "hook_name": "blocks.1.mlp.hook_in"}
    bound = fitted(named(out=WIDTH, **names, hook_name_out="blocks.1.hook_mlp_out"), tiny)
    assert str(bound.card.reads) == "model.layers.1.mlp input"
    assert bound.card.rebuilds == bound.card.writes_to == tiny.site(1, "mlp")
    with pytest.raises(NotSure, match="do not name its output"):
        fitted(named(out=WIDTH, **names), tiny)
    with pytest.raises(NotSure, match="its gain is folded in"):
        fitted(named(out=WIDTH, **{**names, "hook_name": "blocks.1.ln2.hook_normalized"}), tiny)
    with pytest.raises(NotSure, match="stream before the MLP's norm"):
        fitted(named(out=WIDTH, **{**names, "hook_name": "blocks.1.hook_mlp_in"}), tiny)


@pytest.mark.parametrize("architecture", ["gemma2", "gemma3_text", "olmo2", "llama", "gpt2"])
def test_what_a_transcoder_reads_goes_into_the_mlp_and_not_into_a_norm_behind_it(
    architecture: str, tmp_path: Path, home: Path
) -> None:
    model = open_model(str(tiny_directory(tmp_path, architecture)))
    inputs = batch(model, tokenize(model, ["The film was good."], 16))
    mlp = next(module for path, module in model.network.named_modules() if path.endswith(".1.mlp"))
    seen: list[torch.Tensor] = []
    handle = mlp.register_forward_hook(lambda _m, given, out: seen.extend((given[0].clone(), out.clone())))
    with torch.no_grad():
        model.network(**inputs)
    handle.remove()
    for hook in ("mlp.hook_in", "hook_mlp_in", "ln2.hook_normalized", "mlp.hook_out"):
        site = site_named(f"blocks.1.{hook}", model).site
        torch.testing.assert_close(record(model, inputs, [site])[site], seen[1 if hook == "mlp.hook_out" else 0])
    assert site_named("blocks.1.hook_mlp_out", model).site == model.site(1, "mlp")


@pytest.mark.parametrize("architecture", ["opt", "bert"])
def test_an_mlp_that_is_no_module_has_no_input(architecture: str, tmp_path: Path, home: Path) -> None:
    model = open_model(str(tiny_directory(tmp_path, architecture)))
    with pytest.raises(Unfit, match="no module of its own"):
        site_named("blocks.1.mlp.hook_in", model)


def test_an_mlp_of_experts_has_one(tmp_path: Path, home: Path) -> None:
    model = open_model(str(tiny_directory(tmp_path, "mixtral")))
    assert str(site_named("blocks.1.mlp.hook_in", model).site) == "model.layers.1.mlp input"


def test_attention_behind_which_a_norm_stands_has_no_output_of_its_own(tmp_path: Path, home: Path) -> None:
    model = open_model(str(tiny_directory(tmp_path, "gemma2")))
    with pytest.raises(Unfit, match="has a norm"):
        site_named("blocks.1.attn.hook_out", model)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"corpus": {"corpus": "c" * 24, "texts": 3}}, "held out of its training"),
        ({"corpus": {"examples": "mine"}}, "is not known"),
        ({"corpus": {"file": "x.txt"}}, "is not known"),
        ({"corpus": "odd"}, "is not known"),
        ({}, "is not known"),
        ({"method": "neurons"}, "nothing of it was trained"),
    ],
)
def test_texts_are_called_held_out_only_of_what_was_trained_without_them(recipe: dict[str, object], said: str) -> None:
    assert said in Card(recipe=recipe).held_out


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"center_writing_weights": True}, "center_writing_weights"),
        ({"fold_ln": True, "center_unembed": False, "dtype": "bfloat16"}, "opened for it with fold_ln:"),
        ({"revision": "step1000"}, "revision"),
        ({"center_writing_weights": False, "dtype": "float16", "n_devices": 2}, ""),
        ({}, ""),
        (None, ""),
        ("odd", ""),
    ],
)
def test_a_model_that_was_opened_with_changed_weights_is_asked_about(given: object, asked: str, tiny: Model) -> None:
    values = {"architecture": "standard", "hook_point": "blocks.2.hook_resid_post", "model_name": tiny.id}
    metadata = modernised({**values, "model_from_pretrained_kwargs": given})["metadata"]
    if not asked:
        fitted(named(**metadata), tiny)
        return
    with pytest.raises(NotSure, match=asked) as error:
        fitted(named(**metadata), tiny)
    assert len(error.value.questions) == 1
    fitted(named(**metadata), tiny, accept=True)

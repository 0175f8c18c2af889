import copy
from collections.abc import Iterator
from functools import partial

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

from core.errors import UserError
from core.models.layout import Layout, find_layout
from core.models.trace import Call, hooked, token_ids, watch
from tests.tiny import INNER, LAYERS, NAMED, WIDTH, tiny_model

# List of layers, attention output, MLP output, down projection, final norm, unembedding, embedding: read from the
# source code of each architecture.
EXPECTED = {
    "gpt2": ("transformer.h", "attn", "mlp", "mlp.c_proj", "transformer.ln_f", "lm_head", "transformer.wte"),
    "gpt_neox": (
        *("gpt_neox.layers", "attention", "mlp", "mlp.dense_4h_to_h"),
        *("gpt_neox.final_layer_norm", "lm_head", "gpt_neox.embed_in"),
    ),
    "opt": (
        *("model.decoder.layers", "self_attn", "fc2", "fc2"),
        *("model.decoder.final_layer_norm", "lm_head", "model.decoder.embed_tokens"),
    ),
    # Attention and MLP add the stream themselves: what they add is the output of their projections.
    "bloom": (
        *("transformer.h", "self_attention.dense", "mlp.dense_4h_to_h", "mlp.dense_4h_to_h"),
        *("transformer.ln_f", "lm_head", "transformer.word_embeddings"),
    ),
    "falcon": (
        *("transformer.h", "self_attention", "mlp", "mlp.dense_4h_to_h"),
        *("transformer.ln_f", "lm_head", "transformer.word_embeddings"),
    ),
    **dict.fromkeys(
        ["phi3", "llama", "mistral", "qwen3", "granite"],
        ("model.layers", "self_attn", "mlp", "mlp.down_proj", "model.norm", "lm_head", "model.embed_tokens"),
    ),
    "mixtral": ("model.layers", "self_attn", "mlp", None, "model.norm", "lm_head", "model.embed_tokens"),
    **dict.fromkeys(
        ["gemma3_text", "olmo2"],
        (
            *("model.layers", "post_attention_layernorm", "post_feedforward_layernorm", "mlp.down_proj"),
            *("model.norm", "lm_head", "model.embed_tokens"),
        ),
    ),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny tensors: threads would only wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def calls_of(network: nn.Module, layout: Layout) -> dict[str, Call]:
    paths = {*layout.blocks, *layout.attention, *layout.mlp, *layout.hidden} - {None}
    ids = token_ids(network, 2, 9)
    with torch.no_grad():
        calls = watch([(path, network.get_submodule(path)) for path in paths], lambda: network(input_ids=ids))
    return {call.path: call for call in calls}


def close(one: Tensor, two: Tensor, to: Tensor) -> bool:
    return bool((one - two).norm() <= 1e-5 * to.norm())


@pytest.mark.parametrize("name", NAMED)
def test_every_site_is_found(name: str) -> None:
    layout = find_layout(tiny_model(name))
    layers, attention, mlp, hidden, *ends = EXPECTED[name]
    assert layout.blocks == tuple(f"{layers}.{n}" for n in range(LAYERS))
    assert layout.attention == tuple(f"{layers}.{n}.{attention}" for n in range(LAYERS))
    assert layout.mlp == tuple(f"{layers}.{n}.{mlp}" for n in range(LAYERS))
    assert layout.hidden == tuple(f"{layers}.{n}.{hidden}" if hidden else None for n in range(LAYERS))
    assert [layout.final_norm, layout.unembedding, layout.embedding] == ends
    assert layout.width == WIDTH


@pytest.mark.parametrize("name", NAMED)
def test_a_block_adds_attention_and_mlp_to_the_stream(name: str) -> None:
    network = tiny_model(name, seed=1)
    if name != "mixtral":  # whose experts do not run in float64
        network = network.double()
    layout = find_layout(network)
    calls = calls_of(network, layout)
    scale = getattr(network.config, "residual_multiplier", 1.0)
    for n, block in enumerate(layout.blocks):
        added = calls[block].output - calls[block].input
        attention = calls[layout.attention[n]].output
        mlp = calls[layout.mlp[n]].output.reshape(added.shape)  # OPT's sees all tokens of the batch in one row
        assert close(added, scale * (attention + mlp), to=attention)
        assert close(added, scale * (attention + mlp), to=mlp)
        if layout.hidden[n]:
            inner = 4 * WIDTH if name in ("gpt2", "bloom", "falcon") else INNER
            assert calls[layout.hidden[n]].input.reshape(2, 9, -1).shape[-1] == inner


def test_a_scaled_sum_is_still_taken_apart() -> None:
    network = tiny_model("granite")
    for block in network.model.layers:
        block.residual_multiplier = 0.22
    layout = find_layout(network)
    assert (layout.attention[0], layout.mlp[0]) == ("model.layers.0.self_attn", "model.layers.0.mlp")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("name", NAMED)
def test_rounding_does_not_change_what_is_found(name: str, dtype: torch.dtype) -> None:
    network = tiny_model(name)
    layout = find_layout(network)
    assert find_layout(network.to(dtype)) == layout


def test_every_path_can_be_opened_under_an_adapter() -> None:
    network = get_peft_model(tiny_model("llama"), LoraConfig(target_modules=["q_proj", "down_proj"], r=2))
    layout = find_layout(network)
    assert layout.blocks[0] == "base_model.model.model.layers.0"
    assert layout.hidden[0] == "base_model.model.model.layers.0.mlp.down_proj"
    for path in (*layout.blocks, *layout.attention, *layout.mlp, *layout.hidden, layout.final_norm, layout.unembedding):
        assert network.get_submodule(path)


def snapshot(network: nn.Module) -> tuple[dict, list, Tensor]:
    state = {name: tensor.clone() for name, tensor in [*network.named_parameters(), *network.named_buffers()]}
    hooks = [
        (module.training, len(module._forward_hooks), len(module._forward_pre_hooks)) for module in network.modules()
    ]
    return state, hooks, torch.get_rng_state()


def same(one: tuple, two: tuple) -> bool:
    equal = one[0].keys() == two[0].keys() and all(torch.equal(one[0][name], two[0][name]) for name in one[0])
    return equal and one[1] == two[1] and torch.equal(one[2], two[2])


@pytest.mark.parametrize("name", ["gpt2", "mixtral", "bloom", "reformer"])
def test_the_network_is_left_as_it_was(name: str) -> None:
    network = tiny_model(name).train()
    network.get_submodule(find_layout(network).blocks[1]).eval()
    before = snapshot(network)
    find_layout(network)
    assert same(before, snapshot(network))


@pytest.mark.parametrize("after", [0, 1, 4])
def test_the_network_is_left_as_it_was_when_it_breaks(after: int) -> None:
    network = tiny_model("llama").train()
    calls = iter(range(after))

    def breaks(_module: nn.Module, _args: tuple) -> None:
        if next(calls, None) is None:
            raise RuntimeError("out of memory\nand more")

    with hooked([partial(network.model.layers[2].mlp.register_forward_pre_hook, breaks)]):
        before = snapshot(network)
        with pytest.raises((UserError, RuntimeError), match="out of memory"):
            find_layout(network)
        assert same(before, snapshot(network))


def test_the_whole_network_runs_only_once() -> None:
    network = tiny_model("llama")
    runs: list[int] = []
    with hooked([partial(network.lm_head.register_forward_pre_hook, lambda *_: runs.append(1))]):
        find_layout(network)
    assert len(runs) == 1


def test_the_list_can_be_named_by_hand() -> None:
    network = tiny_model("gpt2")
    assert find_layout(network, "transformer.h") == find_layout(network)
    assert len(find_layout(tiny_model("xlm"), "transformer.ffns").blocks) == LAYERS


def test_a_wrong_name_is_answered_with_the_lists_there_are() -> None:
    with pytest.raises(UserError, match=r"no list of layers called 'model.layers'; .* transformer\.h \(4 modules\)\.$"):
        find_layout(tiny_model("gpt2"), "model.layers")


def test_a_list_that_holds_no_layers_is_refused() -> None:
    network = tiny_model("llama")
    network.spare = nn.ModuleList([nn.Linear(2, 2)])
    with pytest.raises(UserError, match=r"'spare' do not each take and return a residual stream"):
        find_layout(network, "spare")


def test_a_network_without_blocks_is_refused_with_a_way_out() -> None:
    with pytest.raises(
        UserError, match=r"No list of layers .* name its list by hand .*transformer\.attentions \(4 modules\)"
    ):
        find_layout(tiny_model("xlm"))


class Plum(nn.Module):
    """Adds a moving average over the tokens and, at the same time, an MLP. No name says what is what."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c, self.d = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(24, 8), nn.Linear(8, 8)

    def forward(self, hidden_states: Tensor) -> Tensor:
        x = self.a(hidden_states)
        count = torch.arange(1, x.shape[1] + 1)[:, None]
        return hidden_states + self.c(self.b(x).relu()) + 0.5 * self.d(x.cumsum(1) / count)


class Orchard(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.seed, self.juice = nn.Embedding(50, 8), nn.Linear(8, 50)
        self.basket = nn.ModuleDict({"rows": nn.ModuleList([Plum() for _ in range(3)])})
        self.weeds = nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])  # called, but each on the same thing

    def get_input_embeddings(self) -> nn.Module:
        return self.seed

    def get_output_embeddings(self) -> nn.Module:
        return self.juice

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.seed(input_ids)
        y = x + sum(weed(x) for weed in self.weeds)
        for plum in self.basket["rows"]:
            y = plum(y)
        return self.juice(y)


def test_names_mean_nothing() -> None:
    torch.manual_seed(0)
    assert find_layout(Orchard()) == Layout(
        blocks=tuple(f"basket.rows.{n}" for n in range(3)),
        attention=tuple(f"basket.rows.{n}.d" for n in range(3)),
        mlp=tuple(f"basket.rows.{n}.c" for n in range(3)),
        hidden=tuple(f"basket.rows.{n}.c" for n in range(3)),
        final_norm=None,
        unembedding="juice",
        embedding="seed",
        width=8,
    )


def test_blocks_that_differ_are_told_apart() -> None:
    network = tiny_model("nemotron_h")
    layout = find_layout(network)
    for n, kind in enumerate(network.config.layers_block_type):
        mixes = kind in ("linear_attention", "full_attention")
        assert layout.attention[n] == (f"model.layers.{n}.mixer" if mixes else None)
        assert layout.mlp[n] == (None if mixes else f"model.layers.{n}.mixer")
        assert layout.hidden[n] == (f"model.layers.{n}.mixer.down_proj" if kind == "mlp" else None)


def test_layers_that_stand_still_are_layers_without_sites() -> None:
    network = tiny_model("mllama")
    layout = find_layout(network)
    still = set(network.config.get_text_config().cross_attention_layers)
    assert len(layout.blocks) == LAYERS
    assert [site is None for site in layout.attention] == [n in still for n in range(LAYERS)]


def test_two_copies_give_one_layout() -> None:
    network = tiny_model("qwen3")
    assert find_layout(copy.deepcopy(network)) == find_layout(network)

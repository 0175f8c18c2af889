"""Tiny random language models of any architecture that transformers knows, for tests.

Nothing is downloaded: a config class gets small values for whatever common size names it has, and the model is
built from it with random weights.
"""

from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

# Those which must work, and which the fast tests go through.
NAMED = (
    *("gpt2", "gpt_neox", "opt", "bloom", "falcon", "phi3", "llama", "mistral", "mixtral", "qwen3"),
    *("gemma3_text", "olmo2", "granite"),
)

WIDTH, LAYERS, HEADS, KV_HEADS, HEAD, INNER, VOCAB, POSITIONS, EXPERTS = 64, 4, 4, 2, 16, 96, 320, 512, 4

SIZES: dict[str, Any] = {
    **dict.fromkeys(["hidden_size", "hidden_size_global", "n_embd", "d_model", "emb_dim", "embedding_dim"], WIDTH),
    **dict.fromkeys(["num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_blocks"], LAYERS),
    **dict.fromkeys(["decoder_layers", "num_decoder_layers", "encoder_layers", "num_encoder_layers"], LAYERS),
    **dict.fromkeys(["num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads"], HEADS),
    **dict.fromkeys(["decoder_attention_heads", "encoder_attention_heads"], HEADS),
    **dict.fromkeys(["num_decoder_attention_heads", "num_encoder_attention_heads"], HEADS),
    **dict.fromkeys(["num_key_value_heads", "num_kv_heads"], KV_HEADS),
    **dict.fromkeys(["head_dim", "dim_head", "kv_channels", "v_head_dim", "qk_nope_head_dim", "kv_lora_rank"], HEAD),
    **dict.fromkeys(["qk_rope_head_dim", "rotary_dim", "q_lora_rank"], 8),
    "qk_head_dim": HEAD + 8,
    **dict.fromkeys(["index_n_heads", "indexer_n_heads", "index_head_dim", "indexer_head_dim"], HEAD),
    **dict.fromkeys(["linear_num_key_heads", "linear_num_value_heads", "linear_num_heads"], HEADS),
    **dict.fromkeys(["linear_key_head_dim", "linear_value_head_dim", "linear_head_dim"], HEAD),
    # Recurrent layers: heads x head = twice the width, which is what `expand` = 2 asks for.
    **dict.fromkeys(["mamba_n_heads", "mamba_num_heads", "n_mamba_heads", "mamba_n_groups"], 8),
    **dict.fromkeys(["mamba_d_head", "mamba_head_dim", "mamba_headdim", "mamba_d_state", "ssm_state_size"], HEAD),
    **dict.fromkeys(["state_size", "chunk_size", "mamba_chunk_size"], HEAD),
    **dict.fromkeys(["mamba_d_ssm", "lru_width", "attention_hidden_size"], 2 * WIDTH),
    "hidden_size_per_layer_input": 8,
    **dict.fromkeys(["intermediate_size", "n_inner", "ffn_dim", "dff", "dim_ff", "ffn_hidden_size"], INNER),
    **dict.fromkeys(["decoder_ffn_dim", "encoder_ffn_dim", "d_inner"], INNER),
    **dict.fromkeys(["vocab_size", "vocab_size_per_layer_input", "decoder_vocab_size", "unpadded_vocab_size"], VOCAB),
    **dict.fromkeys(["max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"], POSITIONS),
    **dict.fromkeys(["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"], EXPERTS),
    **dict.fromkeys(["num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k"], 2),
    **dict.fromkeys(["moe_intermediate_size", "expert_ffn_hidden_size", "shared_expert_intermediate_size"], 32),
    **dict.fromkeys(["n_group", "topk_group"], 1),
    **dict.fromkeys(["bos_token_id", "decoder_start_token_id"], 0),
    "eos_token_id": 1,
    "pad_token_id": 2,
}
# None by default, though the model cannot do without.
NEVER_NONE = ("head_dim", "num_experts_per_tok", "n_routed_experts", "moe_intermediate_size")
# What some classes want beyond sizes: values that must agree with one another, or that have no default.
WISHES: dict[str, dict[str, Any]] = {
    "gpt_neo": {"attention_types": [[["global", "local"], LAYERS // 2]]},
    "mamba2": {"num_heads": 8},
    "reformer": {"is_decoder": True, "axial_pos_shape": [16, 32], "axial_pos_embds_dim": [16, 48]},
    "xmod": {"default_language": "en_XX"},
    "zamba": {
        "layers_block_type": ["linear_attention", "linear_attention", "hybrid", "hybrid"],
        **{"attention_head_dim": 2 * HEAD, "mamba_dt_rank": 4},
    },
    "zamba2": {"layers_block_type": ["linear_attention", "hybrid"] * (LAYERS // 2), "attention_head_dim": 2 * HEAD},
    "zaya": {"num_experts_per_tok": 1},
    "gemma3n_text": {"num_kv_shared_layers": 0},
    "gemma4_unified_text": {"num_kv_shared_layers": 0},
    "blt": {"encoder_hash_byte_group_vocab": 100},
    "cohere_compass_text": {
        "rope_parameters": {
            **{"full_attention": {"rope_type": "default", "rope_theta": 10000.0}},
            **{"sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}},
        }
    },
    "dbrx": {"attn_config": {"rope_theta": 10000.0, "kv_n_heads": KV_HEADS, "clip_qkv": 8.0}},
    "dots1": {"n_shared_experts": 1},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * (LAYERS // 2)},
    "longcat_flash": {"num_key_value_heads": HEADS, "head_dim": 8},
    "qwen4_exp_text": {
        **{"indexer_n_heads": 4, "indexer_kv_heads": 1, "indexer_head_dim": 16, "indexer_budget": 64},
        **{"indexer_compress_ratio": 4, "hc_lowrank": 16, "ngram_vocab_size_base": 100},
    },
}
LARGEST = 50_000_000  # parameters: a config that did not shrink is refused before it fills the memory


def tiny_config(name: str) -> PreTrainedConfig:
    """A small config of the model type `name` (as in `config.model_type`), made without knowing the type."""
    return _shrunk(CONFIG_MAPPING[name])


def tiny_model(name: str, seed: int = 0) -> PreTrainedModel:
    """A tiny random causal LM, float32, on the CPU, in eval mode; the global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with torch.device("meta"):
            size = sum(p.numel() for p in AutoModelForCausalLM.from_config(tiny_config(name)).parameters())
        if size > LARGEST:
            raise ValueError(f"the small config of {name} still has {size / 1e6:.0f} million parameters")
        network = AutoModelForCausalLM.from_config(tiny_config(name), dtype=torch.float32)
        for parameter in network.parameters():
            # Some matrices start at zero, and whole branches with them; no trained model has such.
            if parameter.dim() >= 2 and not parameter.any():
                torch.nn.init.normal_(parameter, std=0.02)
    return network.eval()


def tiny_directory(tmp_path: Path, name: str, seed: int = 0) -> Path:
    """A tiny model with a small real tokenizer, saved as a Hugging Face directory `tmp_path / name`."""
    directory = tmp_path / name
    tiny_model(name, seed).save_pretrained(directory)
    tiny_tokenizer().save_pretrained(directory)
    return directory


def lively_directory(tmp_path: Path, name: str, **settings: Any) -> Path:
    """As `tiny_directory`, but norms, biases and multipliers are not the ones and noughts that they begin with, and
    blocks and logits have something to say. settings: of the config, each of which must exist in it.
    """
    config = tiny_config(name)
    for key, value in settings.items():
        if not hasattr(config, key):
            raise ValueError(f"the config of {name} has no {key}")
        setattr(config, key, value)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        for parameter in network.parameters():
            if parameter.dim() == 1:
                parameter.data += 0.3 * torch.randn_like(parameter)
            else:
                parameter.data *= 20 if parameter.shape[0] == VOCAB else 6
    directory = tmp_path / f"lively-{name}-{len(settings)}"
    network.save_pretrained(directory)
    tiny_tokenizer().save_pretrained(directory)
    return directory


@cache
def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE over any text: at most `VOCAB` tokens, bos 0, eos 1, pad 2 (none is added by itself)."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", model_max_length=POSITIONS
    )


SENTENCES = (
    "The film was good and the music was better than the rest of the evening.",
    "The food was bad, the room was cold, and nobody wanted to stay for the second day.",
    "She wrote a letter to the teacher, and the teacher wrote a long letter back to her.",
    "They walked along the river until the rain began, then they ran to the station.",
    "In the morning the city is quiet; in the evening the streets are full of people.",
)


def _shrunk(cls: type[PreTrainedConfig], **given: Any) -> PreTrainedConfig:
    """`cls` with small sizes; what the class has not, or has as None by default, is left to the class."""
    defaults = {field.name: field.default for field in fields(cls) if field.default is not MISSING}
    defaults |= {name: value for name, value in given.items() if name in defaults}
    values = {name: SIZES[name] for name, default in defaults.items() if name in SIZES and default is not None}
    values |= {name: SIZES[name] for name in NEVER_NONE if name in defaults}
    if "num_key_value_heads" in defaults and defaults["num_key_value_heads"] in (
        None,
        defaults.get("num_attention_heads"),
    ):
        values["num_key_value_heads"] = HEADS  # no grouping by default: some classes know no other way
    for name, spec in cls.sub_configs_defaults.items():
        values[name] = _shrunk(type(spec.default_config), **spec.init_kwargs)
    return cls(**{**given, **values, **WISHES.get(cls.model_type, {})})

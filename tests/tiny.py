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
    **dict.fromkeys(["hidden_size", "n_embd", "d_model", "emb_dim", "embedding_dim"], WIDTH),
    **dict.fromkeys(["num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_blocks"], LAYERS),
    **dict.fromkeys(["decoder_layers", "num_decoder_layers", "encoder_layers", "num_encoder_layers"], LAYERS),
    **dict.fromkeys(["num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads"], HEADS),
    **dict.fromkeys(["decoder_attention_heads", "encoder_attention_heads"], HEADS),
    **dict.fromkeys(["num_decoder_attention_heads", "num_encoder_attention_heads"], HEADS),
    **dict.fromkeys(["num_key_value_heads", "num_kv_heads"], KV_HEADS),
    **dict.fromkeys(["head_dim", "dim_head", "kv_channels"], HEAD),
    **dict.fromkeys(["intermediate_size", "n_inner", "ffn_dim", "dff", "dim_ff", "ffn_hidden_size"], INNER),
    **dict.fromkeys(["decoder_ffn_dim", "encoder_ffn_dim", "d_inner"], INNER),
    "vocab_size": VOCAB,
    **dict.fromkeys(["max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"], POSITIONS),
    **dict.fromkeys(["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"], EXPERTS),
    **dict.fromkeys(["num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k"], 2),
    **dict.fromkeys(["moe_intermediate_size", "expert_ffn_hidden_size", "shared_expert_intermediate_size"], 32),
    **dict.fromkeys(["n_group", "topk_group"], 1),
    **dict.fromkeys(["bos_token_id", "decoder_start_token_id"], 0),
    "eos_token_id": 1,
    "pad_token_id": 2,
}


def tiny_config(name: str) -> PreTrainedConfig:
    """A small config of the model type `name` (as in `config.model_type`), made without knowing the type."""
    return _shrunk(CONFIG_MAPPING[name])


def tiny_model(name: str, seed: int = 0) -> PreTrainedModel:
    """A tiny random causal LM, float32, on the CPU, in eval mode; the global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = AutoModelForCausalLM.from_config(tiny_config(name), dtype=torch.float32)
    return network.eval()


def tiny_directory(tmp_path: Path, name: str, seed: int = 0) -> Path:
    """A tiny model with a small real tokenizer, saved as a Hugging Face directory `tmp_path / name`."""
    directory = tmp_path / name
    tiny_model(name, seed).save_pretrained(directory)
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


def _shrunk(cls: type[PreTrainedConfig], **fixed: Any) -> PreTrainedConfig:
    """`cls` with small sizes; a size that the class leaves out or sets to None by default keeps its own meaning."""
    values: dict[str, Any] = {}
    for field in fields(cls):
        if field.name in SIZES and field.default is not None and field.default is not MISSING:
            values[field.name] = SIZES[field.name]
    for name, spec in cls.sub_configs_defaults.items():
        values[name] = _shrunk(type(spec.default_config), **spec.init_kwargs)
    return cls(**{**values, **fixed})

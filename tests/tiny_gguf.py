"""A tiny random Llama as a GGUF file, some tens of kilobytes: the form in which quantised models are passed on."""

from __future__ import annotations

from pathlib import Path

import gguf
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def write_gguf(directory: Path, path: Path) -> Path:
    """`directory`, of a tiny Llama, as one file at `path`, in 32 bits."""
    network = AutoModelForCausalLM.from_pretrained(directory)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    config = network.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    words = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([word for word, _ in words])
    writer.add_token_types([gguf.TokenType.NORMAL] * len(words))
    writer.add_token_merges(_merges(dict(words)))
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    for name, tensor in network.state_dict().items():
        writer.add_tensor(_name(name), _turned(name, tensor, config).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _merges(words: dict[str, int]) -> list[str]:
    """Some pairs that make a word; a file without any asks for scores instead."""
    cuts = ((word[:at], word[at:]) for word in words for at in range(1, len(word)))
    return [f"{left} {right}" for left, right in cuts if left in words and right in words]


def _name(name: str) -> str:
    own = name.removesuffix(".weight")
    if own in WHOLE:
        return f"{WHOLE[own]}.weight"
    _, _, layer, rest = own.split(".", 3)
    return f"blk.{layer}.{NAMES[rest]}.weight"


def _turned(name: str, tensor: torch.Tensor, config: object) -> torch.Tensor:
    """llama.cpp keeps the rows of queries and keys in the order of interleaved rotation."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}  # type: ignore[attr-defined]
    for part, count in heads.items():
        if part in name:
            n, d = tensor.shape
            return tensor.reshape(count, 2, n // count // 2, d).swapaxes(1, 2).reshape(n, d).contiguous()
    return tensor.contiguous()

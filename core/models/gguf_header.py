"""What the header of a GGUF file has to say before its weights mean anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import UserError

# Each is written by every converter. Where one is missing, transformers takes a default of the architecture's without a
# word: with another number of heads all weights still fit, and every number is wrong.
REQUIRED = (
    ("block_count",),
    ("embedding_length",),
    ("feed_forward_length",),
    ("attention.head_count",),
    ("attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon"),
)


def require_header(path: Path) -> None:
    """Raises UserError where the file does not say how its network is built, or says what its weights are not; the
    reader's own errors for no GGUF."""
    from gguf import GGUFReader

    reader = GGUFReader(path)
    said = reader.fields
    told = said.get("general.architecture")
    architecture = told.contents() if told is not None else None
    if not isinstance(architecture, str):
        raise UserError(f"{path.name} does not say its architecture; it is damaged, so fetch or convert it again.")
    for names in REQUIRED:
        if not any(f"{architecture}.{name}" in said for name in names):
            wanted = " or ".join(f"{architecture}.{name}" for name in names)
            raise UserError(f"{path.name} lacks {wanted} in its header; it is damaged, so fetch or convert it again.")
    shapes = {one.name: [int(length) for length in one.shape] for one in reader.tensors}
    _require_sizes(path.name, lambda name: _number(said.get(f"{architecture}.{name}")), shapes)


def _require_sizes(file: str, said: Callable[[str], int | None], shapes: dict[str, list[int]]) -> None:
    """Before a network of the wrong size is built, which may be larger than memory.

    said: a whole number of the header, None if it is none. shapes: of the tensors; of a matrix first what it reads.
    """
    blocks = {name.split(".")[1] for name in shapes if name.startswith("blk.")}
    width, heads, head = said("embedding_length"), said("attention.head_count"), said("attention.key_length")
    wanted = [("block_count", said("block_count"), len(blocks))]
    wanted += [("embedding_length", width, shape[0]) for name, shape in shapes.items() if name == "token_embd.weight"]
    for name, shape in shapes.items():
        if name.endswith(".ffn_down.weight"):
            wanted.append(("feed_forward_length", said("feed_forward_length"), shape[0]))
        # Some architectures keep more beside the queries, or other lengths: only what cannot be is told.
        if name.endswith(".attn_q.weight") and heads is not None and head is not None and heads * head > 4 * shape[1]:
            wanted.append(("attention.head_count times attention.key_length", heads * head, shape[1]))
    for what, told, there in wanted:
        if told is not None and told != there:
            raise UserError(
                f"{file} says {told:,} as {what}, and its weights say {there:,}; it is damaged, so fetch or convert it "
                "again."
            )


def _number(field: Any) -> int | None:
    """None for a list, as where layers differ."""
    value = None if field is None else field.contents()
    return value if isinstance(value, int) else None

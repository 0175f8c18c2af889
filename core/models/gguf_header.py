"""What the header of a GGUF file has to say before its weights mean anything."""

from __future__ import annotations

from pathlib import Path

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
    """Raises UserError where the file does not say how its network is built; the reader's own errors for no GGUF."""
    from gguf import GGUFReader

    said = GGUFReader(path).fields
    told = said.get("general.architecture")
    architecture = told.contents() if told is not None else None
    if not isinstance(architecture, str):
        raise UserError(f"{path.name} does not say its architecture; it is damaged, so fetch or convert it again.")
    for names in REQUIRED:
        if not any(f"{architecture}.{name}" in said for name in names):
            wanted = " or ".join(f"{architecture}.{name}" for name in names)
            raise UserError(f"{path.name} lacks {wanted} in its header; it is damaged, so fetch or convert it again.")

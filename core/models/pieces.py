"""Token ids as the text that they stand for, spaces and half characters included."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.models.model import Model

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def token_texts(model: Model, ids: Sequence[int]) -> list[str]:
    """The text of each token by itself. Bytes that make no character alone are written as `\\xe2`."""
    return [token_bytes(model, id).decode("utf-8", errors="backslashreplace") for id in ids]


def text_pieces(model: Model, ids: Sequence[int]) -> list[str]:
    """The text of each token in its place: together they are the text that was cut into `ids`.

    A character that is spread over several tokens stands at the one that completes it; those before it are "".
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    return [decoder.decode(token_bytes(model, id), final=place == len(ids) - 1) for place, id in enumerate(ids)]


def token_bytes(model: Model, id: int) -> bytes:
    """What one token adds to a text, in UTF-8; half a character is no rarity.

    Tokenizers write bytes in three ways: each as one printable character (GPT-2 and its kin), as `<0xE2>`
    (SentencePiece), or not at all. Which one holds is told by what the tokenizer itself makes of the token.
    """
    tokenizer = model.tokenizer
    with model.tokenizer_lock:
        raw = tokenizer.convert_ids_to_tokens(id)
        text = tokenizer.decode([id], clean_up_tokenization_spaces=False)
    if raw is None:
        return b""
    if all(character in _alphabet() for character in raw):
        data = bytes(_alphabet()[character] for character in raw)
        if data.decode("utf-8", errors="replace") == text:
            return data
    if match := _BYTE.fullmatch(raw):
        return bytes([int(match[1], 16)])
    if raw.startswith("▁") and not text.startswith(" "):
        text = f" {text}"  # SentencePiece drops the space of a first word
    return str(text).encode()


@cache
def _alphabet() -> dict[str, int]:
    """The byte that each character stands for in byte-level vocabularies.

    Printable characters of Latin-1 stand for themselves; all other bytes, in their order, are U+0100 and following
    (Radford et al. 2019, the vocabulary of GPT-2).
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + n): byte for n, byte in enumerate(others)}

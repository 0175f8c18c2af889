"""A sparse autoencoder or transcoder of any architecture in the table, for inference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor

from core.dictionaries.coder import Coder
from core.dictionaries.sae import codes as functions
from core.dictionaries.sae.config import Config, Unfit
from core.dictionaries.sae.scaling import RUN_TIME, take_out


class Sae(Coder):
    """f = activation((x - b_dec) W_enc + b_enc), x^ = f W_dec + b_dec, in the variants that `config` names.

    weights: tensors by the names that files use; W_enc (d_in, d_sae), W_dec (d_sae, d_out). Raises Unfit unless they
    are exactly those of the architecture, of the right shapes.
    """

    def __init__(self, config: Config, weights: Mapping[str, Tensor]) -> None:
        check_shapes(config, {name: tuple(tensor.shape) for name, tensor in weights.items()})
        self.cfg = config
        self.weights = dict(weights)
        self.kind, self.n_features = config.architecture, config.d_sae
        self.d_in, self.d_out = config.d_in, config.d_out
        self.signed = config.architecture == "abstopk"
        self.reads_scaled = config.scaling in RUN_TIME
        self.writes_scaled = self.reads_scaled and not config.table.transcoder

    def encode(self, x: Tensor) -> Tensor:
        return self.activate(self.pre_activations(x), x)

    def pre_activations(self, x: Tensor) -> Tensor:
        """What goes into the activation function, (..., d_sae); of a gated one without its two biases."""
        w, cfg = self.weights, self.cfg
        inner = take_out(x, cfg.scaling).inner if self.reads_scaled else x
        if cfg.apply_b_dec_to_input:
            inner = inner - w["b_dec"]
        pre = inner @ w["W_enc"]
        if "b_enc" in w:
            pre = pre + w["b_enc"]
        return pre * self._norms() if cfg.rescale else pre

    def activate(self, pre: Tensor, x: Tensor) -> Tensor:
        """Codes of pre-activations; x (..., d_in) is what they came from."""
        w, name = self.weights, self.cfg.table.activation
        if name in ("topk", "abstopk"):
            return getattr(functions, name)(pre, self.cfg.k)
        if name == "jumprelu":
            return functions.jumprelu(pre, w["threshold"])
        if name == "gated":
            return functions.gated(pre, w["b_gate"], w["b_mag"], w["r_mag"])
        if name == "topafa":
            return functions.topafa(pre, self._norms(), (x - w["b_dec"]).norm(dim=-1, keepdim=True))
        return functions.relu(pre)

    def decode(self, codes: Tensor, x: Tensor) -> Tensor:
        w, cfg = self.weights, self.cfg
        if cfg.rescale:
            codes = codes / self._norms()
        rebuilt = codes @ w["W_dec"] + w["b_dec"]
        if self.writes_scaled:
            rebuilt = take_out(x, cfg.scaling).put_back(rebuilt)
        return rebuilt + x @ w["W_skip"].T if "W_skip" in w else rebuilt

    @property
    def W_dec(self) -> Tensor:
        """With `rescale` the rows have length 1, since that is what one unit of a code then adds."""
        rows = self.weights["W_dec"]
        return rows / self._norms()[:, None] if self.cfg.rescale else rows

    @property
    def reading(self) -> Tensor | None:
        if self.reads_scaled:
            return None
        if "r_mag" in self.weights:
            return self.weights["W_enc"] * self.weights["r_mag"].exp()
        return self.weights["W_enc"] * self._norms() if self.cfg.rescale else self.weights["W_enc"]

    def _norms(self) -> Tensor:
        return self.weights["W_dec"].norm(dim=-1)

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.weights)

    def config(self) -> dict[str, Any]:
        return self.cfg.to_json()

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        moved = {name: tensor.to(device=device, dtype=dtype) for name, tensor in self.weights.items()}
        kind = str(dtype).removeprefix("torch.") if dtype is not None else self.cfg.dtype
        return type(self)(replace(self.cfg, dtype=kind), moved)


def check_shapes(config: Config, found: Mapping[str, tuple[int, ...]]) -> None:
    """Raise Unfit, naming the tensor, unless `found` are exactly the tensors of `config`."""
    wanted = config.shapes()
    if missing := [name for name in wanted if name not in found]:
        raise Unfit(f"it says that it is {config.architecture}, but has no tensor {missing[0]!r}")
    if extra := sorted(set(found) - set(wanted)):
        raise Unfit(f"it says that it is {config.architecture}, which has no tensor {extra[0][:40]!r}")
    for name, shape in wanted.items():
        if found[name] != shape:
            raise Unfit(f"its {name} is {list(found[name])}, where its cfg.json asks for {list(shape)}")

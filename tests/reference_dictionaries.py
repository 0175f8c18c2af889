"""Slow re-statements for dictionaries, straight from the formats and papers, one number at a time, in float64."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Weights = Mapping[str, np.ndarray]


def sae_codes(config: Mapping[str, Any], w: Weights, x: Sequence[float]) -> list[float]:
    """Codes of one token, from the description of the SAELens format. config: the keys of cfg.json."""
    inner = taken_out(config, x)[0]
    if config["apply_b_dec_to_input"]:
        inner = [value - w["b_dec"][i] for i, value in enumerate(inner)]
    d_in, d_sae = w["W_enc"].shape
    raw = [sum(inner[i] * w["W_enc"][i, j] for i in range(d_in)) for j in range(d_sae)]
    architecture = config["architecture"]
    if architecture == "gated":
        return [
            max(raw[j] * math.exp(w["r_mag"][j]) + w["b_mag"][j], 0.0) if raw[j] + w["b_gate"][j] > 0 else 0.0
            for j in range(d_sae)
        ]
    pre = [raw[j] + w["b_enc"][j] for j in range(d_sae)]
    if config.get("rescale_acts_by_decoder_norm"):
        pre = [value * length(w["W_dec"][j]) for j, value in enumerate(pre)]
    if architecture == "topk":
        chosen = sorted(range(d_sae), key=lambda j: -pre[j])[: config["k"]]
        return [max(pre[j], 0.0) if j in chosen else 0.0 for j in range(d_sae)]
    if architecture == "abstopk":
        chosen = sorted(range(d_sae), key=lambda j: -abs(pre[j]))[: config["k"]]
        return [pre[j] if j in chosen else 0.0 for j in range(d_sae)]
    if "jumprelu" in architecture:
        return [max(value, 0.0) if value > w["threshold"][j] else 0.0 for j, value in enumerate(pre)]
    if architecture == "topafa":
        return topafa_codes(pre, w, x)
    return [max(value, 0.0) for value in pre]


def topafa_codes(pre: Sequence[float], w: Weights, x: Sequence[float]) -> list[float]:
    """Lee et al. 2025: every k is tried, and the one whose codes' norm is nearest to |x - b_dec| is taken."""
    codes = [max(value, 0.0) for value in pre]
    scaled = [code * length(w["W_dec"][j]) for j, code in enumerate(codes)]
    order = sorted(range(len(codes)), key=lambda j: -scaled[j])
    target = length([value - w["b_dec"][i] for i, value in enumerate(x)])
    best = min(range(1, len(codes) + 1), key=lambda k: abs(length([scaled[j] for j in order[:k]]) - target))
    return [codes[j] if j in order[:best] else 0.0 for j in range(len(codes))]


def sae_rebuilt(config: Mapping[str, Any], w: Weights, codes: Sequence[float], x: Sequence[float]) -> list[float]:
    """What codes of one token stand for."""
    if config.get("rescale_acts_by_decoder_norm"):
        codes = [code / length(w["W_dec"][j]) for j, code in enumerate(codes)]
    d_out = w["W_dec"].shape[1]
    out = [sum(codes[j] * w["W_dec"][j, o] for j in range(len(codes))) + w["b_dec"][o] for o in range(d_out)]
    if "transcoder" not in config["architecture"]:
        _, factor, shift = taken_out(config, x)
        out = [value * factor + shift for value in out]
    if "W_skip" in w:
        out = [value + sum(w["W_skip"][o, i] * x[i] for i in range(len(x))) for o, value in enumerate(out)]
    return out


def taken_out(config: Mapping[str, Any], x: Sequence[float]) -> tuple[list[float], float, float]:
    """A token without its scale, and what puts the scale back (factor, shift)."""
    how, d = config["normalize_activations"], len(x)
    if how == "layer_norm":
        mean = sum(x) / d
        spread = math.sqrt(sum((value - mean) ** 2 for value in x) / (d - 1))
        return [(value - mean) / (spread + 1e-5) for value in x], spread, mean
    if how == "constant_norm_rescale":
        factor = length(x) / math.sqrt(d)
        return [value / factor for value in x], factor, 0.0
    return list(x), 1.0, 0.0


def length(vector: Sequence[float] | np.ndarray) -> float:
    return math.sqrt(sum(float(value) ** 2 for value in vector))

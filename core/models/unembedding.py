"""From residual streams to words: logits of any layer's stream, and the words that a direction speaks for.

The logit lens (nostalgebraist 2020, "interpreting GPT: the logit lens") puts the stream of any layer through the final
norm and the unembedding, as if the layers after it were not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from core.errors import UserError
from core.models.head import Head, head_of, through_network
from core.models.pieces import token_texts

if TYPE_CHECKING:
    from core.models.model import Model

CHUNK = 16 << 20  # logits held at once: 64 MB in float32


@dataclass(frozen=True)
class TokenValue:
    """A token of the vocabulary and its value. text: as it stands in a text, a space before it included."""

    id: int
    text: str
    value: float


@dataclass(frozen=True)
class Promoted:
    """The tokens whose logits a push along a direction raises and lowers most, the strongest first.

    values: logits per dose, see `direction_logits`.
    """

    promoted: tuple[TokenValue, ...]
    suppressed: tuple[TokenValue, ...]


def logits_at(model: Model, h: Tensor) -> Tensor:
    """Logits (..., vocabulary) of residual streams h (..., width) after any block: the logit lens.

    In the model's dtype, on its device. For streams after the last block they are the network's own logits. Each
    row takes as much memory as the vocabulary is large: for many rows use `logits_of_chunks`.
    Raises UserError where the network's logits do not follow from the last block's output.
    """
    if h.shape[-1] != model.width:
        raise UserError(f"{model.id} has streams of width {model.width}, not {h.shape[-1]}.")
    head = head_of(model)
    rows = h.reshape(-1, h.shape[-1]).to(model.device, model.dtype)
    with model.lock, torch.no_grad():
        logits = through_network(model, rows) if head.exact else head.finish(head.through(rows))
    return logits.reshape(*h.shape[:-1], -1)


def logits_of_chunks(model: Model, h: Tensor) -> Iterator[Tensor]:
    """`logits_at` for many rows h (n, width), a chunk of rows (m, vocabulary) at a time, in their order."""
    for chunk in h.split(max(1, CHUNK // vocabulary_size(model))):
        yield logits_at(model, chunk)


def vocabulary_size(model: Model) -> int:
    """How many logits a token has (at times more than the tokenizer has tokens)."""
    return int(logits_at(model, torch.zeros(1, model.width)).shape[-1])


def direction_logits(model: Model, vectors: Any) -> Tensor:
    """What pushes along directions (n, width) add to the logits, to first order: (n, vocabulary) float32.

    The final norm divides a stream h by its size, so the logit lens of a push t v is, for small t,

        W diag(g) (v - h (h.v) / |h|^2) t sqrt(width) / |h|                 (RMSNorm with gain g)
        the same with v and h freed of their means                          (LayerNorm)

    times what the network multiplies its logits by. The second term only shrinks what h says already, in every
    direction of the vocabulary that h speaks for; it is left out, as for a v that is orthogonal to h. With t v a push
    of dose 1, |t v| = |h| for a token of typical norm, the size cancels, and what remains is

        sqrt(width) slope W diag(g) v / |v|        (v centred first, for LayerNorm)

    in *logits per dose*, comparable among layers and models. A soft cap (Gemma) is left out: it flattens large logits
    and keeps their order. Where there is no final norm (BERT, GPT-1: their blocks end in one) the unit is logits per
    unit of length of the push, as the logits are linear in it.
    Raises UserError where the way to the logits is not norm, linear maps and unembedding.
    """
    v = _rows(vectors)
    if v.dim() != 2 or v.shape[1] != model.width:
        raise UserError(f"Directions of {model.id} have {model.width} values, not {tuple(v.shape)[-1]}.")
    length = v.norm(dim=1, keepdim=True)
    if not bool((length > 0).all()) or not bool(v.isfinite().all()):
        raise UserError("A direction of length 0, or with values that are not finite, promotes no token.")
    with model.lock, torch.no_grad():
        return _linear(model, _linear_head(model), v / length)


def promoted(model: Model, vectors: Any, k: int = 10) -> list[Promoted]:
    """Per direction, (n, width), the k tokens that it promotes most and the k that it suppresses most.

    Values are those of `direction_logits`; only tokens that the tokenizer knows are named.
    """
    known = len(model.tokenizer)
    v = _rows(vectors)
    found: list[Promoted] = []
    for chunk in v.split(max(1, CHUNK // vocabulary_size(model))):
        logits = direction_logits(model, chunk)[:, :known]
        high, low = logits.topk(min(k, logits.shape[1])), (-logits).topk(min(k, logits.shape[1]))
        for row in range(len(chunk)):
            up = _tokens(model, high.indices[row], high.values[row])
            found.append(Promoted(up, _tokens(model, low.indices[row], -low.values[row])))
    return found


def token_direction(model: Model, weights: Mapping[int, float]) -> Tensor:
    """The direction that raises a weighted sum of logits most: (width,) float32, not of length 1.

    weights: by token id, such as +1 for some words and -1 for others. The transpose of `direction_logits`:
    `token_direction(model, n) @ v` is the sum of n times the logits that a unit v adds, in the same unit. It is
    what observable propagation (Dunefsky and Cohan 2023) starts from: W^T n behind the final norm, n the observable.
    """
    size = vocabulary_size(model)
    if not weights or any(not 0 <= id < size for id in weights):
        raise UserError(f"Give weights to tokens of {model.id}, whose ids are 0 to {size - 1}.")
    with model.lock, torch.enable_grad():
        v = torch.zeros((1, model.width), requires_grad=True)
        added = _linear(model, _linear_head(model), v)[0]
        total = sum((weight * added[id] for id, weight in weights.items()), torch.zeros(()).to(added))
        (gradient,) = torch.autograd.grad(total, v)
    return gradient[0]


def _rows(vectors: Any) -> Tensor:
    """A copy in float32: those of saved directions are read-only."""
    return vectors.float() if isinstance(vectors, Tensor) else torch.tensor(vectors, dtype=torch.float32)


def _linear(model: Model, head: Head, v: Tensor) -> Tensor:
    """slope W diag(g) v sqrt(width) for rows v (n, width), (n, vocabulary) float32 on the CPU."""
    if head.norm is not None:
        if head.norm.centred:
            v = v - v.mean(dim=-1, keepdim=True)
        v = v * head.norm.gain.float() * model.width**0.5
    v = v.to(model.device, model.dtype)
    first = 1 if head.norm is not None else 0
    logits, biases = head.through(v, first), head.through(torch.zeros_like(v[:1]), first)
    if bool(biases.any()):
        logits = logits - biases  # they speak for themselves and not for the direction
    return (logits if head.slope == 1 else head.slope * logits).float().cpu()


def _linear_head(model: Model) -> Head:
    """The head, if all of it but the norm is linear."""
    head = head_of(model)
    first = 1 if head.norm is not None else 0
    if head.exact or not _is_linear(model, head, first):
        raise UserError(
            f"Between the last block of {model.id} and its logits lies more than a norm and linear maps: what a "
            "direction promotes cannot be told without a text."
        )
    return head


def _is_linear(model: Model, head: Head, first: int) -> bool:
    if len(head.stages) - first == 1:
        return True  # the unembedding alone
    generator = torch.Generator().manual_seed(0)
    x, z = torch.randn((2, 1, model.width), generator=generator).to(model.device, model.dtype)
    with torch.no_grad():
        both, zero, one, two = (head.through(value, first).float() for value in (x + z, 0 * x, x, z))
    return bool((both + zero - one - two).norm() <= 0.02 * (one - zero).norm())


def _tokens(model: Model, ids: Tensor, values: Tensor) -> tuple[TokenValue, ...]:
    numbers: Sequence[int] = ids.tolist()
    texts = token_texts(model, numbers)
    return tuple(TokenValue(*one) for one in zip(numbers, texts, values.tolist(), strict=True))

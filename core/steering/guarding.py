"""Guards: numbers that tell what a push breaks in the texts that were written under it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.models.editing import edit
from core.models.model import Model
from core.models.recording import forward
from core.models.tokens import batch, counted_positions
from core.steering.acts import Acts
from core.steering.interventions import Intervention

NUMBERS = 64_000_000  # logits held at once: 256 MB in float32
GRAM = 3  # tokens in a row that are looked for again


@dataclass(frozen=True)
class Guards:
    """What a push did to one text, over its generated tokens.

    kl: nats per token, 0 or more: how far the steered next-token distribution lies from the plain one in the same
    context, KL(steered || plain). entropy: bits per token, 0 to log2 of the vocabulary, of the steered distribution.
    perplexity: of the text under the plain model, 1 or more: exp of the mean negative log-likelihood per token.
    repetition: 0 to 1, share of the text's runs of three tokens that stood in it before (1 - distinct-3; Li et al.
    2016). target: probability per token, 0 to 1, of the given target tokens under the steered model; None without any.
    A text that ended at once, without a token, has NaN throughout.
    """

    kl: float
    entropy: float
    perplexity: float
    repetition: float
    target: float | None = None


def guards(
    model: Model,
    prompts: Sequence[Sequence[int]],
    written: Sequence[Sequence[int]],
    rows: Sequence[Sequence[Intervention]],
    *,
    targets: Sequence[int] = (),
) -> list[Guards]:
    """Guards of texts that were written under the interventions of `rows`, one per text.

    prompts, written: token ids; the end token, where there is one, counts as written. Each text is read once plainly
    and once under its own interventions, on the very tokens on which they fired while it was written.
    """
    found: list[Guards | None] = [None] * len(prompts)
    for chunk in _chunks(model, prompts, written):
        of_chunk = [rows[i] for i in chunk]
        ids = [[*prompts[i], *written[i]] for i in chunk]
        lengths = [len(prompts[i]) for i in chunk]
        plain = next_token_logits(model, ids, lengths, [[] for _ in chunk])
        steered = next_token_logits(model, ids, lengths, of_chunk)
        for i, p, s in zip(chunk, plain, steered, strict=True):
            found[i] = guards_of(p, s, written[i], targets)
    return [one for one in found if one is not None]


def next_token_logits(
    model: Model, ids: Sequence[Sequence[int]], prompts: Sequence[int], rows: Sequence[Sequence[Intervention]]
) -> list[Tensor]:
    """Logits (generated tokens, vocabulary) float32 per text, from one forward pass: those that chose each of them.

    ids: whole texts. prompts: how many tokens of each are its prompt.
    """
    model.check_predicts_words()
    inputs = batch(model, ids)
    acts = Acts(model, rows, counted_positions(model, inputs), inputs["attention_mask"].bool(), prompts)
    with edit(model, acts.edits(0)), torch.no_grad():
        logits = forward(model, inputs).logits
    return [
        logits[row, length - 1 : len(of_row) - 1].float()
        for row, (of_row, length) in enumerate(zip(ids, prompts, strict=True))
    ]


def repetition(tokens: Sequence[int]) -> float:
    """Share, 0 to 1, of the runs of three tokens that stood in the text before; 0 where there are none."""
    runs = [tuple(tokens[i : i + GRAM]) for i in range(len(tokens) - GRAM + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def guards_of(
    plain: Tensor | None, steered: Tensor | None, tokens: Sequence[int], targets: Sequence[int] = ()
) -> Guards:
    """Guards of one text, from the logits (tokens, vocabulary) that chose its tokens, without and with the push."""
    if plain is None or steered is None or not tokens:
        return Guards(math.nan, math.nan, math.nan, math.nan, math.nan if targets else None)
    log_p, log_q = plain.log_softmax(dim=-1), steered.log_softmax(dim=-1)
    q = log_q.exp()
    chosen = torch.tensor(list(tokens), device=plain.device)
    # A token that one of them excludes altogether (-inf) adds 0 to a sum that is weighted with its probability.
    kl = torch.where(q > 0, q * (log_q - log_p), 0.0).sum(dim=-1).mean()
    entropy = -torch.where(q > 0, q * log_q, 0.0).sum(dim=-1).mean() / math.log(2)
    nats = -log_p[torch.arange(len(chosen)), chosen].mean()
    return Guards(
        kl=max(0.0, float(kl)),
        entropy=max(0.0, float(entropy)),
        perplexity=math.exp(min(float(nats), 700.0)),
        repetition=repetition(tokens),
        target=float(q[:, list(targets)].sum(dim=-1).mean()) if targets else None,
    )


def _chunks(model: Model, prompts: Sequence[Sequence[int]], written: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Rows that are read together: of like length, and so many that their logits fit."""
    vocabulary = int(model.network.get_output_embeddings().weight.shape[0])
    lengths = [len(a) + len(b) for a, b in zip(prompts, written, strict=True)]
    chunk: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if chunk and (len(chunk) + 1) * lengths[chunk[0]] * vocabulary > NUMBERS:
            yield chunk
            chunk = []
        chunk.append(row)
    if chunk:
        yield chunk

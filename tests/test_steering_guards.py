"""Guards equal their formulas, on the very distributions that a text was written from."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core.models import Model
from core.steering import Condition, Decoding, Intervention, Positions, guards, operator_named, stream
from core.steering.guarding import next_token_logits, repetition
from tests.test_steering_generate import PROMPTS, ids_of
from tests.test_steering_operators import unit


def rows_of(model: Model) -> list[list[Intervention]]:
    v, w = (unit(model.width, seed).astype(np.float32) for seed in (0, 1))
    at = model.site(1)
    return [
        [Intervention(at, v, 4.0)],
        [
            Intervention(at, v, 4.0, Positions(prompt=False, later=False)),
            Intervention(at, w, -2.0, Positions(prompt=False)),
        ],
        [Intervention(at, v, 6.0, Positions(first=False, within=((1, 3),)), condition=Condition("token", 0.0, at, w))],
        [Intervention(at, w, 5.0, operator=operator_named("set"), condition=Condition("input", 0.0, at, v))],
    ]


def test_reading_a_text_gives_the_distributions_that_it_was_written_from(tiny: Model) -> None:
    prompts = ids_of(tiny, PROMPTS[0], PROMPTS[1], PROMPTS[2], PROMPTS[1])
    steps = list(stream(tiny, prompts, rows_of(tiny), Decoding(max_new_tokens=7), logits=True))
    written = [[step.tokens[row] for step in steps if step.tokens[row] is not None] for row in range(4)]
    whole = [[*prompt, *tokens] for prompt, tokens in zip(prompts, written, strict=True)]
    found = next_token_logits(tiny, whole, [len(prompt) for prompt in prompts], rows_of(tiny))
    for row, logits in enumerate(found):
        expected = torch.stack([step.logits[row] for step in steps[: len(written[row])] if step.logits is not None])
        assert float((logits - expected).abs().max()) < 1e-4 * float(expected.abs().max())


def test_guards_are_their_formulas(tiny: Model) -> None:
    prompts = ids_of(tiny, *PROMPTS[:2])
    rows = rows_of(tiny)[:2]
    written = [[5, 6, 7, 5, 6, 7, 5], [9, 8]]
    found = guards(tiny, prompts, written, rows, targets=[5, 9])
    for ids, tokens, row, one in zip(prompts, written, rows, found, strict=True):
        (p,) = next_token_logits(tiny, [[*ids, *tokens]], [len(ids)], [[]])
        (q,) = next_token_logits(tiny, [[*ids, *tokens]], [len(ids)], [row])
        p, q = p.double().softmax(-1).numpy(), q.double().softmax(-1).numpy()
        assert one.kl == pytest.approx(
            np.mean([(b * np.log(b / a)).sum() for a, b in zip(p, q, strict=True)]), rel=1e-4
        )
        assert one.entropy == pytest.approx(np.mean([-(b * np.log2(b)).sum() for b in q]), rel=1e-4)
        nats = [-math.log(a[token]) for a, token in zip(p, tokens, strict=True)]
        assert one.perplexity == pytest.approx(math.exp(np.mean(nats)), rel=1e-4)
        assert one.target == pytest.approx(np.mean(q[:, 5] + q[:, 9]), rel=1e-4)
        assert one.kl > 0.01


def test_a_text_without_a_push_is_no_distance_away(tiny: Model) -> None:
    (one,) = guards(tiny, ids_of(tiny, PROMPTS[0]), [[5, 6, 7]], [[]])
    assert one.kl == 0
    assert one.target is None


def test_plain_perplexity_is_transformers_own_loss(smollm2: Model) -> None:
    text = "I watched the film last night and I thought it was a great movie."
    ids = smollm2.tokenizer(text)["input_ids"]
    (one,) = guards(smollm2, [ids[:4]], [ids[4:]], [[]])
    labels = torch.tensor([[-100] * 4 + ids[4:]])
    with torch.no_grad():
        loss = smollm2.network(torch.tensor([ids]), labels=labels).loss
    assert one.perplexity == pytest.approx(math.exp(float(loss)), rel=1e-4)


def test_repetition_counts_runs_that_stood_there_before() -> None:
    assert repetition([1, 2, 3, 4, 5]) == 0
    assert repetition([1, 2, 3, 1, 2, 3, 1]) == pytest.approx(2 / 5)  # 123 231 312 123 231: two of five again
    assert repetition([7] * 12) == pytest.approx(9 / 10)
    assert repetition([1, 2]) == 0


def test_a_text_that_ended_at_once_has_no_numbers(tiny: Model) -> None:
    (none,) = guards(tiny, ids_of(tiny, PROMPTS[0]), [[]], [[]])
    assert all(math.isnan(value) for value in (none.kl, none.entropy, none.perplexity, none.repetition))


def test_many_texts_are_read_in_parts_and_keep_their_order(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = ids_of(tiny, *PROMPTS)
    written = [[5, 6, 7, 8], [9], [10, 11]]
    rows = rows_of(tiny)[:3]
    together = guards(tiny, prompts, written, rows)
    monkeypatch.setattr("core.steering.guarding.NUMBERS", 1)
    apart = guards(tiny, prompts, written, rows)
    for one, other in zip(together, apart, strict=True):
        assert one.perplexity == pytest.approx(other.perplexity, rel=1e-4)
        assert one.kl == pytest.approx(other.kl, rel=1e-3)

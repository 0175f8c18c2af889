"""Steered generation is transformers' own generation with a push added, on the tokens that were asked for."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import UserError
from core.models import Model, edit, open_model
from core.steering import Decoding, Intervention, Positions, Step, stream
from tests.test_models_recording import hooks
from tests.tiny import tiny_directory

PROMPTS = ["The film was good and the music", "She wrote a letter", "They walked along the river until the rain began"]


def ids_of(model: Model, *texts: str) -> list[list[int]]:
    return [model.tokenizer(text)["input_ids"] for text in texts]


def written(steps: Iterator[Step]) -> list[list[int]]:
    rows: list[list[int]] = []
    for step in steps:
        rows = rows or [[] for _ in step.tokens]
        for row, token in zip(rows, step.tokens, strict=True):
            if token is not None:
                row.append(token)
    return rows


def push(model: Model, coefficient: float, positions: Positions | None = None, seed: int = 0) -> Intervention:
    vector = np.random.default_rng(seed).normal(size=model.width)
    unit = (vector / np.linalg.norm(vector)).astype(np.float32)
    return Intervention(model.site(1), unit, coefficient, positions or Positions())


def plain(model: Model, ids: Sequence[int], **options: object) -> list[int]:
    found = model.network.generate(torch.tensor([list(ids)]), do_sample=False, **options)
    return found[0, len(ids) :].tolist()


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("coefficient", [None, 0.0])
def test_plain_generate_and_dose_0_agree_token_by_token(tiny: Model, prompt: str, coefficient: float | None) -> None:
    (ids,) = ids_of(tiny, prompt)
    rows = [[] if coefficient is None else [push(tiny, coefficient)]]
    assert written(stream(tiny, [ids], rows, Decoding(max_new_tokens=24))) == [plain(tiny, ids, max_new_tokens=24)]


def test_dose_0_agrees_with_plain_generate_in_the_real_model(smollm2: Model) -> None:
    (ids,) = ids_of(smollm2, "I watched the film last night and I thought it was")
    found = written(stream(smollm2, [ids], [[push(smollm2, 0.0)]], Decoding(max_new_tokens=20)))
    assert found == [plain(smollm2, ids, max_new_tokens=20)]


def test_the_result_is_continuous_as_the_dose_goes_to_0(tiny: Model) -> None:
    (ids,) = ids_of(tiny, PROMPTS[0])
    inputs = torch.tensor([ids])

    def logits(coefficient: float) -> torch.Tensor:
        one = push(tiny, coefficient)
        with torch.no_grad(), edit(tiny, {one.site: lambda h: h + coefficient * torch.from_numpy(one.vector)}):
            return tiny.network(inputs).logits

    distances = [float((logits(size) - logits(0.0)).norm()) for size in (1e-1, 1e-2, 1e-3)]
    assert distances[0] > distances[1] > distances[2] > 0
    assert distances[1] == pytest.approx(distances[0] / 10, rel=0.3)


def test_a_push_is_the_formula(tiny: Model) -> None:
    """Token by token without a cache: the whole text again for each token, pushed where the positions say."""
    (ids,) = ids_of(tiny, PROMPTS[2])
    one = push(tiny, 3.0, Positions(prompt=True, first=True, later=False))
    found = written(stream(tiny, [ids], [[one]], Decoding(max_new_tokens=8)))[0]
    text = list(ids)
    for _ in range(8):
        mask = torch.tensor([[0 < t <= len(ids) for t in range(len(text))]])

        def pushed(h: torch.Tensor, mask: torch.Tensor = mask) -> torch.Tensor:
            return torch.where(mask[:, :, None], h + 3.0 * torch.from_numpy(one.vector), h)

        with torch.no_grad(), edit(tiny, {one.site: pushed}):
            text.append(int(tiny.network(torch.tensor([text]), use_cache=False).logits[0, -1].argmax()))
    assert found == text[len(ids) :]
    assert found != plain(tiny, ids, max_new_tokens=8)


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        # Two prompts of different length in one batch, padded on the left; bos is never added here, so the
        # first position of each prompt is its first word.
        (Positions(), [[1, 2, 3], [4], [5]]),
        (Positions(first=False, later=False), [[1, 2, 3], [], []]),
        (Positions(prompt=False, later=False), [[], [4], []]),
        (Positions(prompt=False, first=False), [[], [], [5]]),
        (Positions(special=True), [[0, 1, 2, 3], [4], [5]]),
        (Positions(within=((0, 2), (3, 9)), later=False), [[1, 3], [4], []]),
        (Positions(special=True, first=False, within=((0, 1),)), [[0], [], [5]]),
    ],
)
def test_it_fires_on_the_tokens_that_were_asked_for(
    tiny: Model, positions: Positions, expected: list[list[int]]
) -> None:
    longer, shorter = ids_of(tiny, PROMPTS[0])[0][:6], ids_of(tiny, PROMPTS[1])[0][:4]
    rows = [[push(tiny, 0.0, positions)], [push(tiny, 0.0, positions)]]
    steps = list(stream(tiny, [longer, shorter], rows, Decoding(max_new_tokens=3)))
    padding = len(longer) - len(shorter)
    for step, wanted in zip(steps, expected, strict=True):
        absolute = [step.start + int(t) - padding for t in step.fired[1][0].nonzero()]
        assert absolute == wanted


def test_each_row_has_its_own_push_and_equals_its_solo_run(tiny: Model) -> None:
    prompts = ids_of(tiny, *PROMPTS)
    rows = [[push(tiny, 0.0)], [push(tiny, 4.0, seed=1)], [push(tiny, -4.0, Positions(prompt=False), seed=2)]]
    decoding = Decoding(max_new_tokens=12)
    together = written(stream(tiny, prompts, rows, decoding))
    alone = [written(stream(tiny, [ids], [row], decoding))[0] for ids, row in zip(prompts, rows, strict=True)]
    assert together == alone


def test_sites_that_see_all_tokens_as_one_row_are_steered_by_position(home: Path, tmp_path: Path) -> None:
    model = open_model(str(tiny_directory(tmp_path, "opt")))
    site = model.site(1, "hidden")
    longer, shorter = ids_of(model, PROMPTS[0])[0][:6], ids_of(model, PROMPTS[1])[0][:4]
    width = model.network.get_submodule(site.module).in_features
    unit = np.full(width, width**-0.5, dtype=np.float32)
    decoding = Decoding(max_new_tokens=6)
    rows = [[Intervention(site, unit, 0.0)], [Intervention(site, unit, 9.0, Positions(prompt=False))]]
    together = written(stream(model, [longer, shorter], rows, decoding))
    assert together[0] == plain(model, longer, max_new_tokens=6)
    assert together[1] == written(stream(model, [shorter], [rows[1]], decoding))[0]


def test_sampling_obeys_its_settings(tiny: Model) -> None:
    (ids,) = ids_of(tiny, PROMPTS[0])
    hot = Decoding(max_new_tokens=16, temperature=1.0, seed=3)
    first = written(stream(tiny, [ids], [[]], hot))
    assert written(stream(tiny, [ids], [[]], hot)) == first
    assert written(stream(tiny, [ids], [[]], Decoding(max_new_tokens=16, temperature=1.0, seed=4))) != first
    # A row draws its own numbers, whoever sits beside it.
    assert written(stream(tiny, [ids, ids], [[], []], hot)) == [first[0], first[0]]
    assert written(stream(tiny, [ids, ids], [[], []], hot, seeds=[4, 3]))[1] == first[0]
    greedy = plain(tiny, ids, max_new_tokens=16)
    assert written(stream(tiny, [ids], [[]], Decoding(max_new_tokens=16, temperature=1.0, top_p=1e-6)))[0] == greedy
    penalised = written(stream(tiny, [ids], [[]], Decoding(max_new_tokens=16, repetition_penalty=5.0)))[0]
    assert penalised == plain(tiny, ids, max_new_tokens=16, repetition_penalty=5.0)
    batched = written(stream(tiny, [ids, ids[:2]], [[], []], Decoding(max_new_tokens=16, repetition_penalty=5.0)))
    assert batched == [penalised, plain(tiny, ids[:2], max_new_tokens=16, repetition_penalty=5.0)]  # one is padded
    assert penalised != greedy


def test_sampling_draws_from_the_softmax(tiny: Model) -> None:
    (ids,) = ids_of(tiny, PROMPTS[1])
    draws = 400
    decoding = Decoding(max_new_tokens=1, temperature=0.5)
    rows: list[list[Intervention]] = [[] for _ in range(draws)]
    found = [row[0] for row in written(stream(tiny, [ids] * draws, rows, decoding, seeds=range(draws)))]
    with torch.no_grad():
        expected = (tiny.network(torch.tensor([ids])).logits[0, -1] / 0.5).softmax(-1)
    top = int(expected.argmax())
    share = np.mean([token == top for token in found])
    # Five standard errors of a share of 400 draws.
    assert share == pytest.approx(
        float(expected[top]), abs=5 * float(np.sqrt(expected[top] * (1 - expected[top]) / draws))
    )


def test_a_row_that_ends_says_so_and_the_others_go_on(tiny: Model) -> None:
    (ids,) = ids_of(tiny, PROMPTS[0])
    free = plain(tiny, ids, max_new_tokens=10)
    end = tiny.network.generation_config.eos_token_id
    try:
        tiny.network.generation_config.eos_token_id = free[3]
        steps = list(stream(tiny, [ids, ids], [[], [push(tiny, 30.0)]], Decoding(max_new_tokens=10)))
    finally:
        tiny.network.generation_config.eos_token_id = end
    first = [step.tokens[0] for step in steps]
    stop = free.index(free[3])
    assert first[: stop + 1] == free[: stop + 1]
    assert all(token is None for token in first[stop + 1 :])


def twelve_threads(model: Model, size: float, tokens: int, times: int) -> None:
    prompts = ids_of(model, *PROMPTS)
    decoding = Decoding(max_new_tokens=tokens)
    tasks = [(prompts[n % 3], [push(model, size * (n - 6), Positions(prompt=n % 2 == 0), seed=n)]) for n in range(12)]
    alone = [written(stream(model, [ids], [row], decoding)) for ids, row in tasks]
    found: list[list[list[int]] | None] = [None] * 12

    def work(number: int) -> None:
        ids, row = tasks[number]
        for _ in range(times):
            found[number] = written(stream(model, [ids], [row], decoding))
            if found[number] != alone[number]:
                return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == alone
    assert len({str(rows) for rows in alone}) > 3, "the pushes must show"


def two_hundred_abandoned(model: Model) -> None:
    before = hooks(model)
    (ids,) = ids_of(model, PROMPTS[0])
    expected = plain(model, ids, max_new_tokens=8)
    kept = []
    for number in range(200):
        steps = stream(model, [ids], [[push(model, 5.0, seed=number)]], Decoding(max_new_tokens=8))
        for _ in range(number % 4):
            next(steps)
        if number % 3 == 0:
            kept.append(steps)  # a third of them are not even collected
    gc.collect()
    assert hooks(model) == before
    assert model.lock.acquire(blocking=False)
    model.lock.release()
    assert plain(model, ids, max_new_tokens=8) == expected


def test_twelve_threads_on_one_model_each_get_their_solo_result(tiny: Model) -> None:
    twelve_threads(tiny, 1.0, tokens=16, times=3)


def test_abandoned_generators_leave_nothing_behind(tiny: Model) -> None:
    two_hundred_abandoned(tiny)


@pytest.mark.slow
def test_the_bundled_model_serves_twelve_threads_and_forgets_abandoned_ones(smollm2: Model) -> None:
    twelve_threads(smollm2, 30.0, tokens=8, times=1)
    two_hundred_abandoned(smollm2)


def test_an_answer_that_is_not_a_number_is_said(home: Path, tmp_path: Path) -> None:
    model = open_model(str(tiny_directory(tmp_path, "llama")))
    with torch.no_grad():
        model.network.get_output_embeddings().weight[5, 0] = torch.nan
    for temperature in (0.0, 1.0):
        with pytest.raises(UserError, match="not a number"):
            list(stream(model, [[3, 4]], [[]], Decoding(temperature=temperature)))


@pytest.mark.parametrize(
    ("sentence", "call"),
    [
        ("is empty", lambda m: stream(m, [[]], [[]], Decoding())),
        ("do not belong together", lambda m: stream(m, [[3]], [[], []], Decoding())),
        ("come to", lambda m: stream(m, [[3] * 5], [[]], Decoding(max_new_tokens=100_000))),
        ("finite", lambda m: push(m, float("nan"))),
        ("finite", lambda m: push(m, float("inf"))),
        ("too large", lambda m: stream(m, [[3, 4]], [[push(m, 1e300)]], Decoding())),
        ("seed", lambda m: Decoding(seed=-1)),
        ("1 or more", lambda m: Decoding(max_new_tokens=0)),
        ("temperature", lambda m: Decoding(temperature=-1)),
        ("temperature", lambda m: Decoding(temperature=float("nan"))),
        ("top_p", lambda m: Decoding(top_p=0)),
        ("repetition penalty", lambda m: Decoding(repetition_penalty=0)),
    ],
)
def test_absurd_wishes_get_a_sentence(tiny: Model, sentence: str, call: object) -> None:
    with pytest.raises(UserError, match=sentence):
        list(call(tiny))  # type: ignore[operator]

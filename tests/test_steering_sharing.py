"""Many threads write with one model at once: one batch, each its own push, each its solo text."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import UserError
from core.models import Model, open_model
from core.models.recording import gradients
from core.steering import (
    Condition,
    Decoding,
    Intervention,
    Positions,
    Step,
    Waiting,
    operator_named,
    share,
    sharing,
    stream,
)
from core.steering.underway import Underway, begin
from tests.test_models_recording import hooks
from tests.test_steering_generate import PROMPTS, ids_of, plain, push, written
from tests.tiny import tiny_directory

Task = tuple[list[list[int]], list[list[Intervention]], Decoding]


def steps_of(found: Iterator[Step | Waiting]) -> Iterator[Step]:
    return (step for step in found if isinstance(step, Step))


def task(model: Model, number: int, tokens: int) -> Task:
    """A recipe unlike its neighbours': prompt, operator, layer, positions, condition, sampling, length."""
    ids = ids_of(model, PROMPTS[number % 3])[0]
    operator = operator_named(("add", "norm_add", "ablate", "clamp")[number % 4])
    some = push(model, 1.0 if operator.name == "ablate" else 3.0 * (number - 7), seed=number)
    site = model.site(number % 2 + 1)
    when = None
    if number % 5 < 2:
        when = Condition(("input", "token")[number % 5], 0.0, model.site(0), some.vector)  # type: ignore[arg-type]
    positions = Positions(prompt=number % 2 == 0, first=number % 3 > 0)
    one = Intervention(site, some.vector, some.coefficient, positions, operator, when)
    decoding = Decoding(
        max_new_tokens=tokens + number % 4,
        temperature=1.0 if number % 4 == 3 else 0.0,
        top_p=0.9 if number % 8 == 3 else 1.0,
        repetition_penalty=1.3 if number % 6 == 5 else 1.0,
        seed=number,
    )
    return [ids, ids], [[], [one]], decoding


def all_at_once(model: Model, tasks: Sequence[Task], stagger: float = 0.0) -> list[list[list[int]] | None]:
    """What each of them writes when every one has a thread of its own."""
    found: list[list[list[int]] | None] = [None] * len(tasks)

    def work(number: int) -> None:
        time.sleep(stagger * number)
        found[number] = written(steps_of(share(model, *tasks[number])))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each pass of the network wrote."""
    seen: list[int] = []
    step = Underway.step

    def counted(batch: Underway) -> object:
        seen.append(len(batch.lines))
        return step(batch)

    monkeypatch.setattr(Underway, "step", counted)
    return seen


def test_sixteen_threads_write_in_one_batch_and_each_gets_its_solo_texts(tiny: Model, sizes: list[int]) -> None:
    tasks = [task(tiny, number, 10) for number in range(16)]
    alone = [written(stream(tiny, *one)) for one in tasks]
    before = len(sizes)
    assert all_at_once(tiny, tasks) == alone
    assert len({str(rows) for rows in alone}) == 16, "the pushes must show"
    together = sizes[before:]
    assert max(together) > 20
    assert len(together) < before / 2, "sixteen runs are not sixteen times the passes"


def test_alone_it_is_the_solo_run_bit_by_bit(tiny: Model) -> None:
    for number in (0, 3, 5):
        one = task(tiny, number, 6)
        alone = list(stream(tiny, *one, logits=True))
        shared = list(steps_of(share(tiny, *one, logits=True)))
        assert [step.tokens for step in shared] == [step.tokens for step in alone]
        assert [step.start for step in shared] == [step.start for step in alone]
        for a, b in zip(alone, shared, strict=True):
            assert torch.equal(a.logits.nan_to_num(), b.logits.nan_to_num())  # type: ignore[union-attr]
            assert all(torch.equal(x, y) for x, y in zip(a.fired, b.fired, strict=True))


@pytest.mark.parametrize("name", ["llama", "gpt2", "bloom", "gpt_neox", "falcon", "opt", "mistral", "gemma3_text"])
def test_rows_that_join_and_leave_between_tokens_read_what_they_read_alone(
    home: Path, tmp_path: Path, name: str
) -> None:
    """Logits of rows that meet at different tokens, beside those of plain batches of their own; windows slide."""
    model = open_model(str(tiny_directory(tmp_path, name)))
    config = model.network.config
    if getattr(config, "sliding_window", None):
        config.sliding_window = 8  # shorter than the texts
    texts = ids_of(model, *PROMPTS)
    tasks = [([ids], [[push(model, 2.0 * n, seed=n)]], Decoding(max_new_tokens=14)) for n, ids in enumerate(texts)]
    alone = [[step.logits[0] for step in stream(model, *one, logits=True)] for one in tasks]  # type: ignore[index]
    first, second, third = (begin(model, *one) for one in tasks)
    assert [line.prompt for batch in (first, second, third) for line in batch.lines] == [len(ids) for ids in texts]
    owner = {id(batch.lines[0]): n for n, batch in enumerate((first, second, third))}
    found: list[list[torch.Tensor]] = [[], [], []]

    def step(batch: Underway, times: int = 1) -> None:
        for _ in range(times):
            for told in batch.step():
                found[owner[id(told.line)]].append(told.logits)

    step(first, 4)
    step(second)
    assert first.movable
    first.join(second)
    step(first, 3)
    step(third, 2)
    first.join(third)
    step(first, 2)
    (aside,) = [line for line in first.lines if owner[id(line)] == 0]  # the one that began first, and pads the others
    apart = first.split([aside])
    step(first, 3)
    step(apart, 1)
    apart.join(first)
    while apart.lines:
        step(apart)
    for own, expected in zip(found, alone, strict=True):
        assert len(own) == len(expected)
        for a, b in zip(own, expected, strict=True):
            assert float((a - b).norm() / b.norm()) < 1e-5


def test_where_rows_cannot_be_moved_the_runs_take_turns(home: Path, tmp_path: Path) -> None:
    """States of a recurrent network: every run is a batch of its own, and rows that are over stay in it."""
    model = open_model(str(tiny_directory(tmp_path, "mamba")))
    tasks = [task(model, number, 4) for number in range(4)]
    assert all_at_once(model, tasks) == [written(stream(model, *one)) for one in tasks]
    (ids,) = ids_of(model, PROMPTS[0])
    free = written(stream(model, [ids], [[]], Decoding(max_new_tokens=6)))[0]
    end = model.network.generation_config.eos_token_id
    try:
        model.network.generation_config.eos_token_id = free[2]
        rows = written(stream(model, [ids, ids], [[], [push(model, 40.0)]], Decoding(max_new_tokens=6)))
    finally:
        model.network.generation_config.eos_token_id = end
    assert rows[0] == free[: free.index(free[2]) + 1]
    assert len(rows[1]) > len(rows[0])


def test_one_that_is_abandoned_frees_its_rows_before_the_next_token(tiny: Model, sizes: list[int]) -> None:
    tasks = [task(tiny, number, 12) for number in (0, 1, 2)]
    alone = written(stream(tiny, *tasks[0]))
    before = hooks(tiny)
    first, second, third = (steps_of(share(tiny, *one)) for one in tasks)
    rows = [next(first)]
    next(second), next(third)
    rows += [next(first), next(first)]
    assert sizes[-1] == 6
    second.close()
    rows.append(next(first))
    rows.append(next(first))
    assert sizes[-1] == 4, "one token after the tab was closed its rows are free"
    del third
    gc.collect()
    rows += list(first)
    assert sizes[-1] == 2
    assert written(iter(rows)) == alone
    assert hooks(tiny) == before
    table = sharing._table_of(tiny)
    assert not any([table.queue, table.running, table.batches, table.entering, table.computing])


def test_each_is_told_how_many_are_written_with_it(tiny: Model) -> None:
    first, second, third = (steps_of(share(tiny, *task(tiny, number, 12))) for number in (0, 1, 2))
    assert next(first).together == 1
    assert next(second).together == 2
    assert next(third).together == 3
    assert next(first).together == 3
    second.close()
    third.close()
    assert [next(first).together for _ in range(3)][-1] == 1
    first.close()


def test_who_finds_no_room_is_told_how_many_are_before_and_gets_it_in_turn(
    tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "ROWS", 4)
    monkeypatch.setattr(sharing, "TURN", 5)
    monkeypatch.setattr(sharing, "EVERY", 0.0)
    tasks = [task(tiny, number, 16) for number in (0, 1, 2, 4, 6)]
    alone = [written(stream(tiny, *one)) for one in tasks]
    runs = [share(tiny, *one) for one in tasks]
    rows: list[list[Step]] = [[] for _ in runs]
    heard: list[list[int | None]] = [[] for _ in runs]
    behind = 0  # tokens by which the last one was behind the first of all, at most
    left = set(range(len(runs)))
    while left:
        for number in sorted(left):
            found = next(runs[number], None)
            if found is None:
                left.discard(number)
            elif isinstance(found, Waiting):
                heard[number].append(found.ahead)
            else:
                rows[number].append(found)
        if 4 in left:
            behind = max(behind, max(map(len, rows)) - len(rows[4]))
    assert [written(iter(own)) for own in rows] == alone
    assert {0, 1, 2} <= set(heard[4]), "the last one heard the queue shrink"
    # Two have room at a time, so that the last of five has two pairs before it, for a turn of 5 tokens each; without
    # turns it would be as far behind as the texts are long.
    assert 5 <= behind <= 2 * 5 + 2


def test_sharing_leaves_others_their_turn_at_the_model(tiny: Model) -> None:
    """A reader of the same model gets the lock between tokens, and reads what it reads alone."""
    tasks = [task(tiny, number, 40) for number in range(8)]
    inputs = torch.tensor([ids_of(tiny, PROMPTS[0])[0]])
    with torch.no_grad():
        expected = tiny.network(inputs).logits
    during: list[bool] = []
    going = threading.Event()
    going.set()

    def read() -> None:
        while going.is_set():
            with tiny.lock, torch.no_grad():
                during.append(torch.equal(tiny.network(inputs).logits, expected))
            time.sleep(0)

    reader = threading.Thread(target=read)
    reader.start()
    all_at_once(tiny, tasks)
    going.clear()
    reader.join()
    assert all(during)
    assert len(during) > 10


def test_what_goes_wrong_with_one_leaves_the_others(tiny: Model) -> None:
    good = task(tiny, 0, 10)
    alone = written(stream(tiny, *good))
    neighbour = steps_of(share(tiny, *good))
    rows = [next(neighbour)]
    axis = np.eye(1, tiny.width, dtype=np.float32)[0]
    huge = Intervention(tiny.site(1), axis, 3e38)  # twice is more than 32 bits hold
    ids = good[0][0]
    wrong: list[tuple[Task, str]] = [
        (([ids], [[huge, huge]], good[2]), "not a number"),
        (([[]], [[]], good[2]), "is empty"),
        (([ids], [[]], Decoding(max_new_tokens=100_000)), "come to"),
        (([ids] * 40, [[]] * 40, good[2]), "40 texts"),
    ]
    for bad, sentence in wrong:
        with pytest.raises(UserError, match=sentence):
            list(share(tiny, *bad))
        with suppress(StopIteration):
            rows.append(next(neighbour))
    assert written(iter([*rows, *neighbour])) == alone


def test_nothing_of_the_writing_is_left_for_gradients_to_stumble_over(tiny: Model) -> None:
    ids = ids_of(tiny, PROMPTS[0])[0]
    *_, last = stream(tiny, [ids], [[push(tiny, 1.0)]], Decoding(max_new_tokens=3), logits=True)
    assert last.logits is not None
    assert not last.logits.is_inference()
    everything = [*tiny.network.parameters(), *tiny.network.buffers()]
    assert not any(tensor.is_inference() for tensor in everything)
    inputs = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
    _, found = gradients(tiny, inputs, [tiny.site(1)], lambda out: out.logits[:, -1, 5])
    assert float(found[tiny.site(1)].abs().max()) > 0
    assert plain(tiny, ids, max_new_tokens=3)

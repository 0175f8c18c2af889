"""A dose sweep writes what single runs write, and each of its arms is what it says."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.directions import Direction
from core.errors import UserError
from core.models import Model
from core.steering import Decoding, Intervention, stream
from core.steering.dose_curves import compare_slopes, recommended_range
from core.steering.dose_sweep import sweep_doses
from core.steering.measures import Measure, probe_scores
from core.steering.operators.set import Set
from core.steering.positions import DEFAULT_POSITIONS, Positions
from core.steering.sweep_json import sweep_of, to_json
from core.steering.writing import Row, write_all
from tests.test_steering_generate import ids_of, written
from tests.test_steering_operators import unit

PROMPTS = ("The film was good and the music", "She wrote a letter", "They walked along the river")


def direction(model: Model) -> Direction:
    site = model.site(1)
    vector = unit(model.width).astype(np.float32)
    return Direction("d", model.id, model.fingerprint, str(site), 1, vector, 1.0, "diffmean", {})


@pytest.fixture
def norm_of_2(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A known unit of dose, since measuring it reads 2,000 texts; and nothing that was kept before."""
    from core.activations import TypicalNorm

    monkeypatch.setattr("core.steering.dose_sweep.typical_norm", lambda *_, **__: TypicalNorm(2.0, 1, 0, 1))


def test_a_sweep_writes_what_single_runs_write(tiny: Model, norm_of_2: None) -> None:
    one = direction(tiny)
    decoding = Decoding(max_new_tokens=6, temperature=1.0)
    sweep = sweep_doses(tiny, one, PROMPTS, [-1.5, 3.0], seeds=[0, 7], decoding=decoding, n_random=2)
    assert sweep.doses == (-1.5, 0.0, 3.0)
    assert len(sweep.texts) == 3 * 2 * (3 + 2 * 2)
    for text in sweep.texts:
        vector = one.vector if text.arm == "direction" else unit_of(text.number, tiny.width)
        push = Intervention(tiny.site(1), vector, 2.0 * text.dose, DEFAULT_POSITIONS)
        (ids,) = ids_of(tiny, PROMPTS[text.prompt])
        alone = written(stream(tiny, [ids], [[push]], decoding, seeds=[text.seed * 100_003 + text.prompt]))
        assert list(text.tokens) == alone[0]
        assert text.coefficient == 2.0 * text.dose
        assert (text.guards.kl == 0) == (text.dose == 0)


def test_a_sweep_goes_on_where_it_was_stopped(tiny: Model, norm_of_2: None, monkeypatch: pytest.MonkeyPatch) -> None:
    one, decoding = direction(tiny), Decoding(max_new_tokens=4)
    monkeypatch.setattr("core.steering.kept.ROWS", 1)  # every arm is a batch
    calls = []

    def counted(model: Model, rows: list[Row], *args: object, **options: object) -> object:
        calls.append(len(rows))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return write_all(model, rows, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("core.steering.kept.write_all", counted)
    with pytest.raises(KeyboardInterrupt):
        sweep_doses(tiny, one, PROMPTS, [2.0], decoding=decoding, n_random=2)
    resumed = sweep_doses(tiny, one, PROMPTS, [2.0], decoding=decoding, n_random=2)
    assert calls == [6, 3, 3, 3]  # the direction's own texts were not written again
    assert sweep_doses(tiny, one, PROMPTS, [2.0], decoding=decoding, n_random=2).texts == resumed.texts
    assert len(calls) == 4
    # Whatever changes the texts makes them new ones.
    sweep_doses(tiny, one, PROMPTS, [2.5], decoding=decoding)
    sweep_doses(tiny, one, PROMPTS, [2.0], decoding=replace(decoding, repetition_penalty=2.0))
    sweep_doses(tiny, one, PROMPTS, [2.0], decoding=decoding, seeds=[5])
    sweep_doses(tiny, one, PROMPTS, [2.0], decoding=decoding, positions=Positions())
    assert len(calls) == 8


def test_controls_without_guards_are_the_same_texts(tiny: Model, norm_of_2: None) -> None:
    one, decoding = direction(tiny), Decoding(max_new_tokens=4)
    with_guards = sweep_doses(tiny, one, PROMPTS, [2.0], decoding=decoding, n_random=1)
    without = sweep_doses(tiny, one, PROMPTS, [2.0], decoding=decoding, n_random=1, guard_controls=False)
    assert [text.tokens for text in with_guards.texts] == [text.tokens for text in without.texts]
    assert {text.arm for text in without.texts if math.isnan(text.guards.kl)} == {"random"}


def unit_of(seed: int, width: int) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(width)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def test_the_instruction_is_read_after_the_bare_prompt(tiny: Model, norm_of_2: None) -> None:
    sweep = sweep_doses(
        tiny, direction(tiny), PROMPTS[:1], [], instruction="Be good.", decoding=Decoding(max_new_tokens=5)
    )
    asked = next(text for text in sweep.texts if text.arm == "prompt")
    (ids,) = ids_of(tiny, "Be good. " + PROMPTS[0])
    assert list(asked.tokens) == written(stream(tiny, [ids], [[]], Decoding(max_new_tokens=5)))[0]
    assert asked.guards.kl == 0  # nothing was pushed


def test_the_probe_reads_only_what_was_written(tiny: Model) -> None:
    import torch

    from core.models import record

    weights = unit(tiny.width, 3)
    measure = Measure("probe", "probe", weights, 0.25, 0.5, 0.9, (0.8, 1.0), 2)
    prompts, tokens = ids_of(tiny, *PROMPTS[:2]), [[50, 60, 70], [80]]
    found = probe_scores(measure, tiny, tiny.site(2), prompts, tokens)
    for ids, new, score in zip(prompts, tokens, found, strict=True):
        h = record(tiny, {"input_ids": torch.tensor([[*ids, *new]])}, [tiny.site(2)])[tiny.site(2)][0, len(ids) :]
        assert score == pytest.approx((float(h.double().mean(0).numpy() @ weights) - 0.25) / 0.5, abs=1e-4)


def test_random_directions_at_the_outermost_doses_are_compared_there(tiny: Model, norm_of_2: None) -> None:
    sweep = sweep_doses(
        tiny,
        direction(tiny),
        PROMPTS,
        [-2.0, 1.0, 2.0],
        decoding=Decoding(max_new_tokens=2),
        n_random=1,
        random_doses=[-2, 2],
    )
    assert {t.dose for t in sweep.texts if t.arm == "random"} == {-2.0, 2.0}
    # The curve of the direction bends between: at the doses of the random one both rise alike.
    bent = {-2.0: -2.0, 0.0: 0.0, 1.0: 5.0, 2.0: 2.0}
    judged = replace(sweep, texts=tuple(replace(t, measure=bent[t.dose]) for t in sweep.texts))
    found = compare_slopes(judged)
    assert found is not None
    assert found.slope.mean != pytest.approx(1.0)
    assert found.random == pytest.approx((1.0,))
    assert found.above == 0


def test_where_nobody_judges_there_is_no_slope(tiny: Model, norm_of_2: None) -> None:
    doses = [-1.0, 0.0, 1.0]
    sweep = sweep_doses(tiny, direction(tiny), PROMPTS, doses, decoding=Decoding(max_new_tokens=2), n_random=3)
    assert compare_slopes(sweep) is None
    assert "slope" not in to_json(sweep, doses)


def test_dose_0_of_an_operator_that_does_something_there_is_not_plain(tiny: Model, norm_of_2: None) -> None:
    """`set` at 0 is ablation: each arm has its own, and what is plain is written beside them."""
    one, decoding = direction(tiny), Decoding(max_new_tokens=6, temperature=1.0)
    sweep = sweep_doses(tiny, one, PROMPTS, [-4.0, 4.0], decoding=decoding, operator=Set(), n_random=1)
    assert sweep.has_plain
    texts = {(t.arm, t.dose, t.prompt): t for t in sweep.texts}
    for place, prompt in enumerate(PROMPTS):
        (ids,) = ids_of(tiny, prompt)
        plain = written(stream(tiny, [ids], [[]], decoding, seeds=[place]))[0]
        assert list(texts["plain", 0.0, place].tokens) == plain
        assert texts["plain", 0.0, place].guards.kl == 0
        assert texts["direction", 0.0, place].guards.kl > 0
        assert ("random", 0.0, place) in texts
    assert sweep_of(to_json(sweep, [-4.0, 0.0, 4.0]), "d").doses == sweep.doses
    # Texts that ablation alone breaks: no dose is sound beside the plain ones, dose 0 is only where one begins.
    worse = {"direction": 40.0, "random": 40.0, "plain": 10.0}
    broken = replace(
        sweep,
        texts=tuple(replace(t, guards=replace(t.guards, perplexity=worse[t.arm], repetition=0.0)) for t in sweep.texts),
    )
    found = recommended_range(broken)
    assert found is not None
    assert (found.low, found.high, found.shown) == (0.0, 0.0, ())


def test_absurd_sweeps_get_a_sentence(tiny: Model, norm_of_2: None) -> None:
    one = direction(tiny)
    with pytest.raises(UserError, match="at least one prompt"):
        sweep_doses(tiny, one, [], [1.0])
    with pytest.raises(UserError, match="no number"):
        sweep_doses(tiny, one, PROMPTS, [float("nan")])
    with pytest.raises(UserError, match="each prompt once"):
        sweep_doses(tiny, one, [PROMPTS[0], PROMPTS[0]], [1.0])
    with pytest.raises(UserError, match="add those that it lacks"):
        sweep_doses(tiny, one, PROMPTS, [1.0], random_doses=[2.0])
    with pytest.raises(UserError, match="seed once"):
        sweep_doses(tiny, one, PROMPTS, [1.0], seeds=[1, 1])

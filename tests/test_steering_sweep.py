"""A dose sweep writes what single runs write, and its curves, slopes and range are what plain arithmetic gives."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.directions import Direction
from core.errors import UserError
from core.models import Model
from core.steering import Decoding, Guards, Intervention, stream
from core.steering.dose_curves import compare_slopes, curve, recommended_range
from core.steering.dose_sweep import DoseSweep, SweptText, sweep_doses
from core.steering.measures import Measure, probe_scores
from core.steering.positions import DEFAULT_POSITIONS, Positions
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


def made_up(measure: dict[tuple[str, int, int, float], float], **more: dict[float, float]) -> DoseSweep:
    """A sweep with given measures by (arm, number, prompt, dose), and guards by dose."""
    perplexity, repetition = more.get("perplexity", {}), more.get("repetition", {})
    texts = tuple(
        SweptText(
            arm=arm,  # type: ignore[arg-type]
            number=number,
            dose=dose,
            coefficient=dose,
            prompt=prompt,
            seed=0,
            text="",
            tokens=(1,),
            score=None,
            measure=value,
            guards=Guards(0.1, 1.0, perplexity.get(dose, 10.0), repetition.get(dose, 0.0)),
        )
        for (arm, number, prompt, dose), value in measure.items()
    )
    doses = tuple(sorted({text.dose for text in texts}))
    prompts = tuple(f"p{n}" for n in sorted({text.prompt for text in texts}))
    n_random = len({text.number for text in texts if text.arm == "random"})
    return DoseSweep("d", prompts, doses, (0,), n_random, texts, (), 1.0, 1.0)


def test_slopes_and_those_of_random_directions() -> None:
    slopes = {0: 2.0, 1: 1.0, 2: 3.0, 3: -0.5}
    measure = {("direction", 0, p, d): 5 * p + s * d for p, s in slopes.items() for d in (-1.0, 0.0, 1.0)}
    for number, tilt in enumerate((0.3, -0.4, 9.0)):
        measure |= {("random", number, p, d): 5 * p + tilt * d for p in slopes for d in (-1.0, 1.0)}
    found = compare_slopes(made_up(measure))
    assert found.slope.mean == pytest.approx(np.mean(list(slopes.values())))
    assert found.slope.low <= found.slope.mean <= found.slope.high
    assert found.slope.wrong_way == 0.25
    assert found.random == pytest.approx((0.3, -0.4, 9.0))
    assert found.above == 2
    assert found.random_mean == pytest.approx(8.9 / 3)


def test_a_curve_is_the_mean_over_prompts_and_perplexity_a_geometric_one() -> None:
    measure = {("direction", 0, p, d): float(p + d) for p in range(3) for d in (0.0, 1.0)}
    sweep = made_up(measure)
    assert [point.mean for point in curve(sweep, "measure")] == pytest.approx([1.0, 2.0])
    uneven = replace(
        sweep,
        texts=tuple(replace(t, guards=replace(t.guards, perplexity=[1.0, 10.0, 100.0][t.prompt])) for t in sweep.texts),
    )
    assert [point.mean for point in curve(uneven, "perplexity")] == pytest.approx([10.0, 10.0])
    assert all(point.low <= point.mean <= point.high for point in curve(uneven, "perplexity"))


@pytest.mark.parametrize(
    ("perplexity", "repetition", "expected"),
    [
        ({}, {}, (-2.0, 2.0)),
        ({2.0: 16.0}, {}, (-2.0, 1.0)),
        ({-1.0: 16.0}, {}, (0.0, 2.0)),  # what lies beyond a broken dose is not offered, however sound it looks
        ({}, {1.0: 0.2, -2.0: 0.2}, (-1.0, 0.0)),
        ({1.0: 14.9, 2.0: 15.1}, {}, (-2.0, 1.0)),
    ],
)
def test_the_range_ends_where_the_texts_break(
    perplexity: dict[float, float], repetition: dict[float, float], expected: tuple[float, float]
) -> None:
    measure = {("direction", 0, p, d): d + p % 3 for p in range(8) for d in (-2.0, -1.0, 0.0, 1.0, 2.0)}
    found = recommended_range(made_up(measure, perplexity=perplexity, repetition=repetition))
    assert found is not None
    assert (found.low, found.high) == expected
    for dose, worse, more, effect in found.shown:
        assert worse == pytest.approx(perplexity.get(dose, 10.0) / 10)
        assert more == pytest.approx(repetition.get(dose, 0.0))
        assert effect is not None
        assert math.copysign(1, effect) == math.copysign(1, dose)


def test_the_range_is_shown_on_prompts_that_did_not_choose_it() -> None:
    """Half of the prompts break at dose 1: where they are not those that chose, the other half shows it."""
    measure = {("direction", 0, p, d): d for p in range(4) for d in (0.0, 1.0)}
    sweep = made_up(measure)
    order = np.random.default_rng(0).permutation(4)
    broken = set(order[2:].tolist())
    texts = tuple(
        replace(t, guards=replace(t.guards, perplexity=90.0)) if t.prompt in broken and t.dose else t
        for t in sweep.texts
    )
    found = recommended_range(replace(sweep, texts=texts))
    assert found is not None
    assert found.high == 1.0
    assert found.shown[0][1] == pytest.approx(9.0)


def test_absurd_sweeps_get_a_sentence(tiny: Model, norm_of_2: None) -> None:
    one = direction(tiny)
    with pytest.raises(UserError, match="at least one prompt"):
        sweep_doses(tiny, one, [], [1.0])
    with pytest.raises(UserError, match="no number"):
        sweep_doses(tiny, one, PROMPTS, [float("nan")])
    with pytest.raises(UserError, match="seed once"):
        sweep_doses(tiny, one, PROMPTS, [1.0], seeds=[1, 1])

"""Each operator is its formula, in a network that computes in 64 bits; and acts only where it was asked to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import UserError
from core.models import Model, edit, open_model, record
from core.steering import OPERATORS, Condition, Decoding, Intervention, Positions, operator_named, stream
from tests.test_steering_generate import PROMPTS, ids_of, written
from tests.tiny import tiny_directory

Row = np.ndarray  # one activation (width,)


def _kept(h: Row, new: Row) -> Row:
    return new * np.sqrt((h * h).sum()) / np.sqrt((new * new).sum())


# The formulas once more, for one activation at a time, with plain numbers.
FORMULAS: dict[str, Callable[[Row, Row, float], Row]] = {
    "add": lambda h, v, c: h + c * v,
    "norm_add": lambda h, v, c: _kept(h, h + c * v),
    "ablate": lambda h, v, c: h - c * (h @ v) * v,
    "project": lambda h, v, c: _kept(h, h - c * max(h @ v, 0.0) * v),
    "set": lambda h, v, c: h - (h @ v) * v + c * v,
    "clamp": lambda h, v, c: h - (h @ v) * v + max(h @ v, c) * v,
    "cap": lambda h, v, c: h - (h @ v) * v + min(h @ v, c) * v,
    "scale": lambda h, v, c: np.array([x + c * y / np.abs(v).max() * abs(x) for x, y in zip(h, v, strict=True)]),
}


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A tiny model in float64."""
    directory = tmp_path_factory.mktemp("exact")
    patch = pytest.MonkeyPatch()
    patch.setenv("CONCEPTSCOPE_HOME", str(directory / "home"))
    try:
        model = open_model(str(tiny_directory(directory, "llama")))
    finally:
        patch.undo()
    model.network.double()
    model.dtype = torch.float64
    return model


def unit(width: int, seed: int = 0) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=width)
    return vector / np.linalg.norm(vector)


def seen(model: Model, ids: list[list[int]], rows: list[list[Intervention]], steps: int = 1) -> list[torch.Tensor]:
    """What flows on from layer 1, pass by pass, under the interventions of each row."""
    found: list[torch.Tensor] = []
    site = model.site(2, "before")  # what layer 1 hands on, after whatever was done to it
    stand = model.network.get_submodule(site.module).register_forward_pre_hook(
        lambda _m, args, kwargs: found.append((args[0] if args else kwargs["hidden_states"]).clone()), with_kwargs=True
    )
    try:
        list(stream(model, ids, rows, Decoding(max_new_tokens=steps)))
    finally:
        stand.remove()
    return found


def test_every_operator_is_written_down_here() -> None:
    assert set(FORMULAS) == set(OPERATORS)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("c", [-0.7, 0.0, 0.4, 1.3])
def test_an_operator_is_its_formula(exact: Model, name: str, c: float) -> None:
    prompts = ids_of(exact, *PROMPTS[:2])
    v = unit(exact.width)
    one = Intervention(exact.site(1), v, c, Positions(special=True), operator_named(name))
    for ids in prompts:
        (before,) = seen(exact, [ids], [[]])
        (after,) = seen(exact, [ids], [[one]])
        expected = np.stack([FORMULAS[name](h, v, c) for h in before[0].numpy()])
        assert np.abs(after[0].numpy() - expected).max() < 1e-12


@pytest.mark.parametrize("name", ["add", "norm_add", "ablate", "project", "scale"])
def test_an_amount_of_0_changes_nothing(tiny: Model, name: str) -> None:
    prompts = ids_of(tiny, PROMPTS[0])
    one = Intervention(tiny.site(1), unit(tiny.width).astype(np.float32), 0.0, operator=operator_named(name))
    (before,), (after,) = seen(tiny, prompts, [[]]), seen(tiny, prompts, [[one]])
    assert torch.equal(before, after)


def test_rows_with_different_operators_share_a_batch(tiny: Model) -> None:
    """Each row, padded among others that do something else, equals its solo run; one row does two things in order."""
    width = tiny.width
    layers = [tiny.site(1), tiny.site(2)]
    rows = [
        [
            Intervention(layers[n % 2], unit(width, n).astype(np.float32), 0.5 + n, Positions(), operator_named(name))
            for n, name in enumerate(names)
        ]
        for names in (["add"], [], ["set", "norm_add"], ["scale", "ablate", "add"], ["cap"])
    ]
    prompts = ids_of(tiny, PROMPTS[0], PROMPTS[1], PROMPTS[2], PROMPTS[1], PROMPTS[0])
    decoding = Decoding(max_new_tokens=8)
    together = written(stream(tiny, prompts, rows, decoding))
    alone = [written(stream(tiny, [ids], [row], decoding))[0] for ids, row in zip(prompts, rows, strict=True)]
    assert together == alone
    assert len({tuple(row) for row in alone}) > 2


def test_two_acts_at_one_site_follow_their_order(exact: Model) -> None:
    (ids,) = ids_of(exact, PROMPTS[0])
    v, w = unit(exact.width), unit(exact.width, 1)
    site, everywhere = exact.site(1), Positions(special=True)
    first = Intervention(site, v, 2.0, everywhere, operator_named("set"))
    second = Intervention(site, w, 1.0, everywhere, operator_named("ablate"))
    (h,) = seen(exact, [[*ids]], [[]])
    (found,) = seen(exact, [[*ids]], [[first, second]])
    expected = [FORMULAS["ablate"](FORMULAS["set"](x, v, 2.0), w, 1.0) for x in h[0].numpy()]
    assert np.abs(found[0].numpy() - np.stack(expected)).max() < 1e-12


def test_per_token_it_acts_where_the_reading_is_above(exact: Model) -> None:
    (ids,) = ids_of(exact, PROMPTS[2])
    v, probe = unit(exact.width), unit(exact.width, 5)
    where = exact.site(0)
    readings = (record(exact, {"input_ids": torch.tensor([ids])}, [where])[where][0] @ torch.from_numpy(probe)).numpy()
    above = float(np.median(readings))
    one = Intervention(exact.site(1), v, 3.0, Positions(), condition=Condition("token", above, where, probe))
    (h,), (found,) = seen(exact, [ids], [[]]), seen(exact, [ids], [[one]])
    expected = [
        x + 3.0 * v * (readings[t] > above and t > 0) for t, x in enumerate(h[0].numpy())
    ]  # never the first token
    assert np.abs(found[0].numpy() - np.stack(expected)).max() < 1e-12
    (step,) = stream(exact, [ids], [[one]], Decoding(max_new_tokens=1))
    assert step.fired[0][0].tolist() == [bool(r > above) and t > 0 for t, r in enumerate(readings)]


def test_per_input_it_acts_on_all_tokens_or_on_none(exact: Model) -> None:
    prompts = ids_of(exact, *PROMPTS)
    probe, where = unit(exact.width, 5), exact.site(1)
    highest = [
        float(
            (record(exact, {"input_ids": torch.tensor([ids])}, [where])[where][0, 1:] @ torch.from_numpy(probe)).max()
        )
        for ids in prompts
    ]
    between = sum(sorted(highest)[1:]) / 2  # only one of the three inputs is above
    one = Intervention(where, unit(exact.width), 3.0, Positions(), condition=Condition("input", between, where, probe))
    steps = list(stream(exact, prompts, [[one]] * 3, Decoding(max_new_tokens=3)))
    for row, ids in enumerate(prompts):
        met = highest[row] > between
        assert [int(step.fired[row][0].sum()) for step in steps] == ([len(ids) - 1, 1, 1] if met else [0, 0, 0])


def test_a_reader_takes_the_place_of_the_projection(exact: Model) -> None:
    """Such as a feature's encoder: ablating then takes out the feature's own share, and keeps the rest."""
    (ids,) = ids_of(exact, PROMPTS[0])
    encoder, d = torch.from_numpy(unit(exact.width, 3)), unit(exact.width, 4)

    def read(h: torch.Tensor) -> torch.Tensor:
        return torch.relu(h @ encoder - 0.01)

    one = Intervention(exact.site(1), d, 1.0, Positions(special=True), operator_named("ablate"), reader=read)
    (h,), (found,) = seen(exact, [ids], [[]]), seen(exact, [ids], [[one]])
    expected = h[0] - read(h[0])[:, None] * torch.from_numpy(d)
    assert float((found[0] - expected).abs().max()) < 1e-12


def test_a_condition_that_is_read_too_late_is_refused(tiny: Model) -> None:
    (ids,) = ids_of(tiny, PROMPTS[0])
    v = unit(tiny.width).astype(np.float32)
    late = Intervention(tiny.site(1), v, 1.0, condition=Condition("token", 0.0, tiny.site(2), v))
    with pytest.raises(UserError, match="lies behind"):
        list(stream(tiny, [ids], [[late]], Decoding(max_new_tokens=1)))


def test_in_16_bits_an_amount_of_0_still_changes_nothing(home: Path, tmp_path: Path) -> None:
    model = open_model(str(tiny_directory(tmp_path, "llama")), dtype="bfloat16")
    (ids,) = ids_of(model, PROMPTS[0])
    v = unit(model.width).astype(np.float32)
    one = Intervention(model.site(1), v, 0.0)
    (before,), (after,) = seen(model, [ids], [[]]), seen(model, [ids], [[one]])
    assert before.dtype == torch.bfloat16
    assert torch.equal(before, after)


def test_logits_are_what_the_model_gave(tiny: Model) -> None:
    (ids,) = ids_of(tiny, PROMPTS[0])
    v = unit(tiny.width).astype(np.float32)
    one = Intervention(tiny.site(1), v, 2.0)
    steps = list(stream(tiny, [ids], [[one]], Decoding(max_new_tokens=3, repetition_penalty=3.0), logits=True))
    text = [*ids, *(step.tokens[0] for step in steps[:-1])]
    mask = torch.arange(len(text))[:, None] > 0
    with torch.no_grad(), edit(tiny, {one.site: lambda h: h + 2.0 * torch.from_numpy(v) * mask}):
        expected = tiny.network(torch.tensor([text])).logits[0, len(ids) - 1 :]
    found = torch.cat([step.logits for step in steps if step.logits is not None])
    assert float((found - expected).abs().max()) < 1e-4 * float(expected.abs().max())

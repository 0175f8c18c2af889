"""GCAV: what is reported is of held-out rows and inputs alone, and pseudo-concepts go the whole way too."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import UserError
from core.tcav import gcav as module
from core.tcav import gcav_nets
from core.tcav.cavs import unit
from core.tcav.concept import Concept
from core.tcav.gcav import PSEUDO, WAYS, _halves, _p, _sizes, fuse
from core.tcav.verdict import LEVEL
from tests.commands import fails, run
from tests.tiny_images import tiny_image_directory

WIDTHS = (12, 20, 16)
LAYERS, SITES = (3, 5, 8), ("three", "five", "eight")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcav_nets, "STEPS", 40)


def world(seed: int = 0) -> tuple[Concept, Concept, Concept, list[np.ndarray]]:
    """A concept along the gradients, a random one, a pool, and gradients that agree less at some layers."""
    rng = np.random.default_rng(seed)
    axes = [unit(rng.standard_normal(width)) for width in WIDTHS]
    pool = tuple(rng.standard_normal((120, width)) for width in WIDTHS)
    along = tuple(rng.standard_normal((40, width)) + 2 * axis for width, axis in zip(WIDTHS, axes, strict=True))
    nothing = tuple(rng.standard_normal((40, width)) for width in WIDTHS)
    gradients = [
        agree * axis + 0.5 * rng.standard_normal((40, width))
        for width, axis, agree in zip(WIDTHS, axes, (0.2, 1.0, 0.4), strict=True)
    ]
    ones, many = np.ones(40, dtype=int), np.arange(40)
    return (
        Concept("along", along, ones, many, {}),
        Concept("nothing", nothing, ones, many, {}),
        Concept("pool", pool, np.zeros(120, dtype=int), np.arange(120), {}),
        gradients,
    )


def test_what_matters_is_told_from_chance_in_all_three_ways() -> None:
    along, nothing, pool, gradients = world()
    told: list[int] = []
    found = fuse(
        [along, nothing], pool, gradients, np.arange(40), LAYERS, SITES, progress=lambda p: told.append(p.done)
    )
    assert [(one.concept, one.way) for one in found.found] == [(c, w) for c in ("along", "nothing") for w in WAYS]
    assert (found.rows, found.inputs) == (20, 20)
    for one in found.found:
        assert one.variation == pytest.approx(np.std(one.scores) / np.mean(one.scores))
        assert one.mean == pytest.approx(np.mean(one.scores))
        if one.concept == "along":
            assert one.p <= 0.01
            assert one.auroc > 0.95
        else:
            assert one.p > 0.05
    # A single rate spreads by .021 around .05 (see the next test): three of them are looked at together.
    assert np.mean([found.false_positive_rate[way] for way in WAYS]) <= 0.1
    assert told == sorted(told)
    assert found.to_json()["found"][0]["concept"] == "along"
    again = fuse([along, nothing], pool, gradients, np.arange(40), LAYERS, SITES)
    assert again == found


def test_random_sets_reject_one_another_at_the_level() -> None:
    along, nothing, pool, gradients = world()
    rng = np.random.default_rng(0)
    _, held = _halves(rng, [along, nothing], pool, gradients, np.arange(40))
    rates = []
    for _ in range(50):
        null, others = (_sizes(held.cavs(rng, [None] * PSEUDO, 20), held) for _ in range(2))
        rates.append(float(np.mean(_p(others, null) <= LEVEL)))
    # One comparison of 200 with 200 others spreads by .021, the mean of 50 by .003.
    assert np.mean(rates) == pytest.approx(0.05, abs=0.01)


def test_nothing_that_is_reported_was_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """The held-out half may be anything and the networks stay the same; and plain scores are those of that half."""
    along, nothing, pool, gradients = world()
    halves: list = []  # type: ignore[type-arg]
    real = module._halves

    def keeping(*arguments: object) -> object:
        halves.append(real(*arguments))  # type: ignore[arg-type]
        return halves[-1]

    monkeypatch.setattr(module, "_halves", keeping)
    groups = np.repeat(np.arange(20), 2)
    grouped = dataclasses.replace(along, groups=groups)
    fuse([grouped, nothing], pool, gradients, groups, LAYERS, SITES)
    (learnt, held) = halves[0]
    for layer in range(3):
        one, other = (set(map(bytes, half.positives[0][layer])) for half in (learnt, held))
        assert not one & other
        assert len(one | other) == 40
        pairs = [along.X[layer][2 * n : 2 * n + 2] for n in range(20)]
        assert all(len({bytes(row) in one for row in pair}) == 1 for pair in pairs), "groups stay whole"
        mine, theirs = (set(map(bytes, half.gradients[layer])) for half in (learnt, held))
        assert not mine & theirs
        assert not set(map(bytes, learnt.pool[layer])) & set(map(bytes, held.pool[layer]))
    seen: list[np.ndarray] = []
    train = gcav_nets.train

    def watching(widths, draw, score, **rest):  # type: ignore[no-untyped-def]
        cavs = draw(4)[0]
        seen.append(score(cavs).numpy())
        return train(widths, draw, score, **rest)

    monkeypatch.setattr(module, "train", watching)
    spoilt = [
        learnt,
        dataclasses.replace(
            held, positives=[[X * 7 for X in of] for of in held.positives], gradients=[-G for G in held.gradients]
        ),
    ]
    for pair in ((learnt, held), spoilt):
        monkeypatch.setattr(module, "_halves", lambda *_, pair=pair: pair)
        fuse([grouped, nothing], pool, gradients, groups, LAYERS, SITES)
    assert np.array_equal(*seen)


def test_the_networks_learn_to_give_back_what_they_are_given() -> None:
    rng = np.random.default_rng(0)
    basis = [rng.standard_normal((4, width)) for width in WIDTHS]

    def draw(number: int) -> tuple[list[torch.Tensor], torch.Tensor, list[torch.Tensor]]:
        def some() -> list[torch.Tensor]:
            parts = rng.standard_normal((number, 4))
            return [torch.from_numpy(unit(parts @ one)).float() for one in basis]

        return some(), torch.zeros(number, dtype=torch.long), some()

    trained = gcav_nets.train(
        WIDTHS,
        draw,
        lambda cavs: torch.stack([cav[:, 0].sigmoid() for cav in cavs], dim=1),
        seed=0,
        tell=lambda *_: None,
    )
    cavs, _, _ = draw(50)
    for way in (trained.mean, trained.gcav):
        for one, other in zip(way(cavs), cavs, strict=True):
            assert one.norm(dim=1).numpy() == pytest.approx(1, abs=1e-5)
            assert float((one * other).sum(dim=1).mean()) > 0.7
    assert not any(one.requires_grad for one in trained.gcav(cavs))


def test_too_little_gets_a_sentence() -> None:
    along, _, pool, gradients = world()
    with pytest.raises(UserError, match="name two or more"):
        fuse([along], pool, gradients, np.arange(40), LAYERS[:1], SITES[:1])
    few = along.rows(np.arange(40) < 6)
    with pytest.raises(UserError, match="along holds only 6 independent"):
        fuse([few], pool, gradients, np.arange(40), LAYERS, SITES)
    with pytest.raises(UserError, match="pool of negatives, holds only 5"):
        fuse([along], pool.rows(np.arange(120) < 5), gradients, np.arange(40), LAYERS, SITES)
    # Variants of one input are halved as they are.
    assert fuse([along], pool, gradients, np.zeros(40, dtype=int), LAYERS, SITES).inputs == 20


def test_the_command(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(tiny_image_directory(tmp_path, "mobilenet_v2"))
    arguments = (
        *("tcav", "gcav", model, "--concepts", "textures/striped", "--negatives", "patches/random", "--limit", "20"),
        *("--target", "class:1", "--inputs", "colours/red", "--inputs-limit", "16", "--layers", "1,2"),
    )
    found = run(capsys, *arguments)
    assert [one["way"] for one in found["found"]] == list(WAYS)
    assert set(found["false_positive_rate"]) == set(WAYS)
    assert found["layers"] == [1, 2]
    assert run(capsys, *arguments)["cached"] is True
    assert "name two or more" in fails(capsys, *arguments, "--layers", "1")


def test_crops_of_one_image_are_one_draw() -> None:
    """Else a pseudo-concept of many crops of few images is more stable than it should be, and less so the concept."""
    along, _, pool, gradients = world()
    crops = dataclasses.replace(
        pool, X=tuple(np.repeat(part[:40], 3, axis=0) for part in pool.X), groups=np.repeat(np.arange(40), 3)
    )
    rng = np.random.default_rng(0)
    pairs = dataclasses.replace(along, groups=np.arange(40) // 2)
    _, held = _halves(rng, [pairs], crops, gradients, np.arange(40))
    assert module._size(held) == 10, "20 images in each half of the pool, 10 pairs in each half of the concept"
    # Of 10 images against the 10 others each stands on one side, with one of its crops.
    images = held.pool[1][np.unique(held.pool_groups, return_index=True)[1]]
    weights = np.abs(np.linalg.solve(images.T, held.cavs(rng, [None], 10)[1][0]))
    assert weights == pytest.approx(np.full(20, weights[0]))
    order = module._one_each(rng, held.groups_of(None))
    assert sorted(held.groups_of(None)[order]) == sorted(set(held.groups_of(None)))
    alone = module._one_each(np.random.default_rng(3), np.arange(9))
    assert alone.tolist() == np.random.default_rng(3).permutation(9).tolist()

"""Gradients against finite differences, and pushes against plain ones; what is kept on disk is found again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from core.activations import shards
from core.activations.pooling import kept_tokens
from core.errors import UserError
from core.models import Model, batch, counted_positions, open_model, record, tokenize
from core.tcav import gradients as module
from core.tcav.changes import changes
from core.tcav.gradients import pooled_positions, target_gradients
from core.tcav.pushing import pushed_values
from core.tcav.readers import reader_of
from core.tcav.targets import word_target
from tests.tiny import tiny_directory

TEXTS = [
    "The film was good and the music was long.",
    "The letter",
    "She wrote to the teacher in the evening of the second day, and nobody wanted to stay.",
    "They ran to the station",
    "In the morning the city is quiet; in the evening the streets are full.",
]
SPEC = "the,a|and,of"


@pytest.fixture
def precise(tmp_path: Path, home: Path) -> Model:
    """A tiny GPT-2 in float64; a Llama's norms round to float32 whatever its weights are."""
    model = open_model(str(tiny_directory(tmp_path, "gpt2")))
    return dataclasses.replace(model, network=model.network.double(), dtype=torch.float64)


@pytest.mark.parametrize("pool", ["mean", "last"])
@pytest.mark.parametrize("kind", ["after", "mlp"])
def test_gradients_are_finite_differences_of_pushes(precise: Model, home: Path, pool: str, kind: str) -> None:
    target, site = word_target(precise, SPEC), precise.site(1, kind)
    found = target_gradients(precise, target, TEXTS[:3], [site], pool=pool)
    axes, step = np.eye(64), 1e-5
    up, down = (pushed_values(precise, target, TEXTS[:3], site, way * step * axes, pool=pool) for way in (1, -1))
    expected = ((up - down) / (2 * step)).T
    assert found.at[site] == pytest.approx(expected, abs=1e-6 * np.abs(expected).max())
    plain = pushed_values(precise, target, TEXTS[:3], site, np.zeros((1, 64)), pool=pool)[0]
    assert found.values == pytest.approx(plain, abs=1e-6)


def test_one_pass_gives_all_sites_and_padding_changes_nothing(tiny: Model, home: Path) -> None:
    target, sites = word_target(tiny, SPEC), [tiny.site(0), tiny.site(2)]
    together = target_gradients(tiny, target, TEXTS, sites)
    for row, text in enumerate(TEXTS):
        for site in sites:
            alone = target_gradients(tiny, target, [text], [site])
            assert together.values[row] == pytest.approx(alone.values[0], abs=1e-5)
            assert np.abs(together.at[site][row] - alone.at[site][0]).max() < 1e-5 * np.abs(alone.at[site]).max()


def test_the_gradient_is_summed_over_the_positions_that_are_pooled(tiny: Model, home: Path) -> None:
    inputs = batch(tiny, tokenize(tiny, TEXTS, 64))
    site = tiny.site(1)
    h, counted = record(tiny, inputs, [site])[site], counted_positions(tiny, inputs)
    kept = kept_tokens(h, counted, keep_sinks=False)
    assert torch.equal(pooled_positions(h, counted, "mean"), kept)
    last = pooled_positions(h, counted, "last")
    assert last.sum(dim=1).tolist() == [1] * len(TEXTS)
    places = torch.arange(h.shape[1])
    assert [int(places[row].max()) for row in kept] == [int(places[row][0]) for row in last]


def test_what_was_computed_is_found_again_and_damage_is_mended(
    tiny: Model, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHARD", 2)
    target, sites = word_target(tiny, SPEC), [tiny.site(0), tiny.site(1)]
    calls: list[int] = []
    real = module._gradients_of

    def counting(*arguments: object) -> object:
        calls.append(1)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_gradients_of", counting)
    first = target_gradients(tiny, target, TEXTS, sites)
    assert len(calls) == 3
    again = target_gradients(tiny, target, TEXTS, sites[::-1])
    assert len(calls) == 3
    assert all(np.array_equal(first.at[site], again.at[site]) for site in sites)
    target_gradients(tiny, word_target(tiny, "and,of|the,a"), TEXTS, sites)
    assert len(calls) == 6, "another target is another question"
    file = sorted(home.glob(f"activations/*/{shards.name_of(1)}"))[0]
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    mended = target_gradients(tiny, target, TEXTS, sites)
    target_gradients(tiny, word_target(tiny, "and,of|the,a"), TEXTS, sites)
    assert len(calls) == 7, "one shard of one site"
    assert all(np.array_equal(first.at[site], mended.at[site]) for site in sites)


def test_memory_that_runs_out_halves_the_batch(tiny: Model, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, site = word_target(tiny, SPEC), tiny.site(1)
    plain = target_gradients(tiny, target, TEXTS, [site])
    real = module._gradients_of

    def short_of_memory(model: Model, target: object, ids: list[list[int]], *rest: object) -> object:
        if len(ids) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(model, target, ids, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_gradients_of", short_of_memory)
    other = dataclasses.replace(tiny, fingerprint="another")
    halved = target_gradients(other, target, TEXTS, [site])
    assert np.abs(plain.at[site] - halved.at[site]).max() < 1e-5 * np.abs(plain.at[site]).max()
    monkeypatch.setattr(module, "_gradients_of", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(UserError, match="--max-length"):
        target_gradients(dataclasses.replace(tiny, fingerprint="third"), target, TEXTS, [site])


def test_a_text_without_a_pooled_position_is_nan(tiny: Model, home: Path) -> None:
    found = target_gradients(tiny, word_target(tiny, SPEC), ["a", TEXTS[0]], [tiny.site(1)])
    assert np.isnan(found.at[tiny.site(1)]).all(axis=1).tolist() == [True, False]
    assert np.isfinite(found.values).all()


def test_pushes_in_one_batch_are_those_one_by_one_and_are_kept(
    tiny: Model, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, site = word_target(tiny, SPEC), tiny.site(1)
    monkeypatch.setattr("core.activations.reference.typical_norm", lambda *_, **__: type("Norm", (), {"median": 2.0})())
    directions, reader = np.eye(64)[:2], reader_of(tiny)
    found = changes(reader, target, TEXTS, site, directions, [-0.5, 0.1])
    assert found.shape == (2, 2, len(TEXTS))
    for row, text in enumerate(TEXTS):
        plain = pushed_values(tiny, target, [text], site, np.zeros((1, 64)))[0, 0]
        for k, dose in ((0, -0.5), (1, 0.1)):
            pushed = pushed_values(tiny, target, [text], site, dose * 2.0 * directions[k][None])[0, 0]
            assert found[k, [-0.5, 0.1].index(dose), row] == pytest.approx(pushed - plain, abs=2e-5)
    monkeypatch.setattr("core.tcav.pushing.pushed_values", None)
    assert np.array_equal(changes(reader, target, TEXTS, site, directions, [-0.5, 0.1]), found)
    monkeypatch.undo()
    with pytest.raises(UserError, match="too large"):
        pushed_values(tiny, target, TEXTS[:1], site, np.full((1, 64), 1e39))

"""The difference of two models: a shift that was put in is found, with its length and its honest uncertainty."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from core.activations import record_texts
from core.directions import Direction, ModelPair, Texts, load_direction, make_direction, save_direction
from core.directions.halves import halves
from core.errors import UserError
from core.models import Model, Site, open_model
from tests.tiny import WIDTH, tiny_directory, tiny_tokenizer

NOUNS = ("film", "food", "room", "letter", "river", "city", "day", "music", "rain", "street", "teacher", "station")
TEXTS = Texts.plain("sentences", [f"The {a} and the {b} were there." for a in NOUNS for b in NOUNS[:3]])
SHIFT = np.random.default_rng(0).standard_normal(WIDTH) * 0.01


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Model, Model]]:
    """A tiny model, and the same with SHIFT added to every embedding and noise to its later blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCEPTSCOPE_HOME", str(tmp_path_factory.mktemp("home")))
        base = tiny_directory(tmp_path_factory.mktemp("base"), "llama")
        network = AutoModelForCausalLM.from_pretrained(base)
        with torch.no_grad():
            network.get_input_embeddings().weight += torch.tensor(SHIFT, dtype=torch.float32)
            network.model.layers[1].mlp.down_proj.weight *= 1.5
        tuned = tmp_path_factory.mktemp("tuned") / "llama"
        network.save_pretrained(tuned)
        tiny_tokenizer().save_pretrained(tuned)
        yield open_model(str(base)), open_model(str(tuned))


def made(pair: tuple[Model, Model], site: Site, texts: Texts = TEXTS, **options: object) -> Direction:
    return make_direction(pair[0], ModelPair(pair[1], texts), site, "difference", name="x", **options)  # type: ignore[arg-type]


def test_a_shift_that_was_put_in_is_found(pair: tuple[Model, Model]) -> None:
    direction = made(pair, pair[0].site(0, "before"))
    length = np.linalg.norm(SHIFT)
    np.testing.assert_allclose(direction.vector, SHIFT / length, atol=1e-4)
    assert direction.raw_norm == pytest.approx(length, rel=1e-4)
    checks = {one["name"]: one for one in direction.provenance["checks"]}
    for name in ("norm", "held_out_length"):
        assert checks[name]["value"] == pytest.approx(length, rel=1e-3)
        np.testing.assert_allclose(checks[name]["interval"], length, rtol=1e-3)
    assert checks["halves"]["value"] == pytest.approx(1, abs=1e-4)
    assert direction.model_fingerprint == pair[0].fingerprint, "it is for the model that is to be pushed"


@pytest.mark.parametrize("pool", ["mean", "last"])
def test_it_is_the_mean_of_paired_differences(pair: tuple[Model, Model], pool: str) -> None:
    direction = made(pair, pair[0].site(2), pool=pool)
    own, theirs = (
        record_texts(model, TEXTS.texts, [model.site(2)], pool=pool)[0].load().astype(float)  # type: ignore[arg-type]
        for model in pair
    )
    raw = (theirs - own).mean(axis=0)
    assert direction.raw_norm == pytest.approx(np.linalg.norm(raw), rel=1e-9)
    np.testing.assert_allclose(direction.vector, raw / np.linalg.norm(raw), atol=1e-6)
    assert direction.auroc is not None
    assert direction.interval is not None
    assert direction.origin == f"{pair[1].id} minus {pair[0].id} on sentences"
    assert direction.provenance["other"]["fingerprint"] == pair[1].fingerprint
    save_direction(direction)
    assert load_direction("x").to_json() == direction.to_json()


def test_texts_without_a_token_to_read_are_left_out(pair: tuple[Model, Model]) -> None:
    longer = Texts.plain("sentences", ["x", *TEXTS.texts, "y"])
    direction = made(pair, pair[0].site(2), longer)
    np.testing.assert_allclose(direction.vector, made(pair, pair[0].site(2)).vector, atol=1e-5)
    assert direction.provenance["texts"]["left_out"] == 2
    with pytest.raises(UserError, match="no text with a token that counts"):
        made(pair, pair[0].site(2), Texts.plain("letters", ["x", "y"]))


def test_a_few_texts_make_a_direction_of_unknown_quality(pair: tuple[Model, Model]) -> None:
    direction = made(pair, pair[0].site(2), Texts.plain("two", list(TEXTS.texts[:2])))
    assert direction.auroc is None
    assert direction.provenance["checks"] == []


def test_what_cannot_be_compared_is_refused(pair: tuple[Model, Model]) -> None:
    narrow = dataclasses.replace(pair[1], layout=dataclasses.replace(pair[1].layout, width=32))
    with pytest.raises(UserError, match=r"width 64 and .* 32: only models of one width"):
        made((pair[0], narrow), pair[0].site(2))
    with pytest.raises(UserError, match="same model as"):
        made((pair[0], pair[0]), pair[0].site(2))
    with pytest.raises(UserError, match="from another model and texts"):
        make_direction(pair[0], TEXTS, pair[0].site(2), "difference", name="x")  # type: ignore[arg-type]


def test_halves_of_noise_share_nothing_and_the_interval_says_so() -> None:
    """Over 200 draws of pure noise the held-out interval covers 0 in 181 to 197 of them (99% binomial band of 95%)."""
    covered, cosines, inside = 0, [], 0
    for seed in range(200):
        noise = np.random.default_rng(seed).standard_normal((120, 30))
        found = halves(noise, np.arange(120), seed, name="x", title="x", help="x")
        assert found is not None
        assert found.along_check.interval is not None
        low, high = found.along_check.interval
        covered += low <= 0 <= high
        cosines.append(found.cosine_check.value)
        assert found.cosine_check.chance is not None
        inside += found.cosine_check.chance[0] <= found.cosine_check.value <= found.cosine_check.chance[1]
    assert 181 <= covered <= 197
    assert 181 <= inside <= 198
    assert abs(np.mean(cosines)) < 0.05


def test_halves_never_share_a_group() -> None:
    """Each group's vector is its own: were groups split, both halves would agree."""
    rng = np.random.default_rng(0)
    vectors = np.repeat(rng.standard_normal((20, 400)), 10, axis=0)
    found = halves(vectors, np.repeat(np.arange(20), 10), 0, name="x", title="x", help="x")
    assert found is not None
    assert abs(found.cosine_check.value) < 0.2
    apart = halves(vectors, np.arange(200), 0, name="x", title="x", help="x")
    assert apart is not None
    assert apart.cosine_check.value > 0.5
    assert halves(vectors[:7], np.arange(7), 0, name="x", title="x", help="x") is None

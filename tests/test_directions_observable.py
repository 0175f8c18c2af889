"""Directions from two lists of words: against closed forms, and against what real pushes do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.directions import METHODS, Direction, Texts, TokenLists, load_direction, make_direction, save_direction
from core.directions import pulled_back as module
from core.directions.observable import token_weights
from core.directions.pulled_back import pulled_back
from core.errors import UserError
from core.models import Model, Site, batch, counted_positions, edit, tokenize
from tests.tiny import SENTENCES

# Single tokens of the small tokenizer: letters, with the space that it puts before them.
LISTS = TokenLists(("a", "b"), ("w",), Texts.plain("sentences", [*SENTENCES, *(one[::-1] for one in SENTENCES)]))


@pytest.fixture(autouse=True)
def _home(home: Path) -> Path:
    return home


def made(model: Model, site: Site, **options: object) -> Direction:
    return make_direction(model, LISTS, site, "observable", name="x", **options)  # type: ignore[arg-type]


def pushed(model: Model, site: Site, push: torch.Tensor, texts: list[str], pool: str) -> np.ndarray:
    """The observable of each text, from the whole network's logits, while `push` is added to the tokens that count."""
    inputs = batch(model, tokenize(model, texts, 32))
    counted = counted_positions(model, inputs).float()
    last = inputs["attention_mask"].sum(dim=1) - 1
    if pool == "last":
        counted = torch.nn.functional.one_hot(last, counted.shape[1]).float()

    def add(h: torch.Tensor) -> torch.Tensor:
        return h + (counted[..., None] * push).reshape(h.shape)

    with torch.no_grad(), edit(model, {site: add}):
        logits = model.network(**inputs).logits.double()
    weights = token_weights(model, LISTS)
    return np.array([sum(w * float(logits[row, at, id]) for id, w in weights.items()) for row, at in enumerate(last)])


@pytest.mark.parametrize("pool", ["mean", "last"])
@pytest.mark.parametrize(("layer", "kind"), [(0, "before"), (1, "after"), (2, "attention"), (2, "mlp"), (1, "hidden")])
def test_the_gradient_is_the_slope_of_real_pushes(tiny: Model, layer: int, kind: str, pool: str) -> None:
    """Central differences along the direction and along random ones, text by text."""
    site, texts = tiny.site(layer, kind), list(LISTS.prompts.texts)  # type: ignore[arg-type, union-attr]
    found = pulled_back(tiny, site, token_weights(tiny, LISTS), texts, length=32, pool=pool)  # type: ignore[arg-type]
    gradients = found.gradients.astype(float)
    whole = gradients.mean(axis=0)
    rng = np.random.default_rng(0)
    for vector in (whole, rng.standard_normal(len(whole))):
        unit = vector / np.linalg.norm(vector)
        step = 0.003
        push = torch.tensor(unit, dtype=torch.float32) * step
        slopes = (pushed(tiny, site, push, texts, pool) - pushed(tiny, site, -push, texts, pool)) / (2 * step)
        scale = np.abs(gradients @ (whole / np.linalg.norm(whole))).mean()
        np.testing.assert_allclose(gradients @ unit, slopes, atol=0.02 * scale)
    np.testing.assert_allclose(found.values, pushed(tiny, site, 0 * push, texts, pool), atol=1e-5)


@pytest.mark.parametrize("pool", ["mean", "last"])
def test_after_the_last_block_it_is_the_gradient_of_norm_and_unembedding(tiny: Model, pool: str) -> None:
    """RMSNorm by hand: y = W^T n times the gain, m the mean of h^2, d/dh = (y - h (h.y) / (width m)) / sqrt(m)."""
    site, texts = tiny.site(tiny.n_layers - 1), list(LISTS.prompts.texts)  # type: ignore[union-attr]
    weights = token_weights(tiny, LISTS)
    y = unembedded(tiny, weights)
    expected = []
    for text in texts:
        inputs = batch(tiny, tokenize(tiny, [text], 32))
        seen: list[torch.Tensor] = []
        with torch.no_grad(), edit(tiny, {site: lambda h, seen=seen: seen.append(h) or h}):
            tiny.network(**inputs)
        h = seen[0][0, -1].double().numpy()
        m = (h**2).mean() + tiny.network.config.rms_norm_eps
        expected.append((y - h * (h @ y) / (len(h) * m)) / np.sqrt(m))
    found = pulled_back(tiny, site, weights, texts, length=32, pool=pool)  # type: ignore[arg-type]
    np.testing.assert_allclose(found.gradients, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_without_prompts_it_is_the_unembedding_with_the_gain_folded_in(tiny: Model) -> None:
    y = unembedded(tiny, token_weights(tiny, LISTS))
    for layer in (0, 3):
        direction = made(tiny, tiny.site(layer), parameters={"prompts": 0})
        np.testing.assert_allclose(direction.vector, y / np.linalg.norm(y), atol=1e-5)
        assert direction.raw_norm == pytest.approx(np.linalg.norm(y) * np.sqrt(tiny.width), rel=1e-5)
        assert direction.provenance["checks"] == []
        assert "nothing was measured" in direction.provenance["held_out"]["note"]
    with pytest.raises(UserError, match="residual stream"):
        made(tiny, tiny.site(1, "hidden"), parameters={"prompts": 0})


def unembedded(model: Model, weights: dict[int, float]) -> np.ndarray:
    state = model.network.state_dict()
    W, gain = state["lm_head.weight"].double().numpy(), state["model.norm.weight"].double().numpy()
    return sum(weight * W[id] for id, weight in weights.items()) * gain  # type: ignore[return-value]


def test_a_direction_says_how_it_was_made(tiny: Model) -> None:
    direction = made(tiny, tiny.site(1), seed=3)
    gradients = pulled_back(tiny, tiny.site(1), token_weights(tiny, LISTS), LISTS.prompts.texts, length=32).gradients  # type: ignore[union-attr]
    raw = gradients.astype(float).mean(axis=0)
    assert direction.raw_norm == pytest.approx(np.linalg.norm(raw))
    np.testing.assert_allclose(direction.vector, raw / np.linalg.norm(raw), atol=1e-6)
    assert direction.origin == "a, b against w"
    assert (direction.auroc, direction.examples) == (None, None)
    assert direction.provenance["words"] == {"positives": ["a", "b"], "negatives": ["w"]}
    assert direction.provenance["prompts"]["read"] == 10
    assert direction.provenance["parameters"] == {"prompts": 64, "length": 32}
    checks = {one["name"]: one for one in direction.provenance["checks"]}
    assert set(checks) == {"slope", "rising", "halves"}
    low, high = checks["slope"]["interval"]
    assert low <= checks["slope"]["value"] <= high
    save_direction(direction)
    assert load_direction("x").to_json() == direction.to_json()
    fewer = made(tiny, tiny.site(1), parameters={"prompts": 4})
    assert fewer.provenance["prompts"]["read"] == 4
    assert fewer.provenance["checks"] == [], "four prompts are too few for halves"


def test_what_was_computed_is_not_computed_again(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made(tiny, tiny.site(1))
    monkeypatch.setattr(module, "gradients", _refuse)
    assert made(tiny, tiny.site(1)).vector.tobytes() == first.vector.tobytes()
    other_words = TokenLists(("a",), ("w",), LISTS.prompts)
    for changed in (
        lambda: made(tiny, tiny.site(2)),
        lambda: made(tiny, tiny.site(1), pool="last"),
        lambda: made(tiny, tiny.site(1), parameters={"length": 16}),
        lambda: made(tiny, tiny.site(1), parameters={"prompts": 9}),
        lambda: make_direction(tiny, other_words, tiny.site(1), "observable", name="x"),
    ):
        with pytest.raises(AssertionError, match="the network ran"):
            changed()


def _refuse(*_: object) -> None:
    raise AssertionError("the network ran")


def test_texts_without_a_token_that_counts_are_left_out(tiny: Model) -> None:
    weights = token_weights(tiny, LISTS)
    found = pulled_back(tiny, tiny.site(1), weights, ["x", SENTENCES[0], "y"], length=32)
    assert found.rows.tolist() == [1]
    alone = pulled_back(tiny, tiny.site(1), weights, [SENTENCES[0]], length=32)
    np.testing.assert_allclose(found.gradients, alone.gradients, rtol=1e-5, atol=1e-7)
    with pytest.raises(UserError, match="No text has a token that counts"):
        pulled_back(tiny, tiny.site(1), weights, ["x", "y"], length=32)


def test_wrong_wishes_are_refused_in_a_sentence(tiny: Model) -> None:
    site = tiny.site(1)
    for lists, sentence in (
        (TokenLists(("a",), ("unfathomable",)), "'unfathomable' is .* tokens"),
        (TokenLists(("a", "a "), ("b",)), "one and the same token"),
        (TokenLists(("a",), ("a ",)), "both sides"),
    ):
        with pytest.raises(UserError, match=sentence):
            make_direction(tiny, lists, site, "observable", name="x")
    with pytest.raises(UserError, match="from two lists of words"):
        make_direction(tiny, LISTS.prompts, site, "observable", name="x")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="from labelled examples"):
        make_direction(tiny, LISTS, site, "diffmean", name="x")
    with pytest.raises(UserError, match="prompts must be a whole number from 0 to 2000"):
        made(tiny, site, parameters={"prompts": 2001})


def test_every_method_describes_itself() -> None:
    assert {"diffmean", "logistic", "observable", "difference"} <= set(METHODS)
    for name, method in METHODS.items():
        assert (method.name, bool(method.title), method.help.endswith(".")) == (name, True, True)

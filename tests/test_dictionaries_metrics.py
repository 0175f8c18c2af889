"""Figures against their definitions: by hand, with plain transformers, and for dictionaries that can be told ahead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core.dictionaries.card import Card
from core.dictionaries.components import Components, components_of
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.metrics.breaking import breaking
from core.dictionaries.metrics.evaluate import doubt, evaluate, opening_check
from core.dictionaries.metrics.explained import Explained, explained_variance
from core.dictionaries.metrics.reading import read
from core.dictionaries.metrics.resample import interval
from core.dictionaries.metrics.shape import encoder_decoder_cosine, norms
from core.dictionaries.neurons import neurons_of
from core.dictionaries.sae import Config, Sae
from core.dictionaries.training.topk import BatchTopK
from core.errors import UserError
from core.models import Model, Site
from tests.dictionaries import tokens
from tests.tiny import SENTENCES, WIDTH

TEXTS = [*SENTENCES, "A word.", "The rain was long and the day was cold, and nobody came."]
LAYER = 1


def random_sae(scale: float = 1.0, m: int = 40) -> Sae:
    chance = torch.Generator().manual_seed(0)
    config = Config("standard", WIDTH, m, WIDTH)
    weights = {name: torch.randn(shape, generator=chance) * scale for name, shape in config.shapes().items()}
    return Sae(config, weights)


def bound(coder: Any, site: Site, out: Site | None = None, model: Model | None = None, **more: Any) -> Dictionary:
    return Dictionary("d", coder, Card("m", "f", site, out or site, out or site, **more))


def plain(model: Model, texts: list[str], layer: int) -> list[tuple[Tensor, Tensor]]:
    """Token ids and the stream after `layer`, text by text, with plain transformers."""
    found = []
    for text in texts:
        ids = torch.tensor([model.tokenizer(text)["input_ids"]])
        with torch.no_grad():
            states = model.network(ids, output_hidden_states=True).hidden_states
        found.append((ids[0], states[layer + 1][0]))
    return found


def kept_of(stream: Tensor) -> Tensor:
    """Not the first token, and no sink; the tiny tokenizer adds no special tokens."""
    sizes = stream[1:].norm(dim=1)
    median = sizes.sort().values[(len(sizes) - 1) // 2] if len(sizes) else torch.tensor(0.0)
    return torch.cat([torch.tensor([False]), sizes <= 5 * median])


def test_explained_variance_by_hand() -> None:
    x = torch.tensor([[1.0, 0.0], [3.0, 0.0], [5.0, 3.0]])
    rebuilt = torch.tensor([[1.0, 1.0], [3.0, 0.0], [5.0, 1.0]])
    # mean (3, 1): squares 4+1, 0+1, 4+4 = 14; missed 1 + 0 + 4 = 5
    assert explained_variance(x, rebuilt) == pytest.approx(1 - 5 / 14)
    assert explained_variance(x, x) == 1
    assert explained_variance(x, x.mean(0).expand_as(x)) == pytest.approx(0)
    with pytest.raises(ValueError, match="two different"):
        explained_variance(x[:1], x[:1])


def test_explained_variance_over_batches_is_the_same_far_from_zero() -> None:
    x = tokens(500, 6) + 1e4
    rebuilt = x + 0.3 * tokens(500, 6, seed=2)
    sums = Explained()
    for part, other in zip(x.split(70), rebuilt.split(70), strict=True):
        sums.add(part, other)
    sums.add(x[:0], x[:0])
    assert sums.value == pytest.approx(explained_variance(x, rebuilt), abs=1e-9)


def test_reading_is_the_definition_over_plain_transformers(tiny: Model) -> None:
    sae = random_sae()
    found = read(tiny, bound(sae, tiny.site(LAYER)), TEXTS)
    stream = torch.cat([states[kept_of(states)] for _, states in plain(tiny, TEXTS, LAYER)])
    codes = sae.encode(stream)
    rebuilt = sae.decode(codes, stream)
    assert found.n_tokens == len(stream)
    assert found.explained_variance == pytest.approx(explained_variance(stream, rebuilt), rel=1e-4)
    assert found.l0 == pytest.approx(float((codes != 0).sum(1).double().mean()), rel=1e-3)
    np.testing.assert_allclose(found.density, (codes != 0).double().mean(0), atol=2 / len(stream))
    assert found.dead == float((~(codes != 0).any(0)).double().mean())
    torch.testing.assert_close(found.mean, stream.mean(0), rtol=1e-4, atol=1e-5)
    values = torch.linalg.eigvalsh(torch.cov(stream.T.double())).flip(0)
    assert found.components == pytest.approx(float(values[: round(found.l0)].sum() / values.sum()), rel=1e-4)
    low, high = found.explained_interval or (1, 0)
    assert low < found.explained_variance < high


def test_reading_refuses_texts_without_tokens(tiny: Model) -> None:
    with pytest.raises(UserError, match="fewer than two tokens"):
        read(tiny, bound(random_sae(), tiny.site(LAYER)), ["a"])


def plain_nats(model: Model, layer: int, change: Any) -> tuple[float, float, int]:
    """Mean cross-entropy and KL divergence from the clean model, text by text, with a hook of our own."""
    nats = divergence = count = 0.0
    for ids, stream in plain(model, TEXTS, layer):
        kept = kept_of(stream)

        def hook(_m: Any, _i: Any, out: Any, kept: Tensor = kept) -> Any:
            h = (out[0] if isinstance(out, tuple) else out).clone()
            h[0, kept] = change(h[0, kept])
            return (h, *out[1:]) if isinstance(out, tuple) else h

        with torch.no_grad():
            clean = model.network(ids[None]).logits[0].log_softmax(-1)
            handle = model.network.model.layers[layer].register_forward_hook(hook)
            try:
                log_p = model.network(ids[None]).logits[0].log_softmax(-1)
            finally:
                handle.remove()
        for t in range(len(ids) - 1):
            nats -= float(log_p[t, ids[t + 1]])
            divergence += float((clean[t].exp() * (clean[t] - log_p[t])).sum())
            count += 1
    return nats / count, divergence / count, int(count)


def test_cross_entropies_are_those_of_plain_transformers(tiny: Model) -> None:
    sae = random_sae(0.1)
    dictionary = bound(sae, tiny.site(LAYER))
    mean = read(tiny, dictionary, TEXTS).mean
    found = breaking(tiny, dictionary, TEXTS, mean)
    changes: dict[str, Any] = {
        "clean": lambda h: h,
        "dictionary": sae.reconstruct,
        "zero": torch.zeros_like,
        "mean": lambda h: mean.expand_as(h),
    }
    want = {name: plain_nats(tiny, LAYER, change) for name, change in changes.items()}
    for name, (nats, divergence, count) in want.items():
        assert found.ce[name] == pytest.approx(nats, abs=1e-4), name
        assert found.n_tokens == count
        if name != "clean":
            assert found.kl[name] == pytest.approx(divergence, abs=1e-4), name
    clean, ours, zero, average = (want[name][0] for name in ("clean", "dictionary", "zero", "mean"))
    assert found.recovered["ce_recovered"] == pytest.approx((zero - ours) / (zero - clean), abs=1e-2)
    assert found.recovered["ce_recovered_mean"] == pytest.approx((average - ours) / (average - clean), abs=1e-2)
    assert found.recovered["kl_recovered"] == pytest.approx(1 - want["dictionary"][1] / want["zero"][1], abs=1e-3)
    assert found.n_replaced == sum(int(kept_of(states).sum()) for _, states in plain(tiny, TEXTS, LAYER))


def test_dictionaries_whose_figures_are_known(tiny: Model) -> None:
    neurons, reads, writes = neurons_of(tiny, LAYER)
    whole = bound(neurons, reads, writes)
    found = breaking(tiny, whole, TEXTS, read(tiny, whole, TEXTS).mean)
    assert all(value == pytest.approx(1, abs=1e-4) for value in found.recovered.values())
    assert read(tiny, whole, TEXTS).explained_variance == pytest.approx(1)
    nothing = bound(random_sae(0.0), tiny.site(LAYER))
    mean = read(tiny, nothing, TEXTS).mean
    found = breaking(tiny, nothing, TEXTS, mean)
    assert found.recovered["ce_recovered"] == pytest.approx(0, abs=1e-9)
    assert found.ce["zero"] == found.ce["dictionary"]
    average = Sae(nothing.coder.cfg, {**nothing.coder.tensors(), "b_dec": mean})  # type: ignore[attr-defined]
    found = breaking(tiny, bound(average, tiny.site(LAYER)), TEXTS, mean)
    assert found.recovered["ce_recovered_mean"] == pytest.approx(0, abs=1e-9)
    assert read(tiny, bound(average, tiny.site(LAYER)), TEXTS).dead == 1


def test_the_model_is_left_as_it_was(tiny: Model) -> None:
    before = plain(tiny, TEXTS[:1], LAYER)[0][1]
    dictionary = bound(random_sae(), tiny.site(LAYER))
    breaking(tiny, dictionary, TEXTS, torch.zeros(WIDTH))
    assert torch.equal(plain(tiny, TEXTS[:1], LAYER)[0][1], before)
    with pytest.raises(UserError, match="no token to predict"):
        breaking(tiny, dictionary, ["a"], torch.zeros(WIDTH))


def test_all_positions_are_replaced_where_the_dictionary_knows_them(tiny: Model) -> None:
    everywhere = bound(random_sae(), tiny.site(LAYER), positions="all")
    total = sum(len(ids) for ids, _ in plain(tiny, TEXTS, LAYER))
    assert breaking(tiny, everywhere, TEXTS, torch.zeros(WIDTH)).n_replaced == total
    assert read(tiny, everywhere, TEXTS).n_tokens == total


def test_norms_agree_where_rows_are_at_right_angles() -> None:
    rows = torch.linalg.qr(tokens(8, 8)).Q
    weights = {
        "W_enc": rows[:, :5],
        "W_dec": rows[:, :5].T.contiguous(),
        "b_dec": torch.zeros(8),
        "b_enc": torch.zeros(5),
    }
    sae = Sae(Config("standard", 8, 5, 8), weights)
    x = tokens(30, 8, seed=4)
    codes = sae.encode(x)
    found = norms(sae, sae.decode(codes, x), codes.norm(dim=1))
    np.testing.assert_allclose(found.codes, found.rebuilt, atol=1e-5)
    np.testing.assert_allclose(found.error, 0, atol=1e-5)
    np.testing.assert_allclose(encoder_decoder_cosine(sae), 1, atol=1e-6)
    # By hand: f~ = (3, 4) at an angle with |x^| = 6 and b_dec = (0, 0): |36 - 25| / (1 * 25).
    two = Components({"W_dec": torch.zeros(2, 8), "b_dec": torch.zeros(8), "variance": torch.zeros(2)})
    by_hand = norms(two, torch.tensor([[6.0, 0, 0, 0, 0, 0, 0, 0]]), torch.tensor([5.0]))
    assert by_hand.error[0] == pytest.approx(11 / 25)
    assert encoder_decoder_cosine(two) is None


@pytest.mark.parametrize("scaling", ["layer_norm", "constant_norm_rescale"])
def test_norms_are_compared_before_a_tokens_own_scale_is_put_back(scaling: str, tiny: Model) -> None:
    """Rows at right angles: both norms are one, however large a token is."""
    rows = torch.linalg.qr(tokens(WIDTH, WIDTH)).Q
    config = Config("standard", WIDTH, WIDTH, WIDTH, scaling=scaling)
    weights = {"W_enc": rows, "W_dec": rows.T.contiguous(), "b_dec": torch.zeros(WIDTH), "b_enc": torch.zeros(WIDTH)}
    found = read(tiny, bound(Sae(config, weights), tiny.site(LAYER)), TEXTS)
    both = norms(Sae(config, weights), found.inner, found.codes_norm)
    np.testing.assert_allclose(both.codes, both.rebuilt, rtol=1e-4)
    np.testing.assert_allclose(both.error, 0, atol=1e-6)
    assert not np.allclose(found.rebuilt.norm(dim=1), both.codes, rtol=0.05)


class Elsewhere(Tensor):
    """A tensor on a device that has no 64 bits, such as Apple's."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.double or (kwargs or {}).get("dtype") == torch.float64:
            raise TypeError("there is no float64 on this device")
        found = super().__torch_function__(func, types, args, kwargs)
        return found.as_subclass(Tensor) if func is Tensor.cpu else found


def test_sums_in_64_bits_are_made_where_there_are_64_bits(tiny: Model) -> None:
    x, sae = tokens(50, 6), random_sae(0.1)
    there = x.as_subclass(Elsewhere)
    with pytest.raises(TypeError, match="no float64"):
        there.double()
    assert explained_variance(there, 0.9 * there) == explained_variance(x, 0.9 * x)
    sums = Explained()
    sums.add(there, 0.9 * there)
    assert sums.value == pytest.approx(explained_variance(x, 0.9 * x))
    found, wanted = (norms(sae, one, one.norm(dim=1)) for one in (there, x))
    assert (found.codes == wanted.codes).all()
    assert torch.equal(components_of([there], 2).W_dec, components_of([x], 2).W_dec)
    memory: dict[str, Tensor] = {}
    BatchTopK().remember(there.flatten(), memory)
    assert memory["threshold"].dtype == torch.float64
    moved = Sae(sae.cfg, {name: tensor.as_subclass(Elsewhere) for name, tensor in sae.tensors().items()})
    one, other = (read(tiny, bound(coder, tiny.site(LAYER)), TEXTS, in_parts=True) for coder in (moved, sae))
    assert one.explained_variance == other.explained_variance
    assert one.explained_interval == other.explained_interval


def test_intervals_draw_whole_groups() -> None:
    sums = np.array([[1.0, 2], [1, 2], [5, 2], [5, 2]])

    def share(totals: np.ndarray) -> np.ndarray:
        return np.asarray(totals[:, 0] / totals[:, 1])

    assert interval(sums, [0, 0, 0, 0], share) is None
    assert interval(sums, [0, 1, 0, 1], share) == pytest.approx((1.5, 1.5))
    low, high = interval(sums, [0, 0, 1, 1], share) or (0, 0)
    assert (low, high) == (0.5, 2.5)


def test_evaluate_has_the_keys_and_is_remembered(tiny: Model, home: Path) -> None:
    dictionary = bound(random_sae(), tiny.site(LAYER))
    found = evaluate(tiny, dictionary, TEXTS, broken=3)
    assert {"explained_variance", "ce_recovered", "ce_recovered_mean", "l0", "dead"} <= set(found)
    again = evaluate(tiny, dictionary, TEXTS, broken=3)
    assert (found.pop("cached"), again.pop("cached")) == (False, True)
    assert again == found
    other = evaluate(tiny, bound(random_sae(2.0), tiny.site(LAYER)), TEXTS, broken=3)
    assert other["cached"] is False


def test_the_opening_check_warns_of_what_does_not_belong(tiny: Model, home_with_model: Path) -> None:
    poor = opening_check(tiny, bound(random_sae(), tiny.site(LAYER)))
    assert "explains only" in (doubt(poor) or "")
    neurons, reads, writes = neurons_of(tiny, LAYER)
    assert opening_check(tiny, bound(neurons, reads, writes)) == pytest.approx(1)
    assert doubt(0.5) is None

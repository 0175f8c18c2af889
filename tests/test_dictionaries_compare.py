"""Two dictionaries beside one another: which features match, and which dictionaries cannot be compared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from core.dictionaries.card import Card
from core.dictionaries.metrics.compare import compare
from core.dictionaries.sae import Sae
from core.errors import UserError
from core.models import Model, Site
from tests.dictionaries import small_sae, tokens
from tests.test_dictionaries_metrics import LAYER, bound, random_sae
from tests.tiny import WIDTH


def test_matches_find_a_shuffled_copy(tiny: Model) -> None:
    one = random_sae(m=50)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(1))
    moved = {name: t.clone() for name, t in one.tensors().items()}
    moved["W_dec"] = 3 * moved["W_dec"][order]
    moved["W_dec"][0] = tokens(1, WIDTH, seed=9)[0]  # one that is not in the first
    found = compare(bound(one, tiny.site(LAYER)), bound(Sae(one.cfg, moved), tiny.site(LAYER)))
    inverse = order.argsort().numpy()
    lost = int(order[0])
    for feature in range(50):
        if feature != lost:
            assert found.one.best[feature] == inverse[feature]
            assert found.one.cosine[feature] == pytest.approx(1, abs=1e-5)
            assert found.one.mutual[feature]
    assert found.one.cosine[lost] < 0.7
    said: dict[str, Any] = found.to_json()
    assert said["mutual"] >= 49
    assert said["first"]["above_0.9"] == pytest.approx(0.98)
    assert said["chance"] < 0.5
    with pytest.raises(UserError, match="width"):
        compare(bound(one, tiny.site(LAYER)), bound(small_sae("standard"), tiny.site(LAYER)))


def test_what_writes_elsewhere_or_in_another_model_is_not_compared(tiny: Model) -> None:
    stream = bound(random_sae(), tiny.site(LAYER))
    compare(stream, bound(random_sae(), tiny.site(LAYER + 1)))  # the same stream, a block later
    compare(stream, stream.replaced(card=Card()))  # its card says nothing
    for site in (tiny.site(LAYER, "mlp"), Site(LAYER, "attention", "model.layers.1.self_attn.o_proj", "input")):
        with pytest.raises(UserError, match=f"into model.layers.1 output and 'd' into {site}"):
            compare(stream, bound(random_sae(), site))
        compare(bound(random_sae(), site), bound(random_sae(), site))
    with pytest.raises(UserError, match="between models"):
        compare(stream, stream.replaced(card=replace(stream.card, model_fingerprint="another")))

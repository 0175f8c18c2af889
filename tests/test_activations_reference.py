"""Typical norms: the median that they say they are, taken once, and what ships is what is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core.activations import typical_norm, typical_norms
from core.activations.reference import measure
from core.errors import UserError
from core.examples import reference_texts
from core.models import Model, Site, batch, record, tokenize
from tests import reference


def test_the_reference_is_2000_different_texts(home_with_model: Path) -> None:
    texts = reference_texts()
    assert len(set(texts)) == len(texts) == 2000
    assert all(text.strip() for text in texts)
    assert reference_texts() == texts


def test_a_typical_norm_is_the_median_over_kept_tokens(tiny: Model, home_with_model: Path) -> None:
    site = tiny.site(1)
    texts = reference_texts()[:60]
    found = measure(tiny, [site], texts)[site]
    norms, sinks = [], 0
    for text in texts:
        ids = tokenize(tiny, [text], 64)[0]
        h = record(tiny, batch(tiny, [ids]), [site])[site][0].numpy()
        kept = reference.kept_tokens(h, ids, tiny.special_ids, False)
        sinks += sum(token not in tiny.special_ids for token in ids[1:]) - len(kept)
        norms += [float(np.linalg.norm(h[t].astype(np.float64))) for t in kept]
    assert found.n_tokens == len(norms)
    assert found.n_sinks == sinks
    assert found.median == pytest.approx(sorted(norms)[(len(norms) - 1) // 2], rel=1e-4)


@pytest.mark.parametrize("all_of_them", [False, True])
def test_norms_that_overflow_are_no_sinks(
    tiny: Model, home_with_model: Path, monkeypatch: pytest.MonkeyPatch, all_of_them: bool
) -> None:
    def overflowing(*args: Any) -> dict[Site, Tensor]:
        read = record(*args)
        for h in read.values():
            h[:, slice(None) if all_of_them else 3] = torch.inf
        return read

    monkeypatch.setattr("core.activations.reference.record", overflowing)
    with pytest.raises(UserError, match=r"layers\.1 output that are not finite in float32; open the model in float32"):
        measure(tiny, [tiny.site(1)], reference_texts()[:20])


def test_a_reference_of_which_nothing_counts_gets_a_sentence(tiny: Model, home_with_model: Path) -> None:
    with pytest.raises(UserError, match="No token of the reference counts"):
        measure(tiny, [tiny.site(1)], ["a"])


def test_a_norm_is_measured_once(tiny: Model, home_with_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = typical_norms(tiny, [tiny.site(1), tiny.site(1, "mlp")])

    def refuse(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("core.activations.reference.measure", refuse)
    assert typical_norm(tiny, tiny.site(1)) == first[tiny.site(1)]
    assert typical_norm(tiny, tiny.site(1, "mlp")) == first[tiny.site(1, "mlp")]
    # The residual stream of shallower layers came with the pass, or comes with none at all.
    with pytest.raises(AssertionError, match="measured again"):
        typical_norm(tiny, tiny.site(0, "mlp"))


@pytest.mark.slow
def test_what_ships_is_what_is_measured(smollm2: Model, home_with_model: Path) -> None:
    sites = [smollm2.site(0), smollm2.site(2)]
    shipped = typical_norms(smollm2, sites)
    assert not list((home_with_model / "results").glob("*.json")), "the shipped results have another key"
    measured = measure(smollm2, sites, reference_texts())
    for site in sites:
        assert shipped[site].median == pytest.approx(measured[site].median, rel=1e-4)
        assert shipped[site].n_tokens == measured[site].n_tokens

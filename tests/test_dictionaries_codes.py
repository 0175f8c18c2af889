"""Every architecture against a re-statement of its format, one number at a time, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from core.dictionaries.components import components_of
from core.dictionaries.neurons import neurons_of
from core.dictionaries.sae import ARCHITECTURES
from core.dictionaries.snmf import snmf_of
from core.errors import UserError
from core.models import Model, batch, record, tokenize
from tests import reference_dictionaries as reference
from tests.dictionaries import D_IN, small_sae, tokens

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ARCHITECTURES),
    *((name, {"rescale": True}) for name in ("topk", "abstopk")),
    *((name, {"apply_b_dec_to_input": False}) for name in ("standard", "topk", "jumprelu", "gated")),
    *((name, {"scaling": "layer_norm"}) for name in ("standard", "topk", "jumprelu", "gated", "transcoder")),
    *((name, {"scaling": "constant_norm_rescale"}) for name in ("standard", "jumprelu", "skip_transcoder")),
    ("standard", {"scaling": "expected_average_only_in"}),
]


@pytest.mark.parametrize(("architecture", "more"), VARIANTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_codes_and_reconstruction_are_those_of_the_format(architecture: str, more: dict[str, Any], seed: int) -> None:
    sae = small_sae(architecture, seed, torch.float64, **more)
    x = tokens(25, dtype=torch.float64, seed=seed + 5)
    config, weights = sae.config(), {name: tensor.numpy() for name, tensor in sae.tensors().items()}
    codes = sae.encode(x)
    rebuilt = sae.decode(codes, x)
    for row in range(len(x)):
        slow = reference.sae_codes(config, weights, x[row].tolist())
        np.testing.assert_allclose(codes[row], slow, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(
            rebuilt[row], reference.sae_rebuilt(config, weights, slow, x[row].tolist()), rtol=1e-12, atol=1e-12
        )
    assert 0 < (codes != 0).float().mean() < 1


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_one_unit_of_a_code_adds_its_row_of_W_dec(architecture: str) -> None:
    sae = small_sae(architecture, dtype=torch.float64)
    x, codes = tokens(1, dtype=torch.float64), torch.zeros(1, sae.n_features, dtype=torch.float64)
    for feature in range(sae.n_features):
        more = codes.clone()
        more[0, feature] = 1
        torch.testing.assert_close((sae.decode(more, x) - sae.decode(codes, x))[0], sae.W_dec[feature])


def test_rescaled_rows_have_length_one() -> None:
    sae = small_sae("topk", rescale=True)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(sae.n_features))


def test_extra_axes_pass_through() -> None:
    sae, x = small_sae("jumprelu"), tokens(12)
    folded = sae.reconstruct(x.reshape(3, 4, D_IN))
    torch.testing.assert_close(folded.reshape(12, D_IN), sae.reconstruct(x))


def test_neurons_lose_nothing(tiny: Model) -> None:
    neurons, read, written = neurons_of(tiny, 2)
    inputs = batch(tiny, tokenize(tiny, ["The film was good.", "A letter."], 32))
    found = record(tiny, inputs, [read, written])
    torch.testing.assert_close(neurons.reconstruct(found[read]), found[written], rtol=1e-5, atol=1e-6)
    assert torch.equal(neurons.encode(found[read]), found[read])
    assert (neurons.d_in, neurons.d_out) == (found[read].shape[-1], tiny.width)


def test_components_are_those_of_a_singular_value_decomposition() -> None:
    x = tokens(300, 8, dtype=torch.float64) @ torch.diag(torch.arange(8, 0, -1).double()) + 1e3
    found = components_of(x.split(70), 3).to(dtype=torch.float64)
    centred = (x - x.mean(0)).numpy()
    _, sizes, rows = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs((found.W_dec.numpy() * rows[:3]).sum(1)), 1, atol=1e-5)
    np.testing.assert_allclose(found.variance, sizes[:3] ** 2 / (sizes**2).sum(), rtol=1e-4)
    assert bool((found.W_dec.gather(1, found.W_dec.abs().argmax(1, keepdim=True)) > 0).all())
    kept = centred @ rows[:3].T @ rows[:3] + x.mean(0).numpy()
    np.testing.assert_allclose(found.reconstruct(x), kept, atol=2e-3)
    with pytest.raises(UserError, match="ask for fewer"):
        components_of([x], 9)
    with pytest.raises(UserError, match="too few"):
        components_of([x[:3]], 3)


def test_snmf_updates_lower_the_error_and_find_planted_parts() -> None:
    chance = torch.Generator().manual_seed(3)
    parts = torch.zeros(4, 40, dtype=torch.float64)
    for part in range(4):
        parts[part, part * 10 : part * 10 + 4] = torch.randn(4, generator=chance, dtype=torch.float64)
    codes = torch.rand(400, 4, generator=chance, dtype=torch.float64) * (torch.rand(400, 4, generator=chance) < 0.5)
    x = codes @ parts + 0.01 * torch.randn(400, 40, generator=chance, dtype=torch.float64)
    found = snmf_of(x, 4, torch.eye(40, dtype=torch.float64), kept=0.1, iterations=150)
    assert bool((found.encode(x) >= 0).all())
    assert int((found.W_dec != 0).sum(1).max()) == 4
    unit = found.W_dec / found.W_dec.norm(dim=1, keepdim=True)
    best = (unit @ (parts / parts.norm(dim=1, keepdim=True)).T).max(dim=0).values
    assert bool((best > 0.98).all())
    error = (x - found.reconstruct(x)).square().sum() / x.square().sum()
    assert float(error) < 0.02


def test_snmf_codes_rebuild_as_well_as_nonnegative_least_squares() -> None:
    from scipy.optimize import nnls

    x = tokens(200, 12, dtype=torch.float64)
    found = snmf_of(x, 4, torch.eye(12, dtype=torch.float64), kept=0.5, iterations=60)
    codes = found.encode(x[:20])
    for row in range(20):
        least = nnls(found.W_dec.numpy().T, x[row].numpy())[1]
        assert float((x[row] - codes[row] @ found.W_dec).norm()) <= 1.001 * least


def test_snmf_writes_what_the_down_projection_writes() -> None:
    x, down = tokens(100, 12), tokens(12, 7, seed=4)
    found = snmf_of(x, 3, down, iterations=5)
    torch.testing.assert_close(found.written, found.W_dec @ down)
    with pytest.raises(UserError, match="too few"):
        snmf_of(x[:3], 3, down)

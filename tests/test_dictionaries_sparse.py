"""Sparse codes and their gradients against the dense form and autograd's own; selections against full sorts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from core.dictionaries.sae import codes
from core.dictionaries.training import select
from core.dictionaries.training.active import Full, Listed
from core.dictionaries.training.dense import JumpReLU
from core.dictionaries.training.method import Method, Pass, pre_activations
from core.dictionaries.training.sparse import encoded
from core.dictionaries.training.steps import count, jump
from core.dictionaries.training.table import METHODS
from core.dictionaries.training.topk import Selecting
from core.dictionaries.training.weights import Weights, begin
from tests.dictionaries import tokens

N, D, M, K = 60, 16, 48, 5


def weights(dtype: torch.dtype = torch.float64, seed: int = 0) -> Weights:
    made = begin(tokens(200, D, seed=seed), M, K, seed)
    chance = torch.Generator().manual_seed(seed)
    for _, tensor in made.named():
        noise = torch.randn(tensor.shape, generator=chance)
        tensor.data = (tensor.data + 0.1 * noise).to(dtype)
    return made


def data(dtype: torch.dtype = torch.float64) -> Tensor:
    return tokens(N, D, seed=9, dtype=dtype) + 0.5


def dense_pass(method: Selecting, w: Weights, x: Tensor) -> Pass:
    """The same loss through the dense form, which autograd takes apart by itself."""
    pre = pre_activations(w, x)
    values, pattern = method.select(pre.detach(), x, w)
    mask = pattern.dense(torch.ones_like(values))
    loss, rebuilt = method.losses(w, x, Full(pre.relu() * mask))
    return Pass(loss, rebuilt, mask.any(0), 0.0)


def gradients(loss: Tensor, w: Weights) -> dict[str, Tensor]:
    return dict(zip(dict(w.named()), torch.autograd.grad(loss, [t for _, t in w.named()]), strict=True))


@pytest.mark.parametrize("name", ["topk", "batchtopk", "matryoshka", "topafa"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sparse_gradients_are_autograds(name: str, seed: int) -> None:
    method = METHODS[name]
    assert isinstance(method, Selecting)
    if name != "topafa":
        method = type(method)(**{**vars(method), "k": K})
    w, x = weights(seed=seed), data()
    sparse, dense = method.forward(w, x, {}), dense_pass(method, w, x)
    torch.testing.assert_close(sparse.loss, dense.loss)
    torch.testing.assert_close(sparse.rebuilt, dense.rebuilt)
    ours, theirs = gradients(sparse.loss, w), gradients(dense.loss, w)
    for key, gradient in theirs.items():
        assert float((ours[key] - gradient).abs().max()) <= 1e-10 * max(float(gradient.abs().max()), 1), key
        assert bool(gradient.any()), key


def test_in_float32_they_agree_to_a_millionth() -> None:
    method = METHODS["topk"]
    assert isinstance(method, Selecting)
    w, x = weights(torch.float32), data(torch.float32)
    ours = gradients(method.forward(w, x, {}).loss, w)
    theirs = gradients(dense_pass(method, w, x).loss, w)
    for key, gradient in theirs.items():
        assert float((ours[key] - gradient).abs().max()) <= 1e-6 * float(gradient.abs().max()), key


def test_gradients_are_those_of_finite_differences() -> None:
    """Codes that are on stay on for small steps, so the loss is smooth there."""
    method, w, x = METHODS["topk"], weights(), data()
    found = gradients(method.forward(w, x, {}).loss, w)
    for key, tensor in w.named():
        place = int(found[key].abs().argmax())
        losses = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                tensor.view(-1)[place] += step
                losses.append(float(method.forward(w, x, {}).loss))
                tensor.view(-1)[place] -= step
        slope = (losses[0] - losses[1]) / 2e-6
        assert slope == pytest.approx(float(found[key].flatten()[place]), rel=1e-4)


def test_without_mkl_the_products_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no MKL")

    w, x = weights(), data()
    want = gradients(METHODS["topk"].forward(w, x, {}).loss, w)
    monkeypatch.setattr(torch.sparse, "sampled_addmm", refuse)
    got = gradients(METHODS["topk"].forward(w, x, {}).loss, w)
    for key in want:
        torch.testing.assert_close(got[key], want[key])


@pytest.mark.parametrize("k", [1, 3, 11])
def test_top_of_each_is_the_inference_form(k: int) -> None:
    pre = tokens(40, 11, dtype=torch.float64)
    values, pattern = select.top_of_each(pre, k)
    assert torch.equal(pattern.dense(values), codes.topk(pre, k))
    assert torch.equal(pattern.fired(values), codes.topk(pre, k).any(0))


@pytest.mark.parametrize("k", [1, 4, 30])
def test_top_of_all_is_a_full_sort(k: int) -> None:
    pre = tokens(50, 64, dtype=torch.float64)
    pre[7] += 5  # one token takes far more than its share, so that the first guess is too narrow
    values, pattern = select.top_of_all(pre, k)
    floor = pre.relu().flatten().sort(descending=True).values[50 * k - 1]
    assert torch.equal(pattern.dense(values), pre.relu() * (pre >= floor))


def test_top_by_norm_is_the_inference_form() -> None:
    pre, norms = tokens(50, 600, dtype=torch.float64), tokens(1, 600, seed=3, dtype=torch.float64)[0].abs()
    target = torch.linspace(0.1, 30, 50, dtype=torch.float64)[:, None]
    values, pattern = select.top_by_norm(pre, norms, target)
    assert torch.equal(pattern.dense(values), codes.topafa(pre, norms, target))
    counts = (pattern.dense(values) > 0).sum(1)
    assert int(counts.min()) == 1
    assert int(counts.max()) > 256  # more than the first guess


@pytest.mark.parametrize("ends", [[3, 7, 11], [11], [1, 2, 3, 11]])
def test_nested_reconstructions_are_those_of_the_first_features(ends: list[int]) -> None:
    pre, W_dec = tokens(20, 11, dtype=torch.float64), tokens(11, 4, seed=2, dtype=torch.float64)
    values, pattern = select.top_of_each(pre, 4)
    full = pattern.dense(values)
    for on in (Listed(values, pattern), Full(full)):
        nested = on.nested(W_dec, ends)
        for g, end in enumerate(ends):
            torch.testing.assert_close(nested[:, g], full[:, :end] @ W_dec[:end])
        torch.testing.assert_close(on.norms(), full.norm(dim=1).clamp(min=1e-6))


def test_a_token_without_codes_is_rebuilt_as_nothing() -> None:
    pre = -torch.ones(3, 5, dtype=torch.float64)
    pre[1, 2] = 1
    values, pattern = select.top_of_all(pre, 2)
    assert pattern.rows.tolist() == [1]
    W_dec = tokens(5, 4, dtype=torch.float64)
    assert torch.equal(Listed(values, pattern).rebuilt(W_dec)[0], torch.zeros(4, dtype=torch.float64))
    w = weights()
    x = data()[:3]
    on = encoded(x, w.W_enc, w.b_enc, w.b_dec, values[:0], select.Pattern(pattern.rows[:0], pattern.cols[:0], 3, M))
    assert on.shape == (0,)


def test_steps_have_the_papers_gradients() -> None:
    """Equations 11 and 12 of Rajamanoharan et al. 2024, by hand: bandwidth 0.5 about a threshold of 1."""
    pre = torch.tensor([[0.7, 1.2], [0.8, 2.0], [1.1, -1.0]], dtype=torch.float64, requires_grad=True)
    threshold = torch.tensor([1.0, 1.0], dtype=torch.float64, requires_grad=True)
    codes_ = jump(pre, threshold, 0.5)
    assert codes_.tolist() == [[0, 1.2], [0, 2.0], [1.1, 0]]
    codes_.sum().backward()
    assert pre.grad is not None
    assert threshold.grad is not None
    assert pre.grad.tolist() == [[0, 1], [0, 1], [1, 0]]
    assert threshold.grad.tolist() == [-1 / 0.5 * 2, -1 / 0.5 * 1]  # 0.8 and 1.1; 1.2
    threshold.grad = None
    counted = count(pre.detach(), threshold, 0.5)
    assert counted.tolist() == [[0, 1], [0, 1], [1, 0]]
    counted.sum().backward()
    assert threshold.grad.tolist() == [-2 * 2, -2 * 1]


def test_features_that_are_far_from_on_do_not_move_a_low_threshold() -> None:
    """The kernel is about the threshold: at -5 nothing is within half a bandwidth of 0.2, at -0.2 everything is."""
    method, moved = JumpReLU(k=1), []
    for level in (-5.0, -0.2):
        w = weights(torch.float32)
        method.extend(w)
        with torch.no_grad():
            w.W_enc.zero_()
            w.b_enc.fill_(level)
            w.own["threshold"].fill_(0.2)
        method.forward(w, data(torch.float32), {}).loss.backward()
        gradient = w.own["threshold"].grad
        assert gradient is not None
        moved.append(bool(gradient.any()))
    assert moved == [False, True]


@pytest.mark.parametrize("name", METHODS)
def test_the_inference_form_rebuilds_what_training_rebuilt(name: str) -> None:
    """Scaled or not: what was learnt on scaled activations acts on raw ones as it did."""
    method: Method = METHODS[name]
    w, scale = weights(torch.float32), 0.037
    method.extend(w)
    x = data(torch.float32)
    memory: dict[str, Tensor] = {}
    seen = method.forward(w, x, memory)
    if "threshold" in memory:
        # On the very batch that set the threshold it keeps all codes but the smallest.
        memory["threshold"] -= 1e-5
    sae = method.finish(w, memory, scale)
    torch.testing.assert_close(sae.reconstruct(x / scale) * scale, seen.rebuilt, rtol=1e-4, atol=1e-4)

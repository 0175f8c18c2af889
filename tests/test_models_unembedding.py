"""The logit lens against plain transformers, and what directions promote against finite differences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core.errors import UserError
from core.models import Model, batch, edit, open_model, record, tokenize
from core.models.head import head_of
from core.models.pieces import text_pieces, token_texts
from core.models.unembedding import direction_logits, logits_at, logits_of_chunks, promoted, token_direction
from tests.tiny import NAMED, lively_directory, tiny_directory

TEXTS = ["The film was good and the music was better.", "She wrote a letter."]
# Which multiply or cap their logits, or have no norm of their own before the unembedding, or more than a norm.
OTHERS = ("gemma2", "cohere", "bert", "openai-gpt", "olmo", "falcon_h1", "xglm")


def opened(name: str, tmp_path: Path, **settings: Any) -> Model:
    return open_model(str(lively_directory(tmp_path, name, **settings)))


def last_streams(model: Model) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Streams after the last block and the network's own logits, both (batch, tokens, ...)."""
    inputs = batch(model, tokenize(model, TEXTS, 64))
    site = model.site(model.n_layers - 1)
    with torch.no_grad():
        return record(model, inputs, [site])[site], model.network(**inputs).logits, inputs


@pytest.mark.parametrize("name", [*NAMED, *OTHERS])
def test_after_the_last_block_the_lens_gives_the_models_own_logits(name: str, home: Path, tmp_path: Path) -> None:
    model = opened(name, tmp_path)
    h, logits, _ = last_streams(model)
    head = head_of(model)
    assert not head.exact
    torch.testing.assert_close(logits_at(model, h), logits, rtol=1e-5, atol=1e-5 * float(logits.std()))
    assert (head.norm is None) == (name in ("bert", "openai-gpt"))


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "granite", "cohere", "opt", "olmo2"])
def test_an_earlier_layer_is_read_as_if_the_later_blocks_were_not_there(name: str, home: Path, tmp_path: Path) -> None:
    model = opened(name, tmp_path)
    _, _, inputs = last_streams(model)
    early, last = model.site(1), model.site(model.n_layers - 1)
    h = record(model, inputs, [early])[early]
    with edit(model, {last: lambda _: h}), torch.no_grad():
        expected = model.network(**inputs).logits
    torch.testing.assert_close(logits_at(model, h), expected, rtol=1e-5, atol=1e-5 * float(expected.std()))


def test_what_a_network_does_to_its_logits_is_seen(home: Path, tmp_path: Path) -> None:
    gemma = head_of(opened("gemma2", tmp_path, final_logit_softcapping=7.0))
    assert gemma.cap == pytest.approx(7.0, rel=1e-5)
    granite = head_of(opened("granite", tmp_path, logits_scaling=8.0))
    assert (granite.slope, granite.cap) == (pytest.approx(1 / 8, rel=1e-5), None)
    cohere = head_of(opened("cohere", tmp_path, logit_scale=0.25))
    assert cohere.slope == pytest.approx(0.25, rel=1e-5)
    assert cohere.norm is not None
    assert cohere.norm.centred


def test_gains_are_those_of_the_norm(home: Path, tmp_path: Path) -> None:
    for name, gain in (("llama", "model.norm"), ("gemma3_text", "model.norm"), ("gpt2", "transformer.ln_f")):
        model = opened(name, tmp_path)
        weight = model.network.get_submodule(gain).weight.double()
        norm = head_of(model).norm
        assert norm is not None
        assert norm.centred == (name == "gpt2")
        torch.testing.assert_close(norm.gain, weight + 1 if "gemma" in name else weight, rtol=1e-4, atol=1e-5)


def test_a_head_that_cannot_be_taken_apart_runs_the_network(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened("llama", tmp_path)
    own = type(model.network).forward

    def odd(self: Any, *args: Any, **kwargs: Any) -> Any:
        output = own(self, *args, **kwargs)
        output.logits = output.logits + output.logits.pow(3)
        return output

    monkeypatch.setattr(type(model.network), "forward", odd)
    h, logits, _ = last_streams(model)
    assert head_of(model).exact
    torch.testing.assert_close(logits_at(model, h), logits, rtol=1e-4, atol=1e-5 * float(logits.std()))
    with pytest.raises(UserError, match="promotes cannot be told"):
        promoted(model, np.ones((1, model.width)), 3)


def test_logits_that_depend_on_other_tokens_are_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened("llama", tmp_path)
    own = type(model.network).forward

    def mixing(self: Any, *args: Any, **kwargs: Any) -> Any:
        output = own(self, *args, **kwargs)
        output.logits = output.logits.cumsum(dim=1)
        return output

    monkeypatch.setattr(type(model.network), "forward", mixing)
    with pytest.raises(UserError, match="depend on more than"):
        logits_at(model, torch.zeros(1, model.width))


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma3_text", "granite", "cohere", "bert", "openai-gpt"])
def test_directions_add_what_finite_differences_say(name: str, home: Path, tmp_path: Path) -> None:
    model = opened(name, tmp_path)
    if name == "bert":  # a dense layer with a bend before its unembedding
        with pytest.raises(UserError, match="more than a norm"):
            direction_logits(model, torch.ones(1, model.width))
        return
    generator = torch.Generator().manual_seed(3)
    h, v = torch.randn((2, model.width), generator=generator, dtype=torch.float64)
    centred = name in ("gpt2", "cohere")
    # Orthogonal to the stream, which is what the formula assumes; a mean in v would be lost in a LayerNorm.
    h = h - h.mean() if centred else h
    v = v - v.mean() if centred else v
    v = v - h * (h @ v) / (h @ h)
    dose = 1e-2
    push = dose * v / v.norm() * (1.0 if name == "openai-gpt" else h.norm())
    change = logits_at(model, (h + push).float()) - logits_at(model, (h - push).float())
    found = direction_logits(model, v[None].float() * 5)[0]  # the length of the vector does not matter
    torch.testing.assert_close(found, change / (2 * dose), rtol=2e-3, atol=2e-3 * float(found.std()))


def test_the_most_promoted_tokens_are_those_of_the_largest_values(tiny: Model) -> None:
    vectors = np.random.default_rng(0).standard_normal((3, tiny.width))
    found = promoted(tiny, vectors, 4)
    values = direction_logits(tiny, vectors).numpy()[:, : len(tiny.tokenizer)]
    for row, one in zip(values, found, strict=True):
        order = np.argsort(-row)
        assert [token.id for token in one.promoted] == order[:4].tolist()
        assert [token.id for token in one.suppressed] == order[::-1][:4].tolist()
        assert [token.value for token in one.suppressed] == [pytest.approx(row[i]) for i in order[::-1][:4]]
        assert [token.text for token in one.promoted] == token_texts(tiny, order[:4].tolist())
    unit = torch.tensor(vectors[0] / np.linalg.norm(vectors[0]), dtype=torch.float32)
    plain = tiny.network.lm_head.weight.detach() @ (tiny.network.model.norm.weight.detach() * unit)
    np.testing.assert_allclose(direction_logits(tiny, vectors)[0], 8.0 * plain, rtol=1e-4, atol=1e-5)  # sqrt(64)


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_the_direction_of_tokens_is_the_transpose_of_what_directions_promote(
    name: str, home: Path, tmp_path: Path
) -> None:
    model = opened(name, tmp_path)
    weights = {5: 1.0, 9: 0.5, 200: -1.5}
    v = torch.randn((1, model.width), generator=torch.Generator().manual_seed(2))
    v = v / v.norm()
    added = direction_logits(model, v)[0]
    expected = sum(weight * float(added[id]) for id, weight in weights.items())
    assert float(token_direction(model, weights) @ v[0]) == pytest.approx(expected, rel=1e-4)
    with pytest.raises(UserError, match="ids are 0 to"):
        token_direction(model, {10_000: 1.0})


@pytest.mark.parametrize("bad", [np.zeros((1, 64)), np.full((1, 64), np.nan), np.ones((1, 3)), np.ones(64)])
def test_bad_directions_are_refused(tiny: Model, bad: np.ndarray) -> None:
    with pytest.raises(UserError):
        direction_logits(tiny, bad)


def test_chunks_are_the_whole(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    h = torch.randn((11, tiny.width), generator=torch.Generator().manual_seed(0))
    whole = logits_at(tiny, h)
    monkeypatch.setattr("core.models.unembedding.CHUNK", 4 * whole.shape[1])
    chunks = list(logits_of_chunks(tiny, h))
    assert [len(chunk) for chunk in chunks] == [4, 4, 3]
    torch.testing.assert_close(torch.cat(chunks), whole)


def test_the_network_is_left_as_it_was(home: Path, tmp_path: Path) -> None:
    model = open_model(str(tiny_directory(tmp_path, "gpt2")))
    state = torch.random.get_rng_state()
    head_of(model)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.network.modules())


@pytest.fixture
def odd_text() -> str:
    return "a  film ’ö 😀\n\t<b>x</b>\u202eabc"


def test_pieces_are_the_text(tiny: Model, odd_text: str) -> None:
    (ids,) = tokenize(tiny, [odd_text], None)
    found = text_pieces(tiny, ids)
    assert "".join(found) == odd_text
    assert len(found) == len(ids)
    place = found.index("😀")
    assert found[place - 3 : place] == ["", "", ""]
    assert token_texts(tiny, ids)[place - 3] == "\\xf0"


def test_pieces_of_sentencepiece(tiny: Model) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {piece: id for id, piece in enumerate(["<s>", "<0xC3>", "<0xB6>", "▁the", "re", "Ã¶", "▁"])}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[], byte_fallback=True))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(), decoders.Fuse()])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>")
    model = replace(tiny, tokenizer=tokenizer)
    assert text_pieces(model, [0, 3, 4, 1, 2, 5]) == ["<s>", " the", "re", "", "ö", "Ã¶"]
    assert token_texts(model, [3, 1]) == [" the", "\\xc3"]

"""Lens readings against plain transformers and the definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.errors import UserError
from core.lenses import TunedLens, read_lens, single_token
from core.models import Model, tokenize

TEXT = "The film was good and the music was better."


def plain_log_probabilities(model: Model, text: str) -> np.ndarray:
    """(layers, tokens, vocabulary) from `output_hidden_states`, the final norm and the unembedding; float64."""
    (ids,) = tokenize(model, [text], None)
    with torch.no_grad():
        output = model.network(torch.tensor([ids]), output_hidden_states=True)
        streams = [model.network.model.norm(h[0]) for h in output.hidden_states[1:-1]] + [output.hidden_states[-1][0]]
        logits = torch.stack([model.network.lm_head(h) for h in streams]).double()
        torch.testing.assert_close(logits[-1].float(), output.logits[0])
    return torch.log_softmax(logits, dim=-1).numpy()


def test_every_number_is_as_defined(tiny: Model) -> None:
    found = read_lens(tiny, TEXT, k=3)
    plain = plain_log_probabilities(tiny, TEXT)
    final = plain[-1]
    chosen = final.argmax(axis=1)
    assert found.layers == tuple(range(tiny.n_layers))
    assert found.chosen.tolist() == chosen.tolist()
    for layer in found.layers:
        for place in range(len(found.ids)):
            said = plain[layer, place]
            order = np.argsort(-said, kind="stable")
            assert found.top_ids[layer, place].tolist() == order[:3].tolist()
            np.testing.assert_allclose(found.top_probabilities[layer, place], np.exp(said[order[:3]]), rtol=1e-4)
            assert found.entropy[layer, place] == pytest.approx(-sum(np.exp(p) * p for p in said), rel=1e-4)
            expected = sum(np.exp(f) * (f - s) for f, s in zip(final[place], said, strict=True))
            assert found.kl[layer, place] == pytest.approx(expected, rel=1e-2, abs=2e-6)
            assert found.rank[layer, place] == 1 + int((said > said[chosen[place]]).sum())
            assert found.chosen_probability[layer, place] == pytest.approx(np.exp(said[chosen[place]]), rel=1e-4)
    assert (found.kl[-1] == 0).all()
    assert (found.rank[-1] == 1).all()
    assert "".join(found.pieces) == TEXT
    assert not found.kept[:, 0].any()
    assert found.kept[:, 1:].any()


def test_what_is_left_out_of_a_long_prompt_is_told(tiny: Model) -> None:
    whole, part = read_lens(tiny, TEXT), read_lens(tiny, TEXT, max_length=3)
    assert (whole.cut, part.cut) == (0, len(whole.ids) - 3)
    assert part.ids == whole.ids[:3]
    assert part.to_json()["cut"] == part.cut


def test_a_token_can_be_followed(tiny: Model) -> None:
    id = single_token(tiny, " the")
    found = read_lens(tiny, TEXT, token=" the", layers=[1])
    plain = plain_log_probabilities(tiny, TEXT)
    assert found.layers == (1, tiny.n_layers - 1)
    assert set(found.chosen.tolist()) == {id}
    for row, layer in enumerate(found.layers):
        assert found.rank[row].tolist() == (1 + (plain[layer] > plain[layer][:, [id]]).sum(axis=1)).tolist()
    assert found.texts[id] == " the"


def test_a_tuned_lens_is_put_before_the_norm(tiny: Model) -> None:
    d, rng = tiny.width, torch.Generator().manual_seed(0)
    matrices = torch.randn((2, d, d), generator=rng)
    centres, biases = torch.randn((2, 2, d), generator=rng)
    lens = TunedLens("key", tiny.id, tiny.fingerprint, (0, 2), matrices, centres, biases, {})
    found, logit = read_lens(tiny, TEXT, lens=lens), read_lens(tiny, TEXT)
    (ids,) = tokenize(tiny, [TEXT], None)
    with torch.no_grad():
        h = tiny.network(torch.tensor([ids]), output_hidden_states=True).hidden_states[3][0]
        logits = tiny.network.lm_head(tiny.network.model.norm((h - centres[1]) @ matrices[1] + biases[1]))
    assert found.top_ids[2, :, 0].tolist() == logits.argmax(dim=-1).tolist()
    assert found.lens == "tuned"
    np.testing.assert_allclose(found.kl[1], logit.kl[1])  # a layer that has no map
    np.testing.assert_allclose(found.kl[3], 0)


def test_a_lens_of_another_model_is_refused(tiny: Model) -> None:
    zeros = torch.zeros(1, tiny.width)
    lens = TunedLens("key", "other", "f" * 24, (0,), torch.zeros(1, tiny.width, tiny.width), zeros, zeros, {})
    with pytest.raises(UserError, match=r"other \(ffffffff\)"):
        read_lens(tiny, TEXT, lens=lens)


@pytest.mark.parametrize("token", ["the film", "", " the film"])
def test_what_is_not_one_token_is_refused(tiny: Model, token: str) -> None:
    with pytest.raises(UserError, match="is not one token"):
        read_lens(tiny, TEXT, token=token)


def test_an_empty_prompt_and_a_missing_layer_are_refused(tiny: Model) -> None:
    with pytest.raises(UserError, match="empty"):
        read_lens(tiny, "")
    with pytest.raises(UserError, match="no layer 99"):
        read_lens(tiny, TEXT, layers=[99])


def test_json_holds_the_same(tiny: Model) -> None:
    found = read_lens(tiny, TEXT, k=2)
    value = found.to_json()
    assert value["top"][1][2][0] == [
        found.texts[int(found.top_ids[1, 2, 0])],
        pytest.approx(float(found.top_probabilities[1, 2, 0]), abs=1e-6),
    ]
    assert np.shape(value["kl"]) == found.kl.shape

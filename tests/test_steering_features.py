"""Editing a feature's code keeps what the dictionary does not explain, and changes nothing by an amount of 0."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core.activations import TypicalNorm
from core.dictionaries import Card, Dictionary, open_dictionary, save_dictionary
from core.dictionaries.sae.sae import Sae
from core.directions import Direction
from core.errors import UserError
from core.feature_steering import feature_of, open_feature
from core.models import Model
from core.steering import (
    CodeEdit,
    Decoding,
    Feature,
    Intervention,
    Part,
    Positions,
    Recipe,
    Source,
    operator_named,
    prepare,
    stream,
)
from tests.dictionaries import small_sae
from tests.test_steering_generate import PROMPTS, ids_of
from tests.test_steering_operators import exact, seen, unit  # noqa: F401 (a fixture)

FEATURES, NUMBER = 24, 5


class MadeUp:
    """A made-up one with a nonlinear encoder and a decoder that scales by the length of what it reads."""

    def __init__(self, width: int, dtype: torch.dtype) -> None:
        draw = np.random.default_rng(0)
        self.W_enc = torch.from_numpy(draw.normal(size=(width, FEATURES))).to(dtype)
        self.W_dec = torch.from_numpy(draw.normal(size=(FEATURES, width)) / 4).to(dtype)
        self.b = torch.from_numpy(draw.normal(size=width)).to(dtype)

    def encode(self, x: Tensor) -> Tensor:
        return torch.relu((x - self.b) @ self.W_enc)

    def decode(self, codes: Tensor, x: Tensor) -> Tensor:
        return (codes @ self.W_dec + self.b) * x.norm(dim=-1, keepdim=True)

    def feature(self, model: Model) -> Feature:
        row = self.W_dec[NUMBER].double().numpy()
        length = float(np.linalg.norm(row))
        vector = (row / length).astype(np.float32)
        at = Direction("f", model.id, model.fingerprint, str(model.site(1)), 1, vector, length, "feature", {})
        return Feature(at, "key", NUMBER, self.encode, self.decode, length)


def edit(model: Model, base: str, c: float, dictionary: MadeUp) -> Intervention:
    feature = dictionary.feature(model)
    operator = CodeEdit(operator_named(base), feature)
    return Intervention(model.site(1), feature.direction.vector, c, Positions(special=True), operator)


RULES = {
    "add": lambda f, c: f + c,
    "set": lambda f, c: np.full_like(f, c),
    "clamp": np.maximum,
    "cap": np.minimum,
}


@pytest.mark.parametrize("base", RULES)
def test_a_code_is_edited_and_the_rest_is_kept(exact: Model, base: str) -> None:  # noqa: F811
    (ids,) = ids_of(exact, PROMPTS[0])
    dictionary = MadeUp(exact.width, torch.float64)
    c = 0.7
    one = edit(exact, base, c, dictionary)
    (h,), (found,) = seen(exact, [ids], [[]]), seen(exact, [ids], [[one]])
    x = h[0].numpy()
    W_enc, W_dec, b = (t.numpy() for t in (dictionary.W_enc, dictionary.W_dec, dictionary.b))
    codes = np.maximum((x - b) @ W_enc, 0)
    error = x - (codes @ W_dec + b) * np.linalg.norm(x, axis=-1, keepdims=True)
    new = codes.copy()
    new[:, NUMBER] = RULES[base](codes[:, NUMBER], c / np.linalg.norm(W_dec[NUMBER]))
    expected = (new @ W_dec + b) * np.linalg.norm(x, axis=-1, keepdims=True) + error
    assert np.abs(found[0].numpy() - expected).max() < 1e-7 * np.abs(expected).max()  # the length came as float32


@pytest.mark.parametrize(("base", "share"), [("ablate", 1.0), ("scale", 0.5)])
def test_shares_are_of_the_code_itself(exact: Model, base: str, share: float) -> None:  # noqa: F811
    (ids,) = ids_of(exact, PROMPTS[0])
    dictionary = MadeUp(exact.width, torch.float64)
    (h,) = seen(exact, [ids], [[]])
    (found,) = seen(exact, [ids], [[edit(exact, base, share, dictionary)]])
    x = h[0]
    code = dictionary.encode(x)[:, NUMBER, None]
    by = -share * code if base == "ablate" else share * code
    expected = x + by * dictionary.W_dec[NUMBER] * x.norm(dim=-1, keepdim=True)
    assert float((found[0] - expected).abs().max()) < 1e-10
    assert float(code.max()) > 0.1


@pytest.mark.parametrize("base", ["add", "scale", "ablate"])
def test_a_dose_of_0_gives_the_plain_logits(tiny: Model, base: str) -> None:
    prompts = ids_of(tiny, *PROMPTS)
    one = edit(tiny, base, 0.0, MadeUp(tiny.width, torch.float32))
    decoding = Decoding(max_new_tokens=4)
    plain = [step.logits for step in stream(tiny, prompts, [[]] * 3, decoding, logits=True)]
    edited = [step.logits for step in stream(tiny, prompts, [[one]] * 3, decoding, logits=True)]
    for a, b in zip(plain, edited, strict=True):
        assert a is not None
        assert b is not None
        assert float((a - b).abs().max()) <= 1e-5


@pytest.mark.parametrize("architecture", ["standard", "topk", "jumprelu", "gated"])
def test_a_saved_dictionarys_feature_is_pushed_and_its_error_kept(
    home: Path,
    exact: Model,  # noqa: F811
    architecture: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.steering.ready.known_norm", lambda *_: TypicalNorm(2.0, 1, 0, 1))
    site = exact.site(1)
    sae = small_sae(architecture, dtype=torch.float64, d_in=exact.width, d_out=exact.width)
    card = Card(exact.id, exact.fingerprint, site, site, site)
    save_dictionary(Dictionary("mine", sae, card), "mine", store=torch.float64)
    saved = open_dictionary("mine").coder.to(dtype=torch.float64)
    number, dose = 4, 1.5
    part = Part(Source("feature", "mine", feature=number), dose, "add", tokens=("all",))
    ready = prepare(exact, Recipe("x", PROMPTS[0], (part,)), open_feature=open_feature)
    (before,) = seen(exact, [ready.ids], [[]])
    (after,) = seen(exact, [ready.ids], [ready.interventions])
    row = saved.W_dec[number].double()
    moved = (after - before)[0]
    # The dose is the length of the push, in typical norms, along what the feature writes; first tokens are left alone.
    expected = dose * 2.0 * row / row.norm()
    assert float((moved[1:] - expected).abs().max()) < 1e-5
    assert float(moved[0].abs().max()) == 0
    # Taken out, the feature's own share goes, and everything else stays.
    gone = prepare(
        exact,
        Recipe("x", PROMPTS[0], (Part(Source("feature", "mine", feature=number), 1.0, "ablate", tokens=("all",)),)),
        open_feature=open_feature,
    )
    (without,) = seen(exact, [gone.ids], [gone.interventions])
    x = before[0, 1:]
    codes = saved.encode(x)
    own = codes.clone()
    own[:, number] = 0
    expected = x - saved.decode(codes, x) + saved.decode(own, x)
    assert float((without[0, 1:] - expected).abs().max()) < 1e-5
    with pytest.raises(UserError, match="no feature 99"):
        open_feature(exact, "mine", 99)


def test_operators_that_mean_nothing_for_a_code_are_refused(tiny: Model) -> None:
    with pytest.raises(UserError, match="does not apply to a feature's code"):
        edit(tiny, "norm_add", 1.0, MadeUp(tiny.width, torch.float32))


def test_codes_that_have_no_length_are_no_doses(exact: Model) -> None:  # noqa: F811
    """A dictionary that scales each token by itself writes another length for the same code at each."""
    site = exact.site(1)
    plain = small_sae("standard", dtype=torch.float64, d_in=exact.width, d_out=exact.width)
    scaled = Sae(replace(plain.cfg, scaling="layer_norm"), plain.tensors())
    card = Card(exact.id, exact.fingerprint, site, site, site)
    assert feature_of(Dictionary("x", plain, card), exact, 4).length > 0
    with pytest.raises(UserError, match="scales each token by itself"):
        feature_of(Dictionary("x", scaled, card), exact, 4)


def test_what_dose_0_does_is_what_it_does_to_the_code(tiny: Model) -> None:
    made_up = MadeUp(tiny.width, torch.float32)
    assert not edit(tiny, "set", 1.0, made_up).operator.nothing_at_zero
    assert edit(tiny, "add", 1.0, made_up).operator.nothing_at_zero

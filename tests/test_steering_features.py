"""Editing a feature's code keeps what the dictionary does not explain, and changes nothing by an amount of 0."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from core.directions import Direction
from core.errors import UserError
from core.models import Model
from core.steering import CodeEdit, Decoding, Feature, Intervention, Positions, operator_named, stream
from tests.test_steering_generate import PROMPTS, ids_of
from tests.test_steering_operators import exact, seen, unit  # noqa: F401 (a fixture)

FEATURES, NUMBER = 24, 5


class Dictionary:
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


def edit(model: Model, base: str, c: float, dictionary: Dictionary) -> Intervention:
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
    dictionary = Dictionary(exact.width, torch.float64)
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
    dictionary = Dictionary(exact.width, torch.float64)
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
    one = edit(tiny, base, 0.0, Dictionary(tiny.width, torch.float32))
    decoding = Decoding(max_new_tokens=4)
    plain = [step.logits for step in stream(tiny, prompts, [[]] * 3, decoding, logits=True)]
    edited = [step.logits for step in stream(tiny, prompts, [[one]] * 3, decoding, logits=True)]
    for a, b in zip(plain, edited, strict=True):
        assert a is not None
        assert b is not None
        assert float((a - b).abs().max()) <= 1e-5


def test_operators_that_mean_nothing_for_a_code_are_refused(tiny: Model) -> None:
    with pytest.raises(UserError, match="does not apply to a feature's code"):
        edit(tiny, "norm_add", 1.0, Dictionary(tiny.width, torch.float32))

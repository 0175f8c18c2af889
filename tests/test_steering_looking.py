"""A closer look at a run is what the model itself says of its tokens, and a report holds all of the run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.models import Model
from core.steering import Decoding, Part, Recipe, Source, look, play, prepare, run_report
from tests.test_steering_generate import PROMPTS
from tests.test_steering_recipes import saved  # noqa: F401 (a fixture)


def test_a_report_holds_the_run_and_a_recipe_that_repeats_it(saved: Model) -> None:  # noqa: F811
    hostile = "The film | was ``` <b>good</b>"
    recipe = Recipe(saved.id, hostile, (Part(Source("saved", "warm"), 2.0, tokens=("all",)),), Decoding(5))
    ready = prepare(saved, recipe)
    *_, last = play(saved, ready)
    looked = [
        look(saved, ready.ids, tokens, own) for tokens, own in zip(last.tokens, ((), ready.interventions), strict=True)
    ]
    text = run_report(saved, ready, last.tokens, last.fired, (looked[0][1], looked[1][1]))
    assert f"````text\n{hostile}\n````" in text
    assert f"{looked[1][1].perplexity:.3g}" in text
    assert f"{sum(last.fired[0])} of {len(last.fired[0])}" in text
    again = Recipe.from_text(text.split("```json\n")[1].rsplit("\n```", 1)[0])
    assert [last.tokens] == [list(play(saved, prepare(saved, again)))[-1].tokens]


def test_a_closer_look_is_the_models_own_softmax(saved: Model) -> None:  # noqa: F811
    recipe = Recipe(saved.id, PROMPTS[0], (Part(Source("saved", "warm"), 2.0, tokens=("all",)),), Decoding(5))
    ready = prepare(saved, recipe)
    *_, last = play(saved, ready)
    tokens = last.tokens[1]
    seen, _ = look(saved, ready.ids, tokens, ready.interventions)
    with torch.no_grad():
        plain = saved.network(torch.tensor([[*ready.ids, *tokens]])).logits[0, len(ready.ids) - 1 : -1]
    p = plain.double().softmax(-1).numpy()
    for place, (one, token) in enumerate(zip(seen, tokens, strict=True)):
        assert one.plain_surprise == pytest.approx(-np.log2(p[place, token]), rel=1e-4)
        assert {other.token: other.plain for other in one.alternatives} == pytest.approx(
            {other.token: p[place, other.token] for other in one.alternatives}, rel=1e-4
        )
        assert p[place].argmax() in {other.token for other in one.alternatives}
        written_as = next(other for other in one.alternatives if other.token == token)
        assert one.surprise == pytest.approx(-np.log2(written_as.steered))
        assert written_as.steered == max(other.steered for other in one.alternatives)  # it was written greedily

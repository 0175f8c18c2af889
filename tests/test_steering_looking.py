"""A closer look at a run is what the model itself says of its tokens, and a report holds all of the run."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from core.models import Model
from core.steering import Decoding, Part, Recipe, Source, look, play, prepare, run_page, run_report
from tests.test_steering_generate import PROMPTS
from tests.test_steering_recipes import saved  # noqa: F401 (a fixture)


class _Read(HTMLParser):
    """The tags of a page, its table cells, and its texts as they stand."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.exact: list[str] = []
        self._in: str | None = None

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self._in = tag
        if tag == "pre":
            self.exact.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in = None

    def handle_data(self, data: str) -> None:
        if self._in == "td":
            self.cells.append(data)
        elif self._in == "pre":
            self.exact[-1] += data.removeprefix("\n")


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
    page = _Read()
    page.feed(run_page(saved, ready, last.tokens, last.fired, (looked[0][1], looked[1][1])))
    assert {"b", "script", "img", "a"}.isdisjoint(page.tags), "texts of others are text"
    assert page.exact[0] == hostile
    assert f"{looked[1][1].perplexity:.3g}" in page.cells
    assert page.cells.count("warm") == 1
    again = Recipe.from_text(text.split("```json\n")[1].rsplit("\n```", 1)[0])
    assert again == Recipe.from_text(page.exact[3])
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

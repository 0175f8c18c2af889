"""What stands behind a cell: the test taken up again, and the shares of single tokens."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from core.errors import UserError
from core.examples import Examples, from_lists
from core.models import Model, NotOpened, as_known, open_model
from core.tcav import Reading, Settings, check, gcav_nets, make_inputs, tcav, word_target
from core.tcav.changes import changes
from core.tcav.contributions import contributions
from core.tcav.gcav_run import gcav
from core.tcav.known import known_target
from core.tcav.reopening import reopen
from core.tcav.sources import pool_of_texts
from core.tcav.targets import NextWords
from core.tcav.testing import key_of
from tests.tiny import tiny_directory

SPEC = "the,was|and"
TEXTS = ["The film was good and the music was", "She wrote a letter to the", "It rains"]
NOUNS = ["film", "room", "food", "letter", "river", "evening", "music", "city"]
SETTINGS = Settings(kinds=("diffmean",), permutations=19)


def examples(end: str) -> Examples:
    good, bad = ([f"The {noun} was {word} {end}" for noun in NOUNS] for word in ("lovely", "awful"))
    return from_lists(good, bad, end)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_directory(tmp_path_factory.mktemp("behind"), "llama")


@pytest.fixture
def model(home: Path, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    # Sinks are told by a typical norm, which would be taken over two thousand texts.
    norm = type("Norm", (), {"median": 1.0})()
    monkeypatch.setattr("core.activations.reference.typical_norms", lambda _, sites, **__: dict.fromkeys(sites, norm))
    return open_model(str(directory))


@pytest.mark.parametrize("layer", [0, 2])
def test_shares_are_those_of_plain_autograd(model: Model, directory: Path, layer: int) -> None:
    network = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    target = word_target(model, SPEC)
    cav = np.random.default_rng(layer).standard_normal(model.width)
    cav /= np.linalg.norm(cav)
    found = contributions(model, target, TEXTS, model.site(layer), cav)
    for text, one in zip(TEXTS, found, strict=True):
        ids = model.tokenizer([text], return_tensors="pt")["input_ids"]
        out = network(ids, output_hidden_states=True)
        logits = out.logits[0, -1]
        value = logits[list(target.more)].logsumexp(0) - logits[list(target.less)].logsumexp(0)
        (gradient,) = torch.autograd.grad(value, out.hidden_states[layer + 1])
        expected = (gradient[0] @ torch.tensor(cav, dtype=torch.float32)).numpy()
        assert "".join(one.pieces) == text
        assert np.isnan(one.values[0])  # the first token is not pooled
        np.testing.assert_allclose(one.values[1:], expected[1:], rtol=1e-3, atol=1e-7)
        assert one.derivative == pytest.approx(expected[1:].sum(), rel=1e-3)
        assert one.value == pytest.approx(float(value.detach()), abs=1e-5)


def test_with_the_last_token_pooled_it_alone_has_a_share(model: Model) -> None:
    cav = np.eye(model.width)[0]
    target, site = word_target(model, SPEC), model.site(1)
    mean, last = (contributions(model, target, TEXTS[:1], site, cav, pool=pool)[0] for pool in ("mean", "last"))
    assert np.isnan(last.values[:-1]).all()
    assert last.derivative == pytest.approx(mean.values[-1])


def test_a_cell_can_be_taken_up_again(model: Model) -> None:
    concepts = [examples("today"), examples("there")]
    targets = [word_target(model, SPEC), word_target(model, "of|a")]
    # One of the inputs is an example of the second concept.
    inputs = make_inputs(
        "asked", [f"He saw the {noun} and said it was" for noun in NOUNS] + ["The film was lovely there"]
    )
    asked = (concepts, targets, inputs, [1, 2])
    found = tcav(model, *asked, settings=SETTINGS, pushed=0)
    again = reopen(model, *asked, settings=SETTINGS)
    cells = iter(found.results)
    for number in range(2):
        for site, layer in enumerate((1, 2)):
            for target in targets:
                cell = next(cells)
                assert (cell["layer"], cell["target"]) == (layer, target.name)
                derivatives = again.derivatives(number, site, target.name)
                assert len(derivatives) == len(again.items) == cell["n_inputs"]
                assert derivatives.mean() == pytest.approx(cell["mean_derivative"], rel=1e-9)
                assert (derivatives > 0).mean() == pytest.approx(cell["score"])
                (one,) = contributions(model, target, again.items[:1], again.sites[site], again.cav(number, site))
                assert one.derivative == pytest.approx(derivatives[0], rel=1e-3, abs=1e-8)
                assert one.value == pytest.approx(again.values[target.name][0], abs=1e-5)


def test_a_model_that_is_not_open_gives_what_is_known_and_no_more(model: Model) -> None:
    stand_in = as_known(model)
    with pytest.raises(NotOpened):
        known_target(stand_in, SPEC)
    target = known_target(model, SPEC)
    assert known_target(stand_in, SPEC) == target == word_target(model, SPEC)
    asked = ([examples("today")], [target], make_inputs("asked", TEXTS * 2), [1])
    how = {"settings": SETTINGS, "reading": Reading("last"), "pushed": 0}
    with pytest.raises(NotOpened):
        tcav(stand_in, *asked, **how)
    computed = tcav(
        model,
        [examples("today")],
        [target],
        make_inputs("asked", [f"{text} {noun}" for text in TEXTS for noun in NOUNS]),
        [1],
        **how,
    )
    known = tcav(
        stand_in,
        [examples("today")],
        [target],
        make_inputs("asked", [f"{text} {noun}" for text in TEXTS for noun in NOUNS]),
        [1],
        **how,
    )
    assert known.cached
    assert known.results == computed.results


def test_the_null_is_in_the_mean_cosines_unit(model: Model) -> None:
    asked = (
        [examples("today")],
        [word_target(model, SPEC)],
        make_inputs("asked", [f"A {noun} is" for noun in NOUNS]),
        [1],
    )
    (cell,) = tcav(model, *asked, settings=SETTINGS, pushed=0).results
    # z is the statistic's distance from the permutations' mean, and the statistic over the CAV's length is the cosine.
    assert cell["mean_cosine"] == pytest.approx(cell["null_mean"] + cell["z"] * cell["null_sd"], rel=1e-6)


def test_what_a_cut_input_was_is_no_example_and_no_reference(model: Model) -> None:
    words = (("lovely", "nice", "fine"), ("awful", "bad", "poor"))
    concept = from_lists(*([f"The {noun} was {word} today" for noun in NOUNS for word in of] for of in words), "today")
    cut = [text.removesuffix(" today") for text in concept.texts]
    inputs = make_inputs("asked", cut, concept.groups, whole=concept.texts)
    asked = ([concept], [word_target(model, SPEC)])
    again = reopen(model, *asked, inputs, [1], settings=SETTINGS)
    (tested,) = again.concepts
    assert 0 < len(again.items) < len(cut)
    assert tested.left_out["also among the inputs"] == len(again.items)
    assert len(tested.y) + len(again.items) == len(cut)
    beside = again.another(concept, negatives=pool_of_texts("more", [f"{noun} is" for noun in NOUNS]))
    assert beside.n_positives == tested.n_positives, "nor for what is set beside it"
    keys = [key_of(model, *asked, one, [1], settings=SETTINGS) for one in (inputs, make_inputs("asked", cut))]
    assert keys[0] != keys[1], "what they were decides which examples fall away"


def test_a_set_can_be_taken_up_without_the_rows_of_a_concept(model: Model) -> None:
    inputs = make_inputs("asked", [f"He saw the {noun} and said it was" for noun in NOUNS])
    again = reopen(model, [examples("today")], [word_target(model, SPEC)], inputs, [1], settings=SETTINGS)
    good, bad, more = ([f"The {noun} was {how}" for noun in NOUNS] for how in ("lovely today", "awful today", "slow"))
    shared = from_lists(good[:2] + more, bad[:3] + [text + "er" for text in more], "shared")
    assert again.another(shared).left_out == {}
    apart = again.another(shared, beside=0)
    assert (apart.n_positives, apart.n_negatives) == (8, 8)
    with pytest.raises(UserError, match="independent negatives"):
        again.another(from_lists(more, bad, "its negatives"), beside=0)


def test_a_check_is_the_same_whatever_corrects_over_concepts(model: Model) -> None:
    inputs = make_inputs("asked", [f"He saw the {noun} and said it was" for noun in NOUNS])
    pool = pool_of_texts("pool", [f"The {noun} {verb}" for noun in NOUNS for verb in ("is", "was")])
    asked = (pool, [word_target(model, SPEC)], inputs, [1])
    found = [
        check(model, *asked, settings=dataclasses.replace(SETTINGS, correction=one), pushed=0, runs=2, size=4)
        for one in ("holm", "bh")
    ]
    assert [one["cached"] for one in found] == [False, True]


def test_pushes_are_measured_anew_with_another_typical_norm(model: Model) -> None:
    """A stand-in for a reader: a push changes the target by its length."""

    class Fixed:
        norm = 1.0

        def identity(self) -> dict[str, str]:
            return {"model": "none"}

        def corpus(self, items: Sequence[str]) -> str:
            return " ".join(items)

        def typical_norm(self, *_: object) -> float:
            return self.norm

        def pushed(self, _: object, items: Sequence[str], __: object, moves: np.ndarray, ___: object) -> np.ndarray:
            return np.linalg.norm(moves, axis=1)[:, None].repeat(len(items), axis=1)

    reader, target = Fixed(), NextWords("a|b", (1,), (2,))

    def found() -> float:
        return float(changes(reader, target, ["one"], model.site(1), np.eye(3)[:1], [0.5])[0, 0, 0])  # type: ignore[arg-type]

    assert found() == 0.5
    reader.norm = 4.0
    assert found() == 2.0


def test_few_inputs_that_are_halved_row_by_row_are_told(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcav_nets, "STEPS", 2)
    texts = [f"He saw the {noun} and said it was {more}" for noun in NOUNS[:5] for more in ("", "so", "not")]
    many = [f"The {noun} {verb}" for noun in NOUNS for verb in ("is", "was", "has")]
    asked = (model, [examples("today")], word_target(model, SPEC))
    few = make_inputs("asked", texts, np.arange(15) // 3)
    found = gcav(*asked, few, [1, 2], pool_of_texts("pool", many))
    assert any("only 5 are independent" in note for note in found["notes"])
    enough = gcav(*asked, make_inputs("asked", texts), [1, 2], pool_of_texts("pool", many))
    assert not any("independent" in note for note in enough["notes"])

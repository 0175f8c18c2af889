"""All that is known about a concept: looked up, planned, computed, resumed, and where it does not apply, explained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.activations import record_texts
from core.concept import PARTS, Concept, Question, compute_missing, gather
from core.concept import question as asking_about
from core.concept import surroundings as surroundings_of
from core.concept.asking import ask, default_layer
from core.concept.planning import Whole
from core.concept.stable import agreement_of_halves
from core.concept.telling import summary
from core.dictionaries import open_dictionary
from core.directions import load_direction, make_direction, save_direction
from core.errors import UserError
from core.examples import from_lists, open_examples, open_images, save_examples
from core.models import Model, as_known, open_image_model
from core.probing import sweep
from core.progress import Progress
from core.steering import sweep_doses
from core.tcav import Settings, tcav, word_target
from tests.concepts import LAYER, SMALL, SPEC, measure_norms, save_moods, small_question
from tests.made_features import save_small
from tests.tiny_images import tiny_image_directory


@pytest.fixture(scope="module")
def home_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    patch = pytest.MonkeyPatch()
    path = tmp_path_factory.mktemp("concept") / "home"
    patch.setenv("CONCEPTSCOPE_HOME", str(path))
    yield path
    patch.undo()


@pytest.fixture(scope="module")
def question(home_of_all: Path, tiny: Model, prepared_home: Path) -> Question:
    save_moods()
    measure_norms(tiny, prepared_home)
    save_small(tiny)
    return small_question(tiny, "moods", dictionary="mine")


@pytest.fixture(scope="module")
def computed(question: Question, tiny: Model) -> Concept:
    assert {view.state for view in gather(as_known(tiny), question).views.values()} == {"missing"}
    return compute_missing(tiny, question)


def test_everything_is_computed_and_found_again_without_the_model(
    computed: Concept, question: Question, tiny: Model
) -> None:
    assert [view.state for view in computed.views.values()] == ["there"] * len(PARTS), [
        view.why for view in computed.views.values()
    ]
    again = gather(as_known(tiny), question)
    assert again.seconds == 0
    for name in PARTS:
        ours, theirs = (one.to_json()["views"][name]["data"] for one in (computed, again))
        for value in (ours, theirs):
            for timing in ("seconds", "cached"):
                value.pop(timing, None)
        assert ours == theirs, name


def test_numbers_are_those_of_the_rooms(computed: Concept, question: Question, tiny: Model) -> None:
    """Asked as the pages of these rooms ask, which find what was computed here."""
    examples = open_examples("moods", limit=SMALL.rows)
    swept = sweep(tiny, examples, range(tiny.n_layers))
    assert swept.cached
    assert swept.to_json()["results"] == computed.data["readable"]["data"]["results"]
    tested = tcav(
        tiny,
        [examples],
        [word_target(tiny, SPEC)],
        question.inputs,  # type: ignore[arg-type]
        asking_about.tested_layers(LAYER, tiny.n_layers),
        settings=Settings(("diffmean",), permutations=SMALL.permutations),
        pushed=SMALL.pushed,
    )
    assert tested.cached
    direction = make_direction(tiny, examples, tiny.site(LAYER), "diffmean", name="anew", limit=SMALL.rows)
    pushed = computed.found("pushed").sweep
    anew = sweep_doses(tiny, direction, pushed.prompts[:1], [0.5], decoding=pushed_decoding(), n_random=0)
    texts = {(one.dose, one.prompt): one.text for one in pushed.texts if one.arm == "direction"}
    assert [texts[one.dose, 0] for one in anew.texts] == [one.text for one in anew.texts]


def pushed_decoding():  # type: ignore[no-untyped-def]
    from dataclasses import replace

    from core.steering.dose_sweep import DECODING

    return replace(DECODING, max_new_tokens=SMALL.tokens)


def test_each_view_says_its_figures(computed: Concept) -> None:
    data = {name: view["data"] for name, view in computed.data.items()}
    best = data["readable"]["best"]
    assert f"AUROC {best['auroc']:.3f}" in summary("readable", data["readable"])
    assert data["used"]["results"][0]["verdict"] in summary("used", data["used"]).lower()
    assert str(data["carried"]["best"]["feature"]) in summary("carried", data["carried"])
    assert "No other direction is saved" in summary("related", data["related"])
    assert "over 2 splits" in summary("stable", data["stable"])
    json.dumps(computed.to_json(), allow_nan=False)


def test_features_near_it_are_those_of_largest_cosine(computed: Concept, question: Question, tiny: Model) -> None:
    around = computed.found("related").around
    rows = open_dictionary("mine").coder.written.detach().numpy()
    own = make_direction(tiny, question.texts, tiny.site(LAYER), "diffmean", name="own").vector
    cosines = rows @ own / (np.linalg.norm(rows, axis=1) * np.linalg.norm(own))
    expected = sorted(range(len(rows)), key=lambda place: -abs(cosines[place]))[: len(around.features)]
    assert [one.feature for one in around.features] == expected
    assert [one.cosine for one in around.features] == pytest.approx([cosines[place] for place in expected], abs=1e-5)
    assert around.points.shape == (2 + len(expected), 2)
    assert around.feature_layer is not None
    assert around.place(around.vectors[3]) == pytest.approx(around.points[3], abs=0.5)


def test_other_concepts_are_read_across(
    home_of_all: Path, tiny: Model, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against means and AUROCs taken by hand. One set is the concept turned round, one has some of its texts and of the
    third's with the other label: of these nothing counts."""
    texts, labels = question.texts.texts, question.texts.labels
    good, bad = ([text for text, one in zip(texts, labels, strict=True) if one == label] for label in (1, 0))
    turned = from_lists(bad, good, "turned")
    houses, rain = [f"A house stood there {n}." for n in range(12)], [f"It rained on day {n}." for n in range(12)]
    things = from_lists(houses, rain, "things")
    fresh = [f"One {n} more." for n in range(8)], [f"No river {n} ran." for n in range(8)]
    mixed = from_lists([*bad[:6], *rain[:5], *fresh[0]], [*good[:6], *houses[:5], *fresh[1]], "mixed")
    monkeypatch.setattr(surroundings_of, "controls_of", lambda _: (turned, things, mixed))
    found = surroundings_of.surroundings(tiny, question, lambda _: None)
    assert found.compared == 2, "of one nothing is left"
    assert found.shared == 12
    told = {one.id: one for one in found.concepts}
    assert {name: one.shared for name, one in told.items()} == {"things": 0, "mixed": 12}
    site = tiny.site(LAYER)

    def rows(positives: list[str], negatives: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        X = record_texts(tiny, [*positives, *negatives], [site])[0].load()
        y = np.repeat([1, 0], [len(positives), len(negatives)])
        raw = X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0)
        return X, y, raw / np.linalg.norm(raw)

    own, y, direction = rows(good, bad)
    for name, parts in {
        "things": (houses, rain),
        "mixed": ([*rain[:5], *fresh[0]], [*houses[:5], *fresh[1]]),
    }.items():
        other, own_y, theirs = rows(*parts)
        assert told[name].cosine == pytest.approx(float(direction @ theirs), abs=1e-5)
        assert told[name].reads == pytest.approx(roc_auc_score(own_y, other @ direction), abs=1e-6)
        assert told[name].read_by == pytest.approx(roc_auc_score(y, own @ theirs), abs=1e-6)
    apart = abs(float(rows(houses, rain)[2] @ rows(*fresh)[2]))
    assert found.typical == pytest.approx(apart, abs=1e-4)
    again = surroundings_of.known_surroundings(tiny, question)
    assert again is not None
    assert again.to_json() == found.to_json()


def test_saved_directions_are_related_at_once(computed: Concept, question: Question, tiny: Model) -> None:
    examples = open_examples("moods", limit=SMALL.rows)
    for name, layer in (("here", LAYER), ("elsewhere", 0)):
        save_direction(make_direction(tiny, examples, tiny.site(layer), "diffmean", name=name))
    related = gather(as_known(tiny), question).found("related")
    assert related.names == ("this concept", "its probe", "here")
    # All rows make either.
    assert related.cosines[0, 2] == pytest.approx(1.0, abs=1e-6)
    own = computed.found("related").cosines[0, 1]
    logistic = make_direction(tiny, examples, tiny.site(LAYER), "logistic", name="x")
    assert own == pytest.approx(float(load_direction("here").vector @ logistic.vector), abs=1e-6)


def test_work_that_was_stopped_goes_on_where_it_was(home: Path, tiny: Model, prepared_home: Path) -> None:
    save_moods()
    measure_norms(tiny, prepared_home)
    asked = small_question(tiny, "moods", dictionary="")

    class Stopped(Exception):
        pass

    def stop(moment: Progress) -> None:
        if moment.note.startswith(PARTS["pushed"].title):
            raise Stopped

    with pytest.raises(Stopped):
        compute_missing(tiny, asked, progress=stop)
    left = gather(as_known(tiny), asked)
    assert {view.part.name for view in left.missing} == {"pushed", "related", "stable"}
    assert {view.part.name for view in left.there} == {"readable", "used"}
    assert "There is no dictionary" in left.views["carried"].why


def test_what_cannot_be_computed_is_explained(home: Path, tiny: Model) -> None:
    few = from_lists([f"A good day {i}" for i in range(20)], ["A bad one"] * 20, "few")
    save_examples(few, "few")
    found = gather(as_known(tiny), small_question(tiny, "few", dictionary=""))
    assert [view.state for view in found.views.values()] == ["not here"] * len(PARTS)
    assert "only 1 independent examples of “negative”, and 4 are needed" in found.views["readable"].why
    assert found.seconds == 0
    assert compute_missing(tiny, found.question).there == []
    with pytest.raises(UserError, match="has no layer 99"):
        ask(tiny, "few", layer=99)


def test_a_failure_is_kept_and_keeps_nothing_else_back(
    home: Path, tiny: Model, monkeypatch: pytest.MonkeyPatch, prepared_home: Path
) -> None:
    save_moods()
    measure_norms(tiny, prepared_home)
    asked = small_question(tiny, "moods", dictionary="")

    def broken(*_: object, **__: object) -> None:
        raise UserError("The layers fell over.")

    with monkeypatch.context() as patch:
        patch.setattr("core.concept.stable.layer_choice", broken)
        found = compute_missing(tiny, asked)
        assert found.views["stable"].state == "missing" or found.views["stable"].why == "The layers fell over."
    found = gather(as_known(tiny), asked)
    assert (found.views["stable"].state, found.views["stable"].why) == ("failed", "The layers fell over.")
    assert found.views["pushed"].state == "there"
    assert compute_missing(tiny, asked).views["stable"].state == "there"


def test_no_answer_and_an_answer_without_words(home: Path, tiny: Model) -> None:
    save_moods()
    found = gather(tiny, ask(tiny, "moods", layer=LAYER, sizes=SMALL))
    assert "No answer of the model was named" in found.views["used"].why
    found = gather(tiny, ask(tiny, "moods", layer=LAYER, target="xylophones|and", sizes=SMALL))
    assert found.views["used"].state == "not here"
    assert "xylophones" in found.views["used"].why


def test_a_concept_of_images_is_tested_and_the_rest_explained(home: Path, tmp_path: Path) -> None:
    model = open_image_model(str(tiny_image_directory(tmp_path, "resnet")))
    asked = ask(model, "textures/striped", layer=2, target="class:1|0", inputs="colours/red", sizes=SMALL)
    asked = asked.with_sizes(pushed=0)
    found = compute_missing(model, asked)
    assert found.views["used"].state == "there", found.views["used"].why
    assert {name for name, view in found.views.items() if view.state == "not here"} == set(PARTS) - {"used"}
    assert "models of texts" in found.views["readable"].why
    assert "only 1 independent examples" in asking_about.too_few(open_images("photographs/china"), 4)


def test_one_progress_over_all_that_is_missing() -> None:
    seen: list[Progress] = []
    whole = Whole({"one": 10.0, "two": 30.0}, seen.append)
    whole.begin("one", "One?")
    for done in (0, 5, 10):
        whole(Progress(done, 10, "texts", "reading"))
    for done in (0, 10):
        whole(Progress(done, 10, "texts", "writing"))
    assert max(moment.done for moment in seen) < 10  # it is not over before it ends
    whole.end()
    whole.begin("two", "Two?")
    whole.end()
    shares = [moment.done for moment in seen]
    assert shares == sorted(shares)
    assert (seen[-1].done, seen[-1].total) == (40, 40)
    assert len({moment.total for moment in seen}) == 1


def test_halves_agree_where_there_is_something_and_not_where_there_is_nothing() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    noise = rng.standard_normal((200, 30))
    groups = np.arange(200)
    planted = noise + np.outer(y, np.r_[3.0, np.zeros(29)])
    found = agreement_of_halves(planted, y, groups, (0, 1, 2), shuffles=20)
    assert min(found.cosines) > 0.7
    nothing = agreement_of_halves(noise, y, groups, (0, 1, 2), shuffles=20)
    low, high = nothing.by_chance
    assert -0.6 < low < 0 < high < 0.6
    assert all(low - 0.2 < one < high + 0.2 for one in nothing.cosines)
    # By hand: halves of one seed, their means, one cosine.
    from core.examples import split

    one, other = (
        planted[part][y[part] == 1].mean(axis=0) - planted[part][y[part] == 0].mean(axis=0)
        for part in split(y, groups, test_share=0.5, seed=1)
    )
    assert found.cosines[1] == pytest.approx(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_layers() -> None:
    assert default_layer(30) == 13
    assert asking_about.tested_layers(13, 30) == (8, 13)
    assert asking_about.tested_layers(0, 4) == (0,)

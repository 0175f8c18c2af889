"""The Steering page with a tiny model: both texts, the first difference, saved directions, hostile prompts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.dictionaries import Card, Dictionary, save_dictionary
from core.directions import METHODS, TokenLists, load_direction, make_direction, save_direction
from core.examples import open_examples
from core.feature_steering import open_feature
from core.models import Model, open_model
from core.steering import Decoding, Positions, Source, play, prepare, steer
from pages.shared.steering_links import choices_of
from tests.dictionaries import small_sae
from tests.pages import forget, open_alone, save_colours, sends_html, texts_of
from tests.tiny import tiny_directory

PROMPT = "The house is"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_directory(tmp_path_factory.mktemp("pages"), "llama"))


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def model(home_with_model: Path, directory: str, monkeypatch: pytest.MonkeyPatch) -> Model:
    few = tuple(f"This is the text number {i} of a short reference." for i in range(40))
    monkeypatch.setattr("core.activations.reference.reference_texts", lambda: few)
    save_colours()
    return open_model(directory)


def generate(app: AppTest) -> AppTest:
    return app.button(key="generate").click().run()


def query(directory: str, **more: str) -> dict[str, str]:
    return {"model": directory, "concept": "colours", "layer": "2", "tokens": "12", "prompt": PROMPT, **more}


def test_both_texts_are_those_of_the_steering_room(model: Model, directory: str) -> None:
    app = generate(open_alone("steering", **query(directory, dose="0.8")))
    assert not app.exception
    assert not app.error
    direction = make_direction(model, open_examples("colours", limit=1000), model.site(2), "diffmean", name="x")
    plain, steered = steer(model, direction, PROMPT, [0.0, 0.8], decoding=Decoding(max_new_tokens=12))
    written = app.session_state["written_texts"]
    assert written.plain == plain.text
    assert "".join(written.steered) == steered.text
    assert written.coefficient == pytest.approx(steered.coefficient)
    assert written.auroc == direction.auroc
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Raw coefficient"] == f"{steered.coefficient:+.2f}"
    assert metrics["Direction reads its concept: AUROC"] == f"{direction.auroc:.3f}"


def test_the_tokens_that_are_pushed_can_be_chosen_by_link(model: Model, directory: str) -> None:
    direction = make_direction(model, open_examples("colours", limit=1000), model.site(2), "diffmean", name="x")
    texts = []
    for link, positions in (
        ({}, Positions(first=False, later=False)),
        ({"positions": "first,later"}, Positions(prompt=False)),
        ({"positions": "prompt,first,later"}, Positions()),
        ({"positions": "nonsense"}, Positions(first=False, later=False)),
    ):
        app = generate(open_alone("steering", **query(directory, dose="0.8", **link)))
        assert not app.exception
        decoding = Decoding(max_new_tokens=12)
        (_, expected) = steer(model, direction, PROMPT, [0.0, 0.8], decoding=decoding, positions=positions)
        texts.append("".join(app.session_state["written_texts"].steered))
        assert texts[-1] == expected.text
    assert len(set(texts)) > 1


def test_at_dose_0_the_texts_are_the_same(model: Model, directory: str) -> None:
    app = generate(open_alone("steering", **query(directory, dose="0")))
    written = app.session_state["written_texts"]
    assert written.differs_at is None
    assert "".join(written.steered) == written.plain
    assert {metric.label: metric.value for metric in app.metric}["First difference"] == "none"


def test_a_seed_makes_sampling_repeatable(model: Model, directory: str) -> None:
    texts = []
    for seed in ("3", "3", "4"):
        app = generate(open_alone("steering", **query(directory, temperature="1", seed=seed)))
        assert not app.exception
        texts.append(app.session_state["written_texts"].plain)
    assert texts[0] == texts[1] != texts[2]


def test_a_saved_direction_can_be_chosen_by_link(model: Model, directory: str) -> None:
    made = make_direction(model, open_examples("colours"), model.site(1), "logistic", name="warmth")
    save_direction(made)
    app = generate(open_alone("steering", **query(directory, direction="warmth", **{"from": "saved"})))
    assert not app.exception
    assert not app.error
    assert app.session_state["written_texts"].recipe.parts[0].source.of == "warmth"
    assert "Logistic regression of “colours”, at layer 1." in texts_of(app)


def test_a_direction_can_be_saved_and_a_taken_name_is_refused(model: Model, directory: str) -> None:
    app = generate(open_alone("steering", **query(directory)))
    for expected in ("saved", "refused"):
        next(box for box in app.text_input if box.label == "Name").set_value("warmer")
        next(button for button in app.button if button.label == "Save").click().run()
        assert not app.exception
        assert (len(app.success), len(app.error)) == ((1, 0) if expected == "saved" else (0, 1))
    kept = load_direction("warmer")
    assert (kept.layer, kept.method, kept.model_fingerprint) == (2, "diffmean", model.fingerprint)


def test_without_saved_directions_it_says_what_to_do(model: Model, directory: str) -> None:
    app = open_alone("steering", **query(directory, **{"from": "saved"}))
    assert not app.exception
    assert "no saved direction" in texts_of(app)


def test_changed_choices_do_not_show_the_old_text(model: Model, directory: str) -> None:
    app = generate(open_alone("steering", **query(directory)))
    app.slider(key="dose").set_value(-0.25).run()
    assert not app.exception
    assert not app.metric
    assert "what these choices give" in texts_of(app)
    assert app.query_params["dose"] == "-0.25"


def test_hostile_text_is_shown_as_text(model: Model, directory: str) -> None:
    prompt = "<img src=x onerror=alert(1)> **bold** [a](http://x) :red[r] $x$ `c` ![i](http://y)"
    app = generate(open_alone("steering", **query(directory, prompt=prompt)))
    assert not app.exception
    shown = "\n".join(element.value for element in app.markdown)
    assert "\\<img src\\=x onerror\\=alert\\(1\\)\\> \\*\\*bold\\*\\*" in shown
    assert not sends_html(app)


def test_an_empty_prompt_is_said(model: Model, directory: str) -> None:
    app = open_alone("steering", **query(directory))
    app.text_area(key="prompt").set_value("  ").run()
    generate(app)
    assert not app.exception
    assert "prompt is empty" in app.error[0].value.replace("\\", "")


def test_every_method_of_the_family_is_offered_and_one_takes_words(model: Model, directory: str) -> None:
    app = open_alone("steering", **query(directory))
    assert app.selectbox(key="method").options == [one.title for one in METHODS.values()]
    app = generate(open_alone("steering", **query(directory, method="observable", words="a,b|w", dose="0.8")))
    assert not app.exception
    assert not app.error
    direction = make_direction(model, TokenLists.parse("a,b|w"), model.site(2), "observable", name="x")
    steered = steer(model, direction, PROMPT, [0.0, 0.8], decoding=Decoding(max_new_tokens=12))[1]
    assert "".join(app.session_state["written_texts"].steered) == steered.text
    app = generate(open_alone("steering", **query(directory, method="observable", words="a")))
    assert "good,great" in app.error[0].value


def test_a_features_code_and_a_sum_can_be_pushed_by_link(model: Model, directory: str) -> None:
    site = model.site(1)
    sae = small_sae("standard", d_in=model.width, d_out=model.width)
    save_dictionary(Dictionary("mine", sae, Card(model.id, model.fingerprint, site, site, site)), "mine")
    for name, method in (("warmth", "diffmean"), ("other", "logistic")):
        save_direction(make_direction(model, open_examples("colours"), model.site(2), method, name=name))
    links = (
        {"from": "feature", "dictionary": "mine", "feature": "4"},
        {"from": "sum", "sum": "warmth - 0.5*other"},
    )
    for link, source in zip(
        links, (Source("feature", "mine", feature=4), Source("sum", "warmth - 0.5*other")), strict=True
    ):
        app = generate(open_alone("steering", **query(directory, dose="0.8", tokens="6", **link)))
        assert not app.exception
        assert not app.error
        written = app.session_state["written_texts"]
        assert written.recipe.parts[0].source == source
        *_, last = play(model, prepare(model, written.recipe, open_feature=open_feature))
        assert (written.tokens, written.fired) == (last.tokens, last.fired)
        assert choices_of(written.recipe).items() >= link.items()
    app.text_input(key="sum").set_value("warmth - nobody").run()
    assert not app.exception
    assert "nobody" in app.error[0].value

"""The dictionary as a whole, on the Features page: its figures, what is missing, and how concepts lie in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core import jobs
from core.dictionaries import Dictionary, save_dictionary
from core.dictionaries.index import Index
from core.dictionaries.metrics.evaluate import FORMAT
from core.models import Model, open_model
from tests.made_features import index_small, save_small
from tests.pages import forget, texts_of
from tests.test_pages_features import finish, numbers, opened, press
from tests.tiny import tiny_directory


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_directory(tmp_path_factory.mktemp("features"), "llama"))


@pytest.fixture
def model(home_with_model: Path, directory: str) -> Model:
    return open_model(directory)


@pytest.fixture
def dictionary(model: Model) -> Dictionary:
    return save_small(model)


@pytest.fixture
def index(model: Model, dictionary: Dictionary, tmp_path: Path) -> Index:
    return index_small(model, dictionary, tmp_path)


def test_a_dictionarys_health_is_shown(index: Index, dictionary: Dictionary, directory: str) -> None:
    app = opened(directory, features="health")
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Tokens indexed"] == f"{index.n_tokens:,}"
    assert shown["On per token"] == f"{index.columns['count'].sum() / index.n_tokens:.1f}"
    press(app, "Measure")
    (job,) = jobs.jobs()
    assert job.arguments[:3] == ("sae", "eval", "mine")
    jobs.cancel(job.id)
    figures = {"explained_variance": 0.5, "ce_recovered": 0.25, "ce_recovered_mean": 0.125, "l0": 4.0, "dead": 0.0}
    details = {"intervals": {"explained_variance": [0.4, 0.6]}, "published": {"l0": 3.0}, "texts": 9, "tokens": 99}
    details["format"] = FORMAT
    details |= {"missing": {"explained": 0.5, "linear": 0.125, "nonlinear": 0.375}, "kl_recovered": 0.75}
    details |= {"norms": {"rebuilt": [1.0, 2.0], "codes": [1.5, 4.0]}}
    finish(job, {**figures, "details": details})
    app = opened(directory, features="health")
    assert not app.error
    table = app.dataframe[0].value.set_index("figure")
    assert table.loc["explained variance", ["mine", "from", "to"]].tolist() == [0.5, 0.4, 0.6]
    assert table.loc["codes on per token (L0)", "published"] == 3.0
    assert table.loc["KL recovered, zeros", "mine"] == 0.75
    charts = [json.loads(chart.proto.spec)["data"] for chart in app.get("plotly_chart")]
    assert [numbers(trace["x"]) for trace in charts[1]] == [[0.5], [0.125], [0.375]]
    assert (numbers(charts[2][1]["x"]), numbers(charts[2][1]["y"])) == ([1.0, 2.0], [1.5, 4.0])
    assert numbers(charts[2][0]["x"]) == numbers(charts[2][0]["y"]) == [1.0, 4.0]
    assert "12.5% is missing although" in texts_of(app)
    assert "whether it was trained on some of them is not known" in texts_of(app)
    assert "There is no other dictionary" in texts_of(app)


def test_how_concepts_lie_in_a_dictionary_is_shown(index: Index, directory: str) -> None:
    app = opened(directory, features="health")
    press(app, "Probe")
    job = next(one for one in jobs.jobs() if one.arguments[:3] == ("sae", "probe", "mine"))
    jobs.cancel(job.id)
    probe = {"k": 1, "features": [7], "auroc": 0.9, "interval": [0.8, 0.95], "coordinates": 0.7, "random": 0.5}
    sparse = {
        "examples_id": "a/b",
        "whole": 0.99,
        "whole_interval": [0.9, 1.0],
        "probes": [probe],
        "n_train": 9,
        "n_test": 9,
    }
    taken = {"n_features": 1, "accuracy": [[0.5, 1.0], [1.0, 0.5]], "own": 0.5, "others": 0.0, "score": 0.5}
    taken |= {"interval": [0.4, 0.6], "random": 0.01}
    letter = {"letter": "a", "words": 20, "probe": 0.9, "main": [3, 4], "f1": 0.8, "missed": 0.2, "absorbed": 0.1}
    letter |= {"control": 0.0, "fraction": 0.15}
    absorbed = {"absorbed": 0.1, "interval": [0.05, 0.2], "control": 0.0, "missed": 0.2, "fraction": 0.15}
    absorbed |= {"letters": [letter], "unread": ["x"]}
    perturbed = {"examples_ids": ["a/b", "c"], "clean": [1.0, 0.9], "results": [taken]}
    finish(job, {"sparse": [sparse], "perturbation": perturbed, "absorption": absorbed})
    app = opened(directory, features="health")
    assert not app.error
    few, out, letters = (table.value for table in app.dataframe[:3])
    assert few.loc[0, ["set", "1 feature", "whole", "feature"]].tolist() == ["b", 0.9, 0.99, 7]
    assert out.loc[0, ["score", "own", "random"]].tolist() == [0.5, 0.5, 0.01]
    assert letters.loc[0, "main"] == "3, 4"
    assert {metric.label: metric.value for metric in app.metric}["Absorbed"] == "10.0%"
    assert "no held-out word right for x" in texts_of(app)


def test_figures_that_meant_something_else_are_not_shown(index: Index, directory: str) -> None:
    app = opened(directory, features="health")
    press(app, "Measure")
    (job,) = jobs.jobs()
    jobs.cancel(job.id)
    finish(job, {"explained_variance": 0.5, "details": {"format": FORMAT - 1, "texts": 9, "tokens": 99}})
    app = opened(directory, features="health")
    assert not app.error
    assert not app.dataframe
    assert "Measure" in [button.label for button in app.button]


def test_what_was_found_of_another_dictionary_of_the_name_is_not_shown(
    index: Index, model: Model, directory: str
) -> None:
    save_small(model, "other", seed=1)
    app = opened(directory, features="health")
    press(app, "Compare")
    (job,) = jobs.jobs()
    assert job.arguments == ("sae", "compare", "mine", "other")
    jobs.cancel(job.id)
    side = {"features": 24, "mean_cosine": 0.5, "above_0.7": 0.25, "above_0.9": 0.125}
    finish(job, {"names": ["mine", "other"], "first": side, "second": side, "mutual": 3, "chance": 0.2})
    assert "3 pairs are each other's nearest" in texts_of(opened(directory, features="health"))
    save_small(model, "other", seed=2, replace=True)
    app = opened(directory, features="health")
    assert not app.error
    assert "pairs are each other's nearest" not in texts_of(app)
    assert "Compare" in [button.label for button in app.button]


def test_only_dictionaries_that_write_into_one_place_are_put_beside_one_another(
    index: Index, dictionary: Dictionary, model: Model, directory: str
) -> None:
    inside = replace(dictionary.card, writes_to=model.site(1, "mlp"))
    save_dictionary(dictionary.replaced(card=inside), "inside")
    assert "There is no other dictionary" in texts_of(opened(directory, features="health"))

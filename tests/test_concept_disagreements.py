"""Where views contradict one another: each sentence one by one, and none where there is nothing to say."""

from __future__ import annotations

from typing import Any

import pytest

from core.concept import disagreements as d
from core.tcav.verdict import NOT_ACTING, NOT_DETECTED, NOT_READABLE, NOT_SPECIFIC, SUPPORTED

CI = (0.93, 0.97)


def test_readable_but_not_used() -> None:
    said = "Readable at AUROC 0.95 at layer 14, but the answer was not found to depend on it at layers 8 and 14."
    assert d.readable_not_used(0.95, CI, 14, [(8, NOT_DETECTED), (14, NOT_DETECTED)]) == said
    assert d.readable_not_used(0.95, CI, 14, [(14, NOT_DETECTED)]).endswith("depend on it there.")
    assert d.readable_not_used(0.95, CI, 14, [(8, NOT_DETECTED), (14, NOT_SPECIFIC)]) == ""
    assert d.readable_not_used(0.95, CI, 14, []) == ""  # it was not tested
    assert d.readable_not_used(0.70, (0.6, 0.8), 14, [(14, NOT_DETECTED)]) == ""
    assert d.readable_not_used(0.95, CI, 14, [(14, NOT_READABLE)]) == ""  # the test says nothing there


def test_used_as_many_others_are() -> None:
    assert "no more than on other concepts" in d.used_not_specific([NOT_DETECTED, NOT_SPECIFIC])
    assert d.used_not_specific([SUPPORTED, NOT_SPECIFIC]) == ""
    assert d.used_not_specific([]) == ""


def test_gradients_and_pushes() -> None:
    assert "a real push moves the answer no further" in d.gradient_not_push([NOT_ACTING])
    assert d.gradient_not_push([SUPPORTED, NOT_ACTING]) == ""


def test_words_alone_and_the_first_block() -> None:
    assert "counting words reaches 0.94" in d.words_alone(0.95, 0.94, (-0.01, 0.03))
    assert d.words_alone(0.95, 0.94, (0.005, 0.02)) == ""  # a little above, on the same texts
    assert d.words_alone(0.95, 0.94, None) == ""  # not measured
    assert d.words_alone(0.6, 0.6, (-0.1, 0.1)) == ""
    assert "the first block already reaches 0.93" in d.early(0.95, 14, 0.93, (-0.01, 0.05))
    assert d.early(0.95, 14, 0.80, (0.1, 0.2)) == ""
    assert d.early(0.95, 0, 0.95, (0.0, 0.0)) == ""


def test_features_and_probe() -> None:
    assert "best single feature (7) only at 0.70" in d.no_single_feature(CI, 0.95, 7, 0.70, 0.80)
    assert d.no_single_feature(CI, 0.95, 7, 0.92, 0.94) == ""
    assert "has the cosine -0.01" in d.feature_points_elsewhere(7, 0.9, -0.01, 0.08)
    assert d.feature_points_elsewhere(7, 0.9, -0.3, 0.08) == ""


UP, FLAT, DOWN = (0.2, 0.6), (-0.1, 0.3), (-0.6, -0.2)


def slope(interval: Any, above: int, p: float | None = 0.01, random: int = 11) -> dict[str, Any]:
    return {"mean": 0.0, "interval": list(interval), "above": above, "random": [0.0] * random, "p": p}


@pytest.mark.parametrize(
    ("told", "moves"),
    [
        (slope(UP, 11), 1),
        (slope(UP, 11, 0.06), 0),
        (slope(UP, 2), 0),  # far below the random ones, which all go up
        (slope(FLAT, 11), 0),
        (slope(DOWN, 0), -1),
        (slope(DOWN, 11), 0),
        (slope((None, None), 11), None),  # one prompt
        (slope(UP, 2, None, 2), None),  # too few random directions to know
        (None, None),  # nobody judged
    ],
)
def test_a_push_moves_only_beyond_noise_and_random_directions(told: Any, moves: int | None) -> None:
    assert d.moved(told) == moves


def test_what_is_said_of_a_push() -> None:
    assert "was not found to move what the model writes" in d.used_not_moving([SUPPORTED], 0)
    assert "but pushing it there was not found" in d.readable_not_moving(0.95, 14, 0)
    assert "it may be used elsewhere" in d.moving_not_used([NOT_DETECTED], 1)
    assert "writes less of it" in d.moves_backwards(-1)
    for moves in (1, -1, None):
        assert d.used_not_moving([SUPPORTED], moves) == d.readable_not_moving(0.95, 14, moves) == ""
    for moves in (0, -1, None):
        assert d.moving_not_used([NOT_DETECTED], moves) == ""
    assert d.moves_backwards(1) == d.moves_backwards(0) == d.moves_backwards(None) == ""


def test_what_is_said_of_a_push_needs_a_verdict() -> None:
    assert d.moving_not_used([], 1) == ""
    assert d.used_not_moving([NOT_DETECTED], 0) == ""


def test_judges_that_differ() -> None:
    assert "hears the opposite" in d.judges_differ(-1, 1)
    assert "hears nothing beyond what random" in d.judges_differ(0, 1)
    assert d.judges_differ(1, 1) == ""
    assert d.judges_differ(1, 0) == ""  # a probe that hears nothing is no witness
    assert d.judges_differ(None, 1) == d.judges_differ(1, None) == ""  # neither is a judge who is not there


def test_views_of_different_layers_are_not_held_against_one_another() -> None:
    """The strongest layer is 25; the push and the features are at 13, where the probe reads next to nothing."""
    at = [
        {"layer": layer, "method": "logistic", "auroc": auroc, "auroc_ci": [auroc - 0.03, auroc + 0.03], "cv_auroc": 0}
        for layer, auroc in ((13, 0.60), (25, 0.95))
    ]
    top = {"feature": 7, "auroc": 0.58, "interval": [0.5, 0.65], "cosines": {}}
    views = {
        "readable": {"best": at[1], "results": at, "baselines": []},
        "used": {"results": [{"layer": 13, "verdict": NOT_DETECTED}]},
        "carried": {"best": top, "layer": 13},
        "pushed": {"layer": 13, "results": [], "slope": slope(FLAT, 5, 0.6)},
    }
    assert d.between(views) == {}
    for name, key in (("used", "results"), ("carried", "layer"), ("pushed", "layer")):
        there = [{"layer": 25, "verdict": NOT_DETECTED}] if name == "used" else 25
        assert d.between({**views, name: {**views[name], key: there}}) != {}


def test_texts_that_break_at_once() -> None:
    assert "Already the smallest dose, 0.3, breaks the texts" in d.breaks_first((0.0, 0.0), [-0.6, -0.3, 0.0, 0.3])
    assert d.breaks_first((-0.3, 0.0), [-0.3, 0.0]) == ""
    assert d.breaks_first(None, [-0.3, 0.0]) == ""


def test_stability() -> None:
    assert "0.70 to 0.85 over 3" in d.hangs_on_split([0.7, 0.8, 0.85])
    assert d.hangs_on_split([0.8, 0.85]) == ""
    assert "cosine of only 0.30, no more than labels dealt anew give" in d.halves_disagree([0.2, 0.4], (-0.5, 0.5))
    assert d.halves_disagree([0.2, 0.4], (-0.1, 0.1)).endswith("as about the concept.")
    assert d.halves_disagree([0.8], (-0.5, 0.5)) == ""
    assert "AUROC names layer 2 and the norm names layer 9" in d.layers_differ({"AUROC": 2, "the norm": 9})
    assert d.layers_differ({"AUROC": 8, "the norm": 9}) == ""


def test_what_is_missing_is_not_argued_about() -> None:
    assert d.between(dict.fromkeys(("readable", "used", "carried", "pushed", "related", "stable"))) == {}
    best = {"auroc": 0.95, "auroc_ci": list(CI), "layer": 14, "method": "logistic", "cv_auroc": 0.9}
    readable = {
        "best": best,
        "results": [best],
        "baselines": [{"name": "tfidf", "auroc": 0.6}, {"name": "length", "auroc": 0.99}],
    }
    assert d.between({"readable": readable}) == {}
    used = {"results": [{"layer": 14, "verdict": NOT_DETECTED}]}
    assert list(d.between({"readable": readable, "used": used})) == ["readable_not_used"]

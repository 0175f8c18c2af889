"""Where the views of one concept contradict one another, in words: pure functions over their numbers.

Each returns one sentence, or "" where it has nothing to say. What is missing is not argued about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.tcav.telling import listed
from core.tcav.verdict import FOUND, NOT_ACTING, NOT_READABLE, NOT_SPECIFIC, ORDER, SUPPORTED

READABLE = 0.75  # AUROC from which a concept counts as well readable
SPREAD = 0.1  # AUROC by which splits may differ
APART = 2  # layers by which measures of the best layer may differ
ALPHA = 0.05  # p up to which a slope is not one of the random ones
LIKE = 0.5  # cosine from which two directions count as much the same

Interval = Sequence[float]  # low and high; None where it was not measured


def readable_not_used(auroc: float, interval: Interval, layer: int, cells: Sequence[tuple[int, str]]) -> str:
    """Read well where it was tested, and yet no dependence was found. cells: layers and their verdicts."""
    verdicts = [verdict for _, verdict in cells]
    if interval[0] <= 0.5 or auroc < READABLE or any(one in FOUND for one in verdicts) or not verdicts:
        return ""
    if all(one == NOT_READABLE for one in verdicts):
        return ""
    layers = [str(tested) for tested in dict.fromkeys(tested for tested, _ in cells)]
    where = "there" if layers == [str(layer)] else f"at layer{'s' * (len(layers) > 1)} {listed(layers)}"
    return f"Readable at AUROC {auroc:.2f} at layer {layer}, but the answer was not found to depend on it {where}."


def used_not_specific(verdicts: Sequence[str]) -> str:
    """The answer depends on it, as on many others."""
    best = min(verdicts, key=ORDER.index, default="")
    if best != NOT_SPECIFIC:
        return ""
    return "The answer depends on it, but no more than on other concepts that are about as readable."


def gradient_not_push(verdicts: Sequence[str]) -> str:
    """Gradients say yes, real pushes say no."""
    if min(verdicts, key=ORDER.index, default="") != NOT_ACTING:
        return ""
    return "By its gradients the answer depends on it, but a real push moves the answer no further than random ones do."


def words_alone(auroc: float, words: float, lead: Interval | None) -> str:
    """Counting words does as well as the model. lead: 95% interval of how far the probe lies above them, on the same
    texts."""
    if auroc < READABLE or lead is None or lead[0] > 0:
        return ""
    return (
        f"The probe reaches AUROC {auroc:.2f}, but counting words reaches {words:.2f}: nothing here shows that the"
        " model knows more than the words."
    )


def early(auroc: float, layer: int, first_block: float, lead: Interval | None) -> str:
    """The first block does as well as the best layer. lead: as of `words_alone`."""
    if auroc < READABLE or layer == 0 or lead is None or lead[0] > 0:
        return ""
    return (
        f"Strongest at layer {layer} with AUROC {auroc:.2f}, but the first block already reaches {first_block:.2f}:"
        " the depth adds nothing that shows."
    )


def no_single_feature(probe: Interval, probe_auroc: float, feature: int, feature_auroc: float, high: float) -> str:
    """The probe reads what no one feature does. high: upper end of the feature's interval."""
    if probe_auroc < READABLE or high >= probe[0]:
        return ""
    return (
        f"The probe reads it at AUROC {probe_auroc:.2f}, but the best single feature ({feature}) only at"
        f" {feature_auroc:.2f}: it is spread over many features."
    )


def feature_points_elsewhere(feature: int, auroc: float, cosine: float, chance: float) -> str:
    """A feature tells the texts apart without lying along the concept's direction."""
    if auroc < READABLE or abs(cosine) > chance:
        return ""
    return (
        f"Feature {feature} tells the texts apart at AUROC {auroc:.2f}, but what it writes has the cosine {cosine:+.2f}"
        " with the concept's direction, no more than a random one."
    )


def used_not_moving(verdicts: Sequence[str], moves: int | None) -> str:
    """The answer depends on it, yet what is written does not follow. moves: as `moved` tells."""
    if SUPPORTED not in verdicts or moves != 0:
        return ""
    return (
        "The answer depends on it, but pushing it was not found to move what the model writes beyond what random"
        " directions do."
    )


def moving_not_used(verdicts: Sequence[str], moves: int | None) -> str:
    """What is written follows the push, yet the answer was not found to depend on it."""
    if not verdicts or any(one in FOUND for one in verdicts) or moves != 1:
        return ""
    return (
        "Pushing it moves what the model writes, but the answer that was asked about was not found to depend on it: it"
        " may be used elsewhere."
    )


def readable_not_moving(auroc: float, layer: int, moves: int | None) -> str:
    """Read well where it is pushed, and pushing does nothing."""
    if auroc < READABLE or moves != 0:
        return ""
    return (
        f"Readable at AUROC {auroc:.2f} at layer {layer}, but pushing it there was not found to move what the model"
        " writes beyond what random directions do."
    )


def moves_backwards(moves: int | None) -> str:
    """The push works against its name."""
    if moves != -1:
        return ""
    return "Pushed towards the concept, the model writes less of it, by more than random directions explain."


def judges_differ(independent: int | None, probe: int | None) -> str:
    """The model's own probe hears what an independent reader does not. Both: as `moved` tells."""
    if not probe or independent is None or independent == probe:
        return ""
    what = "the opposite" if independent else "nothing beyond what random directions do"
    return (
        f"The probe at another layer hears the push, but the independent judge hears {what}: the push may move"
        " activations and not the meaning."
    )


def breaks_first(range_: Sequence[float] | None, doses: Sequence[float]) -> str:
    """No dose leaves the texts sound."""
    if range_ is None or tuple(range_) != (0.0, 0.0) or len(doses) < 2:
        return ""
    smallest = min(abs(dose) for dose in doses if dose)
    return f"Already the smallest dose, {smallest:g}, breaks the texts."


def hangs_on_split(aurocs: Sequence[float]) -> str:
    """Splits tell different stories."""
    if len(aurocs) < 2 or max(aurocs) - min(aurocs) <= SPREAD:
        return ""
    return (
        f"The AUROC hangs on the split: {min(aurocs):.2f} to {max(aurocs):.2f} over {len(aurocs)} of them. More"
        " examples would tell."
    )


def halves_disagree(halves: Sequence[float], by_chance: Interval) -> str:
    """Two halves of the examples point different ways."""
    if not halves:
        return ""
    mean = sum(halves) / len(halves)
    if mean > by_chance[1] and mean >= LIKE:
        return ""
    beyond = "" if mean > by_chance[1] else ", no more than labels dealt anew give"
    return (
        f"Two halves of the examples give directions with a cosine of only {mean:.2f}{beyond}: the direction is as much"
        " about these examples as about the concept."
    )


def layers_differ(by_measure: Mapping[str, int]) -> str:
    """Measures name different layers."""
    if max(by_measure.values()) - min(by_measure.values()) <= APART:
        return ""
    told = [f"{measure} names layer {layer}" for measure, layer in by_measure.items()]
    return f"Which layer is strongest depends on the measure: {listed(told)}."


def moved(slope: Mapping[str, Any] | None) -> int | None:
    """1 where a slope over dose lies above noise and above what random directions do, -1 below, 0 neither; None where
    that was not measured (no judge, one prompt, fewer than three random directions)."""
    if not slope or slope.get("p") is None or None in slope["interval"]:
        return None
    low, high = slope["interval"]
    if slope["p"] > ALPHA or low <= 0 <= high:
        return 0
    # Beyond the random ones on the side on which it leaves 0: among 0 and a little more it would say nothing.
    return (1 if low > 0 else -1) * ((2 * slope["above"] > len(slope["random"])) is (low > 0))


def between(views: Mapping[str, Any]) -> dict[str, str]:
    """All that disagrees, by the function's name. views: by name the `data` of what is there, else None."""
    readable, used, carried = (views.get(name) for name in ("readable", "used", "carried"))
    pushed, stable = views.get("pushed"), views.get("stable")
    cells = [(cell["layer"], cell["verdict"]) for cell in used["results"]] if used else []
    verdicts = [verdict for _, verdict in cells]
    said: dict[str, str] = {}
    if readable:
        best = readable["best"]
        levels = {one["name"]: (one["auroc"], one.get("lead_ci")) for one in readable["baselines"]}
        said["words_alone"] = words_alone(best["auroc"], *levels.get("tfidf", (0.0, None)))
        said["early"] = early(best["auroc"], best["layer"], *levels.get("layer0", (0.0, None)))
    if there := _probe_at(readable, [layer for layer, _ in cells]):
        said["readable_not_used"] = readable_not_used(there["auroc"], there["auroc_ci"], there["layer"], cells)
    said["used_not_specific"] = used_not_specific(verdicts)
    said["gradient_not_push"] = gradient_not_push(verdicts)
    if carried:
        top = carried["best"]
        if there := _probe_at(readable, [carried["layer"]]):
            said["no_single_feature"] = no_single_feature(
                there["auroc_ci"], there["auroc"], top["feature"], top["auroc"], top["interval"][1]
            )
        cosine = top["cosines"].get("this concept")
        if cosine is not None:
            said["feature_points_elsewhere"] = feature_points_elsewhere(
                top["feature"], top["auroc"], cosine, carried["cosine_chance"]
            )
    if pushed:
        said |= _of_push(pushed, verdicts, readable)
    if stable:
        said["hangs_on_split"] = hangs_on_split(stable["aurocs"])
        said["halves_disagree"] = halves_disagree(stable["halves"], stable["by_chance"])
        choice = stable["choice"]
        measures = {"AUROC": "by_auroc", "the distance of means": "by_norm", "the divergence": "by_divergence"}
        said["layers_differ"] = layers_differ({name: choice[key] for name, key in measures.items()})
    return {name: sentence for name, sentence in said.items() if sentence}


def _probe_at(readable: Mapping[str, Any] | None, layers: Sequence[int]) -> Mapping[str, Any] | None:
    """The probe of the best one's method at these layers, of several the one that cross-validation prefers: other
    views look at layers of their own, where the strongest of all layers says nothing."""
    if not readable:
        return None
    method = readable["best"]["method"]
    there = [one for one in readable["results"] if one["layer"] in layers and one["method"] == method]
    return max(there, key=lambda one: float(one["cv_auroc"]), default=None)


def _of_push(pushed: Mapping[str, Any], verdicts: Sequence[str], readable: Mapping[str, Any] | None) -> dict[str, str]:
    moves = moved(pushed.get("slope"))
    said = {
        "breaks_first": breaks_first(pushed.get("range_held"), sorted({one["dose"] for one in pushed["results"]})),
        "used_not_moving": used_not_moving(verdicts, moves),
        "moving_not_used": moving_not_used(verdicts, moves),
        "moves_backwards": moves_backwards(moves),
        "judges_differ": judges_differ(moves, moved(pushed.get("probe_slope"))),
    }
    if there := _probe_at(readable, [pushed["layer"]]):
        said["readable_not_moving"] = readable_not_moving(there["auroc"], there["layer"], moves)
    return said

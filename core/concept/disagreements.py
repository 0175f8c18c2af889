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
LIKE = 0.5  # cosine from which two directions count as much the same

Interval = Sequence[float]  # low and high; None where it was not measured


def readable_not_used(auroc: float, interval: Interval, layer: int, verdicts: Sequence[str]) -> str:
    """Read well, and yet nothing depends on it."""
    if interval[0] <= 0.5 or auroc < READABLE or any(one in FOUND for one in verdicts) or not verdicts:
        return ""
    if all(one == NOT_READABLE for one in verdicts):
        return ""
    return f"Readable at AUROC {auroc:.2f} at layer {layer}, but the answer does not depend on it beyond noise."


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


def words_alone(auroc: float, interval: Interval, words: float) -> str:
    """Counting words does as well as the model."""
    if auroc < READABLE or words < interval[0]:
        return ""
    return (
        f"The probe reaches AUROC {auroc:.2f}, but counting words reaches {words:.2f}: nothing here shows that the"
        " model knows more than the words."
    )


def early(auroc: float, interval: Interval, layer: int, first_block: float) -> str:
    """The first block does as well as the best layer."""
    if auroc < READABLE or layer == 0 or first_block < interval[0]:
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


def used_not_moving(verdicts: Sequence[str], above: int, random: int, slope: Interval) -> str:
    """The answer depends on it, yet what is written does not follow. slope: its interval."""
    if SUPPORTED not in verdicts or _moves(above, random, slope):
        return ""
    return (
        "The answer depends on it, but pushing it does not move what the model writes beyond what random directions do."
    )


def moving_not_used(verdicts: Sequence[str], above: int, random: int, slope: Interval) -> str:
    """What is written follows the push, yet the answer does not depend on it."""
    if not verdicts or any(one in FOUND for one in verdicts) or not _moves(above, random, slope):
        return ""
    return (
        "Pushing it moves what the model writes, but the answer that was asked about does not depend on it: it may be"
        " used elsewhere."
    )


def readable_not_moving(auroc: float, layer: int, above: int, random: int, slope: Interval) -> str:
    """Read well, and pushing does nothing."""
    if auroc < READABLE or _moves(above, random, slope):
        return ""
    return (
        f"Readable at AUROC {auroc:.2f} at layer {layer}, but pushing it does not move what the model writes beyond"
        " what random directions do."
    )


def judges_differ(independent: Interval, probe: Interval) -> str:
    """The model's own probe hears what an independent reader does not. Both: intervals of slopes over dose."""
    heard = _side(probe)
    if not heard or _side(independent) == heard:
        return ""
    what = "the opposite" if _side(independent) else "nothing beyond noise"
    return (
        f"The probe at another layer hears the push, but the independent judge hears {what}: the push may move"
        " activations and not the meaning."
    )


def breaks_first(range_: Sequence[float] | None, doses: Sequence[float]) -> str:
    """No dose leaves the texts sound."""
    if range_ is None or tuple(range_) != (0.0, 0.0) or len(doses) < 2:
        return ""
    smallest = min(abs(dose) for dose in doses if dose)
    return f"It can be pushed, but already the smallest dose, {smallest:g}, breaks the texts."


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


def _side(interval: Interval) -> int:
    """1 where all of it lies above 0, -1 below, 0 where it holds 0 or was not measured."""
    low, high = interval
    if low is None or high is None:
        return 0
    return 1 if low > 0 else -1 if high < 0 else 0


def _moves(above: int, random: int, slope: Interval) -> bool:
    """Whether the judge's slope leaves 0 and lies beyond all random directions on its side."""
    return (_side(slope) > 0 and above == random) or (_side(slope) < 0 and above == 0)


def between(views: Mapping[str, Any]) -> dict[str, str]:
    """All that disagrees, by the function's name. views: by name the `data` of what is there, else None."""
    readable, used, carried = (views.get(name) for name in ("readable", "used", "carried"))
    pushed, stable = views.get("pushed"), views.get("stable")
    verdicts = [cell["verdict"] for cell in used["results"]] if used else []
    said: dict[str, str] = {}
    if readable:
        best, ci = readable["best"], readable["best"]["auroc_ci"]
        levels = {one["name"]: one["auroc"] for one in readable["baselines"]}
        said["readable_not_used"] = readable_not_used(best["auroc"], ci, best["layer"], verdicts)
        said["words_alone"] = words_alone(best["auroc"], ci, levels.get("tfidf", 0.0))
        said["early"] = early(best["auroc"], ci, best["layer"], levels.get("layer0", 0.0))
    said["used_not_specific"] = used_not_specific(verdicts)
    said["gradient_not_push"] = gradient_not_push(verdicts)
    if carried:
        top = carried["best"]
        if readable:
            said["no_single_feature"] = no_single_feature(
                ci, best["auroc"], top["feature"], top["auroc"], top["interval"][1]
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


def _of_push(pushed: Mapping[str, Any], verdicts: Sequence[str], readable: Mapping[str, Any] | None) -> dict[str, str]:
    said = {"breaks_first": breaks_first(pushed.get("range"), sorted({one["dose"] for one in pushed["results"]}))}
    slope = pushed.get("slope")
    if slope and slope["random"]:
        moved = (slope["above"], len(slope["random"]), slope["interval"])
        said["used_not_moving"] = used_not_moving(verdicts, *moved)
        said["moving_not_used"] = moving_not_used(verdicts, *moved)
        if readable:
            best = readable["best"]
            said["readable_not_moving"] = readable_not_moving(best["auroc"], best["layer"], *moved)
    if slope and pushed.get("probe_slope"):
        said["judges_differ"] = judges_differ(slope["interval"], pushed["probe_slope"]["interval"])
    return said

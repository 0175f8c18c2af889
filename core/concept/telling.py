"""What each view says, in one sentence with its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.tcav.telling import figures, small, strongest, where


def summary(name: str, data: Mapping[str, Any]) -> str:
    """The main figures of the view `name` from its JSON values; plain text."""
    return _SAID[name](data)


def _readable(data: Mapping[str, Any]) -> str:
    best = data["best"]
    low, high = best["auroc_ci"]
    levels = {one["name"]: one["auroc"] for one in data["baselines"]}
    beside = f"; the words alone reach {levels['tfidf']:.2f}" if "tfidf" in levels else ""
    return (
        f"Strongest at layer {best['layer']} ({best['method']}): AUROC {best['auroc']:.3f} ({low:.3f} to {high:.3f}) on"
        f" {best['n_test']:,} held-out examples, where guessing gives 0.5 and shuffled labels"
        f" {best['shuffled']['auroc']:.2f}{beside}."
    )


def _used(data: Mapping[str, Any]) -> str:
    cells = data["results"]
    best = strongest(cells)
    told = where(cells) if len(cells) > 1 else f"{best['verdict']}."
    return f"{told[:1].upper()}{told[1:]} {figures(best)}."


def _carried(data: Mapping[str, Any]) -> str:
    best = data["best"]
    low, high = best["interval"]
    label = f" ({best['label']})" if best.get("label") else ""
    return (
        f"Best single feature of {data['dictionary']}: {best['feature']}{label}, AUROC {best['auroc']:.3f}"
        f" ({low:.3f} to {high:.3f}) on the {data['n_test']:,} texts that had no part in choosing it."
    )


def _pushed(data: Mapping[str, Any]) -> str:
    said = []
    if data.get("range_held"):
        low, high = data["range_held"]
        said.append(f"Texts stay sound from dose {low:+g} to {high:+g}.")
    slope = data.get("slope")
    if slope and slope["mean"] is not None:
        low, high = slope["interval"]
        interval = "" if low is None or high is None else f" ({low:+.2f} to {high:+.2f})"
        random = len(slope["random"])
        p = "" if slope.get("p") is None else f" (p {small(slope['p'])} that one more random direction lies so far out)"
        beside = f", above {slope['above']} of {random} random directions{p}" if random else ""
        said.append(f"The judge's score changes by {slope['mean']:+.2f}{interval} per unit of dose{beside}.")
    return " ".join(said) or f"{len(data['results'])} texts were written."


def _related(data: Mapping[str, Any]) -> str:
    own, names, first = data["own"], data["names"], data["cosines"][0]
    probe = f"Cosine with its own probe {first[1]:+.2f}. " if own > 1 else ""
    told = [f"{name} {first[place]:+.2f}" for place, name in enumerate(names) if place >= own][:5]
    saved = (
        f"Nearest of {data['saved']} saved at layer {data['layer']}: {', '.join(told)}; random directions stay within"
        f" {data['chance']:.2f}."
        if told
        else f"No other direction is saved at layer {data['layer']}."
    )
    return f"{probe}{_others(data)}{saved}"


def _others(data: Mapping[str, Any]) -> str:
    others = data["concepts"]
    if not others:
        return ""
    nearest = others[0]
    usual = data["typical_cosine"]
    beside = "" if usual is None else f", where 95% of pairs of others stay within {usual:.2f}"
    return (
        f"Nearest of {data['compared']} other concepts: {nearest['name']}, cosine {nearest['cosine']:+.2f}{beside};"
        f" this direction reads it at AUROC {nearest['reads']:.2f}. "
    )


def _stable(data: Mapping[str, Any]) -> str:
    aurocs, halves, (low, high) = data["aurocs"], data["halves"], data["by_chance"]
    return (
        f"At layer {data['layer']} AUROC {min(aurocs):.3f} to {max(aurocs):.3f} over {len(aurocs)} splits; two halves"
        f" of the examples agree with a mean cosine of {sum(halves) / len(halves):.2f}, where labels dealt anew give"
        f" {low:.2f} to {high:.2f}."
    )


_SAID = {
    "readable": _readable,
    "used": _used,
    "carried": _carried,
    "pushed": _pushed,
    "related": _related,
    "stable": _stable,
}

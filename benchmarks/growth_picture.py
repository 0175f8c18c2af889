"""The figures of `benchmarks.growth` as one SVG: for each work the cost of a unit and the peak memory, by amount."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.growth import Point

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, APART = 260, 250, 54, 44, 46, 30
COST, MEMORY = "#0072B2", "#D55E00"  # told apart with colour-blind eyes as well
STYLE = "font-family:system-ui,sans-serif;font-size:12px"


def draw(points: Sequence[Point], units: Mapping[str, str]) -> str:
    """Panels side by side: amounts on a logarithmic axis, ratios to the smallest amount from 0 up."""
    works = list(dict.fromkeys(one.work for one in points))
    panels = "".join(
        f'<g transform="translate({number * (WIDTH + APART)} 0)">'
        + _panel(work, units[work], [one for one in points if one.work == work])
        + "</g>"
        for number, work in enumerate(works)
    )
    width = len(works) * (WIDTH + APART)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" style="{STYLE}" role="img" '
        f'aria-label="Cost of a unit and peak memory by amount"><rect width="100%" height="100%" fill="#fff"/>'
        f"{panels}</svg>\n"
    )


def _panel(work: str, unit: str, points: Sequence[Point]) -> str:
    first = points[0]
    costs = [(one.seconds / one.amount) / (first.seconds / first.amount) for one in points]
    peaks = [one.peak / first.peak for one in points]
    most = max(1.25, *costs, *peaks)
    places = [(math.log10(one.amount / first.amount)) / math.log10(points[-1].amount / first.amount) for one in points]
    xs = [LEFT + 16 + place * (WIDTH - LEFT - 40) for place in places]

    def y(ratio: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - ratio / most)

    lines = [f'<text x="{LEFT}" y="18" font-weight="600">{escape(work.capitalize())}</text>']
    lines += [
        f'<text x="{LEFT}" y="34" fill="{COST}">cost of a {escape(unit)}</text>',
        f'<text x="{LEFT + 120}" y="34" fill="{MEMORY}">peak memory</text>',
    ]
    step = 0.5 if most < 3 else 1.0
    for tick in [step * n for n in range(int(most / step) + 1)]:
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ddd"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end" fill="#555">{tick:g} ×</text>')
    for values, colour in ((costs, COST), (peaks, MEMORY)):
        path = " ".join(f"{x:.1f},{y(value):.1f}" for x, value in zip(xs, values, strict=True))
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [
            f'<circle cx="{x:.1f}" cy="{y(value):.1f}" r="3.5" fill="{colour}"><title>{value:.2f}</title></circle>'
            for x, value in zip(xs, values, strict=True)
        ]
    lines += [
        f'<text x="{x:.1f}" y="{HEIGHT - 24}" text-anchor="middle" fill="#555">{one.amount:,}</text>'
        for x, one in zip(xs, points, strict=True)
    ]
    lines.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(unit)}s</text>')
    return "".join(lines)

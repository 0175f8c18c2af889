"""Draws docs/architecture.svg, the rooms in the order of imports: `python -m tests.architecture`."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from tests.house import LEVELS

FILE = Path(__file__).parent.parent / "docs" / "architecture.svg"
WIDTH, ROW, STEP = 800, 46, 54
# From what is seen down to what everything rests on: the rooms of a line, what they are for, a colour.
ROWS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("app.py", "pages"), "what is seen: choices in, pictures out; computes nothing", "#0072B2"),
    (("core/cli",), "the command line, one file a command", "#0072B2"),
    (("core/jobs", "core/tour"), "long work as the same commands; the first visit's course", "#0072B2"),
    (("core/concept", "core/engines"), "all views of one concept; the same work by Ray's workers", "#56B4E9"),
    (("core/charts",), "figures from results, nothing from models", "#56B4E9"),
    (
        ("core/probing", "core/tcav", "core/dictionaries", "core/steering", "core/lenses"),
        "the questions: read, used, carried by, pushed, said; none imports another",
        "#009E73",
    ),
    (("core/directions",), "vectors with provenance: finders, library, exports", "#E69F00"),
    (("core/activations",), "the store on disk, typical norms, cached results", "#E69F00"),
    (("core/models",), "opening; sites; recording, gradients, edits: the only place with hooks", "#CC79A7"),
    (("core/examples",), "labelled texts and images, splits that keep groups together", "#999999"),
    (("core/stats", "core/accounts"), "numbers about numbers; who may use a server", "#999999"),
    (
        ("core/workspace", "core/whole_folders", "core/locks", "core/spaces"),
        "what is kept, whole or not at all, with checksums; whose it is",
        "#999999",
    ),
)


def level(row: tuple[str, ...]) -> int:
    """Of a line's rooms; what is above all of core has the highest."""
    return LEVELS.get(row[0].removeprefix("core/"), max(LEVELS.values()) + 1)


def drawn() -> str:
    """The picture, SVG."""
    height = 10 + STEP * len(ROWS) + 10
    title = "The rooms of Conceptscope, each importing only those below it"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 60} {height}" '
        f'font-family="system-ui, sans-serif" role="img" aria-label="{title}">',
        f'<rect width="{WIDTH + 60}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (rooms, purpose, colour) in enumerate(ROWS):
        y = 10 + STEP * number
        parts += [
            f'<rect x="10" y="{y}" width="{WIDTH}" height="{ROW}" rx="6" fill="{colour}" fill-opacity="0.14" '
            f'stroke="{colour}"/>',
            f'<text x="24" y="{y + 20}" font-size="15" font-weight="600" fill="#1b2430" xml:space="preserve">'
            f"{escape('    '.join(rooms))}</text>",
            f'<text x="24" y="{y + 37}" font-size="12.5" fill="#3c4856">{escape(purpose)}</text>',
        ]
    bottom, middle = height - 34, height // 2
    parts += [
        f'<line x1="{WIDTH + 34}" y1="20" x2="{WIDTH + 34}" y2="{bottom}" stroke="#1b2430" stroke-width="1.5"/>',
        f'<path d="M {WIDTH + 29} {bottom - 2} L {WIDTH + 34} {bottom + 10} L {WIDTH + 39} {bottom - 2} Z" '
        'fill="#1b2430"/>',
        f'<text transform="translate({WIDTH + 50} {middle}) rotate(-90)" text-anchor="middle" font-size="12.5" '
        'fill="#3c4856">imports</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    FILE.write_text(drawn(), encoding="utf-8")

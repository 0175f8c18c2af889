"""The reference: a fixed, unlabelled sample of texts from which a model's typical norms are taken."""

from __future__ import annotations

import random

from core import workspace
from core.errors import UserError
from core.examples import bundled

N_TEXTS = 2000
FORMAT = 1


def reference_texts() -> tuple[str, ...]:
    """2,000 different texts, as evenly from the 113 bundled binary sets as they allow; always the same ones.

    Drawn once (some seconds) and kept in the workspace. Raises UserError if the bundled sets are not installed.
    """
    path = workspace.place("examples", "bundled", f"reference-{FORMAT}-{bundled.version()}.json")
    cached = workspace.read_json(workspace.found("examples", "bundled", path.name))
    if isinstance(cached, list) and len(cached) == N_TEXTS:
        return tuple(cached)
    texts = _draw()
    workspace.write_json(path, texts)
    return tuple(texts)


def _draw() -> list[str]:
    sets = [one for name, one in bundled.bundled_sets().items() if not name.startswith("shift/")]
    shuffled = random.Random(0)  # noqa: S311 (a sample, not a secret)
    decks = []
    for one in sets:
        deck = sorted({text for text in bundled.read_rows(one)[0] if text.strip()})
        shuffled.shuffle(deck)
        decks.append(deck)
    # Round after round one text of every set, each text once: sets share many of theirs.
    chosen: dict[str, None] = {}
    while len(chosen) < N_TEXTS and any(decks):
        for deck in decks:
            while deck and deck[-1] in chosen:
                deck.pop()
            if deck:
                chosen[deck.pop()] = None
    if len(chosen) < N_TEXTS:
        raise UserError("The bundled examples hold too few texts for a reference; `make setup` mends them.")
    return list(chosen)[:N_TEXTS]

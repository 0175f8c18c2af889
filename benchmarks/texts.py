"""Real texts of mixed length, in a mixed order: what people record."""

from __future__ import annotations

import random

from core.examples import catalogue, open_examples

SETS = 32  # how many example sets the texts are drawn from


def mixed_texts(n: int, seed: int = 0) -> list[str]:
    """`n` different texts from up to 32 of the bundled example sets (news, reviews, code, science, chat), shuffled."""
    chance = random.Random(seed)
    ids = sorted(info.id for info in catalogue() if info.id.startswith("sae-probes/"))
    chance.shuffle(ids)
    found: dict[str, None] = {}
    share = -(-n // SETS)
    for id in ids:
        texts = [text for text in open_examples(id).texts if text.strip() and text not in found]
        found.update(dict.fromkeys(chance.sample(texts, min(share, len(texts), n - len(found)))))
        if len(found) == n:
            break
    chosen = list(found)
    chance.shuffle(chosen)
    return chosen

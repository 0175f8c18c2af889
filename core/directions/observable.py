"""A direction from two lists of words, without labelled data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from core.directions.check import Check
from core.directions.halves import halves
from core.directions.method import Found, Method, Reading
from core.directions.parameters import parameter
from core.directions.sources import Texts, TokenLists
from core.errors import UserError
from core.examples import reference_texts
from core.examples.grouping import group_rows
from core.models.words import word_tokens
from core.progress import Listener, silent

if TYPE_CHECKING:
    from core.models import Model, Site


@dataclass(frozen=True)
class Observable(Method):
    """The push that raises one list of words against another as the next token, to first order.

    The observable (Dunefsky and Cohan 2024, "Observable Propagation") is a linear function of the logits,

        y = mean logit of the positives - mean logit of the negatives = n . logits,

    n being 1/#positives at the positives, -1/#negatives at the negatives, 0 elsewhere: a constant added to all logits,
    which means nothing, does not change it.

    With `prompts` above 0 the vector is the gradient of y pulled back to the site through all later layers: for each
    prompt the sum, over the tokens that a push acts on, of dy/dh, by automatic differentiation (no frozen attention,
    no linearised norm); then the mean over prompts. So `raw` . u is the change of y, on average over these prompts, per
    unit of raw coefficient of a push along u on all tokens but first and special ones (pool "mean"), or on the last
    token alone (pool "last"). No other direction changes y more at a small dose. raw_norm: logits per unit of push.

    With `prompts` 0 the vector is W_U n with the final norm's gain folded in (`token_direction`): what the words mean
    to the unembedding, at any layer, as though nothing stood between. raw_norm: logits per dose, after the last block.
    """

    name: ClassVar[str] = "observable"
    title: ClassVar[str] = "Two lists of words"
    help: ClassVar[str] = (
        "No examples: the push that raises some next words against others, by the network's own gradient."
    )
    made_from: ClassVar[str] = "tokens"

    prompts: int = parameter(
        64, 0, 2000, "Texts at which the network is differentiated; 0 takes the unembedding's own direction."
    )
    length: int = parameter(32, 2, 512, "Tokens at which these texts are cut.")

    def find(
        self,
        model: Model,
        source: TokenLists,
        site: Site,
        reading: Reading,
        *,
        seed: int = 0,
        progress: Listener = silent,
    ) -> Found:
        from core.directions.pulled_back import pulled_back
        from core.models.unembedding import token_direction

        weights = token_weights(model, source)
        words = {"positives": list(source.positives), "negatives": list(source.negatives)}
        provenance: dict[str, Any] = {"words": words, "observable": "mean logit of positives - mean of negatives"}
        if self.prompts == 0:
            if site.kind == "hidden":
                raise UserError("The unembedding reads the residual stream: use prompts, or another kind of site.")
            raw = token_direction(model, weights).double().numpy()
            note = "The unembedding's own direction: nothing was measured."
            return Found(raw, self, source.title, _unread(note), (), provenance)
        texts = self._texts(source, seed)
        found = pulled_back(model, site, weights, texts.texts, length=self.length, pool=reading.pool, progress=progress)
        provenance["prompts"] = {**texts.to_json(), "read": len(found.rows), "values": float(found.values.mean())}
        gradients = found.gradients.astype(np.float64)
        checks = _checks(gradients, texts.groups[found.rows], seed)
        note = "There are no labels to score: see the checks." if checks else "Too few prompts to hold any back."
        return Found(gradients.mean(axis=0), self, source.title, _unread(note), checks, provenance)

    def _texts(self, source: TokenLists, seed: int) -> Texts:
        """The prompts: the first of the reference, whose order is mixed, or some of the user's drawn by the seed."""
        if source.prompts is None:
            texts = reference_texts()[: self.prompts]
            return Texts("reference", "the reference texts", texts, group_rows(texts))
        given = source.prompts
        chosen = np.sort(np.random.default_rng(seed).permutation(len(given))[: self.prompts])
        texts = tuple(given.texts[row] for row in chosen)
        return Texts(given.id, given.title, texts, given.groups[chosen])


def token_weights(model: Model, lists: TokenLists) -> dict[int, float]:
    """n of the observable by token id. UserError for words that are not one token each, or on both sides."""
    sides = [word_tokens(model, list(words)) for words in (lists.positives, lists.negatives)]
    if both := set(sides[0]) & set(sides[1]):
        token = both.pop()
        one, other = lists.positives[sides[0].index(token)], lists.negatives[sides[1].index(token)]
        raise UserError(f"{one!r} and {other!r} are one token to {model.id}, and cannot stand on both sides.")
    return {id: sign / len(side) for sign, side in zip((1.0, -1.0), sides, strict=True) for id in side}


def _unread(note: str) -> dict[str, Any]:
    return {"auroc": None, "interval": None, "note": note}


def _checks(gradients: np.ndarray, groups: np.ndarray, seed: int) -> tuple[Check, ...]:
    """How a direction from half of the prompts does on the other half. gradients: (m, d), one per prompt."""
    found = halves(
        gradients,
        groups,
        seed,
        name="slope",
        title="Logits per unit of push, held out",
        help="Change of the mean logit of the positive words over that of the negative ones per unit of raw "
        "coefficient, at a small push: from half of the prompts, measured on the other half. Any number; 0 means that "
        "the push does nothing.",
    )
    if found is None:
        return ()
    rising = Check(
        "rising",
        "Share of prompts on which it rises",
        float((found.along > 0).mean()),
        "Share of the held-out prompts, 0 to 1, on which a small push raises the positive words over the negative "
        "ones; 0.5 is chance.",
    )
    return (found.along_check, rising, found.cosine_check)

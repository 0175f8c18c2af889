"""Which concepts does this answer depend on? Every concept at hand for one target at one site, ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.progress import Listener, Progress, silent
from core.tcav.acting import PushEffect
from core.tcav.analysis import Pushing, Question, Settings, adjust, examine
from core.tcav.cavs import kind_named, raw_cavs, unit
from core.tcav.concept import Concept
from core.tcav.readability import Readability, readability
from core.tcav.scores import Scores, scores
from core.tcav.specificity import ABOVE, FEWEST, NEAR, readable_controls
from core.tcav.verdict import LEVEL, verdict

READ_PERMUTATIONS = 199  # enough to tell what can be read at .05; a hundred concepts are asked


@dataclass(frozen=True)
class Ranked:
    """One concept in a scan; see `Cell` for what the numbers are. rank: 1 has the largest |mean cosine|.

    p_adjusted: Benjamini and Hochberg's over all concepts, since a scan explores. push: measured where everything else
    was answered with yes, else None.
    """

    concept: str
    target: str
    layer: int
    site: str
    cav: str
    rank: int
    scores: Scores
    z: float
    p: float
    p_adjusted: float
    readable: Readability
    specificity: float | None
    push: PushEffect | None
    verdict: str
    n_positives: int
    n_negatives: int
    n_inputs: int

    def to_json(self) -> dict[str, Any]:
        plain = {
            name: getattr(self, name)
            for name in ("concept", "target", "layer", "site", "cav", "rank", "z", "p", "p_adjusted", "specificity")
        }
        return plain | {
            "score": self.scores.sign,
            "mean_derivative": self.scores.mean_derivative,
            "mean_cosine": self.scores.mean_cosine,
            "auroc": self.readable.auroc,
            "auroc_ci": list(self.readable.ci),
            "auroc_p": self.readable.p,
            "push_effect": None if self.push is None else self.push.effect,
            "push_rank": None if self.push is None else self.push.rank,
            "push": None if self.push is None else asdict(self.push),
            "verdict": self.verdict,
            "n_positives": self.n_positives,
            "n_negatives": self.n_negatives,
            "n_inputs": self.n_inputs,
        }


def rank_concepts(
    concepts: Sequence[Concept],
    question: Question,
    settings: Settings,
    *,
    controls: Sequence[Concept] = (),
    pushing: Pushing | None = None,
    progress: Listener = silent,
) -> list[Ranked]:
    """All concepts by |mean cosine|, the largest first. question: one site and one target.

    The other concepts, and `controls`, which are not ranked, are each one's controls: those about as readable (AUROC
    within .1, 40 at the least).
    """
    kind, metric, (target,) = kind_named(settings.cav), question.metrics[0], question.targets
    gradients = np.asarray(question.gradients[target][0])
    p_values, zs, readable, cavs = [], [], [], []
    for number, concept in enumerate(concepts):
        progress(Progress(number, len(concepts), "concepts", "testing concepts"))
        test = examine(concept, question, settings, len(concepts))
        p_values.append(settings.p_values(test))
        zs.append(float(test.z[0, 0, settings.kinds.index(settings.cav)]))
        readable.append(readability(concept, 0, kind, metric, permutations=READ_PERMUTATIONS, seed=settings.seed))
        cavs.append(raw_cavs(kind, concept.X[0], concept.y[None].astype(bool), metric)[0])
    progress(Progress(len(concepts), len(concepts), "concepts", "testing concepts"))
    directions = unit(np.stack(cavs))
    means = question.mean_unit_gradients()[0][0]
    compared = readable_controls(controls, 0, kind, metric)
    others = [raw_cavs(kind, one.X[0], one.y[None].astype(bool), metric)[0] for one in compared.concepts]
    sizes = np.abs(directions @ means)
    all_sizes = np.concatenate([sizes, *(np.abs(unit(cav) @ means)[None] for cav in others)])
    adjusted = [float(p[0, 0]) for p in adjust(p_values, settings.correction)]
    aurocs = np.concatenate([[one.auroc for one in readable], compared.aurocs])
    kin = [one.kin for one in (*concepts, *controls)]
    found = []
    for rank, place in enumerate(np.argsort(-sizes, kind="stable"), start=1):
        apart = np.array([concepts[place].name not in of_one for of_one in kin])
        share = _share(place, all_sizes, aurocs, apart)
        scored = scores(gradients, directions[place])
        asked = readable[place].p <= LEVEL and adjusted[place] <= LEVEL and share is not None and share >= ABOVE
        push = pushing(0, target, directions[place][None])[0] if asked and pushing is not None else None
        concept = concepts[place]
        found.append(
            Ranked(
                concept=concept.name,
                target=target,
                layer=question.layers[0],
                site=question.sites[0],
                cav=settings.cav,
                rank=rank,
                scores=scored,
                z=zs[place],
                p=float(p_values[place][0, 0]),
                p_adjusted=adjusted[place],
                readable=readable[place],
                specificity=share,
                push=push,
                verdict=verdict(
                    readable[place].p,
                    adjusted[place],
                    None if share is None else share >= ABOVE,
                    None if push is None else push.acts(scored.mean_derivative),
                ),
                n_positives=concept.n_positives,
                n_negatives=concept.n_negatives,
                n_inputs=len(gradients),
            )
        )
    return found


def _share(place: int, sizes: np.ndarray, aurocs: np.ndarray, apart: np.ndarray) -> float | None:
    """Share of the concepts about as readable that have a smaller |mean cosine|; None with fewer than 40 others.

    apart: boolean, those that are not made of this one.
    """
    others = np.array([other for other in np.flatnonzero(apart) if other != place], dtype=np.int64)
    if len(others) < FEWEST:
        return None
    gaps = np.abs(aurocs[others] - aurocs[place])
    nearest = others[np.argsort(gaps, kind="stable")[: max(FEWEST, int((gaps <= NEAR).sum()))]]
    return float((sizes[nearest] < sizes[place]).mean())

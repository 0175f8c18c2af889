"""How far concepts are the same thing to a layer, and what is left of one when another is taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.stats.columns import aurocs
from core.tcav.analysis import Question
from core.tcav.cavs import CavKind, raw_cavs, unit
from core.tcav.concept import Concept
from core.tcav.covariance import Metric


@dataclass(frozen=True, eq=False)
class Entanglement:
    """Of c concepts at one site. cosines: (c, c), of their CAVs, symmetric, 1 on the diagonal.

    reads: (c, c), AUROC with which the CAV of the row tells the column's positives from its negatives; .5 where it
    cannot. On the diagonal the rows are those that the CAV was made from, so that it flatters.
    """

    names: tuple[str, ...]
    cosines: np.ndarray
    reads: np.ndarray


def entanglement(concepts: Sequence[Concept], site: int, kind: CavKind, metric: Metric) -> Entanglement:
    """The matrix at the concepts' place `site`. metric: of the site, for kinds that are whitened."""
    cavs = np.stack([cav_of(one, site, kind, metric) for one in concepts])
    reads = np.stack([aurocs(one.y, cavs @ one.X[site].T) for one in concepts], axis=1)
    return Entanglement(tuple(one.name for one in concepts), cavs @ cavs.T, reads)


def cav_of(concept: Concept, site: int, kind: CavKind, metric: Metric) -> np.ndarray:
    """The unit CAV, (d,)."""
    return unit(raw_cavs(kind, concept.X[site], concept.y[None].astype(bool), metric)[0])


def without(question: Question, confounds: Sequence[np.ndarray]) -> Question:
    """The same question with `confounds` taken out: per site unit directions (k, d), of which none may act.

    Gradients lose their part along the confounds, and so does each CAV once it is made: signs, z and p follow from the
    gradients alone, while cosines need the length of what is left of a CAV, and the AUROC is that of what is left,
    on rows that it was not made from. The confounds are held fast under permutations; take them from other examples
    than the concept's own.
    """
    bases = tuple(_orthonormal(directions) for directions in confounds)
    gradients = {
        target: [G - (G @ basis.T) @ basis for G, basis in zip(of_sites, bases, strict=True)]
        for target, of_sites in question.gradients.items()
    }
    return replace(question, gradients=gradients, taken=bases)


def _orthonormal(directions: np.ndarray) -> np.ndarray:
    """Orthonormal rows (r, d) that span `directions` (k, d); directions that repeat others add none."""
    basis = np.linalg.svd(directions, full_matrices=False)
    return basis.Vh[basis.S / max(float(basis.S.max(initial=0.0)), 1e-300) > 1e-6]

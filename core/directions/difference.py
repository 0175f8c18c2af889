"""What one model's activations have that another's have not, on the same texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from core.directions.check import Check
from core.directions.diffmean import DiffMean
from core.directions.halves import halves
from core.directions.labelled import read_held_out
from core.directions.method import Found, Method, Reading
from core.directions.rows import without_sinks
from core.directions.sources import ModelPair
from core.errors import UserError
from core.progress import Listener, silent
from core.stats.norms import mean_norm

if TYPE_CHECKING:
    from core.models import Model, Site


@dataclass(frozen=True)
class ModelDifference(Method):
    """Mean activation of the other model minus that of this model, at the same site, on the same texts.

    The direction is one of *this* model: adding it moves the model's mean activation to where the other model's is. For
    models that share a beginning (a base and its fine-tuned version), whose axes mean the same; models of one width
    that were trained apart also have a difference, which says nothing. (The idea is that of REFLEX, of which we know
    the abstract alone; the formula is ours.) raw_norm: length of the difference, in the units of the activations.

    The AUROC tells activations of the other model from those of this one, on texts that the direction was not made
    from: near 1 wherever the models differ by a constant shift, however small against the spread of a concept.
    """

    name: ClassVar[str] = "difference"
    title: ClassVar[str] = "Difference of two models"
    help: ClassVar[str] = (
        "Mean activation of another model of the same width minus that of this one, on the same texts."
    )
    made_from: ClassVar[str] = "models"

    def find(
        self,
        model: Model,
        source: ModelPair,
        site: Site,
        reading: Reading,
        *,
        seed: int = 0,
        progress: Listener = silent,
    ) -> Found:
        other, texts = source.other, source.texts
        places = _both(model, other, site)
        own, theirs = (_activations(one, place, texts.texts, reading, progress) for one, place in places)
        kept = ~(np.isnan(own).all(axis=1) | np.isnan(theirs).all(axis=1))
        own, theirs, groups = own[kept].astype(np.float64), theirs[kept].astype(np.float64), texts.groups[kept]
        if not kept.any():
            raise UserError(f"{texts.title} has no text with a token that counts, next to its first one; give others.")
        if not (np.isfinite(own).all() and np.isfinite(theirs).all()):
            raise UserError("Activations hold NaN or infinite values; open both models in float32.")
        (own, _), (theirs, _) = without_sinks(own), without_sinks(theirs)
        differences = theirs - own
        _, held_out = read_held_out(
            np.concatenate([theirs, own]),
            np.repeat([1, 0], len(own)),
            np.tile(groups, 2),
            DiffMean(),
            seed,
        )
        return Found(
            raw=differences.mean(axis=0),
            settled=self,
            origin=f"{other.id} minus {model.id} on {texts.title}",
            held_out=held_out,
            checks=_checks(differences, groups, seed),
            provenance={
                "other": {"id": other.id, "fingerprint": other.fingerprint, "width": other.width},
                "texts": {**texts.to_json(), "left_out": int((~kept).sum())},
                "sign": "the other model has the higher activation @ vector",
            },
        )


def _both(model: Model, other: Model, site: Site) -> list[tuple[Model, Site]]:
    """The site in either model. UserError unless the other model has it, of the same width."""
    if other.fingerprint == model.fingerprint:
        raise UserError(f"{other.id} is the same model as {model.id}; name another one.")
    if other.width != model.width:
        raise UserError(
            f"{model.id} has the width {model.width} and {other.id} {other.width}: only models of one width have a "
            "difference."
        )
    return [(model, site), (other, other.site(site.layer, site.kind))]


def _activations(model: Model, site: Site, texts: tuple[str, ...], reading: Reading, progress: Listener) -> np.ndarray:
    from core.activations import record_texts

    (store,) = record_texts(model, texts, [site], pool=reading.pool, max_length=reading.max_length, progress=progress)
    return store.load()


def _checks(differences: np.ndarray, groups: np.ndarray, seed: int) -> tuple[Check, ...]:
    """How large and how steady the difference is. differences: (n, d), one per text."""
    found = halves(
        differences,
        groups,
        seed,
        name="held_out_length",
        title="Length along itself, held out",
        help="From half of the texts, measured on the other half: the mean component of the difference along the "
        "direction, in units of the activations. Any number; 0 means that the halves share nothing.",
    )
    if found is None:
        return ()
    norm, low, high = mean_norm(differences, groups=groups, seed=seed)
    length = Check(
        "norm",
        "Length of the difference",
        norm,
        "Length of the mean difference in units of the activations, 0 or more, with what chance adds to a length taken "
        "off; the interval is a bias-corrected bootstrap of the texts.",
        interval=(low, high),
    )
    return (length, found.along_check, found.cosine_check)

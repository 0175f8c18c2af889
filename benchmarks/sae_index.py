"""Indexing all features of a dictionary in one pass against a plain loop that takes them some at a time.

Both have the same recorded tokens (after block 14 of smollm2) in memory, so that no forward pass is counted. The plain
loop does what is done where one pass for all is not thought of: for each group of features every token is encoded
again (what TopK keeps of a feature depends on all others), the group's codes are kept whole, and strongest texts,
densities, histograms and quantiles are read from them with numpy. Only some groups are run; the rate is per feature.
What both find must be the same, else nothing is timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.harness import Comparison, Work, alternate, compare, parser, report, tell
from benchmarks.memory import peak_mb
from benchmarks.texts import mixed_texts
from core.dictionaries import Card
from core.dictionaries.index.blocks import FromModel
from core.dictionaries.index.chunk import Read, chunks
from core.dictionaries.index.counts import edges
from core.dictionaries.index.gathering import Gathering
from core.dictionaries.index.settings import Settings
from core.dictionaries.index.together import partners
from core.dictionaries.index.view import columns_of
from core.dictionaries.sae import Sae
from core.dictionaries.training.recipe import Recipe
from core.dictionaries.training.topk import TopK
from core.dictionaries.training.trainer import Trainer
from core.models import open_model

LAYER, GROUP, STEP = 14, 64, 4096
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
Top = dict[int, list[tuple[int, float]]]  # (text, code) of each feature's strongest texts


@dataclass(frozen=True)
class Task:
    """reads: tokens of whole texts. sae: the dictionary. vocabulary: of the tokenizer. settings: of the index."""

    reads: Sequence[Read]
    sae: Sae
    vocabulary: int
    settings: Settings


def make_task(texts: int, features: int, k: int) -> Task:
    """Tokens of mixed texts, and a dictionary as training begins with."""
    model = open_model("smollm2", device="cpu")
    site, chosen, settings = model.site(LAYER), mixed_texts(texts), Settings()
    card = Card(model.id, model.fingerprint, site, site, site)
    blocks = FromModel(model, card, chosen, settings.max_length)
    reads = [read for number in range(blocks.count) for read in blocks.read(number)]
    x = torch.cat([read.x for read in reads]).float()
    tell(f"{len(x):,} tokens of {texts:,} texts, {features:,} features")
    sae = Trainer.start(TopK(k=k), Recipe(features=features), x).finish()
    return Task(reads, sae, len(model.tokenizer), settings)


@torch.no_grad()
def ours(task: Task) -> Top:
    """One pass for all features, with all that an index holds."""
    gathering = Gathering(task.sae.n_features, False, task.vocabulary, task.settings)
    for read in task.reads:
        for chunk in chunks(read, task.sae):
            gathering.add(chunk)
    columns_of(gathering)
    partners(gathering.sampled, task.sae.n_features)
    top = gathering.top
    return {
        feature: [
            (int(text), float(value))
            for text, value in zip(top.text[feature], top.value[feature], strict=True)
            if text >= 0
        ]
        for feature in range(task.sae.n_features)
    }


@torch.no_grad()
def plain(task: Task, features: Sequence[int]) -> Top:
    """Groups of features, one after the other: strongest texts, density, histogram and quantiles of each."""
    x = torch.cat([read.x for read in task.reads]).float()
    texts = np.concatenate([np.repeat(read.texts, np.diff(read.bounds)) for read in task.reads])
    order = np.argsort(texts, kind="stable")
    found: Top = {}
    for first in range(0, len(features), GROUP):
        group = list(features[first : first + GROUP])
        codes = torch.cat([task.sae.encode(part)[:, group] for part in x.split(STEP)]).numpy()[order]
        starts = np.flatnonzero(np.r_[True, np.diff(texts[order]) > 0])
        peaks, numbers = np.maximum.reduceat(codes, starts, axis=0), texts[order][starts]
        for column, feature in enumerate(group):
            best = np.lexsort((numbers, -peaks[:, column]))[: task.settings.top]
            found[feature] = [(int(numbers[i]), float(peaks[i, column])) for i in best if peaks[i, column] > 0]
            on = codes[:, column][codes[:, column] != 0]
            if len(on):
                np.histogram(on, edges(4))
                np.quantile(on, SHARES)
    return found


def compare_indexing(task: Task, rounds: int, groups: int) -> list[Comparison]:
    """Features per second of both, after a look whether they find the same."""
    some = list(range(0, task.sae.n_features, max(1, task.sae.n_features // (groups * GROUP))))[: groups * GROUP]
    check(ours(task), plain(task, some))

    def all_at_once() -> float:
        return len(ours(task))

    def in_groups() -> float:
        return len(plain(task, some))

    ways: dict[str, Work] = {"ours": all_at_once, "plain": in_groups}
    rates = alternate(ways, rounds)
    tell(f"peak memory of this process, model and tokens included: {peak_mb():,.0f} MB")
    return [compare("sae-index-vs-plain", "features/s", rates["ours"], rates["plain"])]


def check(one: Top, other: Top) -> None:
    """Raise AssertionError unless the features that both know have the same strongest texts.

    Batches of other sizes round otherwise: texts whose codes are equal to four digits may have changed places.
    """
    for feature, wanted in other.items():
        found = one[feature]
        values = np.array([value for _, value in wanted])
        fits = len(found) == len(wanted) and np.allclose([value for _, value in found], values, rtol=1e-4)
        moved = [place for place in range(len(wanted)) if fits and found[place][0] != wanted[place][0]]
        last = len(wanted) - 1
        if not fits or any(place < last and _alone(values, place) for place in moved):
            raise AssertionError(f"feature {feature} has other strongest texts: {found[:3]} and {wanted[:3]}")


def _alone(values: np.ndarray, place: int) -> bool:
    """Whether no other of the values is near to that at `place`."""
    return int((np.abs(values - values[place]) <= 1e-4 * np.abs(values[place])).sum()) == 1


def main() -> None:
    options = parser(__doc__ or "", rounds=3)
    options.add_argument("--texts", type=int, default=400, help="texts that are indexed (default 400)")
    options.add_argument("--features", type=int, default=8192, help="features (default 8192)")
    options.add_argument("--k", type=int, default=32, help="features on per token (default 32)")
    options.add_argument("--groups", type=int, default=4, help=f"groups of {GROUP} that the loop does (default 4)")
    chosen = options.parse_args()
    task = make_task(chosen.texts, chosen.features, chosen.k)
    report(compare_indexing(task, chosen.rounds, chosen.groups), chosen.json)


if __name__ == "__main__":
    main()

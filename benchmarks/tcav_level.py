"""Level and power of the test, over kinds of CAV and statistics, beside the t-tests of the usual tools, on real texts.

Random sets of film reviews as concepts tell how often a test rejects where there is nothing to find; positive against
negative reviews how often it finds what is there. Target: " good" against " bad"; smollm2, after block 14. With
`--images` random sets of random patches and striped textures; target: the class zebra of efficientnet-lite0, after
layer 12. The t-tests are re-stated in tests/reference_tcav.py, each with 10 random sets.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.harness import tell
from core.directions.threads import one_blas_thread
from core.examples import open_examples, open_images
from core.models import open_image_model, open_model
from core.stats.permutation import p_value, permuted_labels
from core.tcav.analysis import Question, Settings
from core.tcav.asking import ask
from core.tcav.calibration import drawn
from core.tcav.cavs import KINDS, raw_cavs, unit
from core.tcav.concept import Concept
from core.tcav.disjoint import make_inputs
from core.tcav.readers import reader_of
from core.tcav.recorded import record_concept
from core.tcav.scores import share_positive
from core.tcav.sources import pool_of, pool_of_texts, source_of, source_of_pool
from core.tcav.targets import make_target, word_target
from tests import reference_tcav as usual

EXAMPLES = "sae-probes/92_glue_sst2"
LAYER = 14
ROWS, INPUTS = 1000, 100
PERMUTATIONS = 199


def load_images() -> tuple[Concept, Concept, Question]:
    """Random sets' pool, the concept against it, and what they are tested on."""
    model = open_image_model("efficientnet-lite0")
    reader, sites = reader_of(model), [model.site(12)]
    negatives = pool_of(open_images("patches/random"))
    sources = [source_of_pool(negatives), source_of(open_images("textures/striped"), negatives)]
    zebras = open_images("stamps/zebra")
    inputs = make_inputs(zebras.id, zebras.images, zebras.groups)
    asked = ask(reader, [make_target(model, "class:zebra")], inputs, sources, sites, settings=Settings())
    pool, concept = (
        record_concept(reader, source, sites, asked.items, one_class=not place) for place, source in enumerate(sources)
    )
    return pool, concept, asked.question


def load(spec: str) -> tuple[Concept, Concept, Question]:
    """Random sets' pool, the concept, and what they are tested on."""
    model = open_model("smollm2")
    examples = open_examples(EXAMPLES, limit=ROWS)
    # Both classes mixed: what is drawn from them is no concept.
    sources = [source_of_pool(pool_of_texts(EXAMPLES, examples.texts)), source_of(examples)]
    inputs = make_inputs(EXAMPLES, open_examples(EXAMPLES, limit=INPUTS).texts)
    sites = [model.site(LAYER)]
    reader = reader_of(model)
    asked = ask(
        reader,
        [word_target(model, spec)],
        inputs,
        sources,
        sites,
        settings=Settings(),
        progress=_quiet,
    )
    pool, concept = (
        record_concept(reader, source, sites, asked.items, one_class=not place) for place, source in enumerate(sources)
    )
    return pool, concept, asked.question


def _quiet(_: object) -> None:
    return None


def permutation_ps(concept: Concept, question: Question, kinds: Sequence[str], seed: int) -> dict[str, float]:
    """p of each kind and statistic alone, and of the larger |z| of diffmean and lda for the mean derivative."""
    G, metric = np.asarray(question.gradients[question.targets[0]][0], dtype=np.float64), question.metrics[0]
    u = unit(G).mean(axis=0)
    labels = np.concatenate([concept.y[None] == 1, permuted_labels(concept.y, concept.groups, PERMUTATIONS, seed=seed)])
    found, z = {}, {}
    for name in kinds:
        cavs = raw_cavs(KINDS[name], concept.X[0], labels, metric)
        for statistic, values in (("mean derivative", cavs @ u), ("sign count", share_positive(cavs @ G.T))):
            z[name, statistic] = sizes = np.abs(values - values.mean())
            found[f"{name}, {statistic}"] = float(p_value(sizes[0], sizes[1:]))
    scaled = {name: z[name, "mean derivative"] for name in ("diffmean", "lda")}
    both = np.maximum(*(sizes / np.sqrt((sizes**2).mean()) for sizes in scaled.values()))
    return found | {"larger of diffmean and lda, mean derivative": float(p_value(both[0], both[1:]))}


def t_test_ps(rng: np.random.Generator, concept: np.ndarray, others: np.ndarray, G: np.ndarray) -> dict[str, float]:
    """p of the usual tools. concept: (n, d). others: rows (m, d) to draw 10 random sets of n from."""
    order = rng.permutation(len(others))
    randoms = [others[order[start * len(concept) : (start + 1) * len(concept)]] for start in range(10)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scores that are all the same have no variance: p is NaN, not rejected
        return {
            "tensorflow/tcav": usual.tensorflow_tcav_p(concept, randoms, G),
            "Captum's tutorial": usual.captum_tutorial_p(concept, randoms, G),
            "LIT": usual.lit_p(concept, others, G, rng),
        }


def permutation_tests(
    rng: np.random.Generator,
    pool: Concept,
    concept: Concept | None,
    question: Question,
    kinds: Sequence[str],
    size: int,
) -> Callable[[int], dict[str, float]]:
    """One run: a random set of the pool, or of the concept's positives, against others of the pool."""
    return lambda run: permutation_ps(drawn(rng, pool, size, concept), question, kinds, run)


def t_tests(rng: np.random.Generator, rows: np.ndarray, G: np.ndarray, size: int) -> Callable[[int], dict[str, float]]:
    """One run: a random set of `rows` (m, d) as the concept."""

    def run(_: int) -> dict[str, float]:
        order = rng.permutation(len(rows))
        return t_test_ps(rng, rows[order[:size]], rows[order[size:]], G)

    return run


def shares(runs: int, ps: Callable[[int], dict[str, float]]) -> dict[str, float]:
    """Share of runs in which each p is up to .05."""
    found = [ps(run) for run in range(runs)]
    return {name: float(np.mean([one[name] <= 0.05 for one in found])) for name in found[0]}


@one_blas_thread()
def measure(
    sizes: Sequence[int], runs: int, t_runs: int, kinds: Sequence[str], images: bool
) -> list[dict[str, object]]:
    pool, concept, question = load_images() if images else load("good|bad")
    negatives = concept.rows(concept.y == 0)
    G = np.asarray(question.gradients[question.targets[0]][0], dtype=np.float64)
    results: list[dict[str, object]] = []
    for size in sizes:
        rng = np.random.default_rng(size)
        level = shares(runs, permutation_tests(rng, pool, None, question, kinds, size))
        power = shares(runs, permutation_tests(rng, negatives, concept, question, kinds, size))
        results.append({"size": size, "level": level, "power": power})
        tell(json.dumps(results[-1]))
        if t_runs and len(pool.y) >= 11 * size:
            results.append({"size": size, "level of t-tests": shares(t_runs, t_tests(rng, pool.X[0], G, size))})
            tell(json.dumps(results[-1]))
    return results


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_argument("--images", action="store_true", help="images in place of texts")
    options.add_argument("--runs", type=int, default=400, help="of each size (default 400)")
    options.add_argument("--t-runs", type=int, default=200, help="of the t-tests, which fit 130 classifiers each")
    options.add_argument("--sizes", default="25,50,100,200")
    options.add_argument("--kinds", default="diffmean,lda,logistic")
    chosen = options.parse_args()
    sizes = [int(size) for size in chosen.sizes.split(",")]
    found = measure(sizes, chosen.runs, chosen.t_runs, chosen.kinds.split(","), chosen.images)
    print(json.dumps({"results": found}) if chosen.json else "\n".join(map(json.dumps, found)))


if __name__ == "__main__":
    main()

"""How soon the Probing page reacts when its result is in the workspace: 30 layers, 5 methods, in headless Chromium.

A reaction is the time from a click (another view, another score, another probe) until the page has stopped running and
its chart is there. The limit is half a second, and the ratio is ours over it: below 1 is within. The second line is a
whole visit by link, in a fresh browser session, against two seconds. The result is made up; its size is the real one.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Comparison, parser, report, tell
from benchmarks.reactions import FLAGS, SETTLED, against, chromium, own_home, reaction, running_app

EXAMPLES, LIMIT, REACTION, VISIT = "sae-probes/92_glue_sst2", 1000, 0.5, 2.0


def prepare(home: Path) -> str:
    """A workspace with the bundled model and a sweep of all layers and methods. Returns the query of its view."""
    own_home(home)
    from core.activations import write_result
    from core.examples import open_examples
    from core.models import open_model
    from core.probing import CONTROLS, METHODS
    from core.probing.asking import finders_of, sites_of
    from core.probing.sweeping import _key

    model, examples = open_model("smollm2"), open_examples(EXAMPLES, limit=LIMIT)
    sites, finders = sites_of(model, range(model.n_layers)), finders_of(list(METHODS))
    key = _key(model, examples, sites, finders, "mean", 256, 0, (), tuple(CONTROLS))
    write_result(key, made_up(model.n_layers, list(METHODS)))
    return f"limit={LIMIT}&methods={','.join(METHODS)}"


def made_up(n_layers: int, methods: list[str]) -> dict[str, object]:
    """A sweep of the size of a real one, as it is stored."""
    from core.probing import Baseline, Block, Codelength, Control, ControlTask, ProbeResult, Sweep

    draw = random.Random(0)
    blocks = tuple(Block(22 * 2**n, 22 * 2**n, 15.0 * 2**n, 22.1 * 2**n, 0.8) for n in range(6))
    results = []
    for layer in range(n_layers):
        for method in methods:
            score = 0.7 + 0.2 * draw.random()
            results.append(
                ProbeResult(
                    layer,
                    f"model.layers.{layer} output",
                    method,
                    score,
                    (score - 0.04, score + 0.04),
                    score - 0.05,
                    700,
                    300,
                    score,
                    {"c": 0.01},
                    Control(0.5, 0.46, 0.54, 5),
                    Control(0.55, 0.5, 0.62, 20),
                    ControlTask(0.2, score - 0.05, score - 0.25, 0.5, 0.6, 5, 400, 0.5),
                    Codelength(500.0, 703.0, 700.0, 1.4, blocks),
                    (score,),
                )
            )
    names = ("tfidf", "length", "layer0", "majority")
    baselines = tuple(Baseline(name, name, 0.6, (0.55, 0.65), 0.6) for name in names)
    best = max(results, key=lambda one: one.cv_auroc)
    sweep = Sweep("smollm2", EXAMPLES, "mean", 256, 0, tuple(results), best, baselines, 0.5, 0, 1.0, False, (0,))
    return sweep.to_json()


def measure(rounds: int, program: str) -> list[Comparison]:
    """Seconds of reactions and of visits, each against its limit."""
    from playwright.sync_api import Page, sync_playwright

    reactions: list[float] = []
    visits: list[float] = []

    def timed(page: Page, act: str, seen: str) -> float:
        chart = page.get_by_test_id("stPlotlyChart").first.locator(seen)
        choice = page.get_by_test_id("stMain").get_by_role("radio", name=act)
        return reaction(page, choice.click, lambda: chart.wait_for(state="visible"))

    with tempfile.TemporaryDirectory(prefix="conceptscope-bench-") as folder:
        query = prepare(Path(folder) / "home")
        with running_app(Path(folder) / "home") as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
            for number in range(rounds + 1):  # the first visit starts what every later one finds
                context = browser.new_context(viewport={"width": 1280, "height": 900})
                page = context.new_page()
                page.set_default_timeout(120_000)
                start = time.perf_counter()
                page.goto(f"{address}/probing?{query}")
                page.get_by_test_id("stPlotlyChart").first.wait_for(state="visible")
                page.locator(SETTLED).wait_for()
                took = time.perf_counter() - start
                tell(f"visit {number}: {took:.2f} s")
                if number:
                    visits.append(took)
                for act, seen in (("Heat map", ".heatmaplayer"), ("Curves", ".legend")):
                    reactions.append(timed(page, act, seen))
                    tell(f"{act}: {reactions[-1]:.2f} s")
                context.close()
            browser.close()
    return [
        against("page-probing-reaction", reactions, REACTION),
        against("page-probing-visit", visits, VISIT),
    ]


def main() -> None:
    chosen = parser(__doc__ or "", rounds=5).parse_args()
    program = chromium()
    if program is None:
        return
    report(measure(chosen.rounds, program), chosen.json)


if __name__ == "__main__":
    main()

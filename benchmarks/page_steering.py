"""How soon the Steering page shows a new text when the dose is moved, in headless Chromium: a prompt of 30 tokens.

"At every change" is on. A move is five steps of the slider by its keys, timed from the last of them in the browser's
own clock: until the first token of the new steered text stands on the page, and until the first character in which it
differs from the text that stood there. Moves are made when the text before is finished, and in the middle of it, when
it has to be broken off. The limit for the first text is one second; of each the median and the 95th percentile are
given as ratios, which are within the limit below 1. The last line is the model alone: from the new dose to the first
token of both texts, in Python, without a page.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from benchmarks.harness import Comparison, parser, report, tell
from benchmarks.reactions import FLAGS, SETTLED, against, chromium, own_home, rarely, running_app

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from core.models import Model

LIMIT = 1.0  # seconds
LAYER, TOKENS, STEPS = 13, 24, 5  # steps of the slider in a move
NAME = "love"
PROMPT = (
    "We went to the theatre by the river last night with old friends from school, and when the lights came up again at "
    "the end I thought it was"
)
# Watches the steered text. Before the page names the new dose, whatever stands there is the old one.
WATCH = """
prompt => {
  const seen = () => {
    const columns = [...document.querySelectorAll('[data-testid="stColumn"]')]
    const own = columns.filter(one => one.textContent.startsWith('Steered, dose')).pop()
    if (!own) return null
    const [head, body] = [...own.querySelectorAll('[data-testid="stMarkdown"]')].map(one => one.textContent)
    return {head, body: body || ''}
  }
  const watched = window.watched = {moved: null, head: null, old: '', first: null, changed: null}
  addEventListener('keydown', () => {
    const now = seen()
    if (watched.moved === null && now) { watched.head = now.head; watched.old = now.body }
    watched.moved = performance.now()
  }, {capture: true})
  new MutationObserver(() => {
    if (watched.moved === null) return
    const now = seen()
    if (!now) return
    if (now.head === watched.head) { if (now.body) watched.old = now.body; return }
    if (now.body.length <= prompt.length || now.body === watched.old) return
    const since = (performance.now() - watched.moved) / 1000
    if (watched.first === null) watched.first = since
    const differs = [...now.body].some((one, place) => place < watched.old.length && one !== watched.old[place])
    if (watched.changed === null && differs) watched.changed = since
  }).observe(document.body, {subtree: true, childList: true, characterData: true})
}
"""
AGAIN = "Object.assign(window.watched, {moved: null, head: null, old: '', first: null, changed: null})"


@dataclass
class Times:
    """Seconds of each move until the first token, and until the first changed character where there was one."""

    first: list[float] = field(default_factory=list)
    changed: list[float] = field(default_factory=list)


def prepare(home: Path) -> Model:
    """A workspace with the bundled model and a saved direction, "love" minus "hate"."""
    own_home(home)
    from dataclasses import replace

    from core.directions import save_direction
    from core.models import open_model, tokenize
    from core.steering.sources import pasted

    model = open_model("smollm2")
    n = len(tokenize(model, [PROMPT], None)[0])
    if n != 30:
        raise SystemExit(f"The prompt has {n} tokens, and 30 are to be measured.")
    save_direction(replace(pasted(model, (NAME,), ("hate",), LAYER), name=NAME))
    return model


def moves(page: Page, times: Times, n: int, *, midway: bool) -> None:
    """Move the dose `n` times to and fro. midway: while the text before is still being written."""
    slider = page.get_by_test_id("stMain").get_by_role("slider").first
    for number in range(n):
        page.evaluate(AGAIN)
        for _ in range(STEPS):
            slider.press("ArrowLeft" if number % 2 else "ArrowRight")
        page.wait_for_function("window.watched.first !== null")
        if midway:
            page.wait_for_function("window.watched.changed !== null || " + _settled())
        else:
            page.locator(SETTLED).wait_for()
        found = page.evaluate("window.watched")
        times.first.append(float(found["first"]))
        times.changed += [] if found["changed"] is None else [float(found["changed"])]
        tell(
            f"{'midway' if midway else 'at rest'}: first {found['first']:.2f} s, changed {found['changed'] or 0:.2f} s"
        )
        page.wait_for_timeout(300)


def _settled() -> str:
    return f"document.querySelector('{SETTLED}') !== null"


def alone(model: Model, n: int) -> list[float]:
    """Seconds from a dose to the first token of both texts, without a page."""
    from core.steering import Decoding, Part, Recipe, Source, play, prepare

    found = []
    for number in range(n):
        dose = 0.5 if number % 2 else 0.25
        start = time.perf_counter()
        recipe = Recipe("smollm2", PROMPT, (Part(Source("saved", NAME), dose),), Decoding(max_new_tokens=TOKENS))
        with closing(play(model, prepare(model, recipe))) as moments:
            next(moment for moment in moments if any(moment.tokens))
        found.append(time.perf_counter() - start)
    return found


def measure(rounds: int, program: str) -> list[Comparison]:
    """Each kind of move, its median and its 95th percentile, against the limit."""
    from playwright.sync_api import sync_playwright

    rest, midway = Times(), Times()
    with tempfile.TemporaryDirectory(prefix="conceptscope-bench-") as folder:
        home = Path(folder) / "home"
        model = prepare(home)
        query = urlencode({"from": "saved", "direction": NAME, "tokens": TOKENS, "prompt": PROMPT, "dose": 0.25})
        with running_app(home) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.set_default_timeout(180_000)
            tell("open")
            page.goto(f"{address}/steering?{query}")
            page.locator(SETTLED).wait_for()
            page.get_by_test_id("stMain").get_by_text("At every change").click()
            page.get_by_text("Steered, dose").wait_for()
            page.locator(SETTLED).wait_for()
            tell("watching")
            page.evaluate(WATCH, PROMPT)
            moves(page, Times(), 2, midway=False)  # what every later one finds warm
            moves(page, rest, rounds, midway=False)
            moves(page, midway, rounds, midway=True)
            page.locator(SETTLED).wait_for()
            browser.close()
        bare = alone(model, rounds + 1)[1:]
    return [
        *_both("page-steering-first-text", rest.first),
        *_both("page-steering-first-text-midway", midway.first),
        *_both("page-steering-changed", rest.changed),
        *_both("page-steering-changed-midway", midway.changed),
        *_both("steering-without-a-page", bare),
    ]


def _both(name: str, seconds: list[float]) -> list[Comparison]:
    return [against(name, seconds, LIMIT), rarely(name, seconds, LIMIT)] if seconds else []


def main() -> None:
    chosen = parser(__doc__ or "", rounds=20).parse_args()
    program = chromium()
    if program is None:
        return
    report(measure(chosen.rounds, program), chosen.json)


if __name__ == "__main__":
    main()

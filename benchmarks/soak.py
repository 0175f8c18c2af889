"""Sixteen visitors at once for half an hour: does the app stay quick, right, and as large as it was?

Each visitor is a browser session of its own that goes from page to page, makes choices whose results are at hand, and
steers with a prompt and dose of its own, with a pause to read in between. They come one after the other over the first
two minutes: sixteen browsers that open a page at the same moment on the server's own cores tell of browsers. Told are

    reactions: the 95th percentile of the seconds from a choice to the page that shows it, by six parts of the time,
        against 1.5; by the browser's own clock, which shares the cores with the server.
    texts: steered texts that were wrong, of all; what is right was written before, by one run alone.
    memory: the server's, in the last sixth of the time against the end of the first third; pages of files, which any
        process that reads the model shares, not counted.
    left: hooks, threads, open files and remembered visitors two and a half minutes after the last one has gone, less
        those before the first. Each time one visitor alone came just before: the server lets go of those whom it has
        forgotten when somebody else leaves, so that the last ones' files stay open until then.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from benchmarks.harness import tell
from benchmarks.reactions import AT, FLAGS, SETTLED, SINCE, chromium, linked_home, running_app

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

SESSIONS, MINUTES, PAUSE = 16, 30.0, 20.0
ARRIVE = 120.0  # seconds over which the visitors come
PARTS, LIMIT, GROWTH = 6, 1.5, 0.05
TOKENS, DIRECTION = 12, "sentiment"
FORGOTTEN = 150.0  # seconds until the server has forgotten a visitor who has gone: it waits two minutes for a return
WATCH = "import benchmarks.soak_watch"
# By page: pairs of a row's option and what the address then says, the last of which leads back.
CHOICES = {
    "Tour": (("2 · Test", "step=test"), ("4 · Steer", "step=steer"), ("1 · Probe", "")),
    "Probing": (("Heat map", "view=map"), ("Curves", "")),
    "TCAV": (("Check my test", "panel=check"), ("Test concepts", "")),
    "Library": (("Directions", "view=directions"), ("Examples", "")),
}
NAMES = {"step", "view", "panel"}
STEERED = """
() => {
  const own = [...document.querySelectorAll('[data-testid="stColumn"]')]
    .filter(one => one.textContent.startsWith('Steered, dose')).pop()
  return own ? [...own.querySelectorAll('[data-testid="stMarkdown"]')].map(one => one.textContent)[1] : ''
}
"""


@dataclass(frozen=True)
class Steering:
    """One visitor's own: what is asked, and the text that one run alone writes."""

    prompt: str
    dose: float
    expected: str

    @property
    def path(self) -> str:
        asked = {"from": "saved", "direction": DIRECTION, "prompt": self.prompt, "dose": self.dose, "tokens": TOKENS}
        return "/steering?" + urlencode(asked)


@dataclass
class Seen:
    """reactions: (seconds since the beginning, what, seconds). wrong: texts that were not the expected one."""

    began: float
    reactions: list[tuple[float, str, float]] = field(default_factory=list)
    texts: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, what: str, seconds: float) -> None:
        self.reactions.append((time.monotonic() - self.began, what, seconds))


def steerings(sessions: int) -> list[Steering]:
    """What each visitor will ask, and the right answers."""
    from core.models import open_model
    from core.steering import Decoding, Part, Recipe, Source, play, prepare
    from core.steering.prompts import NEUTRAL

    model, found = open_model("smollm2"), []
    for number, prompt in enumerate(NEUTRAL[:sessions]):
        dose = round(-0.4 + 0.05 * number, 2)
        recipe = Recipe("smollm2", prompt, (Part(Source("saved", DIRECTION), dose),), Decoding(max_new_tokens=TOKENS))
        with closing(play(model, prepare(model, recipe))) as moments:
            *_, last = moments
        found.append(Steering(prompt, dose, model.tokenizer.decode(last.tokens[1])))
    return found


async def visit(
    browser: Browser, address: str, own: Steering, seen: Seen, until: float, seed: int, pause: float, wait: float
) -> None:
    """One visitor from the first page to the last, who comes after `wait` seconds."""
    chance = random.Random(seed)
    await asyncio.sleep(wait)
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(120_000)
    page.on("pageerror", lambda error: seen.failed.append(str(error)[:200]))
    await page.goto(address)
    await page.locator(SETTLED).wait_for()
    while time.monotonic() < until:
        await asyncio.sleep(chance.expovariate(1 / pause))
        try:
            if chance.random() < 0.25:
                await steer(page, address, own, seen, chance, pause)
            else:
                await browse(page, seen, chance, pause, chance.choice(list(CHOICES)))
        except Exception as error:  # noqa: BLE001 (a visitor who is stuck comes again, and that is told)
            seen.failed.append(str(error)[:200])
            await page.goto(address)
            await page.locator(SETTLED).wait_for()
        if await page.get_by_test_id("stException").count():
            seen.failed.append("an exception on the page")
    await context.close()


async def warm(browser: Browser, address: str, own: Steering, seen: Seen) -> None:
    """Every page, choice and way of steering once, by a visitor who goes then: every later one finds it warm."""
    chance, context = random.Random(0), await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(120_000)
    await page.goto(address)
    await page.locator(SETTLED).wait_for()
    for name in CHOICES:
        await browse(page, seen, chance, 1.0, name)
    await steer(page, address, own, seen, chance, 1.0)
    await context.close()


async def browse(page: Page, seen: Seen, chance: random.Random, pause: float, name: str) -> None:
    """To a page by the sidebar, and some choices there."""
    link = page.get_by_test_id("stSidebarNav").get_by_role("link", name=name)
    heading = f"document.querySelector('[data-testid=stMain] h1')?.innerText.toLowerCase().includes('{name.lower()}')"
    seen.add(f"to {name}", await reaction(page, link.click, heading))
    for option, says in CHOICES[name]:
        await asyncio.sleep(chance.expovariate(2 / pause))
        one = page.get_by_test_id("stMain").get_by_role("radio", name=option, exact=True).first
        others = [f"!location.search.includes('{key}=')" for key in NAMES]
        wanted = f"location.search.includes('{says}')" if says else " && ".join(others)
        seen.add(f"{name}: {option}", await reaction(page, one.click, wanted))


async def steer(page: Page, address: str, own: Steering, seen: Seen, chance: random.Random, pause: float) -> None:
    """By a link to the playground, and the text that is written there."""
    await page.goto(address + own.path)
    await page.locator(SETTLED).wait_for()
    await asyncio.sleep(chance.expovariate(2 / pause))
    await page.get_by_test_id("stMain").get_by_role("button", name="Generate").click()
    await page.get_by_test_id("stMetric").first.wait_for()
    await page.locator(SETTLED).wait_for()
    said = " ".join(str(await page.evaluate(STEERED)).split())
    expected = " ".join((own.prompt + own.expected).split())
    seen.texts += 1
    if said != expected:
        seen.wrong.append((expected, said))


async def reaction(page: Page, act: Any, wanted: str) -> float:
    """As `benchmarks.reactions.reaction`, among others."""
    await page.evaluate(AT, "click")
    await act()
    await page.wait_for_function(wanted)
    await page.locator(SETTLED).wait_for()
    return float(await page.evaluate(SINCE))


async def soak(address: str, program: str, asked: list[Steering], minutes: float, pause: float) -> tuple[Seen, float]:
    """All visitors; what they saw, and when the last one had gone."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        first = Seen(time.monotonic())
        await warm(browser, address, asked[0], first)
        tell(f"warm: {len(first.reactions)} reactions, {first.texts} texts, {len(first.wrong)} wrong, {first.failed}")
        await asyncio.sleep(FORGOTTEN)
        seen = Seen(time.monotonic())
        until, wait = seen.began + 60 * minutes, min(ARRIVE, 6 * minutes) / len(asked)
        told = asyncio.create_task(tell_now_and_then(seen))
        await asyncio.gather(
            *(
                visit(browser, address, own, seen, until, number + 1, pause, number * wait)
                for number, own in enumerate(asked)
            )
        )
        told.cancel()
        await asyncio.sleep(FORGOTTEN)
        await warm(browser, address, asked[0], Seen(time.monotonic()))
        await browser.close()
    return seen, time.monotonic()


async def tell_now_and_then(seen: Seen) -> None:
    while True:
        await asyncio.sleep(60)
        minutes = (time.monotonic() - seen.began) / 60
        late = [seconds for at, _, seconds in seen.reactions if at > 60 * (minutes - 1)]
        tell(
            f"{minutes:.0f} min: {len(seen.reactions)} reactions, the last minute's p95 {p95(late):.2f} s; "
            f"{seen.texts} texts, {len(seen.wrong)} wrong; {len(seen.failed)} failed"
        )


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[round(0.95 * (len(seconds) - 1))] if seconds else float("nan")


def summary(seen: Seen, watched: list[dict[str, float]], minutes: float, gone: float) -> dict[str, Any]:
    """The figures, plain JSON. watched: what the server said of itself, every two seconds."""
    length = 60 * minutes / PARTS
    parts = [[s for at, _, s in seen.reactions if n * length <= at < (n + 1) * length] for n in range(PARTS)]
    times = [(one["at"] - seen.began, one["own_mb"]) for one in watched]
    warm = [mb for at, mb in times if 60 * minutes / 3 - length / 2 <= at < 60 * minutes / 3]
    late = [mb for at, mb in times if 60 * minutes - length <= at < 60 * minutes]
    before = next(one for one in reversed(watched) if one["at"] <= seen.began)
    after = [one for one in watched if one["at"] > gone][-1]
    return {
        "reactions": len(seen.reactions),
        "median_by_part": [round(statistics.median(part), 3) for part in parts if part],
        "p95_by_part": [round(p95(part), 3) for part in parts if part],
        "limit": LIMIT,
        "texts": seen.texts,
        "wrong": seen.wrong[:5],
        "n_wrong": len(seen.wrong),
        "failed": seen.failed[:5],
        "n_failed": len(seen.failed),
        "memory_mb": [round(statistics.median(warm), 1), round(statistics.median(late), 1)],
        "growth": round(statistics.median(late) / statistics.median(warm) - 1, 4),
        "memory_by_minute": [
            round(statistics.median(mb for at, mb in times if 60 * n <= at < 60 * (n + 1)), 1)
            for n in range(int(minutes))
            if any(60 * n <= at < 60 * (n + 1) for at, _ in times)
        ],
        "left": {name: after[name] - before[name] for name in ("hooks", "threads", "files", "sessions")},
        "slowest": sorted(((round(s, 2), what) for _, what, s in seen.reactions), reverse=True)[:8],
    }


def measure(sessions: int, minutes: float, pause: float, program: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="conceptscope-bench-") as folder:
        home, log = Path(folder) / "home", Path(folder) / "watched.jsonl"
        linked_home(home)
        asked = steerings(sessions)
        os.environ["CONCEPTSCOPE_SOAK"] = str(log)
        with running_app(home, first=WATCH) as address:
            seen, gone = asyncio.run(soak(address, program, asked, minutes, pause))
            tell("all have gone")
            time.sleep(FORGOTTEN)
        watched = [json.loads(line) for line in log.read_text().splitlines()]
    return summary(seen, watched, minutes, gone)


def main() -> None:
    import argparse

    options = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    options.add_argument("--sessions", type=int, default=SESSIONS, help=f"visitors at once (default {SESSIONS})")
    options.add_argument("--minutes", type=float, default=MINUTES, help=f"how long (default {MINUTES:g})")
    options.add_argument(
        "--pause", type=float, default=PAUSE, help=f"seconds of reading, in the mean (default {PAUSE:g})"
    )
    chosen = options.parse_args()
    program = chromium()
    if program is not None:
        print(json.dumps(measure(chosen.sessions, chosen.minutes, chosen.pause, program), indent=1))


if __name__ == "__main__":
    main()

"""Hostile texts as examples, titles, labels, prompts and in addresses, on every page: text, and nothing else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from core.dictionaries import list_dictionaries
from core.dictionaries.index.notes import say
from core.directions import make_direction, save_direction
from core.examples import save_examples
from core.examples.examples import make_examples
from core.models import open_model
from tests.browser.conftest import _link, running_app
from tests.browser.test_every_page import TOO_WIDE
from tests.browser.test_journeys import button, menu, settled
from tests.browser.test_lens import listening
from tests.hostile_texts import BECAME_MARKUP, MARKUP, SEEN, TEXTS
from tests.pages import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=120_000)

NAME, FEATURE, LAYER = "hostile", 5, 3
CHOSEN = {
    "concept": NAME,
    "direction": NAME,
    "from": "saved",
    "layer": str(LAYER),
    "feature": str(FEATURE),
    "tokens": "4",
}
# All that fits into an address, and a NUL, which no text of a set may hold.
TYPED = {"all": "\n".join(text for text in TEXTS.values() if len(text) < 2000), "NUL": "the film\0was fine"}
SWEEP = {"limit": "40", "layers": str(LAYER), "methods": "diffmean"}
TEST = {"cavs": "diffmean", "others": "0", "pushes": "0", "dealt": "99", "rows": "24", "asked": "10", "at": str(LAYER)}
KEYS = (
    *("model", "concept", "direction", "dictionary", "layer", "feature", "features", "view", "panel", "set", "step"),
    *("set_search", "text", "prompt", "with", "target", "of", "cell", "score", "ask", "sort", "dose", "from", "colour"),
)
SHELVES = ({"view": "examples", "set": NAME}, {"view": "directions", "direction": NAME})


@pytest.fixture(scope="module")
def hostile(prepared_home: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app in a workspace whose set, direction and label are hostile throughout."""
    home = tmp_path_factory.mktemp("hostile") / "home"
    shutil.copytree(prepared_home, home, copy_function=_link, ignore=shutil.ignore_patterns("jobs", "locks", "*.part"))
    patch = pytest.MonkeyPatch()
    patch.setenv("CONCEPTSCOPE_HOME", str(home))
    try:
        said = ("I hated film", "I loved book", "Nobody liked song", "They enjoyed play")
        texts = [f"{verb} {n}. {text}" for n, text in enumerate(TEXTS.values()) for verb in said]
        examples = make_examples(
            NAME,
            MARKUP,
            texts,
            [n % 2 for n in range(len(texts))],
            source=MARKUP,
            subgroups=[(MARKUP, TEXTS["turned round"])[n % 3 == 0] for n in range(len(texts))],
            subgroup_name=MARKUP,
            names=(TEXTS["script"], MARKUP),
        )
        save_examples(examples, NAME)
        model = open_model("smollm2")
        save_direction(make_direction(model, examples, model.site(LAYER), "diffmean", name=NAME))
        say(list_dictionaries()[0].key, FEATURE, label=MARKUP, note=TEXTS["markdown"])
    finally:
        patch.undo()
    with running_app(home) as address:
        yield address


@pytest.fixture
def careful(visitor: Page) -> Iterator[Page]:
    """A visitor to whom nothing may happen: no dialog, no complaint of the page, no text that became markup."""
    dialogs, said = listening(visitor), list[str]()

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            said.append(f"{message.text} {message.location}")

    visitor.on("console", hear)
    yield visitor
    untouched(visitor)
    assert dialogs == []
    assert said == []


def untouched(page: Page) -> None:
    settled(page)
    page.wait_for_timeout(500)  # charts draw themselves after the script has ended
    assert page.evaluate(BECAME_MARKUP) == [None, 0]
    assert max(page.evaluate(TOO_WIDE)) <= 0


@pytest.mark.parametrize("page", PAGES)
def test_every_page_with_a_hostile_concept(page: str, hostile: str, careful: Page) -> None:
    careful.goto(f"{hostile}/{'' if page == 'home' else page}?{urlencode(CHOSEN)}")
    settled(careful)
    if page not in ("home", "tour"):  # these show the bundled concept
        assert MARKUP[:20] in careful.evaluate(SEEN)


@pytest.mark.parametrize("shelf", SHELVES, ids=["examples", "directions"])
def test_the_library(shelf: dict[str, str], hostile: str, careful: Page) -> None:
    careful.goto(f"{hostile}/library?{urlencode(shelf)}")
    settled(careful)
    assert MARKUP[:20] in careful.evaluate(SEEN)


def test_what_is_computed_from_it(hostile: str, careful: Page) -> None:
    """A sweep with its misread texts and kinds, a test with the texts behind it, and their jobs."""
    careful.goto(f"{hostile}/probing?{urlencode({**CHOSEN, **SWEEP, 'ask': 'errors'})}")
    button(careful, "Run the sweep").click()
    expect(careful.get_by_text(re.compile(r"Strongest at layer \d"))).to_be_visible(timeout=240_000)
    untouched(careful)
    careful.goto(f"{hostile}/probing?{urlencode({**CHOSEN, **SWEEP, 'ask': 'subgroups'})}")
    untouched(careful)
    careful.goto(f"{hostile}/tcav?{urlencode({**CHOSEN, **TEST})}")
    button(careful, "Run the test").click()
    expect(careful.get_by_text("The inputs behind it")).to_be_visible(timeout=240_000)
    untouched(careful)
    menu(careful, "Jobs")
    expect(careful.get_by_test_id("stMain").get_by_text("Done")).to_have_count(2)
    assert MARKUP[:20] in careful.evaluate(SEEN)


@pytest.mark.parametrize("kind", TYPED)
def test_what_is_typed_or_linked(kind: str, hostile: str, careful: Page) -> None:
    """As a text whose tokens are coloured, as one whose features are looked for, and as a prompt to go on with."""
    asked = TYPED[kind]
    for path in ({"panel": "live", "text": asked}, {"panel": "lens", "prompt": asked}):
        careful.goto(f"{hostile}/lens?{urlencode({**CHOSEN, **path})}")
        untouched(careful)
    careful.goto(f"{hostile}/features?{urlencode({**CHOSEN, 'features': 'text', 'text': asked})}")
    untouched(careful)
    careful.goto(f"{hostile}/steering?{urlencode({**CHOSEN, 'prompt': asked})}")
    settled(careful)
    button(careful, "Generate").click()
    expect(careful.get_by_test_id("stMetric").first).to_be_visible()


@pytest.mark.parametrize("page", PAGES)
def test_every_choice_in_an_address(page: str, hostile: str, careful: Page) -> None:
    """Each choice that pages keep in their address, as markup: refused in a sentence or shown as text."""
    careful.goto(f"{hostile}/{'' if page == 'home' else page}?{urlencode(dict.fromkeys(KEYS, MARKUP))}")
    expect(careful.get_by_test_id("stMain").get_by_role("heading", level=1)).to_be_visible()

"""What the tour shows, read from `assets/tour.json` without a model: `make assets` writes it (see making.py)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import first_concept
from core.activations import read_result
from core.errors import UserError
from core.tcav.telling import Cell, strongest
from core.workspace import read_json

if TYPE_CHECKING:
    from core.probing import Sweep

PATH = Path(__file__).parents[2] / "assets" / "tour.json"
VIEWS = ("probe", "test", "browse", "steer")


@dataclass(frozen=True)
class Window:
    """Some tokens of a passage of the bundled corpus. texts, values: of each token, its text and the feature's code
    there (None where the dictionary does not read). centre: place of the token with the code `value`. set, row: where
    the passage is from."""

    texts: tuple[str, ...]
    values: tuple[float | None, ...]
    centre: int
    value: float
    set: str
    row: int


@dataclass(frozen=True)
class Written:
    """What the model wrote behind the tour's prompt. dose: of the push, in typical norms; 0 for none."""

    dose: float
    text: str


@dataclass(frozen=True, eq=False)
class Tour:
    """value: the file's. What of it is large or derived is had by the properties."""

    value: dict[str, Any]

    @property
    def made_of(self) -> dict[str, dict[str, Any]]:
        """By view everything that its numbers follow from; hashed, it is the view's key."""
        return {view: self.value[view]["made_of"] for view in VIEWS}

    @property
    def titles(self) -> dict[str, str]:
        """Titles of the concepts, by id."""
        found: dict[str, str] = self.value["titles"]
        return found

    @cached_property
    def sweep(self) -> Sweep:
        """Probes of the concept at all layers."""
        from core.probing import sweep_from_json

        return sweep_from_json(self.value["probe"]["sweep"])

    @cached_property
    def cells(self) -> list[Cell]:
        """The test of the concept and of those beside it, at the layer where the concept's own verdict is strongest;
        none where `make assets` has not made it."""
        known = read_result(self.made_of["test"]["result"])
        if known is None:
            return []
        cells: list[Cell] = known["results"]
        layer = strongest([cell for cell in cells if cell["concept"] == first_concept.EXAMPLES])["layer"]
        return [cell for cell in cells if cell["layer"] == layer]

    @property
    def carried(self) -> dict[str, Any]:
        """Features ranked for the concept, as the Concept page has them: `best` was chosen on one half of the texts
        and measured on the other."""
        found: dict[str, Any] = self.value["browse"]["carried"]
        return found

    @property
    def pushed(self) -> dict[str, Any]:
        """The sweep of doses: what telling.py says of it, and `lines`, by quantity, to be drawn."""
        found: dict[str, Any] = self.value["steer"]["pushed"]
        return found

    @property
    def written(self) -> tuple[Written, ...]:
        """Texts behind the tour's prompt, by dose."""
        return tuple(Written(one["dose"], one["text"]) for one in self.value["steer"]["written"])

    def windows(self) -> list[Window]:
        """Where the best feature is on most, read from the bundled corpus; without those that are not there (any more).

        The file holds places and codes, and no texts of others.
        """
        from core.examples.corpus import Passage, passage_texts

        found = []
        for one in self.value["browse"]["windows"]:
            ends = one["start"] + sum(one["lengths"])
            try:
                text = passage_texts([Passage(one["set"], one["row"], one["start"], ends)])[0]
            except UserError:
                continue
            if zlib.crc32(text.encode("utf-8", errors="surrogatepass")) == one["check"]:
                found.append(_window(one, text))
        return found


def open_tour() -> Tour | None:
    """The tour that ships with the project; None if its file is missing or damaged."""
    value = read_json(PATH)
    return Tour(value) if isinstance(value, dict) and set(VIEWS) <= set(value) else None


def _window(one: dict[str, Any], text: str) -> Window:
    texts, at = [], 0
    for length in one["lengths"]:
        texts.append(text[at : at + length])
        at += length
    return Window(tuple(texts), tuple(one["values"]), one["centre"], one["value"], one["set"], one["row"])

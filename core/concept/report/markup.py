"""HTML of plain values: text is always escaped, and every number says where in the data it stands."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Number:
    """A number of the report's data. path: keys from the root. format: as `format()` takes it."""

    path: tuple[str | int, ...]
    format: str = ".3f"


Cell = str | int | Number


class Markup:
    """Writes HTML about `data`, plain JSON values."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def at(self, *path: str | int) -> Any:
        """What stands at a path; None where there is nothing."""
        value: Any = self._data
        for key in path:
            if value is None:
                return None
            value = value.get(key) if isinstance(value, dict) else value[key]
        return value

    def number(self, cell: Number) -> str:
        value = self.at(*cell.path)
        if value is None:
            return "–"
        path = "/".join(map(str, cell.path))
        shown = format(value, cell.format).replace("-", "−")
        return f'<data data-path="{escape(path)}" value="{escape(repr(value))}">{escape(shown)}</data>'

    def table(self, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
        """A table; numbers stand to the right."""
        top = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
        lines = "".join("<tr>" + "".join(map(self._cell, row)) + "</tr>" for row in rows)
        return f"<div class=wide><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"

    def _cell(self, cell: Cell) -> str:
        if isinstance(cell, Number):
            return f"<td class=number>{self.number(cell)}</td>"
        if isinstance(cell, int):
            return f"<td class=number>{cell}</td>"
        return f"<td>{theirs(cell)}</td>"


def escape(text: str) -> str:
    """Text for anywhere in HTML, attributes too."""
    return html.escape(text, quote=True)


def theirs(text: str) -> str:
    """Text of others, which may be of any script and hold marks that turn it: it stands by itself."""
    return f"<bdi>{escape(text)}</bdi>"


def more(title: str, inner: str) -> str:
    """What is shown when it is asked for."""
    return f"<details><summary>{escape(title)}</summary>{inner}</details>"


def embedded(value: Any) -> str:
    """JSON that can stand in a script element: nothing in it can end that element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text

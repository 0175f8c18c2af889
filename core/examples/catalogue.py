"""Which examples are at hand, and opening any of them by its id."""

from __future__ import annotations

import difflib
from dataclasses import asdict
from pathlib import Path

from core import workspace
from core.errors import UserError
from core.examples import bundled, files, saved
from core.examples.examples import Examples, Info
from core.examples.image_ids import is_images, list_images
from core.progress import Listener, Progress, silent


def catalogue() -> list[Info]:
    """All sets that can be opened by id: the user's saved ones first, then the bundled ones."""
    return saved.list_saved() + _bundled_infos(silent)


def search(words: str = "", subject: str = "", *, images: bool = False) -> list[Info]:
    """The sets of one subject ("" for all) whose id, title, subject or class names hold all words.

    Those of the catalogue; with `images` also the sets of images that are at hand.
    """
    wanted = words.lower().split()
    found = []
    for info in [*catalogue(), *(list_images() if images else ())]:
        text = f"{info.id} {info.title} {info.subject} {info.positive_name} {info.negative_name}".lower()
        if all(word in text for word in wanted) and subject.lower() in ("", info.subject.lower()):
            found.append(info)
    return found


def prepare(progress: Listener = silent) -> None:
    """Count the bundled sets' rows now (seconds), so that the first `catalogue` is quick."""
    _bundled_infos(progress)


def open_examples(id: str, *, limit: int | None = None) -> Examples:
    """Examples by id: `sae-probes/92_glue_sst2`, a saved name, or a path to a CSV, TSV or JSONL file.

    limit: number of rows in all, the classes in proportion, chosen with seed 0, in the order of the file. A saved
    name wins over a file of that name in the current directory; write `./name` for the file.
    """
    if id.startswith(bundled.PREFIX):
        return bundled.open_bundled(id.removeprefix(bundled.PREFIX), limit=limit)
    if saved.exists(id):
        return saved.open_saved(id, limit=limit)
    if is_images(id) and not files.expanded(id).is_dir():
        raise UserError(f"{id} is a set of images, for models that read images; choose a set of texts.")
    if _is_path(id):
        return files.open_file(id, limit=limit)
    known = [info.id for info in saved.list_saved()] + [found.id for found in bundled.bundled_sets().values()]
    near = difflib.get_close_matches(id, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`python -m core examples` lists those at hand."
    raise UserError(f"There are no examples and no file called {id!r}; {hint}")


def stamp(id: str) -> str:
    """Changes when what `open_examples(id)` gives may have changed: the time and size of a saved set or a file."""
    try:
        path = saved.found_path(id) if saved.exists(id) else files.expanded(id) if _is_path(id) else None
        found = None if path is None else path.stat()
    except (OSError, UserError):
        return ""
    return "" if found is None else f"{found.st_mtime_ns}-{found.st_size}"


def _is_path(id: str) -> bool:
    path = Path(id)
    try:
        return path.suffix.lower() in files.SUFFIXES or files.expanded(path).exists()
    except (OSError, RuntimeError, UserError):  # too long for a path, no such home, or not for the present user
        return False


def _bundled_infos(progress: Listener) -> list[Info]:
    """Info of the bundled sets, from the workspace if they were counted before."""
    wheel = bundled.version()
    if wheel is None:
        return []
    path = workspace.place("examples", "bundled", f"{bundled.WHEEL}-{wheel}-{bundled.table_digest()}.json")
    cached = workspace.read_json(workspace.found("examples", "bundled", path.name))
    if isinstance(cached, list):
        return [Info(**entry) for entry in cached]
    infos = []
    for number, (name, found) in enumerate(bundled.bundled_sets().items()):
        progress(Progress(number, len(bundled.bundled_sets()), "sets", "counting the bundled examples"))
        labels = bundled.read_rows(found)[1]
        infos.append(
            Info(
                id=found.id,
                title=found.title,
                subject=found.subject,
                positives=sum(labels),
                negatives=len(labels) - sum(labels),
                source=bundled.source(name),
                positive_name=found.positive_name,
                negative_name=found.negative_name,
            )
        )
    progress(Progress(len(infos), len(infos), "sets", "counting the bundled examples"))
    workspace.write_json(path, [asdict(info) for info in infos])
    return infos

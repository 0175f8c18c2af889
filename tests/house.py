"""The rules of the house, as a checker of source text: who may import whom, and what nobody may do.

Nothing is imported or run; a file is judged by its syntax tree. Relative imports and imports inside functions count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What app.py needs of ours, none of which imports what takes time.
AT_THE_DOOR = ("pages.shared.collecting", "pages.shared.leaving", "pages.shared.door")
PLACES = ("app.py", "core", "pages", "tests", "benchmarks")
STYLE = "pages/shared/style.py"  # the one file that sends HTML: style that is a constant

# One thing in several files, which import one another.
FOUNDATION = {
    *("errors", "lazy", "locks", "processes", "progress"),
    *("quota", "spaces", "spreadsheet", "versions", "whole_folders", "workspace"),
}
# A room imports rooms of a lower number only. Rooms of one number do not import one another, save for types.
LEVELS = {
    **dict.fromkeys([*FOUNDATION, "glossary"], 0),
    # Numbers about numbers need nothing; examples are linted with them, and are plain texts that need no model: a
    # site's typical norm is taken over some of them.
    "stats": 1,
    "accounts": 1,
    "examples": 2,
    "models": 3,
    "activations": 4,
    "directions": 5,
    **dict.fromkeys(["probing", "tcav", "dictionaries", "steering", "lenses"], 6),
    "charts": 7,
    **dict.fromkeys(["feature_steering", "first_concept", "concept", "engines"], 8),
    **dict.fromkeys(["jobs", "job_process", "job_turns", "tour"], 9),
    "cli": 10,
    "__main__": 11,
}
# These are one thing in several files, and import one another.
ONE_ROOM = (
    FOUNDATION,
    {"jobs", "job_process", "job_turns"},
)

LONGEST = 300  # lines
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
HOOKS = {
    *("register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"),
    *("register_full_backward_pre_hook", "register_module_forward_hook", "register_module_forward_pre_hook"),
}


def files() -> list[str]:
    """All Python files of the project, as paths relative to its root."""
    found = [path for place in PLACES for path in ([ROOT / place] if place.endswith(".py") else _under(place))]
    return [str(path.relative_to(ROOT)) for path in found if path.is_file()]


def imports(path: str, source: str) -> list[tuple[str, bool]]:
    """The modules that a file imports, by full name, and whether only a type checker sees it.

    `from core.models import site` gives `core.models.site`: the name may be a module.
    """
    package = Path(path).with_suffix("").parts[:-1]
    tree = ast.parse(source)
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name, id(node) in typing_only) for name in names]
    return found


def violations(path: str, source: str) -> list[str]:
    """What is wrong with the file `path` (relative to the root) if it holds `source`; sentences."""
    return [*_of_imports(path, source), *_of_calls(path, source), *_of_size(path, source)]


def _of_imports(path: str, source: str) -> Iterator[str]:
    parts = Path(path).with_suffix("").parts
    for name, typing_only in imports(path, source):
        head = name.split(".")
        if head[0] in UNSAFE_MODULES:
            yield f"{path} imports {head[0]}, which can run code hidden in data"
        if path == "app.py" and head[0] not in {"streamlit", "__future__"} and ".".join(head[:3]) not in AT_THE_DOOR:
            yield f"app.py imports {name}, but may import streamlit and {' and '.join(AT_THE_DOOR)} alone"
        if parts[0] == "core":
            yield from _of_core(path, parts, head, typing_only)
        if parts[0] == "pages" and head[0] == "pages" and head[1:2] != ["shared"]:
            yield f"{path} imports {name}: a page imports pages.shared and core, never another page"
        if parts[0] == "pages" and head[0] in {"tests", "benchmarks", "app"}:
            yield f"{path} imports {name}, which is not part of the program"


def _of_core(path: str, parts: tuple[str, ...], head: list[str], typing_only: bool) -> Iterator[str]:
    room = parts[1]
    if head[0] in {"pages", "app", "tests", "benchmarks", "streamlit"}:
        yield f"{path} imports {head[0]}: core has to work without it"
    if head[0] == "plotly" and not path.startswith("core/charts/"):
        yield f"{path} imports plotly, which only core/charts knows"
    if head[0] != "core" or len(head) < 2 or room in {"__init__", head[1]}:
        return
    if room not in LEVELS or head[1] not in LEVELS:
        missing = room if room not in LEVELS else head[1]
        yield f"{path}: the room {missing!r} has no place in the import order (LEVELS in tests/house.py)"
        return
    if any({room, head[1]} <= group for group in ONE_ROOM):
        return
    mine, theirs = LEVELS[room], LEVELS[head[1]]
    if theirs > mine or (theirs == mine and not typing_only):
        yield f"{path} imports {'.'.join(head)}, but {room} stands below {head[1]}, or beside it"


def _of_calls(path: str, source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"{path}:{node.lineno} has a bare except"
        elif isinstance(node, ast.Attribute):
            yield from _of_attribute(path, node)
        elif isinstance(node, ast.Call):
            yield from _of_call(path, node)


def _of_attribute(path: str, node: ast.Attribute) -> Iterator[str]:
    ours = path.startswith(("core/", "pages/"))
    if node.attr in HOOKS and ours and not path.startswith("core/models/"):
        yield f"{path}:{node.lineno} registers a hook, which only core/models does"
    caches = node.attr in {"cache_data", "cache_resource"}
    if caches and path.startswith("pages/") and not path.startswith("pages/shared/cached"):
        yield f"{path}:{node.lineno} caches, which only pages/shared/cached*.py does"
    if node.attr == "fragment" and path.startswith("pages/") and path != "pages/shared/parts.py":
        yield f"{path}:{node.lineno} makes a fragment, which only pages/shared/parts.py does: two must not nest"
    if (node.attr, ast.unparse(node.value)) == ("download_button", "st") and path != "pages/shared/downloads.py":
        yield f"{path}:{node.lineno} offers a file past pages/shared/downloads.py, which makes it for whoever asks"
    if node.attr == "to_csv" and ours:
        yield f"{path}:{node.lineno} writes CSV that a spreadsheet may run; core/spreadsheet.py guards it"


def _of_call(path: str, node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg}
    if given.get("trust_remote_code", "False") != "False":
        yield f"{path}:{node.lineno} lets a model's own code run (trust_remote_code)"
    if called == "torch.load" and given.get("weights_only") != "True":
        yield f"{path}:{node.lineno} calls torch.load without weights_only=True"
    if given.get("allow_pickle", "False") != "False":
        yield f"{path}:{node.lineno} lets numpy unpickle (allow_pickle)"
    html = "unsafe_allow_html" in given or called in {"st.html", "components.html", "st.components.v1.html"}
    if html and not (path == STYLE and all(one.isupper() for one in map(ast.unparse, node.args))):
        yield f"{path}:{node.lineno} puts HTML into a page; texts are untrusted"
    if called in {"eval", "exec"}:
        yield f"{path}:{node.lineno} calls {called}"


def _of_size(path: str, source: str) -> Iterator[str]:
    length = len(source.splitlines())
    if length > LONGEST:
        yield f"{path} has {length} lines; above {LONGEST} it holds more than one idea"


def _under(place: str) -> list[Path]:
    return sorted(path for path in (ROOT / place).rglob("*.py") if "__pycache__" not in path.parts)
